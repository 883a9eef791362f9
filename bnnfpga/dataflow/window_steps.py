"""What the line buffer of a sliding window has from window to window, as tables of its module."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnfpga.dataflow.hardware import RtlVector
from bnnfpga.dataflow.unit_parameters import UnitParameters, rtl_only
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

    def parameters(self) -> UnitParameters:
        """The parameters of `bnn_window_level`."""
        rows, columns = self.need.shape
        steps = self._steps
        across = steps[:, :-1]
        kinds, kind = np.unique(across.reshape(rows, -1), axis=0, return_inverse=True)
        kind_bits = max(1, (len(kinds) - 1).bit_length())
        # A word for each number that the bits of a column can have, so that the kind can stand above them.
        words = 1 << max(1, (columns - 1).bit_length())
        table = kinds.reshape(len(kinds), columns - 1, 2)
        if columns == 1 or (table == table[0, 0]).all():
            entries = np.zeros((1, 2), dtype=np.int64) if columns == 1 else table[0, :1]
        else:
            entries = np.pad(table, ((0, 0), (0, words - columns + 1), (0, 0)), mode="edge").reshape(-1, 2)
        ends = steps[:, -1]
        column_bits, row_bits = (max(1, int(values.max()).bit_length()) for values in (entries, ends))
        return rtl_only(
            FirstNeed=int(self.need[0, 0]),
            RowKinds=len(kinds),
            KindBits=kind_bits,
            RowKind=RtlVector(tuple(kind.reshape(-1).tolist()), kind_bits),
            ColumnEntries=len(entries),
            ColumnStepBits=column_bits,
            ColumnSteps=RtlVector(tuple(entries.reshape(-1).tolist()), column_bits),
            RowStepBits=row_bits,
            RowSteps=RtlVector(tuple(ends.reshape(-1).tolist()), row_bits),
        )
