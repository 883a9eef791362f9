"""Integers to and from the bytes of the accelerator's boundary streams (docs/dataflow.md, section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True)
class BoundaryFormat:
    """A boundary stream: `elements` integers of a type per frame, `lanes` per beat, beats padded to whole bytes."""

    elements: int
    type: IntegerType
    lanes: int

    @property
    def beats(self) -> int:
        return self.elements // self.lanes

    @property
    def beat_bytes(self) -> int:
        return (self.lanes * self.type.bits + 7) // 8

    @property
    def frame_bytes(self) -> int:
        return self.beats * self.beat_bytes

    def pack(self, values: IntArray) -> NDArray[np.uint8]:
        """int64 (frames, elements) to bytes, uint8 (frames, beats * beat_bytes)."""
        frames = len(values)
        holds = np.uint8 if self.type.bits <= 8 else np.uint32 if self.type.bits <= 32 else np.uint64
        codes = self.type.encode(values).astype(holds)
        if self.type.bits == 8:
            bytes_ = codes.reshape(frames * self.beats, self.lanes)
            return np.ascontiguousarray(bytes_).reshape(frames, -1)
        bits = (codes[..., None] >> np.arange(self.type.bits, dtype=codes.dtype)) & 1
        words = bits.astype(np.uint8).reshape(frames * self.beats, self.lanes * self.type.bits)
        return np.packbits(words, axis=1, bitorder="little").reshape(frames, -1)

    def unpack(self, data: NDArray[np.uint8]) -> IntArray:
        """The inverse of `pack`."""
        frames = len(data)
        words = data.reshape(frames * self.beats, self.beat_bytes)
        bits = np.unpackbits(words, axis=1, count=self.lanes * self.type.bits, bitorder="little")
        fields = bits.reshape(frames, self.elements, self.type.bits).astype(np.int64)
        return self.type.decode(fields @ (np.int64(1) << np.arange(self.type.bits, dtype=np.int64)))


def pack_frames(streams: Sequence[BoundaryFormat], values: Sequence[IntArray]) -> NDArray[np.uint8]:
    """Streams' integers, each int64 (frames, elements), to bytes; in each frame the streams follow each other."""
    return np.concatenate([stream.pack(array) for stream, array in zip(streams, values, strict=True)], axis=1)


def unpack_frames(streams: Sequence[BoundaryFormat], data: NDArray[np.uint8]) -> tuple[IntArray, ...]:
    """The inverse of `pack_frames`, from uint8 (frames, bytes)."""
    ends = np.cumsum([stream.frame_bytes for stream in streams])
    parts = np.split(data, ends[:-1], axis=1)
    return tuple(stream.unpack(np.ascontiguousarray(part)) for stream, part in zip(streams, parts, strict=True))
