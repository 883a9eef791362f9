"""The emulator's native library: built once a machine from `flows/emulator/`, loaded into this process.

There is a library for each instruction set, and one process may hold several. None is ever loaded that this machine
cannot run: what the machine has is what its compiler predefines for it, and the cache tells machines apart by that.
"""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bnnfpga.assets import asset
from bnnfpga.errors import UserError
from bnnfpga.simulate.cache import cached_build
from bnnfpga.simulate.toolchain import Compiler, find_compiler

INSTRUCTION_SETS: dict[str, tuple[str, ...]] = {
    "avx512": ("avx512f", "avx512bw", "avx512vl", "avx512vpopcntdq", "avx512vnni", "avx512vbmi"),
    "avx2": ("avx2",),
    "portable": (),
}
"""What each path needs of the processor, by the compiler's names, the fastest path first."""

VARIABLE = "BNNFPGA_EMULATOR"
"""Environment variable that chooses a path: one of `INSTRUCTION_SETS`, or `numpy`."""

_FLAGS = ("-std=c++17", "-fPIC")
_PARTS = {"vectors": "-O3", "rest": "-O1"}
# What a net's time goes into: the sources that use vectors (lanes.h), and what feeds them.
_VECTORS = ("bit_planes", "byte_table", "matrix_vector", "row_kernel", "sliced_matrix_vector")
_LINK = ("-shared", "-pthread")
_FILE = "emulator.so"
_MESSAGE_BYTES = 400


def paths_here(compiler: Compiler) -> tuple[str, ...]:
    """The paths that this machine can run, the fastest first."""
    return tuple(
        path
        for path, needs in INSTRUCTION_SETS.items()
        if all(f"#define __{need.upper()}__ 1" in compiler.identity for need in needs)
    )


def choose_path(path: str | None = None) -> str:
    """The path to take: `path`, else what the environment says, else the fastest; `numpy` where nothing can be built.

    Raises
    ------
    UserError
        When the path that was asked for does not exist, or does not run here.
    """
    asked = path or os.environ.get(VARIABLE) or None
    choices = (*INSTRUCTION_SETS, "numpy")
    where = f"emulator path {asked!r}"
    if asked is not None and asked not in choices:
        raise UserError("there is none of that name", where=where, hint=f"paths are {', '.join(choices)}")
    if asked == "numpy":
        return asked
    try:
        if sys.byteorder != "little":
            raise UserError("the native emulator needs a little-endian machine", hint="use --backend rtl")
        here = paths_here(_compiler())
    except UserError:
        if asked is None:
            return "numpy"
        raise
    if asked is not None and asked not in here:
        raise UserError("this machine lacks its instructions", where=where, hint=f"here run {', '.join(here)}, numpy")
    return asked or here[0]


def native_path() -> str | None:
    """The native path that is taken here, its library loaded; None where there is none, or it cannot be built."""
    try:
        path = choose_path()
        if path == "numpy":
            return None
        load_library(path)
    except UserError:
        return None
    return path


@functools.cache
def load_library(path: str) -> ctypes.CDLL:
    """The library of a path that runs here, built where the cache does not hold it.

    Raises
    ------
    UserError
        When it cannot be built or loaded.
    """
    compiler = _compiler()
    built = cached_build(_key(path, compiler), lambda folder: _build(path, compiler, folder), _name(path))
    try:
        library = ctypes.CDLL(str(built / _FILE))
    except OSError as error:
        raise UserError(
            f"the emulator cannot be loaded: {error}",
            where=str(built / _FILE),
            hint="where a disk allows no programs (noexec), set BNNFPGA_CACHE to another",
        ) from error
    library.bnn_graph_new.restype = ctypes.c_void_p
    library.bnn_graph_free.restype = None
    return library


def build_ahead() -> None:
    """Begins to build the library that an emulator will soon load, beside what else has to be done until then.

    What fails here fails again, and is reported, where the library is loaded: that waits for the one who builds.
    """
    threading.Thread(target=native_path, name="bnnfpga-emulator-build").start()


def check_call(function: object, *arguments: object) -> None:
    """Call a function of the library that tells by a message what failed.

    Raises
    ------
    RuntimeError
        With that message: the graph does not fit the kernels, which is a bug.
    """
    message = ctypes.create_string_buffer(_MESSAGE_BYTES)
    if function(*arguments, message, ctypes.c_int64(_MESSAGE_BYTES)):  # type: ignore[operator]
        raise RuntimeError(f"emulator: {message.value.decode(errors='replace')}")


@functools.cache
def _compiler() -> Compiler:
    return find_compiler()


def _sources() -> list[Path]:
    return sorted((asset("flows") / "emulator").iterdir())


def _name(path: str) -> str:
    return f"emulator-{path}"


def _options(path: str) -> tuple[str, ...]:
    return (*_FLAGS, *(f"-m{need}" for need in INSTRUCTION_SETS[path]))


def _key(path: str, compiler: Compiler) -> Sequence[str | bytes]:
    parts: list[str | bytes] = ["emulator", *compiler.command, compiler.identity, *_options(path), *_LINK]
    parts += [*_PARTS.values()]
    for source in _sources():
        parts += [source.name, source.read_bytes()]
    return parts


def _build(path: str, compiler: Compiler, folder: Path) -> None:
    # Standard headers take longer than what is in most of the files: they are compiled as two, side by side.
    sources = [source for source in _sources() if source.suffix == ".cpp"]

    def compile_part(part: str) -> Path:
        whole = folder / f"{part}.cpp"
        names = [source for source in sources if (source.stem in _VECTORS) == (part == "vectors")]
        whole.write_text("".join(f'#include "{name}"\n' for name in names))
        target = whole.with_suffix(".o")
        _run([*compiler.command, *_options(path), _PARTS[part], "-c", str(whole), "-o", str(target)], whole)
        return target

    with ThreadPoolExecutor() as pool:
        objects = list(pool.map(compile_part, _PARTS))
    _run([*compiler.command, *_LINK, *map(str, objects), "-o", str(folder / _FILE)], folder)
    for file in objects:
        file.unlink()
        file.with_suffix(".cpp").unlink()


def _run(command: list[str], where: Path) -> None:
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode != 0:
        said = "\n".join(result.stderr.strip().splitlines()[:20])
        raise UserError(
            f"the emulator cannot be built:\n{said}",
            where=str(where),
            hint=f"name another C++17 compiler in CXX, or set {VARIABLE}=numpy to do without",
        )
