"""Counts of equal bits where parts of the inputs may be outside the image, with constants in the tables.

A part outside counts half of its inputs. Its inputs are taken as 0, and what is missing then, or too much, is a
constant of each output and word: tables of the flags of a few parts and of the address add it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnfpga.netlists.compressors import BitHeap
from bnnfpga.netlists.folded_xnors import SharedParity, count_equal, parity_bits
from bnnfpga.netlists.netlist import ZERO, Netlist, Signal

LEAST_PART = 12
"""The inputs of a part from which this takes fewer tables than one for each input (`folded_xnors.equal_bits`)."""


@dataclass(frozen=True, eq=False)
class PaddedCounts:
    """The counts of a step, each too large by a constant of its output.

    Parameters
    ----------
    weights
        uint8 (outputs, words, inputs): 1 for +1, 0 for -1.
    flags
        Parts of the inputs, each of an even number of them.
    address_bits
        Bits of a word's number; at most 3 for a table of 6 inputs.
    lut_inputs
        Inputs of the family's tables.
    """

    weights: NDArray[np.uint8]
    flags: int
    address_bits: int
    lut_inputs: int

    @property
    def excess(self) -> NDArray[np.int64]:
        """By how much the counts are too large, (outputs,)."""
        return sum((-lowest for _, lowest in self._missing), np.zeros(len(self.weights), np.int64))

    def heaps(
        self, netlist: Netlist, inputs: Sequence[Signal], flags: Sequence[Signal], address: Sequence[Signal]
    ) -> tuple[BitHeap, ...]:
        """The counts, one of each output."""
        inside = [netlist.lut(0b0010, signal, flags[place // self._part]) for place, signal in enumerate(inputs)]
        outputs, words, _ = self.weights.shape
        start = SharedParity(ZERO, np.zeros((outputs, words), np.uint8))
        counts = count_equal(netlist, inside, self.weights, address, start, lut_inputs=self.lut_inputs)
        last = parity_bits(netlist, counts.parity, address)
        for output, heap in enumerate(counts.heaps):
            # Carries count two.
            heap.columns.insert(0, [])
            heap.add(0, last[output])
            for group, (missing, lowest) in enumerate(self._missing):
                own = flags[group * self._room :][: self._room]
                # Addresses that do not occur may choose any word.
                chosen = (missing[output] - lowest[output])[np.arange(1 << self.address_bits) % words].ravel()
                for column in range(int(chosen.max()).bit_length()):
                    table = sum((int(value) >> column & 1) << entry for entry, value in enumerate(chosen))
                    heap.add(column, netlist.lut(table, *own, *address))
        return counts.heaps

    @property
    def _part(self) -> int:
        return int(self.weights.shape[2]) // self.flags

    @property
    def _room(self) -> int:
        """Flags that a table takes."""
        return self.lut_inputs - self.address_bits

    @cached_property
    def _missing(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each group of flags what is missing, (outputs, words, their settings), and the least, (outputs,)."""
        outputs, words, _ = self.weights.shape
        equal = (self.weights == 0).reshape(outputs, words, self.flags, self._part).sum(axis=3)
        missing = self._part // 2 - equal.astype(np.int64)
        groups = []
        for first in range(0, self.flags, self._room):
            group = missing[:, :, first : first + self._room]
            settings = np.arange(1 << group.shape[2]) >> np.arange(group.shape[2])[:, None] & 1
            sums = group @ settings
            groups.append((sums, sums.min(axis=(1, 2))))
        return groups
