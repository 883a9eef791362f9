"""A selection of channels in any order: split, slice, shuffle, repetition, constant channels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.fifo_terms import fifo_terms
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable, RtlVector
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.stream import Port, lanes_for
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, flags, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers, narrowest
from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Select(Operator):
    """Channel `c` of an output pixel is channel `index[c]` of the input pixel; a beat has whole pixels.

    Parameters
    ----------
    positions
        Pixels of a frame, on any axes.
    channels
        Channels of an input pixel.
    index
        Input channels of an output pixel, any of them left out or repeated. Indices from `channels` on refer to
        `constants`.
    type
        The element type.
    padded
        Whether beats carry a flag for a pixel outside the image (`Port.pads`).
    pixels
        Pixels per beat; one if beats carry flags.
    constants
        Integers of the type for channels that are constant.
    """

    positions: tuple[int, ...]
    channels: int
    index: tuple[int, ...]
    type: IntegerType
    padded: bool = False
    pixels: int = 1
    constants: tuple[int, ...] = ()

    kind: ClassVar[str] = "select"
    moves: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.index or min(self.index) < 0 or max(self.index) >= self.channels + len(self.constants):
            raise ValueError(f"{self.name}: {self.index} are not channels of {self.channels}")
        if not np.all(self.type.holds(np.array(self.constants, dtype=np.int64))):
            raise ValueError(f"{self.name}: {self.constants} are not all of {self.type}")

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.positions, self.channels), self.type, self.pixels * self.channels, int(self.padded)),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        channels = len(self.index)
        return (Port((*self.positions, channels), self.type, self.pixels * channels, int(self.padded)),)

    def with_inputs(self, *ports: Port) -> Select:
        return self if self.padded else replace(self, pixels=max(1, ports[0].lanes // self.channels))

    def in_front_of(self, interval: int, *ports: Port) -> Select:
        del interval
        if self.padded:
            return self
        lanes = lanes_for(ports[0].lanes, self.outputs[0].shape)
        return replace(self, pixels=max(1, lanes // len(self.index)))

    def schedule(self) -> Schedule:
        return Schedule((Event(1, (1,), (1,), (1,)),), 1, (2,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        if not self.constants:
            return (arrays[0][..., self.index],)
        constants = np.broadcast_to(np.array(self.constants), (*arrays[0].shape[:-1], len(self.constants)))
        dtype = np.promote_types(arrays[0].dtype, narrowest(min(self.constants), max(self.constants)))
        return (np.concatenate([arrays[0], constants], axis=-1, dtype=dtype, casting="unsafe")[..., self.index],)

    @property
    def _beat_index(self) -> tuple[int, ...]:
        """`index` for the elements of a whole beat, which the constants follow."""
        return tuple(
            self.channels * (pixel if channel < self.channels else self.pixels - 1) + channel
            for pixel in range(self.pixels)
            for channel in self.index
        )

    @property
    def _index_bits(self) -> int:
        return max(1, (self.inputs[0].lanes + len(self.constants) - 1).bit_length())

    @property
    def _constant_codes(self) -> IntArray:
        """The code of each constant, as a non-negative integer; one unused code if there are none."""
        return self.type.encode(np.array(self.constants or (self.type.lo,), dtype=np.int64))

    def cost_terms(self) -> CostTerms:
        # A channel that is sent twice is kept once, and a constant not at all.
        kept = {channel for channel in self._beat_index if channel < self.inputs[0].lanes}
        return fifo_terms(len(kept) * self.type.bits + int(self.padded), 2, self.target.family)

    @property
    def levels(self) -> tuple[str, ...]:
        return ("{unit}.queue.level",)

    def parameters(self) -> UnitParameters:
        return (
            hls_only(Beats=self.outputs[0].beats)
            + both(Inputs=self.inputs[0].lanes, Outputs=self.outputs[0].lanes, ElementBits=self.type.bits)
            + flags(self.padded)
            + rtl_only(
                Constants=len(self.constants),
                Constant=RtlVector(tuple(self._constant_codes.tolist()), self.type.bits),
                IndexBits=self._index_bits,
                Index=RtlVector(self._beat_index, self._index_bits),
            )
        )

    def hls_tables(self) -> tuple[HlsTable, ...]:
        index = to_bits(np.array(self._beat_index), self._index_bits)[None]
        return (
            HlsTable("index", index, False, "distributed"),
            HlsTable("constants", to_bits(self._constant_codes, self.type.bits)[None], False, "distributed"),
        )

    def emulator(self) -> EmulatorKernel:
        return EmulatorKernel(
            "select",
            {
                "index": np.array(self.index, dtype=np.int64),
                "constants": np.array(self.constants, dtype=np.int64),
            },
        )
