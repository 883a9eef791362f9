"""What the line buffer of a sliding window has from window to window, as tables of its hardware."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.hardware import HlsTable, RtlVector
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, rtl_only
from bnnfpga.dataflow.window_terms import level_terms
from bnnfpga.numbers.integers import IntArray


@dataclass(frozen=True, eq=False)
class WindowSteps:
    """By how many beats what is needed and what is released grow from each beat of windows to the next.

    Rows of windows with the same steps within the row are of one kind; the last window of a row has its own step.

    Parameters
    ----------
    need
        For each beat of windows, (rows, columns), the beats of the frame that must have arrived.
    release
        For each of them, the beats of the frame that no later one needs; the last number is that of all beats.
    """

    need: IntArray
    release: IntArray

    @property
    def _steps(self) -> IntArray:
        """(rows, columns, 2): how many more are needed by the next one, and how many are released after this one."""
        frame = self.release[-1, -1]
        # The last row of windows may need fewer than the one before it; all these have arrived.
        need = np.append(np.maximum.accumulate(self.need.reshape(-1)), frame + self.need[0, 0])
        release = np.append(0, self.release.reshape(-1))
        steps: IntArray = np.stack([np.diff(need), np.diff(release)], axis=-1).reshape(*self.need.shape, 2)
        return steps

    @property
    def _across(self) -> IntArray:
        """(rows, columns - 1, 2): the steps within each row."""
        return self._steps[:, :-1]

    @cached_property
    def _kinds(self) -> tuple[IntArray, IntArray]:
        """The steps within a row of each kind, (kinds, columns - 1, 2), and the kind of each row."""
        rows, columns = self.need.shape
        kinds, kind = np.unique(self._across.reshape(rows, -1), axis=0, return_inverse=True)
        return kinds.reshape(len(kinds), columns - 1, 2), kind.reshape(-1)

    @property
    def _column_steps(self) -> IntArray:
        """(entries, 2): the steps within a row of each kind, or one step that serves all."""
        columns = self.need.shape[1]
        kinds, _ = self._kinds
        if columns == 1:
            return np.zeros((1, 2), dtype=np.int64)
        if (kinds == kinds[0, 0]).all():
            return kinds[0, :1]
        # A word for each number that the bits of a column can have, so that the kind can stand above them.
        words = 1 << max(1, (columns - 1).bit_length())
        return np.pad(kinds, ((0, 0), (0, words - columns + 1), (0, 0)), mode="edge").reshape(-1, 2)

    @property
    def _row_steps(self) -> IntArray:
        """(rows, 2): the step from the last window of each row."""
        return self._steps[:, -1]

    @property
    def _kind_bits(self) -> int:
        return max(1, (len(self._kinds[0]) - 1).bit_length())

    def cost_terms(self, depth: int, target: Target) -> CostTerms:
        """The tables, and the counters that they move, for a line buffer of so many beats."""
        return level_terms(depth, self._column_steps, self._row_steps, target)

    def parameters(self) -> UnitParameters:
        """The parameters of `bnn_window_level`, of which HLS has the numbers as tables."""
        kinds, kind = self._kinds
        column_bits, row_bits = _bits(self._column_steps), _bits(self._row_steps)
        return both(FirstNeed=int(self.need[0, 0])) + rtl_only(
            RowKinds=len(kinds),
            KindBits=self._kind_bits,
            RowKind=RtlVector(tuple(kind.tolist()), self._kind_bits),
            ColumnEntries=len(self._column_steps),
            ColumnStepBits=column_bits,
            ColumnSteps=RtlVector(tuple(self._column_steps.reshape(-1).tolist()), column_bits),
            RowStepBits=row_bits,
            RowSteps=RtlVector(tuple(self._row_steps.reshape(-1).tolist()), row_bits),
        )

    def hls_tables(self) -> tuple[HlsTable, ...]:
        """The tables for HLS: the steps within rows, those from their last windows, the kind of the row behind each."""
        return (
            _table("column_steps", to_bits(self._column_steps, _bits(self._column_steps))),
            _table("row_steps", to_bits(self._row_steps, _bits(self._row_steps))),
            _table("next_kinds", to_bits(np.roll(self._kinds[1], -1), self._kind_bits)),
        )


def _bits(steps: IntArray) -> int:
    return max(1, int(steps.max()).bit_length())


def _table(name: str, bits: NDArray[np.uint8]) -> HlsTable:
    return HlsTable(name, bits, False, "distributed")
