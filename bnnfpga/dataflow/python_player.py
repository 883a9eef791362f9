"""Simulation of a graph's schedules, event by event, by the rules of docs/dataflow.md, section 4.

The times are the least solution of a system of max-plus recurrences, so the order in which machines are advanced does
not matter: a machine runs until it needs a time that is not known yet, then another one runs.

Times are kept in half cycles. The half says that a longest path to an event passes through a critical machine, of those
that take the most cycles for a frame; as maxima prefer it, it is kept among paths of equal length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.schedule import Schedule

_CYCLE, _MARK = 2, 1


class _Channel:
    """When a queue's beats became visible and left.

    The outer world is always ready: the beats of a `sink` leave as soon as they are visible.
    """

    def __init__(self, *, sink: bool = False) -> None:
        self.sink = sink
        self.visible: list[int] = []
        self.left: list[int] = []

    def cycles(self, *, visible: bool) -> list[int]:
        """The cycles in which beats became visible, or left."""
        return [time // _CYCLE for time in (self.visible if visible else self.left)]


@dataclass(frozen=True)
class Wait:
    """What a machine waits for: a beat, or room, from another `machine` by its number; None at the graph's boundary."""

    unit: str
    for_room: bool
    machine: int | None


@dataclass(frozen=True)
class Pause:
    """Cycles in which a machine could not go on, for want of room behind it or of a beat before it."""

    start: int
    end: int
    for_room: bool


