"""The first units of a graph with thresholds, and how their operands derive from the input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.element_function import ElementFunction
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.weighted_sums import WeightedSums
from bnnfpga.numbers.integers import IntArray
from bnnfpga.numbers.threshold_table import ThresholdTable

_MARK = 1 << 40
"""Value of the input's first element while places are traced: larger than any integer that units fill in."""
_GENERATIONS = 2


@dataclass(frozen=True)
class Decider:
    """A unit with thresholds, and the number of such units before it."""

    operator: Operator
    table: ThresholdTable
    generation: int


@dataclass(frozen=True, eq=False)
class Receptive:
    """A layer of dot products each of whose operands depends on one element of the input.

    Parameters
    ----------
    sums
        The dot products.
    table, decider
        The thresholds that the sums are compared with, and the name of the unit that has them.
    places
        int64 (positions, elements of a window): the index in the input's stream, or -1 - index of `fills`.
    fills
        The values of operands that are not elements of the input.
    between
        The elementwise unit between input and layer; None if the operands are the input's codes.
    """

    sums: WeightedSums
    table: ThresholdTable
    decider: str
    places: IntArray
    fills: IntArray
    between: Operator | None

    def operands(self, position: int, channel: int) -> tuple[IntArray, IntArray]:
        """The places of the operands of an output, and their weights."""
        elements, weights = self.sums.operands(channel)
        return self.places[position, elements], weights


class FirstUnits:
    """The units of a graph whose thresholds are tested."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._inputs = {operator.name: graph.inputs_of(operator.name) for operator in graph.operators}
        self._outputs = {operator.name: graph.outputs_of(operator.name) for operator in graph.operators}

    @cached_property
    def deciders(self) -> tuple[Decider, ...]:
        """The first units with thresholds on each path, and the next ones after them."""
        deciders, generations = [], {self._graph.input.name: 0}
        for operator in self._graph.operators:
            generation = max(generations[stream.name] for stream in self._inputs[operator.name])
            table = operator.thresholds
            if table is not None:
                if generation < _GENERATIONS:
                    deciders.append(Decider(operator, table.with_rows(operator.outputs[0].shape[-1]), generation))
                generation += 1
            generations.update((stream.name, generation) for stream in self._outputs[operator.name])
        return tuple(deciders)

    def products(self, *, last_generation: int) -> int:
        """Products per frame for the sums of the deciders up to a generation."""
        return sum(operator.products for operator in self._needed(last_generation))

    def sums(self, codes: IntArray, last_generation: int) -> dict[str, IntArray]:
        """The pre-activations of the deciders up to a generation, (frames, positions, channels), by unit."""
        deciders = {d.operator.name: d for d in self.deciders if d.generation <= last_generation}
        values, by_unit = {self._graph.input.name: codes}, {}
        for operator in self._needed(last_generation):
            operands = [
                values[stream.name].reshape(len(codes), *port.shape)
                for stream, port in zip(self._inputs[operator.name], operator.inputs, strict=True)
            ]
            if (decider := deciders.get(operator.name)) is None:
                results = operator.execute(*operands)
            else:
                preactivations = operator.preactivations(*operands)
                assert preactivations is not None, operator.name
                sums = preactivations.astype(np.int64, copy=False)
                by_unit[operator.name] = sums.reshape(len(codes), -1, operator.outputs[0].shape[-1])
                if decider.generation == last_generation:
                    continue
                results = (decider.table.execute(sums),)
            values.update(
                (s.name, result.astype(np.int64, copy=False))
                for s, result in zip(self._outputs[operator.name], results, strict=True)
            )
        return by_unit

    def _needed(self, last_generation: int) -> Iterator[Operator]:
        """The deciders up to a generation and all operators that they depend on, in order."""
        needed = {d.operator.name for d in self.deciders if d.generation <= last_generation}
        for operator in reversed(self._graph.operators):
            if operator.name in needed:
                needed |= {stream.producer for stream in self._inputs[operator.name] if stream.producer}
        return (operator for operator in self._graph.operators if operator.name in needed)

    @cached_property
    def on_input(self) -> tuple[Operator, ...]:
        """Elementwise units on the elements of the input, at most moved."""
        return tuple(self._traced[0])

    @property
    def functions_on_input(self) -> tuple[ElementFunction, ...]:
        """Their functions."""
        return tuple(unit.element_function for unit in self.on_input if unit.element_function is not None)

    @cached_property
    def receptive(self) -> tuple[Receptive, ...]:
        """Layers of dot products with thresholds whose operands each depend on one element of the input."""
        return tuple(self._traced[1])

    @cached_property
    def _traced(self) -> tuple[list[Operator], list[Receptive]]:
        """Trace the places of the input's elements through the units that only move them."""
        port = self._graph.input.port
        at = {self._graph.input.name: _MARK + np.arange(port.elements)[None]}
        between: dict[str, Operator] = {}
        elementwise: list[Operator] = []
        layers: list[Receptive] = []
        for operator in self._graph.operators:
            streams, results = self._inputs[operator.name], self._outputs[operator.name]
            if not all(stream.name in at for stream in streams):
                continue
            places = [
                at[stream.name].reshape(1, *port.shape) for stream, port in zip(streams, operator.inputs, strict=True)
            ]
            passed = {unit.name: unit for unit in (between.get(stream.name) for stream in streams) if unit is not None}
            same = len({stream.name in between for stream in streams}) == 1 and len(passed) < 2
            if operator.moves and same:
                at.update(
                    (s.name, array.astype(np.int64, copy=False))
                    for s, array in zip(results, operator.execute(*places), strict=True)
                )
                between.update((s.name, unit) for s in results for unit in passed.values())
            elif operator.element_function is not None and not passed:
                elementwise.append(operator)
                at[results[0].name], between[results[0].name] = places[0], operator
            elif (sums := operator.weighted_sums) is not None and (decider := self._decider_of(operator)):
                layers.append(_receptive(sums, decider, places[0], next(iter(passed.values()), None)))
        return elementwise, layers

    def _decider_of(self, operator: Operator) -> Operator | None:
        """The unit that compares the sums with thresholds: the operator itself, or their only consumer."""
        if operator.thresholds is not None:
            return operator
        consumer = self._outputs[operator.name][0].consumer
        reader = self._graph[consumer] if consumer else None
        if reader is None or reader.element_function is None or reader.thresholds is None:
            return None
        return reader if reader.inputs[0].shape == operator.outputs[0].shape else None


def _receptive(sums: WeightedSums, decider: Operator, places: IntArray, between: Operator | None) -> Receptive:
    table = decider.thresholds
    assert table is not None
    places = places.reshape(-1, sums.vector)
    outside: NDArray[np.bool_] = places < _MARK >> 1
    fills, index = np.unique(places[outside], return_inverse=True)
    places = places - _MARK
    places[outside] = -1 - index.reshape(-1)
    table = table.with_rows(decider.outputs[0].shape[-1])
    return Receptive(sums, table, decider.name, places, fills, between)
