"""What the user did not say of the input is shown and, where it is likely to be wrong, warned of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.compiler.first_quantizer import input_warnings
from bnnfpga.frontend.clean import clean
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.simulate.image_range import image_warnings
from tests.support.nets import NetWriter

UINT8 = IntegerType(0, 255, "unsigned")


def _net(kind: str) -> onnx.ModelProto:
    """784-10 behind an 8 bit quantizer, a sign of 2x - 1, or a quantizer with a constant for each of its pixels."""
    net = NetWriter()
    rng = np.random.default_rng(0)
    if kind == "quant":
        x = net.quant("x", 8, scale=1 / 255, signed=False)
    elif kind == "sign":
        x = net.bipolar(net.node("Sub", net.node("Mul", "x", net.constant(2.0)), net.constant(1.0)))
    else:
        shifts = net.constant(rng.uniform(0.2, 0.8, (1, 784)))
        x = net.bipolar(net.node("Sub", "x", shifts))
    weights = net.bipolar(net.constant(rng.standard_normal((784, 10))))
    net.node("MatMul", x, weights)
    return net.model((784,), "y")


@pytest.mark.parametrize("kind", ["quant", "sign", "pixels"])
def test_a_forgotten_scale_is_warned_of(kind: str) -> None:
    model = clean(_net(kind))
    assert input_warnings(model, InputFormat.parse("uint8", "1/255")) == []
    (sentence,) = input_warnings(model, InputFormat.parse("uint8", None))
    assert "taken as uint8:" in sentence
    assert "--input-scale" in sentence
    assert input_warnings(model, InputFormat.parse(None, None)) == []


def test_a_scale_that_is_too_small_is_warned_of() -> None:
    net = NetWriter()
    weights = net.bipolar(net.constant(np.random.default_rng(0).standard_normal((16, 10))))
    net.node("MatMul", net.quant("x", 8, scale=1, signed=False), weights)
    model = clean(net.model((16,), "y"))
    assert input_warnings(model, InputFormat.parse("uint8", None)) == []
    (sentence,) = input_warnings(model, InputFormat.parse("uint8", "1/255"))
    assert "reaches 2 of its 256 levels" in sentence
    assert "uint8 x 1/255" in sentence


def test_inputs_without_a_quantizer_give_no_warning() -> None:
    net = NetWriter()
    net.node("MatMul", "x", net.bipolar(net.constant(np.ones((4, 3)))))
    assert input_warnings(clean(net.model((4,), "y")), InputFormat.parse("uint8", None)) == []


@pytest.mark.parametrize(
    ("scale", "text"),
    [("1/255", "uint8 x 1/255"), (0.05, "uint8 x 0.05"), (None, "uint8"), (1 / 128, "uint8 x 1/128"), (0.123456, None)],
)
def test_formats_are_shown_as_people_write_them(scale: float | str | None, text: str | None) -> None:
    format = InputFormat.parse("uint8", scale)
    assert str(format) == (text or "uint8 x 0.123456001")
    assert format.given == (scale is not None)
    assert str(InputFormat.parse(None, None)) == "float32"


@pytest.mark.parametrize(
    ("codes", "type", "words"),
    [
        (np.arange(256), UINT8, None),
        (np.arange(2).repeat(100), UINT8, "2 different integers, from 0 to 1"),
        (np.zeros(500, dtype=np.int64), UINT8, "1 different integer,"),
        (np.array([0, 255]).repeat(200), UINT8, "2 different integers"),
        (np.array([0, 255]), UINT8, None),
        (np.array([1, -1]), IntegerType.bipolar(), None),
        (np.ones(8, dtype=np.int64), IntegerType.bipolar(), "is +1"),
    ],
)
def test_images_that_use_little_of_the_range(codes: np.ndarray, type: IntegerType, words: str | None) -> None:
    found = image_warnings(codes, type, InputFormat.parse("bipolar" if type.is_bipolar else "uint8", None))
    assert [words in sentence for sentence in found] == ([] if words is None else [True])


def test_every_place_that_shows_a_speed_shows_the_input(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(_net("quant"), path)
    project = bnnfpga.compile(path, tmp_path / "out", input="uint8")
    assert any("--input-scale" in sentence for sentence in project.warnings)
    assert project.summary()["input"] == {"kind": "uint8", "scale": 1.0, "given": False}
    assert "uint8 (no --input-scale given)" in str(project)
    again = bnnfpga.compile(path, tmp_path / "out", input="uint8", input_scale="1/255", force=True)
    assert again.warnings == ()
    assert "uint8 x 1/255" in str(bnnfpga.Project.load(tmp_path / "out"))
    assert "uint8 x 1/255" in (tmp_path / "out" / "README.md").read_text()
    assert json.loads((tmp_path / "out" / "project.json").read_text())["input"]["given"] is True
    dark = np.random.default_rng(0).integers(0, 2, (4, 784)).astype(np.uint8)
    result = again.simulate(dark, backend="emulator")
    assert result.as_dict()["input"] == {"kind": "uint8", "scale": pytest.approx(1 / 255), "given": True}
    (sentence,) = result.warnings
    assert "from 0 to 1" in sentence
    assert sentence in " ".join(str(result).split())
    evaluation = again.evaluate(dark, np.zeros(4, dtype=np.int64))
    assert evaluation.warnings == (sentence,)
    assert "uint8 x 1/255" in str(evaluation)


def test_floats_on_the_scale_of_pixels_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(_net("quant"), path)
    project = bnnfpga.compile(path, tmp_path / "out")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 784)).astype(np.float32)
    (sentence,) = project.simulate(pixels, backend="emulator").warnings
    assert "host quantises the images to 2 different integers" in sentence
    assert project.simulate(pixels / 255, backend="emulator").warnings == ()
