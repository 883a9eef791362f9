"""The streaming matrix-vector unit, which sends sums or, with merged thresholds, their results."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from numpy.typing import NDArray

from bnnfpga.dataflow.dot_product_unit import DotProductUnit
from bnnfpga.dataflow.hardware import MemoryKind
from bnnfpga.dataflow.parity_words import ParityWords
from bnnfpga.dataflow.resources import add_resources, multiplier_resources, queue_resources
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.dataflow.weights import StoredWeights
from bnnfpga.dataflow.window_beats import window_lanes
from bnnfpga.numbers.exact_arrays import Integers, sum_type
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

_WIDE_SUM = 32
"""Operand bits of a step above which the popcount takes two pipeline stages instead of one."""

_MAX_SHALLOW = 64
"""The most words for which a weight memory is cheaper in LUTs than in block RAM."""

_MAX_PLANE_PAIRS = 6
"""The most pairs of weight and input bit planes for which `rtl/bnn_matrix_vector.sv` counts bits, not products."""


@dataclass(frozen=True)
class MatrixVector(DotProductUnit):
    """`MH` dot products of `MW` inputs: `pe` outputs per cycle, with `simd` inputs of each.

    If `pe` is a multiple of `MH`, the unit works on several whole vectors in parallel, and `simd` is `MW`.

    Parameters
    ----------
    weights
        int64 (MH, MW).
    positions
        The axes of a frame's vectors, such as the windows of a convolution.
    kernel
        Rows and columns of pixels in a vector, channels innermost; they determine the legal values of `simd`.
    padded
        Whether beats carry flags for pixels outside the image (`Port.pads`).
    table
        Thresholds on the sums; None if the unit sends the sums themselves.
    memory
        The kind of the weight memory.
    sums
        An interval that contains the dot products', for streams that are joined with others; None for their own.
    """

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
        """Vectors computed in parallel."""
        return max(1, self.pe // self.mh)

    @property
    def neurons(self) -> int:
        return min(self.pe, self.mh)

    @property
    def channels(self) -> int:
        """Input channels per pixel."""
        return self.mw // math.prod(self.kernel)

    @property
    def flags(self) -> int:
        """Flags of a step of one vector, one for each pixel that may lie outside the image."""
        return max(1, self.simd // self.channels) if self.padded else 0

    @property
    def count_scale(self) -> int:
        return 2 if self.padded and min(self.simd, self.channels) % 2 else 1

    @property
    def passes(self) -> int:
        return self.mh // self.neurons

    @property
    def steps(self) -> int:
        return self.mw // self.simd

    @property
    def burst(self) -> int:
        # All passes but the first read the vector from a memory.
        return self.steps if self.passes > 1 else 0

    @property
    def suited_memory(self) -> MemoryKind:
        return "block" if self.passes * self.steps > _MAX_SHALLOW else "distributed"

    @cached_property
    def accumulator(self) -> IntegerType:
        """The exact interval of the dot products, or `sums`, which contains it."""
        return self.sums or super().accumulator

    @property
    def inputs(self) -> tuple[Port, ...]:
        lanes, flags = self.pixels * self.simd, self.pixels * self.flags
        return (Port((*self.positions, self.mw), self.input_type, lanes, flags),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        output = self.table.output if self.table else self.accumulator
        return (Port((*self.positions, self.mh), output, self.pe),)

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
        """Bit planes of the inputs; two for -1 and +1 as signed numbers."""
        return 2 if self.input_type.is_bipolar and not self.is_xnor else self.input_type.bits

    @property
    def latency(self) -> int:
        # A sum that is compared with thresholds is stored first.
        return 3 + self.popcount_stages + (self.table is not None and not self._result_is_sign)

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, self.steps)

    def schedule(self) -> Schedule:
        first = [Event(1, (1,), (0,), (0,))] * (self.steps - 1) + [Event(1, (1,), (1,), (1,))]
        later = [Event(self.steps, (0,), (1,), (1,))] * (self.passes - 1)
        return Schedule((*first, *later), self.latency, (self.queue,), (1,))

    def _summing(self) -> Callable[[Integers], NDArray[Any]]:
        weights = self.weights.T.astype(sum_type(self.largest_sum))
        return lambda vectors: vectors.astype(weights.dtype) @ weights

    @cached_property
    def stored_weights(self) -> StoredWeights:
        # A word has the weights of one step of one pass.
        values = self.weights.reshape(self.passes, self.neurons, self.steps, self.simd).swapaxes(1, 2)
        return StoredWeights(values, self.weight_type, self.memory)

    @cached_property
    def parity_words(self) -> ParityWords | None:
        """What the xnor datapath reads; None for a unit that reads plain weights."""
        if not self.is_xnor or self.padded:
            return None
        return ParityWords(self.weights, self.table, self.neurons, self.simd, self.memory)

    @property
    def _result_is_sign(self) -> bool:
        return self.parity_words is not None and self.parity_words.is_signed

    def result_parameters(self) -> UnitParameters:
        bits = self.parity_words.initial_type.bits if self.parity_words and self._result_is_sign else None
        thresholds = self.stored_thresholds.parameters(self.outputs[0].type, bits)
        return both(AccumulatorBits=self.accumulator_bits) + thresholds

    def memory_parameters(self) -> UnitParameters:
        words = self.parity_words
        if words is None:
            return super().memory_parameters()
        thresholds = self.stored_thresholds.rtl_memories()
        if words.initial_memory:
            thresholds = {"Thresholds": words.initial_memory}
        return rtl_only(MemoryKind=self.memory, Weights=words.weight_memory, **thresholds)

    def resources(self) -> dict[str, int]:
        weights, thresholds, bits = self.stored_weights, self.stored_thresholds, self.input_type.bits
        accumulate = self.pe * self.accumulator_bits
        compare = self.pe * thresholds.levels * -(-thresholds.bits // 2)
        vector = self.simd * bits * -(-self.steps // 64) if self.passes > 1 else 0
        block = self.memory == "block" and weights.words > 1
        unit = {
            "lut": 2 * accumulate + compare + vector + 40,
            "ff": (0 if block else weights.width) + self.pixels * self.simd * bits + 3 * accumulate + 40,
        }
        queue = queue_resources(self.outputs[0].width, self.queue)
        return add_resources(unit, self._term_resources(), weights.resources(), thresholds.resources(), queue)

    def _term_resources(self) -> dict[str, int]:
        """Estimate for the products of a step and their adders."""
        bits, terms = self.weight_type.bits, self.pe * self.simd
        if bits == 1 or bits * self._planes <= _MAX_PLANE_PAIRS:
            return {"lut": terms * bits * self._planes}
        products = multiplier_resources(bits, self._planes + 1, terms)
        return add_resources(products, {"lut": terms * (bits + self._planes)})

    def parameters(self) -> UnitParameters:
        return (
            both(MW=self.mw, MH=self.mh)
            + hls_only(Vectors=math.prod(self.positions))
            + both(PE=self.neurons, SIMD=self.simd, Pixels=self.pixels)
            + self.operand_parameters()
            + both(Flags=self.flags)
            + self.result_parameters()
            + rtl_only(PopcountStages=self.popcount_stages, QueueDepth=self.queue, Family=self.target.family)
            + self.memory_parameters()
        )
