"""Reading `project.json` and `functions.json`, which may be truncated, edited or not the compiler's at all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from bnnfpga.base.errors import PicklableError, UserError, shown
from bnnfpga.base.input_files import read_file
from bnnfpga.host.description import FORMAT, read_order, read_stream
from bnnfpga.host.end_files import check_ends
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.arithmetic import JOINS, OPERATIONS
from bnnfpga.numbers.float_functions import FUNCTIONS, OWN_NUMBERS
from bnnfpga.numbers.integers import Encoding

_MAX_BYTES = 1 << 28
_MAX_ELEMENTS = 1 << 24
_MAX_FLOAT = float(np.finfo(np.float32).max)
_AGAIN = "compile the model again: bnnfpga compile MODEL -o DIR --force"


class _Wrong(PicklableError):
    """A key holds something else than it must; the text names the key and says what is wrong."""


def read_description(folder: Path) -> dict[str, Any]:
    """Read a project's `project.json` and check the type and range of every value that is relied on.

    Raises
    ------
    UserError
        If it does not exist, has another version of the format or is damaged; the message names the line or the key.
    """
    path = folder / "project.json"
    if not folder.is_dir() or not path.exists():
        if folder.is_dir():
            reason = "it is not a project: it has no project.json"
        else:
            reason = "it is a file, not a project" if folder.exists() else "there is no such folder"
        raise UserError(
            reason, where=str(folder), hint="give the folder that `bnnfpga compile MODEL -o DIR` wrote: its DIR"
        )
    data = _read_json(path)
    version = data.get("format")
    if version != FORMAT:
        raise UserError(
            f"its format is {shown(version)}, this version of bnnfpga reads {FORMAT}", where=str(path), hint=_AGAIN
        )
    try:
        _check(data, _DESCRIPTION, "")
        _check_streams(data)
    except _Wrong as wrong:
        raise _damaged(path, wrong) from None
    return data


def read_functions(folder: Path, description: Mapping[str, Any]) -> dict[str, Any]:
    """Read and check `functions.json` of the project with this description.

    Raises
    ------
    UserError
        If it does not exist or is damaged; the message names the line or the key.
    """
    path = folder / "functions.json"
    data = _read_json(path)
    takes_floats = description["input"]["kind"] == "float"
    try:
        _check(data, {"input": [_STEP] if takes_floats else _nothing, "outputs": [[_STEP]], "ends": {}}, "")
        _check_steps(data["input"] or [], math.prod(description["input"]["stream"]["shape"]), "input")
        counts = check_ends(data["ends"], _check_steps)
        outputs = description["outputs"]
        for key, found in (("outputs", data["outputs"]), ("ends.inputs", counts)):
            if len(found) != len(outputs):
                raise _Wrong(f"{key} has length {len(found)}; {len(outputs)} is expected")
        if len(data["ends"]["outputs"]) != len(description["values"]):
            raise _Wrong(f"ends.outputs has length {len(data['ends']['outputs'])}, and project.json names others")
        for index, (steps, count, output) in enumerate(zip(data["outputs"], counts, outputs, strict=True)):
            elements = math.prod(output["stream"]["shape"])
            if output["kind"] == "scores" and count != elements:
                raise _Wrong(f"ends.inputs[{index}] has {count} elements; {elements} are expected")
            _check_steps(steps, count, f"outputs[{index}]")
    except ValueError as error:
        raise _damaged(path, _Wrong(str(error))) from None
    except _Wrong as wrong:
        raise _damaged(path, wrong) from None
    return data


def _read_json(path: Path) -> dict[str, Any]:
    text = read_file(path, "this part of the project", _AGAIN, _MAX_BYTES)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"it is damaged: {error.msg} (line {error.lineno}, column {error.colno})", where=str(path), hint=_AGAIN
        ) from error
    except (ValueError, RecursionError) as error:  # invalid UTF-8, a number of thousands of digits, endless brackets
        raise UserError(f"it is damaged: {error}", where=str(path), hint=_AGAIN) from error
    if not isinstance(data, dict):
        raise UserError("it is damaged: it is not a JSON object", where=str(path), hint=_AGAIN)
    return data


def _damaged(path: Path, wrong: _Wrong) -> UserError:
    return UserError(f"it is damaged: {wrong}", where=str(path), hint=_AGAIN)


# -- what each key holds -----------------------------------------------------------------------------------------------


def _number(value: object, at: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Wrong(f"{at} is {shown(value)}, which is not a number")


def _float32(value: object, at: str) -> None:
    _number(value, at)
    if not abs(value) <= _MAX_FLOAT and value not in (math.inf, -math.inf):  # type: ignore[arg-type]
        raise _Wrong(f"{at} is {shown(value)}, which is not a float32 number")


def _integer(value: object, at: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 62) < value < 1 << 62:
        raise _Wrong(f"{at} is {shown(value)}, which is not an integer of 63 bits")


def _natural(value: object, at: str) -> None:
    _integer(value, at)
    if value < 1:  # type: ignore[operator]
        raise _Wrong(f"{at} is {value}, and must be at least 1")


def _text(value: object, at: str) -> None:
    if not isinstance(value, str):
        raise _Wrong(f"{at} is {shown(value)}, which is not text")


def _positive(value: object, at: str) -> None:
    _number(value, at)
    if not 0 < value < math.inf:  # type: ignore[operator]
        raise _Wrong(f"{at} is {value}, and must be positive")


def _nothing(value: object, at: str) -> None:
    if value is not None:
        raise _Wrong(f"{at} is {shown(value)}, and must be null: the images are integers")


def _or_none(check: Callable[[object, str], None]) -> Callable[[object, str], None]:
    return lambda value, at: None if value is None else check(value, at)


_STREAM = {
    "shape": [_natural],
    "order": {},
    "type": {"lo": _integer, "hi": _integer, "encoding": get_args(Encoding)},
    "lanes": _natural,
    "beats": _natural,
    "beat_bytes": _natural,
}
_DESCRIPTION = {
    "name": _text,
    "model": _text,
    "clock_mhz": _positive,
    "family": _text,
    "estimated_clock": {"mhz": _positive, "unit": _text},
    "input": {"kind": _text, "scale": _positive, "shape": [_natural], "stream": _STREAM},
    "outputs": [{"name": _text, "kind": ("scores", "class"), "shape": [_natural], "stream": _STREAM}],
    "values": [{"name": _text, "shape": [_natural]}],
    "predicted_initiation_interval": _natural,
    "predicted_latency_cycles": _natural,
    "layers": [
        {"name": _text, "operator": _text, "pe": _or_none(_natural), "simd": _or_none(_natural), "cycles": _natural}
    ],
    "resources": {},
}
_STEP = {"operation": (*OPERATIONS, *FUNCTIONS)}


def _check(value: Any, expected: Any, at: str) -> None:
    """Check a value against a pattern: keys of an object, items of an array, a tuple of legal values, or a function.

    Further keys are legal: a later version of bnnfpga may write more.
    """
    if isinstance(expected, dict):
        if not isinstance(value, dict):
            raise _Wrong(f"{at} is {shown(value)}, which is not an object")
        for key, inner in expected.items():
            place = f"{at}.{key}" if at else key
            if key not in value:
                raise _Wrong(f"{place} is missing")
            _check(value[key], inner, place)
    elif isinstance(expected, list):
        if not isinstance(value, list):
            raise _Wrong(f"{at} is {shown(value)}, which is not an array")
        for index, item in enumerate(value):
            _check(item, expected[0], f"{at}[{index}]")
    elif isinstance(expected, tuple):
        if value not in expected:
            raise _Wrong(f"{at} is {shown(value)}, and must be one of {', '.join(expected)}")
    else:
        expected(value, at)


def _check_streams(data: Mapping[str, Any]) -> None:
    """Refuse values that are legal one by one but do not fit each other."""
    input = data["input"]
    try:
        InputFormat.parse(input["kind"], None if input["kind"] == "float" else input["scale"])
    except UserError as error:
        raise _Wrong(f"input.kind or input.scale: {error.message}") from None
    if not data["outputs"]:
        raise _Wrong("outputs is empty")
    if len({output["kind"] for output in data["outputs"]}) > 1:
        raise _Wrong("outputs have different kinds")
    sides = [("input", input), *((f"outputs[{index}]", output) for index, output in enumerate(data["outputs"]))]
    for side, described in sides:
        stream = described["stream"]
        elements = math.prod(stream["shape"])
        if not stream["shape"] or elements > _MAX_ELEMENTS:
            raise _Wrong(f"{side}.stream.shape has {elements} elements")
        if elements % stream["lanes"]:
            raise _Wrong(f"{side}.stream.lanes is {stream['lanes']}, which does not divide {elements} elements")
        try:
            format = read_stream(stream)
        except ValueError as error:
            raise _Wrong(f"{side}.stream.type: {error}") from None
        _check_order(stream, f"{side}.stream.order")
        if (format.beats, format.beat_bytes) != (stream["beats"], stream["beat_bytes"]):
            raise _Wrong(f"{side}.stream has {stream['beats']} beats of {stream['beat_bytes']} bytes for its elements")
        if math.prod(described["shape"]) != elements:
            raise _Wrong(f"{side}.shape and {side}.stream.shape have different numbers of elements")
    if not data["layers"]:
        raise _Wrong("layers is empty")


def _check_order(stream: Mapping[str, Any], at: str) -> None:
    keys = ("places",) if "places" in stream["order"] else ("shape", "axes")
    _check(stream["order"], {key: [_integer] for key in keys}, at)
    try:
        read_order(stream)
    except ValueError as error:
        raise _Wrong(f"{at}: {error}") from None


def _check_steps(steps: object, elements: int, at: str) -> None:
    _check(steps, [_STEP], at)
    for index, step in enumerate(steps):  # type: ignore[arg-type, var-annotated]
        _check_step(step, elements, f"{at}[{index}]")


def _check_step(step: Mapping[str, Any], elements: int, at: str) -> None:
    operation = step["operation"]
    if "branches" in step:
        _check(step["branches"], [[_STEP]], f"{at}.branches")
        if len(step["branches"]) != 2 or operation not in JOINS:
            raise _Wrong(f"{at} does not join two numbers")
        for number, branch in enumerate(step["branches"]):
            for index, inner in enumerate(branch):
                _check_step(inner, elements, f"{at}.branches[{number}][{index}]")
        return
    numbers = step.get("numbers", [])
    _check(numbers, [_float32], f"{at}.numbers")
    if len(numbers) != OWN_NUMBERS.get(operation, 0):
        raise _Wrong(f"{at}.numbers has length {len(numbers)}; {OWN_NUMBERS.get(operation, 0)} is expected")
    if operation == "power" and "constant" not in step:
        raise _Wrong(f"{at}.constant is missing")
    constant, at = step.get("constant", [0]), f"{at}.constant"
    counts = operation in ("count", "entry")
    _check(constant, [[_float32]] if counts else [_float32], at)
    if len(constant) not in (1, elements):
        raise _Wrong(f"{at} has length {len(constant)}; 1 or {elements} is expected")
    if counts and (not constant[0] or any(len(row) != len(constant[0]) for row in constant)):
        raise _Wrong(f"{at} has no thresholds, or not as many in each row")
