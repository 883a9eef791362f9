"""A layer that uses all of its weights in every cycle, as a circuit of its constants: from inputs to results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bnnfpga.netlists.linear_forms import counts, sums, thresholds_reached
from bnnfpga.netlists.literals import Literal, signals
from bnnfpga.netlists.netlist import Netlist, Signal
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


def unfolded_layer(
    weights: IntArray,
    input_type: IntegerType,
    parts: int,
    table: ThresholdTable | None,
    output: IntegerType,
    constants: Sequence[tuple[int, int]] = (),
    *,
    carry_chains: bool = True,
) -> Netlist:
    """The dot products of one vector, or the results of thresholds on them.

    Parameters
    ----------
    weights
        int64 (outputs, inputs).
    parts
        Equal parts of the vector with a flag each that says that all elements of the part count as 0; 0 without flags.
    table
        The thresholds; None for the dot products.
    output
        The type of the outputs.
    constants
        Elements that have the same value in all vectors where they are not flagged, and these values.
    carry_chains
        Whether the circuit may have carry chains.

    Returns
    -------
    Netlist
        With the inputs `x` (elements, the first lowest) and, where there are parts, `outside`; and the output `y`.
    """
    netlist = Netlist()
    bits = netlist.input("x", weights.shape[1] * input_type.bits)
    forms, offsets = _on_bits(weights, input_type)
    for place, value in constants:
        forms[:, place * input_type.bits :][:, : input_type.bits] = 0
        offsets[:, place] = weights[:, place] * value
    if parts:
        bits, forms = _flagged(netlist, bits, forms, offsets, parts)
    offset = offsets.sum(axis=1)
    if table is None:
        results = sums(netlist, forms, bits, offset, output.bits, carry_chains=carry_chains)
    else:
        rows = table.with_rows(len(weights))
        wanted = rows.values - offset[:, None]
        reached = thresholds_reached(netlist, forms, bits, wanted, carry_chains=carry_chains)
        results = _codes(netlist, reached, rows, output)
    netlist.output("y", signals(netlist, [bit for result in results for bit in result]))
    return netlist


def _on_bits(weights: IntArray, type: IntegerType) -> tuple[IntArray, IntArray]:
    """Weights of an element's bits, (outputs, inputs * bits), and what each element adds whatever its bits."""
    planes = 2 if type.is_bipolar else 1 << np.arange(type.bits)
    planes = np.atleast_1d(planes).astype(np.int64)
    if type.signed:
        planes[-1] *= -1
    forms = (weights[:, :, None] * planes).reshape(len(weights), -1)
    return forms, -weights if type.is_bipolar else np.zeros_like(weights)


def _flagged(
    netlist: Netlist, bits: tuple[Signal, ...], forms: IntArray, offsets: IntArray, parts: int
) -> tuple[tuple[Signal, ...], IntArray]:
    """Bits that are 0 where their part is flagged, then the flags, which take back what its elements add anyway."""
    flags = netlist.input("outside", parts)
    part = len(bits) // parts
    masked = tuple(netlist.lut(0b0010, bit, flags[place // part]) for place, bit in enumerate(bits))
    corrections = -offsets.reshape(len(offsets), parts, -1).sum(axis=2)
    return (*masked, *flags), np.concatenate([forms, corrections], axis=1)


def _codes(
    netlist: Netlist, reached: list[list[Literal]], table: ThresholdTable, output: IntegerType
) -> list[list[Literal]]:
    """The results of thresholds: how many are reached or, in decreasing channels, are not."""
    counted: NDArray[np.int64] = np.array(reached, np.int64).reshape(table.values.shape) ^ table.decreasing[:, None]
    if output.is_bipolar:
        return [row.tolist() for row in counted]
    return counts(netlist, counted, output.lo, output.bits)
