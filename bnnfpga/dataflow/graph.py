"""The dataflow graph: operators joined by streams (docs/dataflow.md, section 5)."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property

import networkx as nx

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Frame, Port, Stream
from bnnfpga.integers import IntArray


class Graph:
    """Operators and the streams between them, one input and one output stream at the boundary.

    Build it with `add` and `connect`, then read `operators`, `streams`, `input` and `output`. `given` and `made` are
    the tensors of both boundary streams. `tensors` says of operators which tensor of the model their first output is,
    channels last, where it is one.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, str] = {}
        self._graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self._input: tuple[str, int] | None = None
        self._output: tuple[str, int] | None = None
        self._frames: tuple[Frame | None, Frame | None] = (None, None)

    def add(self, operator: Operator) -> None:
        """Add an operator; its name must be new."""
        if operator.name in self._graph:
            raise ValueError(f"two operators are called {operator.name!r}")
        self._graph.add_node(operator.name, operator=operator)
        self._forget()

    def connect(
        self, producer: str, consumer: str, *, output: int = 0, input: int = 0, any_lanes: bool = False
    ) -> None:
        """Join an output port to an input port that takes the same beats, or, unfolded, the same elements."""
        made, taken = self[producer].outputs[output], self[consumer].inputs[input]
        if not made.carries(replace(taken, lanes=made.lanes) if any_lanes else taken):
            raise ValueError(f"{producer} makes {made}, but {consumer} takes {taken}")
        self._graph.add_edge(producer, consumer, output=output, input=input)
        self._forget()

    def set_boundary(self, first: str, last: str, given: Frame | None = None, made: Frame | None = None) -> None:
        """Name the operators whose first input and first output are the accelerator's.

        `given` and `made` say which tensors stream there; without them, those of the operators' ports.
        """
        self._input, self._output = (first, 0), (last, 0)
        self._frames = (given, made)
        for frame, port in ((given, self[first].inputs[0]), (made, self[last].outputs[0])):
            if frame is not None and math.prod(frame.shape) != port.elements:
                raise ValueError(f"a frame of shape {frame.shape} does not have the {port.elements} elements of a port")
        self._forget()

    def _forget(self) -> None:
        """What follows from operators and streams is worked out again when it is asked for."""
        for name in ("operators", "streams"):
            self.__dict__.pop(name, None)

    def __getitem__(self, name: str) -> Operator:
        operator: Operator = self._graph.nodes[name]["operator"]
        return operator

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """In topological order (ties in the order of adding)."""
        order = {name: index for index, name in enumerate(self._graph.nodes)}
        return tuple(self[name] for name in nx.lexicographical_topological_sort(self._graph, key=order.__getitem__))

    @cached_property
    def streams(self) -> tuple[Stream, ...]:
        """All streams: the input, those between operators in topological order of their producers, the output."""
        streams = [self.input]
        for operator in self.operators:
            edges = sorted(self._graph.out_edges(operator.name, data=True), key=lambda edge: int(edge[2]["output"]))
            for producer, consumer, ports in edges:
                output, input = ports["output"], ports["input"]
                several = f"_{input}" if len(self[consumer].inputs) > 1 else ""
                name = f"{producer}_to_{consumer}{several}"
                streams.append(Stream(name, operator.outputs[output], producer, consumer, output, input))
        return (*streams, self.output)

    @property
    def input(self) -> Stream:
        assert self._input is not None
        port = self[self._input[0]].inputs[self._input[1]]
        return Stream("input", port, None, self._input[0], boundary_shape=self.given.shape)

    @property
    def output(self) -> Stream:
        assert self._output is not None
        port = self[self._output[0]].outputs[self._output[1]]
        return Stream("output", port, self._output[0], None, boundary_shape=self.made.shape)

    @property
    def given(self) -> Frame:
        """What the input stream carries."""
        assert self._input is not None
        return self._frames[0] or Frame.of(self[self._input[0]].inputs[self._input[1]])

    @property
    def made(self) -> Frame:
        """What the output stream carries."""
        assert self._output is not None
        return self._frames[1] or Frame.of(self[self._output[0]].outputs[self._output[1]])

    def inputs_of(self, name: str) -> list[Stream]:
        """The streams into an operator, by port."""
        return sorted((stream for stream in self.streams if stream.consumer == name), key=lambda stream: stream.input)

    def outputs_of(self, name: str) -> list[Stream]:
        """The streams out of an operator, by port."""
        return sorted((stream for stream in self.streams if stream.producer == name), key=lambda stream: stream.output)

    def execute(self, x: IntArray) -> dict[str, IntArray]:
        """Run the numpy meaning of every operator.

        Parameters
        ----------
        x
            int64 (frames, ...), the elements of each frame in the order of the stream.

        Returns
        -------
        dict
            Each stream's integers, (frames, *shape), by stream name.
        """
        values = {self.input.name: x.reshape(len(x), *self.input.shape)}
        for operator in self.operators:
            # Both sides of a stream agree on the order of its elements, not on their axes.
            taken = [
                values[stream.name].reshape(len(x), *port.shape)
                for stream, port in zip(self.inputs_of(operator.name), operator.inputs, strict=True)
            ]
            results = operator.execute(*taken)
            for stream, result in zip(self.outputs_of(operator.name), results, strict=True):
                values[stream.name] = result.reshape(len(x), *stream.shape)
        return values


__all__ = ["Graph", "Port", "Stream"]
