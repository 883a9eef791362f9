"""`PythonPlayer` in native code (`flows/cycles/`), for graphs with many events."""

from __future__ import annotations

import ctypes
import functools
import weakref
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.assets import asset
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.native.library import TranslationUnit, shared_library

_DONE = 0


class NativePlayer:
    """Simulates a graph event by event, see `PythonPlayer`. Returned times are valid until the next `play`.

    Raises
    ------
    UserError
        If the native code cannot be built on this machine.
    """

    def __init__(self, graph: Graph) -> None:
        self._library = _library()
        streams = graph.streams
        self._input = graph.input.name
        self._number = {stream.name: number for number, stream in enumerate(streams)}
        sink = [stream.consumer is None for stream in streams]
        machines: list[tuple[Schedule, list[int], list[int]]] = []
        for operator in graph.operators:
            schedule = operator.schedule()
            inputs = [self._number[stream.name] for stream in graph.inputs_of(operator.name)]
            outputs = [self._number[stream.name] for stream in graph.outputs_of(operator.name)]
            if schedule.front is not None:
                between = [len(sink)]
                sink.append(False)
                machines.append((schedule.front, inputs, between))
                inputs = between
            machines.append((schedule, inputs, outputs))
        self._handle = ctypes.c_void_p(self._library.bnn_player_new(ctypes.c_uint64(len(sink)), _bytes(sink)))
        if not self._handle:
            raise MemoryError
        weakref.finalize(self, self._library.bnn_player_free, self._handle)
        for schedule, inputs, outputs in machines:
            self._add(schedule, inputs, outputs)

    def _add(self, schedule: Schedule, inputs: list[int], outputs: list[int]) -> None:
        # Schedules repeat a few event objects many times.
        kinds = list({id(event): event for event in schedule.events}.values())
        number = {id(event): kind for kind, event in enumerate(kinds)}
        order = np.fromiter((number[id(event)] for event in schedule.events), np.int32, len(schedule.events))
        status = self._library.bnn_player_add_machine(
            self._handle,
            ctypes.c_int64(schedule.latency),
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

    def play(self, beats: int) -> None:
        """Offer input beats, `beats` in total since the start, and run until nothing moves."""
        number = ctypes.c_uint64(self._number[self._input])
        if self._library.bnn_player_play(self._handle, number, ctypes.c_uint64(beats)) != _DONE:
            raise MemoryError

    def visible(self, stream: str) -> NDArray[np.int64]:
        """The cycle in which each beat became visible; 0 at the input, which is always valid."""
        return self._times(stream, visible=True)

    def left(self, stream: str) -> NDArray[np.int64]:
        """The cycle in which each beat left."""
        return self._times(stream, visible=False)

    def _times(self, stream: str, *, visible: bool) -> NDArray[np.int64]:
        times = ctypes.POINTER(ctypes.c_int64)()
        number = ctypes.c_uint64(self._number[stream])
        count = self._library.bnn_player_times(self._handle, number, ctypes.c_int(visible), ctypes.byref(times))
        return np.ctypeslib.as_array(times, (count,)) if count else np.zeros(0, np.int64)


@functools.cache
def _library() -> ctypes.CDLL:
    source = asset("flows") / "cycles" / "player.cpp"
    parts = {"player": TranslationUnit(("-O2",), (source,))}
    library = shared_library("cycles", parts, what="the cycle model", hint="leave it unset")
    library.bnn_player_new.restype = ctypes.c_void_p
    library.bnn_player_free.restype = None
    library.bnn_player_times.restype = ctypes.c_uint64
    return library


def _bytes(flags: list[bool]) -> ctypes.Array[ctypes.c_uint8]:
    return (ctypes.c_uint8 * len(flags))(*flags)


def _integers(values: Iterable[int]) -> ctypes.Array[ctypes.c_int64]:
    array = list(values)
    return (ctypes.c_int64 * len(array))(*array)
