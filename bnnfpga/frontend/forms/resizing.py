"""The pixels that a nearest-neighbour Resize picks: ONNX's formulas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, describe

TRUNCATES = "truncates"
"""The `nearest_mode` of older opsets: onnxruntime rounds down when it enlarges and up when it shrinks."""
_MAX_PIXELS = 1 << 20
"""Pixels along one axis; a larger size is an error in the file, for which memory would be allocated."""

Coordinates = NDArray[Any]

COORDINATES: dict[str, Callable[[Coordinates, Any, int, int], Coordinates]] = {
    "half_pixel": lambda x, scale, before, after: (x + x.dtype.type(0.5)) / scale - x.dtype.type(0.5),
    "pytorch_half_pixel": lambda x, scale, before, after: (
        (x + x.dtype.type(0.5)) / scale - x.dtype.type(0.5) if after > 1 else np.zeros_like(x)
    ),
    "tf_half_pixel_for_nn": lambda x, scale, before, after: (x + x.dtype.type(0.5)) / scale,
    "asymmetric": lambda x, scale, before, after: x / scale,
    "align_corners": lambda x, scale, before, after: (
        x * x.dtype.type(before - 1) / x.dtype.type(after - 1) if after > 1 else np.zeros_like(x)
    ),
    "half_pixel_symmetric": lambda x, scale, before, after: (
        x.dtype.type(before / 2) * (1 - x.dtype.type(after) / (scale * x.dtype.type(before)))
        + (x + x.dtype.type(0.5)) / scale
        - x.dtype.type(0.5)
    ),
}
"""From output positions, the scale and the sizes before and after to input positions, in any float type."""
ROUNDINGS: dict[str, Callable[[Coordinates], Coordinates]] = {
    "round_prefer_floor": lambda x: np.ceil(x - x.dtype.type(0.5)),
    "round_prefer_ceil": lambda x: np.floor(x + x.dtype.type(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}


def picked_places(model: Model, node: Node) -> dict[int, NDArray[np.int64]]:
    """The indices of the input pixels that a Resize picks, along each axis that it changes.

    Sources: ONNX's operator Resize, for the formulas. A position so close to the middle between two pixels that float32
    and float64 round it differently is refused.

    Raises
    ------
    UserError
        If it interpolates, a size is out of range, or a position is ambiguous.
    """
    before, after = (model.shape(name) for name in (node.input[0], node.output[0]))
    coordinates = attribute(node, "coordinate_transformation_mode", "half_pixel")
    scales = scales_of(model, node, before, after)
    mode = attribute(node, "mode", "nearest")
    same = (small == large and scale == 1 for small, large, scale in zip(before, after, scales, strict=True))
    # A single pixel is not mixed with any other.
    alone = mode == "linear" and all(small == 1 or kept for small, kept in zip(before, same, strict=True))
    if mode != "nearest" and not alone:
        raise UserError(
            "it interpolates between pixels, which only the host can do, behind the last layer",
            where=describe(node),
            hint="use nearest upsampling (nn.Upsample with mode='nearest')",
        )
    picks = {}
    for axis, scale in enumerate(scales):
        small, large = before[axis], after[axis]
        if not 1 <= large <= _MAX_PIXELS:
            raise UserError(
                f"it makes {large:,} pixels of {small} along axis {axis}; 1 to {_MAX_PIXELS:,} can be compiled",
                where=describe(node),
                hint="look at its sizes; the file may be damaged",
            )
        mode = rounding_of(node, scale)
        places = np.zeros(large, dtype=np.int64) if small == 1 else _places(small, large, scale, coordinates, mode)
        if places is None:
            raise UserError(
                f"from {small} to {large} along axis {axis}, by {coordinates!r} and {mode!r}, a place lies so near to "
                "one between two pixels that rounding decides which it takes",
                where=describe(node),
                hint="use 'asymmetric' coordinates and 'floor', as nn.Upsample with mode='nearest' does",
            )
        if coordinates == "tf_half_pixel_for_nn" and not repeats_evenly(places, small):
            raise UserError(
                f"from {small} to {large} along axis {axis}, runtimes read its coordinates {coordinates!r} differently",
                where=describe(node),
                hint="export it with opset 13 or a later one",
            )
        if not np.array_equal(places, np.arange(small)):
            picks[axis] = places
    return picks


def repeats_evenly(places: NDArray[np.int64], extent: int) -> bool:
    """Whether the indices repeat each of `extent` elements equally often, in order."""
    times = len(places) // extent
    return len(places) == extent * times and np.array_equal(places, np.arange(extent).repeat(times))


def upsampling_factors(model: Model, node: Node) -> tuple[int, ...]:
    """The factor of a Resize that repeats all pixels equally often, for each spatial axis."""
    before, after = (model.shape(name) for name in (node.input[0], node.output[0]))
    return tuple(large // small for small, large in zip(before, after, strict=True))[2:]


def repeats_pixels(model: Model, node: Node) -> bool:
    """Whether a Resize repeats the elements of every axis but the batch a whole number of times, in order."""
    if attribute(node, "mode", "nearest") != "nearest":
        return False
    before, after = (model.shape(name) for name in (node.input[0], node.output[0]))
    coordinates = attribute(node, "coordinate_transformation_mode", "half_pixel")
    if before[:1] != after[:1] or not all(1 <= large <= _MAX_PIXELS for large in after):
        return False
    for small, large, scale in zip(before, after, scales_of(model, node, before, after), strict=True):
        places = _places(small, large, scale, coordinates, rounding_of(node, scale))
        if places is None or not repeats_evenly(places, small):
            return False
    return True


def scales_of(model: Model, node: Node, before: list[int], after: list[int]) -> list[float]:
    """The scale of every axis: the node's, or else the ratio of its sizes."""
    scales = [large / small for small, large in zip(before, after, strict=True)]
    listed = model.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    if listed is None or listed.size == 0:
        return scales
    axes = attribute(node, "axes", None) or range(len(before))
    for axis, scale in zip(axes, np.ravel(listed), strict=True):
        scales[axis % len(before)] = float(scale)
    return scales


def _places(before: int, after: int, scale: float, coordinates: str, rounding: str) -> NDArray[np.int64] | None:
    """The index that each output element along an axis picks; None if float32 and float64 disagree on one."""
    by_type = []
    for dtype in (np.float32, np.float64):
        places = np.arange(after, dtype=dtype)
        nearest = ROUNDINGS[rounding](COORDINATES[coordinates](places, dtype(scale), before, after))
        by_type.append(np.clip(nearest, 0, before - 1).astype(np.int64))
    single, double = by_type
    return single if np.array_equal(single, double) else None


def rounding_of(node: Node, scale: float) -> str:
    """The `nearest_mode` of a Resize along an axis of this scale, among those of opset 11 and later."""
    mode = str(attribute(node, "nearest_mode", "round_prefer_floor"))
    if mode == TRUNCATES:
        return "ceil" if scale < 1 else "floor"
    return mode
