"""The result of a simulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.integers import IntArray


@dataclass(frozen=True)
class SimulationResult:
    """Results and figures of one run; `as_dict` holds the figures that the command line prints.

    Parameters
    ----------
    outputs
        The accelerator's outputs, int64 (images, ...): scores or classes. A tuple of such arrays for a model with
        several outputs.
    values
        The file's outputs, computed from `outputs`: (images, ...) as in the file without its batch of one, float32, or
        int64 for indices; a tuple for several. None where the accelerator gives classes.
    classes
        int64 (images,): the result of ArgMax or TopK; else the index of the largest value, the first of equals; for a
        single value, whether it exceeds 0.5 behind a Sigmoid, else 0. (images, ...) where each pixel has a class; a
        tuple for several outputs.
    mismatches
        Images whose integers differ from the golden model's.
    frame_done
        Cycle of the last output transfer of each frame, None for backends without cycles.
    initiation_interval
        Cycles between successive frames once the pipeline is full, the largest where `interval_constant` is false; None
        under stalls, with fewer than 3 frames, and for backends without cycles.
    input
        The format of the images: `kind`, `scale`, and whether the scale was `given`.
    warnings
        Warnings about the images, as sentences.
    predicted_initiation_interval, predicted_latency_cycles
        The compiler's predictions for its own RTL; None for other Verilog.
    trace
        The waveform's `file`, the number of `cycles` and whole `images` in it, and whether it covers the whole run
        (`complete`); None if no waveform was requested.
    """

    backend: str
    outputs: IntArray | tuple[IntArray, ...] = field(repr=False)
    values: NDArray[Any] | tuple[NDArray[Any], ...] | None = field(repr=False)
    classes: IntArray | tuple[IntArray, ...] = field(repr=False)
    frame_done: NDArray[np.int64] | None = field(repr=False)
    images: int
    mismatches: int
    accuracy: float | None
    cycles: int | None
    initiation_interval: int | None
    interval_constant: bool | None
    predicted_initiation_interval: int | None
    latency_cycles: int | None
    predicted_latency_cycles: int | None
    simulated_cycles_per_second: float | None
    build_seconds: float
    run_seconds: float
    streams: list[dict[str, Any]] | None
    input: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    trace: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `bnnfpga simulate --json`."""
        arrays = ("outputs", "values", "classes", "frame_done")
        return {key: value for key, value in vars(self).items() if key not in arrays}

    def __str__(self) -> str:
        from bnnfpga.report.tables import simulate_table
        from bnnfpga.report.text import as_text

        return as_text(simulate_table(self.as_dict()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import simulate_table
        from bnnfpga.report.text import as_html

        return as_html(simulate_table(self.as_dict()))
