"""The dot products of constant weights and the elements of a stream that a unit makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True, eq=False)
class WeightedSums:
    """A sum per channel of each vector that a frame has: the elements of a pixel, or of a window.

    Parameters
    ----------
    weights
        int64 (channels, elements of a vector); of a depthwise unit (pixels of a window, channels).
    weight_type, input_type
        What a weight and what an element can be.
    type
        The interval of the sums.
    is_depthwise
        Whether a channel sums its own elements of the pixels alone, else all of a vector.
    """

    weights: IntArray
    weight_type: IntegerType
    input_type: IntegerType
    type: IntegerType
    is_depthwise: bool = False

    @property
    def vector(self) -> int:
        """Elements of a vector."""
        return int(self.weights.size if self.is_depthwise else self.weights.shape[1])

    def operands(self, channel: int) -> tuple[IntArray, IntArray]:
        """Which elements of a vector a channel sums, and their weights."""
        if not self.is_depthwise:
            return np.arange(self.vector), self.weights[channel]
        pixels, channels = self.weights.shape
        return channels * np.arange(pixels) + channel, self.weights[:, channel]
