"""Pooling: the maximum, the minimum or the sum of the pixels of a window, channel by channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fifo_terms import output_queue_terms
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable, Memory
from bnnfpga.dataflow.lut_memory import written_memory
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.rom_terms import RomContents
from bnnfpga.dataflow.schedule import Schedule, queue_depth
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, flags, hls_only, rtl_only
from bnnfpga.dataflow.window_beats import WindowBeats
from bnnfpga.numbers.exact_arrays import Integers, narrowest
from bnnfpga.numbers.integers import IntArray, IntegerType

PoolFunction = Literal["extremum", "sum"]


@dataclass(frozen=True)
class Pool(Operator):
    """Reduces the pixels of each window to one.

    Parameters
    ----------
    windows
        Rows and columns of windows.
    kernel
        Rows and columns of pixels per window, which come one after the other.
    channels
        Channels per pixel.
    type
        The element type.
    function
        `extremum`, of the pixels inside the image, or `sum`.
    smallest
        bool (channels,): whether an extremum is the minimum, as it must be after a decreasing threshold.
    padded
        Whether beats carry flags for pixels outside the image (`Port.pads`). In `execute`, such a pixel is any integer
        outside the type for an extremum, and 0 for a sum.
    in_order
        Whether each pixel must come with all its channels: no window is in front that could send them otherwise.
    """

    windows: tuple[int, ...]
    kernel: tuple[int, int]
    channels: int
    type: IntegerType
    function: PoolFunction
    smallest: NDArray[np.bool_]
    padded: bool = False
    pe: int = 1
    simd: int = 1
    in_order: bool = False

    kind: ClassVar[str] = "pool"
    is_monotone: ClassVar[bool] = True

    @property
    def beats(self) -> WindowBeats:
        """The beats of the windows."""
        return WindowBeats(self.windows, self.kernel, self.channels, self.pe, self.simd)

    @property
    def reduce_stages(self) -> int:
        """1 if reducing the pixels of a beat takes a pipeline stage of its own, else 0."""
        return int(self.simd > 1)

    @property
    def logic_levels(self) -> int:
        # Pixels of a beat are added in pairs but compared one after the other, unless they are bits.
        bits, pairs = self.result_type.bits, (self.simd - 1).bit_length()
        if bits == 1:
            return max(3, pairs)
        if self.function == "extremum":
            return (self.target.carry_levels(bits) + 1) * max(1, self.simd - 1)
        return max(3, self.target.carry_levels(bits) * max(1, pairs))

    @property
    def latency(self) -> int:
        return 2 + self.reduce_stages

    @property
    def result_type(self) -> IntegerType:
        if self.function == "extremum":
            return self.type
        low, high = self.type.lo, self.type.hi
        if self.padded:
            low, high = min(low, 0), max(high, 0)
        return IntegerType(self.beats.taps * low, self.beats.taps * high, "signed")

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.beats.port(self.type, padded=self.padded),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((*self.windows, self.channels), self.result_type, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, self.simd)

    def legal_pe(self) -> tuple[int, ...]:
        return self.beats.legal_pe()

    def legal_simd(self, pe: int) -> tuple[int, ...]:
        return (1,) if self.in_order and pe < self.channels else self.beats.legal_simd(pe)

    def interval(self) -> int:
        return self.beats.interval()

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        return Schedule(self.beats.events(), self.latency, (self.queue,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        pixels = arrays[0].reshape(len(arrays[0]), *self.windows, self.beats.taps, self.channels)
        if self.function == "sum":
            return (pixels.sum(axis=-2, dtype=narrowest(self.result_type.lo, self.result_type.hi)),)
        if not self.padded:
            return (np.where(self.smallest, pixels.min(axis=-2), pixels.max(axis=-2)),)
        outside = ~self.type.holds(cast(IntArray, pixels))  # holds() only compares: any integer type will do
        low = np.where(outside, self.type.lo, pixels).max(axis=-2)
        high = np.where(outside, self.type.hi, pixels).min(axis=-2)
        return (np.where(self.smallest, high, low),)

    def _directions(self) -> Memory:
        return Memory(
            "smallest", self.smallest.astype(np.uint8).reshape(self.beats.chunks, self.beats.part), "distributed"
        )

    def cost_terms(self) -> CostTerms:
        beats, target = self.beats, self.target
        width = self.pe * self.result_type.bits
        again, several = beats.steps > 1, beats.chunks > 1
        varying = self.function == "extremum" and several
        directions = RomContents.of(self._directions().bits, target).tables if varying else 0
        chunk = (beats.chunks - 1).bit_length() if again or directions else 0
        number = chunk + (beats.steps - 1).bit_length()
        kept = self.reduce_stages * (width + 3 + (chunk if again else 0))
        unit = CostTerms(
            {"pool.units": 1, "pool.numbers": number, "pool.directions": directions},
            {"pool.registers": width + number + 1 + kept + (chunk if again and self.simd == 1 else 0)},
        )
        so_far = written_memory(beats.chunks, width, target.family) if again and several else CostTerms()
        return add_terms(unit, so_far, self._joined_terms(), output_queue_terms(width, self.queue, target.family))

    def _joined_terms(self) -> CostTerms:
        """Pixels of a beat, of which the first is joined with nothing, and the beats of a window."""
        bits, again = self.result_type.bits, int(self.beats.steps > 1)
        joints, flagged = self.pe * (self.simd - 1), self.pe * self.simd * bits if self.padded else 0
        if bits == 1:
            return CostTerms({"pool.gates": joints + self.pe * again, "pool.flagged": flagged})
        if self.function == "extremum":
            # Numbers of two bits are compared by what chooses one of them.
            compared = max(0, bits - 2)
            return CostTerms(
                {
                    "pool.chosen": joints * bits,
                    "pool.compared": joints * compared,
                    "pool.best": self.pe * bits * again,
                    "pool.flagged": flagged,
                }
            )
        sums = {"pool.again": self.pe * bits * again}
        if not self.type.is_bipolar:
            return CostTerms({"pool.sums": joints * bits, "pool.flagged": flagged, **sums})
        # Numbers of -1 and +1 are counted, or added where some of them are 0.
        return CostTerms({"pool.ternary" if self.padded else "pool.signs": joints * bits, **sums})

    def parameters(self) -> UnitParameters:
        beats = self.beats
        return (
            hls_only(Channels=self.channels, Windows=math.prod(self.windows), Taps=beats.taps)
            + both(PE=beats.part)
            + rtl_only(Chunks=beats.chunks, Steps=beats.steps)
            + both(
                SIMD=self.simd,
                Pixels=beats.pixels,
                InputBits=self.type.bits,
                InputBipolar=self.type.is_bipolar,
                InputSigned=self.type.signed,
            )
            + flags(self.padded)
            + both(Sum=self.function == "sum", OutputBits=self.result_type.bits)
            + rtl_only(ReduceStages=self.reduce_stages, QueueDepth=self.queue, Smallest=self._directions())
        )

    def hls_tables(self) -> tuple[HlsTable, ...]:
        return (HlsTable("smallest", self._directions().bits[:, :, None], False, "distributed"),)

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel(
            "pool",
            {
                "taps": self.beats.taps,
                "sum": int(self.function == "sum"),
                "smallest": self.smallest.astype(np.int64),
                "lo": self.type.lo,
                "hi": self.type.hi,
                "bipolar": int(self.type.is_bipolar),
            },
        )
