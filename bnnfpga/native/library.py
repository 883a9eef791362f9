"""A shared library from C++ sources, built once a machine and loaded into this process."""

from __future__ import annotations

import ctypes
import functools
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bnnfpga.errors import UserError
from bnnfpga.native.cache import cached_build
from bnnfpga.native.toolchain import Compiler, find_compiler

_FLAGS = ("-std=c++17", "-fPIC")
_LINK = ("-shared", "-pthread")


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
    key: list[str | bytes] = [name, *compiler.command, compiler.identity, *_FLAGS, *flags, *_LINK]
    for part in parts.values():
        key += part.flags
        for file in part.sources:
            key += [file.name, file.read_bytes()]
    for file in headers:
        key += [file.name, file.read_bytes()]

    def run(command: list[str], where: Path) -> None:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if result.returncode != 0:
            said = "\n".join(result.stderr.strip().splitlines()[:20])
            raise UserError(
                f"{what} cannot be built:\n{said}",
                where=str(where),
                hint=f"name another C++17 compiler in CXX, or {hint}",
            )

    def build(folder: Path) -> None:
        def compile_part(part: str) -> Path:
            whole = folder / f"{part}.cpp"
            whole.write_text("".join(f'#include "{source}"\n' for source in parts[part].sources))
            target = whole.with_suffix(".o")
            run([*compiler.command, *_FLAGS, *flags, *parts[part].flags, "-c", str(whole), "-o", str(target)], whole)
            whole.unlink()
            return target

        with ThreadPoolExecutor() as pool:
            objects = list(pool.map(compile_part, parts))
        run([*compiler.command, *_LINK, *map(str, objects), "-o", str(folder / "library.so")], folder)
        for file in objects:
            file.unlink()

    library = cached_build(key, build, name) / "library.so"
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise UserError(
            f"{what} cannot be loaded: {error}",
            where=str(library),
            hint="where a disk allows no programs (noexec), set BNNFPGA_CACHE to another",
        ) from error
