"""What a unit is in each of its forms: a module of `rtl/`, a function of `hls/`, a kernel of the emulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.integers import IntArray

MemoryKind = Literal["block", "distributed"]
MEMORY_KINDS: tuple[MemoryKind, ...] = get_args(MemoryKind)


def check_memory_kind(kind: str, where: str, legal: Sequence[str] = MEMORY_KINDS) -> None:
    """Refuse what is no kind of memory, or not one that `where` can have."""
    if kind not in legal:
        raise ValueError(f"{where}: a memory is {' or '.join(legal)}, not {kind!r}")


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

    def __post_init__(self) -> None:
        check_memory_kind(self.kind, self.name)

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
    levels: tuple[str, ...]


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

    def __post_init__(self) -> None:
        check_memory_kind(self.kind, self.name)


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
