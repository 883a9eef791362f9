"""The streaming matrix-vector unit, which sends sums or, with merged thresholds, their results."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.datapath_shape import DatapathShape, number_bits, pipeline_terms, start_terms, step_terms
from bnnfpga.dataflow.datapath_stages import (
    MAX_DSP_BITS,
    DatapathStages,
    DspXnorStages,
    PaddedXnorStages,
    ProductStages,
    XnorStages,
)
from bnnfpga.dataflow.dot_product_unit import DotProductUnit
from bnnfpga.dataflow.hardware import Memory, RtlInstance
from bnnfpga.dataflow.logic_form import MOST_LEVELS, LogicForm, logic_words
from bnnfpga.dataflow.memory_banks import bank_words, banked
from bnnfpga.dataflow.memory_kinds import MEMORY_KINDS, AccumulatorsKind, MemoryKind, WeightsKind
from bnnfpga.dataflow.paired_luts import stored
from bnnfpga.dataflow.parity_stages import ParityStages
from bnnfpga.dataflow.parity_words import ParityWords
from bnnfpga.dataflow.product_terms import ProductShape, flag_terms, multiplied_terms, plane_terms, wide_terms
from bnnfpga.dataflow.requantizers import RequantizerKind
from bnnfpga.dataflow.resources import queue_terms
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.start_values import StartValues
from bnnfpga.dataflow.stream import PixelParts, Port, legal_lanes
from bnnfpga.dataflow.tree_stages import MultiplierStages, PlaneStages
from bnnfpga.dataflow.unfolded_form import UnfoldedForm
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.dataflow.vector_buffer import VectorBuffer
from bnnfpga.dataflow.weights import StoredWeights
from bnnfpga.dataflow.window_beats import pixel_parts, pixels_abreast, window_lanes
from bnnfpga.dataflow.xnor_terms import dsp_xnor_terms, padded_xnor_terms, parity_terms, xnor_terms
from bnnfpga.numbers.exact_arrays import Integers, sum_type
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

_MAX_SHALLOW = 64
"""The most words for which a weight memory is cheaper in LUTs than in block RAM."""

_MAX_UNFOLDED = 1 << 17
"""The most weights of a layer in one word that becomes logic by itself: its netlist is made in about 5 s."""

_MOST_TREE_BITS = 28
"""The most bits of a weight, an input and the number of inputs of a step for which products are added in trees."""

_MOST_GATED_BITS = 16
"""The most bits of weight times input for which `rtl/bnn_product_sums.sv` adds gated numbers, not products."""


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
        The kind of the weight memory, or `logic`: the unit is a module of its own, with weights in its tables.
    source_lanes
        Elements per beat of the producer; None for `simd`. A unit that reads vectors in several passes takes these
        beats if a whole number of them makes up a step.
    sums
        An interval that contains the dot products', for streams that are joined with others; None for their own.
    accumulators
        Where sums are accumulated; None for in logic.
    constants
        Inputs that are the same for all vectors, and their values: a unit of one word in `logic` does without them.
    kernel_pixels
        Pixels of a vector in a step, each with as many of its channels; None for as few as `simd` inputs can be of.
    """

    positions: tuple[int, ...] = ()
    table: ThresholdTable | None = None
    pe: int = 1
    simd: int = 1
    memory: WeightsKind = "block"
    kernel: tuple[int, int] = (1, 1)
    padded: bool = False
    source_lanes: int | None = None
    sums: IntegerType | None = None
    constants: tuple[tuple[int, int], ...] = ()
    accumulators: AccumulatorsKind | None = None
    kernel_pixels: int | None = None

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

    @cached_property
    def abreast(self) -> int:
        """Pixels of a vector in a step."""
        return self.kernel_pixels or self.legal_kernel_pixels(self.simd)[0]

    @property
    def flags(self) -> int:
        """Flags of a step of one vector, one for each pixel that may lie outside the image."""
        return self.abreast if self.padded else 0

    @property
    def count_scale(self) -> int:
        return 2 if self.padded and self.simd // self.abreast % 2 else 1

    @property
    def passes(self) -> int:
        return self.mh // self.neurons

    @property
    def steps(self) -> int:
        return self.mw // self.simd

    @property
    def input_lanes(self) -> int:
        """Elements per input beat: those of a step, or the producer's, of which the buffer makes steps."""
        if self.source_lanes is None or not self._takes(self.source_lanes):
            return self.pixels * self.simd
        return self.source_lanes

    def _takes(self, lanes: int) -> bool:
        """Whether the buffer makes steps of beats of so many elements."""
        return self.passes > 1 and self.simd % lanes == 0 and not self.padded and self._parts is None

    @cached_property
    def buffer(self) -> VectorBuffer | None:
        """What keeps vectors for further passes; None if there is but one."""
        if self.passes == 1:
            return None
        # Behind a window, the line buffer holds the next vectors already.
        banks = 1 if self.steps == 1 or math.prod(self.kernel) > 1 else 2
        return VectorBuffer(self.inputs[0].width, self.simd // self.input_lanes, self.steps, banks)

    @property
    def memory_kinds(self) -> tuple[WeightsKind, ...]:
        return (*MEMORY_KINDS, "logic") if self._folds_into_logic else MEMORY_KINDS

    @property
    def _words(self) -> int:
        """Words of weights: those of one step of one pass each."""
        return self.passes * self.steps

    @property
    def _folds_into_logic(self) -> bool:
        """Whether weights can be in the tables: one word, or few of one bit by one bit; with results of few levels.

        Such a unit has no requantizer, so none may be asked for.
        """
        if self.requantizer is not None:
            return False
        few = self._words == 1 or (self.is_xnor and self._words <= logic_words(self.target.lut_inputs))
        return few and self.stored_thresholds.levels <= MOST_LEVELS

    def with_constants(self, constants: tuple[tuple[int, int], ...]) -> MatrixVector:
        return self.refolded(constants=constants)

    @property
    def accumulators_kinds(self) -> tuple[AccumulatorsKind, ...]:
        words = self.parity_words
        if words is None or self.padded or self.memory == "logic" or self.steps == 1 or self.target.family != "xc7":
            return ()
        bits = words.initial_type.bits if words.is_signed else self.accumulator_bits
        # The lowest bit is a parity.
        return ("logic", "dsp") if bits - 1 <= MAX_DSP_BITS else ()

    @property
    def _in_dsp(self) -> bool:
        return self.accumulators == "dsp" and "dsp" in self.accumulators_kinds

    @property
    def suited_memory(self) -> WeightsKind:
        # Tables of four inputs hold several words, but a memory and the datapath behind it take fewer of them.
        smaller = self.weights.size <= _MAX_UNFOLDED if self._words == 1 else self.target.lut_inputs > 4
        if self._folds_into_logic and smaller:
            return "logic"
        # A memory of LUTs is one that the address reaches in time.
        shallow = self._words <= _MAX_SHALLOW and self._address_levels("distributed") <= self.target.levels
        return "distributed" if shallow else "block"

    def _address_levels(self, kind: MemoryKind) -> int:
        """Logic levels from a step to its weights, or to the address of their block RAM."""
        return self.target.address_levels(self._words, self.neurons * self.simd * self.weight_type.bits, kind)

    @cached_property
    def accumulator(self) -> IntegerType:
        """The exact interval of the dot products, or `sums`, which contains it."""
        return self.sums or super().accumulator

    @cached_property
    def inputs(self) -> tuple[Port, ...]:
        shape, pads = (*self.positions, self.mw), self.pixels * self.flags
        return (Port(shape, self.input_type, self.input_lanes, pads, self._parts),)

    @property
    def _parts(self) -> PixelParts | None:
        return pixel_parts(self.abreast, self.simd, self.channels)

    @cached_property
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

    def legal_kernel_pixels(self, simd: int) -> tuple[int, ...]:
        return pixels_abreast(self.kernel, self.channels, simd)

    def with_inputs(self, *ports: Port) -> MatrixVector:
        lanes = ports[0].lanes if self._takes(ports[0].lanes) else None
        return self if lanes == self.source_lanes else self.refolded(source_lanes=lanes)

    def interval(self) -> int:
        steps = math.prod(self.positions) // self.pixels * self.passes * self.steps
        return max(steps, self.inputs[0].beats)

    @cached_property
    def _stages(self) -> DatapathStages:
        simd, planes = self.simd, self._planes
        shape = (simd, self.weight_type.bits * planes, self.accumulator_bits, self.target)
        banks = -(-self._words // self._bank_words) if self._bank_words else 1
        late = (self._address_levels(self._stored_kind), self.memory_levels, self.target.choice_levels(banks))
        if not (self.is_xnor or self._is_gated or self._multiplies) or self._is_wide:
            return ProductStages(*shape, *late, planes, self.stage_levels)
        compare = 0 if self._result_is_sign else self.stored_thresholds.logic_levels(self.target)
        if self._multiplies:
            product = self.target.product_levels(self.weight_type.bits, planes)
            return MultiplierStages(*shape, *late, compare, product)
        if not self.is_xnor:
            return PlaneStages(*shape, *late, compare, min(self.weight_type.bits, planes))
        if self.padded and self.memory != "logic":
            return PaddedXnorStages(*shape, *late, compare, self.flags)
        return (DspXnorStages if self._in_dsp else XnorStages)(*shape, *late, compare)

    @cached_property
    def _parities(self) -> ParityStages | None:
        """How inputs become parities; None for a unit that takes them as they are."""
        if not self.is_xnor or self.memory == "logic":
            return None
        part = self.simd // self.flags if self.padded else None
        return ParityStages(
            self.input_lanes // self.pixels, self.simd, part, self._read_levels, self.weight_stages, self.target
        )

    @property
    def _read_levels(self) -> int:
        """Logic levels from the number of a step to its inputs."""
        return self.buffer.read_levels(self.target) if self.buffer else 0

    @property
    def _start_stages(self) -> int:
        """Cycles from a step to where it is in the datapath, with its weights and its inputs."""
        return max(self.weight_stages, 1 + self._parities.count if self._parities else 0)

    @property
    def weight_stages(self) -> int:
        """Cycles from a step to its weights."""
        return self._stages.weights

    @property
    def _bank_words(self) -> int:
        """Words of a bank of weights where banks have registers of their own; 0 for one bank."""
        return bank_words(self._words, self.stored_weights.width, self.target.family) if self.memory_levels else 0

    @property
    def _multiplies(self) -> bool:
        """Whether multipliers are cheaper than adders of gated numbers."""
        return self.weight_type.bits > 1 and not self._is_gated

    @property
    def _is_wide(self) -> bool:
        """Whether products are too wide for trees."""
        return (
            self._multiplies and self.weight_type.bits + self._planes + (self.simd - 1).bit_length() > _MOST_TREE_BITS
        )

    @property
    def _is_gated(self) -> bool:
        return self.weight_type.bits * self._planes <= _MOST_GATED_BITS

    @property
    def popcount_stages(self) -> int:
        """Stages between the inputs of a step and their sum."""
        return self._stages.count

    @property
    def _planes(self) -> int:
        """Bit planes of the inputs; two for -1, 0 and +1 as signed numbers."""
        return 2 if self._has_signs else self.input_type.bits

    @property
    def _has_signs(self) -> bool:
        wide = self.padded or self.weight_type.bits > _MOST_GATED_BITS
        return self.input_type.is_bipolar and not self.is_xnor and wide

    @property
    def logic_levels(self) -> int:
        if self.memory == "logic":
            # While a step enters, the parity of the steps before becomes that of it, too.
            entering = self._read_levels + (self.target.parity_levels(self.simd + 1) if self.steps > 1 else 0)
            return max(self._rendered_form.logic_levels, entering)
        inputs = self._parities.logic_levels if self._parities else self._read_levels
        return max(self._stages.logic_levels, inputs)

    @property
    def latency(self) -> int:
        compared = 0 if self._result_is_sign else self.stored_thresholds.stages
        return 2 + self._start_stages + self.popcount_stages + compared

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, self.steps)

    def schedule(self) -> Schedule:
        buffer = self.buffer
        if buffer is None:
            steps = [Event(1, (1,), (0,), (0,))] * (self.steps - 1) + [Event(1, (1,), (1,), (1,))]
            return Schedule(tuple(steps), self.latency, (self.queue,), (1,))
        return Schedule(buffer.reads(self.passes), self.latency, (self.queue,), (1,), buffer.writes())

    def _summing(self) -> Callable[[Integers], NDArray[Any]]:
        weights = self.weights.T.astype(sum_type(self.largest_sum))
        return lambda vectors: vectors.astype(weights.dtype) @ weights

    @cached_property
    def stored_weights(self) -> StoredWeights:
        return self._stored(self.weights)

    def _stored(self, weights: IntArray) -> StoredWeights:
        # A word has the weights of one step of one pass.
        values = weights.reshape(self.passes, self.neurons, self.steps, self.simd).swapaxes(1, 2)
        return StoredWeights(values, self.weight_type, self._stored_kind, self._parts)

    @property
    def _stored_kind(self) -> MemoryKind:
        """The kind of memory in the forms that have one, which for weights in logic only a simulation and HLS have."""
        return "distributed" if self.memory == "logic" else self.memory

    @cached_property
    def parity_words(self) -> ParityWords | None:
        """What the xnor datapath reads; None for a unit that reads plain weights."""
        if not self.is_xnor:
            return None
        part = self.simd // self.flags if self.padded else None
        return ParityWords(
            self.weights, self.table, self.neurons, self.simd, self._stored_kind, part, order=self._parts
        )

    @cached_property
    def start_values(self) -> StartValues | None:
        """Where sums start that are more than the dot products; None if that does not depend on the output."""
        if self.is_xnor or self._has_signs or not (self.weight_type.is_bipolar or self.input_type.is_bipolar):
            return None
        types = (self.weight_type, self.input_type)
        return StartValues(self.weights, *types, self.table, self.accumulator, self.neurons)

    @property
    def _result_is_sign(self) -> bool:
        words = self.parity_words or self.start_values
        return words is not None and words.is_signed

    @property
    def requantizer_form(self) -> RequantizerKind | None:
        # Where tables compare, the library's module is only simulated: in the form that takes one cycle.
        return "comparators" if self.memory == "logic" else self.requantizer

    @property
    def requantizer_kinds(self) -> tuple[RequantizerKind, ...]:
        return () if self._result_is_sign or self.memory == "logic" else super().requantizer_kinds

    def result_parameters(self) -> UnitParameters:
        words = self.parity_words or self.start_values
        if words is None or not words.is_signed:
            return super().result_parameters()
        accumulator = both(AccumulatorBits=self.accumulator_bits, Levels=1)
        thresholds = rtl_only(ThresholdBits=words.initial_type.bits)
        return accumulator + thresholds + self.stored_thresholds.code_parameters(self.outputs[0].type)

    @property
    def _weight_memory(self) -> Memory:
        """The weights as the datapath reads them."""
        if self.start_values is not None:
            return self._stored(self.start_values.weights).memory
        return self.stored_weights.memory if self.parity_words is None else self.parity_words.weight_memory

    def memory_parameters(self) -> UnitParameters:
        words, starts = self.parity_words, self.start_values
        bank = self._bank_words if self.weight_stages > 1 else 0
        memories = stored(self.target, Weights=banked(self._weight_memory, bank))
        weights = rtl_only(MemoryKind=self._stored_kind, BankWords=bank) + memories
        if starts is not None:
            if starts.is_signed:
                return weights + stored(self.target, Thresholds=starts.memory)
            return weights + self.stored_thresholds.memory_parameters() + stored(self.target, Starts=starts.memory)
        if words is None or words.initial_memory is None:
            return weights + self.stored_thresholds.memory_parameters()
        return weights + stored(self.target, Thresholds=words.initial_memory)

    def cost_terms(self) -> CostTerms:
        queue = queue_terms(self.outputs[0].width, self.queue, held=True)
        buffer = self.buffer.cost_terms(self.target.family) if self.buffer else CostTerms()
        if self.memory == "logic":
            return add_terms(self._rendered_form.cost_terms(), buffer, queue)
        shape = self._shape
        bank = self._bank_words if self.weight_stages > 1 else 0
        weights = self.stored_weights.cost_terms(
            self.target, lambda: self._weight_memory, stages=self.weight_stages, bank_words=bank
        )
        compared = CostTerms() if self._result_is_sign else self.stored_thresholds.cost_terms()
        control = add_terms(step_terms(self.passes, self.steps), pipeline_terms(shape), buffer, queue)
        sums = add_terms(start_terms(shape, self.target), self._sum_terms(shape), self._result_terms(shape))
        return add_terms(control, weights, sums, compared)

    @cached_property
    def _shape(self) -> DatapathShape:
        words = self.parity_words or self.start_values
        signed = words is not None and words.is_signed
        return DatapathShape(
            pe=self.neurons,
            simd=self.simd,
            pixels=self.pixels,
            flags=self.flags,
            passes=self.passes,
            steps=self.steps,
            start_stages=self._start_stages,
            weight_stages=self.weight_stages,
            stages=self.popcount_stages,
            input_bits=self.input_type.bits,
            sum_bits=words.initial_type.bits if words is not None and signed else self.accumulator_bits,
            loaded=signed or self.start_values is not None,
            lut_inputs=self.target.lut_inputs,
        )

    def _sum_terms(self, shape: DatapathShape) -> CostTerms:
        """What takes the inputs of a step to its sums."""
        if self.is_xnor:
            form = padded_xnor_terms if self.padded else dsp_xnor_terms if self._in_dsp else xnor_terms
            return add_terms(form(shape), self._parity_terms(shape))
        products = ProductShape(self.weight_type.bits, self._planes, self._has_signs or self.input_type.signed)
        flagged = flag_terms(shape, self._planes)
        if self._is_wide:
            return add_terms(flagged, wide_terms(shape, products))
        if self._multiplies:
            return add_terms(flagged, multiplied_terms(shape, products, self._stages.group, self.target.family))
        return add_terms(flagged, plane_terms(shape, products))

    def _parity_terms(self, shape: DatapathShape) -> CostTerms:
        """The encoder of inputs: of a beat, if its beats begin at even places, else of a step."""
        lanes = self.input_lanes // self.pixels
        early = not (self._parities and self._parities.count) and (self.padded or lanes == self.simd or lanes % 2 == 0)
        beats = self.mw // lanes if early else self.steps
        running = not self.padded and beats > 1
        counted = number_bits(beats) if running and early and self.passes > 1 else 0
        encoder = parity_terms(lanes if early else self.simd, self.flags, running, self.pixels, shape.lut_inputs)
        return add_terms(encoder, CostTerms({"counters.bits": counted}, {"counters.bits": counted}))

    def _result_terms(self, shape: DatapathShape) -> CostTerms:
        """Sums that are compared, or the results themselves."""
        if self._result_is_sign:
            return CostTerms({"results.signs": shape.sums}, {"results.bits": shape.sums + 1})
        if self.table is not None:
            return CostTerms(ff={"results.bits": shape.sums * shape.sum_bits})
        # The lowest bit of a dot product of -1 and +1 is a constant.
        constant = 1 if self.is_xnor and self.count_scale == 1 else 0
        return CostTerms(ff={"results.bits": shape.sums * (self.outputs[0].type.bits - constant) + 1})

    def rtl(self) -> RtlInstance:
        return self._rendered_form.instance(self.name) if self.memory == "logic" else super().rtl()

    @cached_property
    def _rendered_form(self) -> UnfoldedForm | LogicForm:
        beside = (self.parameters, self.latency, self.queue, self.target.family)
        if self._words == 1:
            ends = (self.input_type, self.outputs[0].type)
            return UnfoldedForm(*beside, self.weights, self.table, self.flags, self.pixels, *ends, self.constants)
        weights = self.stored_weights.in_order.swapaxes(1, 2) > 0
        lanes = (self.target.lut_inputs, self.pixels, self.flags, self.count_scale)
        return LogicForm(*beside, weights, self.stored_thresholds, self.outputs[0].type.bits, *lanes, self.buffer)

    def parameters(self) -> UnitParameters:
        return (
            both(MW=self.mw, MH=self.mh)
            + hls_only(Vectors=math.prod(self.positions))
            + both(PE=self.neurons, SIMD=self.simd, Pixels=self.pixels)
            + both(InputLanes=self.input_lanes // self.pixels, InputBanks=self.buffer.banks if self.buffer else 1)
            + self.operand_parameters()
            + both(Flags=self.flags)
            + self.result_parameters()
            + rtl_only(WeightStages=self.weight_stages, ParityStages=self._parities.count if self._parities else 0)
            + rtl_only(PopcountStages=self.popcount_stages, PopcountGroup=self._stages.group)
            + rtl_only(
                QueueDepth=self.queue, Accumulators="dsp" if self._in_dsp else "logic", Family=self.target.family
            )
            + self.memory_parameters()
        )
