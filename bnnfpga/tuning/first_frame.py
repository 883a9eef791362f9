"""When the beats of the first frame pass: longest paths through the schedules, if no full queue holds anything up.

Times of events are maxima of sums (max-plus algebra: Baccelli, Cohen, Olsder and Quadrat, Synchronization and
Linearity, 1992), so any path from the first beat to the last one bounds the latency from below, and the longest one is
the latency where no queue is full. A path is named by places in the streams' tensors, the same in all foldings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.dataflow.stream import Port

NEVER = -(1 << 40)
"""Cycles between events of which the later one does not wait for the earlier one."""
Times = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MachineTimes:
    """In which cycles of its schedule a machine first needs each beat and sends each beat, when it waits for nothing.

    Parameters
    ----------
    needed
        For each input, int64 (beats,): those of one run of the schedule.
    sent
        For each output likewise, when the beat is visible.
    cycles
        What a run of the schedule takes.
    latency
        From an event until its beats are visible; `sent` contains it.
    """

    needed: tuple[Times, ...]
    sent: tuple[Times, ...]
    cycles: int
    latency: int

    @classmethod
    def of(cls, schedule: Schedule) -> MachineTimes:
        events = schedule.events
        times = np.cumsum([event.gap for event in events]) - events[0].gap
        needed = []
        for port in range(len(events[0].consume)):
            taken = np.array([event.consume[port] for event in events], np.int64)
            wanted = np.array([(event.consume if event.need is None else event.need)[port] for event in events])
            there = np.maximum.accumulate(np.where(wanted > 0, np.cumsum(taken) - taken + wanted, 0))
            needed.append(times[np.searchsorted(there, np.arange(1, taken.sum() + 1))])
        sent = [
            np.repeat(times, [event.emit[port] for event in events]) + schedule.latency
            for port in range(len(events[0].emit))
        ]
        return cls(tuple(needed), tuple(sent), schedule.cycles, schedule.latency)

    def needs(self, input: int, beat: int) -> int:
        """The cycle in which a beat of a frame is first needed."""
        return _at(self.needed[input], beat, self.cycles)

    def sends(self, output: int, beat: int) -> int:
        """The cycle in which a beat of a frame becomes visible."""
        return _at(self.sent[output], beat, self.cycles)

    def all_needed(self, input: int, beats: int) -> Times:
        """`needs` of the first beats of a frame."""
        return _all(self.needed[input], beats, self.cycles)

    def all_sent(self, output: int, beats: int) -> Times:
        """`sends` of the first beats of a frame."""
        return _all(self.sent[output], beats, self.cycles)

    def delay(self, input: int, beat: int, output: int, sent: int) -> int:
        """The least cycles from when an input beat is visible to when an output beat is; `NEVER` without a path."""
        first, last = self.needs(input, beat), self.sends(output, sent)
        return last - first if last - self.latency >= first else NEVER


def _at(times: Times, beat: int, cycles: int) -> int:
    run, place = divmod(beat, len(times))
    return run * cycles + int(times[place])


def _all(times: Times, beats: int, cycles: int) -> Times:
    runs = -(-beats // len(times))
    return (np.arange(runs, dtype=np.int64)[:, None] * cycles + times).reshape(-1)[:beats]


@dataclass(frozen=True, eq=False)
class UnitTimes:
    """A unit's machines: one, or two with a queue between them."""

    unit: Operator
    machines: tuple[MachineTimes, ...]

    @classmethod
    def of(cls, unit: Operator) -> UnitTimes:
        schedule = unit.schedule()
        fronts = () if schedule.front is None else (schedule.front,)
        return cls(unit, tuple(map(MachineTimes.of, (*fronts, schedule))))

    @property
    def latency(self) -> int:
        """The cycles of its pipelines."""
        return sum(machine.latency for machine in self.machines)

    @property
    def _between(self) -> int:
        """The beats of a frame in the queue between the machines."""
        front = self.machines[0]
        return self.unit.inputs[0].beats // len(front.needed[0]) * len(front.sent[0])

    def delay(self, input: int, entry: int, output: int, exit: int) -> int:
        """The least cycles from an element of an input to one of an output, each as its beat is visible."""
        first, last = entry // self.unit.inputs[input].lanes, exit // self.unit.outputs[output].lanes
        if len(self.machines) == 1:
            return self.machines[0].delay(input, first, output, last)
        front, back = self.machines
        words = self._between
        sent, needed = front.all_sent(0, words), back.all_needed(0, words)
        start, end = front.needs(input, first), back.sends(output, last)
        onward = (sent - front.latency >= start) & (end - back.latency >= needed)
        return int(np.max(np.where(onward, sent - start + end - needed, NEVER)))

    def through(self, arrivals: Sequence[Times]) -> list[Times]:
        """When output beats become visible, from when input beats are."""
        if len(self.machines) == 1:
            return _through(self.machines[0], arrivals, [port.beats for port in self.unit.outputs])
        words = _through(self.machines[0], arrivals, [self._between])
        return _through(self.machines[1], words, [port.beats for port in self.unit.outputs])

    def source_of(self, arrivals: Sequence[Times], output: int, beat: int) -> tuple[int, int] | None:
        """The input and its beat from which the longest path leads to an output beat."""
        if len(self.machines) == 1:
            return _source_of(self.machines[0], arrivals, output, beat)
        words = _through(self.machines[0], arrivals, [self._between])
        word = _source_of(self.machines[1], words, output, beat)
        return None if word is None else _source_of(self.machines[0], arrivals, 0, word[1])


