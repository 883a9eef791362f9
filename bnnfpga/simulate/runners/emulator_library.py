"""The emulator's native library: built once per machine from `flows/emulator/`, and loaded into this process.

There is a library for each instruction set, and one process may load several. A library that this machine cannot run is
never loaded: the machine's instruction sets are those that its compiler predefines, which are also part of the cache's
key.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
import threading
from pathlib import Path

from bnnfpga.base.assets import asset
from bnnfpga.base.errors import UserError
from bnnfpga.native.library import TranslationUnit, compiler_here, shared_library
from bnnfpga.native.toolchain import Compiler

INSTRUCTION_SETS: dict[str, tuple[str, ...]] = {
    "avx512": ("avx512f", "avx512bw", "avx512vl", "avx512vpopcntdq", "avx512vnni", "avx512vbmi"),
    "avx2": ("avx2",),
    "portable": (),
}
"""The instruction sets that each path needs, by the compiler's names, fastest path first."""

VARIABLE = "BNNFPGA_EMULATOR"
"""Environment variable that chooses a path: one of `INSTRUCTION_SETS`, or `numpy`."""

# The line of a source that asks for full optimisation: those that use vectors (lanes.h), and those that feed them.
_HOT = "// Hot code, compiled with -O3."
_MESSAGE_BYTES = 400


def paths_here(compiler: Compiler) -> tuple[str, ...]:
    """The paths that this machine can run, fastest first."""
    return tuple(
        path
        for path, needs in INSTRUCTION_SETS.items()
        if all(f"#define __{need.upper()}__ 1" in compiler.identity for need in needs)
    )


def choose_path(path: str | None = None) -> str:
    """The path to use: `path`, else the environment's, else the fastest; `numpy` if nothing can be built.

    Raises
    ------
    UserError
        If the requested path does not exist, or does not run here.
    """
    requested = path or os.environ.get(VARIABLE) or None
    choices = (*INSTRUCTION_SETS, "numpy")
    where = f"emulator path {requested!r}"
    if requested is not None and requested not in choices:
        raise UserError("there is no emulator path of that name", where=where, hint=f"paths are {', '.join(choices)}")
    if requested == "numpy":
        return requested
    try:
        if sys.byteorder != "little":
            raise UserError("the native emulator needs a little-endian machine", hint="use --backend rtl")
        here = paths_here(compiler_here())
    except UserError:
        if requested is None:
            return "numpy"
        raise
    if requested is not None and requested not in here:
        raise UserError(
            "this machine does not have its instructions",
            where=where,
            hint=f"this machine runs {', '.join(here)}, numpy",
        )
    return requested or here[0]


def native_path() -> str | None:
    """Load the library of the native path to use here; returns the path, or None if it is numpy or cannot be built.

    Raises
    ------
    UserError
        If the path that the environment requests does not exist, or does not run here.
    """
    path = choose_path()
    if path == "numpy":
        return None
    with contextlib.suppress(UserError):
        load_library(path)
        return path
    return None


def is_hot(source: Path) -> bool:
    """Whether a C++ source asks for full optimisation; the others compile faster with little."""
    return _HOT in source.read_text().splitlines()


@functools.cache
def load_library(path: str) -> ctypes.CDLL:
    """Load the library of a path that runs here, after building it if the cache does not hold it.

    Raises
    ------
    UserError
        If it cannot be built or loaded.
    """
    files = sorted((asset("flows") / "emulator").iterdir())
    sources = [file for file in files if file.suffix == ".cpp"]
    hot = tuple(file for file in sources if is_hot(file))
    others = tuple(file for file in sources if file not in hot)
    library = shared_library(
        f"emulator-{path}",
        {"hot": TranslationUnit(("-O3",), hot), "rest": TranslationUnit(("-O1",), others)},
        headers=[file for file in files if file.suffix == ".h"],
        flags=_options(path),
        what="the emulator",
        hint=f"set {VARIABLE}=numpy to do without",
    )
    library.bnn_graph_new.restype = ctypes.c_void_p
    library.bnn_graph_free.restype = None
    return library


def build_ahead() -> None:
    """Start building the library in the background, for an emulator that will soon load it.

    Loading waits for this build. A failure here is repeated, and reported, when the library is loaded.
    """

    def build() -> None:
        with contextlib.suppress(UserError):
            native_path()

    threading.Thread(target=build, name="bnnfpga-emulator-build").start()


def check_call(function: object, *arguments: object, who: str = "") -> None:
    """Call a library function that reports failures as a message; `who` names the operator concerned.

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
