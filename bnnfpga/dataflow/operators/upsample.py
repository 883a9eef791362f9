"""Nearest-neighbour upsampling: repeats the pixels of each row, and the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fifo_terms import output_queue_terms
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable, RtlParameter, RtlVector
from bnnfpga.dataflow.line_buffer import buffer_depth, buffer_kind, buffer_levels, buffer_terms
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.places import displacement
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, divisors
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntArray, IntegerType

Copies = int | tuple[int, ...]
"""How often rows or columns are sent: one number for all of them, or one for each."""


@dataclass(frozen=True)
class Upsample(Operator):
    """Sends each row and each column several times; `pe` channels per cycle.

    Parameters
    ----------
    image
        Rows and columns of the input image.
    channels
        Channels per pixel.
    type
        The element type.
    factors
        How often rows and how often columns are sent.
    """

    image: tuple[int, int]
    channels: int
    type: IntegerType
    factors: tuple[Copies, Copies] = (2, 2)
    pe: int = 1

    kind: ClassVar[str] = "upsample"
    moves: ClassVar[bool] = True
    latency: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for factor, extent in zip(self.factors, self.image, strict=True):
            counts = (factor,) * extent if isinstance(factor, int) else factor
            if len(counts) != extent or min(counts) < 1:
                raise ValueError(f"{self.name}: {factor} are not how often {extent} rows or columns come")

    @property
    def lag(self) -> float:
        # A row is sent again once it is there.
        rows, columns = self._sources
        return displacement([rows, columns], self.image)

    @property
    def chunks(self) -> int:
        """Beats per pixel."""
        return self.channels // self.pe

    @cached_property
    def _copies(self) -> tuple[IntArray, IntArray]:
        """How often each row and each column is sent: a single number if all are sent equally often."""
        rows, columns = (
            np.unique(factor) if len(set(np.ravel(factor))) == 1 else np.array(factor) for factor in self.factors
        )
        return rows, columns

    @cached_property
    def _sources(self) -> tuple[IntArray, IntArray]:
        """For each row and each column of the output, the index of its source in the input."""
        rows, columns = (
            np.repeat(np.arange(extent), copies) for extent, copies in zip(self.image, self._copies, strict=True)
        )
        return rows, columns

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.image, self.channels), self.type, self.pe),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        rows, columns = self._sources
        return (Port((len(rows), len(columns), self.channels), self.type, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        return divisors(self.channels)

    def _sent(self) -> tuple[IntArray, IntArray]:
        """For each beat sent, the number of beats that must have arrived, and the number released after it.

        Both count from the first beat of the frame, or of a row if all rows are alike. A beat is released when it has
        been sent for the last time.
        """
        across = self._sources[1]
        places = (across[:, None] * self.chunks + np.arange(self.chunks)).reshape(-1)
        last = np.repeat(np.append(np.diff(across) > 0, True), self.chunks)
        row_beats = self.image[1] * self.chunks
        need, release = [], []
        for row, copies in enumerate(self._copies[0].tolist()):
            need += [row * row_beats + places + 1] * copies
            # The beats of a row stay until the row is sent for the last time.
            release += [np.full(len(places), row * row_beats)] * (copies - 1)
            release.append(row * row_beats + np.maximum.accumulate(np.where(last, places + 1, 0)))
        return np.concatenate(need), np.concatenate(release)

    @cached_property
    def depth(self) -> int:
        """Depth of the line buffer in beats."""
        need, release = self._sent()
        return buffer_depth(need, release, int(release[-1]), len(need))

    @property
    def logic_levels(self) -> int:
        # The address: the loop that ends, its step, the ring.
        kind = buffer_kind(self.inputs[0].width, self.depth, self.target)
        read = buffer_levels(self.inputs[0].width, self.depth, self.target) + int(kind == "block")
        return max(read, 3 + 2 * self.target.carry_levels(self.depth.bit_length()))

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        need, release = self._sent()
        before = np.concatenate([[0], release[:-1]])
        kinds: dict[tuple[int, int], Event] = {}
        events = tuple(
            kinds.setdefault((missing, leaving), Event(1, (leaving,), (1,), (1,), (missing,)))
            for missing, leaving in zip((need - before).tolist(), (release - before).tolist(), strict=True)
        )
        front = Schedule((Event(1, (1,), (1,), (1,)),), 1, (self.depth,), (1,))
        return Schedule(events, self.latency, (self.queue,), (1,), front)

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        rows, columns = self._copies
        return (arrays[0].repeat(rows, axis=1).repeat(columns, axis=2),)

    def cost_terms(self) -> CostTerms:
        width, depth, target = self.inputs[0].width, self.depth, self.target
        address, level = (depth - 1).bit_length(), depth.bit_length()
        rows, columns = self._copies
        turning = [self.chunks, self.image[1], len(rows), int(rows.max()), int(columns.max())]
        numbers = sum((extent - 1).bit_length() for extent in turning)
        entries = 1 << target.lut_inputs
        tables = sum(
            -(-len(copies) // entries) * int(copies.max() - 1).bit_length()
            for copies in self._copies
            if len(copies) > 1
        )
        kind = buffer_kind(width, depth, target)
        unit = CostTerms(
            {
                "upsample.numbers": numbers,
                "upsample.tables": tables,
                "upsample.levels": 2 * level,
                "upsample.places": address,
            },
            {"upsample.bits": numbers + 2 * level + 2 * address + 2 + (width if kind == "distributed" else 0)},
        )
        queue = output_queue_terms(width, self.queue, target.family)
        return add_terms(unit, buffer_terms(width, depth, kind, target), queue)

    def _last_copies(self) -> Iterator[tuple[str, IntArray, int]]:
        """For rows and columns: the index of each one's last copy, and the bits of that index."""
        for name, copies in zip(("Row", "Column"), self._copies, strict=True):
            yield name, copies - 1, max(1, int(copies.max() - 1).bit_length())

    def parameters(self) -> UnitParameters:
        width = self.inputs[0].width
        copies: dict[str, RtlParameter] = {}
        for name, last, bits in self._last_copies():
            copies[f"{name}Entries"] = len(last)
            copies[f"{name}CopyBits"] = bits
            copies[f"{name}LastCopies"] = RtlVector(tuple(last.tolist()), bits)
        return (
            rtl_only(Width=width)
            + hls_only(Rows=self.image[0])
            + both(Columns=self.image[1], Chunks=self.chunks)
            + hls_only(Width=width)
            + rtl_only(**copies)
            + both(Depth=self.depth)
            + rtl_only(QueueDepth=self.queue, MemoryKind=buffer_kind(width, self.depth, self.target))
        )

    def hls_tables(self) -> tuple[HlsTable, ...]:
        return tuple(
            HlsTable(f"last_{name.lower()}_copies", to_bits(last, bits), False, "distributed")
            for name, last, bits in self._last_copies()
        )

    def emulator(self) -> EmulatorKernel:
        rows, columns = self._sources
        return EmulatorKernel(
            "pixels", {"image": np.array(self.image, dtype=np.int64), "rows": rows, "columns": columns}
        )
