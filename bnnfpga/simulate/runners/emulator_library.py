"""The emulator's native library: built once a machine from `flows/emulator/`, loaded into this process.

There is a library for each instruction set, and one process may hold several. None is ever loaded that this machine
cannot run: what the machine has is what its compiler predefines for it, and the cache tells machines apart by that.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
import threading

from bnnfpga.base.assets import asset
from bnnfpga.base.errors import UserError
from bnnfpga.native.library import Part, compiler_here, shared_library
from bnnfpga.native.toolchain import Compiler

INSTRUCTION_SETS: dict[str, tuple[str, ...]] = {
    "avx512": ("avx512f", "avx512bw", "avx512vl", "avx512vpopcntdq", "avx512vnni", "avx512vbmi"),
    "avx2": ("avx2",),
    "portable": (),
}
"""What each path needs of the processor, by the compiler's names, the fastest path first."""

VARIABLE = "BNNFPGA_EMULATOR"
"""Environment variable that chooses a path: one of `INSTRUCTION_SETS`, or `numpy`."""

# What a net's time goes into: the sources that use vectors (lanes.h), and what feeds them.
_VECTORS = ("bit_planes", "byte_table", "matrix_vector", "row_kernel", "sliced_matrix_vector")
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
        raise UserError("there is no emulator path of that name", where=where, hint=f"paths are {', '.join(choices)}")
    if asked == "numpy":
        return asked
    try:
        if sys.byteorder != "little":
            raise UserError("the native emulator needs a little-endian machine", hint="use --backend rtl")
        here = paths_here(compiler_here())
    except UserError:
        if asked is None:
            return "numpy"
        raise
    if asked is not None and asked not in here:
        raise UserError(
            "this machine does not have its instructions",
            where=where,
            hint=f"this machine runs {', '.join(here)}, numpy",
        )
    return asked or here[0]


def native_path() -> str | None:
    """The native path that is taken here, its library loaded; None where there is none, or it cannot be built.

    Raises
    ------
    UserError
        When the path that the environment asks for does not exist, or does not run here.
    """
    path = choose_path()
    if path == "numpy":
        return None
    with contextlib.suppress(UserError):
        load_library(path)
        return path
    return None


@functools.cache
def load_library(path: str) -> ctypes.CDLL:
    """The library of a path that runs here, built where the cache does not hold it.

    Raises
    ------
    UserError
        When it cannot be built or loaded.
    """
    files = sorted((asset("flows") / "emulator").iterdir())
    sources = [file for file in files if file.suffix == ".cpp"]
    vectors = tuple(file for file in sources if file.stem in _VECTORS)
    others = tuple(file for file in sources if file.stem not in _VECTORS)
    library = shared_library(
        f"emulator-{path}",
        {"vectors": Part(("-O3",), vectors), "rest": Part(("-O1",), others)},
        headers=[file for file in files if file.suffix == ".h"],
        flags=_options(path),
        what="the emulator",
        hint=f"set {VARIABLE}=numpy to do without",
    )
    library.bnn_graph_new.restype = ctypes.c_void_p
    library.bnn_graph_free.restype = None
    return library


def build_ahead() -> None:
    """Begins to build the library that an emulator will soon load, beside what else has to be done until then.

    What fails here fails again, and is reported, where the library is loaded: that waits for the one who builds.
    """

    def build() -> None:
        with contextlib.suppress(UserError):
            native_path()

    threading.Thread(target=build, name="bnnfpga-emulator-build").start()


def check_call(function: object, *arguments: object, who: str = "") -> None:
    """Call a function of the library that tells by a message what failed; `who` names the operator it is about.

    Raises
    ------
    RuntimeError
        With that message: the graph does not fit the kernels, which is a bug.
    """
    message = ctypes.create_string_buffer(_MESSAGE_BYTES)
    if function(*arguments, message, ctypes.c_int64(_MESSAGE_BYTES)):  # type: ignore[operator]
        about = f"emulator, {who}" if who else "emulator"
        raise RuntimeError(f"{about}: {message.value.decode(errors='replace')}")


def _options(path: str) -> tuple[str, ...]:
    return tuple(f"-m{need}" for need in INSTRUCTION_SETS[path])
