"""The token cycle model: initiation interval and latency from the schedules (docs/dataflow.md, sections 4 and 5).

The graph is simulated until its behaviour repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import PicklableError, UserError
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.native_player import NativePlayer
from bnnfpga.dataflow.python_player import PythonPlayer

_MIN_NATIVE_BEATS = 20_000
"""Beats per frame, over all streams, from which native simulation pays off."""
_MAX_FRAMES = 512
_MAX_PERIOD = 4
"""The longest period of the whole graph, in frames: width converters can make it more than one."""
_REPEATS = 3
"""Successive periods that must agree. No queue holds more than two frames, so nothing depends on older ones."""


@dataclass(frozen=True)
class Cycles:
    """The accelerator's predicted timing.

    `initiation_interval` and `latency` are in cycles; `max_occupancy` has, by stream name, the peak occupancy of its
    queue in beats. `frame_done` has, for each of the first frames, the cycles from the very first input beat to the
    frame's last output beat on all outputs; after them, every `period` frames take as long as the `period` before.
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


class Deadlock(PicklableError):
    """The graph stops because every unit waits for another. `streams` names the streams whose beats are stuck."""

    def __init__(self, streams: list[str]) -> None:
        super().__init__(f"deadlock; beats wait in {', '.join(streams)}")
        self.streams = streams


class Player(Protocol):
    """Simulates a graph event by event, see `PythonPlayer`."""

    def play(self, beats: int) -> None: ...
    def visible(self, stream: str) -> Sequence[int] | NDArray[np.int64]: ...
    def left(self, stream: str) -> Sequence[int] | NDArray[np.int64]: ...


def player_for(graph: Graph) -> Player:
    """The native player if that pays off and can be built, else the Python one."""
    if sum(stream.port.beats for stream in graph.streams) >= _MIN_NATIVE_BEATS:
        with suppress(UserError):
            return NativePlayer(graph)
    return PythonPlayer(graph)


