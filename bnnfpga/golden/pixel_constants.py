"""Per-pixel constants under kernels: the same kernels applied to an image of constants, padded with zeros."""

from __future__ import annotations

import math

import numpy as np

from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.numbers.float_functions import Doubles
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntArray

_MAX_EXACT = 1 << 22
"""Maximum number of products for which each sum is computed without rounding, which is slow."""


def convolved(weights: Doubles, scale: Doubles, shift: Doubles, groups: int, geometry: Geometry) -> Floats:
    """The contribution of an image of constants before a convolution to its outputs, float32 (outputs, windows).

    Each is a sum in float64, rounded once.

    Parameters
    ----------
    weights
        Integers (outputs, channels of a group, taps).
    scale
        The scale of the weights, per output or for all.
    shift
        The constants, (channels, ...pixels).
    """
    columns = _under_kernels(shift, geometry)
    outputs = len(weights) // groups
    inputs = len(columns) // groups
    exact = weights.size * columns.shape[1] <= _MAX_EXACT
    rows = []
    for output, own in enumerate(weights):
        first = output // outputs * inputs
        products = (columns[first : first + inputs] * own[:, None, :]).transpose(1, 0, 2).reshape(columns.shape[1], -1)
        rows.append(np.array([math.fsum(row) for row in products.tolist()]) if exact else products.sum(axis=1))
    with np.errstate(over="ignore"):
        return (np.stack(rows) * np.broadcast_to(scale, len(weights))[:, None]).astype(np.float32)


def averaged(shift: Doubles, geometry: Geometry) -> Floats:
    """The averages of an image of constants under a kernel, float32 (channels, windows)."""
    columns = _under_kernels(shift, geometry)
    sums = [[math.fsum(window) for window in channel] for channel in columns.tolist()]
    with np.errstate(over="ignore"):
        return (np.array(sums) / geometry.taps).astype(np.float32)


def _under_kernels(image: Doubles, geometry: Geometry) -> Doubles:
    """(channels, windows, taps): the pixels under the kernel in each window."""
    flat = image.reshape(len(image), -1)
    return np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)[:, _pixels(geometry)]


def _pixels(geometry: Geometry) -> IntArray:
    """(windows, taps): pixel indices; the index after the last pixel stands for places outside."""
    rows, columns = (
        (np.arange(geometry.windows[axis]) * geometry.stride[axis] - geometry.pads[axis])[:, None]
        + np.arange(geometry.kernel[axis]) * geometry.dilation[axis]
        for axis in (0, 1)
    )
    height, width = geometry.image
    down = np.where((rows >= 0) & (rows < height), rows, -1)[:, None, :, None]
    across = np.where((columns >= 0) & (columns < width), columns, -1)[None, :, None, :]
    pixels = np.where((down < 0) | (across < 0), height * width, down * width + across)
    return np.ascontiguousarray(pixels).reshape(math.prod(geometry.windows), geometry.taps)
