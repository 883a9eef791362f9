"""The input elements that each output element of a Resize depends on, axis by axis, and their weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.forms.picks import Places
from bnnfpga.frontend.forms.resizing import COORDINATES, ROUNDINGS, rounding_of, scales_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, describe

ResampleWeights = NDArray[np.float64]


def resampled(model: Model, node: Node) -> Iterator[tuple[int, Places, ResampleWeights | None]]:
    """For each axis that changes: its index, int64 (elements, sources), and float64 weights, None for a single source.

    Source: the formulas of ONNX's operator Resize, in float64.

    Raises
    ------
    UserError
        If float32 and float64 select different elements: then runtimes may differ, too.
    """
    before, after = (model.shape(name) for name in (node.input[0], node.output[0]))
    mode = attribute(node, "mode", "nearest")
    coordinates = attribute(node, "coordinate_transformation_mode", "half_pixel")
    scales = scales_of(model, node, before, after)
    for axis, (small, large, scale) in enumerate(zip(before, after, scales, strict=True)):
        if small == large and scale == 1:
            continue
        x, single = (
            COORDINATES[coordinates](np.arange(large, dtype=kind), kind(scale), small, large)
            for kind in (np.float64, np.float32)
        )
        if mode == "nearest":
            rounding = ROUNDINGS[rounding_of(node, scale)]
            nearest = np.clip(rounding(x), 0, small - 1)
            if not np.array_equal(nearest, np.clip(rounding(single), 0, small - 1)):
                raise UserError(
                    f"which elements it takes along axis {axis} depends on how a runtime rounds",
                    where=describe(node),
                    hint="resize by a scale that is a whole number, or with linear interpolation",
                )
            yield axis, nearest.astype(np.int64)[:, None], None
        else:
            yield axis, *(_linear(x, small) if mode == "linear" else _cubic(node, x, small))


def _linear(x: NDArray[Any], extent: int) -> tuple[Places, ResampleWeights]:
    x = np.clip(x, 0, extent - 1)
    low = np.floor(x).astype(np.int64)
    share = x - low
    return np.stack([low, np.minimum(low + 1, extent - 1)], axis=1), np.stack([1 - share, share], axis=1)


def _cubic(node: Node, x: NDArray[Any], extent: int) -> tuple[Places, ResampleWeights]:
    """Source: Keys, "Cubic convolution interpolation for digital image processing" (1981)."""
    a = float(attribute(node, "cubic_coeff_a", -0.75))
    low = np.floor(x).astype(np.int64)
    places = low[:, None] + np.arange(-1, 3)
    distance = np.abs(x[:, None] - places)
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = a * (((distance - 5) * distance + 8) * distance - 4)
    weights = np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
    if attribute(node, "exclude_outside", 0):
        weights = np.where((places >= 0) & (places < extent), weights, 0.0)
        weights = weights / weights.sum(axis=1, keepdims=True)
    return np.clip(places, 0, extent - 1), weights
