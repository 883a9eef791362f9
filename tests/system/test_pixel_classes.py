"""`--output class` where each pixel has a class: the hardware's classes are the model's, ties included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from tests.support.builds import check_cycles, check_streams, images_for
from tests.support.independent import run_file
from tests.support.nets import NetWriter

SHAPE, SIGNAL = (2, 4, 3), (3, 6)
CLASSES = 5
Ending = Callable[[NetWriter, str], str]


def _net(ending: Ending, shape: tuple[int, ...] = SHAPE, classes: int = CLASSES) -> onnx.ModelProto:
    net = NetWriter(rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    weights = net.bipolar(net.constant(rng.standard_normal((classes, shape[0], *[3] * (len(shape) - 1)))))
    x = net.node("Conv", net.bipolar("x"), weights, pads=[1] * 2 * (len(shape) - 1))
    ending(net, x)
    return net.model(shape, "y")


def _affine(net: NetWriter, x: str) -> str:
    draws = ([1.0, 2.0, -1.0, 0.5, 1.0], [0.5, -1.0, 0.0, 3.0, 0.25], [0.0] * 5, [1.0] * 5)
    return net.node("BatchNormalization", x, *map(net.constant, draws), epsilon=0.0)


def _clipped(net: NetWriter, x: str) -> str:
    return net.node("Clip", _affine(net, x), net.constant(-2), net.constant(1.5))


def _transposed(net: NetWriter, x: str) -> str:
    weights = net.quant(
        net.constant(np.random.default_rng(2).integers(-3, 4, (CLASSES, 4, 2, 2))), 3, scale=1.0, signed=True
    )
    return net.node("ConvTranspose", net.bipolar(x), weights, strides=[2, 2])


def _last(net: NetWriter, x: str) -> str:
    return net.node("Transpose", _affine(net, x), perm=[0, 2, 3, 1])


NETS: dict[str, tuple[Ending, tuple[int, ...]]] = {
    "scores": (lambda net, x: x, SHAPE),
    "affine": (_affine, SHAPE),
    "ranks": (_clipped, SHAPE),
    "arg max": (lambda net, x: net.node("ArgMax", x, axis=1, keepdims=0), SHAPE),
    "arg max with its axis": (lambda net, x: net.node("ArgMax", _affine(net, x), axis=-3), SHAPE),
    "softmax": (lambda net, x: net.node("Softmax", x, axis=1), SHAPE),
    "channels last": (lambda net, x: net.node("ArgMax", _last(net, x), axis=3, keepdims=0), SHAPE),
    "probabilities": (lambda net, x: net.node("ArgMax", net.node("Softmax", x, axis=1), axis=1), SHAPE),
    "transposed convolution": (lambda net, x: net.node("ArgMax", _transposed(net, x), axis=1, keepdims=0), SHAPE),
    "signal": (lambda net, x: net.node("ArgMax", x, axis=1, keepdims=0), SIGNAL),
}


def _model(name: str, folder: Path) -> Path:
    ending, shape = NETS[name]
    path = folder / "net.onnx"
    onnx.save(_net(ending, shape), path)
    return path


@pytest.mark.parametrize("name", NETS)
def test_classes_are_the_models(name: str, tmp_path: Path) -> None:
    model = _model(name, tmp_path)
    scores = bnnfpga.compile(model, tmp_path / "scores")
    classes = bnnfpga.compile(model, tmp_path / "class", output_kind="class")
    x = images_for(scores, 12)
    expected = scores.simulate(x, backend="emulator").classes
    result = classes.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert isinstance(expected, np.ndarray)
    assert expected.size == result.outputs.size
    assert np.unique(expected).size > 2
    np.testing.assert_array_equal(result.classes, expected)
    check_streams(classes, x)


@pytest.mark.parametrize("name", ["arg max", "arg max with its axis", "signal"])
def test_classes_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    model = _model(name, tmp_path)
    project = bnnfpga.compile(model, tmp_path / "class", output_kind="class")
    x = images_for(project, 6)
    result = project.simulate(x, backend="emulator")
    expected = run_file(onnx.load(model), x)
    np.testing.assert_array_equal(np.reshape(result.classes, (6, -1)), expected)


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize(("name", "cycles"), [("affine", 400), ("ranks", 12), ("transposed convolution", 100)])
def test_in_hardware(name: str, cycles: int, tmp_path: Path) -> None:
    """Integers on all stages, and cycles as predicted."""
    project = bnnfpga.compile(_model(name, tmp_path), tmp_path / "project", cycles=cycles, output_kind="class")
    check_cycles(project)
    assert project.verify(images_for(project, 3), ["file", "source", "folded", "emulator", "hls", "rtl"]).equal


def test_pixels_have_no_label(tmp_path: Path) -> None:
    project = bnnfpga.compile(_model("arg max", tmp_path), tmp_path / "project", output_kind="class")
    with pytest.raises(UserError, match="a class for each pixel"):
        project.simulate(images_for(project, 2), np.zeros(2, dtype=np.int64), backend="emulator")


REFUSED: dict[str, tuple[str, Ending]] = {
    "last of equals": (
        "functions that only a host computes",
        lambda net, x: net.node("ArgMax", x, axis=1, select_last_index=1),
    ),
    "along rows": (
        "do not leave the last layer one after the other",
        lambda net, x: net.node("ArgMax", x, axis=2),
    ),
    "by pixel": (
        "differ from pixel to pixel",
        lambda net, x: net.node("ArgMax", net.node("Add", x, net.constant([[[1.0, 2.0, 3.0]]])), axis=1),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_left_to_the_host(name: str, tmp_path: Path) -> None:
    words, ending = REFUSED[name]
    onnx.save(_net(ending), tmp_path / "net.onnx")
    with pytest.raises(UserError, match=words):
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", output_kind="class")
    assert not (tmp_path / "project").exists()
