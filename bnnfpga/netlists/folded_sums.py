"""The datapath of a matrix-vector unit whose few weight words are in its tables: counts, sums and results.

With up to 8 words, a count p of equal bits is 2c + s: the number of carries, of which the accumulator holds the sum,
and the last parity (`folded_xnors`). With more, there is a table for each input, and p is the sum of their bits.
Registers stand where a netlist is cut, and between netlists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnfpga.netlists.adders import Operand, add_three, at_least, bit
from bnnfpga.netlists.compressors import BitHeap
from bnnfpga.netlists.folded_xnors import SharedParity, count_equal, equal_bits, parity_bits
from bnnfpga.netlists.netlist import ONE, ZERO, Netlist, Signal
from bnnfpga.netlists.padded_xnors import LEAST_PART, PaddedCounts
from bnnfpga.netlists.truth_tables import truth_table

_SPARE_INPUTS = 2
"""Inputs of an adder's tables that are free for the choice of a constant."""


@dataclass(frozen=True, eq=False)
class FoldedSums:
    """What a unit computes, as netlists of its parts.

    Parameters
    ----------
    weights
        uint8 (passes, outputs, steps, inputs): 1 for +1, 0 for -1.
    thresholds
        Thresholds on counts, int64 (passes, outputs, levels), from 0 to `most` + 1; no level for dot products.
    decreasing
        bool (passes, outputs): whether counts below a threshold are counted.
    offset
        Added to the number of thresholds.
    output_bits
        Bits of a result; results are exact modulo 2 to their power.
    lut_inputs
        Inputs of the family's tables: with 6, counters use carry chains.
    pixels
        Vectors side by side.
    flags
        Equal parts of a step's inputs that may count half each, by the bits of `outside`.
    scale
        What an equal input counts: 1, or 2 where a part is odd.
    """

    weights: NDArray[np.uint8]
    thresholds: NDArray[np.int64]
    decreasing: NDArray[np.bool_]
    offset: int
    output_bits: int
    lut_inputs: int = 6
    pixels: int = 1
    flags: int = 0
    scale: int = 1

    @property
    def passes(self) -> int:
        return int(self.weights.shape[0])

    @property
    def outputs(self) -> int:
        return int(self.weights.shape[1])

    @property
    def steps(self) -> int:
        return int(self.weights.shape[2])

    @property
    def inputs(self) -> int:
        return int(self.weights.shape[3])

    @property
    def most(self) -> int:
        """The largest count."""
        return self.scale * self.steps * self.inputs

    @property
    def levels(self) -> int:
        return int(self.thresholds.shape[2])

    @property
    def address_bits(self) -> int:
        """Bits of a word's number; 0 for a single word."""
        return (self.passes * self.steps - 1).bit_length()

    @property
    def pass_bits(self) -> int:
        return (self.passes - 1).bit_length()

    @cached_property
    def _turned(self) -> NDArray[np.bool_]:
        """Where counting unequal bits makes a decreasing threshold an increasing one: (passes, outputs)."""
        return self.decreasing if self.levels else np.zeros_like(self.decreasing)

    @cached_property
    def _bounds(self) -> NDArray[np.int64]:
        """The thresholds on what is counted."""
        turned = self.most + 1 - self.thresholds
        return np.where(self._turned[..., None], turned, self.thresholds)

    @property
    def _limits(self) -> NDArray[np.int64]:
        """The thresholds on sums, rounded up."""
        return -(-self._bounds // self._weight)

    @cached_property
    def _first_parity(self) -> NDArray[np.uint8]:
        """The parity that is counted before all, for thresholds that are even: (passes, outputs)."""
        if self.levels == 0:
            return np.full(self._turned.shape, self._half & 1, np.uint8)
        if self.levels == 1:
            return (self._bounds[..., 0] & 1).astype(np.uint8)
        return np.zeros(self._turned.shape, np.uint8)

    @property
    def _weight(self) -> int:
        """What a bit of the sums counts: 2 for carries whose last parity is kept beside them, else 1."""
        return 2 if self.counts_carries and not self.flags else 1

    @property
    def counts_carries(self) -> bool:
        """Whether tables have place for three inputs beside the address."""
        return self.address_bits <= self.lut_inputs - 3

    @property
    def counts_padded(self) -> bool:
        """Whether carries are counted where there are flags, or every equal input by itself."""
        if not self.flags or self.scale == 2 or not self.counts_carries:
            return False
        return self.inputs // self.flags >= LEAST_PART

    @cached_property
    def _padded(self) -> PaddedCounts | None:
        """The counts where there are flags; None if every equal input is counted by itself."""
        if not self.counts_padded:
            return None
        return PaddedCounts(self._words, self.flags, self.address_bits, self.lut_inputs)

    @cached_property
    def _words(self) -> NDArray[np.uint8]:
        """What is counted, (outputs, words, inputs)."""
        weights = self.weights ^ self._turned[:, :, None, None].astype(np.uint8)
        return weights.swapaxes(0, 1).reshape(self.outputs, -1, self.inputs)

    @property
    def _half(self) -> int:
        """What a count is above a dot product of its scale, or above half of one, rounded down."""
        return self.steps * self.inputs if self.scale == 2 else (self.most + 1) // 2

    @property
    def _chooses_start(self) -> bool:
        """Whether sums start at a constant with which their highest bit is the result, for a single threshold."""
        spare = _SPARE_INPUTS - (self.steps > 1)
        return self.levels == 1 and (self.pass_bits == 0 or (self.steps == 1 and self.pass_bits <= spare))

    @property
    def _keeps_parity(self) -> bool:
        """Whether results depend on the parity of a count."""
        return self._weight == 2 and self.levels != 1

    @property
    def _bits(self) -> int:
        """Bits of a sum."""
        if self.levels == 0:
            return max(1, self.output_bits - self._weight + self.scale - 1)
        return ((self.most + self._weight) // self._weight).bit_length() + self._chooses_start

    @property
    def state_bits(self) -> int:
        """Bits of an output between steps: its sum, and above it the last parity where it counts."""
        return self._bits + self._keeps_parity

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Where sums start, (passes, outputs)."""
        excess = 0 if self._padded is None else self.steps * self._padded.excess
        if self._chooses_start:
            return (1 << self._bits - 1) - self._limits[..., 0] - excess
        return np.full(self._turned.shape, 0 if self.levels else -self._half // self._weight, np.int64) - excess

    @cached_property
    def at_once(self) -> Netlist:
        """Everything, where a pass has one step: from `x`, `outside` and `address` to `result`."""
        netlist = Netlist()
        address = netlist.input("address", self.address_bits)
        x = netlist.input("x", self.pixels * self.inputs)
        outside = netlist.input("outside", self.pixels * self.flags)
        results: list[Signal] = []
        for pixel in range(self.pixels):
            vector = x[pixel * self.inputs :][: self.inputs]
            flags = outside[pixel * self.flags :][: self.flags]
            for output, (rows, parity) in enumerate(self._counts(netlist, vector, flags, ZERO, address)):
                state = (*add_three(netlist, self._start(output, address), *rows), *parity)
                results += self._result(netlist, output, state, address)
        netlist.output("result", results)
        return netlist

    @property
    def counting(self) -> Netlist:
        """What a step adds: from `x`, `outside`, `parity` (of the steps before) and `address` to `counts`."""
        return self._counting[0]

    @cached_property
    def summing(self) -> Netlist:
        """The sums behind a step: from `state`, `rows` (the counts) and `first` (step of a pass) to `next`."""
        netlist = Netlist()
        first, state = netlist.input("first", 1), netlist.input("state", self.outputs * self.state_bits)
        bits = iter(netlist.input("rows", len(self.counting.outputs["counts"])))
        sums: list[Signal] = []
        for output, rows in enumerate(self._counting[1]):
            own = state[output * self.state_bits :]
            start = int(self._starts[0, output])
            kept = [(truth_table(_kept(start >> place & 1), 2), (own[place], *first)) for place in range(self._bits)]
            b, c = ([next(bits) if there else ZERO for there in row] for row in rows)
            sums += add_three(netlist, kept, b, c)
            sums += [next(bits)] if self._keeps_parity else []
        netlist.output("next", sums)
        return netlist

    @cached_property
    def results(self) -> Netlist:
        """The results of a pass: from `state` and `number` (of the pass) to `result`."""
        netlist = Netlist()
        number = netlist.input("number", self.pass_bits)
        state = netlist.input("state", self.outputs * self.state_bits)
        results: list[Signal] = []
        for output in range(self.outputs):
            own = state[output * self.state_bits :][: self.state_bits]
            results += self._result(netlist, output, own, number)
        netlist.output("result", results)
        return netlist

    @cached_property
    def _counting(self) -> tuple[Netlist, list[list[list[bool]]]]:
        """The netlist that counts, and for each output, row and place whether there is a bit."""
        netlist = Netlist()
        address = netlist.input("address", self.address_bits)
        (parity,), x = netlist.input("parity", 1), netlist.input("x", self.inputs)
        outside = netlist.input("outside", self.flags)
        bits: list[Signal] = []
        there = []
        for rows, last in self._counts(netlist, x, outside, parity, address):
            there.append([[signal != ZERO for signal in row] for row in rows])
            bits += [signal for row in rows for signal in row if signal != ZERO]
            bits += last
        netlist.output("counts", bits)
        return netlist, there

    def _counts(
        self,
        netlist: Netlist,
        x: Sequence[Signal],
        flags: Sequence[Signal],
        parity: Signal,
        address: Sequence[Signal],
    ) -> list[tuple[list[tuple[Signal, ...]], list[Signal]]]:
        """For each output two numbers whose sum is that of the carries, and the last parity where it counts."""
        words = self._words
        if self._padded is not None:
            return [(heap.compress(), []) for heap in self._padded.heaps(netlist, x, flags, address)]
        if self._weight == 1:
            plain = equal_bits(netlist, x, words, address, flags, self.scale, lut_inputs=self.lut_inputs)
            return [(heap.compress(), []) for heap in plain]
        unequal = np.bitwise_xor.reduce(1 - words, axis=2).reshape(self.outputs, self.passes, self.steps)
        before = np.bitwise_xor.accumulate(unequal, axis=2) ^ unequal ^ self._first_parity.T[..., None]
        counts = count_equal(
            netlist,
            x,
            words,
            address,
            SharedParity(parity, before.reshape(self.outputs, -1)),
            lut_inputs=self.lut_inputs,
        )
        last = [[signal] for signal in parity_bits(netlist, counts.parity, address)] if self._keeps_parity else None
        rows = [heap.compress() for heap in counts.heaps]
        return list(zip(rows, last or [[] for _ in rows], strict=True))

    def _start(self, output: int, number: Sequence[Signal]) -> list[Operand]:
        """Where the sum of an output starts, by the number of the pass."""
        starts = self._starts[:, output]
        if len({*starts.tolist()}) == 1:
            return [bit(ONE if int(starts[0]) >> place & 1 else ZERO) for place in range(self._bits)]
        chosen = starts[np.arange(1 << len(number)) % self.passes].tolist()
        tables = [
            sum((start >> place & 1) << entry for entry, start in enumerate(chosen)) for place in range(self._bits)
        ]
        return [(table, tuple(number)) for table in tables]

    def _result(self, netlist: Netlist, output: int, state: Sequence[Signal], number: Sequence[Signal]) -> list[Signal]:
        """The bits of a result, from the state behind the last step of a pass."""
        if self.levels == 0:
            low = [ONE if self.most & 1 else ZERO] if self.scale == 1 else []
            return [*low, *self._whole(state)][: self.output_bits]
        if self._chooses_start:
            constant = self._constant(output)
            reached = [state[-1] if constant is None else constant]
        else:
            bounds = self._bounds if self._keeps_parity else self._limits
            reached = [at_least(netlist, self._whole(state), row.tolist(), number) for row in bounds[:, output].T]
        if self.offset == 0 and len(reached) == 1:
            return [*reached, *[ZERO] * (self.output_bits - 1)]
        heap = BitHeap(netlist, self.lut_inputs)
        heap.add(0, *reached)
        offset = [ONE if self.offset >> place & 1 else ZERO for place in range(self.output_bits)]
        return list(add_three(netlist, [bit(signal) for signal in offset], *heap.compress()))

    def _whole(self, state: Sequence[Signal]) -> list[Signal]:
        """The number that a state is."""
        return [state[-1], *state[:-1]] if self._keeps_parity else [*state]

    def _constant(self, output: int) -> Signal | None:
        """What a single threshold gives for all inputs; None if it depends on them."""
        bounds = self._bounds[:, output, 0]
        if (bounds <= 0).all():
            return ONE
        return ZERO if (bounds > self.most).all() else None


def _kept(start: int) -> Callable[[int, int], int]:
    """What a sum's bit is before a step is added: in the first one of a pass its start."""
    return lambda own, first: start if first else own
