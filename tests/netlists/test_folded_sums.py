"""Sums with constants in their tables are the sums, for all kinds of results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnfpga.netlists.folded_sums import FoldedSums
from bnnfpga.netlists.shared_tables import packed
from bnnfpga.netlists.values import evaluate
from tests.support.netlist_proofs import integers


def bits(numbers: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    return (numbers[..., None] >> np.arange(width) & 1).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Case:
    """A unit with random weights and thresholds, and its results by their definition."""

    passes: int
    outputs: int
    steps: int
    inputs: int
    levels: int = 1
    offset: int = 0
    output_bits: int = 1
    pixels: int = 1
    lut_inputs: int = 6
    flags: int = 0

    @property
    def scale(self) -> int:
        return 2 if self.flags and self.inputs // self.flags % 2 else 1

    def unit(self, seed: int) -> FoldedSums:
        rng = np.random.default_rng(seed)
        weights = rng.integers(0, 2, (self.passes, self.outputs, self.steps, self.inputs), np.uint8)
        most = self.scale * self.steps * self.inputs + 1
        thresholds = np.sort(rng.integers(0, most + 1, (self.passes, self.outputs, self.levels)), axis=2)
        thresholds[0, 0] = rng.choice([0, most])
        decreasing = rng.integers(0, 2, (self.passes, self.outputs)).astype(bool)
        return FoldedSums(
            weights,
            thresholds,
            decreasing,
            self.offset,
            self.output_bits,
            self.lut_inputs,
            self.pixels,
            self.flags,
            self.scale,
        )

    def expected(self, unit: FoldedSums, x: NDArray[np.uint8], outside: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(vectors, passes, outputs) of x (vectors, steps, inputs) and flags (vectors, steps, flags)."""
        zeros = np.repeat(outside, self.inputs // max(1, self.flags), axis=2) if self.flags else np.zeros_like(x)
        inputs = np.where(zeros, 0, 2 * x.astype(np.int64) - 1)
        dot = np.einsum("vsi,posi->vpo", inputs, 2 * unit.weights.astype(np.int64) - 1)
        if self.levels == 0:
            return dot
        counts = self.scale * (dot + self.steps * self.inputs) // 2
        reached = counts[..., None] >= unit.thresholds
        return self.offset + np.where(unit.decreasing[..., None], ~reached, reached).sum(axis=3)

    def check(self, seed: int) -> None:
        unit = self.unit(seed)
        x = np.random.default_rng(seed + 1).integers(0, 2, (40, self.steps, self.inputs), np.uint8)
        outside = np.random.default_rng(seed + 2).integers(0, 2, (40, self.steps, self.flags), np.uint8)
        expected = self.expected(unit, x, outside) & (1 << self.output_bits) - 1
        for number in range(self.passes):
            run = self.at_once if self.steps == 1 else self.step_by_step
            results = run(unit, x, outside, number).reshape(len(x) // self.pixels, self.pixels, self.outputs, -1)
            got = integers(results.reshape(-1, self.output_bits)).reshape(len(x), self.outputs)
            np.testing.assert_array_equal(got, expected[:, number])

    def at_once(
        self, unit: FoldedSums, x: NDArray[np.uint8], outside: NDArray[np.uint8], number: int
    ) -> NDArray[np.uint8]:
        vectors = x.reshape(len(x) // self.pixels, -1)
        address = bits(np.full(len(vectors), number), unit.address_bits)
        flags = outside.reshape(len(vectors), -1)
        return evaluate(unit.at_once, {"x": vectors, "outside": flags, "address": address})["result"]

    def step_by_step(
        self, unit: FoldedSums, x: NDArray[np.uint8], outside: NDArray[np.uint8], number: int
    ) -> NDArray[np.uint8]:
        count = len(x)
        state = np.random.default_rng(0).integers(0, 2, (count, self.outputs * unit.state_bits), np.uint8)
        parity = np.zeros((count, 1), np.uint8)
        for step in range(self.steps):
            address = bits(np.full(count, number * self.steps + step), unit.address_bits)
            inputs = {"x": x[:, step], "outside": outside[:, step], "parity": parity, "address": address}
            rows = evaluate(unit.counting, inputs)["counts"]
            first = np.full((count, 1), step == 0, np.uint8)
            state = evaluate(unit.summing, {"state": state, "rows": rows, "first": first})["next"]
            parity = parity ^ x[:, step].sum(axis=1, keepdims=True, dtype=np.uint8) & 1
        numbers = bits(np.full(count, number), unit.pass_bits)
        return evaluate(unit.results, {"state": state, "number": numbers})["result"]


CASES = {
    "8 passes": Case(8, 3, 1, 21),
    "4 passes, thresholds as starts": Case(4, 3, 1, 16),
    "3 passes": Case(3, 2, 1, 9),
    "1 word": Case(1, 5, 1, 30),
    "1 word, 4 vectors": Case(1, 3, 1, 7, pixels=4),
    "8 steps": Case(1, 3, 8, 12),
    "5 steps of 1 input": Case(1, 2, 5, 1),
    "2 passes of 4 steps": Case(2, 3, 4, 11),
    "4 passes of 2 steps": Case(4, 2, 2, 6),
    "3 passes of 2 steps": Case(3, 2, 2, 5),
    "a wide layer": Case(8, 2, 1, 784),
    "a wide layer in steps": Case(2, 2, 4, 196),
    "1 input": Case(2, 2, 1, 1),
    "dot products": Case(2, 3, 4, 8, levels=0, output_bits=7),
    "odd dot products": Case(2, 3, 3, 5, levels=0, output_bits=5),
    "dot products at once": Case(4, 3, 1, 14, levels=0, output_bits=5),
    "odd dot products in wide words": Case(1, 3, 1, 9, levels=0, output_bits=12),
    "dot products of few bits": Case(1, 2, 2, 1, levels=0, output_bits=2),
    "2 bits out": Case(2, 3, 4, 8, levels=3, output_bits=2),
    "3 signed bits out at once": Case(8, 3, 1, 18, levels=7, offset=-4, output_bits=3),
    "1 level with an offset": Case(2, 3, 2, 10, offset=-1, output_bits=2),
    "16 passes": Case(16, 3, 1, 20),
    "13 passes of 1 input": Case(13, 2, 1, 1),
    "16 steps": Case(1, 3, 16, 5),
    "4 passes of 4 steps": Case(4, 3, 4, 7),
    "16 words, dot products": Case(4, 2, 3, 6, levels=0, output_bits=6),
    "16 words, odd dot products at once": Case(9, 2, 1, 7, levels=0, output_bits=4),
    "16 words, 2 bits out": Case(5, 3, 2, 9, levels=3, output_bits=2),
    "tables of 4 inputs, 8 words": Case(2, 3, 4, 8, lut_inputs=4),
    "flags, 8 steps": Case(1, 3, 8, 12, flags=3),
    "flags of odd parts": Case(2, 3, 4, 9, flags=3),
    "flags of odd parts at once": Case(8, 3, 1, 15, flags=5),
    "flags, 16 words": Case(2, 3, 8, 8, flags=1),
    "flags, dot products": Case(2, 3, 4, 8, levels=0, output_bits=7, flags=2),
    "flags of odd parts, dot products": Case(2, 3, 3, 3, levels=0, output_bits=5, flags=1),
    "flags, several vectors": Case(1, 3, 1, 6, pixels=2, flags=2),
    "flags, 2 bits out": Case(2, 3, 4, 6, levels=3, output_bits=2, flags=2),
    "flags of wide parts": Case(2, 3, 4, 32, flags=2),
    "flags of wide parts at once": Case(4, 3, 1, 48, flags=3),
    "flags of wide parts, dot products": Case(2, 2, 3, 14, levels=0, output_bits=7, flags=1),
    "flags of wide parts, several vectors": Case(1, 3, 1, 108, pixels=2, flags=9),
    "flags of wide parts, 2 bits out": Case(2, 2, 4, 24, levels=3, output_bits=2, flags=2),
    "flags of wide parts, tables of 4 inputs": Case(1, 2, 2, 48, lut_inputs=4, flags=4),
    "tables of 4 inputs": Case(2, 3, 2, 16, lut_inputs=4),
    "tables of 4 inputs, at once": Case(4, 3, 1, 16, lut_inputs=4),
}


@pytest.mark.parametrize("name", CASES)
def test_sums_are_right(name: str) -> None:
    for seed in range(3):
        CASES[name].check(seed)


@pytest.mark.parametrize(
    ("passes", "steps", "most"), [(2, 4, 60), (1, 8, 60), (8, 1, 60), (1, 4, 43), (2, 2, 43), (1, 1, 43), (4, 4, 80)]
)
def test_tables_a_neuron(passes: int, steps: int, most: int) -> None:
    """64 inputs a step, up to the accumulator: what another neuron costs with 8, 4, 1 and 16 words."""

    def tables(outputs: int) -> int:
        unit = Case(passes, outputs, steps, 64).unit(0)
        parts = (unit.at_once,) if steps == 1 else (unit.counting, unit.summing)
        return sum(len(packed(part.live_cells())) for part in parts)

    assert (tables(16) - tables(8)) / 8 <= most
