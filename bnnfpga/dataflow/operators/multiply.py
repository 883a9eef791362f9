"""The product of two streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.elementwise import Binary
from bnnfpga.dataflow.fifo_terms import output_queue_terms
from bnnfpga.dataflow.hardware import EmulatorKernel
from bnnfpga.dataflow.multipliers import product_terms
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers, narrowest
from bnnfpga.numbers.integers import IntegerType


@dataclass(frozen=True)
class Multiply(Binary):
    """Multiplies two streams element by element, `pe` elements per cycle."""

    kind: ClassVar[str] = "multiply"
    is_monotone: ClassVar[bool] = True

    @property
    def latency(self) -> int:
        return 3

    @property
    def logic_levels(self) -> int:
        return max(3, self.target.product_levels(*(type.bits for type in self.types)))

    @property
    def result_type(self) -> IntegerType:
        return self.types[0].times(self.types[1])

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        dtype = narrowest(self.result_type.lo, self.result_type.hi)
        # A factor need not fit the type of the products: all of them may be 0.
        wide = narrowest(*(end for type in (*self.types, self.result_type) for end in (type.lo, type.hi)))
        product = np.multiply(*arrays, dtype=wide, casting="unsafe")
        return (product.astype(dtype, copy=False),)

    def cost_terms(self) -> CostTerms:
        # The multiplier's operands are signed numbers; -1 and +1 take two bits.
        first, second = (2 if type.is_bipolar else type.bits + (not type.signed) for type in self.types)
        bits, family = self.result_type.bits, self.target.family
        used = first + second if self.result_type.is_bipolar else min(bits, first + second)
        product = product_terms(first, second, used, family)
        kept = "multiply.multiplied" if product.dsp else "multiply.bits"
        return add_terms(
            CostTerms({"multiply.units": 1}, {kept: 2 * self.pe * bits, "multiply.units": 1}),
            product.times(self.pe),
            output_queue_terms(self.outputs[0].width, self.queue, family),
        )

    def parameters(self) -> UnitParameters:
        return (
            hls_only(Beats=self.outputs[0].beats)
            + both(PE=self.pe)
            + self.element_parameters()
            + rtl_only(QueueDepth=self.queue)
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("multiply", {})
