"""A selection of rows and columns of an image: crops, strides, single samples of a signal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fifo_terms import fifo_terms
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable, RtlVector
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.places import displacement
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port, divisors
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntegerType


@dataclass(frozen=True)
class Crop(Operator):
    """Passes the pixels of some rows and columns on, `pe` elements per cycle, and drops the others.

    If `pe` is a multiple of the channels, a beat has several pixels of a row, which must be kept or dropped together.

    Parameters
    ----------
    image
        Rows and columns of the input image.
    channels
        Channels per pixel.
    type
        The element type.
    rows, columns
        The rows and columns to keep, ascending.
    """

    image: tuple[int, int]
    channels: int
    type: IntegerType
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    pe: int = 1

    kind: ClassVar[str] = "crop"
    moves: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for kept, extent in zip((self.rows, self.columns), self.image, strict=True):
            if not kept or list(kept) != sorted(set(kept)) or kept[0] < 0 or kept[-1] >= extent:
                raise ValueError(f"{self.name}: {kept} are not some of {extent} rows or columns, ascending")

    @property
    def lag(self) -> float:
        return displacement([np.array(self.rows), np.array(self.columns)], self.image)

    @property
    def pixels(self) -> int:
        """Pixels per beat."""
        return max(1, self.pe // self.channels)

    @property
    def chunks(self) -> int:
        """Beats per pixel."""
        return max(1, self.channels // self.pe)

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.image, self.channels), self.type, self.pe),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((len(self.rows), len(self.columns), self.channels), self.type, self.pe),)

    @property
    def folding(self) -> tuple[int | None, int | None]:
        return (self.pe, None)

    def legal_pe(self) -> tuple[int, ...]:
        columns = self._kept[1]
        together = (
            count
            for count in divisors(len(columns))[1:]
            if np.array_equal(columns.reshape(-1, count).any(axis=1), columns.reshape(-1, count).all(axis=1))
        )
        return (*divisors(self.channels), *(self.channels * count for count in together))

    @cached_property
    def _kept(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each row and each column is kept."""
        rows, columns = (
            np.isin(np.arange(extent), kept) for extent, kept in zip(self.image, (self.rows, self.columns), strict=True)
        )
        return rows, columns

    @property
    def _kept_beats(self) -> NDArray[np.bool_]:
        """Whether each pixel of a row is kept, or each group of pixels that make up a beat."""
        return self._kept[1][:: self.pixels]

    def schedule(self) -> Schedule:
        keep, drop = Event(1, (1,), (1,), (1,)), Event(1, (1,), (0,), (0,))
        row = [event for kept in self._kept_beats for event in [keep if kept else drop] * self.chunks]
        dropped = [drop] * len(row)
        rows = self._kept[0][:1] if self._kept[0].all() else self._kept[0]
        events = tuple(event for kept in rows for event in (row if kept else dropped))
        return Schedule(events, 1, (2,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (arrays[0][:, self.rows][:, :, self.columns],)

    def cost_terms(self) -> CostTerms:
        columns = self._kept_beats
        turning = [(extent - 1).bit_length() for extent in (len(self._kept[0]), len(columns), self.chunks)]
        if self._kept[0].all():
            turning[0] = 0
        tables = sum(
            -(-len(kept) // (1 << self.target.lut_inputs)) for kept in (self._kept[0], columns) if not kept.all()
        )
        unit = CostTerms({"crop.counters": sum(turning), "crop.tables": tables}, {"crop.counters": sum(turning)})
        return add_terms(unit, fifo_terms(self.outputs[0].width, 2, self.target.family))

    @property
    def levels(self) -> tuple[str, ...]:
        return ("{unit}.queue.level",)

    def parameters(self) -> UnitParameters:
        width, rows, columns = self.inputs[0].width, self._kept[0], self._kept_beats
        return (
            rtl_only(Width=width)
            + both(Rows=len(rows), Columns=len(columns), Chunks=self.chunks)
            + hls_only(Width=width)
            + rtl_only(
                KeptRows=RtlVector(tuple(rows.astype(int).tolist()), 1),
                KeptColumns=RtlVector(tuple(columns.astype(int).tolist()), 1),
            )
        )

    def hls_tables(self) -> tuple[HlsTable, ...]:
        return tuple(
            HlsTable(name, kept.astype(np.uint8)[:, None], False, "distributed")
            for name, kept in (("kept_rows", self._kept[0]), ("kept_columns", self._kept_beats))
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel(
            "pixels",
            {
                "image": np.array(self.image, dtype=np.int64),
                "rows": np.array(self.rows, dtype=np.int64),
                "columns": np.array(self.columns, dtype=np.int64),
            },
        )
