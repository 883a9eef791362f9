"""The result of a synthesis flow, the same for all flows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bnnfpga.synthesis.unit_area import UnitArea


@dataclass(frozen=True, kw_only=True)
class SynthesisResult:
    """Area, clock and bitstream of an accelerator; None for what a flow does not tell.

    Parameters
    ----------
    flow, tool
        The flow that was requested, and the tool that ran, with its version.
    family, recipe
        The FPGA family, and how the logic was mapped (yosys).
    part
        The target FPGA (vitis, vivado).
    clock_mhz
        The target clock; with Yosys the project's, for which units have their pipeline stages.
    lut, logic_cells, ff, carry, muxf, bram18, dsp
        Cells used, as in `CellCounts`.
    depth
        Cells of logic on the longest path.
    logic_ns
        The latest arrival in ns before routing.
    fmax_mhz
        The fastest clock after routing, or the tool's estimate of that.
    timing_met
        Whether timing is met at the target clock.
    critical_path
        The slowest path's unit, and the wires where it starts and ends.
    bitstream
        Its path.
    units
        The same by unit.
    seconds
        Run time of the tool.
    """

    flow: str
    tool: str
    family: str | None = None
    recipe: str | None = None
    part: str | None = None
    clock_mhz: float | None = None
    lut: int
    logic_cells: int | None = None
    ff: int
    carry: int | None = None
    muxf: int | None = None
    bram18: int
    dsp: int
    depth: int | None = None
    logic_ns: float | None = None
    fmax_mhz: float | None = None
    timing_met: bool | None = None
    critical_path: str | None = None
    bitstream: str | None = None
    units: tuple[UnitArea, ...] = ()
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The result as `bnnfpga synth --json` prints it."""
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**data, "units": [unit.as_dict() for unit in self.units]}
