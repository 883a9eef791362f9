"""The first units of a graph that decide something, and how their operands come from the input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.crop import Crop
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.thresholds import ThresholdTable
from bnnfpga.numbers.integers import IntArray

DotProducts = MatrixVector | VectorVector
_MOVING = (Concat, Crop, Fifo, Fork, Select, Upsample, WidthConverter, Window)
"""What hands on elements as they are."""
_MARK = 1 << 40
"""The first element of the input while places are traced: no unit fills in integers as large."""
_GENERATIONS = 2


@dataclass(frozen=True)
class Decider:
    """A unit with thresholds, and how many of its kind are in front of it."""

    operator: Operator
    table: ThresholdTable
    generation: int


@dataclass(frozen=True, eq=False)
class Receptive:
    """A layer of dot products whose operands are elements of the input, each by itself.

    Parameters
    ----------
    operator
        The unit.
    table, decider
        The thresholds that its sums come to, and the unit that has them.
    places
        int64 (positions, elements of a window): the element of the input's stream, or -1 - one of `fills`.
    fills
        What stands where no element of the input does.
    between
        The elementwise unit that the elements pass; None where they are the input's codes.
    """

    operator: DotProducts
    table: ThresholdTable
    decider: str
    places: IntArray
    fills: IntArray
    between: Lookup | Threshold | None

    def operands(self, position: int, channel: int) -> tuple[IntArray, IntArray]:
        """The places of an output's operands, and their weights."""
        places, weights = self.places[position], self.operator.weights
        if isinstance(self.operator, MatrixVector):
            return places, weights[channel]
        return places.reshape(weights.shape)[:, channel], weights[:, channel]


class FirstUnits:
    """What is looked at in a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._inputs = {operator.name: graph.inputs_of(operator.name) for operator in graph.operators}
        self._outputs = {operator.name: graph.outputs_of(operator.name) for operator in graph.operators}

    @cached_property
    def deciders(self) -> tuple[Decider, ...]:
        """The first units with thresholds on each way, and those right behind them."""
        found, generations = [], {self._graph.input.name: 0}
        for operator in self._graph.operators:
            generation = max(generations[stream.name] for stream in self._inputs[operator.name])
            table = _table_of(operator)
            if table is not None:
                if generation < _GENERATIONS:
                    found.append(Decider(operator, table.with_rows(operator.outputs[0].shape[-1]), generation))
                generation += 1
            generations.update((stream.name, generation) for stream in self._outputs[operator.name])
        return tuple(found)

    def products(self, *, last_generation: int) -> int:
        """Products that the sums of the deciders up to a generation take a frame."""
        return sum(operator.products for operator in self._needed(last_generation))

    def sums(self, codes: IntArray, last_generation: int) -> dict[str, IntArray]:
        """What the deciders up to a generation decide from, (frames, positions, channels), by unit."""
        deciders = {d.operator.name: d for d in self.deciders if d.generation <= last_generation}
        values, found = {self._graph.input.name: codes}, {}
        for operator in self._needed(last_generation):
            taken = [
                values[stream.name].reshape(len(codes), *port.shape)
                for stream, port in zip(self._inputs[operator.name], operator.inputs, strict=True)
            ]
            if (decider := deciders.get(operator.name)) is None:
                results = operator.execute(*taken)
            else:
                (sums,) = taken if isinstance(operator, Threshold) else _without_table(operator).execute(*taken)
                sums = sums.astype(np.int64, copy=False)
                found[operator.name] = sums.reshape(len(codes), -1, operator.outputs[0].shape[-1])
                if decider.generation == last_generation:
                    continue
                results = (decider.table.execute(sums),)
            values.update(
                (s.name, result.astype(np.int64, copy=False))
                for s, result in zip(self._outputs[operator.name], results, strict=True)
            )
        return found

    def _needed(self, last_generation: int) -> Iterator[Operator]:
        """The operators that the deciders up to a generation need, themselves included, in order."""
        needed = {d.operator.name for d in self.deciders if d.generation <= last_generation}
        for operator in reversed(self._graph.operators):
            if operator.name in needed:
                needed |= {stream.producer for stream in self._inputs[operator.name] if stream.producer}
        return (operator for operator in self._graph.operators if operator.name in needed)

    @cached_property
    def on_input(self) -> tuple[Lookup | Threshold, ...]:
        """Elementwise units whose elements are those of the input, moved at most."""
        return tuple(self._traced[0])

    @cached_property
    def receptive(self) -> tuple[Receptive, ...]:
        """Layers of dot products with thresholds whose operands are elements of the input."""
        return tuple(self._traced[1])

    @cached_property
    def _traced(self) -> tuple[list[Lookup | Threshold], list[Receptive]]:
        """Follow the places of the input's elements through the units that hand them on."""
        port = self._graph.input.port
        at = {self._graph.input.name: _MARK + np.arange(port.elements)[None]}
        between: dict[str, Lookup | Threshold] = {}
        elementwise: list[Lookup | Threshold] = []
        layers: list[Receptive] = []
        for operator in self._graph.operators:
            streams, made = self._inputs[operator.name], self._outputs[operator.name]
            if not all(stream.name in at for stream in streams):
                continue
            places = [
                at[stream.name].reshape(1, *port.shape) for stream, port in zip(streams, operator.inputs, strict=True)
            ]
            passed = {unit.name: unit for unit in (between.get(stream.name) for stream in streams) if unit is not None}
            same = len({stream.name in between for stream in streams}) == 1 and len(passed) < 2
            if isinstance(operator, _MOVING) and same:
                at.update(
                    (s.name, array.astype(np.int64, copy=False))
                    for s, array in zip(made, operator.execute(*places), strict=True)
                )
                between.update((s.name, unit) for s in made for unit in passed.values())
            elif isinstance(operator, Lookup | Threshold) and not passed:
                elementwise.append(operator)
                at[made[0].name], between[made[0].name] = places[0], operator
            elif isinstance(operator, MatrixVector | VectorVector) and (decider := self._decider_of(operator)):
                layers.append(_receptive(operator, decider, places[0], next(iter(passed.values()), None)))
        return elementwise, layers

    def _decider_of(self, operator: DotProducts) -> Operator | None:
        """What compares the sums with thresholds: the unit itself, or a unit that is their only reader."""
        if operator.table is not None:
            return operator
        consumer = self._outputs[operator.name][0].consumer
        reader = self._graph[consumer] if consumer else None
        return reader if isinstance(reader, Threshold) and reader.shape == operator.outputs[0].shape else None


def _table_of(operator: Operator) -> ThresholdTable | None:
    return operator.table if isinstance(operator, MatrixVector | VectorVector | Threshold) else None


def _without_table(operator: Operator) -> Operator:
    assert isinstance(operator, MatrixVector | VectorVector)
    return replace(operator, table=None)


def _receptive(
    operator: DotProducts, decider: Operator, places: IntArray, between: Lookup | Threshold | None
) -> Receptive:
    table = _table_of(decider)
    assert table is not None
    width = operator.weights.size if isinstance(operator, VectorVector) else operator.weights.shape[1]
    places = places.reshape(-1, width)
    outside: NDArray[np.bool_] = places < _MARK >> 1
    fills, index = np.unique(places[outside], return_inverse=True)
    places = places - _MARK
    places[outside] = -1 - index.reshape(-1)
    table = table.with_rows(operator.outputs[0].shape[-1])
    return Receptive(operator, table, decider.name, places, fills, between)
