"""The sum of two streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.elementwise import Binary
from bnnfpga.dataflow.fifo_terms import output_queue_terms
from bnnfpga.dataflow.hardware import EmulatorKernel
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers, narrowest
from bnnfpga.numbers.integers import IntegerType


@dataclass(frozen=True)
class Add(Binary):
    """Adds two streams element by element, each multiplied by an integer, `pe` elements per cycle.

    Parameters
    ----------
    factors
        The integer factor of each stream: its scale as a multiple of the sum's scale.
    """

    factors: tuple[int, int] = (1, 1)

    kind: ClassVar[str] = "add"
    is_monotone: ClassVar[bool] = True

    @property
    def latency(self) -> int:
        return 2

    @property
    def logic_levels(self) -> int:
        sums = sum(abs(factor).bit_count() for factor in self.factors)
        return self.target.carry_levels(self.result_type.bits) * max(1, (sums - 1).bit_length())

    @property
    def _ends(self) -> list[list[int]]:
        """The smallest and the largest product of each stream's elements and its factor."""
        return [
            sorted((factor * type.lo, factor * type.hi)) for type, factor in zip(self.types, self.factors, strict=True)
        ]

    @property
    def result_type(self) -> IntegerType:
        """The exact interval of the sums."""
        return IntegerType.interval(sum(low for low, _ in self._ends), sum(high for _, high in self._ends))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        dtype = narrowest(self.result_type.lo, self.result_type.hi)
        # The products need not fit the type of their sum.
        wide = narrowest(*self.factors, *self._ends[0], *self._ends[1], self.result_type.lo, self.result_type.hi)
        first, second = (
            np.multiply(array, factor, dtype=wide, casting="unsafe")
            for array, factor in zip(arrays, self.factors, strict=True)
        )
        return ((first + second).astype(dtype, copy=False),)

    def cost_terms(self) -> CostTerms:
        # A product is the sum of one shifted operand for each bit that is set in the factor.
        sums = sum(
            max(0, abs(factor).bit_count() - 1)
            for factor, type in zip(self.factors, self.types, strict=True)
            if not type.is_bipolar
        )
        bits = self.pe * self.result_type.bits
        negative = bits if self.factors[0] < 0 else 0
        unit = CostTerms(
            {"add.units": 1, "add.bits": bits, "add.products": bits * sums, "add.negated": negative},
            {"add.bits": bits + 1},
        )
        return add_terms(unit, output_queue_terms(self.outputs[0].width, self.queue, self.target.family))

    def parameters(self) -> UnitParameters:
        return (
            hls_only(Beats=self.outputs[0].beats)
            + both(PE=self.pe)
            + self.element_parameters(*self.factors)
            + rtl_only(QueueDepth=self.queue)
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("add", {"factors": np.array(self.factors, dtype=np.int64)})
