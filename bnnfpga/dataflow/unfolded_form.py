"""A matrix-vector unit that uses all of its weights in every cycle, as a netlist that is rendered for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.held_sums import held_bits
from bnnfpga.dataflow.rendered_form import RenderedForm
from bnnfpga.dataflow.unfolded_layer import unfolded_layer
from bnnfpga.netlists.cuts import Staged, staged
from bnnfpga.netlists.netlist import luts
from bnnfpga.netlists.verilog import body, has_carry_chains
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

_MOST_COUNTED = 4096
"""The most weights of a layer whose netlist is made for its cost: in 0.1 s."""
_CIRCUITS = 16
"""Circuits that are kept: a search asks for those of a layer again and again."""


class _ConstantWeights:
    """Weights that are equal where their values are."""

    def __init__(self, values: IntArray) -> None:
        self.values = values
        self._key = (values.shape, values.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ConstantWeights) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@lru_cache(_CIRCUITS)
def _circuit(
    weights: _ConstantWeights,
    input: IntegerType,
    flags: int,
    table: ThresholdTable | None,
    output: IntegerType,
    constants: tuple[tuple[int, int], ...],
    stages: int,
    family: str,
) -> Staged:
    """The circuit of a vector, which units of any number of vectors per beat share."""
    layer = unfolded_layer(
        weights.values, input, flags, table, output, constants, carry_chains=has_carry_chains(family)
    )
    return staged(layer, stages)


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
        ends = (self.table, self.output, self.constants)
        return _circuit(_ConstantWeights(self.weights), self.input, self.flags, *ends, self.stages, self.family)

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
        width = self.pixels * (self.input_width + self.flags)
        marks = CostTerms(
            {"pipeline.units": 1},
            {"pipeline.bits": width + self.stages + 1, "unfolded.results": self.pixels * self.result_width},
        )
        logic = self._counted_terms() if self.weights.size <= _MOST_COUNTED else self._estimated_terms()
        return add_terms(marks, logic.times(self.pixels))

    def _counted_terms(self) -> CostTerms:
        """The cells of the netlist of a vector."""
        cells = self.circuit.netlist.live_cells()
        if has_carry_chains(self.family):
            tables = {"unfolded.tables": len(self.circuit.tables)}
        else:
            # Tables of more inputs are made of several.
            entries = sum(1 << max(0, len(lut.inputs) - 4) for lut in luts(cells))
            tables = {"unfolded.tables": entries}
        return CostTerms(tables, {"unfolded.registers": sum(self.circuit.registers.values())})

    def _estimated_terms(self) -> CostTerms:
        """The same from the number of weights, of layers whose netlist takes long to make."""
        varying = np.delete(self.weights, [place for place, _ in self.constants], axis=1)
        bits = int(np.count_nonzero(varying)) * self.input.bits
        # A weight of several bits is a sum of about half as many signed powers of two.
        digits = max(1, int(np.abs(self.weights).max()).bit_length() // 2)
        logic = bits * digits
        # Two inputs have few sums, which all outputs share; zeros leave the outputs less in common.
        dense = {"unfolded.dense": logic, "unfolded.shared": varying.shape[1] * self.input.bits * digits}
        outputs = len(self.weights)
        counted = -(-logic // (2 * outputs))
        held = outputs * held_bits(counted, (2 * counted).bit_length(), self.stages)
        return CostTerms(dense if np.all(self.weights) else {"unfolded.sparse": logic}, {"unfolded.estimated": held})
