"""The comparison of what two revisions made: byte by byte, but for the few files that a refactoring may change."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePosixPath

PROJECT = PurePosixPath("project")
"""Where a project lies in the results of a compilation."""
LIBRARIES = {
    PurePosixPath("rtl"): "rtl",
    PurePosixPath("hls/bnn"): "hls/bnn",
    PurePosixPath("hls"): "flows/csim",
    PurePosixPath("sim"): "flows/verilator",
    PurePosixPath("vivado"): "flows/vivado",
}
"""Folders of a project, and where in the repository the files come from that are only copied there.

Such a copy may differ, appear and vanish: it is the same for all nets, and simulation shows what it does. What is
rendered into these folders may not.
"""
DRIVER = PurePosixPath("driver/accelerator.py")
"""May differ: it is put together from modules of the package."""
FILE_LIST = PurePosixPath("files.f")
"""Lists the library's modules, which may appear and vanish, beside what is rendered."""
_SHOWN = 60
"""Characters of a line around its first difference."""


@dataclass(frozen=True)
class Made:
    """What one revision made: its checkout, and the folder with the results of one compilation."""

    checkout: Path
    results: Path

    def files(self) -> set[PurePosixPath]:
        """All files, relative to the results."""
        found = (path for path in self.results.rglob("*") if path.is_file())
        return {PurePosixPath(path.relative_to(self.results).as_posix()) for path in found}

    def read(self, file: PurePosixPath) -> bytes | None:
        """A file's bytes, None where it is not there."""
        path = self.results / file
        return path.read_bytes() if path.is_file() else None

    def library_text(self, place: PurePosixPath) -> bytes | None:
        """What a file of a project is a copy of, if the repository has such a file."""
        folder = LIBRARIES.get(place.parent)
        source = None if folder is None else self.checkout / folder / place.name
        return source.read_bytes() if source is not None and source.is_file() else None

    def may_differ(self, file: PurePosixPath) -> bool:
        """Whether a file is a copy of the library's, or the driver, or not there at all."""
        data = self.read(file)
        if data is None:
            return True
        if not file.is_relative_to(PROJECT):
            return False
        place = file.relative_to(PROJECT)
        return place == DRIVER or self.library_text(place) == data

    def compared(self, file: PurePosixPath) -> bytes | None:
        """What of a file must be equal: all, but for the library's modules in the list of files."""
        data = self.read(file)
        if data is None or file != PROJECT / FILE_LIST:
            return data
        lines = data.decode().splitlines(keepends=True)
        return "".join(line for line in lines if self.library_text(PurePosixPath(line.strip())) is None).encode()


@dataclass(frozen=True)
class Comparison:
    """How many files are equal, which of the library's texts differ, and what must not differ and does, by file."""

    equal: int
    library: tuple[str, ...]
    different: dict[str, str]


def compare(old: Made, new: Made) -> Comparison:
    """Compare all files of the results of one compilation."""
    files = sorted(old.files() | new.files())
    unequal = [file for file in files if old.compared(file) != new.compared(file)]
    library = [file for file in unequal if old.may_differ(file) and new.may_differ(file)]
    different = {
        str(file): first_difference(old.compared(file), new.compared(file)) for file in unequal if file not in library
    }
    return Comparison(len(files) - len(unequal), tuple(map(str, library)), different)


def first_difference(old: bytes | None, new: bytes | None) -> str:
    """Where two files begin to differ, for people."""
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
    """A line around the place where it differs from another one."""
    if line is None:
        return "(the end)"
    same = next(
        (place for place, pair in enumerate(zip(line, other or "", strict=False)) if pair[0] != pair[1]),
        min(len(line), len(other or "")),
    )
    first = max(0, same - _SHOWN // 3)
    cut = line[first : first + _SHOWN]
    return f"{'...' if first else ''}{cut}{'...' if len(line) > first + _SHOWN else ''}".strip() or "(an empty line)"
