"""How hardware stores weights, for every unit that multiplies (docs/dataflow.md, section 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import HlsTable, Memory, MemoryKind
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.resources import memory_resources
from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True, eq=False)
class StoredWeights:
    """The weights of a unit as its memory and its HLS table have them.

    Parameters
    ----------
    values
        int64 (..., lanes, elements): words in order, and of each lane of a word the weights of the elements of a step.
    type
        Of a weight.
    kind
        Of the memory.
    """

    values: IntArray
    type: IntegerType
    kind: MemoryKind

    @property
    def words(self) -> int:
        return math.prod(self.values.shape[:-2])

    @property
    def width(self) -> int:
        """Bits of a word."""
        return math.prod(self.values.shape[-2:]) * self.type.bits

    @cached_property
    def memory(self) -> Memory:
        """What RTL reads: a word has, for each lane and each bit of the weights, that bit of all elements."""
        return Memory("weights", self._bits.swapaxes(2, 3).reshape(self.words, -1), self.kind)

    def hls_table(self) -> HlsTable:
        """What HLS reads: a lane's weights side by side, each with its bits."""
        lanes = self.values.shape[-2]
        return HlsTable("weights", self._bits.reshape(self.words, lanes, -1), False, self.kind)

    def resources(self) -> dict[str, int]:
        """Estimate of the memory."""
        return memory_resources(self.words, self.width, self.kind)

    @cached_property
    def _bits(self) -> NDArray[np.uint8]:
        """(words, lanes, elements, bits)."""
        bits = to_bits(self.type.encode(self.values), self.type.bits)
        return bits.reshape(self.words, *bits.shape[-3:])
