"""Where a simulation first goes wrong: the unit whose inputs are right and whose output is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.python_player import replay
from bnnfpga.dataflow.stream import Stream
from bnnfpga.numbers.integers import IntArray
from bnnfpga.simulate.verify.beats import Beats, Observed, normalised

Kind = Literal["value", "beats", "cycles", "last"]


@dataclass(frozen=True)
class Fault:
    """The first difference.

    Parameters
    ----------
    kind
        `value`: an integer is wrong; `beats`: a frame has too many or too few; `cycles`: a beat moves too early, too
        late or never; `last`: the last beat of a frame is not marked as such, or another one is.
    unit
        The faulty unit; None for the accelerator's boundary.
    stream
        The stream on which the fault shows.
    frame, pixel, channel
        The first wrong element of the unit's output: its frame, its place in all axes but the last, and in the last.
    expected, got
        Integers, numbers of beats, or cycles, by `kind`; `got` is None for what never happens.
    cycle
        The cycle of the wrong beat's transfer; None without cycles.
    accumulator, threshold
        The accumulator from which the unit should decide the wrong element, and the threshold on whose wrong side it
        put that; None for units that do not decide by thresholds.
    """

    kind: Kind
    unit: str | None
    stream: str
    frame: int | None
    pixel: tuple[int, ...] | None
    channel: int | None
    expected: int | None
    got: int | None
    cycle: int | None = None
    accumulator: int | None = None
    threshold: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "pixel": None if self.pixel is None else list(self.pixel)}


def locate_value(graph: Graph, expected: Mapping[str, IntArray], observed: Observed) -> Fault | None:
    """The first unit in topological order whose inputs are right and whose output is not; None if all are right.

    Parameters
    ----------
    expected
        By stream name int64 (frames, *shape).
    observed
        The beats that a simulation of these frames showed; unobserved streams count as right.
    """
    places = {
        stream.name: _first_difference(stream, expected[stream.name], observed[stream.name])
        for stream in graph.streams
        if stream.name in observed
    }
    # Between the boundary and the first unit there is only wiring.
    if (place := places.get(graph.input.name)) is not None:
        return _fault(None, graph.input, place, expected, observed)
    for operator in graph.operators:
        if any(places.get(stream.name) is not None for stream in graph.inputs_of(operator.name)):
            continue
        for stream in graph.outputs_of(operator.name):
            if (place := places.get(stream.name)) is not None:
                inputs = [expected[stream.name] for stream in graph.inputs_of(operator.name)]
                return _explained(_fault(operator.name, stream, place, expected, observed), operator, inputs)
    return None


@dataclass(frozen=True)
class _BeatPlace:
    """The index of the first wrong element in the stream; or the first frame with a wrong number of beats."""

    index: int | None
    frame: int
    expected_beats: int = 0
    beats: int = 0


def _first_difference(stream: Stream, expected: IntArray, beats: Beats) -> _BeatPlace | None:
    port = stream.port
    want, got = port.in_beats(normalised(port, expected)), normalised(port, beats.elements)
    comparable = min(len(want), len(got))
    wrong_frame = None
    if beats.frames is not None:
        wrong = np.flatnonzero(beats.frames != port.beats)
        if len(wrong):
            wrong_frame = int(wrong[0])
            # Behind it, elements are displaced.
            comparable = min(comparable, wrong_frame * port.elements + int(beats.frames[wrong_frame]) * port.lanes)
    differ = np.flatnonzero(want[:comparable] != got[:comparable])
    if len(differ):
        index = int(differ[0])
        return _BeatPlace(index, index // port.elements)
    if wrong_frame is not None and beats.frames is not None:
        return _BeatPlace(None, wrong_frame, port.beats, int(beats.frames[wrong_frame]))
    if len(got) > len(want):
        return _BeatPlace(None, len(expected), 0, (len(got) - len(want)) // port.lanes)
    return None


def _fault(
    unit: str | None, stream: Stream, place: _BeatPlace, expected: Mapping[str, IntArray], observed: Observed
) -> Fault:
    if place.index is None:
        return Fault("beats", unit, stream.name, place.frame, None, None, place.expected_beats, place.beats)
    beats, port = observed[stream.name], stream.port
    vector, element = divmod(place.index, len(port.order))
    index = vector * len(port.order) + int(port.order[element])
    *pixel, channel = (int(axis) for axis in np.unravel_index(index % port.elements, stream.shape))
    return Fault(
        "value",
        unit,
        stream.name,
        place.frame,
        tuple(pixel) or None,
        channel,
        int(expected[stream.name].reshape(-1)[index]),
        int(beats.elements[place.index]),
        None if beats.transferred_at is None else int(beats.transferred_at[place.index // port.lanes]),
    )


def _explained(fault: Fault, operator: Operator, inputs: list[IntArray]) -> Fault:
    """With the accumulator of the wrong element and the decisive threshold."""
    if fault.kind != "value" or fault.frame is None or fault.channel is None:
        return fault
    preactivations = operator.preactivations(*(array[fault.frame : fault.frame + 1] for array in inputs))
    if preactivations is None:
        return fault
    threshold = None
    if operator.thresholds is not None and fault.expected is not None and fault.got is not None:
        threshold = operator.thresholds.decisive(fault.channel, fault.expected, fault.got)
    accumulator = int(preactivations[(0, *(fault.pixel or ()), fault.channel)])
    return Fault(**{**vars(fault), "accumulator": accumulator, "threshold": threshold})


def locate_cycles(graph: Graph, observed: Observed, cycles: int) -> Fault | None:
    """The first unit in topological order that deviates from its schedule.

    Each unit is simulated alone by its schedule, with its neighbours' observed cycles, so that a unit that merely waits
    for a slow or stuck neighbour is not blamed.

    Parameters
    ----------
    observed
        Beats with cycles, for all streams.
    cycles
        The number of cycles simulated; nothing later is known.
    """
    for operator in graph.operators:
        inputs, outputs = graph.inputs_of(operator.name), graph.outputs_of(operator.name)
        if not all(_timed(observed, stream) for stream in (*inputs, *outputs)):
            continue
        consumed, emitted = replay(
            operator.schedule(),
            [_list(observed[stream.name].offered_at) for stream in inputs],
            [_list(observed[stream.name].transferred_at) for stream in outputs],
        )
        found = [
            (stream, predicted, _list(observed[stream.name].offered_at))
            for stream, predicted in zip(outputs, emitted, strict=True)
        ]
        found += [
            (stream, predicted, _list(observed[stream.name].transferred_at))
            for stream, predicted in zip(inputs, consumed, strict=True)
        ]
        deviations = [(stream, *_deviation(predicted, seen, cycles)) for stream, predicted, seen in found]
        first = min(
            (entry for entry in deviations if entry[1] is not None),
            key=lambda entry: min(cycle for cycle in entry[2:] if cycle is not None),
            default=None,
        )
        if first is not None:
            stream, beat, law_cycle, seen_cycle = first
            assert beat is not None
            cycle = seen_cycle if seen_cycle is not None else law_cycle
            frame = beat // stream.port.beats
            return Fault("cycles", operator.name, stream.name, frame, None, None, law_cycle, seen_cycle, cycle)
    return None


def _deviation(predicted: list[int], seen: list[int], cycles: int) -> tuple[int | None, int | None, int | None]:
    """The first beat that moves in another cycle than it should: its number, that cycle, and the observed one."""
    known = [cycle for cycle in predicted if cycle < cycles]
    for beat in range(max(len(known), len(seen))):
        should = known[beat] if beat < len(known) else None
        does = seen[beat] if beat < len(seen) else None
        if should != does:
            return beat, should, does
    return None, None, None


def _timed(observed: Observed, stream: Stream) -> bool:
    return stream.name in observed and observed[stream.name].transferred_at is not None


def _list(cycles: IntArray | None) -> list[int]:
    return [] if cycles is None else cycles.tolist()
