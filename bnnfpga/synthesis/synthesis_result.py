"""What every synthesis flow finds out, in one form."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class SynthesisResult:
    """Area, clock and bitstream of an accelerator.

    Parameters
    ----------
    flow, tool
        What was asked for, and which tool with which version did it.
    part, clock_mhz
        The FPGA and the clock that it was done for.
    lut, ff, bram, dsp
        Cells; `bram` counts blocks of 18 Kbit.
    fmax_mhz
        The fastest clock, or None where the tool tells none.
    timing_met
        Whether the asked clock is kept.
    bitstream
        Its path, or None where the flow makes none.
    seconds
        What it took.
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
