"""The parts of a sliding window unit (`rtl/bnn_window.sv` and the modules that it names)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnnfpga.dataflow.choice_cells import choice_tables
from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.rom_terms import RomContents, different_columns
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntArray


@dataclass(frozen=True)
class WindowLoops:
    """The loops of a window unit, the innermost first, and the distance from the last beat of each to the next beat.

    Parameters
    ----------
    extents
        Beats of a pixel, steps of a kernel row, of a kernel, windows of a row that have beats of their own, and rows.
    jumps
        In units, from the last beat of each loop to the next; first that within a pixel, last that to the next frame.
    units
        Units per beat of the line buffer.
    slots
        Beats of the line buffer.
    """

    extents: tuple[int, ...]
    jumps: tuple[int, ...]
    units: int
    slots: int

    @cached_property
    def _taken(self) -> list[int]:
        """The jumps that occur."""
        return [jump for jump, extent in zip(self.jumps, (*self.extents, 2), strict=True) if extent > 1]

    @property
    def moves(self) -> bool:
        """Whether a unit's number in its beat ever changes."""
        return any(jump % self.units for jump in self._taken)

    def cost_terms(self, *, padded: bool) -> CostTerms:
        """The counters of the loops, and the steps in the line buffer by which of them end."""
        turning = [(extent - 1).bit_length() for extent in self.extents if extent > 1]
        whole = all(extent == 1 for extent in self.extents[:3])
        ends = len(turning) if padded else 0 if whole else 1
        steps = self._steps
        return CostTerms(
            {"window.loops": sum(turning), "window.steps": steps},
            {"window.registers": sum(turning) + ends + (0 if whole else 1) + steps},
        )

    @property
    def _steps(self) -> int:
        """Bits of the steps, in beats, that change; and all bits of the same less the beats of a ring."""
        address = max(1, (self.slots - 1).bit_length())
        beats = np.array([jump // self.units % self.slots for jump in self._taken], dtype=np.int64)
        return different_columns(to_bits(beats, address)) + (0 if self.slots == 1 << address else address)


def tap_terms(loops: WindowLoops, places: Sequence[int], width: int, read_stages: int, lut_inputs: int) -> CostTerms:
    """The address of each pixel that a beat reads, and its choice from a word of several units.

    Parameters
    ----------
    places
        Of each pixel, in units from the start of the line buffer.
    width
        Bits of a unit.
    """
    address = max(1, (loops.slots - 1).bit_length())
    whole = loops.slots == 1 << address
    firsts = {(place if loops.moves else place // loops.units) % (loops.slots * loops.units) for place in places}
    bits = len(firsts) * address
    adders = {"window.addresses": bits} if whole else {"window.wrapped": bits}
    own = CostTerms(adders, {"window.registers": bits + address})
    writer = CostTerms({"window.writer": address, "window.units": 1}, {"window.registers": read_stages + 1})
    if not loops.moves:
        return add_terms(own, writer)
    number = (loops.units - 1).bit_length()
    lanes = CostTerms(
        {
            "window.lanes": number * len(places),
            "window.chosen": width * choice_tables(loops.units, lut_inputs) * len(places),
        },
        {"window.registers": ((3 + read_stages) * number + 1) * len(places)},
    )
    return add_terms(own, writer, lanes)


@dataclass(frozen=True)
class WindowAxis:
    """Where the pixels of a step lie on one axis of the image (`rtl/bnn_window_axis.sv`).

    Parameters
    ----------
    extent, pad
        Rows of the image, and above it.
    taps, tap_step
        Rows of a step, and the distance between them.
    kernel_step, window_step
        Distances from a step to the next in the kernel, and from a window to the next.
    last
        The last row of a step's first pixel.
    """

    extent: int
    pad: int
    taps: int
    tap_step: int
    kernel_step: int
    window_step: int
    last: int

    @property
    def compared(self) -> int:
        """Comparisons with the ends of the image."""
        inside = [self.pad - tap * self.tap_step for tap in range(self.taps)]
        return sum((first > 0) + (0 < first + self.extent <= self.last) for first in inside)

    def cost_terms(self) -> CostTerms:
        """The row of a step, that of its window, and the comparisons."""
        if not self.compared:
            return CostTerms()
        bits = max(self.last + self.kernel_step + self.window_step, self.pad + self.extent).bit_length()
        return CostTerms(
            {"window.places": 2 * bits, "window.compared": self.compared * bits}, {"window.registers": 2 * bits}
        )


def border_terms(rows: WindowAxis, columns: WindowAxis, read_stages: int) -> CostTerms:
    """Which of the pixels of a step lie outside the image."""
    varying = (rows.taps if rows.compared else 1) * (columns.taps if columns.compared else 1)
    outside = CostTerms({"window.outside": varying}, {"window.registers": varying * (1 + read_stages)})
    return add_terms(rows.cost_terms(), columns.cost_terms(), outside)


def level_terms(depth: int, column_steps: IntArray, row_steps: IntArray, target: Target) -> CostTerms:
    """How many beats are ahead and held, by steps from tables (`rtl/bnn_window_level.sv`).

    Parameters
    ----------
    depth
        Beats that the line buffer holds.
    column_steps, row_steps
        (entries, 2): how many more beats are needed and released within a row, and from its last window.
    """
    bits = depth.bit_length() + 1
    every = np.concatenate([column_steps, row_steps])
    alike = bool((every[:, 0] == every[:, 1]).all()) and len(column_steps) == 1
    kept = sum(_negated(every[:, side], bits) for side in ((0,) if alike else (0, 1)))
    tables = sum(
        RomContents.of(to_bits(steps, bits).reshape(len(steps), -1), target).tables
        for steps in (column_steps, row_steps)
    )
    return CostTerms(
        {"window.levels": 2 * bits, "window.differences": kept, "window.tables": tables},
        {"window.registers": 2 * bits + kept},
    )


def _negated(steps: IntArray, bits: int) -> int:
    """Bits of the negative steps that are stored: where a carry passes through them, all."""
    lowest = np.unique(steps & -steps)
    alone = len(lowest) == 1 or (len(np.unique(steps)) == 2 and bool(steps.all()))
    return different_columns(to_bits(-steps, bits)) if alone else bits
