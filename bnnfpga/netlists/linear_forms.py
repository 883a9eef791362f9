"""Integer linear forms of bits, for all outputs of a layer at once: their sums, or how many thresholds these reach.

A weight is a sum of signed powers of two, as few as possible (Booth's recoding); a negative one counts the complement
of its bit and a constant: -b = ~b - 1. So weights of -1 and +1, on any bit plane, are a bit or its complement.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bnnfpga.netlists.comparison import at_least, highest
from bnnfpga.netlists.literals import FALSE, TRUE, Literal
from bnnfpga.netlists.netlist import Netlist, Signal
from bnnfpga.netlists.shared_sums import Literals, SharedSums

_COMPARED = 2
"""The most thresholds of a sum that are compared with its columns; for more, the sum is added up first."""


def sums(
    netlist: Netlist,
    weights: NDArray[np.int64],
    bits: Sequence[Signal],
    offsets: NDArray[np.int64],
    width: int,
    *,
    carry_chains: bool = True,
) -> list[list[Literal]]:
    """For each output the `width` lowest bits of its offset and its weighted sum of bits, least significant first.

    Parameters
    ----------
    weights
        int64 (outputs, bits).
    offsets
        int64 (outputs,).
    carry_chains
        Whether the circuit may have carry chains.
    """
    heap, constants = layer_sums(netlist, weights, bits, carry_chains=carry_chains)
    return _numbers(heap, offsets + constants, width)


def thresholds_reached(
    netlist: Netlist,
    weights: NDArray[np.int64],
    bits: Sequence[Signal],
    thresholds: NDArray[np.int64],
    *,
    carry_chains: bool = True,
) -> list[list[Literal]]:
    """For each output and each of its thresholds, int64 (outputs, levels), whether its weighted sum reaches it."""
    heap, constants = layer_sums(netlist, weights, bits, carry_chains=carry_chains)
    compared = thresholds.shape[1] <= _COMPARED
    heights: list[int] = []
    column = 0
    while column < len(heap.columns):
        heap.compress(column, highest(heights) if compared else 1)
        heights.append(len(heap.columns[column]))
        column += 1
    reached = []
    for output, row in enumerate((thresholds - constants[:, None]).tolist()):
        columns = [heap.bits(column, output) for column in range(len(heap.columns))]
        reached.append([at_least(netlist, columns, threshold) for threshold in row])
    return reached


def counts(netlist: Netlist, literals: Literals, offset: int, width: int) -> list[list[Literal]]:
    """For each row of literals the `width` lowest bits of an offset and the number of those that are true."""
    heap = SharedSums(netlist, len(literals), carry_chains=False)
    for position in literals.T:
        heap.add(0, position)
    return _numbers(heap, np.full(len(literals), offset), width)


def layer_sums(
    netlist: Netlist, weights: NDArray[np.int64], bits: Sequence[Signal], *, carry_chains: bool
) -> tuple[SharedSums, NDArray[np.int64]]:
    """The bits of all sums, those in large groups added up, and the constants that the sums need besides."""
    heap = SharedSums(netlist, len(weights), carry_chains)
    constants = np.zeros(len(weights), np.int64)
    plain = 2 * np.array(bits, np.int64)
    left, column = weights, 0
    while left.any():
        digits = np.where(left & 1, 2 - (left & 3), 0)
        literals = np.where(digits > 0, plain, np.where(digits < 0, plain + 1, FALSE))
        heap.group(column, [position for position in literals.T if position.any()])
        constants -= (digits < 0).sum(axis=1) << column
        left, column = (left - digits) >> 1, column + 1
    return heap, constants


def _numbers(heap: SharedSums, offsets: NDArray[np.int64], width: int) -> list[list[Literal]]:
    """The sums and their offsets as numbers of `width` bits."""
    for column in range(width):
        heap.add(column, np.where(offsets >> column & 1, TRUE, FALSE))
        heap.compress(column, 1)
    return [[next(iter(heap.bits(column, sum)), FALSE) for column in range(width)] for sum in range(heap.count)]
