"""What a simulation found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.integers import IntArray


@dataclass(frozen=True)
class SimulationResult:
    """Results and figures of one run; `as_dict` has the figures as the command line prints them.

    Parameters
    ----------
    outputs
        What the accelerator gave, int64 (images, ...): scores, or classes. Of a model with several outputs, a tuple
        of such arrays.
    values
        What the file's outputs are, computed from them: (images, ...) as the file has them without its batch of one,
        float32, or int64 for indices; of several a tuple. None where the accelerator gives classes.
    classes
        int64 (images,): what ArgMax or TopK say; else where the values are largest, the first of equals; of one value
        whether it lies above 0.5 behind a Sigmoid, or above 0. Of an image (images, ...), for each pixel; of several
        outputs a tuple.
    mismatches
        Images whose integers differ from the golden model's.
    frame_done
        Cycle of the last output transfer of each frame, None for backends without cycles.
    initiation_interval
        Cycles between successive frames once the pipe is full, the largest where `interval_constant` is false; None
        under stalls, with fewer than 3 frames, and for backends without cycles.
    input
        What the images hold: `kind`, `scale`, and whether that was `given`.
    warnings
        What to know of the images, as sentences.
    predicted_initiation_interval, predicted_latency_cycles
        What the compiler predicts for its own RTL; None for other Verilog.
    trace
        Of the waveform its `file`, how many `cycles` and whole `images` it shows, and whether that is all of the run
        (`complete`); None where none was asked for.
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
        """What `bnnfpga simulate --json` prints."""
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