class _Machine:
    """A schedule between channels, and how far it has come."""

    def __init__(
        self, schedule: Schedule, inputs: Sequence[_Channel], outputs: Sequence[_Channel], *, critical: bool = False
    ) -> None:
        self._mark = _MARK if critical else 0
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.capacity = list(schedule.capacity)
        self._remove, self._latency = schedule.remove, _CYCLE * schedule.latency
        # For each event only the ports that it touches, to keep the loops short.
        self._script = [
            (
                _CYCLE * event.gap,
                [
                    (port, need, count)
                    for port, count in enumerate(event.consume)
                    for need in (count if event.need is None else event.need[port],)
                    if need or count
                ],
                [(port, room) for port, room in enumerate(event.add) if room],
                [(port, count) for port, count in enumerate(event.emit) if count],
            )
            for event in schedule.events
        ]
        self.restart()

    def restart(self) -> None:
        self.next, self.time = 0, -_CYCLE
        self.consumed = [0] * len(self.inputs)
        self.held = [0] * len(self.outputs)  # room reserved by all events so far, without what leaving beats gave back
        self.waits_for: _Channel | None = None

    def advance(self) -> bool:
        """Advance as far as possible; returns whether any event took place."""
        moved = False
        while self._event(*self._script[self.next]):
            moved = True
            self.next = (self.next + 1) % len(self._script)
        return moved

    def leaving(self, port: int, room: int) -> int:
        """The beat that must have left before `room` more fits; negative if none must."""
        over = self.held[port] + room - self.capacity[port]
        return -(-over // self._remove[port]) - 1 if over > 0 else -1

    def _event(
        self,
        gap: int,
        takes: list[tuple[int, int, int]],
        rooms: list[tuple[int, int]],
        emits: list[tuple[int, int]],
    ) -> bool:
        time = self.time + gap
        for port, need, _ in takes:
            if need:
                visible, last = self.inputs[port].visible, self.consumed[port] + need - 1
                if last >= len(visible):
                    self.waits_for = self.inputs[port]
                    return False
                time = max(time, visible[last])
        for port, room in rooms:
            left, leaving = self.outputs[port].left, self.leaving(port, room)
            if leaving >= len(left):
                self.waits_for = self.outputs[port]
                return False
            if leaving >= 0:
                time = max(time, left[leaving] + _CYCLE)
        time |= self._mark
        for port, _, count in takes:
            self.consumed[port] += count
            self.inputs[port].left.extend([time] * count)
        for port, room in rooms:
            self.held[port] += room
        self.time, shown = time, time + self._latency
        for port, count in emits:
            channel = self.outputs[port]
            channel.visible.extend([shown] * count)
            for _ in range(count if channel.sink else 0):
                channel.left.append(max(channel.left[-1] + _CYCLE, shown) if channel.left else shown)
        return True

    def state(self) -> tuple[list[int], list[int]]:
        """How far it has come, and the times on which its later events depend."""
        parts = [
            *(channel.visible[first:] for channel, first in zip(self.inputs, self.consumed, strict=True)),
            *(channel.left[max(0, self.leaving(port, 1)) :] for port, channel in enumerate(self.outputs)),
        ]
        times = [self.time, *(time for part in parts for time in part)]
        return [self.next, *map(len, parts)], [time // _CYCLE for time in times]


class _WatchedMachine(_Machine):
    """A machine whose pauses are kept."""

    def restart(self) -> None:
        super().restart()
        self.pauses: list[Pause] = []

    def _event(
        self,
        gap: int,
        takes: list[tuple[int, int, int]],
        rooms: list[tuple[int, int]],
        emits: list[tuple[int, int]],
    ) -> bool:
        ready = (self.time + gap) // _CYCLE
        needed = [(port, self.consumed[port] + need - 1) for port, need, _ in takes if need]
        if not super()._event(gap, takes, rooms, emits):
            return False
        if (now := self.time // _CYCLE) > ready:
            beats = max((self.inputs[port].visible[last] // _CYCLE for port, last in needed), default=-1)
            self.pauses.append(Pause(ready, now, beats < now))
        return True


def _machines(
    schedule: Schedule, inputs: list[_Channel], outputs: list[_Channel], critical: Sequence[bool] = (False, False)
) -> list[_Machine]:
    """The machines of a unit: one, or two with a queue between them."""
    if schedule.front is None:
        return [_Machine(schedule, inputs, outputs, critical=critical[0])]
    between = [_Channel()]
    return [
        _Machine(schedule.front, inputs, between, critical=critical[0]),
        _Machine(schedule, between, outputs, critical=critical[1]),
    ]


def critical_machines(graph: Graph) -> list[bool]:
    """Which machines take as many cycles for a frame as the slowest unit of a graph, in the order of its units."""
    slowest = max(operator.interval() for operator in graph.operators)
    found: list[bool] = []
    for operator in graph.operators:
        schedule, is_slow = operator.schedule(), operator.interval() == slowest
        machines = [(schedule, operator.outputs[0].beats, (event.emit[0] for event in schedule.events))]
        if (front := schedule.front) is not None:
            machines.insert(0, (front, operator.inputs[0].beats, (event.consume[0] for event in front.events)))
        found += [is_slow and own.cycles * beats == slowest * sum(counts) for own, beats, counts in machines]
    return found


class PythonPlayer:
    """Simulates a graph event by event; `NativePlayer` does the same, faster for many events."""

    def __init__(self, graph: Graph) -> None:
        self._channels = {stream.name: _Channel(sink=stream.consumer is None) for stream in graph.streams}
        self._input = self._channels[graph.input.name]
        self._latency: dict[str, int] = {}
        self._machines: list[_Machine] = []
        self._units: list[str] = []
        self._states: list[tuple[list[int], list[int]]] = []
        critical = critical_machines(graph)
        for operator in graph.operators:
            inputs = [self._channels[stream.name] for stream in graph.inputs_of(operator.name)]
            outputs = [self._channels[stream.name] for stream in graph.outputs_of(operator.name)]
            schedule = operator.schedule()
            self._latency.update((stream.name, schedule.latency) for stream in graph.outputs_of(operator.name))
            machines = _machines(schedule, inputs, outputs, critical[len(self._machines) :])
            self._machines += machines
            self._units += [operator.name] * len(machines)
        self._ends: dict[int, list[int]] = {}  # for each channel, the machines that it connects
        for number, machine in enumerate(self._machines):
            for channel in (*machine.inputs, *machine.outputs):
                self._ends.setdefault(id(channel), []).append(number)
        self._neighbours = [
            {other for channel in (*machine.inputs, *machine.outputs) for other in self._ends[id(channel)]}
            for machine in self._machines
        ]

    def restart(self, capacities: Mapping[str, int]) -> None:
        """Back to the start, with other capacities of some streams' queues."""
        by_channel = {id(self._channels[stream]): beats for stream, beats in capacities.items()}
        for machine in self._machines:
            machine.restart()
            for channel in (*machine.inputs, *machine.outputs):
                channel.visible, channel.left = [], []
            machine.capacity = [
                by_channel.get(id(channel), beats)
                for channel, beats in zip(machine.outputs, machine.capacity, strict=True)
            ]
        self._states = []

    def play(self, times: Sequence[int] | NDArray[np.int64]) -> None:
        """Offer more input beats, each from its cycle on, and run until nothing moves."""
        self._input.visible.extend(_CYCLE * int(time) for time in times)
        # A waiting machine can only go on once one that shares a channel with it has advanced; at first, all are asked.
        waiting = dict.fromkeys(self._ends[id(self._input)] if self._states else range(len(self._machines)))
        while waiting:
            machine = next(iter(waiting))
            del waiting[machine]
            if self._machines[machine].advance():
                waiting.update(dict.fromkeys(self._neighbours[machine]))
        states = [machine.state() for machine in self._machines]
        self._states.append(([n for places, _ in states for n in places], [t for _, times in states for t in times]))

    def advanced(self, plays: int) -> tuple[int, int] | None:
        """The least and the most cycles by which the state is later than that before the last `plays` calls of `play`.

        The state, when nothing moves, is everything on which later events depend: how far each machine is in its
        schedule, and the times to which its next events refer. None if only times are not the same, so that the two
        cannot be compared.
        """
        if plays >= len(self._states):
            return None
        (places, after), (former, before) = self._states[-1], self._states[-1 - plays]
        if places != former:
            return None
        shifts = [late - early for late, early in zip(after, before, strict=True)]
        return min(shifts), max(shifts)

    def peak(self, stream: str) -> int:
        """The most beats at a time in a stream's queue, counted from the events that send them."""
        channel = self._channels[stream]
        arrivals = np.asarray(channel.cycles(visible=True), np.int64) - self._latency[stream]
        left = np.searchsorted(np.asarray(channel.cycles(visible=False), np.int64), arrivals, side="left")
        # Of the beats behind the last one that left, nothing is known yet.
        known = left < len(channel.left)
        return int((np.arange(1, len(arrivals) + 1) - left)[known].max(initial=0))

    def waits(self) -> list[Wait]:
        """What each machine waits for, when nothing moves."""
        found = []
        for number, (machine, unit) in enumerate(zip(self._machines, self._units, strict=True)):
            others = [other for other in self._ends.get(id(machine.waits_for), ()) if other != number]
            for_room = machine.waits_for in machine.outputs
            found.append(Wait(unit, for_room, others[0] if others else None))
        return found

    def counts(self, stream: str) -> tuple[int, int]:
        """The beats that became visible, and those that left."""
        channel = self._channels[stream]
        return len(channel.visible), len(channel.left)

    def visible(self, stream: str) -> Sequence[int]:
        """The cycle in which each beat became visible; at the input, from which it was offered."""
        return self._channels[stream].cycles(visible=True)

    def left(self, stream: str) -> Sequence[int]:
        """The cycle in which each beat left."""
        return self._channels[stream].cycles(visible=False)

    def is_critical(self, stream: str, beat: int) -> bool:
        """Whether a longest path to the cycle in which a beat left passes through a critical machine.

        Then the same beat of each later frame leaves at least as many cycles later as that machine takes for a frame.
        """
        return bool(self._channels[stream].left[beat] & _MARK)


def pauses(
    schedule: Schedule, offered: Sequence[Sequence[int]], left: Sequence[Sequence[int]]
) -> tuple[list[Pause], int]:
    """The pauses of one unit's output side, and the cycle of its last event; what the streams did as in `replay`."""
    inputs, outputs = [_Channel() for _ in offered], [_Channel() for _ in left]
    for channel, cycles in zip(inputs, offered, strict=True):
        channel.visible = [_CYCLE * cycle for cycle in cycles]
    for channel, cycles in zip(outputs, left, strict=True):
        channel.left = [_CYCLE * cycle for cycle in cycles]
    sources = inputs
    if schedule.front is not None:
        sources = [_Channel()]
        # All that it fills is taken by the output side, which is watched alone: the queue between them limits both.
        front = _Machine(schedule.front, inputs, sources)
    last = _WatchedMachine(schedule, sources, outputs)
    machines = [last] if schedule.front is None else [front, last]
    while sum([machine.advance() for machine in machines]):
        pass
    return last.pauses, last.time // _CYCLE


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
        channel.visible = [_CYCLE * cycle for cycle in cycles]
    for channel, cycles in zip(outputs, left, strict=True):
        channel.left = [_CYCLE * cycle for cycle in cycles]
    machines = _machines(schedule, inputs, outputs)
    # Not any(), which would stop at the first machine that advanced.
    while sum([machine.advance() for machine in machines]):
        pass
    offers = []
    for channel in outputs:
        # A beat is offered once the beat before it has left, so one more beat is offered than have left.
        after = [0, *(end + 1 for end in channel.cycles(visible=False))]
        offers.append([max(pair) for pair in zip(channel.cycles(visible=True), after, strict=False)])
    return [channel.cycles(visible=False) for channel in inputs], offers
