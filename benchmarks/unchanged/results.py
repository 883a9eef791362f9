"""Comparing the results of two revisions: byte by byte, except for the few files that a refactoring may change."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePosixPath

PROJECT = PurePosixPath("project")
"""Place of the project in the results of a compilation."""
LIBRARIES = {
    PurePosixPath("rtl"): "rtl",
    PurePosixPath("hls/bnn"): "hls/bnn",
    PurePosixPath("hls"): "flows/csim",
    PurePosixPath("sim"): "flows/verilator",
    PurePosixPath("vivado"): "flows/vivado",
}
"""Folders of a project, and the folders of the repository from which files are copied there verbatim.

Such copies may differ, appear and vanish: they are the same for all nets, and simulation shows their effect. Files that
are rendered into these folders may not.
"""
DRIVER = PurePosixPath("driver/accelerator.py")
"""May differ, since it is assembled from modules of the package."""
FILE_LIST = PurePosixPath("files.f")
"""Lists the library's modules, which may appear and vanish, and the rendered files."""
_SHOWN = 60
"""Characters of a line around its first difference."""


@dataclass(frozen=True)
class Results:
    """The results of one compilation by one revision: the revision's checkout, and the folder with the results."""

    checkout: Path
    folder: Path

    def files(self) -> set[PurePosixPath]:
        """All files, relative to the folder."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {PurePosixPath(path.relative_to(self.folder).as_posix()) for path in files}

    def read(self, file: PurePosixPath) -> bytes | None:
        """A file's bytes, None if it does not exist."""
        path = self.folder / file
        return path.read_bytes() if path.is_file() else None

    def library_text(self, place: PurePosixPath) -> bytes | None:
        """The library file of which a project's file would be a copy; None if there is none."""
        folder = LIBRARIES.get(place.parent)
        source = None if folder is None else self.checkout / folder / place.name
        return source.read_bytes() if source is not None and source.is_file() else None

    def may_differ(self, file: PurePosixPath) -> bool:
        """Whether a file is a copy of a library file, or the driver, or does not exist."""
        data = self.read(file)
        if data is None:
            return True
        if not file.is_relative_to(PROJECT):
            return False
        place = file.relative_to(PROJECT)
        return place == DRIVER or self.library_text(place) == data

    def compared(self, file: PurePosixPath) -> bytes | None:
        """The part of a file that must be equal: all of it, except the library's modules in the list of files."""
        data = self.read(file)
        if data is None or file != PROJECT / FILE_LIST:
            return data
        lines = data.decode().splitlines(keepends=True)
        return "".join(line for line in lines if self.library_text(PurePosixPath(line.strip())) is None).encode()


@dataclass(frozen=True)
class Comparison:
    """The number of equal files, the library files that differ, and the illegal differences by file."""

    equal: int
    library: tuple[str, ...]
    different: dict[str, str]


def compare(old: Results, new: Results) -> Comparison:
    """Compare all files of the results of one compilation."""
    files = sorted(old.files() | new.files())
    unequal = [file for file in files if old.compared(file) != new.compared(file)]
    library = [file for file in unequal if old.may_differ(file) and new.may_differ(file)]
    different = {
        str(file): first_difference(old.compared(file), new.compared(file)) for file in unequal if file not in library
    }
    return Comparison(len(files) - len(unequal), tuple(map(str, library)), different)


def first_difference(old: bytes | None, new: bytes | None) -> str:
    """A description of the first difference between two files."""
    if old is None or new is None:
        return "is new" if old is None else "is gone"
    try:
        lines = zip_longest(old.decode().splitlines(), new.decode().splitlines())
    except UnicodeDecodeError:
        place = next(
            (place for place, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]),
            min(len(old), len(new)),
        )
        return f"byte {place} of {len(old)}, now of {len(new)}"
    for number, (was, is_now) in enumerate(lines, 1):
        if was != is_now:
            return f"line {number}: {_excerpt(was, is_now)} is now {_excerpt(is_now, was)}"
    return "the ends of lines"


def _excerpt(line: str | None, other: str | None) -> str:
    """The part of a line around its first difference from another one."""
    if line is None:
        return "(the end)"
    same = next(
        (place for place, pair in enumerate(zip(line, other or "", strict=False)) if pair[0] != pair[1]),
        min(len(line), len(other or "")),
    )
    first = max(0, same - _SHOWN // 3)
    cut = line[first : first + _SHOWN]
    return f"{'...' if first else ''}{cut}{'...' if len(line) > first + _SHOWN else ''}".strip() or "(an empty line)"
