"""A matrix-vector unit that uses all of its weights in every cycle, as a netlist that is rendered for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.rendered_form import RenderedForm
from bnnfpga.dataflow.unfolded_layer import unfolded_layer
from bnnfpga.netlists.cuts import Staged, staged
from bnnfpga.netlists.verilog import body, has_carry_chains
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True, eq=False)
class UnfoldedForm(RenderedForm):
    """A unit with one word of weights.

    Parameters
    ----------
    weights, table, flags, input, output, constants
        As of `unfolded_layer`.
    pixels
        Vectors per beat.
    """

    weights: IntArray
    table: ThresholdTable | None
    flags: int
    pixels: int
    input: IntegerType
    output: IntegerType
    constants: tuple[tuple[int, int], ...]

    template: ClassVar[str] = "unfolded"

    @cached_property
    def circuit(self) -> Staged:
        """The results of one vector, with a register behind each stage but the last."""
        chains = has_carry_chains(self.family)
        ends = (self.table, self.output, self.constants)
        layer = unfolded_layer(self.weights, self.input, self.flags, *ends, carry_chains=chains)
        return staged(layer, self.stages)

    @property
    def logic_levels(self) -> int:
        return self.circuit.depth

    @property
    def input_width(self) -> int:
        """Bits of a vector, without flags."""
        return int(self.weights.shape[1]) * self.input.bits

    @property
    def result_width(self) -> int:
        """Bits of the results of a vector."""
        return len(self.weights) * self.output.bits

    def netlist(self) -> str:
        """The circuit's statements."""
        return body(self.circuit, self.family)

    def cost_terms(self) -> CostTerms:
        # Measured on layers of 64 to 256 inputs and outputs; zeros leave the outputs less in common.
        varying = np.delete(self.weights, [place for place, _ in self.constants], axis=1)
        bits = np.count_nonzero(varying) * self.input.bits
        share = 0.28 if np.all(self.weights) else 0.55
        # A weight of several bits is a sum of about half as many signed powers of two.
        digits = max(1, int(np.abs(self.weights).max()).bit_length() // 2)
        tables = self.pixels * (int(bits * digits * share) + 4 * self.result_width)
        return CostTerms(
            {"unfolded_form.tables": tables}, {"unfolded_form.bits": tables + self.pixels * self.input_width + 40}
        )
