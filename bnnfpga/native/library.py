"""A shared library from C++ sources, built once a machine and loaded into this process."""

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
"""What could not be built once is not tried again by this process."""


@dataclass(frozen=True)
class Part:
    """Sources that are compiled as one, for standard headers take longer than what is in most of them."""

    flags: tuple[str, ...]
    sources: tuple[Path, ...]


@functools.cache
def compiler_here() -> Compiler:
    """The C++ compiler of this machine, see `find_compiler`."""
    return find_compiler()


def shared_library(
    name: str,
    parts: Mapping[str, Part],
    *,
    headers: Sequence[Path] = (),
    flags: Sequence[str] = (),
    what: str,
    hint: str,
) -> ctypes.CDLL:
    """The library, built where the cache does not hold it.

    Parameters
    ----------
    name
        What its folder in the cache is called.
    parts
        By name, compiled side by side.
    headers
        Files that the sources include.
    flags
        For the compiler, those of all parts.
    what, hint
        For messages: what this library is, and how to do without a compiler.

    Raises
    ------
    UserError
        When it cannot be built or loaded.
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
        """Side by side."""
        running = [
            subprocess.Popen(command, stdout=DEVNULL, stderr=PIPE, text=True, errors="replace") for command in commands
        ]
        said = [process.communicate()[1] for process in running]
        for process, command, text in zip(running, commands, said, strict=True):
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
