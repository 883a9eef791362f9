"""Connecting folded units: the width converters and FIFOs that their streams need."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.stream import Port, legal_lanes


@dataclass(frozen=True)
class FifoForm:
    """The depth of a FIFO in beats, and its stages (`Fifo`); None for the cheapest of this depth."""

    depth: int
    stages: int | None = 1

    @property
    def least_depth(self) -> int:
        """The smallest depth at which it takes a beat every cycle."""
        return 1 + (self.stages or 1)


def join_fifos(graph: Graph) -> tuple[str, ...]:
    """The names of the FIFOs that a graph may have: one in front of each input of a unit with several."""
    return tuple(fifo_name(unit, input) for unit in graph.operators for input in joined_inputs(unit))


def joined_inputs(unit: Operator) -> range:
    """The inputs of a unit where branches meet again."""
    return range(len(unit.inputs) if len(unit.inputs) > 1 else 0)


def fifo_name(unit: Operator, input: int) -> str:
    """The name of the FIFO in front of an input."""
    return f"{_place(unit, input)}_fifo"


def _place(unit: Operator, input: int) -> str:
    return unit.name if len(unit.inputs) == 1 else f"{unit.name}_{input}"


def assemble(graph: Graph, folded: Mapping[str, Operator], fifos: Mapping[str, FifoForm]) -> Graph:
    """Connect folded units as in `graph`, with FIFOs of these names in front of units with several inputs."""
    result = Graph()
    result.tensors = dict(graph.tensors)
    for name, operator in folded.items():
        streams = [stream for stream in graph.inputs_of(name) if stream.producer is not None]
        ports = [
            _in_legal_lanes(result[str(stream.producer)].outputs[stream.output], operator.inputs[stream.input])
            for stream in streams
        ]
        unit = operator.with_inputs(*ports) if ports else operator
        result.add(unit)
        for stream in streams:
            _join(result, str(stream.producer), stream.output, unit, stream.input, fifos)
    last = [str(stream.producer) for stream in graph.outputs]
    result.set_boundary(str(graph.input.consumer), last, graph.input_frame, graph.output_frames)
    return result


def _in_legal_lanes(source: Port, target: Port) -> Port:
    """The producer's port for `with_inputs`, with fewer lanes if its own are not legal for the consumer's shape."""
    legal = legal_lanes(target.shape)
    if source.lanes in legal:
        return source
    return dataclasses.replace(source, shape=target.shape, lanes=max(lanes for lanes in legal if lanes <= source.lanes))


def _join(
    graph: Graph, producer: str, output: int, consumer: Operator, input: int, fifos: Mapping[str, FifoForm]
) -> None:
    """Connect two units, with a width converter and a FIFO between them where needed."""
    source, target = graph[producer].outputs[output], consumer.inputs[input]
    units: list[Operator] = []
    if source.lanes != target.lanes:
        # The producer's lanes may not be legal for the consumer's shape, as when it reads a vector as an image.
        shape = target.shape if source.lanes in legal_lanes(target.shape) else (target.elements,)
        name = f"{_place(consumer, input)}_converter"
        converter = WidthConverter(name, shape, target.type, source.lanes, target.lanes, target=consumer.target)
        units.extend(converter.for_clock())
    name = fifo_name(consumer, input)
    if name in fifos:
        fifo, stages = Fifo(name, target, fifos[name].depth, target=consumer.target), fifos[name].stages
        units.append(fifo.refolded(stages=fifo.suited_stages if stages is None else stages))
    for unit in units:
        graph.add(unit)
        graph.connect(producer, unit.name, output=output)
        producer, output = unit.name, 0
    graph.connect(producer, consumer.name, output=output, input=input)
