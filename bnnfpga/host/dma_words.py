"""How beats of the boundary streams lie in the memory that an AXI DMA reads and writes.

A DMA moves words of 1, 2, 4 or 8 bytes. A beat is one word or several of them, the first the least significant, filled
up with zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.host.words import BoundaryFormat

_WIDEST = 8


@dataclass(frozen=True)
class DmaWords:
    """The words of a beat of `beat_bytes` bytes."""

    beat_bytes: int

    @classmethod
    def of(cls, stream: BoundaryFormat) -> DmaWords:
        """The words of a boundary stream's beats."""
        return cls(stream.beat_bytes)

    @property
    def word_bytes(self) -> int:
        """Bytes of a word: the least power of two that holds the beat, at most 8."""
        return min(_WIDEST, 1 << (self.beat_bytes - 1).bit_length())

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
