"""Simulation of a graph's schedules, event by event, by the rules of docs/dataflow.md, section 4.

The times are the least solution of a system of max-plus recurrences, so the order in which machines are advanced does
not matter: a machine runs until it needs a time that is not known yet, then another one runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.schedule import Schedule


class _Channel:
    """The cycles in which a queue's beats became visible and left.

    The outer world is always ready: the beats of a `sink` leave as soon as they are visible.
    """

    def __init__(self, *, sink: bool = False) -> None:
        self.sink = sink
        self.visible: list[int] = []
        self.left: list[int] = []


def _play(schedule: Schedule, inputs: list[_Channel], outputs: list[_Channel]) -> Iterator[bool]:
    """Advance a machine as far as possible, then yield whether any event took place."""
    # For each event only the ports that it touches, to keep the loop below short.
    script = [
        (
            event.gap,
            [
                (port, need, count, channel.visible, channel.left)
                for port, channel in enumerate(inputs)
                for count in (event.consume[port],)
                for need in (count if event.need is None else event.need[port],)
                if need or count
            ],
            [
                (port, event.add[port], schedule.capacity[port], schedule.remove[port], channel.left)
                for port, channel in enumerate(outputs)
                if event.add[port]
            ],
            [
                (event.emit[port], channel.sink, channel.visible, channel.left)
                for port, channel in enumerate(outputs)
                if event.emit[port]
            ],
        )
        for event in schedule.events
    ]
    latency = schedule.latency
    time = -1
    consumed = [0] * len(inputs)
    held = [0] * len(outputs)  # room reserved by all events so far, without what leaving beats gave back
    moved = False
    for gap, takes, rooms, emits in cycle(script):
        time += gap
        for port, need, count, visible, _ in takes:
            if need:
                last = consumed[port] + need - 1
                while last >= len(visible):
                    yield moved
                    moved = False
                if visible[last] > time:
                    time = visible[last]
            consumed[port] += count
        for port, add, capacity, remove, left in rooms:
            held[port] += add
            over = held[port] - capacity
            if over > 0:
                leaving = -(-over // remove) - 1
                while leaving >= len(left):
                    yield moved
                    moved = False
                if left[leaving] >= time:
                    time = left[leaving] + 1
        moved = True
        for _, _, count, _, left in takes:
            if count == 1:
                left.append(time)
            else:
                left.extend([time] * count)
        for emitted, is_sink, visible, left in emits:
            for _ in range(emitted):
                visible.append(time + latency)
                if is_sink:
                    left.append(max(left[-1] + 1, time + latency) if left else time + latency)


def _machines(
    schedule: Schedule, inputs: list[_Channel], outputs: list[_Channel]
) -> list[tuple[Iterator[bool], list[_Channel]]]:
    """The machines of a unit, each with its channels: one, or two with a queue between them."""
    if schedule.front is None:
        return [(_play(schedule, inputs, outputs), [*inputs, *outputs])]
    between = [_Channel()]
    return [
        (_play(schedule.front, inputs, between), [*inputs, *between]),
        (_play(schedule, between, outputs), [*between, *outputs]),
    ]


class PythonPlayer:
    """Simulates a graph event by event; `NativePlayer` does the same, faster for many events."""

    def __init__(self, graph: Graph) -> None:
        self._channels = {stream.name: _Channel(sink=stream.consumer is None) for stream in graph.streams}
        self._input = self._channels[graph.input.name]
        self._machines: list[Iterator[bool]] = []
        ends: dict[int, list[int]] = {}  # for each channel, the machines that it connects
        for operator in graph.operators:
            inputs = [self._channels[stream.name] for stream in graph.inputs_of(operator.name)]
            outputs = [self._channels[stream.name] for stream in graph.outputs_of(operator.name)]
            for machine, channels in _machines(operator.schedule(), inputs, outputs):
                for channel in channels:
                    ends.setdefault(id(channel), []).append(len(self._machines))
                self._machines.append(machine)
        self._first = ends[id(self._input)]
        self._neighbours: list[set[int]] = [set() for _ in self._machines]
        for joined in ends.values():
            for number in joined:
                self._neighbours[number].update(joined)

    def play(self, beats: int) -> None:
        """Offer input beats, `beats` in total since the start, and run until nothing moves."""
        self._input.visible += [0] * (beats - len(self._input.visible))
        # A waiting machine can only go on once one that shares a channel with it has advanced.
        waiting = dict.fromkeys(self._first)
        while waiting:
            machine = next(iter(waiting))
            del waiting[machine]
            if next(self._machines[machine]):
                waiting.update(dict.fromkeys(self._neighbours[machine]))

    def visible(self, stream: str) -> Sequence[int]:
        """The cycle in which each beat became visible; 0 at the input, which is always valid."""
        return self._channels[stream].visible

    def left(self, stream: str) -> Sequence[int]:
        """The cycle in which each beat left."""
        return self._channels[stream].left


def replay(
    schedule: Schedule, offered: Sequence[Sequence[int]], left: Sequence[Sequence[int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """Predict one unit's transfers from its schedule and the observed behaviour of its neighbours.

    Parameters
    ----------
    schedule
        The unit's schedule.
    offered
        For each input, the cycle from which each beat was offered to the unit.
    left
        For each output, the cycle in which each beat was taken from the unit.

    Returns
    -------
    tuple
        For each input, the cycle in which the unit takes each beat; for each output, the cycle from which it offers
        each beat. Both end where the unit would need a beat that was not observed.
    """
    inputs, outputs = [_Channel() for _ in offered], [_Channel() for _ in left]
    for channel, cycles in zip(inputs, offered, strict=True):
        channel.visible = list(cycles)
    for channel, cycles in zip(outputs, left, strict=True):
        channel.left = list(cycles)
    machines = [machine for machine, _ in _machines(schedule, inputs, outputs)]
    # Not any(), which would stop at the first machine that advanced.
    while sum([next(machine) for machine in machines]):
        pass
    offers = []
    for channel in outputs:
        # A beat is offered once the beat before it has left, so one more beat is offered than have left.
        after = [0, *(end + 1 for end in channel.left)]
        offers.append([max(pair) for pair in zip(channel.visible, after, strict=False)])
    return [channel.left for channel in inputs], offers
