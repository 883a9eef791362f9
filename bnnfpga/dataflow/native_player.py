"""`PythonPlayer` in native code (`flows/cycles/`), for graphs with many events."""

from __future__ import annotations

import ctypes
import functools
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.assets import asset
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.python_player import Wait, critical_machines
from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.native.library import TranslationUnit, shared_library

_DONE = 0
_FOR_ROOM = 2


class NativePlayer:
    """Simulates a graph event by event, see `PythonPlayer`.

    It forgets what nothing depends on any more, except for the boundary's streams and those in `kept`.

    Raises
    ------
    UserError
        If the native code cannot be built on this machine.
    """

    def __init__(self, graph: Graph, kept: Collection[str] = (), measured: Collection[str] = ()) -> None:
        self._library = _library()
        streams = graph.streams
        self._input = graph.input.name
        self._number = {stream.name: number for number, stream in enumerate(streams)}
        sink = [stream.consumer is None for stream in streams]
        keeps = [stream.name in kept or None in (stream.producer, stream.consumer) for stream in streams]
        self._units: list[str] = []
        machines: list[tuple[Schedule, list[int], list[int]]] = []
        for operator in graph.operators:
            schedule = operator.schedule()
            inputs = [self._number[stream.name] for stream in graph.inputs_of(operator.name)]
            outputs = [self._number[stream.name] for stream in graph.outputs_of(operator.name)]
            if schedule.front is not None:
                between = [len(sink)]
                sink.append(False)
                keeps.append(False)
                machines.append((schedule.front, inputs, between))
                self._units.append(operator.name)
                inputs = between
            machines.append((schedule, inputs, outputs))
            self._units.append(operator.name)
        channels = ctypes.c_uint64(len(sink))
        self._handle = ctypes.c_void_p(self._library.bnn_player_new(channels, _bytes(sink), _bytes(keeps)))
        if not self._handle:
            raise MemoryError
        weakref.finalize(self, self._library.bnn_player_free, self._handle)
        self._ends: dict[int, list[int]] = {}
        critical = critical_machines(graph)
        for number, (schedule, inputs, outputs) in enumerate(machines):
            self._add(schedule, inputs, outputs, critical[number])
            for channel in (*inputs, *outputs):
                self._ends.setdefault(channel, []).append(number)
        for stream in streams:
            if stream.name in measured and stream.producer is not None:
                latency = ctypes.c_int64(graph[stream.producer].schedule().latency)
                self._library.bnn_player_measure(self._handle, self._channel(stream.name), latency)

    def _channel(self, stream: str) -> ctypes.c_uint64:
        return ctypes.c_uint64(self._number[stream])

    def _add(self, schedule: Schedule, inputs: list[int], outputs: list[int], critical: bool) -> None:
        # Schedules repeat a few event objects many times.
        kinds = list({id(event): event for event in schedule.events}.values())
        number = {id(event): kind for kind, event in enumerate(kinds)}
        order = np.fromiter((number[id(event)] for event in schedule.events), np.int32, len(schedule.events))
        status = self._library.bnn_player_add_machine(
            self._handle,
            ctypes.c_int64(schedule.latency),
            ctypes.c_int(critical),
            ctypes.c_uint64(len(inputs)),
            _integers(inputs),
            ctypes.c_uint64(len(outputs)),
            _integers(outputs),
            _integers(schedule.capacity),
            _integers(schedule.remove),
            ctypes.c_uint64(len(kinds)),
            _integers(event.gap for event in kinds),
            _integers(beats for event in kinds for beats in event.consume),
            _integers(beats for event in kinds for beats in (event.consume if event.need is None else event.need)),
            _integers(room for event in kinds for room in event.add),
            _integers(beats for event in kinds for beats in event.emit),
            ctypes.c_uint64(len(order)),
            order.ctypes.data_as(ctypes.c_void_p),
        )
        if status != _DONE:
            raise MemoryError

    def restart(self, capacities: Mapping[str, int]) -> None:
        """Back to the start, with other capacities of some streams' queues."""
        self._library.bnn_player_clear(self._handle)
        for stream, beats in capacities.items():
            self._library.bnn_player_set_capacity(self._handle, self._channel(stream), ctypes.c_int64(beats))

    def play(self, times: Sequence[int] | NDArray[np.int64]) -> None:
        """Offer more input beats, each from its cycle on, and run until nothing moves."""
        cycles = np.ascontiguousarray(times, np.int64)
        pointer, count = cycles.ctypes.data_as(ctypes.c_void_p), ctypes.c_uint64(len(cycles))
        if self._library.bnn_player_play(self._handle, self._channel(self._input), count, pointer) != _DONE:
            raise MemoryError

    def advanced(self, plays: int) -> tuple[int, int] | None:
        """See `PythonPlayer.advanced`."""
        least, most = ctypes.c_int64(), ctypes.c_int64()
        comparable = self._library.bnn_player_advanced(
            self._handle, ctypes.c_uint64(plays), ctypes.byref(least), ctypes.byref(most)
        )
        return (least.value, most.value) if comparable else None

    def peak(self, stream: str) -> int:
        """The most beats at a time in a measured stream's queue, counted from the events that send them."""
        return int(self._library.bnn_player_peak(self._handle, self._channel(stream)))

    def waits(self) -> list[Wait]:
        """See `PythonPlayer.waits`."""
        found = []
        for machine, unit in enumerate(self._units):
            channel = ctypes.c_uint64()
            kind = self._library.bnn_player_waiting(self._handle, ctypes.c_uint64(machine), ctypes.byref(channel))
            others = [other for other in self._ends[channel.value] if other != machine] if kind else []
            found.append(Wait(unit, kind == _FOR_ROOM, others[0] if others else None))
        return found

    def counts(self, stream: str) -> tuple[int, int]:
        """The beats that became visible, and those that left."""
        times = ctypes.POINTER(ctypes.c_int64)()
        visible, left = (
            self._library.bnn_player_times(self._handle, self._channel(stream), ctypes.c_int(side), ctypes.byref(times))
            for side in (1, 0)
        )
        return int(visible), int(left)

    def visible(self, stream: str) -> NDArray[np.int64]:
        """The cycle in which each beat of a kept stream became visible; at the input, from which it was offered."""
        return self._times(stream, visible=True)

    def left(self, stream: str) -> NDArray[np.int64]:
        """The cycle in which each beat of a kept stream left."""
        return self._times(stream, visible=False)

    def is_critical(self, stream: str, beat: int) -> bool:
        """See `PythonPlayer.is_critical`; for a kept stream."""
        return bool(self._marked(stream, visible=False)[beat] & 1)

    def _times(self, stream: str, *, visible: bool) -> NDArray[np.int64]:
        return self._marked(stream, visible=visible) >> 1

    def _marked(self, stream: str, *, visible: bool) -> NDArray[np.int64]:
        """Times in half cycles, valid until the next `play`."""
        times = ctypes.POINTER(ctypes.c_int64)()
        side = ctypes.c_int(visible)
        count = self._library.bnn_player_times(self._handle, self._channel(stream), side, ctypes.byref(times))
        assert times or not count, f"the times of {stream} are not kept"
        return np.ctypeslib.as_array(times, (count,)) if count else np.zeros(0, np.int64)


@functools.cache
def _library() -> ctypes.CDLL:
    source = asset("flows") / "cycles" / "player.cpp"
    parts = {"player": TranslationUnit(("-O2",), (source,))}
    library = shared_library("cycles", parts, what="the cycle model", hint="leave it unset")
    library.bnn_player_new.restype = ctypes.c_void_p
    library.bnn_player_free.restype = None
    library.bnn_player_times.restype = ctypes.c_uint64
    library.bnn_player_peak.restype = ctypes.c_int64
    library.bnn_player_clear.restype = None
    library.bnn_player_set_capacity.restype = None
    library.bnn_player_measure.restype = None
    return library


def _bytes(flags: list[bool]) -> ctypes.Array[ctypes.c_uint8]:
    return (ctypes.c_uint8 * len(flags))(*flags)


def _integers(values: Iterable[int]) -> ctypes.Array[ctypes.c_int64]:
    array = list(values)
    return (ctypes.c_int64 * len(array))(*array)
