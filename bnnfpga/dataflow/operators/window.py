"""The sliding window unit: the pixels under a kernel, window after window, from a line buffer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.line_buffer import buffer_depth, buffer_kind, buffer_resources
from bnnfpga.dataflow.operator import (
    EmulatorKernel,
    Event,
    HlsInstance,
    Operator,
    RtlInstance,
    Schedule,
    add_resources,
    divisors,
    queue_depth,
    queue_resources,
)
from bnnfpga.dataflow.stream import Port
from bnnfpga.geometry import Geometry
from bnnfpga.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Window(Operator):
    """Sends, for each window, its pixels row by row, each with all its channels.

    `lanes` channels of one pixel a beat, or all channels of some pixels: of a part of a kernel row that divides it,
    or of whole kernel rows. Pads cost no input beat.

    Parameters
    ----------
    geometry
        Image, kernel and pads.
    channels
        Channels of a pixel.
    type
        The elements.
    fill
        What elements outside the image are. Where the type cannot hold that, as a bipolar one cannot hold 0, flags
        beside the elements say so (`Port.pads`).
    """

    geometry: Geometry
    channels: int
    type: IntegerType
    fill: int = 0
    lanes: int = 1

    kind: ClassVar[str] = "window"
    latency: ClassVar[int] = 2

    @property
    def taps(self) -> int:
        """Pixels a beat."""
        return max(1, self.lanes // self.channels)

    @property
    def chunks(self) -> int:
        """Input beats of a pixel."""
        return max(1, self.channels // self.lanes)

    @property
    def steps(self) -> int:
        """Beats of a window."""
        return self.geometry.taps * self.channels // self.lanes

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.geometry.image, self.channels), self.type, min(self.lanes, self.channels)),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        shape = (*self.geometry.windows, self.geometry.taps * self.channels)
        return (Port(shape, self.type, self.lanes, self.taps if self.flagged else 0),)

    @property
    def flagged(self) -> bool:
        """Whether beats say which of their pixels lie outside."""
        return self.geometry.touches_pads and not bool(self.type.holds(np.array(self.fill)))

    def with_lanes(self, lanes: int) -> Window:
        """The same unit for a consumer that takes so many elements a beat."""
        return replace(self, lanes=lanes)

    @cached_property
    def depth(self) -> int:
        """Beats of the line buffer: the fewest with which nobody waits."""
        need, release = self._need_and_release()
        return buffer_depth(need, release, self.inputs[0].beats, self.outputs[0].beats)

    def _need_and_release(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each window, how many beats of the frame must have come, and how many nobody needs behind it."""
        return self.geometry.newest() * self.chunks, self.geometry.oldest()[1:] * self.chunks

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        need, release = self._need_and_release()
        before = np.concatenate([[0], release[:-1]])
        more = [Event(1, (0,), (1,), (1,))] * (self.steps - 2)
        events: list[Event] = []
        for missing, leaving in zip((need - before).tolist(), (release - before).tolist(), strict=True):
            if self.steps == 1:
                events.append(Event(1, (leaving,), (1,), (1,), (missing,)))
            else:
                events.append(Event(1, (0,), (1,), (1,), (missing,)))
                events += more
                # Its pixels have been there since its first beat.
                events.append(Event(1, (leaving,), (1,), (1,), (0,)))
        front = Schedule((Event(1, (1,), (1,), (1,)),), 1, (self.depth,), (1,))
        return Schedule(tuple(events), self.latency, (self.queue,), (1,), front)

    def execute(self, *arrays: IntArray) -> tuple[IntArray, ...]:
        top, left, bottom, right = self.geometry.pads
        margins = ((0, 0), (top, bottom), (left, right), (0, 0))
        padded = np.pad(arrays[0], margins, constant_values=self.fill)
        rows, columns = self.geometry.windows
        (down, across), (far_down, far_across) = self.geometry.stride, self.geometry.dilation
        pixels = [
            padded[
                :,
                row * far_down : row * far_down + (rows - 1) * down + 1 : down,
                column * far_across : column * far_across + (columns - 1) * across + 1 : across,
            ]
            for row in range(self.geometry.kernel[0])
            for column in range(self.geometry.kernel[1])
        ]
        return (np.concatenate(pixels, axis=-1),)

    @property
    def _fill_code(self) -> int:
        return 0 if self.flagged else int(self.type.encode(np.array(self.fill)))

    @property
    def buffer_kind(self) -> str:
        """Kind of the line buffer."""
        return buffer_kind(self.inputs[0].width, self.depth)

    def resources(self) -> dict[str, int]:
        counters = 8 * max(4, self.depth.bit_length())
        made = self.outputs[0].width
        unit = {"lut": made + 2 * counters, "ff": made + 2 * counters}
        memory = buffer_resources(self.inputs[0].width, self.depth, self.taps)
        return add_resources(unit, memory, queue_resources(made, self.queue))

    def _places(self) -> dict[str, int]:
        """Where the windows are: parameters of both hardware forms."""
        geometry = self.geometry
        return {
            "KernelRows": geometry.kernel[0],
            "KernelColumns": geometry.kernel[1],
            "StrideRows": geometry.stride[0],
            "StrideColumns": geometry.stride[1],
            "DilationRows": geometry.dilation[0],
            "DilationColumns": geometry.dilation[1],
            "PadTop": geometry.pads[0],
            "PadLeft": geometry.pads[1],
            "WindowRows": geometry.windows[0],
            "WindowColumns": geometry.windows[1],
        }

    def rtl(self) -> RtlInstance:
        geometry = self.geometry
        return RtlInstance(
            "bnn_window",
            {
                "Rows": geometry.image[0],
                "Columns": geometry.image[1],
                "InputLanes": self.inputs[0].lanes,
                "Chunks": self.chunks,
                "ElementBits": self.type.bits,
                **self._places(),
                "Taps": self.taps,
                "Flags": int(self.flagged),
                "Fill": self._fill_code,
                "Depth": self.depth,
                "QueueDepth": self.queue,
                "MemoryKind": self.buffer_kind,
            },
        )

    def hls(self) -> HlsInstance:
        geometry = self.geometry
        return HlsInstance(
            "window",
            {
                "Rows": geometry.image[0],
                "Columns": geometry.image[1],
                "Channels": self.channels,
                "ElementBits": self.type.bits,
                **self._places(),
                "Lanes": self.lanes,
                "Flagged": self.flagged,
                "Fill": self._fill_code,
                "Depth": self.depth,
            },
        )

    def emulator(self) -> EmulatorKernel:
        geometry = self.geometry
        places = {
            "image": geometry.image,
            "kernel": geometry.kernel,
            "stride": geometry.stride,
            "dilation": geometry.dilation,
            "pads": geometry.pads[:2],
            "windows": geometry.windows,
        }
        values = {name: np.array(pair, dtype=np.int64) for name, pair in places.items()}
        return EmulatorKernel("window", {**values, "fill": self.fill}, outside=self.fill)


def window_lanes(kernel: tuple[int, int], channels: int) -> tuple[int, ...]:
    """Elements a beat that a window of a kernel can deliver, ascending: channels of a pixel, or whole pixels."""
    rows, columns = kernel
    pixels = [*divisors(columns), *(columns * count for count in divisors(rows))]
    return tuple(sorted({*divisors(channels), *(channels * count for count in pixels)}))
