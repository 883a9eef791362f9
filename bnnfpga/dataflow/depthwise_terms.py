"""The cells of the depthwise unit's datapath (`rtl/bnn_vector_vector.sv`)."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.datapath_shape import number_bits
from bnnfpga.dataflow.lut_memory import written_memory
from bnnfpga.dataflow.multipliers import product_terms
from bnnfpga.numbers.integers import IntegerType


@dataclass(frozen=True)
class DepthwiseShape:
    """What the cells of a depthwise datapath depend on.

    Parameters
    ----------
    outputs, simd
        Sums per cycle, and products of each.
    chunks, steps
        Beats of a pixel, and steps of a window.
    padded
        Whether pixels may be flagged.
    stages
        Registers in front of the accumulators.
    sum_bits
        Bits of a sum.
    weight, input
        The types of weights and inputs.
    family
        The FPGA family.
    """

    outputs: int
    simd: int
    chunks: int
    steps: int
    padded: bool
    stages: int
    sum_bits: int
    weight: IntegerType
    input: IntegerType
    family: str

    @property
    def is_xnor(self) -> bool:
        """Whether equal bits are counted."""
        return self.weight.is_bipolar and self.input.is_bipolar

    @property
    def product_bits(self) -> int:
        """Bits of a product."""
        return 1 + self.padded if self.is_xnor else self.weight.bits + self.input.bits


def depthwise_terms(shape: DepthwiseShape) -> CostTerms:
    """The whole datapath up to the sums."""
    elements = shape.outputs * shape.simd
    words = shape.steps * shape.chunks
    numbers = number_bits(shape.steps) + number_bits(shape.chunks)
    if shape.steps > 1 and shape.chunks > 1:
        numbers += number_bits(words) + number_bits(shape.chunks)
    marks = (shape.stages + 2) + (2 * (shape.stages + 1) if shape.steps > 1 else 0)
    operand = elements * shape.input.bits + (elements // max(1, shape.outputs) if shape.padded else 0)
    bits = min(shape.sum_bits, shape.product_bits + number_bits(shape.simd))
    held = (elements * shape.product_bits if shape.stages > 1 else 0) + (shape.outputs * bits if shape.stages else 0)
    sums = shape.outputs * shape.sum_bits
    registers = CostTerms(
        {"counters.bits": numbers, "pipeline.units": 1},
        {"counters.bits": numbers, "pipeline.bits": operand + marks, "depthwise.bits": held + sums},
    )
    added = CostTerms(
        {
            "depthwise.added": shape.outputs * (shape.simd - 1) * shape.product_bits,
            "depthwise.sums": sums if shape.steps > 1 else 0,
        }
    )
    kept = written_memory(shape.chunks, sums, shape.family) if shape.steps > 1 and shape.chunks > 1 else CostTerms()
    return add_terms(registers, _products(shape).times(elements), added, kept)


def _products(shape: DepthwiseShape) -> CostTerms:
    """One product."""
    weight, input = shape.weight, shape.input
    if shape.is_xnor:
        return CostTerms({"depthwise.equal": shape.product_bits})
    flagged = shape.product_bits if shape.padded else 0
    if weight.is_bipolar or input.is_bipolar:
        return CostTerms({"depthwise.signs": shape.product_bits, "depthwise.flagged": flagged})
    value = input.bits if input.signed else input.bits + 1
    product = product_terms(weight.bits, value, shape.product_bits, shape.family)
    return add_terms(product, CostTerms({"depthwise.flagged": flagged}))
