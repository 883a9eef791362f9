"""Which pixel a nearest Resize takes for each of its own: ONNX' formulas, to find where they repeat pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Model, Node
from bnnfpga.frontend.nodes import attribute, describe

_MOST_PIXELS = 1 << 20
"""Along one axis; more is a damaged size, for which memory would be reserved."""

Places = NDArray[Any]

COORDINATES: dict[str, Callable[[Places, Any, int, int], Places]] = {
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
"""As float32 or float64: from places after it, the scale and the sizes before and after, to places before it."""
ROUNDINGS: dict[str, Callable[[Places], Places]] = {
    "round_prefer_floor": lambda x: np.ceil(x - x.dtype.type(0.5)),
    "round_prefer_ceil": lambda x: np.floor(x + x.dtype.type(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}


def upsampling_factors(model: Model, node: Node) -> tuple[int, ...]:
    """How often a Resize repeats each pixel, by axis of pixels.

    Sources: ONNX' operator Resize, which gives the formulas; where a place lies so near to one between two pixels that
    float32 and float64 take different ones, it does not count as a repetition.

    Raises
    ------
    UserError
        If it does anything but repeat pixels.
    """
    before, after = (model.shape(name) for name in (node.input[0], node.output[0]))
    coordinates = attribute(node, "coordinate_transformation_mode", "half_pixel")
    rounding = attribute(node, "nearest_mode", "round_prefer_floor")
    if attribute(node, "mode", "nearest") != "nearest":
        raise UserError(
            "it mixes neighbouring pixels, which only a host does, behind the last layer",
            where=describe(node),
            hint="use nearest upsampling by an integer (nn.Upsample with mode='nearest')",
        )
    factors = tuple(large // small for small, large in zip(before, after, strict=True))
    scales = scales_of(model, node, before, after)
    for axis, (small, large, scale) in enumerate(zip(before, after, scales, strict=True)):
        repeats = axis > 1 or large == small
        if not (
            repeats
            and small * factors[axis] == large <= _MOST_PIXELS
            and _repeats(small, large, scale, coordinates, rounding)
        ):
            raise UserError(
                "it does more than repeat pixels a whole number of times: from "
                f"{small} to {large} along axis {axis}, by {coordinates!r} and {rounding!r}",
                where=describe(node),
                hint="use nearest upsampling by an integer (nn.Upsample with mode='nearest')",
            )
    return factors[2:]


def repeats_pixels(model: Model, node: Node) -> bool:
    """Whether a Resize repeats each element of every axis but that of the images a whole number of times, in order."""
    if attribute(node, "mode", "nearest") != "nearest":
        return False
    before, after = (model.shape(name) for name in (node.input[0], node.output[0]))
    coordinates = attribute(node, "coordinate_transformation_mode", "half_pixel")
    rounding = attribute(node, "nearest_mode", "round_prefer_floor")
    return before[:1] == after[:1] and all(
        large % small == 0 and large <= _MOST_PIXELS and _repeats(small, large, scale, coordinates, rounding)
        for small, large, scale in zip(before, after, scales_of(model, node, before, after), strict=True)
    )


def scales_of(model: Model, node: Node, before: list[int], after: list[int]) -> list[float]:
    """The scale of every axis: as the node has it, else the ratio of its sizes."""
    scales = [large / small for small, large in zip(before, after, strict=True)]
    given = model.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    if given is None or given.size == 0:
        return scales
    axes = attribute(node, "axes", None) or range(len(before))
    for axis, scale in zip(axes, np.ravel(given), strict=True):
        scales[axis % len(before)] = float(scale)
    return scales


def _repeats(before: int, after: int, scale: float, coordinates: str, rounding: str) -> bool:
    """Whether each pixel of an axis stands there equally often, in order."""
    for dtype in (np.float32, np.float64):
        places = np.arange(after, dtype=dtype)
        taken = ROUNDINGS[rounding](COORDINATES[coordinates](places, dtype(scale), before, after))
        if not np.array_equal(np.clip(taken, 0, before - 1), np.arange(after) // (after // before)):
            return False
    return True
