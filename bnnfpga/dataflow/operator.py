"""What every hardware unit must state (docs/dataflow.md, sections 3 and 4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from bnnfpga.dataflow.element_function import ElementFunction
from bnnfpga.dataflow.hardware import (
    MEMORY_KINDS,
    EmulatorKernel,
    HlsInstance,
    HlsTable,
    Memory,
    MemoryBank,
    MemoryKind,
    RtlInstance,
    check_memory_kind,
)
from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.unit_parameters import UnitParameters
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True)
class Operator(ABC):
    """A hardware unit, one a file in `operators/`: a frozen dataclass whose fields are the unit's parameters.

    Every unit states

    * `kind`, its name: its module is `rtl/bnn_<kind>.sv`, its function and the header of that `hls/bnn/<kind>.hpp`;
    * `inputs` and `outputs`, its streams;
    * `execute`, its meaning, which all of its forms must have to the bit;
    * `schedule`, the cycles of its module, and `interval` where that is not the beats of its busier stream;
    * `parameters`, what module and function are told, with the memories of the module; `hls_tables`, those of the
      function; `levels`, where the beats wait in the module, if that is not in an output queue of the usual name;
    * `emulator`, its kernel;
    * `resources`, an estimate.

    What else there is to say of some units has a default here. Shared code asks a unit for it and never for its class:

    * foldings: `folding`, `legal_pe`, `legal_simd`, and `memory` where its kind can be chosen (`memory_kinds`,
      `suited_memory`);
    * lanes that follow from its neighbours: `with_inputs`, `in_front_of`, `follows_consumer`;
    * how it takes and sends beats, as far as the graph must know that: `burst`, `slides`;
    * what it does with elements, for checks that aim at it and reports: `moves`, `element_function`, `weighted_sums`,
      `thresholds`, `preactivations`.
    """

    name: str

    kind: ClassVar[str]
    """What users and reports call the unit, like `matrix_vector`."""
    moves: ClassVar[bool] = False
    """Whether all that it makes are elements that it takes, and constants: it hands on integers of any size."""
    slides: ClassVar[bool] = False
    """Whether it sends windows of an image, from a line buffer that holds what later ones need."""
    follows_consumer: ClassVar[bool] = False
    """Whether its size follows from the folding of the unit behind it; then the choice of that counts both."""

    def __post_init__(self) -> None:
        if self.memory is not None:
            check_memory_kind(self.memory, self.name, self.memory_kinds)

    @property
    @abstractmethod
    def inputs(self) -> tuple[Port, ...]:
        """The streams it takes."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[Port, ...]:
        """The streams it makes."""

    @abstractmethod
    def schedule(self) -> Schedule:
        """The events of this unit, in the order in which they repeat."""

    @abstractmethod
    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        """The unit's meaning: arrays of integers (frames, *shape), one an input, to one an output.

        Any numpy type that holds the integers of an input may come, any that holds those of an output may be returned.
        """

    def preactivations(self, *arrays: Integers) -> Integers | None:
        """What the results of `execute` are decided from, of the shape of its first output; None where nothing is."""
        del arrays
        return None

    @abstractmethod
    def parameters(self) -> UnitParameters:
        """What both of its hardware forms are told."""

    @property
    def levels(self) -> tuple[str, ...]:
        """Of its module: an expression per output for the beats that wait there (`RtlInstance`)."""
        return ("{unit}.output_queue.queue.level",)

    def rtl(self) -> RtlInstance:
        """Its module in `rtl/`, which has its name."""
        return RtlInstance(f"bnn_{self.kind}", self.parameters().rtl, self.levels)

    def hls_tables(self) -> tuple[HlsTable, ...]:
        """The constant arrays that its function in `hls/` is called with."""
        return ()

    def hls(self) -> HlsInstance:
        """Its function in `hls/`, which has its name."""
        return HlsInstance(self.kind, self.parameters().hls, self.hls_tables())

    @abstractmethod
    def emulator(self) -> EmulatorKernel:
        """Its kernel in `flows/emulator/`."""

    @abstractmethod
    def resources(self) -> dict[str, int]:
        """Estimates of what it takes in an FPGA with 6-input LUTs: some of `RESOURCES`, memories included.

        They rank foldings; a synthesis tool's numbers differ.
        """

    @property
    def thresholds(self) -> ThresholdTable | None:
        """What it compares its sums or its elements with; None where it compares nothing."""
        return None

    @property
    def element_function(self) -> ElementFunction | None:
        """What it makes of each element by itself; None where it makes anything else."""
        return None

    @property
    def weighted_sums(self) -> WeightedSums | None:
        """The dot products that it makes; None where it makes none."""
        return None

    @property
    def products(self) -> int:
        """Products of a weight and an element that a frame takes."""
        sums, port = self.weighted_sums, self.outputs[0]
        return 0 if sums is None else int(sums.weights.size) * (port.elements // port.shape[-1])

    def with_inputs(self, *ports: Port) -> Operator:
        """The same unit behind producers that make `ports`; units that take any number of lanes change theirs."""
        del ports
        return self

    def in_front_of(self, interval: int, *ports: Port) -> Operator:
        """The same unit in front of consumers that take `ports`, and a frame in `interval` cycles.

        Units that make any number of lanes change theirs, to keep up with them.
        """
        del interval, ports
        return self

    def refolded(self, **changes: object) -> Self:
        """The same unit with another `pe`, `simd`, memory or lanes."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def folding(self) -> tuple[int | None, int | None]:
        """(pe, simd), None where the unit has no such notion."""
        return (None, None)

    def legal_pe(self) -> tuple[int, ...]:
        """Legal values of `pe`, ascending; empty where the unit has none."""
        return ()

    def legal_simd(self, pe: int) -> tuple[int, ...]:
        """Legal values of `simd` beside a legal `pe`, ascending; empty where the unit has none."""
        del pe
        return ()

    @property
    def memory(self) -> MemoryKind | None:
        """Kind of the memory that users can choose; None where there is none to choose."""
        return None

    @property
    def memory_kinds(self) -> tuple[MemoryKind, ...]:
        """Legal values of `memory`."""
        return () if self.memory is None else MEMORY_KINDS

    @property
    def suited_memory(self) -> MemoryKind | None:
        """The kind of memory that is cheaper with this folding."""
        return None if self.memory is None else "distributed"

    @property
    def burst(self) -> int:
        """Beats that it takes one after the other before it takes none for a while; 0 where it takes them evenly.

        A FIFO in front of it holds so many, so that the unit before it need not wait.
        """
        return 0

    def interval(self) -> int:
        """Cycles a frame when neither starved nor stalled."""
        return max(self.inputs[0].beats, self.outputs[0].beats)

    def memories(self) -> tuple[Memory, ...]:
        """Its read-only memories."""
        found: list[Memory] = []
        for value in self.rtl().parameters.values():
            found += value.lanes if isinstance(value, MemoryBank) else [value] if isinstance(value, Memory) else []
        return tuple(found)