def steady_interval(frame_done: Sequence[int], latency: int) -> tuple[int, bool]:
    """The initiation interval, from the cycles in which successive frames' last output beats left.

    The pipeline counts as full once as many frames have left as fit into it one interval apart.

    Parameters
    ----------
    frame_done
        Cycle of the last output transfer of each frame, at least two.
    latency
        Cycles of the first frame.

    Returns
    -------
    tuple
        The largest distance between frames once the pipeline is full, and whether all these distances are equal.
    """
    distances = [after - before for before, after in pairwise(frame_done)]
    fill = min(-(-latency // distances[-1]) + 1, len(distances) - 1)
    steady = distances[fill:]
    return max(steady), min(steady) == max(steady)


def predict(graph: Graph) -> Cycles:
    """Predict the timing of a graph by simulating it until its interval is steady.

    A frame is done when its last beat has left on all outputs. The interval is steady when all streams repeat; or when
    each output has kept the pace of the slowest unit for twice a frame's latency: it cannot get faster, and only the
    occupancy of the queues in front of that unit still changes.

    Raises
    ------
    Deadlock
        If every unit waits for another.
    """
    player = player_for(graph)
    source = graph.input.name
    fastest = max(operator.interval() for operator in graph.operators)
    frames = 0
    while True:
        # Later frames never affect earlier ones, so frames are added one by one: no unit simulates frames that the
        # others do not need, and deep graphs need no more frames than shallow ones.
        frames += 1
        player.play(frames * graph.input.port.beats)
        ends = [player.left(sink.name)[sink.port.beats - 1 :: sink.port.beats] for sink in graph.outputs]
        if any(len(times) < frames for times in ends):
            raise Deadlock(_stuck(graph, player))
        done = [max(map(int, times)) for times in zip(*ends, strict=True)]
        started = int(player.left(source)[0])
        latency = done[0] - started
        window = 2 * (-(-latency // fastest)) + 2
        period = 1
        if frames <= window or any(times[-1] - times[-window - 1] != window * fastest for times in ends):
            for period in range(1, _MAX_PERIOD + 1):
                if _repeats(graph, player, frames, period):
                    break
            else:
                if frames < _MAX_FRAMES:
                    continue
        interval = max(after - before for before, after in pairwise(done[-period - 1 :]))
        occupancy = {
            stream.name: 0 if stream.producer is None else _occupancy(player, stream.name) for stream in graph.streams
        }
        return Cycles(interval, latency, occupancy, tuple(end - started for end in done), period)


def _stuck(graph: Graph, player: Player) -> list[str]:
    """The streams in which beats are stuck once the graph accepts no more input."""
    source, beats = graph.input, graph.input.port.beats
    while len(player.left(source.name)) == beats:
        beats *= 2
        player.play(beats)
    inner = [stream.name for stream in graph.streams if stream.producer is not None]
    return [name for name in inner if len(player.visible(name)) > len(player.left(name))]


def _repeats(graph: Graph, player: Player, frames: int, period: int) -> bool:
    """Whether the last periods of `frames` frames agree in all streams, up to one shift in time."""
    first = frames - (_REPEATS + 1) * period
    if first < 0:
        return False
    shifts: set[int] = set()
    recorded: list[tuple[int, Sequence[int] | NDArray[np.int64]]] = []
    for stream in graph.streams:
        recorded.append((stream.port.beats, player.left(stream.name)))
        if stream.producer is not None:
            recorded.append((stream.port.beats, player.visible(stream.name)))
    for beats, times in recorded:
        if len(times) < frames * beats:
            return False
        # Compare the ends of the frames first: they nearly always settle it.
        ends = times[(first + 1) * beats - 1 : frames * beats : beats * period]
        shifts.update(int(after - before) for before, after in pairwise(ends))
        if len(shifts) > 1:
            return False
    shift = shifts.pop()
    for beats, times in recorded:
        window = np.asarray(times[first * beats : frames * beats])
        if np.any(window[period * beats :] - window[: -period * beats] != shift):
            return False
    return True


def _occupancy(player: Player, stream: str) -> int:
    """The peak number of beats that were visible and had not left."""
    all_left = np.asarray(player.left(stream))
    visible = np.asarray(player.visible(stream)[: len(all_left)])
    left = all_left[: len(visible)]
    if not len(visible):
        return 0
    return int((np.arange(1, len(visible) + 1) - np.searchsorted(left, visible, side="left")).max())


def waiting_beats(graph: Graph, words: Sequence[int]) -> list[int]:
    """The peak number of waiting beats of each output when a host reads a frame of each output in turn.

    Parameters
    ----------
    graph
        A graph with several outputs.
    words
        For each output, the most cycles that the host takes for a beat.
    """
    cycles = predict(graph)
    frames = 2 * -(-cycles.latency // cycles.initiation_interval) + 2 * cycles.period + 2
    player = player_for(graph)
    player.play(frames * graph.input.port.beats)
    sizes = [stream.port.beats for stream in graph.outputs]
    # If the host is the bottleneck, frames arrive at its pace.
    pace = sum(size * count for size, count in zip(sizes, words, strict=True))
    late = max(0, pace - cycles.initiation_interval) * np.arange(frames, dtype=np.int64)[:, None]
    offered = [
        np.asarray(player.visible(stream.name))[: frames * size].reshape(frames, size) + late
        for stream, size in zip(graph.outputs, sizes, strict=True)
    ]
    read = [np.empty_like(times) for times in offered]
    free = 0
    for frame in range(frames):
        for times, ends, count in zip(offered, read, words, strict=True):
            work = count * np.arange(times.shape[1])
            ends[frame] = work + np.maximum.accumulate(np.maximum(times[frame], free) - work)
            free = int(ends[frame, -1]) + count
    waiting = []
    for times, ends in zip(offered, read, strict=True):
        occupancy = np.arange(1, times.size + 1) - np.searchsorted(ends.reshape(-1), times.reshape(-1), side="left")
        waiting.append(int(occupancy.max()))
    return waiting
