"""The depthwise unit: a dot product for each channel by itself, with thresholds merged or raw sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.hardware import (
    EmulatorKernel,
    HlsInstance,
    HlsTable,
    Memory,
    MemoryKind,
    RtlInstance,
    RtlParameter,
)
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.resources import add_resources, memory_resources, multiplier_resources, queue_resources
from bnnfpga.dataflow.schedule import Schedule, queue_depth
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.thresholds import Domain, StoredThresholds
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.dataflow.window_beats import WindowBeats
from bnnfpga.numbers.exact_arrays import Integers, narrowest, row_blocks
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.sum_types import dot_product_type, weight_type
from bnnfpga.numbers.threshold_table import ThresholdTable


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

    def preactivations(self, *arrays: Integers) -> Integers:
        return self._products(arrays[0], None)

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
        return self._stored.domain.type.bits

    @cached_property
    def _stored(self) -> StoredThresholds:
        domain = Domain.counts(self.taps, self.count_scale) if self.is_xnor else Domain(self.accumulator)
        return StoredThresholds(self.table, domain, self.channels, self.beats.part)

    def resources(self) -> dict[str, int]:
        words, width = self.beats.steps * self.beats.chunks, self.beats.part * self.simd * self.weight_type.bits
        accumulate = self.pe * self.accumulator_bits
        kept = accumulate * -(-self.beats.chunks // 64) if self.beats.chunks > 1 else 0
        compare = self.pe * self._stored.levels * -(-self._stored.bits // 2)
        unit = {
            "lut": accumulate * self.simd + kept + compare + 40,
            "ff": width + self.inputs[0].width + (1 + self.product_stages) * accumulate + 40,
        }
        products = multiplier_resources(self.weight_type.bits, self.input_type.bits + 1, self.pe * self.simd)
        return add_resources(
            unit,
            products if self._multiplies else {},
            memory_resources(words, width, self.memory),
            self._stored.resources(),
            queue_resources(self.outputs[0].width, self.queue),
        )

    def rtl(self) -> RtlInstance:
        weights = Memory("weights", self._weight_bits.reshape(self.beats.steps * self.beats.chunks, -1), self.memory)
        parameters: dict[str, RtlParameter] = {
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
            "Levels": self._stored.levels,
            "ThresholdBits": self._stored.bits,
            "OutputBits": self.made.bits,
            "OutputOffset": self._stored.offset,
            "ProductStages": self.product_stages,
            "QueueDepth": self.queue,
            "MemoryKind": self.memory,
            "Weights": weights,
            **self._stored.rtl_memories(),
        }
        return RtlInstance("bnn_vector_vector", parameters)

    def hls(self) -> HlsInstance:
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
                "Levels": self._stored.levels,
                "OutputBits": self.made.bits,
                "OutputOffset": self._stored.offset,
            },
            (HlsTable("weights", self._weight_bits, False, self.memory), *self._stored.hls_tables()),
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel("vector_vector", {"weights": self.weights, **self._stored.emulator_values()})
