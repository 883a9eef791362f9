"""The ends of a model, which only the host computes: a program on the accelerator's float values, in `functions.json`.

A program's values are numbered: its inputs first, then the results of its nodes. An array is (frames, *shape); a shape
is the file's for one frame, batch axis included, so that axes count as in the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.host.float_steps import evaluate
from bnnfpga.numbers.arithmetic import JOINS, OPERATIONS, Floats
from bnnfpga.numbers.integers import IntArray

Values = NDArray[Any]
COMPARISONS: dict[str, Callable[[Values, Values], Values]] = {
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
}
"""Operations on two values whose results are booleans."""


def apply_ends(program: Mapping[str, Any], inputs: Sequence[Floats]) -> list[Values]:
    """Run a program; returns all of its values, inputs first.

    Parameters
    ----------
    program
        Its `inputs` are shapes, its `nodes` operations.
    inputs
        For each input float32 (frames, elements), in the order of the file.
    """
    frames = len(inputs[0])
    values: list[Values] = [
        array.reshape(frames, *shape) for array, shape in zip(inputs, program["inputs"], strict=True)
    ]
    with np.errstate(all="ignore"):
        for node in program["nodes"]:
            result = END_OPERATIONS[node["operation"]](node, *(values[index] for index in node["inputs"]))
            values += result if isinstance(result, list) else [result]
    return [np.broadcast_to(value, (frames, *value.shape[1:])) for value in values]


def end_outputs(program: Mapping[str, Any], values: Sequence[Values]) -> tuple[Values, ...]:
    """The file's outputs among the values of a program, each (frames, *shape) without a batch of one."""
    return tuple(_without_batch(values[index]) for index in program["outputs"])


def end_classes(rule: Mapping[str, Any], values: Sequence[Values]) -> IntArray:
    """The class of each frame, int64 (frames,), or of each pixel, (frames, ...).

    Parameters
    ----------
    rule
        One of a program's `classes`. It says of which `value`: its first index along `axis` (`index`), whether its only
        element lies above `threshold` (`above`), or where along `axis` it is largest, the first of equals (`largest`).
        `stream` is the index of the largest channel and depends on the order in the stream.
    values
        All values of the program.
    """
    value, axis = values[rule["value"]], rule["axis"]
    if rule["rule"] == "above":
        return np.asarray(value.reshape(-1) > np.float32(rule["threshold"]), dtype=np.int64)
    if rule["rule"] == "largest":
        value = value.argmax(axis + 1)
    elif axis is not None:
        value = value.take(0, axis + 1)
    shape = value.shape[1:] if axis == 0 else _without_batch(value).shape[1:]
    return np.asarray(value.reshape(len(value), *(shape if math.prod(shape) > 1 else ())), dtype=np.int64)


def all_classes(
    program: Mapping[str, Any], values: Sequence[Values], in_stream: Callable[[int, Values], IntArray]
) -> tuple[IntArray, ...]:
    """The classes by each of a program's rules.

    `in_stream` maps the number of a stream and an array (frames, elements) in the file's order to the index of the
    largest channel.
    """
    return tuple(
        in_stream(rule["stream"], values[rule["value"]].reshape(len(values[0]), -1))
        if rule["rule"] == "stream"
        else end_classes(rule, values)
        for rule in program["classes"]
    )


def _without_batch(value: Values) -> Values:
    return value.reshape(len(value), *value.shape[2:]) if value.shape[1:2] == (1,) else value


# -- operations: from a node and the values that it reads to what it makes ---------------------------------------------


def _constant(node: Mapping[str, Any]) -> Values:
    return np.asarray(node["data"], dtype=node["type"]).reshape(1, *node["shape"])


def _stepped(node: Mapping[str, Any], x: Values) -> Values:
    return np.asarray(evaluate(node["steps"], x.reshape(len(x), -1)).reshape(x.shape))


