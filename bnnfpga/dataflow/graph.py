"""The dataflow graph: operators connected by streams (docs/dataflow.md, section 5)."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnnfpga.base.naming import numbered
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Frame, Port, Stream
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.exact_arrays import Integers, narrowed
from bnnfpga.numbers.integers import IntArray

_CHUNK_ELEMENTS = 1 << 23
"""Input and output elements of an operator per step of `execute`; exceeded only if a single frame has more."""

StreamEnd = tuple[str, int]
"""The name of an operator and the number of one of its ports."""


@dataclass(frozen=True)
class _Index:
    """Derived from operators and connections: the order, all streams, and each operator's streams by port."""

    operators: tuple[Operator, ...]
    streams: tuple[Stream, ...]
    inputs: Mapping[str, tuple[Stream, ...]]
    outputs: Mapping[str, tuple[Stream, ...]]


class Graph:
    """Operators and the streams between them, with one input stream and one or more output streams at the boundary.

    Build it with `add` and `connect`, then read `operators`, `streams`, `input` and `outputs`. `input_frame` and
    `output_frames` are the tensors of the boundary streams. `tensors` maps operators to the model's tensor that their
    first output carries (channels last), if it carries one, and `layers` to the model's node that they are made for.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, str] = {}
        self.layers: dict[str, str] = {}
        self._operators: dict[str, Operator] = {}
        self._consumers: dict[str, dict[int, StreamEnd]] = {}
        self._producers: dict[StreamEnd, StreamEnd] = {}
        self._input: str | None = None
        self._outputs: tuple[str, ...] = ()
        self._input_frame: Frame | None = None
        self._output_frames: tuple[Frame, ...] | None = None

    def add(self, operator: Operator) -> None:
        """Add an operator; its name must be new."""
        if operator.name in self._operators:
            raise ValueError(f"two operators are called {operator.name!r}")
        self._operators[operator.name] = operator
        self._consumers[operator.name] = {}
        self._forget()

    def connect(
        self, producer: str, consumer: str, *, output: int = 0, input: int = 0, any_lanes: bool = False
    ) -> None:
        """Connect an output port to an input port with the same beats; `any_lanes` requires only the same elements.

        Raises
        ------
        ValueError
            If the ports do not match, or one of them is connected already.
        """
        source, target = self[producer].outputs[output], self[consumer].inputs[input]
        if not source.carries(target, any_lanes=any_lanes):
            raise ValueError(f"{producer} sends {source}, but {consumer} expects {target}")
        if output in self._consumers[producer] or (consumer, input) in self._producers:
            raise ValueError(f"output {output} of {producer} or input {input} of {consumer} has a stream already")
        self._consumers[producer][output] = (consumer, input)
        self._producers[consumer, input] = (producer, output)
        self._forget()

    def set_boundary(
        self,
        first: str,
        last: Sequence[str],
        input_frame: Frame | None = None,
        output_frames: Sequence[Frame] | None = None,
    ) -> None:
        """Make an operator's first input, and the first outputs of others, the accelerator's input and outputs.

        `input_frame` and `output_frames` are the tensors streamed there, by default those of the operators' ports.
        """
        self._input, self._outputs = first, tuple(last)
        self._input_frame, self._output_frames = input_frame, None if output_frames is None else tuple(output_frames)
        ports = [self[first].inputs[0], *(self[name].outputs[0] for name in last)]
        for frame, port in zip((self.input_frame, *self.output_frames), ports, strict=True):
            if math.prod(frame.shape) != port.elements:
                raise ValueError(f"a frame of shape {frame.shape} does not have the {port.elements} elements of a port")
        self._forget()

    def built_for(self, target: Target) -> Graph:
        """A copy whose operators aim at another FPGA family or clock."""
        return self.changed(lambda operator: operator.built_for(target))

    def changed(self, change: Callable[[Operator], Operator]) -> Graph:
        """A copy with other operators in the places of these; they have the same ports."""
        result = copy(self)
        result._operators = {name: change(unit) for name, unit in self._operators.items()}
        result._consumers = {name: dict(ends) for name, ends in self._consumers.items()}
        result._producers = dict(self._producers)
        result.tensors, result.layers = dict(self.tensors), dict(self.layers)
        result._forget()
        return result

    def _forget(self) -> None:
        """Drop what was derived from operators and streams; it is computed again on demand."""
        self.__dict__.pop("_index", None)

    def __getitem__(self, name: str) -> Operator:
        return self._operators[name]

    @cached_property
    def _index(self) -> _Index:
        operators = self._ordered()
        streams = [self.input]
        for operator in operators:
            ports = operator.outputs
            for output, (consumer, input) in sorted(self._consumers[operator.name].items()):
                several = f"_{input}" if len(self[consumer].inputs) > 1 else ""
                name = f"{operator.name}_to_{consumer}{several}"
                streams.append(Stream(name, ports[output], operator.name, consumer, output, input))
        streams += self.outputs
        inputs: dict[str, list[Stream]] = {name: [] for name in self._operators}
        outputs: dict[str, list[Stream]] = {name: [] for name in self._operators}
        for stream in streams:
            if stream.consumer is not None:
                inputs[stream.consumer].append(stream)
            if stream.producer is not None:
                outputs[stream.producer].append(stream)
        return _Index(
            operators,
            tuple(streams),
            {name: tuple(sorted(group, key=lambda stream: stream.input)) for name, group in inputs.items()},
            {name: tuple(sorted(group, key=lambda stream: stream.output)) for name, group in outputs.items()},
        )

    def _ordered(self) -> tuple[Operator, ...]:
        names = list(self._operators)
        place = {name: index for index, name in enumerate(names)}
        missing = dict.fromkeys(names, 0)
        for consumer, _ in self._producers:
            missing[consumer] += 1
        ready = [place[name] for name in names if not missing[name]]
        order: list[Operator] = []
        while ready:
            name = names[heapq.heappop(ready)]
            order.append(self._operators[name])
            for consumer, _ in self._consumers[name].values():
                missing[consumer] -= 1
                if not missing[consumer]:
                    heapq.heappush(ready, place[consumer])
        if len(order) < len(names):
            raise ValueError(f"{', '.join(name for name in names if missing[name])} form a cycle or depend on one")
        return tuple(order)

    @property
    def operators(self) -> tuple[Operator, ...]:
        """All operators in topological order (ties in the order in which they were added)."""
        return self._index.operators

    @property
    def streams(self) -> tuple[Stream, ...]:
        """All streams: the input, those between operators in topological order of their producers, the outputs."""
        return self._index.streams

    @property
    def input(self) -> Stream:
        assert self._input is not None
        port = self[self._input].inputs[0]
        return Stream("input", port, None, self._input, boundary_shape=self.input_frame.shape)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The output streams, in the order of the model's outputs."""
        names = numbered("output", len(self._outputs))
        return tuple(
            Stream(name, self[last].outputs[0], last, None, boundary_shape=frame.shape)
            for name, last, frame in zip(names, self._outputs, self.output_frames, strict=True)
        )

    @property
    def input_frame(self) -> Frame:
        """The tensor of the input stream."""
        assert self._input is not None
        return self._input_frame or Frame.of(self[self._input].inputs[0])

    @property
    def output_frames(self) -> tuple[Frame, ...]:
        """The tensor of each output stream."""
        return self._output_frames or tuple(Frame.of(self[last].outputs[0]) for last in self._outputs)

    @property
    def slowest(self) -> Operator:
        """The operator whose estimated clock is the lowest."""
        return min(self.operators, key=lambda operator: operator.estimated_mhz)

    @property
    def products(self) -> int:
        """Products of a weight and an element per frame, over all operators."""
        return sum(operator.products for operator in self.operators)

    def inputs_of(self, name: str) -> tuple[Stream, ...]:
        """The input streams of an operator, by port."""
        return self._index.inputs[name]

    def outputs_of(self, name: str) -> tuple[Stream, ...]:
        """The output streams of an operator, by port."""
        return self._index.outputs[name]

    def execute(self, x: IntArray, streams: Collection[str] | None = None) -> dict[str, IntArray]:
        """Run the operators' numpy definitions, some frames at a time; streams are kept until their last reader.

        Parameters
        ----------
        x
            int64 (frames, ...), the elements of each frame in the order of the stream.
        streams
            Names of the streams to return; None for the outputs only. Operators that none of them needs do not run.

        Returns
        -------
        dict
            The integers of each stream, int64 (frames, *shape), by name.

        Raises
        ------
        ValueError
            If a name is not that of a stream.
        """
        shapes = {stream.name: stream.shape for stream in self.streams}
        requested = [stream.name for stream in self.outputs] if streams is None else list(streams)
        for name in requested:
            if name not in shapes:
                raise ValueError(f"no stream is called {name!r}; there are {', '.join(shapes)}")
        results = {name: np.empty((len(x), *shapes[name]), np.int64) for name in requested}
        steps, chunk = self._steps(requested), self._chunk()
        for first in range(0, len(x), chunk):
            part = slice(first, first + chunk)
            self._execute(steps, x[part], {name: result[part] for name, result in results.items()})
        return results

    def _execute(self, steps: list[Operator], x: IntArray, results: Mapping[str, IntArray]) -> None:
        """Run the steps on some frames and fill in `results`."""
        values: dict[str, Integers] = {}
        read = {stream.name for operator in steps for stream in self.inputs_of(operator.name)}

        def keep(stream: Stream, value: Integers) -> None:
            if stream.name in read:
                values[stream.name] = value
            if stream.name in results:
                results[stream.name][...] = value.reshape(len(x), *stream.shape)

        keep(self.input, narrowed(x, self.input.port.type))
        for operator in steps:
            # Both ends of a stream agree on the order of its elements, not on their axes. A stream has one reader.
            operands = [
                values.pop(stream.name).reshape(len(x), *port.shape)
                for stream, port in zip(self.inputs_of(operator.name), operator.inputs, strict=True)
            ]
            for stream, result in zip(self.outputs_of(operator.name), operator.execute(*operands), strict=True):
                keep(stream, result)

    def _steps(self, requested: Collection[str]) -> list[Operator]:
        """The operators needed for some streams, in order."""
        needed = set(requested)
        steps = []
        for operator in reversed(self.operators):
            if any(stream.name in needed for stream in self.outputs_of(operator.name)):
                steps.append(operator)
                needed.update(stream.name for stream in self.inputs_of(operator.name))
        return steps[::-1]

    def _chunk(self) -> int:
        """Frames per step of `execute`."""
        elements = (sum(port.elements for port in (*operator.inputs, *operator.outputs)) for operator in self.operators)
        return max(1, _CHUNK_ELEMENTS // max(elements))


__all__ = ["Graph", "Port", "Stream"]
