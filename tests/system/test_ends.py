"""What only the host computes behind the last layers: ends at random, in Python, in projects and on boards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

import bnnfpga
from bnnfpga.base.errors import ResultsDiffer
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.end_writer import EndWriter
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.golden.host_joins import leave_joins
from bnnfpga.host.input_format import InputFormat
from tests.support.end_nets import OPERATORS, EndNet
from tests.support.spelled import Spelled, expected

NETS = 60
COMPILED = 12
IMAGES = 12


def _close(got: np.ndarray, wanted: np.ndarray) -> None:
    assert (got.dtype.kind == "i") == (wanted.dtype.kind == "i")
    np.testing.assert_allclose(got.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-5)


def _golden(net: EndNet) -> GoldenModel:
    model = clean(net.model())
    leave_joins(model, InputFormat.parse(None, None))
    return GoldenModel(model)


@pytest.mark.parametrize("seed", range(NETS))
def test_values_are_the_files(seed: int) -> None:
    """Random ends of one to three heads: the host's values are onnxruntime's, and the file's reading agrees."""
    net = EndNet(seed)
    proto, x = net.model(), net.inputs(IMAGES)
    model = _golden(net)
    golden = model.run(x)
    reading = check_file(proto, model, x)
    assert reading.difference is None
    assert reading.unchecked == ()
    # Libraries decide ties otherwise.
    clear = ~reading.tied
    for got, wanted in zip(golden.values, expected(proto, x[clear]), strict=True):
        _close(got[clear], wanted)


def test_the_ends_have_every_operator() -> None:
    used = {node.op_type for seed in range(NETS) for node in EndNet(seed).nodes}
    assert set(OPERATORS) <= used


@pytest.mark.parametrize("seed", range(COMPILED))
def test_projects_give_the_same(seed: int, tmp_path: Path) -> None:
    """Compiled, loaded again, and simulated: the values are the golden model's to the bit, in the file's shapes."""
    net = EndNet(seed)
    path = tmp_path / "net.onnx"
    onnx.save(net.model(), path)
    x = net.inputs(IMAGES)
    bnnfpga.compile(path, tmp_path / "project")
    result = bnnfpga.Project.load(tmp_path / "project").simulate(x, backend="emulator")
    golden = _golden(net).run(x)
    assert result.mismatches == 0
    values = result.values if isinstance(result.values, tuple) else (result.values,)
    for got, wanted in zip(values, golden.values, strict=True):
        assert got is not None
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)


# -- a host that computes something else is found ----------------------------------------------------------------------


def _vector(net: Spelled) -> str:
    return net.node("Mul", net.dense(net.quant("x", 3, 0.5), 6, 5), net.constant([0.5, 0.7, 0.9, 1.1, 1.3]))


def _image(net: Spelled) -> str:
    return net.node("Conv", net.quant("x", 3, 0.5), net.weights(3, 2, 1, 1))


def _top(net: Spelled) -> str:
    net.node("TopK", _vector(net), net.integers([2]), outputs=2, axis=1)
    return net.last_outputs[1]


Change = Callable[[dict[str, Any]], None]
BROKEN: dict[str, tuple[tuple[int, ...], Callable[[Spelled], str], int, str, Change]] = {
    "axis of a Softmax": (
        (1, 2, 4, 3),
        lambda net: net.node("Softmax", _image(net), axis=1),
        TensorProto.FLOAT,
        "softmax",
        lambda node: node.update(axis=2),
    ),
    "no Sigmoid": (
        (1, 6),
        lambda net: net.node("Sigmoid", _vector(net)),
        TensorProto.FLOAT,
        "steps",
        lambda node: node.update(steps=[]),
    ),
    "the smallest": ((1, 6), _top, TensorProto.INT64, "top", lambda node: node.update(largest=0)),
    "another axis": (
        (1, 2, 4, 3),
        lambda net: net.node("ArgMax", _image(net), axis=1, keepdims=0),
        TensorProto.INT64,
        "arg_max",
        lambda node: node.update(axis=2),
    ),
    "columns for rows": (
        (1, 2, 4, 4),
        lambda net: net.node("Transpose", net.node("Sigmoid", _image(net)), perm=[0, 1, 3, 2]),
        TensorProto.FLOAT,
        "transpose",
        lambda node: node.update(axes=[0, 1, 2, 3]),
    ),
    "other pixels": (
        (1, 2, 4, 4),
        lambda net: net.node("Resize", _image(net), "", net.constant([1.0, 1.0, 1.5, 1.0]), mode="linear"),
        TensorProto.FLOAT,
        "resample",
        lambda node: node["taken"][0].reverse(),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_compile_finds_a_host_that_computes_something_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, write, kind, operation, change = BROKEN[name]
    net = Spelled(17, shape)
    net.end(write(net), kinds=(kind,))
    path = tmp_path / "net.onnx"
    onnx.save(net.model(), path)
    add = EndWriter.add
    found = []

    def broken(self: Any, named: str, *inputs: int, **parameters: Any) -> int:
        if named == operation:
            change(parameters)
            found.append(named)
        return add(self, named, *inputs, **parameters)

    bnnfpga.compile(path, tmp_path / "right")
    monkeypatch.setattr(EndWriter, "add", broken)
    with pytest.raises(ResultsDiffer, match="differently from what the file says"):
        bnnfpga.compile(path, tmp_path / "wrong")
    assert found
