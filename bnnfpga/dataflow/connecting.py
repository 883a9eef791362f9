"""What stands between a producer and its consumer: how the one adapts to the other, and what converts lanes."""

from __future__ import annotations

from dataclasses import replace

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.stream import Port, legal_lanes


def behind(unit: Operator, sources: dict[int, Port]) -> Operator:
    """A unit adapted to its producers: `sources` has their output ports, by the number of the unit's input."""
    ports = [_in_legal_lanes(port, unit.inputs[input]) for input, port in sources.items()]
    return unit.with_inputs(*ports) if ports else unit


def _in_legal_lanes(source: Port, target: Port) -> Port:
    """The producer's port for `with_inputs`, with fewer lanes if its own are not legal for the consumer's shape."""
    legal = legal_lanes(target.shape)
    if source.lanes in legal:
        return source
    return replace(source, shape=target.shape, lanes=max(lanes for lanes in legal if lanes <= source.lanes))


def converters(source: Port, consumer: Operator, input: int) -> tuple[WidthConverter, ...]:
    """The width converters between a producer's port and an input of its consumer, in order; none for equal lanes."""
    target = consumer.inputs[input]
    if source.lanes == target.lanes:
        return ()
    # The producer's lanes may not be legal for the consumer's shape, as when it reads a vector as an image.
    shape = target.shape if source.lanes in legal_lanes(target.shape) else (target.elements,)
    place = consumer.name if len(consumer.inputs) == 1 else f"{consumer.name}_{input}"
    converter = WidthConverter(
        f"{place}_converter", shape, target.type, source.lanes, target.lanes, target=consumer.target
    )
    return converter.for_clock()
