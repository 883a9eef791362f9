"""Proofs of netlists: all values of few inputs, and a walk over the counters of a bit heap."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from bnnfpga.netlists.compressors import BitHeap
from bnnfpga.netlists.netlist import Netlist, Signal
from bnnfpga.netlists.values import evaluate


def all_values(bits: int) -> NDArray[np.uint8]:
    """All values of so many bits, one a row, least significant bit first."""
    return np.array(list(itertools.product((0, 1), repeat=bits)), np.uint8)[:, ::-1]


def integers(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The unsigned integers that rows of bits are."""
    return bits.astype(np.int64) @ (1 << np.arange(bits.shape[1], dtype=np.int64))


def outputs_of(netlist: Netlist, inputs: tuple[Signal, ...], outputs: tuple[Signal, ...]) -> NDArray[np.uint8]:
    """The values of some signals for all values of others, which alone they may depend on."""
    part = netlist.between(inputs, outputs)
    return evaluate(part, {"inputs": all_values(len(inputs))})["outputs"]


def check_sum(heap: BitHeap, columns: list[list[Signal]]) -> None:
    """A heap holds the sum of these columns: each of its counters counts, and undoing them one by one leads back.

    This is a proof for any size: a counter's cells are tried with all values of its inputs, whatever drives those.
    """
    bits = Counter((column, signal) for column, signals in enumerate(heap.columns) for signal in signals)
    for counter in reversed(heap.counters):
        outputs = outputs_of(heap.netlist, counter.inputs, counter.outputs)
        np.testing.assert_array_equal(integers(outputs), all_values(len(counter.inputs)).sum(axis=1))
        for place, output in enumerate(counter.outputs):
            bits[counter.column + place, output] -= 1
        bits.update((counter.column, signal) for signal in counter.inputs)
    expected = Counter((column, signal) for column, signals in enumerate(columns) for signal in signals)
    assert {place: count for place, count in bits.items() if count} == expected
