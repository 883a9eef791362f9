"""What every hardware unit must state (docs/dataflow.md, sections 3 and 4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from bnnfpga.dataflow.hardware import EmulatorKernel, HlsInstance, Memory, MemoryBank, RtlInstance
from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.thresholds import Decisions
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.numbers.exact_arrays import Integers


@dataclass(frozen=True)
class Operator(ABC):
    """A hardware unit. Subclasses are frozen dataclasses whose fields are its parameters."""

    name: str

    kind: ClassVar[str]
    """What users and reports call the unit, like `matrix_vector`."""

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

    def interval(self) -> int:
        """Cycles a frame when neither starved nor stalled."""
        return max(self.inputs[0].beats, self.outputs[0].beats)

    def memories(self) -> tuple[Memory, ...]:
        """Its read-only memories."""
        found: list[Memory] = []
        for value in self.rtl().parameters.values():
            found += value.lanes if isinstance(value, MemoryBank) else [value] if isinstance(value, Memory) else []
        return tuple(found)
