"""How beats of the boundary streams lie in the memory that an AXI DMA reads and writes.

A DMA moves words of 1, 2, 4 or 8 bytes. A beat is one word or several of them, the first the least significant, filled
up with zeros. All outputs go through one DMA: in each frame one output's beats behind the other's, in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.host.words import BoundaryFormat

_MAX_WORD_BYTES = 8


@dataclass(frozen=True)
class DmaWords:
    """Words of `word_bytes` bytes for beats of `beat_bytes` bytes."""

    beat_bytes: int
    word_bytes: int

    @classmethod
    def of(cls, *streams: BoundaryFormat) -> tuple[DmaWords, ...]:
        """The words of the beats of boundary streams that share a DMA: the least that hold a beat of any of them."""
        return cls.of_beats(*(stream.beat_bytes for stream in streams))

    @classmethod
    def of_beats(cls, *beat_bytes: int) -> tuple[DmaWords, ...]:
        """The same by the bytes of the streams' beats."""
        word_bytes = min(_MAX_WORD_BYTES, 1 << (max(beat_bytes) - 1).bit_length())
        return tuple(cls(count, word_bytes) for count in beat_bytes)

    @property
    def words(self) -> int:
        """Words of a beat."""
        return -(-self.beat_bytes // self.word_bytes)

    @property
    def bytes(self) -> int:
        """Bytes of a beat in memory."""
        return self.words * self.word_bytes

    def spread(self, beats: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Packed beats, uint8 (frames, beats * beat_bytes), as they lie in memory, (frames, beats * bytes)."""
        frames = len(beats)
        spread = np.zeros((beats.size // self.beat_bytes, self.bytes), dtype=np.uint8)
        spread[:, : self.beat_bytes] = beats.reshape(-1, self.beat_bytes)
        return spread.reshape(frames, -1)

    def gather(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The inverse of `spread`."""
        frames = len(data)
        return np.ascontiguousarray(data.reshape(-1, self.bytes)[:, : self.beat_bytes]).reshape(frames, -1)


def gather_frames(words: Sequence[DmaWords], beats: Sequence[int], data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The packed beats of several streams, in each frame one stream behind the other, of what lies in memory so."""
    ends = np.cumsum([word.bytes * count for word, count in zip(words, beats, strict=True)])
    parts = np.split(data, ends[:-1], axis=1)
    return np.concatenate([word.gather(part) for word, part in zip(words, parts, strict=True)], axis=1)
