"""The host's operations, operator by operator: each function translates a node and returns the values it produces."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import kinds_that
from bnnfpga.frontend.forms.pads import pad_widths
from bnnfpga.frontend.forms.rearranging import rearrange
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    attribute,
    data_operands,
    describe,
    elementwise_operand,
    required_constant,
)
from bnnfpga.golden.end_writer import EndWriter
from bnnfpga.golden.onnx_form import JOIN_OF
from bnnfpga.golden.resampling import resampled
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.host.float_steps import steps_as_data

_COMPARISONS = {
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
}
_REDUCTIONS = {"ReduceMax": "max", "ReduceMean": "mean", "ReduceMin": "min", "ReduceSum": "sum"}
_SOFTMAX = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}


def _elementwise(writer: EndWriter, node: Node) -> list[int]:
    shape, streams = writer.model.shape(node.output[0]), data_operands(writer.model, node)
    if len(streams) > 1 or writer.model.shape(elementwise_operand(writer.model, node)) != shape:
        return [writer.add(JOIN_OF[node.op_type], *map(writer.value, node.input))]
    steps = [step.along(range(len(shape)), shape) for step in elementwise_steps(writer.model, node)]
    return [writer.add("steps", writer.value(elementwise_operand(writer.model, node)), steps=steps_as_data(steps))]


def _reshape(writer: EndWriter, node: Node) -> list[int]:
    return [writer.reshaped(writer.value(node.input[0]), writer.model.shape(node.output[0]))]


def _reorder(writer: EndWriter, node: Node) -> list[int]:
    """Reorder by the index of each element."""
    shape = writer.model.shape(node.input[0])
    elements = math.prod(shape)
    places = rearrange(writer.model, node, np.arange(elements).reshape(shape))
    reordered = _take(writer, writer.reshaped(writer.value(node.input[0]), [elements]), 0, places)
    return [writer.reshaped(reordered, writer.model.shape(node.output[0]))]


def _axis(writer: EndWriter, node: Node, default: int) -> int:
    return int(attribute(node, "axis", default) % max(1, len(writer.model.shape(node.input[0]))))


def _compared_axis(writer: EndWriter, node: Node, default: int) -> int:
    axis = _axis(writer, node, default)
    if axis == 0 and writer.model.shape(node.input[0])[:1] == [1]:
        raise UserError(
            "it compares along axis 0, the batch axis, and images are computed one at a time",
            where=describe(node),
            hint="give it the axis of the classes, usually axis=1",
        )
    return axis


def _softmax(writer: EndWriter, node: Node) -> list[int]:
    return [writer.add(_SOFTMAX[node.op_type], writer.value(node.input[0]), axis=_compared_axis(writer, node, -1))]


def _arg_max(writer: EndWriter, node: Node) -> list[int]:
    axis = _compared_axis(writer, node, 0)
    scores = _in_front_of_softmax(writer.model, node.input[0], axis)
    last, kept = (int(attribute(node, name, default)) for name, default in (("select_last_index", 0), ("keepdims", 1)))
    return [writer.add("arg_max", writer.value(scores), axis=axis, last=last, keepdims=kept)]


def _in_front_of_softmax(model: Model, tensor: str, axis: int) -> str:
    """The scores before a Softmax along `axis`, whose arg max is that of the probabilities; else the tensor itself.

    If float32 rounds two probabilities to the same number, the scores still decide, as in hardware.
    """
    node = model.producer(tensor)
    while node is not None and node.op_type in _SOFTMAX:
        if attribute(node, "axis", -1) % len(model.shape(tensor)) != axis:
            break
        tensor = node.input[0]
        node = model.producer(tensor)
    return tensor


def _top(writer: EndWriter, node: Node) -> list[int]:
    axis = _compared_axis(writer, node, -1)
    count = int(required_constant(writer.model, node, 1, "K").item())
    largest = int(attribute(node, "largest", 1))
    first = writer.add("top", writer.value(node.input[0]), axis=axis, k=count, largest=largest)
    return [first, first + 1]


def _compare(writer: EndWriter, node: Node) -> list[int]:
    return [writer.add(_COMPARISONS[node.op_type], *map(writer.value, node.input))]


def _cast(writer: EndWriter, node: Node) -> list[int]:
    kind = onnx.helper.tensor_dtype_to_np_dtype(attribute(node, "to", onnx.TensorProto.FLOAT))
    return [writer.add("cast", writer.value(node.input[0]), type=str(np.dtype(kind)))]


def _transpose(writer: EndWriter, node: Node) -> list[int]:
    rank = len(writer.model.shape(node.input[0]))
    axes = [int(axis) for axis in attribute(node, "perm", None) or range(rank)[::-1]]
    if sorted(axes) != list(range(rank)):
        raise UserError(
            f"its perm is not a permutation of {rank} axes", where=describe(node), hint="export the model again"
        )
    return [writer.add("transpose", writer.value(node.input[0]), axes=axes)]


def _concat(writer: EndWriter, node: Node) -> list[int]:
    return [writer.add("concat", *map(writer.value, node.input), axis=_axis(writer, node, 0))]


def _take(writer: EndWriter, value: int, axis: int, indices: NDArray[Any]) -> int:
    return writer.add("take", value, axis=axis, indices=indices.ravel().tolist())


def _gather(writer: EndWriter, node: Node) -> list[int]:
    axis, shape = _axis(writer, node, 0), writer.model.shape(node.input[0])
    index = required_constant(writer.model, node, 1, "index")
    _check_index(node, index, shape[axis])
    picked = _take(writer, writer.value(node.input[0]), axis, index % shape[axis])
    return [writer.reshaped(picked, [*shape[:axis], *index.shape, *shape[axis + 1 :]])]


def _check_index(node: Node, index: NDArray[Any], extent: int) -> None:
    if index.size and not (-extent <= index.min() and index.max() < extent):
        raise UserError(
            f"it takes element {int(index.max())} of {extent}", where=describe(node), hint="export the model again"
        )


def _slice(writer: EndWriter, node: Node) -> list[int]:
    shape = writer.model.shape(node.input[0])
    operands = [None if index >= len(node.input) or not node.input[index] else index for index in range(1, 5)]
    starts, ends, axes, steps = (
        [] if index is None else np.ravel(required_constant(writer.model, node, index, "range")).tolist()
        for index in operands
    )
    value = writer.value(node.input[0])
    axes = axes or list(range(len(starts)))
    for axis, start, end, step in zip(axes, starts, ends, steps or [1] * len(axes), strict=True):
        indices = np.arange(shape[axis])[_range(start, end, step, shape[axis])]
        value = _take(writer, value, axis % len(shape), indices)
    return [value]


def _range(start: int, end: int, step: int, extent: int) -> slice:
    """ONNX's ranges are Python's, except for a negative end before the first element when the step is negative."""
    return slice(start, None if step < 0 and end < -extent else end, step)


def _split(writer: EndWriter, node: Node) -> list[int]:
    axis = _axis(writer, node, 0)
    value, start, parts = writer.value(node.input[0]), 0, []
    for name in node.output:
        extent = writer.model.shape(name)[axis]
        parts.append(_take(writer, value, axis, np.arange(start, start + extent)))
        start += extent
    return parts


def _expand(writer: EndWriter, node: Node) -> list[int]:
    target, shape = writer.model.shape(node.output[0]), writer.model.shape(node.input[0])
    shape = [*[1] * (len(target) - len(shape)), *shape]
    value = writer.reshaped(writer.value(node.input[0]), shape)
    for axis, (before, after) in enumerate(zip(shape, target, strict=True)):
        if before != after:
            value = _take(writer, value, axis, np.zeros(after, dtype=np.int64))
    return [value]


def _tile(writer: EndWriter, node: Node) -> list[int]:
    value, shape = writer.value(node.input[0]), writer.model.shape(node.input[0])
    for axis, count in enumerate(np.ravel(required_constant(writer.model, node, 1, "number of repeats")).tolist()):
        if count != 1:
            value = _take(writer, value, axis, np.tile(np.arange(shape[axis]), count))
    return [value]


def _pad(writer: EndWriter, node: Node) -> list[int]:
    mode, (before, after) = attribute(node, "mode", "constant"), pad_widths(writer.model, node)
    filler = 2 if attribute(node, "pads", None) is None else 1
    value = writer.value(node.input[0])
    shape = writer.model.shape(node.input[0])
    for axis in range(len(shape)):
        low, high = int(before[axis]), int(after[axis])
        outside = mode != "constant"
        if mode == "reflect" and max(low, high) >= min(shape[axis], shape[axis] + low, shape[axis] + high):
            raise UserError(
                f"it reflects {max(low, high)} of {shape[axis]} elements along axis {axis}",
                where=describe(node),
                hint="reflect fewer elements than there are",
            )
        if (low, high) != (0, 0) and (outside or min(low, high) < 0):
            places = np.arange(-low if outside else max(0, -low), shape[axis] + (high if outside else min(0, high)))
            value = _take(writer, value, axis, _inside(places, shape[axis], mode))
    if mode == "constant" and np.any(np.maximum(before, after) > 0):
        number = 0.0
        if len(node.input) > filler and node.input[filler]:
            number = float(required_constant(writer.model, node, filler, "value").item())
        widths = {"before": np.maximum(before, 0).tolist(), "after": np.maximum(after, 0).tolist()}
        value = writer.add("pad", value, **widths, number=number)
    return [value]


def _inside(places: NDArray[np.int64], extent: int, mode: str) -> NDArray[np.int64]:
    """The element that a Pad of this mode puts at each place, including those outside."""
    if mode == "wrap":
        return places % extent
    if mode == "reflect" and extent > 1:
        period = 2 * (extent - 1)
        places = places % period
        return np.minimum(places, period - places)
    return np.clip(places, 0, extent - 1)


def _resize(writer: EndWriter, node: Node) -> list[int]:
    value = writer.value(node.input[0])
    axes, sources, weights = [], [], []
    for axis, places, factors in resampled(writer.model, node):
        if factors is None:
            value = _take(writer, value, axis, places[:, 0])
            continue
        axes.append(axis)
        sources.append(places.tolist())
        weights.append(factors.tolist())
    return [writer.add("resample", value, axes=axes, taken=sources, weights=weights) if axes else value]


def _reduce(writer: EndWriter, node: Node) -> list[int]:
    shape = writer.model.shape(node.input[0])
    axes = list(range(len(shape)))
    if len(node.input) > 1 and node.input[1]:
        listed = np.ravel(required_constant(writer.model, node, 1, "axes"))
        axes = [int(axis) % len(shape) for axis in listed] or axes
    kept = int(attribute(node, "keepdims", 1))
    value = writer.value(node.input[0])
    return [writer.add(_REDUCTIONS[node.op_type], value, axes=sorted(axes), keepdims=kept)]


TRANSLATIONS: dict[str, Callable[[EndWriter, Node], list[int]]] = {
    **dict.fromkeys(kinds_that(lambda traits: traits.elementwise), _elementwise),
    **dict.fromkeys(kinds_that(lambda traits: traits.regroups), _reshape),
    **dict.fromkeys(kinds_that(lambda traits: traits.reorders), _reorder),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(_SOFTMAX, _softmax),
    **dict.fromkeys(_COMPARISONS, _compare),
    "ArgMax": _arg_max,
    "Cast": _cast,
    "Concat": _concat,
    "Expand": _expand,
    "Gather": _gather,
    "Identity": lambda writer, node: [writer.value(node.input[0])],
    "Pad": _pad,
    "Resize": _resize,
    "Slice": _slice,
    "Split": _split,
    "Tile": _tile,
    "TopK": _top,
    "Transpose": _transpose,
}
"""Translations by operator, of all that may follow the cut of a clean graph; each returns a value per output."""
