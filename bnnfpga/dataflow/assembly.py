"""Connecting folded units: the width converters and FIFOs that their streams need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bnnfpga.dataflow.connecting import behind, converters
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.fifo import Fifo


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
    """The name of the FIFO in front of an input of a unit with several."""
    return f"{unit.name}_{input}_fifo"


def assemble(graph: Graph, folded: Mapping[str, Operator], fifos: Mapping[str, FifoForm]) -> Graph:
    """Connect folded units as in `graph`, with FIFOs of these names in front of units with several inputs."""
    result = Graph()
    result.tensors, result.layers = dict(graph.tensors), dict(graph.layers)
    for name, operator in folded.items():
        streams = [stream for stream in graph.inputs_of(name) if stream.producer is not None]
        sources = {stream.input: result[str(stream.producer)].outputs[stream.output] for stream in streams}
        unit = behind(operator, sources)
        result.add(unit)
        for stream in streams:
            _join(result, str(stream.producer), stream.output, unit, stream.input, fifos)
    last = [str(stream.producer) for stream in graph.outputs]
    result.set_boundary(str(graph.input.consumer), last, graph.input_frame, graph.output_frames)
    return result


def assembled_fifo(consumer: Operator, input: int, form: FifoForm) -> Fifo:
    """The FIFO in front of an input of a unit with several."""
    fifo = Fifo(fifo_name(consumer, input), consumer.inputs[input], form.depth, target=consumer.target)
    return fifo.refolded(stages=fifo.suited_stages if form.stages is None else form.stages)


def _join(
    graph: Graph, producer: str, output: int, consumer: Operator, input: int, fifos: Mapping[str, FifoForm]
) -> None:
    """Connect two units, with a width converter and a FIFO between them where needed."""
    units: list[Operator] = [*converters(graph[producer].outputs[output], consumer, input)]
    name = fifo_name(consumer, input)
    if name in fifos:
        units.append(assembled_fifo(consumer, input, fifos[name]))
    for unit in units:
        graph.add(unit)
        graph.connect(producer, unit.name, output=output)
        producer, output = unit.name, 0
    graph.connect(producer, consumer.name, output=output, input=input)
