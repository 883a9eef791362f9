"""The depthwise unit: a dot product per channel, sent as sums or, with merged thresholds, as their results."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.depthwise_terms import DepthwiseShape, depthwise_terms
from bnnfpga.dataflow.dot_product_unit import DotProductUnit
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.multipliers import are_chained
from bnnfpga.dataflow.resources import queue_terms
from bnnfpga.dataflow.schedule import Schedule, queue_depth
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, flags, hls_only, rtl_only
from bnnfpga.dataflow.weights import StoredWeights
from bnnfpga.dataflow.window_beats import WindowBeats
from bnnfpga.numbers.exact_arrays import Integers, narrowest
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True)
class VectorVector(DotProductUnit):
    """Computes the weighted sum of the pixels of each window, channel by channel.

    A layer with several output channels per input channel gets its input through a `Select` that repeats channels.

    Parameters
    ----------
    weights
        int64 (taps, channels).
    windows
        Windows of a frame, on any axes; their pixels come one after the other.
    table
        Thresholds on the sums; None if the unit sends the sums themselves.
    padded
        Whether beats carry flags for pixels outside the image (`Port.pads`), which count as 0.
    memory
        The kind of the weight memory.
    kernel
        Rows and columns of pixels per window, which determine the legal values of `simd`; None for a single row.
    """

    windows: tuple[int, ...] = ()
    table: ThresholdTable | None = None
    padded: bool = False
    pe: int = 1
    memory: MemoryKind = "distributed"
    kernel: tuple[int, int] | None = None
    simd: int = 1

    kind: ClassVar[str] = "vector_vector"
    is_depthwise: ClassVar[bool] = True

    @property
    def taps(self) -> int:
        return int(self.weights.shape[0])

    @property
    def channels(self) -> int:
        return int(self.weights.shape[1])

    @property
    def beats(self) -> WindowBeats:
        """The beats of the windows."""
        return WindowBeats(self.windows, self.kernel or (1, self.taps), self.channels, self.pe, self.simd)

    @property
    def count_scale(self) -> int:
        return 2 if self.padded else 1

    @property
    def result_type(self) -> IntegerType:
        if self.table is not None:
            return self.table.output
        return IntegerType.interval(self.accumulator.lo, self.accumulator.hi)

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.beats.port(self.input_type, padded=self.padded),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((*self.windows, self.channels), self.result_type, self.pe),)

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

    @cached_property
    def product_stages(self) -> int:
        """The stages of products and their sums: none, one of both, or two, as the clock asks for."""
        least = int(self._multiplies or self.simd > 1)
        most = 1 + int(self._multiplies and self.simd > 1)
        return min(range(least, most + 1), key=lambda stages: max(self._datapath_levels(stages), self.target.levels))

    @property
    def logic_levels(self) -> int:
        return max(self._datapath_levels(self.product_stages), self.stored_thresholds.logic_levels(self.target))

    def _datapath_levels(self, stages: int) -> int:
        """Logic levels of the longest stage up to the accumulators, with so many for products and their sums."""
        carry = self.target.carry_levels(self.accumulator_bits)
        product = self.target.product_levels(self.weight_type.bits, self.input_type.bits) if self._multiplies else 1
        product += self.memory_levels
        # Numbers of several bits are added up to two, and these on a carry chain.
        sums = self.target.count_levels(self.simd) + (0 if self.is_xnor or self.simd == 1 else carry)
        bits = (self.weight_type.bits, self.input_type.bits)
        if self._multiplies and are_chained(*bits, self.target.family):
            sums = max(sums, self.target.chained_levels(self.simd, self.accumulator_bits))
        behind = [product + sums + carry, max(product + sums, carry + 1), max(product, sums, carry + 1)]
        return behind[stages]

    @property
    def latency(self) -> int:
        return 3 + self.product_stages + self.stored_thresholds.stages

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, self.beats.steps, self.beats.chunks)

    def schedule(self) -> Schedule:
        return Schedule(self.beats.events(), self.latency, (self.queue,), (1,))

    def _summing(self) -> Callable[[Integers], NDArray[Any]]:
        weights = self.weights.astype(narrowest(-self.largest_sum, self.largest_sum))
        return lambda vectors: np.einsum(
            "rtc,tc->rc", vectors.reshape(-1, self.taps, self.channels).astype(weights.dtype), weights
        )

    @property
    def neurons(self) -> int:
        return self.beats.part

    @cached_property
    def stored_weights(self) -> StoredWeights:
        # A word has the weights of one beat, each in a lane of its own.
        lanes, parts, weights = self.simd * self.neurons, self.beats.parts, self.weights.reshape(-1)
        ordered = weights if parts is None else weights[parts.order(len(weights), lanes)]
        return StoredWeights(ordered.reshape(-1, lanes, 1), self.weight_type, self.memory)

    def cost_terms(self) -> CostTerms:
        beats, target = self.beats, self.target
        shape = DepthwiseShape(
            outputs=self.pe,
            simd=self.simd,
            chunks=beats.chunks,
            steps=beats.steps,
            padded=self.padded,
            stages=self.product_stages,
            sum_bits=self.accumulator_bits,
            weight=self.weight_type,
            input=self.input_type,
            family=target.family,
        )
        counts = {"depthwise.results": self.pe * self.accumulator_bits} if self.is_xnor and self.table is None else {}
        return add_terms(
            depthwise_terms(shape),
            CostTerms(counts),
            self.stored_weights.cost_terms(target, lambda: self.stored_weights.memory),
            self.stored_thresholds.cost_terms(),
            queue_terms(self.outputs[0].width, self.queue),
        )

    def parameters(self) -> UnitParameters:
        beats = self.beats
        return (
            hls_only(Channels=self.channels, Windows=math.prod(self.windows), Taps=self.taps)
            + both(PE=self.neurons)
            + rtl_only(Chunks=beats.chunks, Steps=beats.steps)
            + both(SIMD=self.simd, Pixels=beats.pixels)
            + self.operand_parameters()
            + flags(self.padded)
            + self.result_parameters()
            + rtl_only(ProductStages=self.product_stages, QueueDepth=self.queue)
            + self.memory_parameters()
        )
