"""The interface of all hardware units (docs/dataflow.md, sections 3 and 4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from bnnfpga.dataflow.cost_coefficients import coefficients
from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.element_function import ElementFunction
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsInstance, HlsTable, Memory, MemoryBank, RtlInstance
from bnnfpga.dataflow.memory_kinds import MEMORY_KINDS, AccumulatorsKind, WeightsKind, check_memory_kind
from bnnfpga.dataflow.requantizers import RequantizerKind
from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.target import DEFAULT_TARGET, Target
from bnnfpga.dataflow.unit_parameters import UnitParameters
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True)
class Operator(ABC):
    """A hardware unit: a frozen dataclass whose fields are the unit's parameters, one file each in `operators/`.

    Every unit states

    * `kind`, its name: its module is `rtl/bnn_<kind>.sv`, its function is in the header `hls/bnn/<kind>.hpp`;
    * `inputs` and `outputs`, its streams;
    * `execute`, its definition, which all of its forms must match bit for bit;
    * `schedule`, the timing of its module, and `interval` if that is not the number of beats of its busier stream;
    * `parameters` of module and function, with the memories of the module; `hls_tables`, those of the function;
      `levels`, where beats wait in the module, if not in an output queue of the usual name;
    * `emulator`, its kernel;
    * `cost_terms`, from which its cost is estimated (`resources`).

    Properties that only some units have get a default here. Shared code asks for the property, never for the class:

    * foldings: `folding`, `legal_pe`, `legal_simd`, and `memory` if its kind can be chosen (`memory_kinds`,
      `suited_memory`), `requantizer` likewise (`requantizer_kinds`), `accumulators` (`accumulators_kinds`),
      `kernel_pixels` (`legal_kernel_pixels`);
    * lanes that depend on neighbouring units: `with_inputs`, `in_front_of`, `follows_consumer`;
    * whether it sends sliding windows: `slides`;
    * `lag`, for which beats wait where its output meets another branch;
    * `logic_levels`, from which the clock is estimated that it reaches;
    * its function on elements, for reports and for checks that choose their stimuli by it: `moves`, `element_function`,
      `weighted_sums`, `thresholds`, `preactivations`, `is_monotone`;
    * `queues`, if beats only wait in it;
    * `with_constants`, if it can do without inputs that never change.
    """

    name: str
    target: Target = field(default=DEFAULT_TARGET, kw_only=True)
    """The FPGA family and the clock, by which it chooses forms and pipeline stages."""

    kind: ClassVar[str]
    """The unit's name for users and reports, like `matrix_vector`."""
    moves: ClassVar[bool] = False
    """Whether its outputs are only elements of its inputs, and constants: it passes integers of any size through."""
    is_monotone: ClassVar[bool] = False
    """Whether each of its outputs is the smallest and the largest where all elements of each input are at an end."""
    slides: ClassVar[bool] = False
    """Whether it sends sliding windows of an image from a line buffer."""
    follows_consumer: ClassVar[bool] = False
    """Whether its cost depends on its consumer's folding; choosing that folding then counts the cost of both."""

    def __post_init__(self) -> None:
        if self.memory is not None:
            check_memory_kind(self.memory, self.name, self.memory_kinds)

    @property
    @abstractmethod
    def inputs(self) -> tuple[Port, ...]:
        """The ports of its input streams."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[Port, ...]:
        """The ports of its output streams."""

    @abstractmethod
    def schedule(self) -> Schedule:
        """The events of this unit, in the order in which they repeat."""

    @abstractmethod
    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        """Define the unit: from one array of integers (frames, *shape) per input to one per output.

        Inputs may be of any numpy type that holds their integers, and so may the outputs.
        """

    def preactivations(self, *arrays: Integers) -> Integers | None:
        """The integers that thresholds or tables map to the results, in the first output's shape; None without them."""
        del arrays
        return None

    @abstractmethod
    def parameters(self) -> UnitParameters:
        """The parameters of both hardware forms."""

    @property
    def levels(self) -> tuple[str, ...]:
        """For each output an expression, in its module, for the number of beats that wait there (`RtlInstance`)."""
        return ("{unit}.output_queue.level",)

    def rtl(self) -> RtlInstance:
        """Its module in `rtl/`, named after its kind."""
        return RtlInstance(f"bnn_{self.kind}", self.parameters().rtl, self.levels)

    def hls_tables(self) -> tuple[HlsTable, ...]:
        """The constant arrays passed to its function in `hls/`."""
        return ()

    def hls(self) -> HlsInstance:
        """Its function in `hls/`, named after its kind."""
        return HlsInstance(self.kind, self.parameters().hls, self.hls_tables())

    @abstractmethod
    def emulator(self) -> EmulatorKernel:
        """Its kernel in `flows/emulator/`."""

    @abstractmethod
    def cost_terms(self) -> CostTerms:
        """What it consists of, memories included, in the counts that have a coefficient in every family."""

    def resources(self) -> dict[str, int]:
        """Estimated cost in its FPGA family, memories included, by each of `bnnfpga.dataflow.resources.RESOURCES`.

        LUTs and flip-flops are counted as Yosys maps them, with an error that is known for some kinds of unit
        (`bnnfpga.dataflow.cost_coefficients`).
        """
        return coefficients(self.target.family).cost(self.cost_terms())

    @property
    def thresholds(self) -> ThresholdTable | None:
        """The thresholds on its sums or elements; None if it has none."""
        return None

    @property
    def element_function(self) -> ElementFunction | None:
        """Its element-wise function of a single stream; None if it is not such a function."""
        return None

    @property
    def weighted_sums(self) -> WeightedSums | None:
        """The dot products that it computes; None if it computes none."""
        return None

    @property
    def products(self) -> int:
        """Products of a weight and an element per frame."""
        sums, port = self.weighted_sums, self.outputs[0]
        return 0 if sums is None else int(sums.weights.size) * (port.elements // port.shape[-1])

    def with_inputs(self, *ports: Port) -> Operator:
        """The unit adapted to producers with these output ports: units that accept any lanes change theirs."""
        del ports
        return self

    def in_front_of(self, interval: int, *ports: Port) -> Operator:
        """The unit adapted to consumers with these input ports, which take a frame every `interval` cycles.

        Units that can send any number of lanes change theirs to keep up.
        """
        del interval, ports
        return self

    def with_constants(self, constants: tuple[tuple[int, int], ...]) -> Operator:
        """The unit, told the inputs of its dot products that never change, and their values.

        Units whose weights are in their logic have no cells for these.
        """
        del constants
        return self

    def refolded(self, **changes: object) -> Self:
        """A copy with another `pe`, `simd`, memory, lanes or target."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def built_for(self, target: Target) -> Self:
        """A copy that aims at another FPGA family or clock; with a memory of another kind if it cannot have its own."""
        if self.memory is None:
            return self.refolded(target=target)
        unit = self.refolded(target=target, memory=MEMORY_KINDS[0])
        return unit.refolded(memory=self.memory if self.memory in unit.memory_kinds else unit.suited_memory)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        """(pe, simd), None for a value that the unit does not have."""
        return (None, None)

    def legal_pe(self) -> tuple[int, ...]:
        """Legal values of `pe`, ascending; empty if the unit has no `pe`."""
        return ()

    def legal_simd(self, pe: int) -> tuple[int, ...]:
        """Legal values of `simd` for a legal `pe`, ascending; empty if the unit has no `simd`."""
        del pe
        return ()

    @property
    def kernel_pixels(self) -> int | None:
        """Of how many pixels of a kernel the `simd` elements of a cycle are; None for as few as possible."""
        return None

    def legal_kernel_pixels(self, simd: int) -> tuple[int, ...]:
        """Legal values of `kernel_pixels` for a legal `simd`, ascending; empty if there is no choice."""
        del simd
        return ()

    @property
    def memory(self) -> WeightsKind | None:
        """The kind of the memory that users can choose; None if there is no choice."""
        return None

    @property
    def memory_kinds(self) -> tuple[WeightsKind, ...]:
        """Legal values of `memory` for this folding."""
        return () if self.memory is None else MEMORY_KINDS

    @property
    def suited_memory(self) -> WeightsKind | None:
        """The cheaper kind of memory for this folding."""
        return None if self.memory is None else "distributed"

    @property
    def queues(self) -> tuple[int, int] | None:
        """The beats that a queue holds, and its stages; None for a unit that is more than a queue."""
        return None

    @property
    def requantizer(self) -> RequantizerKind | None:
        """How users want its thresholds to be applied; None for the cheapest way."""
        return None

    @property
    def requantizer_kinds(self) -> tuple[RequantizerKind, ...]:
        """Legal values of `requantizer`; empty if there is no choice."""
        return ()

    @property
    def accumulators(self) -> AccumulatorsKind | None:
        """Where users want its sums to be accumulated; None for in logic."""
        return None

    @property
    def accumulators_kinds(self) -> tuple[AccumulatorsKind, ...]:
        """Legal values of `accumulators`; empty if there is no choice."""
        return ()

    @property
    def logic_levels(self) -> int:
        """Estimated logic levels of its longest path between registers, wires included (`Target.levels`).

        By default, those of a unit that only counts and passes beats on.
        """
        return 3

    @property
    def estimated_mhz(self) -> float:
        """The clock frequency in MHz that it reaches, as estimated from its logic levels, to a tenth."""
        return round(self.target.reached_mhz(self.logic_levels), 1)

    def interval(self) -> int:
        """Cycles per frame when the unit is neither idle for want of input nor back-pressured."""
        return max(self.inputs[0].beats, self.outputs[0].beats)

    @property
    def lag(self) -> float:
        """How far it is behind its input at most, in frames, whatever the folding, if neither makes it wait.

        By default, it receives a vector, and then works on it.
        """
        return 2 * self.outputs[0].shape[-1] / self.outputs[0].elements

    def memories(self) -> tuple[Memory, ...]:
        """Its read-only memories."""
        memories: list[Memory] = []
        for value in self.parameters().rtl.values():
            memories += value.lanes if isinstance(value, MemoryBank) else [value] if isinstance(value, Memory) else []
        return tuple(memories)
