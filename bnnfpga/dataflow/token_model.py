"""The token cycle model: initiation interval and latency from the schedules (docs/dataflow.md, sections 4 and 5).

Every machine is played event by event under the law of section 4. The times are the least solution of a system of
max-plus recurrences, so the order in which machines are advanced does not matter; a machine runs until it needs a time
that is not known yet, then another one runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Schedule

_MOST_FRAMES = 512
_LONGEST_PERIOD = 4
"""Frames after which the whole graph may repeat itself: converters can make it more than one."""
_REPEATS = 3
"""Periods that must agree. No queue holds more than two frames, so what happens depends on nothing older."""


@dataclass(frozen=True)
class Cycles:
    """What the accelerator's clock shows.

    `initiation_interval` and `latency` are in cycles; `max_occupancy` gives, by stream name, the most beats that its
    queue held at a time. `frame_done` has the cycles from the first input beat to the last output beat of each of the
    first frames; from there on, each `period` frames take the same time as those before.
    """

    initiation_interval: int
    latency: int
    max_occupancy: dict[str, int]
    frame_done: tuple[int, ...] = ()
    period: int = 1

    def done(self, frames: int) -> list[int]:
        """`frame_done` for any number of frames that follow each other without a gap."""
        cycles = list(self.frame_done[:frames])
        while len(cycles) < frames:
            cycles.append(2 * cycles[-self.period] - cycles[-2 * self.period])
        return cycles


class Deadlock(Exception):
    """The graph stops: every unit waits for another. `streams` names those that hold beats nobody can take."""

    def __init__(self, streams: list[str]) -> None:
        super().__init__(f"deadlock; beats wait in {', '.join(streams)}")
        self.streams = streams


class _Channel:
    """The times at which a queue's beats became visible and left.

    The outer world never makes anybody wait: `source` beats are always visible, `sink` beats leave at once.
    """

    def __init__(self, *, source: bool = False, sink: bool = False, beats: int = 0) -> None:
        self.source = source
        self.sink = sink
        self.beats = beats
        self.visible: list[int] = []
        self.left: list[int] = []


def _play(schedule: Schedule, inputs: list[_Channel], outputs: list[_Channel]) -> Iterator[bool]:
    """Advance as far as possible, then yield whether anything happened."""
    # What an event touches, so that the loop below looks at nothing else.
    script = [
        (
            event.gap,
            [
                (port, need, taken, channel.source, channel.visible, channel.left)
                for port, channel in enumerate(inputs)
                for taken in (event.consume[port],)
                for need in (taken if event.need is None else event.need[port],)
                if need or taken
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
    held = [0] * len(outputs)  # room taken by all events so far, as if no beat had left
    moved = False
    for gap, takes, rooms, emits in cycle(script):
        time += gap
        for port, need, taken, is_source, visible, _ in takes:
            if need and not is_source:
                last = consumed[port] + need - 1
                while last >= len(visible):
                    yield moved
                    moved = False
                if visible[last] > time:
                    time = visible[last]
            consumed[port] += taken
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
        for _, _, taken, _, _, left in takes:
            if taken == 1:
                left.append(time)
            else:
                left.extend([time] * taken)
        for emitted, is_sink, visible, left in emits:
            for _ in range(emitted):
                visible.append(time + latency)
                if is_sink:
                    left.append(max(left[-1] + 1, time + latency) if left else time + latency)


def _machines(schedule: Schedule, inputs: list[_Channel], outputs: list[_Channel]) -> list[Iterator[bool]]:
    """A unit being played, as one machine or as two with a queue between them."""
    if schedule.front is None:
        return [_play(schedule, inputs, outputs)]
    between = [_Channel()]
    return [_play(schedule.front, inputs, between), _play(schedule, between, outputs)]


def steady_interval(frame_done: Sequence[int], latency: int) -> tuple[int, bool]:
    """Initiation interval from the cycles in which successive frames' last output beats left.

    The pipe counts as full when as many frames have left as fit into it one interval apart.

    Parameters
    ----------
    frame_done
        Cycle of the last output transfer of each frame, at least two.
    latency
        Cycles that the first frame took.

    Returns
    -------
    tuple
        The largest distance once the pipe is full, and whether all those distances are the same.
    """
    distances = [after - before for before, after in pairwise(frame_done)]
    fill = min(-(-latency // distances[-1]) + 1, len(distances) - 1)
    steady = distances[fill:]
    return max(steady), min(steady) == max(steady)


def predict(graph: Graph) -> Cycles:
    """Play the graph until its interval is steady.

    That is so when everything repeats; or when the output has come at the pace of the slowest unit for twice as long as
    a frame takes: nothing can be faster, and what still changes is only how full the queues in front of that unit are.

    Raises
    ------
    Deadlock
        If no unit can go on.
    """
    channels = {
        stream.name: _Channel(source=stream.producer is None, sink=stream.consumer is None, beats=stream.port.beats)
        for stream in graph.streams
    }
    machines = []
    for operator in graph.operators:
        inputs = [channels[stream.name] for stream in graph.inputs_of(operator.name)]
        outputs = [channels[stream.name] for stream in graph.outputs_of(operator.name)]
        machines += _machines(operator.schedule(), inputs, outputs)
    source, sink = channels[graph.input.name], channels[graph.output.name]
    fastest = max(operator.interval() for operator in graph.operators)
    frames = 0
    while True:
        # Not any(): each machine must get its turn.
        if not sum([next(machine) for machine in machines]):
            stuck = [name for name, item in channels.items() if not item.source and len(item.visible) > len(item.left)]
            raise Deadlock(stuck)
        done = sink.left[sink.beats - 1 :: sink.beats]
        if len(done) == frames:
            continue
        frames = len(done)
        latency = done[0] - source.left[0]
        window = 2 * (-(-latency // fastest)) + 2
        period = 1
        if frames <= window or done[-1] - done[-window - 1] != window * fastest:
            for period in range(1, _LONGEST_PERIOD + 1):
                if _repeats(list(channels.values()), frames, period):
                    break
            else:
                if frames < _MOST_FRAMES:
                    continue
        interval = max(after - before for before, after in pairwise(done[-period - 1 :]))
        occupancy = {name: _occupancy(item) for name, item in channels.items()}
        return Cycles(interval, latency, occupancy, tuple(end - source.left[0] for end in done), period)


def _repeats(channels: Sequence[_Channel], frames: int, period: int) -> bool:
    """Whether the last periods of so many frames are the same in all channels, but for one shift in time."""
    first = frames - (_REPEATS + 1) * period
    if first < 0:
        return False
    shifts: set[int] = set()
    for channel in channels:
        for times in (channel.left,) if channel.source else (channel.left, channel.visible):
            if len(times) < frames * channel.beats:
                return False
            # The ends of the frames first: they nearly always tell.
            ends = times[(first + 1) * channel.beats - 1 : frames * channel.beats : channel.beats * period]
            shifts.update(after - before for before, after in pairwise(ends))
            if len(shifts) > 1:
                return False
    shift = shifts.pop()
    for channel in channels:
        for times in (channel.left,) if channel.source else (channel.left, channel.visible):
            window = np.array(times[first * channel.beats : frames * channel.beats])
            step = period * channel.beats
            if np.any(window[step:] - window[:-step] != shift):
                return False
    return True


def _occupancy(channel: _Channel) -> int:
    """The most beats that were visible and had not left, in any cycle."""
    visible = np.array(channel.visible[: len(channel.left)])
    left = np.array(channel.left[: len(visible)])
    if not len(visible):
        return 0
    return int((np.arange(1, len(visible) + 1) - np.searchsorted(left, visible, side="left")).max())


def replay(
    schedule: Schedule, offered: Sequence[Sequence[int]], left: Sequence[Sequence[int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """What one unit does by its law when its surroundings do what was observed.

    Parameters
    ----------
    schedule
        The unit's.
    offered
        For each input the cycle from which each beat was offered to it.
    left
        For each output the cycle in which each beat was taken from it.

    Returns
    -------
    tuple
        For each input the cycle in which it takes each beat, for each output the cycle from which it offers each beat,
        as far as the observed beats let it go.
    """
    inputs, outputs = [_Channel() for _ in offered], [_Channel() for _ in left]
    for channel, cycles in zip(inputs, offered, strict=True):
        channel.visible = list(cycles)
    for channel, cycles in zip(outputs, left, strict=True):
        channel.left = list(cycles)
    machines = _machines(schedule, inputs, outputs)
    while sum([next(machine) for machine in machines]):
        pass
    made = []
    for channel in outputs:
        # A beat is offered when the one in front of it has left; behind the last that left, one more is.
        after = [0, *(end + 1 for end in channel.left)]
        made.append([max(pair) for pair in zip(channel.visible, after, strict=False)])
    return [channel.left for channel in inputs], made
