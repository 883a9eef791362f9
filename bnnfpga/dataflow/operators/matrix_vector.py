"""The streaming matrix-vector unit, with thresholds merged or raw sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import EmulatorKernel, HlsInstance, HlsTable, Memory, MemoryKind, RtlInstance
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.resources import add_resources, memory_resources, multiplier_resources, queue_resources
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.dataflow.thresholds import Decisions, ThresholdTable, bipolar_sum_to_count
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.dataflow.window_beats import window_lanes
from bnnfpga.numbers.exact_arrays import Integers, narrowest, row_blocks, sum_type
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.sum_types import dot_product_type, weight_type

_WIDE_SUM = 32
"""Bits of a step's operands from which the popcount takes two stages instead of one."""

_MAX_SHALLOW = 64
"""Words up to which a weight memory is cheaper in LUTs than in block RAM."""

_MAX_PLANE_PAIRS = 6
"""Bit planes of a weight times those of an input up to which `rtl/bnn_matrix_vector.sv` counts bits, not products."""


@dataclass(frozen=True)
class MatrixVector(Operator):
    """`MH` dot products of `MW` inputs, `pe` outputs and `simd` inputs of each a cycle.

    A `pe` of several times `MH` works on so many vectors at once, each as a whole: `simd` is `MW` then.

    Parameters
    ----------
    weights
        int64 (MH, MW); one bit each where all are -1 or +1, else two's complement.
    positions
        Vectors a frame, each worked on by itself: the windows of a convolution.
    kernel
        Rows and columns of pixels that a vector is made of, channels innermost; they decide what `simd` may be.
    padded
        Whether beats say which of their pixels lie outside the image (`Port.pads`).
    table
        Thresholds merged behind the sums; None gives the sums themselves.
    memory
        Kind of the weight memory.
    sums
        An interval around that of the dot products, for streams that are joined with others; None takes their own.
    """

    weights: IntArray
    input_type: IntegerType
    positions: tuple[int, ...] = ()
    table: ThresholdTable | None = None
    pe: int = 1
    simd: int = 1
    memory: MemoryKind = "block"
    kernel: tuple[int, int] = (1, 1)
    padded: bool = False
    sums: IntegerType | None = None

    kind: ClassVar[str] = "matrix_vector"

    @property
    def mh(self) -> int:
        return int(self.weights.shape[0])

    @property
    def mw(self) -> int:
        return int(self.weights.shape[1])

    @property
    def pixels(self) -> int:
        """Vectors worked on at once."""
        return max(1, self.pe // self.mh)

    @property
    def neurons(self) -> int:
        """Outputs of one vector worked on at once."""
        return min(self.pe, self.mh)

    @property
    def channels(self) -> int:
        """Inputs of one pixel."""
        return self.mw // math.prod(self.kernel)

    @property
    def flags(self) -> int:
        """Pixels of a step of one vector that may lie outside."""
        return max(1, self.simd // self.channels) if self.padded else 0

    @property
    def count_scale(self) -> int:
        """What an equal bit counts (xnor): 2 where half a pixel outside is no whole number, else 1."""
        return 2 if self.padded and min(self.simd, self.channels) % 2 else 1

    @property
    def passes(self) -> int:
        return self.mh // self.neurons

    @property
    def steps(self) -> int:
        return self.mw // self.simd

    @property
    def burst(self) -> int:
        # All passes but the first have the vector from a memory.
        return self.steps if self.passes > 1 else 0

    @property
    def suited_memory(self) -> MemoryKind:
        return "block" if self.passes * self.steps > _MAX_SHALLOW else "distributed"

    @cached_property
    def weight_type(self) -> IntegerType:
        return weight_type(self.weights)

    @property
    def is_xnor(self) -> bool:
        """Whether the unit counts equal bits."""
        return self.weight_type.is_bipolar and self.input_type.is_bipolar

    @cached_property
    def accumulator(self) -> IntegerType:
        """Exact interval of the dot products, or the one that is given around it."""
        return self.sums or dot_product_type(self.weights, self.input_type, padded=self.padded)

    @property
    def inputs(self) -> tuple[Port, ...]:
        lanes, flags = self.pixels * self.simd, self.pixels * self.flags
        return (Port((*self.positions, self.mw), self.input_type, lanes, flags),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        output = self.table.output if self.table else self.accumulator
        return (Port((*self.positions, self.mh), output, self.pe),)

    def refolded(self, **changes: object) -> Self:
        unit = super().refolded(**changes)
        # Found by looking at all weights, and the same in every folding.
        unit.__dict__.update(weight_type=self.weight_type, accumulator=self.accumulator)
        return unit

    @property
    def thresholds(self) -> ThresholdTable | None:
        return self.table

    @property
    def weighted_sums(self) -> WeightedSums:
        return WeightedSums(self.weights, self.weight_type, self.input_type, self.accumulator)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, self.simd)

    def legal_pe(self) -> tuple[int, ...]:
        return legal_lanes((*self.positions, self.mh))

    def legal_simd(self, pe: int) -> tuple[int, ...]:
        return (self.mw,) if pe > self.mh else window_lanes(self.kernel, self.channels)

    def interval(self) -> int:
        return math.prod(self.positions) // self.pixels * self.passes * self.steps

    @property
    def popcount_stages(self) -> int:
        return 2 if self.simd * self.weight_type.bits * self._planes > _WIDE_SUM else 1

    @property
    def _planes(self) -> int:
        """Bit planes of the inputs; as numbers, -1 and +1 have two."""
        return 2 if self.input_type.is_bipolar and not self.is_xnor else self.input_type.bits

    @property
    def latency(self) -> int:
        return 4 + self.popcount_stages

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, self.steps)

    def schedule(self) -> Schedule:
        first = [Event(1, (1,), (0,), (0,))] * (self.steps - 1) + [Event(1, (1,), (1,), (1,))]
        later = [Event(self.steps, (0,), (1,), (1,))] * (self.passes - 1)
        return Schedule((*first, *later), self.latency, (self.queue,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (self._products(arrays[0], self.table),)

    def decide(self, *arrays: Integers) -> Decisions:
        return Decisions(self._products(arrays[0], None), self.table)

    @cached_property
    def _sum_type(self) -> np.dtype[Any]:
        return sum_type(max(-self.input_type.lo, self.input_type.hi) * int(np.abs(self.weights).sum(axis=1).max()))

    def _products(self, x: Integers, table: ThresholdTable | None) -> Integers:
        """The sums, or what the thresholds make of them."""
        type = table.output if table else self.accumulator
        rows = x.reshape(-1, self.mw)
        results = np.empty((len(rows), self.mh), narrowest(type.lo, type.hi))
        weights = self.weights.T.astype(self._sum_type)
        for block in row_blocks(len(rows), self.mw + self.mh):
            sums = rows[block].astype(weights.dtype) @ weights
            results[block] = table.execute(sums) if table else sums
        return results.reshape(*x.shape[:-1], self.mh)

    @cached_property
    def _weight_memory(self) -> Memory:
        # A word holds, for each PE and each bit of the weights, that bit of all inputs of the step.
        planes = self._weight_bits.transpose(0, 2, 1, 4, 3)
        return Memory("weights", planes.reshape(self.passes * self.steps, -1), self.memory)

    @cached_property
    def _weight_bits(self) -> NDArray[np.uint8]:
        """(passes, outputs, steps, SIMD, bits)."""
        codes = self.weight_type.encode(self.weights)
        bits = self.weight_type.bits
        return to_bits(codes, bits).reshape(self.passes, self.neurons, self.steps, self.simd, bits)

    @property
    def accumulator_bits(self) -> int:
        """Width of the register that sums: of a count of equal bits, or of the signed sum."""
        return (self.mw * self.count_scale).bit_length() if self.is_xnor else self.accumulator.bits

    @property
    def threshold_bits(self) -> int:
        if self.is_xnor:
            return (self.mw * self.count_scale + 1).bit_length()
        return IntegerType(self.accumulator.lo, self.accumulator.hi + 1, "signed").bits

    @cached_property
    def _threshold_memory(self) -> Memory | None:
        if self.table is None:
            return None
        table = self.table.with_rows(self.mh)
        stored = bipolar_sum_to_count(table.values, self.mw, self.count_scale) if self.is_xnor else table.values
        return table.memory(self.neurons, stored, self.threshold_bits, "distributed")

    def resources(self) -> dict[str, int]:
        words, width = self.passes * self.steps, self.neurons * self.simd * self.weight_type.bits
        bits = self.input_type.bits
        accumulate = self.pe * self.accumulator_bits
        compare = self.pe * (self.table.levels * -(-self.threshold_bits // 2) if self.table else 0)
        vector = self.simd * bits * -(-self.steps // 64) if self.passes > 1 else 0
        block = self.memory == "block" and words > 1
        unit = {
            "lut": 2 * accumulate + compare + vector + 40,
            "ff": (0 if block else width) + self.pixels * self.simd * bits + 3 * accumulate + 40,
        }
        weights = memory_resources(words, width, self.memory)
        levels = self.table.levels if self.table else 0
        thresholds = memory_resources(self.passes, self.neurons * (levels * self.threshold_bits + 1), "distributed")
        queue = queue_resources(self.outputs[0].width, self.queue)
        return add_resources(unit, self._term_resources(), weights, thresholds if self.table else {}, queue)

    def _term_resources(self) -> dict[str, int]:
        """Estimate of what makes a step's products and adds them up."""
        bits, terms = self.weight_type.bits, self.pe * self.simd
        if bits == 1 or bits * self._planes <= _MAX_PLANE_PAIRS:
            return {"lut": terms * bits * self._planes}
        products = multiplier_resources(bits, self._planes + 1, terms)
        return add_resources(products, {"lut": terms * (bits + self._planes)})

    def rtl(self) -> RtlInstance:
        parameters: dict[str, int | str | Memory] = {
            "MW": self.mw,
            "MH": self.mh,
            "PE": self.neurons,
            "SIMD": self.simd,
            "Pixels": self.pixels,
            "WeightBits": self.weight_type.bits,
            "InputBipolar": int(self.input_type.is_bipolar),
            "InputBits": self.input_type.bits,
            "InputSigned": int(self.input_type.signed),
            "Flags": self.flags,
            "AccumulatorBits": self.accumulator_bits,
            "Levels": self.table.levels if self.table else 0,
            "ThresholdBits": self.threshold_bits,
            "OutputBits": self.outputs[0].type.bits,
            "OutputOffset": self.table.offset if self.table else 0,
            "PopcountStages": self.popcount_stages,
            "QueueDepth": self.queue,
            "MemoryKind": self.memory,
            "Weights": self._weight_memory,
        }
        if self._threshold_memory is not None:
            parameters["Thresholds"] = self._threshold_memory
        return RtlInstance("bnn_matrix_vector", parameters)

    def hls(self) -> HlsInstance:
        # Here a step's weights lie side by side, each with its bits.
        weights = self._weight_bits.transpose(0, 2, 1, 3, 4).reshape(self.passes * self.steps, self.neurons, -1)
        tables = [HlsTable("weights", weights, False, self.memory)]
        if self.table is not None:
            table = self.table.with_rows(self.mh)
            stored = bipolar_sum_to_count(table.values, self.mw, self.count_scale) if self.is_xnor else table.values
            tables += table.hls_tables(self.neurons, stored, self.threshold_bits + int(self.is_xnor), "distributed")
        return HlsInstance(
            "matrix_vector",
            {
                "MW": self.mw,
                "MH": self.mh,
                "Vectors": math.prod(self.positions),
                "PE": self.neurons,
                "SIMD": self.simd,
                "Pixels": self.pixels,
                "WeightBits": self.weight_type.bits,
                "InputBipolar": self.input_type.is_bipolar,
                "InputBits": self.input_type.bits,
                "InputSigned": self.input_type.signed,
                "Flags": self.flags,
                "AccumulatorBits": self.accumulator_bits,
                "Levels": self.table.levels if self.table else 0,
                "OutputBits": self.outputs[0].type.bits,
                "OutputOffset": self.table.offset if self.table else 0,
            },
            tuple(tables),
        )

    def emulator(self) -> EmulatorKernel:
        weights = {"weights": self.weights}
        if self.table is None:
            return EmulatorKernel("matrix_vector", {**weights, "levels": 0})
        return EmulatorKernel("matrix_vector", {**weights, **self.table.with_rows(self.mh).emulator_values()})
