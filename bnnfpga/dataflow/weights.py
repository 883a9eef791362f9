"""The storage of weights in hardware, for all units that compute dot products (docs/dataflow.md, section 6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.hardware import HlsTable, Memory
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.rom_terms import RomContents, block_terms, rom_terms
from bnnfpga.dataflow.stream import PixelParts
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntArray, IntegerType

_FEW_WORDS = 32
"""Words up to which random bits are likely to be constant."""


@dataclass(frozen=True, eq=False)
class StoredWeights:
    """The weights of a unit, as stored for its memory and its HLS table.

    Parameters
    ----------
    values
        int64 (..., lanes, elements): words in order, each with the weights of a step's elements for each lane.
    parts
        The order in which steps read a vector's elements, for values of (passes, steps, lanes, elements) that have the
        vector's own; None where they have that already.
    type
        The type of a weight.
    kind
        The kind of memory.
    """

    values: IntArray
    type: IntegerType
    kind: MemoryKind
    parts: PixelParts | None = None

    @property
    def words(self) -> int:
        return math.prod(self.values.shape[:-2])

    @property
    def width(self) -> int:
        """Bits per word."""
        return math.prod(self.values.shape[-2:]) * self.type.bits

    @cached_property
    def memory(self) -> Memory:
        """The memory for RTL: a word has, for each lane and each bit of the weights, that bit of all elements."""
        return Memory("weights", self._bits.swapaxes(2, 3).reshape(self.words, -1), self.kind)

    def hls_table(self) -> HlsTable:
        """The table for HLS: a lane's weights side by side, each with its bits."""
        lanes = self.values.shape[-2]
        return HlsTable("weights", self._bits.reshape(self.words, lanes, -1), False, self.kind)

    def cost_terms(
        self, target: Target, memory: Callable[[], Memory], *, stages: int = 1, bank_words: int = 0
    ) -> CostTerms:
        """The memory, with so many cycles from an address to a word, in banks of so many words or one of all.

        `memory` gives it as the unit has it. It is asked for only where bits of a word are likely to be constant.
        """
        if self.kind == "distributed" or self.words == 1:
            return rom_terms(RomContents.random(self.words, self.width, target), target)
        bits = memory().varying if self.words <= _FEW_WORDS else self.width
        return block_terms(self.words, bits, target.family, stages=stages, bank_words=bank_words)

    @property
    def in_order(self) -> IntArray:
        """The values in the order in which steps read them."""
        if self.parts is None:
            return self.values
        passes, steps, lanes, elements = self.values.shape
        rows = self.parts.ordered(self.values.swapaxes(1, 2).reshape(passes * lanes, -1), elements)
        return rows.reshape(passes, lanes, steps, elements).swapaxes(1, 2)

    @cached_property
    def _bits(self) -> NDArray[np.uint8]:
        """The bits of all weights, uint8 (words, lanes, elements, bits)."""
        bits = to_bits(self.type.encode(self.in_order), self.type.bits)
        return bits.reshape(self.words, *bits.shape[-3:])
