"""A unit's dot products of constant weights and stream elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True, eq=False)
class WeightedSums:
    """One sum per output channel for each vector of a frame: the elements of a pixel, or of a window.

    Parameters
    ----------
    weights
        int64 (channels, elements of a vector); (pixels of a window, channels) in a depthwise unit.
    weight_type, input_type
        The types of weights and elements.
    type
        The interval of the sums.
    is_depthwise
        Whether a channel sums only its own elements of the pixels; otherwise it sums all elements of a vector.
    """

    weights: IntArray
    weight_type: IntegerType
    input_type: IntegerType
    type: IntegerType
    is_depthwise: bool = False

    @property
    def vector(self) -> int:
        """Elements per vector."""
        return int(self.weights.size if self.is_depthwise else self.weights.shape[1])

    def operands(self, channel: int) -> tuple[IntArray, IntArray]:
        """The indices of the elements of a vector that a channel sums, and their weights."""
        if not self.is_depthwise:
            return np.arange(self.vector), self.weights[channel]
        pixels, channels = self.weights.shape
        return channels * np.arange(pixels) + channel, self.weights[:, channel]
