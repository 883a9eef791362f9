"""Emulation: the integers of a dataflow graph, computed fast and identical to those of `Graph.execute`.

See docs/emulator.md.
"""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.hardware import IDENTITY, EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Port
from bnnfpga.numbers.integers import IntArray
from bnnfpga.simulate.runners.emulator_library import check_call, choose_path, load_library

_KINDS = {"int64": 0, "int32": 1, "int8": 2, "uint8": 3}
"""Array types that the library reads without conversion, numbered as in its enum Storage."""


def run_emulator(
    graph: Graph,
    codes: NDArray[np.integer[Any]],
    *,
    tensors: Sequence[str] | None = None,
    threads: int | None = None,
    path: str | None = None,
) -> dict[str, IntArray]:
    """Compute the values of a graph's streams.

    Parameters
    ----------
    graph
        Any graph of dataflow operators, with or without folding.
    codes
        Integers (frames, *input shape) or (frames, elements), within the input stream's type.
    tensors
        Names of the streams to return, the input included; None for the outputs only.
    threads
        The number of threads that share the frames; None for one per core.
    path
        Forces `avx512`, `avx2`, `portable` or `numpy`; None takes the fastest that runs here.

    Returns
    -------
    dict
        int64 (frames, *shape) by stream name, as returned by `Graph.execute`.

    Raises
    ------
    UserError
        If the path does not run here, or its library cannot be built.
    """
    return Emulator(graph, path).run(codes, tensors=tensors, threads=threads)


class Emulator:
    """A graph prepared for many runs, native if there is a compiler, else in numpy. See `run_emulator`."""

    def __init__(self, graph: Graph, path: str | None = None) -> None:
        self.graph = graph
        self.path = choose_path(path)
        """`avx512`, `avx2`, `portable` or `numpy`."""
        self._shapes = {stream.name: stream.shape for stream in graph.streams}
        if self.path != "numpy":
            self._make_native()

    def run(
        self,
        codes: NDArray[np.integer[Any]],
        *,
        tensors: Sequence[str] | None = None,
        threads: int | None = None,
    ) -> dict[str, IntArray]:
        """See `run_emulator`."""
        names = [stream.name for stream in self.graph.outputs] if tensors is None else list(tensors)
        for name in names:
            if name not in self._shapes:
                raise ValueError(f"no stream is called {name!r}; there are {', '.join(self._shapes)}")
        shape = self.graph.input.shape
        frames = len(codes)
        if codes.dtype.kind not in "iu" or math.prod(codes.shape[1:]) != math.prod(shape):
            raise ValueError(f"codes are {codes.dtype} of shape {codes.shape}, expected integers of {shape} a frame")
        if self.path == "numpy":
            return self.graph.execute(codes.astype(np.int64), names)
        contiguous = np.ascontiguousarray(codes if codes.dtype.name in _KINDS else codes.astype(np.int64))
        results = {name: np.empty((frames, *self._shapes[name]), np.int64) for name in names}
        check_call(
            self._library.bnn_graph_run,
            self._handle,
            contiguous.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(_KINDS[contiguous.dtype.name]),
            ctypes.c_int64(frames),
            _numbers([self._tensors[name] for name in names]),
            _pointers(list(results.values())),
            ctypes.c_int64(len(names)),
            ctypes.c_int(threads or 0),
        )
        return results

    def scores(self, codes: NDArray[np.integer[Any]], *, threads: int | None = None) -> tuple[IntArray, ...]:
        """The graph's outputs for `codes`, each int64 (frames, elements)."""
        results = self.run(codes, threads=threads)
        return tuple(results[stream.name].reshape(len(codes), stream.port.elements) for stream in self.graph.outputs)

    def _make_native(self) -> None:
        self._library = load_library(self.path)
        self._handle = ctypes.c_void_p(self._library.bnn_graph_new())
        self._count = 0  # of tensors
        weakref.finalize(self, self._library.bnn_graph_free, self._handle)
        # The value of elements outside the image, by stream.
        outside: dict[str, int] = {}
        tensors: dict[str, int] = {self.graph.input.name: self._add_tensor(self.graph.input.port, 0)}
        graph = self.graph
        for operator in graph.operators:
            kernel = operator.emulator()
            sources, results = graph.inputs_of(operator.name), graph.outputs_of(operator.name)
            passed_on = outside.get(sources[0].name, 0) if kernel.outside is None else kernel.outside
            inputs = []
            for stream, port in zip(sources, operator.inputs, strict=True):
                inputs.append(tensors[stream.name])
                if stream.port.shape != port.shape:
                    # The same elements under other axes.
                    inputs[-1] = self._add_tensor(port, outside.get(stream.name, 0))
                    self._add_operator(operator, IDENTITY, [tensors[stream.name]], inputs[-1:])
            outputs = []
            for stream in results:
                outside[stream.name] = passed_on
                tensors[stream.name] = self._add_tensor(stream.port, passed_on)
                outputs.append(tensors[stream.name])
            self._add_operator(operator, kernel, inputs, outputs)
        self._tensors = tensors

    def _add_tensor(self, port: Port, outside: int) -> int:
        """Add a tensor for the values of a port; returns its number."""
        *positions, channels = port.shape
        lo, hi, bipolar = port.type.lo, port.type.hi, port.type.is_bipolar
        if port.pads:
            lo, hi, bipolar = min(lo, outside), max(hi, outside), False
        check_call(
            self._library.bnn_graph_add_tensor,
            self._handle,
            *(ctypes.c_int64(n) for n in (math.prod(positions), channels, lo, hi)),
            ctypes.c_int(bipolar),
        )
        self._count += 1
        return self._count - 1

    def _add_operator(self, operator: Operator, kernel: EmulatorKernel, inputs: list[int], outputs: list[int]) -> None:
        arrays = [np.ascontiguousarray(value, dtype=np.int64) for value in kernel.values.values()]
        check_call(
            self._library.bnn_graph_add_operator,
            self._handle,
            kernel.name.encode(),
            _numbers(inputs),
            ctypes.c_int64(len(inputs)),
            _numbers(outputs),
            ctypes.c_int64(len(outputs)),
            (ctypes.c_char_p * len(arrays))(*(name.encode() for name in kernel.values)),
            _pointers(arrays),
            _numbers([array.size for array in arrays]),
            ctypes.c_int64(len(arrays)),
            who=operator.name,
        )


def _numbers(values: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    return (ctypes.c_int64 * len(values))(*values)


def _pointers(arrays: Sequence[IntArray]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
