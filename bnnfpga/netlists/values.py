"""The values of a netlist's outputs, for many inputs at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bnnfpga.netlists.netlist import Lut, Netlist
from bnnfpga.netlists.truth_tables import bits_of

Bits = NDArray[np.uint8]


def evaluate(netlist: Netlist, inputs: Mapping[str, Bits]) -> dict[str, Bits]:
    """Evaluate a netlist.

    Parameters
    ----------
    inputs
        For each input the zeros and ones of its bits, uint8 (samples, width).

    Returns
    -------
    dict
        The same for each output.
    """
    samples = len(next(iter(inputs.values())))
    values: dict[int, Bits] = {0: np.zeros(samples, np.uint8), 1: np.ones(samples, np.uint8)}
    for name, signals in netlist.inputs.items():
        values.update(zip(signals, np.ascontiguousarray(inputs[name].T), strict=True))
    for cell in netlist.live_cells():
        if isinstance(cell, Lut):
            entry = np.zeros(samples, np.uint8)
            for place, signal in enumerate(cell.inputs):
                entry |= values[signal] << place
            values[cell.output] = np.array(bits_of(cell.table, 1 << len(cell.inputs)), np.uint8)[entry]
        else:
            carry = values[cell.carry_in]
            for select, data, sum in zip(cell.select, cell.data, cell.sums, strict=True):
                values[sum] = values[select] ^ carry
                carry = np.where(values[select], carry, values[data])
            values[cell.carry] = carry
    return {
        name: np.stack([values[signal] for signal in signals], axis=1) if signals else np.zeros((samples, 0), np.uint8)
        for name, signals in netlist.outputs.items()
    }
