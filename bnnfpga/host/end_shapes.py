"""Shape inference for the host's programs, which also checks their nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bnnfpga.host.ends import COMPARISONS
from bnnfpga.numbers.arithmetic import JOINS

ValueShape = list[int]
EndNode = Mapping[str, Any]


def shapes_made(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    """The shapes of a node's results for inputs of these shapes.

    Raises
    ------
    ValueError
        If the node cannot be run on them; the text completes a sentence that begins with the node's place.
    """
    operation = node["operation"]
    expected = (
        0
        if operation == "constant"
        else 2
        if operation in (*JOINS, *COMPARISONS)
        else None
        if operation == "concat"
        else 1
    )
    if (expected is None and not shapes) or (expected is not None and len(shapes) != expected):
        raise ValueError(f"reads {len(shapes)} values")
    return _SHAPES[operation](node, shapes)


def _axis(node: EndNode, shape: ValueShape, axis: Any = None) -> int:
    axis = node["axis"] if axis is None else axis
    if not 0 <= axis < len(shape):
        raise ValueError(f"names axis {axis} of shape {shape}")
    return int(axis)


def _all_axes(node: EndNode, shape: ValueShape) -> list[int]:
    axes = [_axis(node, shape, axis) for axis in node["axes"]]
    if len(set(axes)) < len(axes):
        raise ValueError(f"names an axis twice: {axes}")
    return axes


def _without(shape: ValueShape, axes: Sequence[int], *, keep: bool) -> ValueShape:
    return [1 if axis in axes else extent for axis, extent in enumerate(shape) if keep or axis not in axes]


def _shape_regrouped(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    shape = list(node["shape"])
    elements = len(node["data"]) if node["operation"] == "constant" else math.prod(shapes[0])
    if math.prod(shape) != elements or any(extent < 0 for extent in shape):
        raise ValueError(f"makes shape {shape} of {elements} elements")
    return [shape]


def _shape_same(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    if "axis" in node:
        _axis(node, shapes[0])
    return [list(shapes[0])]


def _shape_stepped(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    elements = math.prod(shapes[0])
    for step in node["steps"]:
        if len(step.get("constant", [0])) not in (1, elements):
            raise ValueError(f"has a constant for {len(step['constant'])} of {elements} elements")
    return [list(shapes[0])]


def _shape_joined(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    rank = max(map(len, shapes))
    first, second = ([1] * (rank - len(shape)) + list(shape) for shape in shapes)
    if any(a != b and 1 not in (a, b) for a, b in zip(first, second, strict=True)):
        raise ValueError(f"joins shapes {shapes[0]} and {shapes[1]}")
    return [[max(a, b) if min(a, b) else 0 for a, b in zip(first, second, strict=True)]]


def _shape_concatenated(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    axis = _axis(node, shapes[0])
    others = {tuple(shape[:axis] + shape[axis + 1 :]) for shape in shapes if len(shape) > axis}
    if len(others) > 1 or any(len(shape) != len(shapes[0]) for shape in shapes):
        raise ValueError(f"joins shapes {' and '.join(map(str, shapes))} along axis {axis}")
    joined = list(shapes[0])
    joined[axis] = sum(shape[axis] for shape in shapes)
    return [joined]


def _shape_transposed(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    axes = _all_axes(node, shapes[0])
    if len(axes) != len(shapes[0]):
        raise ValueError(f"has {len(axes)} axes, where shape {shapes[0]} has {len(shapes[0])}")
    return [[shapes[0][axis] for axis in axes]]


def _shape_taken(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    axis, shape = _axis(node, shapes[0]), list(shapes[0])
    _inside(node["indices"], shape[axis])
    shape[axis] = len(node["indices"])
    return [shape]


def _inside(indices: Sequence[int], extent: int) -> None:
    if any(not 0 <= index < extent for index in indices):
        raise ValueError(f"takes elements that there are not among {extent}")


def _shape_padded(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    if not len(node["before"]) == len(node["after"]) == len(shapes[0]):
        raise ValueError(f"has pads for {len(node['before'])} and {len(node['after'])} of {len(shapes[0])} axes")
    if any(extent < 0 for extent in (*node["before"], *node["after"])):
        raise ValueError("has a pad below 0")
    return [[sum(extents) for extents in zip(node["before"], shapes[0], node["after"], strict=True)]]


def _shape_resampled(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    axes, shape = _all_axes(node, shapes[0]), list(shapes[0])
    if not len(axes) == len(node["taken"]) == len(node["weights"]):
        raise ValueError(f"has {len(node['taken'])} lists of elements and {len(node['weights'])} of weights for {axes}")
    for axis, taken, weights in zip(axes, node["taken"], node["weights"], strict=True):
        if not taken or len({*map(len, taken), *map(len, weights)}) != 1 or len(taken) != len(weights):
            raise ValueError("has not as many weights as elements")
        for row in taken:
            _inside(row, shape[axis])
        shape[axis] = len(taken)
    return [shape]


def _shape_arg_max(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    return [_without(shapes[0], [_axis(node, shapes[0])], keep=bool(node["keepdims"]))]


def _shape_top(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    axis, shape = _axis(node, shapes[0]), list(shapes[0])
    if not 1 <= node["k"] <= shape[axis]:
        raise ValueError(f"takes {node['k']} of {shape[axis]} numbers")
    shape[axis] = node["k"]
    return [shape, list(shape)]


def _shape_reduced(node: EndNode, shapes: Sequence[ValueShape]) -> list[ValueShape]:
    return [_without(shapes[0], _all_axes(node, shapes[0]), keep=bool(node["keepdims"]))]


_SHAPES: dict[str, Callable[[EndNode, Sequence[ValueShape]], list[ValueShape]]] = {
    **dict.fromkeys((*JOINS, *COMPARISONS), _shape_joined),
    **dict.fromkeys(("softmax", "log_softmax", "cast"), _shape_same),
    **dict.fromkeys(("mean", "sum", "max", "min"), _shape_reduced),
    **dict.fromkeys(("constant", "reshape"), _shape_regrouped),
    "arg_max": _shape_arg_max,
    "concat": _shape_concatenated,
    "pad": _shape_padded,
    "resample": _shape_resampled,
    "steps": _shape_stepped,
    "take": _shape_taken,
    "top": _shape_top,
    "transpose": _shape_transposed,
}
