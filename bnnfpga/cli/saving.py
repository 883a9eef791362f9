"""Saving simulation results as .npy files: a single file, or a folder with a file per output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bnnfpga.base.errors import UserError
from bnnfpga.base.output_files import require_writable
from bnnfpga.codegen.names import file_stem
from bnnfpga.datasets.arrays import save_npy
from bnnfpga.numbers.integers import IntArray


def output_files(target: Path, outputs: Sequence[str]) -> list[Path]:
    """The file of each output: `target` itself for a single one, else files in the folder `target`.

    The folder is created, and the files are named after the `outputs`.

    Raises
    ------
    UserError
        If they cannot be written there.
    """
    if len(outputs) == 1:
        require_writable(target)
        return [target]
    if target.suffix == ".npy" or target.is_file():
        raise UserError(
            f"the model has {len(outputs)} outputs, which are written to a folder",
            where=str(target),
            hint="give the name of a folder: each output gets a file in it",
        )
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder cannot be made: {error.strerror}", where=str(target), hint="name one whose parent exists"
        ) from error
    names: list[str] = []
    for number, output in enumerate(outputs):
        stem = file_stem(output)
        while stem.lower() in map(str.lower, names):  # some file systems ignore case
            stem = f"{stem}_{number}"
        names.append(stem)
    files = [target / f"{name}.npy" for name in names]
    for file in files:
        require_writable(file)
    return files


def save_outputs(files: Sequence[Path], arrays: IntArray | tuple[IntArray, ...]) -> None:
    """Write the arrays of a `SimulationResult` to the files of `output_files`."""
    for file, array in zip(files, arrays if isinstance(arrays, tuple) else (arrays,), strict=True):
        save_npy(file, array)
