"""A scratch folder for a simulator's input and output, and running the program."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError

INPUT = "input.bin"


@contextmanager
def scratch_folder(data: NDArray[np.uint8] | bytes) -> Iterator[Path]:
    """Create a temporary folder with `data` in the file `INPUT`.

    Raises
    ------
    UserError
        If there is no room for it.
    """
    with ExitStack() as stack:
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bnnfpga-")))
            (folder / INPUT).write_bytes(data if isinstance(data, bytes) else np.ascontiguousarray(data, np.uint8).data)
        except OSError as error:
            raise UserError(
                f"temporary files cannot be written: {error.strerror or error}",
                where=str(error.filename or tempfile.tempdir),
                hint="set TMPDIR to a folder with room that you may write, or give fewer images",
            ) from error
        yield folder


def run_program(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a built simulator to its end, and capture its output.

    Raises
    ------
    UserError
        If the system cannot run it.
    """
    try:
        return subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            **options,
        )
    except OSError as error:
        raise UserError(
            f"the simulator cannot be run: {error.strerror}",
            where=str(error.filename or command[0]),
            hint="compile the model again; where the disk is mounted noexec, set BNNFPGA_CACHE to a folder on another",
        ) from error
