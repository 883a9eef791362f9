"""Cutting a netlist into pipeline stages of about equal depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from bnnfpga.netlists.netlist import ONE, CarryChain, Netlist, Signal
from bnnfpga.netlists.shared_tables import PackedLut, packed


@dataclass(frozen=True, eq=False)
class Staged:
    """A netlist with the stage, from 0, of each signal; registers stand between stages, none behind the last.

    Inputs belong to stage 0, and all outputs leave the last one: every way through meets `stages` - 1 registers.
    """

    netlist: Netlist
    stages: int
    made: tuple[int, ...]
    """For each signal the stage of its cell; -1 for constants, which need no register."""

    @cached_property
    def registers(self) -> dict[Signal, int]:
        """The registers behind each signal that a later stage reads."""
        read = dict.fromkeys((s for signals in self.netlist.outputs.values() for s in signals), self.stages - 1)
        for cell in self.netlist.live_cells():
            for signal in cell.inputs:
                read[signal] = max(read.get(signal, 0), self.made[cell.outputs[0]])
        behind = {signal: stage - self.made[signal] for signal, stage in read.items() if signal > ONE}
        return {signal: count for signal, count in sorted(behind.items()) if count}

    @property
    def depth(self) -> int:
        """The most cells in a row in one stage; a carry chain counts as one."""
        levels: dict[Signal, int] = {}
        for cell in self.netlist.live_cells():
            stage = self.made[cell.outputs[0]]
            here = [levels.get(signal, 0) for signal in cell.inputs if self.made[signal] == stage]
            levels.update(dict.fromkeys(cell.outputs, 1 + max(here, default=0)))
        return max(levels.values(), default=0)

    @property
    def tables(self) -> list[PackedLut]:
        """The lookup tables in pairs, of one stage each."""
        cells = self.netlist.live_cells()
        by_stage = [[cell for cell in cells if self.made[cell.outputs[0]] == stage] for stage in range(self.stages)]
        return [table for part in by_stage for table in packed(part)]


def staged(netlist: Netlist, stages: int) -> Staged:
    """Cut a netlist into so many stages; a carry chain keeps the tables of its places in its own."""
    levels = netlist.levels()
    deepest = max([levels[signal] for signals in netlist.outputs.values() for signal in signals] or [0])
    made = [-1, -1] + [0] * (netlist.signals - 2)
    cells = netlist.live_cells()
    for cell in cells:
        for signal in cell.outputs:
            made[signal] = (levels[signal] - 1) * stages // deepest
    driven = {signal: cell.outputs for cell in cells if not isinstance(cell, CarryChain) for signal in cell.outputs}
    settled: Sequence[int] = []
    while settled != made:
        settled = made.copy()
        for cell in cells:
            stage = max(made[signal] for signal in (*cell.inputs, *cell.outputs))
            places = (*cell.select, *cell.data) if isinstance(cell, CarryChain) else ()
            for signal in (*cell.outputs, *(signal for signal in places if signal in driven)):
                made[signal] = stage
    return Staged(netlist, stages, tuple(made))
