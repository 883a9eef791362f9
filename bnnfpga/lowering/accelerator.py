"""The accelerator while a folded graph is lowered: its operators, and where each tensor of the model is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.stream import Frame, Port
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.transforms.integer_types import (
    integer_type,
)


@dataclass(frozen=True, eq=False)
class StreamedTensor:
    """Where a tensor of the model is in the accelerator.

    Parameters
    ----------
    producer
        The operator whose first output it is; None for the accelerator's input.
    order
        For each element of the stream, its place in the model's flattened tensor: streams of images have their channels
        innermost, tensors outermost.
    pads, fill
        Rows and columns around it that the next window has to make up, and with what.
    """

    producer: str | None
    order: IntArray
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: int = 0


class Lowering:
    """What has been lowered so far; `merged` are nodes that another node's unit does."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.operators: dict[str, Operator] = {}
        self.merged: set[Node] = set()
        self.tensors: dict[str, StreamedTensor] = {}
        self._edges: list[tuple[str | None, str, int]] = []
        source = model.input
        self.tensors[source] = StreamedTensor(None, channels_last(self.shape(source)))

    def joined(self, last: Sequence[str], frames: Sequence[Frame]) -> Graph:
        """The graph, with forks where a stream has several readers; `frames` are what its output streams carry."""
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
        for name, tensor in self.tensors.items():
            if tensor.producer is not None and np.array_equal(tensor.order, channels_last(self.shape(name))):
                graph.tensors.setdefault(tensor.producer, name)
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
        """What makes a tensor, an operator or, where that is None, the outer world."""
        if producer is None:
            return Port(stream_shape(self.shape(tensor)), self.type_of(None), 1)
        return self.operators[producer].outputs[0]

    def name(self, kind: type[Operator]) -> str:
        return f"{kind.kind}{sum(operator.kind == kind.kind for operator in self.operators.values())}"

    def add(self, operator: Operator, *producers: str | None) -> str:
        self.operators[operator.name] = operator
        self._edges += [(producer, operator.name, port) for port, producer in enumerate(producers)]
        return operator.name

    def read(self, node: Node, index: int = 0) -> StreamedTensor:
        """An operand of a node, in the order in which it comes."""
        return self.tensors[node.input[index]]

    def bind(self, node: Node, producer: str, order: IntArray | None = None) -> None:
        """A node's result comes from an operator, with channels last where nothing else is said."""
        result = node.output[0]
        self._check_interval(result, self.operators[producer])
        self.tensors[result] = StreamedTensor(producer, channels_last(self.shape(result)) if order is None else order)

    def _check_interval(self, tensor: str, unit: Operator) -> None:
        """A unit works out for itself what it makes: that must hold all that the transforms count on.

        Their thresholds and tables are made for that interval; a stream without all of it would silently wrap.
        """
        type, derived = unit.outputs[0].type, integer_type(self.model, tensor)
        # Of bits that pass a sum of one pixel, the transforms know the ends, and not that 0 between them never comes.
        if derived is not None and not IntegerType.interval(type.lo, type.hi).contains(derived):
            raise AssertionError(f"{unit.name} makes {type}, but tensor {tensor!r} was found to be {derived}")


def rows_columns(shape: list[int]) -> tuple[int, int]:
    """Rows and columns of a tensor (channels, ...pixels); a signal in time has one row."""
    return (1, shape[1]) if len(shape) == 2 else (shape[1], shape[2])


def stream_shape(shape: list[int]) -> tuple[int, ...]:
    """The stream of a tensor without its batch axis: (rows, columns, channels), or a vector."""
    channels, *pixels = shape or [1]
    return (*([1] if len(pixels) == 1 else []), *pixels, channels)


def channels_last(shape: list[int]) -> IntArray:
    """For each element of a frame's stream, its place in the flattened tensor of shape (channels, ...)."""
    places = np.arange(math.prod(shape)).reshape(shape or [1])
    return np.moveaxis(places, 0, -1).reshape(-1)
