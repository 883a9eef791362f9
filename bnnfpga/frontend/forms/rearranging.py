"""Changes of layout, which permute or regroup the elements of a tensor, applied to arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, describe


@dataclass(frozen=True)
class _Rearrangement:
    """How an operator rearranges an array, and the check that it keeps each element."""

    make: Callable[[Model, Node, NDArray[Any]], NDArray[Any]]
    check: Callable[[Model, Node], None]


def rearrange(model: Model, node: Node, array: NDArray[Any]) -> NDArray[Any]:
    """Apply a change of layout to an array.

    Parameters
    ----------
    array
        With as many axes as the node's input; an axis along which all elements are equal may have length 1.

    Returns
    -------
    NDArray[Any]
        In the shape of the node's output, possibly with such axes, too.
    """
    return _MEANINGS[node.op_type].make(model, node, array)


def check_rearranging(model: Model, node: Node) -> None:
    """Refuse a change of layout that does not match the elements or axes of its input.

    Raises
    ------
    UserError
        If it would not keep every element exactly once.
    """
    _MEANINGS[node.op_type].check(model, node)


def moves_images(model: Model, node: Node) -> bool:
    """Whether the batch axis, of length one, does not stay first."""
    if traits_of(node).transposes:
        return bool(attribute(node, "perm", [1])[0] != 0)
    return model.has_shape(node.output[0]) and model.shape(node.output[0])[:1] != [1]


def _transpose(model: Model, node: Node, array: NDArray[Any]) -> NDArray[Any]:
    del model
    return array.transpose(attribute(node, "perm", None))


def _check_transpose(model: Model, node: Node) -> None:
    axes = list(range(len(model.shape(node.input[0]))))
    if sorted(attribute(node, "perm", None) or axes) != axes:
        raise UserError(
            f"its perm is not a permutation of its {len(axes)} axes", where=describe(node), hint=EXPORT_AGAIN
        )


def _reshape(model: Model, node: Node, array: NDArray[Any]) -> NDArray[Any]:
    shape = model.shape(node.output[0])
    whole = array if array.size == math.prod(shape) else np.broadcast_to(array, model.shape(node.input[0]))
    return whole.reshape(shape)


def _check_reshape(model: Model, node: Node) -> None:
    before, after = (math.prod(model.shape(name)) for name in (node.input[0], node.output[0]))
    if before != after:
        raise UserError(
            f"it reshapes {before} elements to {after}",
            where=describe(node),
            hint="export the model for a batch of one",
        )


def _space_to_depth(model: Model, node: Node, array: NDArray[Any]) -> NDArray[Any]:
    """Blocks of pixels, row by row, become the channels of one pixel; those of a block's first pixel come first."""
    size, (images, channels, *pixels) = attribute(node, "blocksize", 1), model.shape(node.input[0])
    rows, columns = (size if short == 1 else long for short, long in zip(array.shape[2:], pixels, strict=True))
    blocks = (images, channels, rows // size, size, columns // size, size)
    parts = np.broadcast_to(array, (images, channels, rows, columns)).reshape(blocks)
    return parts.transpose(0, 3, 5, 1, 2, 4).reshape(images, -1, rows // size, columns // size)


def _check_space_to_depth(model: Model, node: Node) -> None:
    size, (rows, columns) = attribute(node, "blocksize", 1), model.shape(node.input[0])[2:]
    if rows % size or columns % size:
        raise UserError(
            f"its blocks of {size} x {size} pixels do not fit an image of {rows} x {columns}",
            where=describe(node),
            hint="pad the image in front of it, or crop it",
        )


def spread_blocks(model: Model, node: Node) -> tuple[list[int], list[int]]:
    """A DepthToSpace as a Reshape to the first and a Transpose by the second, which a Reshape to its output follows.

    Its attribute `blocks` holds the size of a block along each pixel axis; without it, all are `blocksize`.
    """
    images, channels, *pixels = model.shape(node.input[0])
    blocks = attribute(node, "blocks", None) or [attribute(node, "blocksize", 1)] * len(pixels)
    own, axes = channels // math.prod(blocks), range(len(blocks))
    if attribute(node, "mode", "DCR") == "CRD":
        split, inner, outer = [images, own, *blocks, *pixels], [2 + axis for axis in axes], 1
    else:
        split, inner, outer = [images, *blocks, own, *pixels], [1 + axis for axis in axes], 1 + len(blocks)
    perm = [0, outer]
    for axis in axes:
        perm += [2 + len(blocks) + axis, inner[axis]]
    return split, perm


def _depth_to_space(model: Model, node: Node, array: NDArray[Any]) -> NDArray[Any]:
    """The channels of a pixel become a block of pixels; in mode DCR, those of a block's first pixel come first."""
    split, perm = spread_blocks(model, node)
    shape = model.shape(node.output[0])
    short = all(extent == 1 for extent in array.shape[2:])
    pixels = len(shape) - 2
    if short:
        split = [*split[:-pixels], *[1] * pixels]
        whole = np.broadcast_to(array, (*array.shape[:1], model.shape(node.input[0])[1], *[1] * pixels))
    else:
        whole = np.broadcast_to(array, model.shape(node.input[0]))
    turned = whole.reshape(split[0] if array.shape[0] > 1 else 1, *split[1:]).transpose(perm)
    extents = [math.prod(pair) for pair in np.reshape(turned.shape[2:], (-1, 2)).tolist()]
    spread = turned.reshape(*turned.shape[:2], *extents)
    if not short:
        return spread
    first = spread[:, :, *[slice(1)] * pixels]
    if np.array_equal(spread, np.broadcast_to(first, spread.shape)):
        return first
    return np.tile(spread, [1, 1, *(whole // part for whole, part in zip(shape[2:], extents, strict=True))])


def _check_depth_to_space(model: Model, node: Node) -> None:
    channels, *pixels = model.shape(node.input[0])[1:]
    block = math.prod(attribute(node, "blocks", None) or [attribute(node, "blocksize", 1)] * len(pixels))
    if channels % block:
        raise UserError(
            f"its blocks of {block} pixels cannot be made of {channels} channels",
            where=describe(node),
            hint=f"give the layer in front of it a multiple of {block} channels",
        )


_MEANINGS = {
    **dict.fromkeys(kinds_that(lambda traits: traits.regroups), _Rearrangement(_reshape, _check_reshape)),
    "DepthToSpace": _Rearrangement(_depth_to_space, _check_depth_to_space),
    "SpaceToDepth": _Rearrangement(_space_to_depth, _check_space_to_depth),
    "Transpose": _Rearrangement(_transpose, _check_transpose),
}
"""By operator; all whose traits include `layout`."""
