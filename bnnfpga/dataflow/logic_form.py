"""A matrix-vector unit as a module of its own, rendered for it: its weights are in the tables of its logic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.datapath_shape import step_terms
from bnnfpga.dataflow.held_sums import held_bits
from bnnfpga.dataflow.rendered_form import RenderedForm
from bnnfpga.dataflow.thresholds import StoredThresholds
from bnnfpga.dataflow.vector_buffer import VectorBuffer
from bnnfpga.netlists.cuts import Staged, staged
from bnnfpga.netlists.folded_sums import FoldedSums
from bnnfpga.netlists.verilog import body

_MOST_WORDS = {6: 16, 4: 8}
"""The most weight words, by the inputs of a table, for which weights are smaller in tables than in a memory."""

MOST_LEVELS = 3
"""The most thresholds that an output is compared with by tables; more are cheaper in other ways."""


def logic_words(lut_inputs: int) -> int:
    """The most weight words that a unit may have in its tables."""
    return _MOST_WORDS[lut_inputs]


_CARRIES = {"logic_form.carries_2": 1, "logic_form.carries_4": 2, "logic_form.carries_8": 3}
_PRODUCTS = {"logic_form.products_4": 2, "logic_form.products_8": 3, "logic_form.products_16": 4}
"""Carries and products of inputs, by the most bits of the number of a word in their tables."""


@dataclass(frozen=True, eq=False)
class LogicForm(RenderedForm):
    """A unit with several words of weights.

    Parameters
    ----------
    weights
        bool (passes, outputs, steps, inputs): whether a weight is +1.
    thresholds
        The thresholds on counts.
    output_bits, lut_inputs, pixels, flags, scale
        As those of the datapath, `sums`.
    buffer
        What keeps vectors for further passes.
    """

    weights: NDArray[np.bool_]
    thresholds: StoredThresholds
    output_bits: int
    lut_inputs: int
    pixels: int
    flags: int
    scale: int
    buffer: VectorBuffer | None
    template: ClassVar[str] = "logic_weights"

    @cached_property
    def sums(self) -> FoldedSums:
        """The datapath."""
        passes, outputs = self.weights.shape[:2]
        table = self.thresholds.table
        if table is None:
            values, decreasing = np.zeros((passes, outputs, 0), np.int64), np.zeros((passes, outputs), bool)
        else:
            rows = table.with_rows(passes * outputs)
            values = self.thresholds.domain.thresholds(rows.values).reshape(passes, outputs, -1)
            decreasing = rows.decreasing.reshape(passes, outputs)
        lanes = (self.output_bits, self.lut_inputs, self.pixels, self.flags, self.scale)
        return FoldedSums(self.weights.astype(np.uint8), values, decreasing, self.thresholds.offset, *lanes)

    @property
    def state_width(self) -> int:
        """Bits of all outputs between steps."""
        return self.sums.outputs * self.sums.state_bits

    @property
    def counts_width(self) -> int:
        """Bits of what a step adds to them."""
        return len(self.circuits["c"].netlist.outputs["counts"])

    @property
    def input_width(self) -> int:
        """Bits of an input beat."""
        return self.buffer.width if self.buffer else self.sums.pixels * (self.sums.inputs + self.sums.flags)

    @property
    def result_width(self) -> int:
        return self.sums.pixels * self.sums.outputs * self.sums.output_bits

    def cost_terms(self) -> CostTerms:
        sums = self.sums
        outputs = sums.pixels * sums.outputs
        counted, products = self._product_terms(outputs)
        accumulates = sums.steps > 1
        state = outputs * sums.state_bits if accumulates else 0
        lut = {
            "logic_form.state": state,
            "logic_form.results": outputs * sums.output_bits,
            "logic_form.compared": outputs * sums.levels * sums.state_bits,
            "logic_form.inputs": sums.pixels * sums.inputs,
        }
        registers = sums.pixels * (sums.inputs + sums.flags) + sums.address_bits
        marks = self.stages * (3 if accumulates else 1) + 1 + (2 + sums.pass_bits if accumulates else 0)
        # What a step adds is nearly one number; with more stages, what is added up to it waits between.
        count = counted.bit_length() + 1
        added = outputs * count if accumulates else self.result_width
        between = outputs * held_bits(counted, count, self.stages - 1 if accumulates else self.stages)
        ff = {
            "pipeline.bits": registers + marks,
            "logic_form.state": state,
            "logic_form.added": added,
            "logic_form.between": between,
        }
        # The pass of a result is counted once more.
        number = CostTerms({"counters.bits": sums.pass_bits if accumulates else 0, "pipeline.units": 1})
        return add_terms(CostTerms({**lut, **products}, ff), number, step_terms(sums.passes, sums.steps))

    def _product_terms(self, outputs: int) -> tuple[int, dict[str, float]]:
        """Bits that are counted for an output: carries of two inputs, or products of one; and the tables of all."""
        sums = self.sums
        if sums.counts_padded:
            counted = sums.flags * (sums.inputs // sums.flags // 2)
            return counted, {"logic_form.padded": outputs * counted}
        if sums.flags:
            return sums.inputs, {"logic_form.flagged": outputs * sums.inputs}
        counted = (sums.inputs + 1) // 2 if sums.counts_carries else sums.inputs
        names = _CARRIES if sums.counts_carries else _PRODUCTS
        return counted, {next(name for name, bits in names.items() if sums.address_bits <= bits): outputs * counted}

    @cached_property
    def circuits(self) -> dict[str, Staged]:
        """The datapath in parts, by the first letter of the names of their signals.

        Where a pass has one step, all of it (`n`); else what a step adds (`c`) in all stages but the last, the sums
        (`s`) there, and the results (`r`) on their way into the output queue.
        """
        if self.sums.steps == 1:
            return {"n": staged(self.sums.at_once, self.stages)}
        netlists = {"s": self.sums.summing, "r": self.sums.results}
        last = {name: staged(netlist, 1) for name, netlist in netlists.items()}
        return {"c": staged(self.sums.counting, self.stages - 1), **last}

    @property
    def logic_levels(self) -> int:
        return max(circuit.depth for circuit in self.circuits.values())

    def text(self, name: str) -> str:
        """The statements of one of `circuits`."""
        return body(self.circuits[name], self.family, name)
