"""The dataflow graph: operators joined by streams (docs/dataflow.md, section 5)."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bnnfpga.base.naming import numbered
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Frame, Port, Stream
from bnnfpga.numbers.exact_arrays import Integers, narrowed
from bnnfpga.numbers.integers import IntArray

_CHUNK_ELEMENTS = 1 << 23
"""What an operator takes and makes at once in `execute`; more only where a single frame has more."""

StreamEnd = tuple[str, int]
"""An operator and the number of one of its ports."""


@dataclass(frozen=True)
class _Index:
    """What follows from operators and connections: the order, the streams, and those of each operator by port."""

    operators: tuple[Operator, ...]
    streams: tuple[Stream, ...]
    inputs: Mapping[str, tuple[Stream, ...]]
    outputs: Mapping[str, tuple[Stream, ...]]


class Graph:
    """Operators and the streams between them, one input stream and one or more output streams at the boundary.

    Build it with `add` and `connect`, then read `operators`, `streams`, `input` and `outputs`. `input_frame` and
    `output_frames` are the tensors of the boundary's streams. `tensors` says of operators which tensor of the model
    their first output is, channels last, where it is one.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, str] = {}
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
        """Join an output port to an input port that takes the same beats, or, unfolded, the same elements.

        Raises
        ------
        ValueError
            If they do not fit, or one of them has a stream already.
        """
        source, target = self[producer].outputs[output], self[consumer].inputs[input]
        if not source.carries(target, any_lanes=any_lanes):
            raise ValueError(f"{producer} makes {source}, but {consumer} takes {target}")
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
        """Name the operators whose first input and whose first outputs are the accelerator's.

        `input_frame` and `output_frames` say which tensors stream there; without them, those of the operators' ports.
        """
        self._input, self._outputs = first, tuple(last)
        self._input_frame, self._output_frames = input_frame, None if output_frames is None else tuple(output_frames)
        ports = [self[first].inputs[0], *(self[name].outputs[0] for name in last)]
        for frame, port in zip((self.input_frame, *self.output_frames), ports, strict=True):
            if math.prod(frame.shape) != port.elements:
                raise ValueError(f"a frame of shape {frame.shape} does not have the {port.elements} elements of a port")
        self._forget()

    def _forget(self) -> None:
        """What follows from operators and streams is worked out again when it is asked for."""
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
            {name: tuple(sorted(found, key=lambda stream: stream.input)) for name, found in inputs.items()},
            {name: tuple(sorted(found, key=lambda stream: stream.output)) for name, found in outputs.items()},
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
            raise ValueError(f"{', '.join(name for name in names if missing[name])} form a cycle or stand behind one")
        return tuple(order)

    @property
    def operators(self) -> tuple[Operator, ...]:
        """In topological order (ties in the order of adding)."""
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
        """In the order of the model's outputs."""
        names = numbered("output", len(self._outputs))
        return tuple(
            Stream(name, self[last].outputs[0], last, None, boundary_shape=frame.shape)
            for name, last, frame in zip(names, self._outputs, self.output_frames, strict=True)
        )

    @property
    def input_frame(self) -> Frame:
        """What the input stream carries."""
        assert self._input is not None
        return self._input_frame or Frame.of(self[self._input].inputs[0])

    @property
    def output_frames(self) -> tuple[Frame, ...]:
        """What each output stream carries."""
        return self._output_frames or tuple(Frame.of(self[last].outputs[0]) for last in self._outputs)

    @property
    def products(self) -> int:
        """Products of a weight and an element that a frame takes altogether."""
        return sum(operator.products for operator in self.operators)

    def inputs_of(self, name: str) -> tuple[Stream, ...]:
        """The streams into an operator, by port."""
        return self._index.inputs[name]

    def outputs_of(self, name: str) -> tuple[Stream, ...]:
        """The streams out of an operator, by port."""
        return self._index.outputs[name]

    def execute(self, x: IntArray, streams: Collection[str] | None = None) -> dict[str, IntArray]:
        """Run the numpy meaning of the operators, some frames at a time; streams are kept until their last reader.

        Parameters
        ----------
        x
            int64 (frames, ...), the elements of each frame in the order of the stream.
        streams
            Names of those wanted; None for the outputs alone. What none of them needs is not run.

        Returns
        -------
        dict
            The integers of each, int64 (frames, *shape), by stream name.

        Raises
        ------
        ValueError
            If no stream has one of the names.
        """
        shapes = {stream.name: stream.shape for stream in self.streams}
        wanted = [stream.name for stream in self.outputs] if streams is None else list(streams)
        for name in wanted:
            if name not in shapes:
                raise ValueError(f"no stream is called {name!r}; there are {', '.join(shapes)}")
        results = {name: np.empty((len(x), *shapes[name]), np.int64) for name in wanted}
        steps, chunk = self._steps(wanted), self._chunk()
        for first in range(0, len(x), chunk):
            part = slice(first, first + chunk)
            self._execute(steps, x[part], {name: result[part] for name, result in results.items()})
        return results

    def _execute(self, steps: list[Operator], x: IntArray, results: Mapping[str, IntArray]) -> None:
        """Fill `results` with what the steps give for some frames."""
        values: dict[str, Integers] = {}
        read = {stream.name for operator in steps for stream in self.inputs_of(operator.name)}

        def keep(stream: Stream, value: Integers) -> None:
            if stream.name in read:
                values[stream.name] = value
            if stream.name in results:
                results[stream.name][...] = value.reshape(len(x), *stream.shape)

        keep(self.input, narrowed(x, self.input.port.type))
        for operator in steps:
            # Both sides of a stream agree on the order of its elements, not on their axes. It has one reader.
            operands = [
                values.pop(stream.name).reshape(len(x), *port.shape)
                for stream, port in zip(self.inputs_of(operator.name), operator.inputs, strict=True)
            ]
            for stream, result in zip(self.outputs_of(operator.name), operator.execute(*operands), strict=True):
                keep(stream, result)

    def _steps(self, wanted: Collection[str]) -> list[Operator]:
        """The operators that are needed for some streams, in order."""
        needed = set(wanted)
        steps = []
        for operator in reversed(self.operators):
            if any(stream.name in needed for stream in self.outputs_of(operator.name)):
                steps.append(operator)
                needed.update(stream.name for stream in self.inputs_of(operator.name))
        return steps[::-1]

    def _chunk(self) -> int:
        """Frames that are worked on at once."""
        elements = (sum(port.elements for port in (*operator.inputs, *operator.outputs)) for operator in self.operators)
        return max(1, _CHUNK_ELEMENTS // max(elements))


__all__ = ["Graph", "Port", "Stream"]
