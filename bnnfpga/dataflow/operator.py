"""What every hardware unit must state (docs/dataflow.md, sections 3 and 4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.stream import Port
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntArray

if TYPE_CHECKING:
    from bnnfpga.dataflow.thresholds import Decisions

MemoryKind = Literal["block", "distributed"]
RESOURCES = ("lut", "ff", "bram18", "dsp")
"""What estimates count: 6-input LUTs, flip-flops, block RAMs of 18 kbit, DSP slices."""
_BRAM18 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words and bits of a word that one block RAM can have."""
_DSP_PRODUCT = 9
"""Bits of a product from which synthesis takes a DSP slice for it (Yosys' synth_xilinx does)."""


@dataclass(frozen=True)
class Event:
    """One step of a schedule that touches a stream.

    `consume` has one entry an input (beats taken), `add` and `emit` one an output: room taken in the output queue, and
    beats made visible. `need` has one entry an input, too: how many beats must be visible, counted from the oldest that
    is not taken; None means those that are consumed.
    """

    gap: int
    consume: tuple[int, ...]
    add: tuple[int, ...]
    emit: tuple[int, ...]
    need: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Schedule:
    """The law that a unit keeps, cycle by cycle.

    `events` repeat for ever; `capacity` and `remove` have one entry an output: the room in its queue, and the room
    that a leaving beat gives back; what an event emits is visible `latency` cycles later. A unit with a memory between
    its two sides is two machines: `front` takes the unit's input, and its queue is the input of this one.
    """

    events: tuple[Event, ...]
    latency: int
    capacity: tuple[int, ...]
    remove: tuple[int, ...]
    front: Schedule | None = None


@dataclass(frozen=True, eq=False)
class Memory:
    """Contents of one read-only memory.

    Parameters
    ----------
    name
        Suffix that tells it from the unit's other memories, like `weights`.
    bits
        uint8 array of 0 and 1, (words, width), bit 0 of a word first.
    kind
        `block` or `distributed`.
    """

    name: str
    bits: NDArray[np.uint8]
    kind: MemoryKind

    @property
    def words(self) -> int:
        return int(self.bits.shape[0])

    @property
    def width(self) -> int:
        return int(self.bits.shape[1])


@dataclass(frozen=True, eq=False)
class MemoryBank:
    """Read-only memories of one kind, one for each lane; their file names differ in a number of three digits."""

    name: str
    lanes: tuple[Memory, ...]

    @classmethod
    def of(cls, name: str, bits: NDArray[np.uint8], kind: MemoryKind) -> MemoryBank:
        """From the contents (lanes, words, width)."""
        return cls(name, tuple(Memory(f"{name}_{lane:03}", bits[lane], kind) for lane in range(len(bits))))


@dataclass(frozen=True)
class RtlVector:
    """A parameter that holds many numbers: `values`, the first in the least significant bits, `bits` bits each."""

    values: tuple[int, ...]
    bits: int


RtlParameter = int | str | Memory | MemoryBank | RtlVector


@dataclass(frozen=True)
class RtlInstance:
    """A module of `rtl/`: its name and parameters.

    Its input stream is `s_tdata_i` and so on, or `s0_...`, `s1_...` where it has several; its outputs are `m_...`, or
    `m0_...`, `m1_...`. A parameter whose value is a `Memory` is the name of that memory's file; of a `MemoryBank`,
    what the names of its files have in common, up to their number. `levels` has an expression an output for the beats
    that wait there, where `{unit}` stands for the instance; simulations with stream counters read them.
    """

    module: str
    parameters: Mapping[str, RtlParameter]
    levels: tuple[str, ...] = ("{unit}.output_queue.queue.level",)


@dataclass(frozen=True, eq=False)
class HlsTable:
    """A constant array that an HLS function is called with.

    Parameters
    ----------
    name
        Suffix that tells it from the unit's other tables.
    bits
        uint8 array of 0 and 1, (addresses, ..., bits of one entry), the lowest bit first.
    signed
        Whether entries are integers in two's complement, else they are bit vectors.
    kind
        The kind of memory.
    """

    name: str
    bits: NDArray[np.uint8]
    signed: bool
    kind: MemoryKind


@dataclass(frozen=True)
class HlsInstance:
    """A function template of `hls/`.

    Its name (that of its header, too), its template parameters in order, and the tables it is called with.
    """

    function: str
    parameters: Mapping[str, int | bool]
    tables: tuple[HlsTable, ...] = ()


@dataclass(frozen=True, eq=False)
class EmulatorKernel:
    """A kernel of `flows/emulator/`.

    Parameters
    ----------
    name
        The name that it is registered under.
    values
        Its integers by name.
    outside
        What elements outside the image are, for a unit that makes some (`Port.pads`); others hand on what they take.
    """

    name: str
    values: Mapping[str, int | IntArray] = field(default_factory=dict)
    outside: int | None = None


IDENTITY = EmulatorKernel("identity")
"""The kernel of units that only move elements: they cost nothing."""


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


def queue_resources(width: int, depth: int) -> dict[str, int]:
    """Estimate of a queue: an output register and LUT memory of 32 words each."""
    counters = 3 * max(1, depth.bit_length())
    return {"lut": width * -(-(depth - 1) // 32) + 2 * counters, "ff": width + counters}


def memory_resources(words: int, width: int, kind: MemoryKind) -> dict[str, int]:
    """Estimate of a read-only memory; one word is no memory."""
    if words == 1:
        return {}
    if kind == "distributed":
        return {"lut": width * -(-words // 64)}
    return {"bram18": min(-(-words // deep) * -(-width // wide) for deep, wide in _BRAM18)}


def multiplier_resources(bits: int, other_bits: int, count: int = 1) -> dict[str, int]:
    """Estimate of multipliers of two signed numbers: LUTs for narrow products, else DSP slices of 25 x 18 bits."""
    if bits + other_bits - 1 < _DSP_PRODUCT:
        return {"lut": count * bits * other_bits}
    return {"dsp": count * -(-max(bits, other_bits) // 25) * -(-min(bits, other_bits) // 18)}


def add_resources(*parts: Mapping[str, int]) -> dict[str, int]:
    """Sum by kind, over all of `RESOURCES`."""
    return {kind: sum(part.get(kind, 0) for part in parts) for kind in RESOURCES}


def queue_depth(latency: int, cycles_between_emissions: int, burst: int = 1) -> int:
    """Room that an output queue needs for the unit to run at full rate.

    A beat's room is taken when its event takes place and is free again at the earliest `latency + 1` cycles later. With
    a `burst`, so many beats are made in successive cycles, as often as gives the same number of cycles for each.
    """
    bursts, rest = divmod(latency + 1, cycles_between_emissions * burst)
    return max(2, bursts * burst + min(rest, burst))
