"""The token cycle model: initiation interval and latency from the schedules (docs/dataflow.md, sections 4 and 5).

The graph is simulated until its behaviour repeats.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import PicklableError, UserError
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.native_player import NativePlayer
from bnnfpga.dataflow.python_player import PythonPlayer, Wait

_MIN_NATIVE_BEATS = 20_000
"""Beats per frame, over all streams, from which native simulation pays off."""
_MAX_FRAMES = 512
"""Frames after which an interval that is still not certain is that of the last frame."""
_MAX_PERIOD = 4
"""The longest period of the whole graph, in frames: width converters can make it more than one."""


@dataclass(frozen=True)
class Cycles:
    """The accelerator's predicted timing.

    `initiation_interval` and `latency` are in cycles. `frame_done` has, for each of the first frames, the cycles from
    the very first input beat to the frame's last output beat on all outputs; after them, every `period` frames take as
    long as the `period` before.
    """

    initiation_interval: int
    latency: int
    frame_done: tuple[int, ...] = ()
    period: int = 1

    def done(self, frames: int) -> list[int]:
        """`frame_done` for any number of frames that follow each other without a gap."""
        cycles = list(self.frame_done[:frames])
        while len(cycles) < frames:
            cycles.append(2 * cycles[-self.period] - cycles[-2 * self.period])
        return cycles


class Deadlock(PicklableError):
    """The graph stops because units wait for each other.

    Parameters
    ----------
    streams
        The streams whose beats are stuck.
    cycle
        Why, like "'add0' waits for a beat from 'window0'", unit by unit until the first one is waited for.
    """

    def __init__(self, streams: list[str], cycle: list[str]) -> None:
        super().__init__(f"deadlock; beats wait in {', '.join(streams)}")
        self.streams, self.cycle = streams, cycle


class Player(Protocol):
    """Simulates a graph event by event, see `PythonPlayer`."""

    def restart(self, capacities: Mapping[str, int]) -> None: ...
    def play(self, times: Sequence[int] | NDArray[np.int64]) -> None: ...
    def advanced(self, plays: int) -> tuple[int, int] | None: ...
    def peak(self, stream: str) -> int: ...
    def waits(self) -> list[Wait]: ...
    def counts(self, stream: str) -> tuple[int, int]: ...
    def visible(self, stream: str) -> Sequence[int] | NDArray[np.int64]: ...
    def left(self, stream: str) -> Sequence[int] | NDArray[np.int64]: ...
    def is_critical(self, stream: str, beat: int) -> bool: ...


def player_for(graph: Graph, measured: Collection[str] = (), *, kept: Collection[str] = (), times: int = 1) -> Player:
    """The native player if that pays off and can be built, else the Python one.

    `measured` are streams whose peaks are wanted, `kept` those whose times are, beside the boundary's, and `times` says
    how often the graph will be played, about.
    """
    if times * sum(stream.port.beats for stream in graph.streams) >= _MIN_NATIVE_BEATS:
        with suppress(UserError):
            return NativePlayer(graph, kept, measured)
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


class Playing:
    """A graph in a player, frame by frame, with the input always valid or offered at an even pace.

    `done` has the cycle of each frame's last output beat, on all outputs. Later frames never affect earlier ones, so
    no more are played than are needed.
    """

    def __init__(self, graph: Graph, player: Player, pace: int = 0) -> None:
        self._graph, self._player, self._pace = graph, player, pace
        self._beats = graph.input.port.beats
        self.done: list[int] = []
        self.is_critical = False
        """Whether each later frame is done at least as many cycles later as the slowest unit takes for one."""

    @property
    def started(self) -> int:
        """The cycle of the first input beat."""
        return int(self._player.left(self._graph.input.name)[0])

    @property
    def latency(self) -> int:
        return self.done[0] - self.started

    def play_frame(self) -> None:
        """Play one more frame.

        Raises
        ------
        Deadlock
            If units wait for each other.
        """
        frame = len(self.done)
        self._player.play(frame * self._pace + np.arange(self._beats, dtype=np.int64) * self._pace // self._beats)
        ends = []
        for sink in self._graph.outputs:
            last = (frame + 1) * sink.port.beats - 1
            times = self._player.left(sink.name)
            if len(times) <= last:
                raise Deadlock(_stuck(self._graph, self._player), _cycle(self._player.waits()))
            ends.append((int(times[last]), self._player.is_critical(sink.name, last)))
        end, self.is_critical = max(ends)
        self.done.append(end)

    def period(self) -> int | None:
        """After how many frames everything repeats, later by the same number of cycles: it will do so for ever."""
        for period in range(1, _MAX_PERIOD + 1):
            advanced = self._player.advanced(period)
            if advanced is not None and advanced[0] == advanced[1]:
                return period
        return None

    def keeps_up(self, interval: int) -> bool:
        """Whether it is certain that no later frame is more than `interval` cycles later than the one before.

        Events are monotonic functions of those before: what was no more than so much later once will never be.
        """
        advanced = self._player.advanced(1)
        return advanced is not None and advanced[1] <= interval


def predict(graph: Graph) -> Cycles:
    """Predict the timing of a graph by simulating it until its interval is certain.

    A frame is done when its last beat has left on all outputs. Its distance to the one before is certain for ever when
    the state repeats, or when two bounds meet: no later frame takes longer than the slowest unit (`Playing.keeps_up`),
    and none is earlier than that unit, which is on a longest path to the end of the last frame (`Playing.is_critical`).

    Raises
    ------
    Deadlock
        If units wait for each other.
    """
    run = Playing(graph, player_for(graph))
    slowest = max(operator.interval() for operator in graph.operators)
    while True:
        run.play_frame()
        done = [end - run.started for end in run.done]
        if run.is_critical and run.keeps_up(slowest):
            return Cycles(slowest, run.latency, (*done, done[-1] + slowest))
        period = run.period() or (1 if len(done) == _MAX_FRAMES else _MAX_FRAMES)
        if len(done) > period:
            interval = max(after - before for before, after in pairwise(done[-period - 1 :]))
            return Cycles(interval, run.latency, tuple(done), period)


def _stuck(graph: Graph, player: Player) -> list[str]:
    """The streams in which beats are stuck once the graph accepts no more input."""
    source, beats = graph.input, graph.input.port.beats
    while len(player.left(source.name)) == len(player.visible(source.name)):
        player.play([0] * beats)
        beats *= 2
    inner = [stream.name for stream in graph.streams if stream.producer is not None]
    return [name for name in inner for visible, left in (player.counts(name),) if visible > left]


def _cycle(waits: Sequence[Wait]) -> list[str]:
    """A circle of units that wait for each other: whoever waits for a unit that does not move is on the way to one."""
    machine, seen = 0, dict[int, str]()
    while machine not in seen:
        wait = waits[machine]
        if wait.machine is None:
            return []
        other = waits[wait.machine].unit
        seen[machine] = "" if other == wait.unit else _reason(wait, other)
        machine = wait.machine
    return [reason for reason in list(seen.values())[list(seen).index(machine) :] if reason]


def _reason(wait: Wait, other: str) -> str:
    return (
        f"{wait.unit!r} waits until {other!r} takes a beat"
        if wait.for_room
        else (f"{wait.unit!r} waits for a beat from {other!r}")
    )


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
    player.play(np.zeros(frames * graph.input.port.beats, np.int64))
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
