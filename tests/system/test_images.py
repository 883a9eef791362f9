"""What a project takes as images: nothing is cast or reshaped silently."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.host.input_format import InputFormat
from tests.support.independent import run_file
from tests.support.nets import NetWriter


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import onnx

    net = NetWriter()
    x = net.bipolar(net.node("Reshape", net.node("Sub", "x", net.constant(0.5)), net.constant([1, 12], np.int64)))
    net.node("MatMul", x, net.bipolar(net.constant(np.random.default_rng(0).standard_normal((12, 4)))))
    path = tmp_path_factory.mktemp("model") / "net.onnx"
    onnx.save(net.model((3, 2, 2), "y"), path)
    return path


@pytest.fixture(scope="module")
def integers(model: Path, tmp_path_factory: pytest.TempPathFactory) -> bnnfpga.Project:
    return bnnfpga.compile(model, tmp_path_factory.mktemp("integers") / "p", input="uint4", input_scale="1/15")


@pytest.fixture(scope="module")
def floats(model: Path, tmp_path_factory: pytest.TempPathFactory) -> bnnfpga.Project:
    return bnnfpga.compile(model, tmp_path_factory.mktemp("floats") / "p")


def test_layouts_agree(integers: bnnfpga.Project, floats: bnnfpga.Project) -> None:
    codes = np.random.default_rng(1).integers(0, 16, (5, 3, 2, 2)).astype(np.uint8)
    x = codes.astype(np.float32) * np.float32(1 / 15)
    for project, images in ((integers, codes), (floats, x)):
        expected = project.read_images(images)
        turned = project.read_images(np.ascontiguousarray(np.moveaxis(images, 1, -1)), "nhwc")
        np.testing.assert_array_equal(expected.codes, turned.codes)
        np.testing.assert_array_equal(expected.model_inputs, turned.model_inputs)
    np.testing.assert_array_equal(integers.read_images(codes).model_inputs, codes)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 12), np.uint8), "expected (images, 3, 2, 2)"),
        (np.zeros((3, 2, 2), np.uint8), "expected (images, 3, 2, 2)"),
        (np.zeros((0, 3, 2, 2), np.uint8), "there are no images"),
        (np.zeros((2, 3, 2, 2), np.float32), "expected integers (uint4)"),
        (np.zeros((2, 3, 2, 2), bool), "expected integers (uint4)"),
        (np.full((2, 3, 2, 2), 16), "values from 16 to 16, expected 0 to 15"),
        (np.full((2, 3, 2, 2), -1), "expected 0 to 15"),
    ],
)
def test_wrong_integers(integers: bnnfpga.Project, images: np.ndarray, message: str) -> None:
    with pytest.raises(UserError) as caught:
        integers.read_images(images)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 3, 2, 2), np.uint8), "the array is uint8, expected float32"),
        (np.zeros((2, 3, 2, 2), np.float16), "the array is float16, expected float32"),
        (np.full((2, 3, 2, 2), 0.1), "the number at (0, 0, 0) of image 0, 0.1, is not a float32 number"),
        (np.full((2, 3, 2, 2), 1e300), "1e+300, is not a float32 number"),
        (np.full((2, 3, 2, 2), np.inf), "NaN or infinity"),
        (np.full((2, 3, 2, 2), np.nan, np.float32), "NaN"),
    ],
)
def test_wrong_floats(floats: bnnfpga.Project, images: np.ndarray, message: str) -> None:
    with pytest.raises(UserError) as caught:
        floats.read_images(images)
    assert message in caught.value.message


def test_doubles_that_are_float32_numbers(floats: bnnfpga.Project) -> None:
    x = np.random.default_rng(2).standard_normal((4, 3, 2, 2)).astype(np.float32)
    x[0, 0, 0] = np.nextafter(np.float32(0), np.float32(1)), -0.0
    for doubles in (x.astype(np.float64), x.astype(">f8"), np.asfortranarray(x.astype(np.float64))):
        read = floats.read_images(doubles)
        assert read.model_inputs.dtype == np.float32
        np.testing.assert_array_equal(read.model_inputs, x)
        np.testing.assert_array_equal(read.codes, floats.read_images(x).codes)
    # Where it is not, the element is named as it was given.
    doubles = np.moveaxis(x.astype(np.float64), 1, -1)
    doubles[3, 1, 0, 2] += 1e-12
    doubles[3, 1, 1, 0] += 1e-12
    with pytest.raises(UserError, match=r"the number at \(1, 0, 2\) of image 3") as caught:
        floats.read_images(doubles, "nhwc")
    assert "astype(numpy.float32)" in str(caught.value.hint)


@pytest.mark.parametrize("labels", [np.zeros(3, int), np.zeros((2, 1), int), np.zeros(2)])
def test_wrong_labels(integers: bnnfpga.Project, labels: np.ndarray) -> None:
    with pytest.raises(UserError, match="the array"):
        integers.simulate(np.zeros((2, 3, 2, 2), np.uint8), labels)


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("uint0", None),
        ("uint99", None),
        ("int1", None),
        ("byte", None),
        ("uint8", "x"),
        ("uint8", "1/0"),
        ("uint8", -1),
        ("float", 0.5),
        (None, 0.5),
    ],
)
def test_wrong_formats(name: str | None, scale: object) -> None:
    with pytest.raises(UserError, match=r"input|scale|number"):
        InputFormat.parse(name, scale)  # type: ignore[arg-type]


def test_scales() -> None:
    assert InputFormat.parse("uint8", "1/255").scale == np.float32(1 / 255)
    assert InputFormat.parse("int8", 0.5).scale == np.float32(0.5)
    assert InputFormat.parse("bipolar", None).scale == 1


@pytest.mark.parametrize("kind", ["uint8", "int16"])
def test_integers_of_the_file_are_images(kind: str, tmp_path: Path) -> None:
    """Where the file's input has a type of integers, that is what images hold; nobody has to say it."""
    import onnx

    net = NetWriter()
    scaled = net.node("Mul", net.node("Cast", "x", to=onnx.TensorProto.FLOAT), net.constant(1 / 64))
    x = net.quant(scaled, 4, scale=0.25, signed=True)
    net.node("MatMul", x, net.bipolar(net.constant(np.random.default_rng(0).standard_normal((6, 3)))))
    model = net.model((6,), "y")
    model.graph.input[0].type.tensor_type.elem_type = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    onnx.save(model, tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    assert project.input_summary == {"kind": kind, "scale": 1.0, "given": True}
    assert not project.warnings
    images = np.random.default_rng(1).integers(0, 120, (9, 6)).astype(kind)
    np.testing.assert_allclose(project.simulate(images, backend="emulator").values, run_file(model, images))
    with pytest.raises(UserError, match="expected integers"):
        project.simulate(images.astype(np.float32), backend="emulator")
