"""Shared libraries from C++ sources, built once per machine and loaded into this process."""

from __future__ import annotations

import ctypes
import functools
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

from bnnfpga.base.errors import UserError
from bnnfpga.native.cache import cached_build
from bnnfpga.native.toolchain import Compiler, find_compiler

_FLAGS = ("-std=c++17", "-fPIC")
_LINK = ("-shared", "-pthread")
_FILE = "library.so"

_failures: dict[tuple[str | bytes, ...], UserError] = {}
"""Failed builds, which this process does not try again."""


@dataclass(frozen=True)
class TranslationUnit:
    """Sources compiled together, since most take less time to compile than the standard headers."""

    flags: tuple[str, ...]
    sources: tuple[Path, ...]


@functools.cache
def compiler_here() -> Compiler:
    """The C++ compiler of this machine, see `find_compiler`."""
    return find_compiler()


def shared_library(
    name: str,
    parts: Mapping[str, TranslationUnit],
    *,
    headers: Sequence[Path] = (),
    flags: Sequence[str] = (),
    what: str,
    hint: str,
) -> ctypes.CDLL:
    """Load a library, after building it if the cache does not hold it.

    Parameters
    ----------
    name
        Prefix of its folder in the cache.
    parts
        The sources, by name, compiled in parallel.
    headers
        Files that the sources include.
    flags
        Compiler flags for all parts.
    what, hint
        For messages: what this library is, and how to do without a compiler.

    Raises
    ------
    UserError
        If it cannot be built or loaded.
    """
    compiler = compiler_here()
    ingredients: list[str | bytes] = [name, *compiler.command, compiler.identity, *_FLAGS, *flags, *_LINK]
    for part in parts.values():
        ingredients += part.flags
        for file in part.sources:
            ingredients += [file.name, file.read_bytes()]
    for file in headers:
        ingredients += [file.name, file.read_bytes()]
    key = tuple(ingredients)

    def run(*commands: list[str]) -> None:
        """Run compiler commands in parallel."""
        running = [
            subprocess.Popen(command, stdout=DEVNULL, stderr=PIPE, text=True, errors="replace") for command in commands
        ]
        errors = [process.communicate()[1] for process in running]
        for process, command, text in zip(running, commands, errors, strict=True):
            if process.returncode != 0:
                _failures[key] = UserError(
                    "\n".join([f"{what} cannot be built:", *text.strip().splitlines()[:20]]),
                    where=command[0],
                    hint=f"name another C++17 compiler in CXX, or {hint}",
                )
                raise _failures[key]

    def build(folder: Path) -> None:
        if key in _failures:
            raise _failures[key]
        commands, objects = [], []
        for name, part in parts.items():
            whole = folder / f"{name}.cpp"
            whole.write_text("".join(f'#include "{source}"\n' for source in part.sources))
            objects.append(whole.with_suffix(".o"))
            commands.append([*compiler.command, *_FLAGS, *flags, *part.flags, "-c", str(whole), "-o", str(objects[-1])])
        run(*commands)
        run([*compiler.command, *_LINK, *map(str, objects), "-o", str(folder / _FILE)])
        for file in objects:
            file.unlink()
            file.with_suffix(".cpp").unlink()

    library = cached_build(key, build, name) / _FILE
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise UserError(
            f"{what} cannot be loaded: {error}",
            where=str(library),
            hint="where the disk is mounted noexec, set BNNFPGA_CACHE to a folder on another",
        ) from error
