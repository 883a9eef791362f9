"""The token cycle model: initiation interval and latency from the schedules (docs/dataflow.md, sections 4 and 5).

Every unit is played event by event under the law of section 4. The times are the least solution of a system of
max-plus recurrences, so the order in which units are advanced does not matter; a unit runs until it needs a time that
is not known yet, then another one runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Schedule
from bnnfpga.dataflow.stream import Stream

_MOST_FRAMES = 4096


@dataclass(frozen=True)
class Cycles:
    """What the accelerator's clock shows.

    `initiation_interval` and `latency` are in cycles; `max_occupancy` gives, by stream name, the most beats that its
    queue held at a time.
    """

    initiation_interval: int
    latency: int
    max_occupancy: dict[str, int]


class Deadlock(Exception):
    """The graph stops: every unit waits for another. `streams` names those that hold beats nobody can take."""

    def __init__(self, streams: list[str]) -> None:
        super().__init__(f"deadlock; beats wait in {', '.join(streams)}")
        self.streams = streams


class _Channel:
    """The times at which a stream's beats became visible and left; the outer world never makes either wait."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.visible: list[int] = []
        self.left: list[int] = []


class _Unit:
    """One operator being played."""

    def __init__(self, schedule: Schedule, inputs: list[_Channel], outputs: list[_Channel]) -> None:
        self.steps = self._run(schedule, inputs, outputs)

    @staticmethod
    def _run(schedule: Schedule, inputs: list[_Channel], outputs: list[_Channel]) -> Iterator[bool]:
        """Advance as far as possible, then yield whether anything happened."""
        time = -1
        taken = [0] * len(inputs)
        held = [0] * len(outputs)  # room taken by all events so far, as if no beat had left
        moved = False
        while True:
            for event in schedule.events:
                start = time + event.gap
                for port, channel in enumerate(inputs):
                    if event.consume[port]:
                        while channel.stream.producer is not None and taken[port] >= len(channel.visible):
                            yield moved
                            moved = False
                        if channel.stream.producer is not None:
                            start = max(start, channel.visible[taken[port]])
                        taken[port] += 1
                for port, channel in enumerate(outputs):
                    if event.add[port]:
                        held[port] += event.add[port]
                        over = held[port] - schedule.capacity[port]
                        if over > 0:
                            leaving = -(-over // schedule.remove[port]) - 1
                            while leaving >= len(channel.left):
                                yield moved
                                moved = False
                            start = max(start, channel.left[leaving] + 1)
                time = start
                moved = True
                for port, channel in enumerate(inputs):
                    if event.consume[port]:
                        channel.left.append(time)
                for port, channel in enumerate(outputs):
                    for _ in range(event.emit[port]):
                        channel.visible.append(time + schedule.latency)
                        if channel.stream.consumer is None:
                            before = channel.left[-1] if channel.left else -1
                            channel.left.append(max(before + 1, time + schedule.latency))
            # One period is enough at a time: units downstream must get their turn.
            yield moved
            moved = False


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

    Raises
    ------
    Deadlock
        If no unit can go on.
    """
    channels = {stream.name: _Channel(stream) for stream in graph.streams}
    source, sink = channels[graph.input.name], channels[graph.output.name]
    units = [
        _Unit(
            operator.schedule(),
            [channels[stream.name] for stream in graph.inputs_of(operator.name)],
            [channels[stream.name] for stream in graph.outputs_of(operator.name)],
        )
        for operator in graph.operators
    ]
    beats = graph.output.port.beats
    while True:
        # Not any(): each unit must get its turn.
        if not sum([next(unit.steps) for unit in units]):
            raise Deadlock([name for name, channel in channels.items() if len(channel.visible) > len(channel.left)])
        frame_done = sink.left[beats - 1 :: beats]
        if len(frame_done) < 3:
            continue
        latency = frame_done[0] - source.left[0]
        interval, _ = steady_interval(frame_done, latency)
        # Steady: twice as many equal distances as frames fit into the pipe.
        window = 2 * (-(-latency // interval)) + 2
        tail = frame_done[-window - 1 :]
        if len(tail) == window + 1 and tail[-1] - tail[0] == window * (tail[1] - tail[0]):
            return Cycles(tail[1] - tail[0], latency, {name: _occupancy(channels[name]) for name in channels})
        if len(frame_done) >= _MOST_FRAMES:
            return Cycles(interval, latency, {name: _occupancy(channels[name]) for name in channels})


def _occupancy(channel: _Channel) -> int:
    """The most beats that were visible and had not left, in any cycle."""
    most = left = 0
    for count, visible in enumerate(channel.visible, start=1):
        while left < len(channel.left) and channel.left[left] < visible:
            left += 1
        most = max(most, count - left)
    return most
