"""The beats of streams in a simulation, as the simulators write them and as integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.stream import Port, Stream
from bnnfpga.numbers.integers import IntArray

_NEVER = np.uint64(2**64 - 1)


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats transferred on a stream, in order.

    Parameters
    ----------
    elements
        int64 (beats * lanes,), in the order of beats (`Port.in_beats`).
    frames
        The number of beats of each frame, from simulators that know frames; None where beats merely follow each other.
    offered_at, transferred_at
        For each beat the first cycle in which it was valid and the cycle of its transfer; None without cycles. A beat
        that still waits at the end is in `offered_at` only, not in `elements`.
    """

    elements: IntArray
    frames: IntArray | None = None
    offered_at: IntArray | None = None
    transferred_at: IntArray | None = None

    def tensor(self, stream: Stream) -> IntArray:
        """The whole frames as int64 (frames, *shape)."""
        elements = stream.port.elements
        frames = len(self.elements) // elements
        return stream.port.from_beats(self.elements[: frames * elements]).reshape(frames, *stream.shape)


Observed = Mapping[str, Beats]
"""Observed beats by stream name."""


def from_tensors(graph: Graph, tensors: Mapping[str, IntArray]) -> Observed:
    """The beats of a backend that computes whole tensors, (frames, *shape)."""
    ports = {stream.name: stream.port for stream in graph.streams}
    return {name: Beats(ports[name].in_beats(tensor)) for name, tensor in tensors.items()}


def from_monitors(graph: Graph, files: Mapping[str, bytes]) -> Observed:
    """The records of flows/verilator/bnn_stream_monitor.sv."""
    observed = {}
    for stream in graph.streams:
        if stream.name not in files:
            continue
        # The monitor at the boundary sees the padding as well.
        width = 8 * stream.port.boundary_bytes if stream.consumer is None else stream.port.width
        words = -(-width // 32)
        record = np.dtype([("transferred_at", "<u8"), ("offered_at", "<u8"), ("data", "u1", (4 * words,))])
        records = np.frombuffer(files[stream.name], record, len(files[stream.name]) // record.itemsize)
        transferred = records[records["transferred_at"] != _NEVER]
        observed[stream.name] = Beats(
            _elements(transferred["data"], stream.port),
            offered_at=records["offered_at"].astype(np.int64),
            transferred_at=transferred["transferred_at"].astype(np.int64),
        )
    return observed


def from_dump(graph: Graph, files: Mapping[str, bytes]) -> Observed:
    """The records of hls/bnn/dump.hpp: of each frame the number of words, then the words in 64-bit chunks."""
    observed = {}
    for stream in graph.streams:
        if stream.name not in files:
            continue
        data = np.frombuffer(files[stream.name], "<u8")
        chunks = -(-stream.port.width // 64)
        at, counts, parts = 0, [], []
        while at < len(data):
            count = int(data[at])
            counts.append(count)
            parts.append(data[at + 1 : at + 1 + count * chunks])
            at += 1 + count * chunks
        words = np.concatenate(parts).view(np.uint8).reshape(-1, 8 * chunks)
        observed[stream.name] = Beats(_elements(words, stream.port), frames=np.array(counts, dtype=np.int64))
    return observed


def _elements(words: NDArray[np.uint8], port: Port) -> IntArray:
    """The integers in beats of whole bytes, (beats, bytes)."""
    bits = np.unpackbits(np.ascontiguousarray(words), axis=1, count=port.width, bitorder="little")
    fields = bits[:, : port.lanes * port.type.bits].reshape(-1, port.type.bits).astype(np.int64)
    elements = port.type.decode(fields @ (np.int64(1) << np.arange(port.type.bits, dtype=np.int64)))
    if not port.pads:
        return elements
    flags = bits[:, port.lanes * port.type.bits :].repeat(port.lanes // port.pads, axis=1).reshape(-1)
    return np.where(flags, outside(port), elements)


def outside(port: Port) -> int:
    """An integer outside a stream's type, for elements flagged as lying outside the image."""
    return 0 if not port.type.holds(np.array(0)) else port.type.lo - 1


def normalised(port: Port, tensor: IntArray) -> IntArray:
    """A tensor with `outside` in place of every element that the type does not hold: flags do not distinguish them."""
    return np.where(port.type.holds(tensor), tensor, outside(port)) if port.pads else tensor
