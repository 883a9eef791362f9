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
    Memory,
    MemoryBank,
    MemoryKind,
    RtlInstance,
)
from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.thresholds import Decisions, ThresholdTable
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.numbers.exact_arrays import Integers


@dataclass(frozen=True)
class Operator(ABC):
    """A hardware unit. Subclasses are frozen dataclasses whose fields are its parameters."""

    name: str

    kind: ClassVar[str]
    """What users and reports call the unit, like `matrix_vector`."""
    moves: ClassVar[bool] = False
    """Whether all that it makes are elements that it takes, and constants: it hands on integers of any size."""
    slides: ClassVar[bool] = False
    """Whether it sends windows of an image, from a line buffer that holds what later ones need."""
    follows_consumer: ClassVar[bool] = False
    """Whether its size follows from the folding of the unit behind it, which is chosen with both in mind."""

    def __post_init__(self) -> None:
        if self.memory is not None and self.memory not in self.memory_kinds:
            raise ValueError(f"{self.name}: memory {self.memory!r} is none of {', '.join(self.memory_kinds)}")

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

        Any numpy type that holds the integers taken may come, any that holds those made may be returned.
        """

    def decide(self, *arrays: Integers) -> Decisions | None:
        """What the results of `execute` are decided from, of the shape of its first output; None where nothing is."""
        del arrays
        return None

    @abstractmethod
    def rtl(self) -> RtlInstance:
        """Its module in `rtl/`."""

    @abstractmethod
    def hls(self) -> HlsInstance:
        """Its function in `hls/`."""

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
