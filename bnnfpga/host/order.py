"""Two orders of a frame's elements: the model's, and that in which they stream.

The model's tensors are (channels, ...pixels); streams of images have their channels innermost. Vectors have one order.
"""

from __future__ import annotations

import math

import numpy as np

from bnnfpga.integers import IntArray


def scores_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The model's scores of an image from the shape of their stream.

    (elements,), or (channels, rows, columns) where there are some for each pixel.
    """
    *pixels, channels = shape
    return (channels, *pixels) if math.prod(pixels) > 1 else (channels,)


def to_stream(values: IntArray, shape: tuple[int, ...]) -> IntArray:
    """(frames, elements) in the model's order, to the order of a stream of this shape, channels last."""
    if len(shape) == 1:
        return values
    tensor = values.reshape(len(values), shape[-1], *shape[:-1])
    return np.moveaxis(tensor, 1, -1).reshape(len(values), -1)


def to_model(values: IntArray, shape: tuple[int, ...]) -> IntArray:
    """The inverse of `to_stream`."""
    if len(shape) == 1:
        return values
    return np.moveaxis(values.reshape(len(values), *shape), -1, 1).reshape(len(values), -1)
