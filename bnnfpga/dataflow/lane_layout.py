"""How the constants of channels lie in words, for values that come several per cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnfpga.dataflow.hardware import HlsTable
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.numbers.integers import IntArray
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True)
class LaneLayout:
    """How the values of a unit come.

    Parameters
    ----------
    words
        Groups of channels that take turns.
    lanes
        Channels of a group, the first lowest; one channel may serve all.
    values
        Values per cycle: a group of channels, several times.
    kind
        The kind of memory; None for the cheaper one.
    pixels
        Copies of a group per word of a table for HLS.
    """

    words: int
    lanes: int
    values: int
    kind: MemoryKind | None
    pixels: int = 1

    def table(self, name: str, values: IntArray, bits: int, signed: bool, kind: MemoryKind) -> HlsTable:
        """The table for HLS of numbers by row, (rows, ...), where one row may serve all lanes of all words.

        Axes behind the first one lie side by side in a word.
        """
        rows = np.broadcast_to(values, (self.words * self.lanes, *values.shape[1:]))
        lanes = rows.reshape(self.words, self.lanes, *values.shape[1:])
        tiled = np.tile(lanes, (1, self.pixels, *[1] * (values.ndim - 1)))
        return HlsTable(name, to_bits(tiled, bits), signed, kind)

    def directions(self, table: ThresholdTable, kind: MemoryKind) -> HlsTable:
        """The table for HLS of the channels that decrease."""
        return self.table("decreasing", table.decreasing.astype(np.int64), 1, False, kind)