def _joined(node: Mapping[str, Any], x: Values, y: Values) -> Values:
    rank = max(x.ndim, y.ndim)
    x, y = (item.reshape(len(item), *[1] * (rank - item.ndim), *item.shape[1:]) for item in (x, y))
    operation = node["operation"]
    return np.asarray(COMPARISONS[operation](x, y) if operation in COMPARISONS else OPERATIONS[operation](x, y))


def _concatenated(node: Mapping[str, Any], *parts: Values) -> Values:
    frames = max(map(len, parts))
    return np.concatenate([np.broadcast_to(part, (frames, *part.shape[1:])) for part in parts], axis=node["axis"] + 1)


def _transposed(node: Mapping[str, Any], x: Values) -> Values:
    return x.transpose(0, *(axis + 1 for axis in node["axes"]))


def _gathered(node: Mapping[str, Any], x: Values) -> Values:
    return np.asarray(x.take(node["indices"], node["axis"] + 1))


def _padded(node: Mapping[str, Any], x: Values) -> Values:
    widths = [(0, 0), *zip(node["before"], node["after"], strict=True)]
    return np.pad(x, widths, constant_values=x.dtype.type(node["number"]))


def _resampled(node: Mapping[str, Any], x: Values) -> Values:
    """Weighted sums along some axes, in float64 rounded once; `taken` and `weights` are per axis."""
    total = x.astype(np.float64)
    for axis, elements, weights in zip(node["axes"], node["taken"], node["weights"], strict=True):
        parts = total.take(np.asarray(elements), axis + 1)
        factors = np.asarray(weights).reshape(*np.shape(weights), *[1] * (parts.ndim - axis - 3))
        total = (parts * factors).sum(axis + 2)
    return np.asarray(total, dtype=np.float32)


def _softmax(node: Mapping[str, Any], x: Values) -> Values:
    """Softmax or its logarithm, in float64 rounded once."""
    axis = node["axis"] + 1
    distance = x.astype(np.float64) - x.max(axis, keepdims=True)
    total = np.exp(distance).sum(axis, keepdims=True)
    whole = distance - np.log(total) if node["operation"] == "log_softmax" else np.exp(distance) / total
    return np.asarray(whole, dtype=np.float32)


def _arg_max(node: Mapping[str, Any], x: Values) -> Values:
    axis = node["axis"] + 1
    found = np.flip(x, axis).argmax(axis) if node["last"] else x.argmax(axis)
    found = x.shape[axis] - 1 - found if node["last"] else found
    return np.asarray(np.expand_dims(found, axis) if node["keepdims"] else found, dtype=np.int64)


def _top(node: Mapping[str, Any], x: Values) -> list[Values]:
    """The k largest or smallest in order, the first of equals first, and their indices."""
    axis = node["axis"] + 1
    order = np.argsort(-x if node["largest"] else x, axis=axis, kind="stable").take(range(node["k"]), axis)
    return [np.take_along_axis(x, order, axis), order.astype(np.int64)]


def _reduced(node: Mapping[str, Any], x: Values) -> Values:
    """Sums in float64, rounded once."""
    axes = tuple(axis + 1 for axis in node["axes"])
    reduce = getattr(x.astype(np.float64), node["operation"])
    return np.asarray(reduce(axis=axes, keepdims=bool(node["keepdims"]))).astype(np.float32)


END_OPERATIONS: dict[str, Callable[..., Values | list[Values]]] = {
    **dict.fromkeys((*JOINS, *COMPARISONS), _joined),
    **dict.fromkeys(("softmax", "log_softmax"), _softmax),
    **dict.fromkeys(("mean", "sum", "max", "min"), _reduced),
    "arg_max": _arg_max,
    "cast": lambda node, x: x.astype(node["type"]),
    "concat": _concatenated,
    "constant": _constant,
    "pad": _padded,
    "resample": _resampled,
    "reshape": lambda node, x: x.reshape(len(x), *node["shape"]),
    "steps": _stepped,
    "take": _gathered,
    "top": _top,
    "transpose": _transposed,
}
