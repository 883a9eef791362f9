"""One output stands for two classes, whoever decides: the host by its value, or the accelerator by the score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from tests.support.builds import check_cycles, images_for
from tests.support.nets import NetWriter
from tests.support.spelled import Spelled, expected

End = Callable[[NetWriter, str], str]
WIDTH = 14


def _scaled(net: NetWriter, x: str, factor: float, addend: float = 0.0) -> str:
    return net.node("Add", net.node("Mul", x, net.constant([factor])), net.constant([addend]))


ENDS: dict[str, tuple[End, float, str]] = {
    "score": (lambda net, x: net.node("Mul", x, net.constant(0.5)), 0, "threshold"),
    "Sigmoid": (lambda net, x: net.node("Sigmoid", x), 0.5, "threshold"),
    "Sigmoid of a falling score": (lambda net, x: net.node("Sigmoid", _scaled(net, x, -0.3, 1.5)), 0.5, "threshold"),
    "probability of the other class": (
        lambda net, x: net.node("Sub", net.constant(1), net.node("Sigmoid", x)),
        0.5,
        "threshold",
    ),
    "batch norm, cast": (
        lambda net, x: net.node("Cast", _scaled(net, x, 0.7, -2.1), to=onnx.TensorProto.FLOAT),
        0,
        "threshold",
    ),
    "both sides": (lambda net, x: _scaled(net, net.node("Abs", x), 1.0, -4.5), 0, "lookup"),
    "always": (lambda net, x: net.node("Add", net.node("Relu", x), net.constant([1])), 0, "threshold"),
}


def _model(end: End, folder: Path) -> Path:
    net = NetWriter()
    rng = np.random.default_rng(0)
    x = net.bipolar(net.node("MatMul", net.bipolar("x"), net.bipolar(net.constant(rng.normal(size=(WIDTH, 12))))))
    end(net, net.node("MatMul", x, net.bipolar(net.constant(rng.normal(size=(12, 1))))))
    path = folder / "net.onnx"
    onnx.save(net.model((WIDTH,), "y"), path)
    return path


@pytest.mark.parametrize("name", ENDS)
def test_host_and_hardware_decide_alike(name: str, tmp_path: Path) -> None:
    end, threshold, unit = ENDS[name]
    model = _model(end, tmp_path)
    scores = bnnfpga.compile(model, tmp_path / "scores")
    classes = bnnfpga.compile(model, tmp_path / "classes", output_kind="class")
    assert [layer["operator"] for layer in classes.description["layers"]][-2:] == [unit, "score_output"]
    x = images_for(scores, 300)
    result = scores.simulate(x, backend="emulator")
    assert isinstance(result.values, np.ndarray)
    assert result.values.shape == (300, 1)
    np.testing.assert_array_equal(result.classes, result.values[:, 0] > threshold)
    assert len(np.unique(result.classes)) == (1 if name == "always" else 2)
    built = classes.simulate(x, result.classes, backend="emulator")
    assert (built.mismatches, built.accuracy, built.values) == (0, 1, None)
    np.testing.assert_array_equal(built.classes, result.classes)
    for project in (scores, classes):
        found = project.evaluate(x, 1 - result.classes)
        assert found.accuracy == 0
        assert found.confusion.shape == (2, 2)
        assert project.classes == 2


@pytest.mark.parametrize("name", ["Sigmoid of a falling score", "both sides"])
def test_in_rtl(name: str, tmp_path: Path) -> None:
    project = bnnfpga.compile(_model(ENDS[name][0], tmp_path), tmp_path / "p", output_kind="class")
    check_cycles(project)
    assert project.simulate(images_for(project, 50)).mismatches == 0


def test_a_value_on_the_threshold_is_class_0(tmp_path: Path) -> None:
    """Of 12 signs the sum is even, so 0 occurs: a logit of 0, and a probability of a half."""
    for name in ("score", "Sigmoid"):
        end, threshold, _ = ENDS[name]
        folder = tmp_path / name
        folder.mkdir()
        project = bnnfpga.compile(_model(end, folder), folder / "project")
        result = project.simulate(images_for(project, 300), backend="emulator")
        values = np.ravel(result.values)  # type: ignore[arg-type]
        assert np.any(values == threshold)
        assert not np.any(result.classes[values == threshold])


def test_labels_are_0_and_1(tmp_path: Path) -> None:
    project = bnnfpga.compile(_model(ENDS["Sigmoid"][0], tmp_path), tmp_path / "p")
    x = images_for(project, 4)
    with pytest.raises(UserError, match="the array holds 0 to 2, expected 0 to 1"):
        project.simulate(x, np.array([0, 1, 2, 0]), backend="emulator")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", np.array([0, 1, 1, 0]))
    files = ["--dataset", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]
    assert run(app, ["eval", str(tmp_path / "p"), *files, "--json"]) == 0


@pytest.mark.parametrize("kind", ["Greater", "LessOrEqual"])
def test_a_file_that_decides_itself(kind: str, tmp_path: Path) -> None:
    net = Spelled(17, (1, 6))
    net.end(net.node(kind, net.node("Sigmoid", net.dense(net.quant("x", 3, 0.5), 6, 1)), net.constant(0.5)))
    net.output_kinds = (onnx.TensorProto.BOOL,)
    onnx.save(net.model(), tmp_path / "net.onnx")
    x = net.inputs(200).astype(np.float32)
    wanted = expected(net.model(), x)[0]
    scores = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "scores")
    assert scores.warnings == ()
    result = scores.simulate(x, backend="emulator")
    assert isinstance(result.values, np.ndarray)
    assert result.values.dtype == np.bool_
    np.testing.assert_array_equal(result.values, wanted)
    np.testing.assert_array_equal(result.classes, wanted[:, 0])
    classes = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "classes", output_kind="class")
    np.testing.assert_array_equal(classes.simulate(x, backend="emulator").classes, wanted[:, 0])
