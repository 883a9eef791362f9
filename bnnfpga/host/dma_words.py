"""The layout of boundary streams' beats in the memory that an AXI DMA reads and writes.

A DMA moves words of 1, 2, 4 or 8 bytes. A beat is one or more words, least significant first, padded with zeros. All
outputs share one DMA and its word size: in each frame, the outputs' beats follow each other.
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
        """The words of boundary streams that share a DMA: the smallest that hold a beat of any, up to 8 bytes."""
        return cls.of_beats(*(stream.beat_bytes for stream in streams))

    @classmethod
    def of_beats(cls, *beat_bytes: int) -> tuple[DmaWords, ...]:
        """The same, from the bytes per beat of the streams."""
        word_bytes = min(_MAX_WORD_BYTES, 1 << (max(beat_bytes) - 1).bit_length())
        return tuple(cls(count, word_bytes) for count in beat_bytes)

    @property
    def words(self) -> int:
        """Words per beat."""
        return -(-self.beat_bytes // self.word_bytes)

    @property
    def bytes(self) -> int:
        """Bytes per beat in memory."""
        return self.words * self.word_bytes

    def spread(self, beats: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Packed beats, uint8 (frames, beats * beat_bytes), to their layout in memory, (frames, beats * bytes)."""
        frames = len(beats)
        spread = np.zeros((beats.size // self.beat_bytes, self.bytes), dtype=np.uint8)
        spread[:, : self.beat_bytes] = beats.reshape(-1, self.beat_bytes)
        return spread.reshape(frames, -1)

    def gather(self, data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The inverse of `spread`."""
        frames = len(data)
        return np.ascontiguousarray(data.reshape(-1, self.bytes)[:, : self.beat_bytes]).reshape(frames, -1)


def words_per_frame(*directions: Sequence[tuple[int, int]]) -> int:
    """The words of a frame that cross the boundary in the busier direction, and so the cycles that a DMA takes.

    Each direction is its streams, as their beats per frame and bytes per beat.
    """
    totals = []
    for streams in directions:
        words = DmaWords.of_beats(*(beat_bytes for _, beat_bytes in streams))
        totals.append(sum(own.words * beats for own, (beats, _) in zip(words, streams, strict=True)))
    return max(totals)


def gather_frames(words: Sequence[DmaWords], beats: Sequence[int], data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The inverse of `spread` for several streams that follow each other in each frame."""
    ends = np.cumsum([word.bytes * count for word, count in zip(words, beats, strict=True)])
    parts = np.split(data, ends[:-1], axis=1)
    return np.concatenate([word.gather(part) for word, part in zip(words, parts, strict=True)], axis=1)
