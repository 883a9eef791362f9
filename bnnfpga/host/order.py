"""The two orders of a frame's elements: in the model's file, and in the stream.

Tensors of images are (channels, ...pixels) in most files and (...pixels, channels) in some; streams of images have
their channels innermost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnnfpga.numbers.integers import IntArray


@dataclass(frozen=True, eq=False)
class Order:
    """For each element of a frame's stream, its place in the file's flattened tensor: int64 (elements,)."""

    places: IntArray

    @property
    def is_same(self) -> bool:
        """Whether both orders are the same."""
        return np.array_equal(self.places, np.arange(len(self.places)))

    def to_stream(self, values: IntArray) -> IntArray:
        """Reorder (frames, elements) from the file's order to the stream's."""
        return values if self.is_same else values[:, self.places]

    def to_model(self, values: IntArray) -> IntArray:
        """The inverse of `to_stream`."""
        return values if self.is_same else values[:, np.argsort(self.places)]

    def as_data(self) -> dict[str, list[int]]:
        """Plain data: a shape of the file's frame and the order of its axes in the stream; else the list of places."""
        view = _view_of(self.places)
        return {"places": self.places.tolist()} if view is None else {"shape": view[0], "axes": view[1]}

    @classmethod
    def of_data(cls, data: Mapping[str, Any], elements: int) -> Order:
        """The inverse of `as_data`.

        Raises
        ------
        ValueError
            If it is not an order of this many elements.
        """
        if "places" in data:
            places = np.array(data["places"], dtype=np.int64)
        else:
            shape, axes = data["shape"], data["axes"]
            if math.prod(shape) != elements or sorted(axes) != list(range(len(shape))):
                raise ValueError(f"the axes {axes} of {shape} are not an order of {elements} elements")
            places = np.arange(elements).reshape(shape).transpose(axes).reshape(-1)
        if not np.array_equal(np.sort(places), np.arange(elements)):
            raise ValueError(f"its places are not an order of {elements} elements")
        return cls(places)


def _view_of(places: IntArray) -> tuple[list[int], list[int]] | None:
    """A shape and an order of its axes that produce these places; None if there is none."""
    digits: list[tuple[int, int]] = []  # extents and strides, the innermost of the stream first
    rest = places
    while len(rest) > 1:
        stride = int(rest[1] - rest[0])
        breaks = np.flatnonzero(np.diff(rest) != stride)
        extent = int(breaks[0]) + 1 if len(breaks) else len(rest)
        if len(rest) % extent:
            return None
        digits.append((extent, stride))
        rest = rest[::extent]
    outermost = digits[::-1]
    by_stride = sorted(range(len(outermost)), key=lambda index: -outermost[index][1])
    shape = [outermost[index][0] for index in by_stride]
    axes = [by_stride.index(index) for index in range(len(outermost))]
    if not digits:
        shape, axes = [1], [0]
    same = np.array_equal(np.arange(len(places)).reshape(shape).transpose(axes).reshape(-1), places)
    return (shape, axes) if same else None


def is_channels_last(shape: tuple[int, ...], stream_shape: tuple[int, ...], order: Order) -> bool:
    """Whether a frame of `shape` is an image with channels on its last axis, as in the stream.

    An image that the model flattens first thing has them last where the stream has them first.
    """
    if len(shape) < 2:
        return False
    if len(stream_shape) > 1:
        return shape[-1] == stream_shape[-1] and order.is_same
    channels_first = np.moveaxis(np.arange(len(order.places)).reshape(shape), -1, 0).reshape(-1)
    return not order.is_same and np.array_equal(order.places, channels_first)


def frame_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape in which users get a frame of a tensor: a vector if all axes but one have length 1."""
    return tuple(shape) if sum(extent > 1 for extent in shape) > 1 else (math.prod(shape),)
