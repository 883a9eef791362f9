"""The forms of a unit as data: a module of `rtl/`, a function of `hls/`, a kernel of the emulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.memory_kinds import MemoryKind, check_memory_kind
from bnnfpga.numbers.integers import IntArray


@dataclass(frozen=True, eq=False)
class Memory:
    """Contents of one read-only memory.

    Parameters
    ----------
    name
        Suffix that is unique among the unit's memories, like `weights`.
    bits
        uint8 array of 0 and 1, (words, width), least significant bit first.
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

    @property
    def varying(self) -> int:
        """Bits of a word that are not the same in all words."""
        return int(np.count_nonzero((self.bits != self.bits[0]).any(axis=0)))


@dataclass(frozen=True, eq=False)
class MemoryBank:
    """Read-only memories of one kind, one per lane; their file names differ in a three-digit number."""

    name: str
    lanes: tuple[Memory, ...]

    @classmethod
    def of(cls, name: str, bits: NDArray[np.uint8], kind: MemoryKind) -> MemoryBank:
        """A bank from its contents, uint8 (lanes, words, width)."""
        return cls(name, tuple(Memory(f"{name}_{lane:03}", bits[lane], kind) for lane in range(len(bits))))


@dataclass(frozen=True)
class RtlVector:
    """A parameter that packs several numbers: `values` of `bits` bits each, the first in the least significant bits."""

    values: tuple[int, ...]
    bits: int


RtlParameter = int | str | Memory | MemoryBank | RtlVector


@dataclass(frozen=True, eq=False)
class RenderedModule:
    """A module that is rendered for one unit, because constants of the unit are part of its logic.

    Parameters
    ----------
    template
        The name of its template in `templates/rtl/`, without `.sv.j2`.
    values
        What the template is rendered with, besides `module`, the module's name.
    """

    template: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class RtlInstance:
    """An instance of a module of `rtl/`, or of one that is `rendered` for it: its name and parameters.

    Ports of its input stream are `s_tdata_i` and so on, or `s0_...`, `s1_...` for several; its outputs are `m_...`, or
    `m0_...`, `m1_...`. A parameter whose value is a `Memory` becomes the name of its file, a `MemoryBank` the common
    prefix of its files' names, up to the number. `levels` has one expression per output for the number of beats that
    wait there, with `{unit}` for the instance; simulations with stream counters read them.
    """

    module: str
    parameters: Mapping[str, RtlParameter]
    levels: tuple[str, ...]
    rendered: RenderedModule | None = None


@dataclass(frozen=True, eq=False)
class HlsTable:
    """A constant array passed to an HLS function.

    Parameters
    ----------
    name
        Suffix that is unique among the unit's tables.
    bits
        uint8 array of 0 and 1, (addresses, ..., bits of an entry), least significant bit first.
    signed
        Whether entries are integers in two's complement; otherwise they are bit vectors.
    kind
        `block` or `distributed`.
    """

    name: str
    bits: NDArray[np.uint8]
    signed: bool
    kind: MemoryKind

    def __post_init__(self) -> None:
        check_memory_kind(self.kind, self.name)


@dataclass(frozen=True)
class HlsInstance:
    """An instance of a function template of `hls/`.

    Its name (which is also that of its header), its template parameters in order, and the tables passed to it.
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
        The name under which the kernel is registered.
    values
        Its integer parameters by name.
    outside
        The integer of elements outside the image, for a unit that creates them (`Port.pads`); other units pass theirs
        through.
    """

    name: str
    values: Mapping[str, int | IntArray] = field(default_factory=dict)
    outside: int | None = None


IDENTITY = EmulatorKernel("identity")
"""The kernel of units that leave elements and their order unchanged; it costs nothing."""
