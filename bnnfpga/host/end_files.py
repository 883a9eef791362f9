"""Checking the ends in `functions.json`, which may be truncated, edited or not written by the compiler at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bnnfpga.base.errors import shown
from bnnfpga.host.end_shapes import result_shapes
from bnnfpga.host.ends import END_OPERATIONS

_MAX_END_ELEMENTS = 1 << 24
_TYPES = ("bool", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_RULES = ("above", "index", "largest", "stream")

Check = tuple[str, Callable[[Any], bool]]
"""What a key must hold, as the end of a sentence, and the check for it."""


def check_ends(ends: Mapping[str, Any], check_steps: Callable[[Any, int, str], None]) -> list[int]:
    """Check the host's program behind the float values; returns the number of elements of each input.

    `check_steps` is called with steps, the number of elements that they work on, and their place in the file.

    Raises
    ------
    ValueError
        If a key is missing or holds something else; the text names it.
    """
    for key in ("inputs", "nodes", "outputs", "classes"):
        _require(ends, key, _LISTS, "ends")
    shapes: list[list[int]] = []
    for index, shape in enumerate(ends["inputs"]):
        _hold(shape, _SIZES, f"ends.inputs[{index}]")
        shapes.append(shape)
    elements = [math.prod(shape) for shape in shapes]
    if not shapes or max(elements) > _MAX_END_ELEMENTS:
        raise ValueError("ends.inputs is empty" if not shapes else f"ends.inputs has {max(elements):,} elements")
    for index, node in enumerate(ends["nodes"]):
        at = f"ends.nodes[{index}]"
        _check_node(node, shapes, check_steps, at)
        try:
            results = result_shapes(node, [shapes[value] for value in node["inputs"]])
        except ValueError as error:
            raise ValueError(f"{at} {error}") from None
        if any(math.prod(shape) > _MAX_END_ELEMENTS for shape in results):
            raise ValueError(f"{at} makes more than {_MAX_END_ELEMENTS:,} elements")
        shapes += results
    if not ends["outputs"] or not ends["classes"]:
        raise ValueError(f"ends.{'classes' if ends['outputs'] else 'outputs'} is empty")
    for index, value in enumerate(ends["outputs"]):
        _hold(value, _among(len(shapes), "the number of a value"), f"ends.outputs[{index}]")
    for index, rule in enumerate(ends["classes"]):
        _check_rule(rule, shapes, len(elements), len(ends["outputs"]), f"ends.classes[{index}]")
    return elements


def _check_node(node: Any, shapes: Sequence[Any], check_steps: Callable[[Any, int, str], None], at: str) -> None:
    _hold(node, ("an object", lambda value: isinstance(value, dict)), at)
    _require(node, "operation", (f"one of {', '.join(sorted(END_OPERATIONS))}", _one_of(END_OPERATIONS)), at)
    _require(node, "inputs", _LISTS, at)
    for index, value in enumerate(node["inputs"]):
        _hold(value, _among(len(shapes), "the number of a value in front of it"), f"{at}.inputs[{index}]")
    for key, check in _KEYS.get(node["operation"], {}).items():
        _require(node, key, check, at)
    if node["operation"] == "steps":
        elements = math.prod(shapes[node["inputs"][0]]) if node["inputs"] else 0
        check_steps(node["steps"], elements, f"{at}.steps")


def _check_rule(rule: Any, shapes: Sequence[Sequence[int]], streams: int, outputs: int, at: str) -> None:
    _hold(rule, ("an object", lambda value: isinstance(value, dict)), at)
    _require(rule, "rule", (f"one of {', '.join(_RULES)}", _one_of(_RULES)), at)
    _require(rule, "value", _among(len(shapes), "the number of a value"), at)
    shape = shapes[rule["value"]]
    axis = _among(len(shape), f"an axis of shape {list(shape)}")
    if rule["rule"] in ("above", "stream"):
        axis = ("null", lambda value: value is None)
    elif rule["rule"] == "index":
        axis = (f"{axis[0]}, or null", lambda value, inside=axis[1]: value is None or inside(value))  # type: ignore[misc]
    _require(rule, "axis", axis, at)
    _require(rule, "output", _among(outputs, "the number of an output"), at)
    _require(rule, "count", ("a number of classes, or null", lambda value: value is None or _is_natural(value)), at)
    if rule["rule"] == "above":
        _require(rule, "threshold", _NUMBER, at)
        if math.prod(shape) != 1:
            raise ValueError(f"{at}.value has shape {list(shape)}, and must have one element")
    if rule["rule"] == "stream":
        _require(rule, "stream", _among(streams, "the number of a stream"), at)
        if math.prod(shape) != math.prod(shapes[rule["stream"]]):
            raise ValueError(f"{at}.value has shape {list(shape)}, and its stream {list(shapes[rule['stream']])}")


def _require(holder: Mapping[str, Any], key: str, check: Check, at: str) -> None:
    if key not in holder:
        raise ValueError(f"{at}.{key} is missing")
    _hold(holder[key], check, f"{at}.{key}")


def _hold(value: Any, check: Check, at: str) -> None:
    text, holds = check
    if not holds(value):
        raise ValueError(f"{at} is {shown(value)}, and must be {text}")


# -- what keys hold ----------------------------------------------------------------------------------------------------


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62


def _is_natural(value: Any) -> bool:
    return _is_integer(value) and value >= 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(holds, value))


def _one_of(names: Any) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in names


def _among(count: int, text: str) -> Check:
    return f"{text}, from 0 to {count - 1}", lambda value: _is_integer(value) and 0 <= value < count


_LISTS: Check = ("an array", lambda value: isinstance(value, list))
_INTEGER: Check = ("an integer", _is_integer)
_INTEGERS: Check = ("an array of integers", _list_of(_is_integer))
_SIZES: Check = ("an array of sizes", _list_of(_is_natural))
_NUMBER: Check = ("a number", _is_number)
_FLAG: Check = ("0 or 1", lambda value: _is_integer(value) and value in (0, 1))
_TYPE: Check = (f"one of {', '.join(_TYPES)}", _one_of(_TYPES))
_ROWS: Check = ("arrays of arrays of integers", _list_of(_list_of(_list_of(_is_integer))))
_WEIGHTS: Check = ("arrays of arrays of numbers", _list_of(_list_of(_list_of(_is_number))))
_KEYS: dict[str, dict[str, Check]] = {
    **{name: {"axis": _INTEGER} for name in ("softmax", "log_softmax", "concat")},
    **{name: {"axes": _INTEGERS, "keepdims": _FLAG} for name in ("mean", "sum", "max", "min")},
    "arg_max": {"axis": _INTEGER, "last": _FLAG, "keepdims": _FLAG},
    "cast": {"type": _TYPE},
    "constant": {"shape": _SIZES, "type": _TYPE, "data": ("an array of numbers", _list_of(_is_number))},
    "pad": {"before": _INTEGERS, "after": _INTEGERS, "number": _NUMBER},
    "resample": {"axes": _INTEGERS, "taken": _ROWS, "weights": _WEIGHTS},
    "reshape": {"shape": _SIZES},
    "steps": {"steps": _LISTS},
    "take": {"axis": _INTEGER, "indices": _INTEGERS},
    "top": {"axis": _INTEGER, "k": _INTEGER, "largest": _FLAG},
    "transpose": {"axes": _INTEGERS},
}
