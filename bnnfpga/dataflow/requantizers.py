"""The hardware forms of step functions by channel; `StoredThresholds` chooses one (docs/dataflow.md, section 6)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.resources import add_resources, multiplier_resources
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.unit_parameters import UnitParameters, rtl_only
from bnnfpga.numbers.fixed_point_steps import FixedPointSteps
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

RequantizerKind = Literal["comparators", "fixed_point"]
REQUANTIZER_KINDS: tuple[RequantizerKind, ...] = get_args(RequantizerKind)


@dataclass(frozen=True, eq=False)
class Requantizer(ABC):
    """One form of the step functions of a unit."""

    kind: ClassVar[RequantizerKind]

    @property
    @abstractmethod
    def stages(self) -> int:
        """Cycles from values to their results."""

    @abstractmethod
    def logic_levels(self, target: Target) -> int:
        """Logic levels of its longest stage (`Operator.logic_levels`)."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """Bits per channel in the memory."""

    @abstractmethod
    def rows(self) -> NDArray[np.uint8]:
        """The contents of the memory, uint8 (channels, bits), least significant bit first."""

    @abstractmethod
    def parameters(self) -> UnitParameters:
        """Its parameters of the module."""

    @abstractmethod
    def resources(self) -> dict[str, int]:
        """Estimate for one value per cycle, without the memory."""


@dataclass(frozen=True, eq=False)
class Comparators(Requantizer):
    """All thresholds of a channel compared at once.

    Parameters
    ----------
    table
        Thresholds as stored, with a row for each channel.
    type
        The type of a stored threshold.
    """

    table: ThresholdTable
    type: IntegerType

    kind: ClassVar[RequantizerKind] = "comparators"
    stages: ClassVar[int] = 1  # type: ignore[misc]

    def logic_levels(self, target: Target) -> int:
        return target.carry_levels(self.type.bits) + 1 + target.count_levels(self.table.levels)

    @property
    def bits(self) -> int:
        return self.table.levels * self.type.bits + 1

    def rows(self) -> NDArray[np.uint8]:
        """For each channel its thresholds, the lowest first, then its direction."""
        thresholds = to_bits(self.table.values, self.type.bits).reshape(self.table.rows, -1)
        return np.concatenate([thresholds, self.table.decreasing[:, None].astype(np.uint8)], axis=1)

    def parameters(self) -> UnitParameters:
        return rtl_only(Requantizer=self.kind, ThresholdBits=self.type.bits)

    def resources(self) -> dict[str, int]:
        levels = self.table.levels
        # Comparators, and adders that count.
        return {"lut": levels * -(-self.type.bits // 2) + 4 * (levels - 1)}


@dataclass(frozen=True, eq=False)
class FixedPoint(Requantizer):
    """A product and a sum, of which the bits above the point are the result."""

    steps: FixedPointSteps

    kind: ClassVar[RequantizerKind] = "fixed_point"

    @property
    def factor_bits(self) -> int:
        """Bits of a factor; 0 if all are 1."""
        return 0 if np.all(self.steps.factors == 1) else self.steps.factor_type.bits

    @property
    def sum_bits(self) -> int:
        """Bits of the sum, above the point at least the sign."""
        return max(self.steps.sum_type.bits, self.steps.offset_type.bits, self.steps.shift + 1)

    @property
    def stages(self) -> int:
        return 3 if self.factor_bits else 2

    def logic_levels(self, target: Target) -> int:
        domain = self.steps.domain
        product = target.product_levels(self.factor_bits, IntegerType(domain.lo, domain.hi, "signed").bits)
        # The cut: a tie, the comparison with the last level, the choice.
        return max(product if self.factor_bits else 0, target.carry_levels(self.sum_bits) + 2)

    @property
    def bits(self) -> int:
        return self.steps.offset_type.bits + self.factor_bits

    def rows(self) -> NDArray[np.uint8]:
        """For each channel its offset, then its factor, in two's complement."""
        steps = self.steps
        offsets = to_bits(steps.offsets, steps.offset_type.bits)
        return np.concatenate([offsets, to_bits(steps.factors, self.factor_bits)], axis=1)

    def parameters(self) -> UnitParameters:
        return rtl_only(
            Requantizer=self.kind,
            ThresholdBits=self.steps.offset_type.bits,
            FactorBits=self.factor_bits,
            SumBits=self.sum_bits,
            Shift=self.steps.shift,
            Ties=0 if self.steps.tie is None else 1 + self.steps.tie,
        )

    def resources(self) -> dict[str, int]:
        cut = self.steps.levels.bit_length() * (1 if self.steps.tie is None else 2)
        if not self.factor_bits:
            return {"lut": self.sum_bits + cut}
        domain = self.steps.domain
        value_bits = IntegerType(domain.lo, domain.hi, "signed").bits
        return add_resources({"lut": cut}, multiplier_resources(self.factor_bits, value_bits))
