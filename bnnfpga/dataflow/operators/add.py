"""The sum of two streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.arrays import Integers, narrowest
from bnnfpga.dataflow.operator import (
    EmulatorKernel,
    Event,
    HlsInstance,
    Operator,
    RtlInstance,
    Schedule,
    add_resources,
    queue_depth,
    queue_resources,
)
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.integers import IntegerType


@dataclass(frozen=True)
class Add(Operator):
    """Adds two streams element by element, each times an integer, `pe` elements a cycle.

    Parameters
    ----------
    shape
        One frame's tensor, of both.
    types
        The elements of each.
    factors
        What an element of each counts: their scales as multiples of the scale of the sum.
    """

    shape: tuple[int, ...]
    types: tuple[IntegerType, IntegerType]
    factors: tuple[int, int] = (1, 1)
    pe: int = 1

    kind: ClassVar[str] = "add"
    latency: ClassVar[int] = 2

    @property
    def _ends(self) -> list[list[int]]:
        """Least and largest multiple of each."""
        return [
            sorted((factor * type.lo, factor * type.hi)) for type, factor in zip(self.types, self.factors, strict=True)
        ]

    @property
    def made(self) -> IntegerType:
        """Exact interval of the sums."""
        return IntegerType.interval(sum(low for low, _ in self._ends), sum(high for _, high in self._ends))

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(Port(self.shape, type, self.pe) for type in self.types)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port(self.shape, self.made, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        return legal_lanes(self.shape)

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1, 1), (1,), (1,)),), self.latency, (self.queue,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        made = narrowest(self.made.lo, self.made.hi)
        # Multiples need not fit what their sums do.
        wide = narrowest(*self.factors, *self._ends[0], *self._ends[1], self.made.lo, self.made.hi)
        first, second = (
            np.multiply(array, factor, dtype=wide, casting="unsafe")
            for array, factor in zip(arrays, self.factors, strict=True)
        )
        return ((first + second).astype(made, copy=False),)

    def resources(self) -> dict[str, int]:
        bits = self.made.bits
        # A multiple is a sum of as many shifted operands as its factor has bits set.
        sums = sum(abs(factor).bit_count() for factor in self.factors) - 1
        unit = {"lut": self.pe * bits * max(1, sums) + 5, "ff": self.pe * bits + 5}
        return add_resources(unit, queue_resources(self.outputs[0].width, self.queue))

    def rtl(self) -> RtlInstance:
        first, second = self.types
        return RtlInstance(
            "bnn_add",
            {
                "PE": self.pe,
                "InputBits0": first.bits,
                "InputBipolar0": int(first.is_bipolar),
                "InputSigned0": int(first.signed),
                "Factor0": self.factors[0],
                "InputBits1": second.bits,
                "InputBipolar1": int(second.is_bipolar),
                "InputSigned1": int(second.signed),
                "Factor1": self.factors[1],
                "OutputBits": self.made.bits,
                "QueueDepth": self.queue,
            },
        )

    def hls(self) -> HlsInstance:
        first, second = self.types
        return HlsInstance(
            "add",
            {
                "Beats": self.outputs[0].beats,
                "PE": self.pe,
                "InputBits0": first.bits,
                "InputBipolar0": first.is_bipolar,
                "InputSigned0": first.signed,
                "Factor0": self.factors[0],
                "InputBits1": second.bits,
                "InputBipolar1": second.is_bipolar,
                "InputSigned1": second.signed,
                "Factor1": self.factors[1],
                "OutputBits": self.made.bits,
            },
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("add", {"factors": np.array(self.factors, dtype=np.int64)})
