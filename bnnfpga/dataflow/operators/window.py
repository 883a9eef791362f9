"""The sliding window unit, which sends the pixels under a kernel, window after window, from a line buffer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fifo_terms import output_queue_terms
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable
from bnnfpga.dataflow.line_buffer import buffer_depth, buffer_kind, buffer_levels, buffer_slots, buffer_terms
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.places import displacement
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, divisors, legal_lanes
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, flags, rtl_only
from bnnfpga.dataflow.window_beats import pixel_parts, pixels_abreast, row_major_lanes
from bnnfpga.dataflow.window_steps import WindowSteps
from bnnfpga.dataflow.window_terms import WindowAxis, WindowLoops, border_terms, tap_terms
from bnnfpga.numbers.exact_arrays import Integers, narrowest
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType


@dataclass(frozen=True)
class Window(Operator):
    """Sends the pixels of each window row by row, each pixel with all its channels.

    A beat has channels of one pixel, or the same channels of several, in a number that divides a kernel row, or that
    makes whole kernel rows; or all channels of whole windows in a number that divides a row of windows. Padding takes
    no input beats.

    Parameters
    ----------
    geometry
        Image, kernel, strides, dilations and pads.
    channels
        Channels per pixel.
    type
        The element type.
    fill
        The integer of elements outside the image. If the type cannot hold it, as a bipolar one cannot hold 0, beats
        carry flags for them (`Port.pads`).
    lanes
        Elements per output beat.
    units
        Units per input beat, each of as many channels of a pixel as an output beat has of each: units of a pixel in a
        number that divides it, or of whole pixels in a number that divides a row of the image.
    pixels
        Pixels of a window per output beat; None for as few as `lanes` can be of.
    """

    geometry: Geometry
    channels: int
    type: IntegerType
    fill: int = 0
    lanes: int = 1
    units: int = 1
    pixels: int | None = None

    kind: ClassVar[str] = "window"
    moves: ClassVar[bool] = True
    slides: ClassVar[bool] = True
    follows_consumer: ClassVar[bool] = True

    @property
    def windows(self) -> int:
        """Windows per output beat."""
        return max(1, self.lanes // (self.geometry.taps * self.channels))

    @cached_property
    def abreast(self) -> int:
        """Pixels per output beat for each of its windows."""
        if self.pixels is not None:
            return self.pixels
        return pixels_abreast(self.geometry.kernel, self.channels, self.lanes // self.windows)[0]

    @property
    def part(self) -> int:
        """Channels of a pixel per output beat."""
        return self.lanes // self.windows // self.abreast

    @property
    def chunks(self) -> int:
        """Output beats per pixel."""
        return self.channels // self.part

    @property
    def steps(self) -> int:
        """Beats per window."""
        return self.geometry.taps // self.abreast * self.chunks

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (Port((*self.geometry.image, self.channels), self.type, self.units * self.part),)

    @property
    def outputs(self) -> tuple[Port, ...]:
        shape = (*self.geometry.windows, self.geometry.taps * self.channels)
        pads = self.windows * self.abreast if self.flagged else 0
        parts = pixel_parts(self.abreast, self.lanes, self.channels) if self.windows == 1 else None
        return (Port(shape, self.type, self.lanes, pads, parts),)

    @property
    def flagged(self) -> bool:
        """Whether beats carry flags for pixels outside the image."""
        return self.geometry.touches_pads and not bool(self.type.holds(np.array(self.fill)))

    @property
    def lag(self) -> float:
        geometry = self.geometry
        last = [
            np.minimum(np.arange(windows) * stride + dilation * (kernel - 1) - pad, extent - 1)
            for windows, stride, dilation, kernel, pad, extent in zip(
                geometry.windows,
                geometry.stride,
                geometry.dilation,
                geometry.kernel,
                geometry.pads,
                geometry.image,
                strict=False,
            )
        ]
        return displacement(last, geometry.image)

    def in_front_of(self, interval: int, *ports: Port) -> Window:
        """The unit adapted to a consumer: its lanes, or if it can have any, at least these; and enough input units."""
        kernel, shape, parts = self.geometry.kernel, self.outputs[0].shape, ports[0].parts
        if parts is not None:
            unit = replace(self, lanes=ports[0].lanes, pixels=parts.abreast, units=1)
        else:
            choices = {*row_major_lanes(kernel, self.channels), *(n for n in legal_lanes(shape) if n > shape[-1])}
            lanes = min((n for n in choices if n >= ports[0].lanes), default=max(choices))
            windows = max(1, lanes // shape[-1])
            unit = replace(self, lanes=lanes, pixels=max(1, lanes // windows // self.channels), units=1)
        pace = max(interval, unit.outputs[0].beats)
        legal = unit.legal_units
        return replace(unit, units=next((n for n in legal if unit.inputs[0].beats <= n * pace), legal[-1]))

    @property
    def legal_units(self) -> tuple[int, ...]:
        """Legal numbers of units per input beat, ascending."""
        columns = self.geometry.image[1]
        return (*divisors(self.chunks), *(self.chunks * pixels for pixels in divisors(columns)[1:]))

    def with_inputs(self, *ports: Port) -> Window:
        return replace(self, units=max(1, ports[0].lanes // self.channels)) if self.chunks == 1 else self

    @cached_property
    def depth(self) -> int:
        """Depth of the line buffer in beats: the smallest with which neither side waits."""
        need, release = self._need_and_release()
        return buffer_depth(need, release, self.inputs[0].beats, self.outputs[0].beats)

    def _need_and_release(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For the windows of each beat, the beats of the frame that must have arrived, and those not needed later."""
        last, unneeded = (
            pixels[self.windows - 1 :: self.windows] * self.chunks
            for pixels in (self.geometry.newest(), self.geometry.oldest()[1:])
        )
        release = unneeded // self.units
        # Beats are released even if no window needs them, so they must have arrived, too.
        return np.maximum(-(-last // self.units), release), release

    @property
    def read_stages(self) -> int:
        """Registers behind the line buffer: 1 where block RAM and what follows take too long together."""
        behind = self._choice_levels + (0 if self.buffer_kind == "distributed" else self.target.block_levels)
        return int(behind > self.target.levels)

    @property
    def _choice_levels(self) -> int:
        """Logic levels from the line buffer's output into the queue: choice of a pixel, fill, queue."""
        return int(self.units > 1) + int(self.geometry.touches_pads and not self.flagged) + 1

    @property
    def logic_levels(self) -> int:
        counters = 1 + self.target.carry_levels(self.depth.bit_length())
        read = buffer_levels(self.inputs[0].width, self.depth, self.target)
        if self.buffer_kind == "block":
            return max(counters, read if self.read_stages else read + self._choice_levels)
        return max(counters, read, self._choice_levels)

    @property
    def latency(self) -> int:
        return 2 + self.read_stages

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, 1)

    def schedule(self) -> Schedule:
        need, release = self._need_and_release()
        before = np.concatenate([[0], release[:-1]])
        middle = [Event(1, (0,), (1,), (1,))] * (self.steps - 2)
        events: list[Event] = []
        for missing, leaving in zip((need - before).tolist(), (release - before).tolist(), strict=True):
            if self.steps == 1:
                events.append(Event(1, (leaving,), (1,), (1,), (missing,)))
            else:
                events.append(Event(1, (0,), (1,), (1,), (missing,)))
                events += middle
                # The window's pixels have been there since its first beat.
                events.append(Event(1, (leaving,), (1,), (1,), (0,)))
        front = Schedule((Event(1, (1,), (1,), (1,)),), 1, (self.depth,), (1,))
        return Schedule(tuple(events), self.latency, (self.queue,), (1,), front)

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        top, left, bottom, right = self.geometry.pads
        margins = ((0, 0), (top, bottom), (left, right), (0, 0))
        image, limits = arrays[0], np.iinfo(arrays[0].dtype)
        if not limits.min <= self.fill <= limits.max:
            image = image.astype(np.promote_types(image.dtype, narrowest(self.fill)))
        padded = np.pad(image, margins, constant_values=self.fill)
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
    def _copies(self) -> int:
        """Pixels that a beat reads in the same cycle, each from its own copy of the line buffer."""
        return self._step_pixels[0] * len(self._touched)

    @property
    def _fill_code(self) -> int:
        return 0 if self.flagged else int(self.type.encode(np.array(self.fill)))

    @property
    def buffer_kind(self) -> MemoryKind:
        """The kind of memory of the line buffer."""
        return buffer_kind(self.inputs[0].width, self.depth, self.target)

    def cost_terms(self) -> CostTerms:
        target, loops, kind = self.target, self._loops, self.buffer_kind
        stored = self.inputs[0].width // (1 if loops.moves else self.units)
        slots = buffer_slots(self.inputs[0].width, self.depth, target)
        # Behind a memory of LUTs there is a register.
        registers = stored * (self.read_stages + (1 if kind == "distributed" else 0))
        memory = buffer_terms(stored, slots, kind, target)
        word = CostTerms(ff={"window.registers": registers})
        return add_terms(
            loops.cost_terms(padded=self.geometry.touches_pads),
            self._window_steps.cost_terms(self.depth, target),
            border_terms(*self._axes, self.read_stages) if self.geometry.touches_pads else CostTerms(),
            tap_terms(loops, self._places, self.inputs[0].width // self.units, self.read_stages, target.lut_inputs),
            add_terms(memory, word).times(self._copies),
            output_queue_terms(self.outputs[0].width, self.queue, target.family),
        )

    @property
    def _step_pixels(self) -> tuple[int, int]:
        """Rows and columns of a window's pixels in a beat."""
        columns = min(self.abreast, self.geometry.kernel[1])
        return self.abreast // columns, columns

    @property
    def _loops(self) -> WindowLoops:
        """The loops of the module, with the distances that it computes."""
        geometry, chunks = self.geometry, self.chunks
        pixel_rows, pixel_columns = self._step_pixels
        steps = geometry.kernel[0] // pixel_rows, geometry.kernel[1] // pixel_columns
        rows, columns = geometry.windows
        width = geometry.image[1]
        pixel, row = chunks * geometry.dilation[1] * pixel_columns, chunks * geometry.dilation[0] * pixel_rows * width
        in_window = (steps[0] - 1) * row + (steps[1] - 1) * pixel + chunks - 1
        in_row = (columns - self.windows) * geometry.stride[1] * chunks
        in_frame = (rows - 1) * geometry.stride[0] * width * chunks + in_row + in_window
        jumps = (
            1,
            pixel - (chunks - 1),
            row - (steps[1] - 1) * pixel - (chunks - 1),
            chunks * self.windows * geometry.stride[1] - in_window,
            chunks * geometry.stride[0] * width - in_row - in_window,
            geometry.image[0] * width * chunks - in_frame,
        )
        extents = (chunks, steps[1], steps[0], columns // self.windows, rows)
        return WindowLoops(extents, jumps, self.units, buffer_slots(self.inputs[0].width, self.depth, self.target))

    @property
    def _touched(self) -> NDArray[np.int64]:
        """The columns that a beat reads, from its first one."""
        across = np.arange(self._step_pixels[1]) * self.geometry.dilation[1]
        return np.unique(np.arange(self.windows)[:, None] * self.geometry.stride[1] + across)

    @property
    def _places(self) -> list[int]:
        """The pixels that the first beat reads, in units of the line buffer."""
        down = np.arange(self._step_pixels[0])[:, None] * self.geometry.dilation[0] - self.geometry.pads[0]
        pixels = down * self.geometry.image[1] + self._touched - self.geometry.pads[1]
        places: list[int] = (pixels.reshape(-1) * self.chunks).tolist()
        return places

    @property
    def _axes(self) -> tuple[WindowAxis, WindowAxis]:
        """Rows and columns, as the module looks at their ends."""
        geometry, taps = self.geometry, self._step_pixels
        windows = (1, self.windows)
        first, second = (
            WindowAxis(
                geometry.image[axis],
                geometry.pads[axis],
                taps[axis] if axis == 0 else len(self._touched),
                int(np.gcd.reduce(self._touched)) or 1 if axis else geometry.dilation[0],
                taps[axis] * geometry.dilation[axis],
                windows[axis] * geometry.stride[axis],
                (geometry.windows[axis] - windows[axis]) * geometry.stride[axis]
                + (geometry.kernel[axis] // taps[axis] - 1) * taps[axis] * geometry.dilation[axis],
            )
            for axis in (0, 1)
        )
        return first, second

    @property
    def _window_steps(self) -> WindowSteps:
        rows, columns = self.geometry.windows
        need, release = self._need_and_release()
        shape = (rows, columns // self.windows)
        return WindowSteps(need.reshape(shape), release.reshape(shape))

    def parameters(self) -> UnitParameters:
        geometry = self.geometry
        return (
            both(Rows=geometry.image[0], Columns=geometry.image[1])
            + both(Part=self.part, Chunks=self.chunks, InputUnits=self.units)
            + both(
                ElementBits=self.type.bits,
                KernelRows=geometry.kernel[0],
                KernelColumns=geometry.kernel[1],
                StrideRows=geometry.stride[0],
                StrideColumns=geometry.stride[1],
                DilationRows=geometry.dilation[0],
                DilationColumns=geometry.dilation[1],
                PadTop=geometry.pads[0],
                PadLeft=geometry.pads[1],
                WindowRows=geometry.windows[0],
                WindowColumns=geometry.windows[1],
            )
            + both(Taps=self.abreast, Windows=self.windows)
            + flags(self.flagged)
            + both(Fill=self._fill_code, Depth=self.depth)
            + rtl_only(Slots=buffer_slots(self.inputs[0].width, self.depth, self.target))
            + self._window_steps.parameters()
            + rtl_only(ReadStages=self.read_stages, QueueDepth=self.queue, MemoryKind=self.buffer_kind)
            + rtl_only(LutInputs=self.target.lut_inputs)
        )

    def hls_tables(self) -> tuple[HlsTable, ...]:
        return self._window_steps.hls_tables()

    def emulator(self) -> EmulatorKernel:
        geometry = self.geometry
        pairs = {
            "image": geometry.image,
            "kernel": geometry.kernel,
            "stride": geometry.stride,
            "dilation": geometry.dilation,
            "pads": geometry.pads[:2],
            "windows": geometry.windows,
        }
        values = {name: np.array(pair, dtype=np.int64) for name, pair in pairs.items()}
        return EmulatorKernel("window", {**values, "fill": self.fill}, outside=self.fill)