def _through(machine: MachineTimes, arrivals: Sequence[Times], beats: Sequence[int]) -> list[Times]:
    lags = []
    for input, visible in enumerate(arrivals):
        needed = machine.all_needed(input, len(visible))
        lags.append((needed, np.maximum.accumulate(visible - needed)))
    sent = []
    for output, count in enumerate(beats):
        events = machine.all_sent(output, count) - machine.latency
        late = np.zeros(count, np.int64)
        for needed, lag in lags:
            last = np.searchsorted(needed, events, side="right") - 1
            late = np.maximum(late, np.where(last >= 0, lag[last], 0))
        sent.append(events + machine.latency + late)
    return sent


def _source_of(machine: MachineTimes, arrivals: Sequence[Times], output: int, beat: int) -> tuple[int, int] | None:
    event = machine.sends(output, beat) - machine.latency
    best: tuple[int, int, int] | None = None
    for input, visible in enumerate(arrivals):
        needed = machine.all_needed(input, len(visible))
        count = int(np.searchsorted(needed, event, side="right"))
        if count:
            lags = visible[:count] - needed[:count]
            # Of equal ones the last, which leaves the most to the units before.
            place = count - 1 - int(np.argmax(lags[::-1]))
            best = max(best or (NEVER, 0, 0), (int(lags[place]), input, place))
    return None if best is None else best[1:]


@dataclass(frozen=True)
class Hop:
    """The way of a path through a unit and what stands in front of its input, by places in tensors.

    `source` is the element as the producer sends it, `entry` as it enters the unit, `exit` the one that leaves it.
    """

    unit: str
    input: int
    source: int
    entry: int
    output: int
    exit: int


def longest_path(graph: Graph, layers: Graph) -> list[Hop]:
    """The longest path through the first frame of a folded graph, from its input to its last output beat.

    Parameters
    ----------
    graph
        The folded graph.
    layers
        The same one before it was folded: its units are those of the path.
    """
    visible: dict[str, Times] = {graph.input.name: np.zeros(graph.input.port.beats, np.int64)}
    times: dict[str, UnitTimes] = {}
    for unit in graph.operators:
        own = times[unit.name] = UnitTimes.of(unit)
        sent = own.through([visible[stream.name] for stream in graph.inputs_of(unit.name)])
        for stream in graph.outputs_of(unit.name):
            visible[stream.name] = sent[stream.output]
    stream = max(graph.outputs, key=lambda stream: int(visible[stream.name][-1]))
    place, names = stream.port.elements - 1, {unit.name for unit in layers.operators}
    hops: list[Hop] = []
    after: Hop | None = None
    while stream.producer is not None:
        unit, inputs = graph[stream.producer], graph.inputs_of(stream.producer)
        arrivals = [visible[other.name] for other in inputs]
        source = times[unit.name].source_of(arrivals, stream.output, place // stream.port.lanes)
        if source is None:
            break
        input, beat = source
        entry = _entry(layers[unit.name] if unit.name in names else unit, input, stream.output, place, beat, unit)
        if unit.name in names:
            hops += [] if after is None else [after]
            after = Hop(unit.name, input, entry, entry, stream.output, place)
        elif after is not None:
            after = Hop(after.unit, after.input, entry, after.entry, after.output, after.exit)
        stream, place = inputs[input], entry
    return [*hops, after][::-1] if after is not None else hops[::-1]


def _entry(layer: Operator, input: int, output: int, exit: int, beat: int, unit: Operator) -> int:
    """An element of an input beat: the last one that the exit depends on, or that of the beat which comes nearest."""
    lanes = unit.inputs[input].lanes
    needed = _last_needed(layer, input, output, exit)
    return min(max(needed, beat * lanes), (beat + 1) * lanes - 1)


def _last_needed(layer: Operator, input: int, output: int, exit: int) -> int:
    """The last element of an input on which one of an output depends, by the schedule of a narrow unit."""
    port: Port = layer.inputs[input]
    times = UnitTimes.of(layer)
    count, beat = port.beats, exit // layer.outputs[output].lanes
    back = times.machines[-1]
    event = back.sends(output, beat) - back.latency
    if len(times.machines) == 1:
        needed = times.machines[0].all_needed(input, count)
        return (int(np.searchsorted(needed, event, side="right"))) * port.lanes - 1
    words = times._between
    word = int(np.searchsorted(back.all_needed(0, words), event, side="right")) - 1
    front = times.machines[0]
    event = front.sends(0, max(word, 0)) - front.latency
    return int(np.searchsorted(front.all_needed(input, count), event, side="right")) * port.lanes - 1
