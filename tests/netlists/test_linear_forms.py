"""Sums of signed bits and their comparisons: all inputs where they are few, a walk over every counter at any size."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnfpga.netlists.comparison import at_least, highest
from bnnfpga.netlists.cuts import staged
from bnnfpga.netlists.linear_forms import layer_sums, sums, thresholds_reached
from bnnfpga.netlists.literals import TRUE, Literal, full_adder, signals
from bnnfpga.netlists.netlist import ONE, ZERO, Cell, Netlist
from bnnfpga.netlists.shared_sums import SharedSums
from bnnfpga.netlists.shared_tables import packed
from bnnfpga.netlists.values import evaluate
from bnnfpga.netlists.verilog import body
from tests.support.netlist_proofs import all_values, integers

RNG = np.random.default_rng(0)
KINDS = {
    "binary": lambda shape, rng: rng.choice([-1, 1], shape),
    "ternary": lambda shape, rng: rng.integers(-1, 2, shape),
    "planes": lambda shape, rng: rng.choice([-1, 1], shape) * (1 << np.arange(shape[1]) % 3),
    "integers": lambda shape, rng: rng.integers(-9, 10, shape),
    "zeros": lambda shape, rng: np.zeros(shape, np.int64),
}


def outputs(netlist: Netlist, literals: list[list[Literal]], x: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The values of rows of literals, (samples, rows, literals)."""
    netlist.output("y", signals(netlist, [literal for row in literals for literal in row]))
    return evaluate(netlist, {"x": x})["y"].reshape(len(x), len(literals), -1)


