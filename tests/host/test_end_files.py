"""Ends in a damaged `functions.json`: refused with the key that is wrong, or still something that runs."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.golden.host_joins import leave_joins
from bnnfpga.host.end_files import check_ends
from bnnfpga.host.end_shapes import result_shapes
from bnnfpga.host.ends import END_OPERATIONS, apply_ends, end_classes, end_outputs
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.arithmetic import OPERATIONS
from tests.support.end_nets import EndNet
from tests.support.spelled import Spelled

SEEDS = range(24)
OTHERS: tuple[Any, ...] = (None, "x", -1, 0, 1, 7, 10**9, 1.5, True, [], [[0]], {}, [0, 1], ...)


def _program(net: Spelled) -> dict[str, Any]:
    model = clean(net.model())
    leave_joins(model, InputFormat.parse(None, None))
    program = {key: value for key, value in GoldenModel(model).ends.items() if key != "shapes"}
    whole: dict[str, Any] = json.loads(json.dumps(program))
    return whole


def _steps(steps: Any, elements: int, at: str) -> None:
    """The project's own check of steps is tested elsewhere: these must be as they were."""
    del elements
    known = all(isinstance(step, dict) and _known(step) for step in steps)
    if not known:
        raise ValueError(f"{at} is something else")


def _known(step: dict[str, Any]) -> bool:
    operation, constant = step.get("operation"), step.get("constant", [0])
    if not isinstance(operation, str) or operation not in {"sigmoid", *OPERATIONS}:
        return False
    return isinstance(constant, list) and bool(constant) and all(type(item) in (int, float) for item in constant)


def _places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    keys = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield from _places(data[key], (*path, key))


def _changed(program: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    other = copy.deepcopy(program)
    holder: Any = other
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return other


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_changed_is_refused_or_runs(seed: int) -> None:
    program = _program(EndNet(seed))
    rng = np.random.default_rng(seed)
    places = list(_places(program))
    for _ in range(150):
        path = places[int(rng.integers(len(places)))]
        damaged = _changed(program, path, OTHERS[int(rng.integers(len(OTHERS)))])
        elements = None
        with contextlib.suppress(ValueError):
            elements = check_ends(damaged, _steps)
        if elements is None:
            continue
        given = [rng.normal(size=(3, count)).astype(np.float32) for count in elements]
        values = apply_ends(damaged, given)
        end_outputs(damaged, values)
        for rule in damaged["classes"]:
            if rule["rule"] != "stream":
                assert len(end_classes(rule, values)) == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_shapes_are_those_of_the_values(seed: int) -> None:
    """What the files' check infers is what numpy makes."""
    program = _program(EndNet(seed))
    given = [np.zeros((2, int(np.prod(shape))), np.float32) for shape in program["inputs"]]
    shapes = [list(shape) for shape in program["inputs"]]
    for node in program["nodes"]:
        shapes += result_shapes(node, [shapes[value] for value in node["inputs"]])
    assert shapes == [list(value.shape[1:]) for value in apply_ends(program, given)]


def test_the_nets_have_most_operations() -> None:
    used = {node["operation"] for seed in SEEDS for node in _program(EndNet(seed))["nodes"]}
    assert used <= set(END_OPERATIONS)
    assert used >= {"arg_max", "concat", "mean", "pad", "resample", "softmax", "steps", "take", "top"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ends")
    net = Spelled(17, (1, 6))
    net.node("TopK", net.node("Softmax", net.dense(net.quant("x", 3, 0.5), 6, 5)), net.integers([2]), outputs=2)
    values, indices = net.last_outputs
    net.end(values, indices, kinds=(TensorProto.FLOAT, TensorProto.INT64))
    onnx.save(net.model(), folder / "net.onnx")
    bnnfpga.compile(folder / "net.onnx", folder / "project")
    return folder / "project"


WRONG = [
    (("ends",), ..., "ends is missing"),
    (("ends", "inputs"), [], "ends.inputs is empty"),
    (("ends", "inputs", 0), [1, 4], "ends.inputs[0] has 4 elements; 5 are expected"),
    (("ends", "nodes", 0, "operation"), "guess", "ends.nodes[0].operation is 'guess', and must be one of add"),
    (("ends", "nodes", 0, "axis"), 2, "ends.nodes[0] names axis 2 of shape [1, 5]"),
    (("ends", "nodes", 0, "axis"), ..., "ends.nodes[0].axis is missing"),
    (
        ("ends", "nodes", 0, "inputs"),
        [1],
        "ends.nodes[0].inputs[0] is 1, and must be the number of a value in front",
    ),
    (("ends", "nodes", 0, "inputs"), [0, 0], "ends.nodes[0] reads 2 values"),
    (("ends", "nodes", 1, "k"), 6, "ends.nodes[1] takes 6 of 5 numbers"),
    (("ends", "nodes", 1, "largest"), 2, "ends.nodes[1].largest is 2, and must be 0 or 1"),
    (("ends", "outputs"), [2], "ends.outputs has length 1"),
    (("ends", "outputs", 0), 9, "ends.outputs[0] is 9, and must be the number of a value, from 0 to 3"),
    (("ends", "classes"), [], "ends.classes is empty"),
    (("ends", "classes", 0, "rule"), "first", "ends.classes[0].rule is 'first', and must be one of above"),
    (("ends", "classes", 0, "axis"), 5, "ends.classes[0].axis is 5, and must be an axis of shape [1, 5]"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=lambda item: str(item)[:40])
def test_wrong_values(project: Path, tmp_path: Path, path: tuple[Any, ...], value: Any, message: str) -> None:
    functions = project / "functions.json"
    whole = functions.read_text()
    functions.write_text(json.dumps(_changed(json.loads(whole), path, value)))
    try:
        with pytest.raises(UserError) as caught:
            bnnfpga.Project.load(project)
    finally:
        functions.write_text(whole)
    assert message in caught.value.message
    assert caught.value.where == str(functions)
    assert "compile the model again" in str(caught.value.hint)
