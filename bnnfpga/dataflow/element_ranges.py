"""The smallest and the largest value of each element of a stream, and inputs of units that never change.

A channel whose thresholds no sum can reach, or every sum reaches, is the same in all frames. The units behind it are
told; those whose weights are all in their logic then have no cells for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Port
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable


@dataclass(frozen=True, eq=False)
class Ranges:
    """The ends of the interval of each element of a frame, int64 (1, *shape).

    An element outside the image has the integer that stands for that (`Port.pads`).
    """

    lo: IntArray
    hi: IntArray

    @classmethod
    def of_port(cls, port: Port) -> Ranges:
        """What the element type alone says."""
        shape = (1, *port.shape)
        return cls(np.full(shape, port.type.lo, np.int64), np.full(shape, port.type.hi, np.int64))

    @classmethod
    def spanning(cls, arrays: Sequence[NDArray[np.generic]]) -> Ranges:
        """The smallest ranges with all of these frames."""
        frames = np.stack(arrays).astype(np.int64)
        return cls(frames.min(axis=0), frames.max(axis=0))

    def reshaped(self, *shape: int) -> Ranges:
        return Ranges(self.lo.reshape(shape), self.hi.reshape(shape))


def with_constant_inputs(graph: Graph) -> Graph:
    """The graph with units that know which inputs of their dot products are the same for all vectors and frames.

    `graph` has neither converters nor FIFOs yet.
    """
    if not any(map(_makes_constants, graph.operators)):
        return graph
    constants = {}
    for operator, ranges in _input_ranges(graph):
        if operator.weighted_sums is not None:
            constants[operator.name] = constant_inputs(
                ranges[0], operator.weighted_sums.vector, operator.inputs[0].type
            )
    return graph.changed(
        lambda operator: operator.with_constants(constants[operator.name]) if constants.get(operator.name) else operator
    )


def constant_inputs(ranges: Ranges, vector: int, type: IntegerType) -> tuple[tuple[int, int], ...]:
    """The elements of all vectors of a frame, by their place in a vector, that have but one value; and that value.

    Elements outside the image do not count where flags tell them apart.
    """
    of_vectors = ranges.reshaped(-1, vector)
    inside = type.holds(of_vectors.lo)
    lowest = np.where(inside, of_vectors.lo, type.hi).min(axis=0)
    highest = np.where(inside, of_vectors.hi, type.lo).max(axis=0)
    return tuple((int(place), int(lowest[place])) for place in np.flatnonzero(lowest == highest))


def _makes_constants(operator: Operator) -> bool:
    """Whether a channel of a unit with thresholds is constant, by the type of its inputs alone."""
    if operator.thresholds is None:
        return False
    port = operator.inputs[0]
    vector = port.shape[-1] if operator.weighted_sums is None else operator.weighted_sums.vector
    one = Ranges.of_port(Port((vector,), port.type, 1))
    ranges = _of_thresholds(operator.thresholds, one if operator.weighted_sums is None else _of_sums(operator, one))
    return bool(np.any(ranges.lo == ranges.hi))


def _input_ranges(graph: Graph) -> Iterator[tuple[Operator, list[Ranges]]]:
    """Each unit with the ranges of its inputs, in topological order; those that were read are not kept."""
    sent: dict[tuple[str | None, int], Ranges] = {(None, 0): Ranges.of_port(graph.input.port)}
    for operator in graph.operators:
        streams = graph.inputs_of(operator.name)
        ranges = [
            sent.pop((stream.producer, stream.output)).reshaped(1, *port.shape)
            for stream, port in zip(streams, operator.inputs, strict=True)
        ]
        yield operator, ranges
        sent |= {(operator.name, output): own for output, own in enumerate(_output_ranges(operator, ranges))}


def _output_ranges(operator: Operator, ranges: Sequence[Ranges]) -> list[Ranges]:
    ports = operator.outputs
    if operator.weighted_sums is not None:
        sums = _of_sums(operator, ranges[0].reshaped(-1, operator.weighted_sums.vector))
        results = sums if operator.thresholds is None else _of_thresholds(operator.thresholds, sums)
        return [results.reshaped(1, *ports[0].shape)]
    if not operator.moves and not operator.is_monotone:
        return [Ranges.of_port(port) for port in ports]
    # The extremes lie where each input is at one of its ends.
    corners = [operator.execute(*ends) for ends in product(*((own.lo, own.hi) for own in ranges))]
    return [Ranges.spanning(arrays) for arrays in zip(*corners, strict=True)]


def _of_sums(operator: Operator, vectors: Ranges) -> Ranges:
    """Of the dot products of vectors, (n, elements): (n, outputs)."""
    sums = operator.weighted_sums
    assert sums is not None
    lo, hi = vectors.lo.astype(np.float64), vectors.hi.astype(np.float64)
    rising, falling = np.maximum(sums.weights, 0).astype(np.float64), np.minimum(sums.weights, 0).astype(np.float64)

    def added(up: NDArray[np.float64], down: NDArray[np.float64]) -> IntArray:
        # Exact: sums have at most 53 bits.
        if not sums.is_depthwise:
            result = up @ rising.T + down @ falling.T
        else:
            shape = (-1, *sums.weights.shape)
            result = (up.reshape(shape) * rising + down.reshape(shape) * falling).sum(axis=1)
        return np.asarray(result, dtype=np.int64)

    return Ranges(added(lo, hi), added(hi, lo))


def _of_thresholds(table: ThresholdTable, ranges: Ranges) -> Ranges:
    """Of a table's results, which rise or fall with their input in each channel."""
    return Ranges.spanning([table.execute(ranges.lo), table.execute(ranges.hi)])