def read(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    return integers(bits.reshape(-1, bits.shape[-1])).reshape(bits.shape[:-1])


@pytest.mark.parametrize("carry_chains", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rows", "bits"), [(1, 1), (3, 6), (9, 11)])
def test_small_layers_are_right_for_all_inputs(kind: str, rows: int, bits: int, carry_chains: bool) -> None:
    weights, x = KINDS[kind]((rows, bits), np.random.default_rng(bits)), all_values(bits)
    expected = x.astype(np.int64) @ weights.T
    offsets = np.arange(rows) - 2

    netlist = Netlist()
    numbers = sums(netlist, weights, netlist.input("x", bits), offsets, 9, carry_chains=carry_chains)
    np.testing.assert_array_equal(read(outputs(netlist, numbers, x)), expected + offsets & 511)

    for levels in (1, 2, 5):
        thresholds = np.sort(RNG.integers(expected.min() - 1, expected.max() + 3, (rows, levels)), axis=1)
        netlist = Netlist()
        reached = thresholds_reached(netlist, weights, netlist.input("x", bits), thresholds, carry_chains=carry_chains)
        np.testing.assert_array_equal(outputs(netlist, reached, x), expected[:, :, None] >= thresholds)


@pytest.mark.parametrize("carry_chains", [False, True])
@pytest.mark.parametrize(("kind", "rows", "bits"), [("binary", 64, 196), ("ternary", 16, 60), ("planes", 20, 90)])
def test_large_sums_are_proven_by_a_walk(kind: str, rows: int, bits: int, carry_chains: bool) -> None:
    """Undoing the counters one by one leads back to the weighted bits: a proof whatever the number of inputs."""
    weights = KINDS[kind]((rows, bits), np.random.default_rng(bits))
    netlist = Netlist()
    x = netlist.input("x", bits)
    heap, constants = layer_sums(netlist, weights, x, carry_chains=carry_chains)
    column = 0
    while column < len(heap.columns):
        heap.compress(column, 3)
        column += 1
    assert max(map(len, heap.columns)) <= 3
    check_walk(heap, weights, constants, x)

    step = next(step for step in heap.steps if step.outputs[1].any())
    step.outputs[1][0, 0] ^= 1
    with pytest.raises(AssertionError):
        check_walk(heap, weights, constants, x)


def check_walk(heap: SharedSums, weights: NDArray[np.int64], constants: NDArray[np.int64], x: tuple[int, ...]) -> None:
    """Each counter counts, and undoing all leads back to bits that are the weights', with the constants."""
    cells = {signal: cell for cell in heap.netlist.cells for signal in cell.outputs}
    counted: set[tuple[tuple[int, ...], ...]] = set()
    for sum in range(heap.count):
        bits: Counter[tuple[int, Literal]] = Counter()
        for column, positions in enumerate(heap.columns):
            bits.update((column, int(position[sum])) for position in positions if position[sum])
        for step in reversed(heap.steps):
            inputs = tuple(int(bit) for bit in step.inputs[:, sum] if bit)
            places = tuple(tuple(int(bit) for bit in part[:, sum] if bit) for part in step.outputs)
            if inputs and (inputs, *places) not in counted:
                check_counter(heap.netlist, cells, inputs, places)
                counted.add((inputs, *places))
            for place, part in enumerate(places):
                bits.subtract((step.column + place, bit) for bit in part)
            bits.update((step.column, bit) for bit in inputs)
        found, constant = Counter[int](), 0
        for (column, bit), count in bits.items():
            assert count >= 0
            found[bit >> 1] += (-count if bit & 1 else count) << column
            constant += (count if bit & 1 else 0) << column
        assert [found[signal] for signal in x] == weights[sum].tolist()
        assert constant + constants[sum] == 0


def check_counter(
    netlist: Netlist, cells: dict[int, Cell], inputs: tuple[Literal, ...], places: tuple[tuple[Literal, ...], ...]
) -> None:
    """A counter's outputs have the sum of its inputs, for all values of the signals that drive it."""
    drivers = sorted({literal >> 1 for literal in inputs if literal != TRUE})
    flat = [(place, literal) for place, part in enumerate(places) for literal in part]
    outputs = tuple(literal >> 1 for _, literal in flat)
    needed, found = set(outputs), {}
    while needed := needed - {ZERO, ONE, *drivers, *found}:
        cell = cells[needed.pop()]
        found.update(dict.fromkeys(cell.outputs, cell))
        needed.update(cell.inputs)
    ordered = [found[signal] for signal in sorted(found) if signal == found[signal].outputs[0]]
    part = Netlist({"inputs": tuple(drivers)}, {"outputs": outputs}, ordered, netlist.signals)
    values = all_values(len(drivers))
    got = evaluate(part, {"inputs": values})["outputs"].astype(np.int64) ^ [bit & 1 for _, bit in flat]
    where = {signal: place for place, signal in enumerate(drivers)}
    given = [values[:, where[bit >> 1]].astype(np.int64) ^ (bit & 1) if bit != TRUE else 1 for bit in inputs]
    np.testing.assert_array_equal(got @ [1 << place for place, _ in flat], np.sum(given, axis=0))


def test_comparisons_are_right_for_all_inputs_and_thresholds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        heights: list[int] = []
        for _ in range(int(rng.integers(1, 5))):
            heights.append(int(rng.integers(0, highest(heights) + 1)))
        bits = sum(heights)
        if not 0 < bits <= 12:
            continue
        x = all_values(bits)
        weights = np.repeat(1 << np.arange(len(heights)), heights)
        for threshold in range(-1, int(weights.sum()) + 3):
            netlist = Netlist()
            literals = iter([2 * signal ^ int(rng.integers(2)) for signal in netlist.input("x", bits)])
            columns = [[next(literals) for _ in range(height)] for height in heights]
            flips = np.array([literal & 1 for column in columns for literal in column], np.uint8)
            got = outputs(netlist, [[at_least(netlist, columns, threshold)]], x)[:, 0, 0]
            np.testing.assert_array_equal(got, (x ^ flips).astype(np.int64) @ weights >= threshold)


def test_full_adders_are_made_once_for_all_complements() -> None:
    netlist = Netlist()
    a, b, c = (2 * signal for signal in netlist.input("x", 3))
    made = {full_adder(netlist, a ^ i, b ^ j, c ^ k) for i in (0, 1) for j in (0, 1) for k in (0, 1)}
    assert len(made) == 8
    assert len(netlist.cells) == 5


def test_equal_and_opposite_outputs_share_all_counters() -> None:
    weights = RNG.choice([-1, 1], (4, 64))
    one = tables(weights)
    assert tables(np.concatenate([weights, weights, -weights])) < 1.5 * one


def tables(weights: NDArray[np.int64]) -> int:
    netlist = Netlist()
    bits = netlist.input("x", weights.shape[1])
    reached = thresholds_reached(netlist, weights, bits, np.ones((len(weights), 1), np.int64))
    netlist.output("y", signals(netlist, [row[0] for row in reached]))
    return len(packed(netlist.live_cells()))


def test_a_layer_takes_a_third_of_a_table_for_a_weight_and_its_text_does_not_change() -> None:
    """64 outputs of 64 inputs, random weights of -1 and +1, which share less than trained ones."""
    texts = set()
    for _ in range(2):
        weights = np.random.default_rng(3).choice([-1, 1], (64, 64))
        netlist = Netlist()
        reached = thresholds_reached(netlist, weights, netlist.input("x", 64), np.zeros((64, 1), np.int64))
        netlist.output("y", signals(netlist, [row[0] for row in reached]))
        assert len(packed(netlist.live_cells())) < 64 * 64 / 3
        texts.add(body(staged(netlist, 3), "xc7"))
    assert len(texts) == 1


def test_dead_inputs_and_outputs_have_no_cells() -> None:
    weights = np.array([[1, 0, -1, 0], [1, 0, 1, 0]])
    netlist = Netlist()
    reached = thresholds_reached(netlist, weights, netlist.input("x", 4), np.array([[-9], [9]]))
    netlist.output("y", signals(netlist, [row[0] for row in reached]))
    assert netlist.live_cells() == []
    assert netlist.outputs["y"] == (1, 0)
