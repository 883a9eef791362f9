"""The depthwise unit: a dot product for each channel by itself, with thresholds merged or raw sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import EmulatorKernel, HlsInstance, HlsTable, Memory, MemoryKind, RtlInstance
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.resources import add_resources, memory_resources, multiplier_resources, queue_resources
from bnnfpga.dataflow.schedule import Schedule, queue_depth
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.thresholds import Decisions, ThresholdTable, bipolar_sum_to_count
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.dataflow.window_beats import WindowBeats
from bnnfpga.numbers.exact_arrays import Integers, narrowest, row_blocks
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.sum_types import dot_product_type, weight_type


@dataclass(frozen=True)
class VectorVector(Operator):
    """Sums the pixels of each window, each times its weight, channel by channel.

    A layer that makes several channels of each gets its input through a `Select` that repeats channels.

    Parameters
    ----------
    weights
        int64 (taps, channels); one bit each where all are -1 or +1, else two's complement.
    input_type
        The elements taken.
    windows
        Windows of a frame, any axes; their pixels come one after the other, each with all its channels.
    table
        Thresholds merged behind the sums; None gives the sums themselves.
    padded
        Whether beats say which pixels lie outside the image (`Port.pads`); those are 0.
    memory
        Kind of the weight memory.
    kernel
        Rows and columns of pixels of a window, which decide what `simd` may be; one row where nothing is said.
    """

    weights: IntArray
    input_type: IntegerType
    windows: tuple[int, ...] = ()
    table: ThresholdTable | None = None
    padded: bool = False
    pe: int = 1
    memory: MemoryKind = "distributed"
    kernel: tuple[int, int] | None = None
    simd: int = 1

    kind: ClassVar[str] = "vector_vector"

    @property
    def taps(self) -> int:
        return int(self.weights.shape[0])

    @property
    def channels(self) -> int:
        return int(self.weights.shape[1])

    @property
    def beats(self) -> WindowBeats:
        """How windows come."""
        return WindowBeats(self.windows, self.kernel or (1, self.taps), self.channels, self.pe, self.simd)

    @cached_property
    def weight_type(self) -> IntegerType:
        return weight_type(self.weights)

    @property
    def is_xnor(self) -> bool:
        """Whether the unit counts equal bits."""
        return self.weight_type.is_bipolar and self.input_type.is_bipolar

    @property
    def count_scale(self) -> int:
        """What an equal bit counts (xnor): 2 where a pixel outside counts half, else 1."""
        return 2 if self.padded else 1

    @cached_property
    def accumulator(self) -> IntegerType:
        """Exact interval of the dot products."""
        return dot_product_type(self.weights.T, self.input_type, padded=self.padded)

    @property
    def made(self) -> IntegerType:
        if self.table is not None:
            return self.table.output
        return IntegerType.interval(self.accumulator.lo, self.accumulator.hi)

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.beats.port(self.input_type, padded=self.padded),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((*self.windows, self.channels), self.made, self.pe),)

    @property
    def thresholds(self) -> ThresholdTable | None:
        return self.table

    @property
    def weighted_sums(self) -> WeightedSums:
        return WeightedSums(self.weights, self.weight_type, self.input_type, self.accumulator, is_depthwise=True)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, self.simd)

    def legal_pe(self) -> tuple[int, ...]:
        return self.beats.legal_pe()

    def legal_simd(self, pe: int) -> tuple[int, ...]:
        return self.beats.legal_simd(pe)

    def interval(self) -> int:
        return self.beats.interval()

    @property
    def _multiplies(self) -> bool:
        return self.weight_type.bits > 1 and self.input_type.bits > 1

    @property
    def product_stages(self) -> int:
        """1 where the products of a beat, and their sum, need a cycle of their own."""
        return int(self._multiplies or self.simd > 1)

    @property
    def latency(self) -> int:
        return 3 + self.product_stages + int(self.table is not None)

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, self.beats.steps, self.beats.chunks)

    def schedule(self) -> Schedule:
        return Schedule(self.beats.events(), self.latency, (self.queue,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (self._products(arrays[0], self.table),)

    def decide(self, *arrays: Integers) -> Decisions:
        return Decisions(self._products(arrays[0], None), self.table)

    def _products(self, x: Integers, table: ThresholdTable | None) -> Integers:
        """The sums, or what the thresholds make of them."""
        type = table.output if table else self.accumulator
        rows = x.reshape(-1, self.taps, self.channels)
        results = np.empty((len(rows), self.channels), narrowest(type.lo, type.hi))
        largest = max(-self.input_type.lo, self.input_type.hi) * int(np.abs(self.weights).sum(axis=0).max())
        exact = narrowest(-largest, largest)
        weights = self.weights.astype(exact)
        for block in row_blocks(len(rows), (self.taps + 2) * self.channels):
            sums = np.einsum("rtc,tc->rc", rows[block].astype(exact), weights)
            results[block] = table.execute(sums) if table else sums
        return results.reshape(len(x), *self.windows, self.channels)

    @cached_property
    def _weight_bits(self) -> NDArray[np.uint8]:
        """(steps * chunks, SIMD * PE, bits)."""
        bits = self.weight_type.bits
        return to_bits(self.weight_type.encode(self.weights), bits).reshape(-1, self.simd * self.beats.part, bits)

    @property
    def accumulator_bits(self) -> int:
        """Width of the register that sums: of a count of equal bits, or of the signed sum."""
        return (self.taps * self.count_scale).bit_length() if self.is_xnor else self.accumulator.bits

    @property
    def threshold_bits(self) -> int:
        if self.is_xnor:
            return (self.taps * self.count_scale + 1).bit_length()
        return IntegerType(self.accumulator.lo, self.accumulator.hi + 1, "signed").bits

    @cached_property
    def _thresholds(self) -> tuple[ThresholdTable, IntArray] | None:
        """The table with a row for each channel, and its thresholds in the domain of the accumulator."""
        if self.table is None:
            return None
        table = self.table.with_rows(self.channels)
        stored = bipolar_sum_to_count(table.values, self.taps, self.count_scale) if self.is_xnor else table.values
        return table, stored

    def resources(self) -> dict[str, int]:
        words, width = self.beats.steps * self.beats.chunks, self.beats.part * self.simd * self.weight_type.bits
        accumulate = self.pe * self.accumulator_bits
        kept = accumulate * -(-self.beats.chunks // 64) if self.beats.chunks > 1 else 0
        levels = self.table.levels if self.table else 0
        unit = {
            "lut": accumulate * self.simd + kept + self.pe * levels * -(-self.threshold_bits // 2) + 40,
            "ff": width + self.inputs[0].width + (1 + self.product_stages) * accumulate + 40,
        }
        products = multiplier_resources(self.weight_type.bits, self.input_type.bits + 1, self.pe * self.simd)
        row = self.beats.part * (levels * self.threshold_bits + 1)
        return add_resources(
            unit,
            products if self._multiplies else {},
            memory_resources(words, width, self.memory),
            memory_resources(self.beats.chunks, row, "distributed") if self.table else {},
            queue_resources(self.outputs[0].width, self.queue),
        )

    def rtl(self) -> RtlInstance:
        weights = Memory("weights", self._weight_bits.reshape(self.beats.steps * self.beats.chunks, -1), self.memory)
        parameters: dict[str, int | str | Memory] = {
            "PE": self.beats.part,
            "Chunks": self.beats.chunks,
            "Steps": self.beats.steps,
            "SIMD": self.simd,
            "Pixels": self.beats.pixels,
            "WeightBits": self.weight_type.bits,
            "InputBipolar": int(self.input_type.is_bipolar),
            "InputBits": self.input_type.bits,
            "InputSigned": int(self.input_type.signed),
            "Flags": int(self.padded),
            "AccumulatorBits": self.accumulator_bits,
            "Levels": self.table.levels if self.table else 0,
            "ThresholdBits": self.threshold_bits,
            "OutputBits": self.made.bits,
            "OutputOffset": self.table.offset if self.table else 0,
            "ProductStages": self.product_stages,
            "QueueDepth": self.queue,
            "MemoryKind": self.memory,
            "Weights": weights,
        }
        if self._thresholds is not None:
            table, stored = self._thresholds
            parameters["Thresholds"] = table.memory(self.beats.part, stored, self.threshold_bits, "distributed")
        return RtlInstance("bnn_vector_vector", parameters)

    def hls(self) -> HlsInstance:
        tables = [HlsTable("weights", self._weight_bits, False, self.memory)]
        if self._thresholds is not None:
            table, stored = self._thresholds
            tables += table.hls_tables(self.beats.part, stored, self.threshold_bits + int(self.is_xnor), "distributed")
        return HlsInstance(
            "vector_vector",
            {
                "Channels": self.channels,
                "Windows": math.prod(self.windows),
                "Taps": self.taps,
                "PE": self.beats.part,
                "SIMD": self.simd,
                "Pixels": self.beats.pixels,
                "WeightBits": self.weight_type.bits,
                "InputBipolar": self.input_type.is_bipolar,
                "InputBits": self.input_type.bits,
                "InputSigned": self.input_type.signed,
                "Flagged": self.padded,
                "AccumulatorBits": self.accumulator_bits,
                "Levels": self.table.levels if self.table else 0,
                "OutputBits": self.made.bits,
                "OutputOffset": self.table.offset if self.table else 0,
            },
            tuple(tables),
        )

    def emulator(self) -> EmulatorKernel:
        weights = {"weights": self.weights}
        if self.table is None:
            return EmulatorKernel("vector_vector", {**weights, "levels": 0})
        return EmulatorKernel("vector_vector", {**weights, **self.table.with_rows(self.channels).emulator_values()})
