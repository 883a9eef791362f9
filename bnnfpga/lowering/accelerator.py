"""The accelerator under construction: its operators, and the stream that carries each tensor of the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.stream import Frame, Port
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import origin_of
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.transforms.integer_types import (
    integer_type,
)


@dataclass(frozen=True, eq=False)
class StreamedTensor:
    """The stream in the accelerator that carries a tensor of the model.

    Parameters
    ----------
    producer
        The operator whose first output it is; None for the accelerator's input.
    order
        The index in the model's flattened tensor of each element of the stream: streams of images have the channels
        innermost, tensors outermost.
    pads, fill
        Rows and columns around the image that the next window has to add, and their value.
    """

    producer: str | None
    order: IntArray
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: int = 0


class Lowering:
    """The part of a model lowered so far; `merged` are nodes that another node's unit computes.

    Operators that are added are made for `node`, as long as there is one.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.operators: dict[str, Operator] = {}
        self.merged: set[Node] = set()
        self.node: Node | None = None
        self._layers: dict[str, str] = {}
        self._tensors: dict[str, StreamedTensor] = {}
        self._edges: list[tuple[str | None, str, int]] = []
        source = model.input
        self.record(source, StreamedTensor(None, channels_last(self.shape(source))))

    @property
    def tensors(self) -> Mapping[str, StreamedTensor]:
        """The stream of each tensor lowered so far; `record` adds to them."""
        return MappingProxyType(self._tensors)

    def joined(self, last: Sequence[str], frames: Sequence[Frame]) -> Graph:
        """The connected graph, with forks where a stream has several readers; `frames` describe its output streams."""
        graph = Graph()
        for operator in self.operators.values():
            graph.add(operator)
        first = ""
        forks = 0
        for source in dict.fromkeys(producer for producer, _, _ in self._edges):
            readers = [(consumer, port) for producer, consumer, port in self._edges if producer == source]
            place, output = source, 0
            while readers:
                consumer, port = readers.pop(0)
                if readers:
                    fork = Fork(f"{Fork.kind}{forks}", self.operators[consumer].inputs[port])
                    forks += 1
                    graph.add(fork)
                    if place is None:
                        first = fork.name
                    else:
                        graph.connect(place, fork.name, output=output, any_lanes=True)
                    graph.connect(fork.name, consumer, input=port, any_lanes=True)
                    place, output = fork.name, 1
                elif place is None:
                    first = consumer
                else:
                    graph.connect(place, consumer, output=output, input=port, any_lanes=True)
        shape = self.shape(self.model.input)
        graph.set_boundary(first, last, Frame(stream_shape(shape), channels_last(shape)), frames)
        for name, tensor in self._tensors.items():
            if tensor.producer is not None and np.array_equal(tensor.order, channels_last(self.shape(name))):
                graph.tensors.setdefault(tensor.producer, name)
        graph.layers = dict(self._layers)
        return graph

    def shape(self, tensor: str) -> list[int]:
        shape: list[int] = self.model.shape(tensor)
        return shape[1:]

    def tensor_type(self, tensor: str) -> IntegerType:
        type = integer_type(self.model, tensor)
        assert type is not None, tensor
        return type

    def stream_type(self, tensor: StreamedTensor) -> IntegerType:
        return self.type_of(tensor.producer)

    def type_of(self, producer: str | None) -> IntegerType:
        if producer is None:
            return self.tensor_type(self.model.input)
        return self.operators[producer].outputs[0].type

    def port_of(self, producer: str | None, tensor: str) -> Port:
        """The port that sends a tensor: its producer's output, or the accelerator's input if that is None."""
        if producer is None:
            return Port(stream_shape(self.shape(tensor)), self.type_of(None), 1)
        return self.operators[producer].outputs[0]

    def name(self, kind: type[Operator]) -> str:
        return f"{kind.kind}{sum(operator.kind == kind.kind for operator in self.operators.values())}"

    def add(self, operator: Operator, *producers: str | None) -> str:
        self.operators[operator.name] = operator
        if self.node is not None:
            self._layers[operator.name] = origin_of(self.node).name
        self._edges += [(producer, operator.name, port) for port, producer in enumerate(producers)]
        return operator.name

    def read(self, node: Node, index: int = 0) -> StreamedTensor:
        """An operand of a node, in whatever order it is streamed."""
        return self._tensors[node.input[index]]

    def bind(self, node: Node, producer: str | None, order: IntArray | None = None) -> None:
        """Record the operator that produces a node's result, channels last unless `order` says otherwise."""
        result = node.output[0]
        self.record(result, StreamedTensor(producer, channels_last(self.shape(result)) if order is None else order))

    def record(self, tensor: str, stream: StreamedTensor) -> None:
        """Record the stream that carries a tensor."""
        self._check_interval(tensor, stream)
        self._tensors[tensor] = stream

    def _check_interval(self, tensor: str, stream: StreamedTensor) -> None:
        """Assert that a stream's type, with the pads to come, contains the interval that the transforms derived.

        Thresholds and tables are computed for that interval; values outside the stream's type would silently wrap.
        """
        if stream.producer is None and integer_type(self.model, tensor) is None:
            return  # The model's input holds floats: the node that reads it is refused. What units make has a type.
        type, derived = self.stream_type(stream), self.tensor_type(tensor)
        ends = [type.lo, type.hi, *([stream.fill] if any(stream.pads) else [])]
        # Of bits that pass a sum of one pixel, the transforms know the ends, and not that 0 between them never comes.
        if not IntegerType.interval(min(ends), max(ends)).contains(derived):
            source = stream.producer or "the input"
            raise AssertionError(f"{source} makes {type}, but tensor {tensor!r} was found to be {derived}")


def rows_columns(shape: list[int]) -> tuple[int, int]:
    """Rows and columns of a tensor (channels, ...pixels); a one-dimensional signal has one row."""
    return (1, shape[1]) if len(shape) == 2 else (shape[1], shape[2])


def stream_shape(shape: list[int]) -> tuple[int, ...]:
    """The shape of a tensor's stream: (rows, columns, channels), or a vector; `shape` has no batch axis."""
    channels, *pixels = shape or [1]
    return (*([1] if len(pixels) == 1 else []), *pixels, channels)


def channels_last(shape: list[int]) -> IntArray:
    """The index in the flattened tensor (channels, ...) of each element of a stream with channels last."""
    places = np.arange(math.prod(shape)).reshape(shape or [1])
    return np.moveaxis(places, 0, -1).reshape(-1)
