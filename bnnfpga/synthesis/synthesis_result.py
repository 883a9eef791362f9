"""The result of a synthesis flow, the same for all flows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SynthesisResult:
    """Area, clock and bitstream of an accelerator.

    Parameters
    ----------
    flow, tool
        The flow that was requested, and the tool that ran, with its version.
    part, clock_mhz
        The target FPGA and clock.
    lut, ff, bram, dsp
        Cells used; `bram` counts 18 Kbit blocks.
    fmax_mhz
        The fastest clock, or None if the tool does not report one.
    timing_met
        Whether timing is met at the target clock.
    bitstream
        Its path, or None if the flow does not produce one.
    seconds
        Run time of the tool.
    """

    flow: str
    tool: str
    part: str
    clock_mhz: float
    lut: int
    ff: int
    bram: int
    dsp: int
    fmax_mhz: float | None
    timing_met: bool
    bitstream: str | None
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The result as `bnnfpga synth --json` prints it."""
        return asdict(self)
