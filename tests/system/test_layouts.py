"""Files whose images have their channels last: an order of the host's, which costs no hardware."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from qonnx.custom_op.registry import getCustomOp

import bnnfpga
from bnnfpga.compiler.recompiled import Recompiled
from tests.support.independent import run_file
from tests.support.nets import DOMAIN, NetWriter

SHAPE = (3, 6, 5)
LAST, FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


def _net(*, given_last: bool, made_last: bool, quantised: bool = True) -> onnx.ModelProto:
    """The same layers with the channels of its images first or last."""
    rng = np.random.default_rng(0)
    net = NetWriter()
    x = "x"
    if quantised:
        mean = np.array([1.0, -0.5, 2.0])
        x = net.node("Sub", x, net.constant(mean if given_last else mean.reshape(3, 1, 1)))
        x = net.quant(x, 3, scale=0.5, signed=True)
    if given_last:
        x = net.node("Transpose", x, perm=FIRST)
    x = net.node("Conv", x, net.bipolar(net.constant(rng.standard_normal((4, 3, 3, 3)))), pads=[1] * 4)
    scale, bias = (rng.integers(1, 5, 4) / 2 for _ in range(2))
    if made_last:
        x = net.node("Transpose", x, perm=LAST)
        net.node("Add", net.node("Mul", x, net.constant(scale)), net.constant(bias))
    else:
        x = net.node("Mul", x, net.constant(scale.reshape(4, 1, 1)))
        net.node("Add", x, net.constant(bias.reshape(4, 1, 1)))
    return net.model((*SHAPE[1:], SHAPE[0]) if given_last else SHAPE, "y")


def _compile(model: onnx.ModelProto, folder: Path, **options: object) -> bnnfpga.Project:
    onnx.save(model, folder / "net.onnx")
    return bnnfpga.compile(folder / "net.onnx", folder / "project", force=True, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("input", ["float", "int4"])
@pytest.mark.parametrize("given_last", [False, True])
@pytest.mark.parametrize("made_last", [False, True])
def test_channels_last_cost_nothing(*, given_last: bool, made_last: bool, input: str, tmp_path: Path) -> None:
    plain = _compile(_net(given_last=False, made_last=False), tmp_path, input=input)
    units = [(unit.kind, unit.interval()) for unit in Recompiled(plain).graph.operators]
    model = _net(given_last=given_last, made_last=made_last)
    project = _compile(model, tmp_path, input=input)
    assert [(unit.kind, unit.interval()) for unit in Recompiled(project).graph.operators] == units
    assert project.input_stream_shape == (6, 5, 3)
    assert project.input_shape == ((6, 5, 3) if given_last else SHAPE)
    assert project.outputs[0].shape == ((6, 5, 4) if made_last else (4, 6, 5))

    x = np.random.default_rng(1).integers(-8, 8, (4, *project.input_shape))
    x = (x / 2).astype(np.float32) if input == "float" else x
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert result.values is not None
    assert result.values.shape == (4, *project.outputs[0].shape)
    np.testing.assert_array_equal(result.values.reshape(4, -1), run_file(model, x))
    # A class for each pixel, whichever axis of the file has the channels.
    np.testing.assert_array_equal(result.classes, result.values.argmax(axis=-1 if made_last else 1))
    # `nhwc` means the channels last, also where the file has them so.
    last = x if given_last else np.moveaxis(x, 1, -1)
    turned = project.simulate(np.ascontiguousarray(last), backend="emulator", layout="nhwc")
    np.testing.assert_array_equal(turned.outputs, result.outputs)


def test_the_vectors_of_a_project_are_in_the_order_of_its_streams(tmp_path: Path) -> None:
    """They are the first frames of the accelerator's own world: the same for any layout of the file."""
    frames = {}
    for last in (False, True):
        project = _compile(_net(given_last=last, made_last=last, quantised=False), tmp_path, input="int4")
        given = project.input_stream.unpack(np.fromfile(project.folder / "vectors/input.bin", np.uint8).reshape(16, -1))
        made = np.fromfile(project.folder / "vectors/expected.bin", np.uint8).reshape(16, -1)
        x = project.input_order.to_model(given).reshape(16, *project.input_shape)
        outputs = project.simulate(x, backend="emulator").outputs.reshape(16, -1)
        expected = project.outputs[0].stream.unpack(made)
        np.testing.assert_array_equal(project.outputs[0].order.to_stream(outputs), expected)
        frames[last] = project
    assert frames[True].input_order.is_same
    assert not frames[False].input_order.is_same


def test_images_of_data_sets_fit_either_layout(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    net = NetWriter()
    x = net.node("Flatten", net.node("Transpose", "x", perm=FIRST))
    net.node("MatMul", x, net.bipolar(net.constant(rng.standard_normal((90, 4)))))
    project = _compile(net.model((6, 5, 3), "y"), tmp_path, input="uint4")
    images = rng.integers(0, 16, (20, 6, 5, 3))
    labels = project.simulate(images, backend="emulator").classes
    for given, layout in ((images, None), (images, "nhwc"), (np.moveaxis(images, -1, 1), "nchw")):
        assert project.evaluate(given, labels, layout=layout).accuracy == 1


def _channels_last_net(*, signals: bool) -> onnx.ModelProto:
    """A Conv, a batch norm and a pool of QONNX's domain for images with their channels last."""
    rng = np.random.default_rng(0)
    net, domain = NetWriter(), "qonnx.custom_op.channels_last"
    axes = 1 if signals else 2
    options = {"strides": [1] * axes, "pads": [1] * (2 * axes), "dilations": [1] * axes, "group": 1}
    weights = net.quant(net.constant(rng.standard_normal((4, *[3] * axes, 2))), 4, scale=0.25, signed=True)
    x = net.quant("x", 3, scale=0.5, signed=True)
    x = net.node("Conv", x, weights, domain=domain, kernel_shape=[3] * axes, **options)
    parameters = [rng.integers(1, 4, 4) / 2, rng.integers(-2, 3, 4), rng.integers(-2, 3, 4), [1, 1, 1, 1]]
    x = net.node("BatchNormalization", x, *map(net.constant, parameters), domain=domain, epsilon=0.0, momentum=0.9)
    x = net.node("MaxPool", x, domain=domain, kernel_shape=[2] * axes, strides=[2] * axes, pads=[0] * (2 * axes))
    net.bipolar(x)
    model = net.model((8, 2) if signals else (8, 6, 2), "y")
    model.opset_import.append(onnx.helper.make_opsetid(domain, 1))
    return model


@pytest.mark.parametrize("signals", [False, True])
def test_the_channels_last_domain(*, signals: bool, tmp_path: Path) -> None:
    model = _channels_last_net(signals=signals)
    project = _compile(model, tmp_path)
    x = (np.random.default_rng(1).integers(-4, 5, (5, *project.input_shape)) / 2).astype(np.float32)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    np.testing.assert_array_equal(result.values, [_by_qonnx(model, image) for image in x])


def _by_qonnx(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    """Node by node in qonnx; a node wants an array of its output's shape beforehand."""
    context = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    context["x"] = image[None]
    for node in model.graph.node:
        pixels = [extent // 2 if node.op_type == "MaxPool" else extent for extent in context[node.input[0]].shape[1:-1]]
        channels = 4 if node.op_type == "Conv" else context[node.input[0]].shape[-1]
        context[node.output[0]] = np.zeros((1, *pixels, channels), np.float32)
        getCustomOp(node, onnx_opset_version=17).execute_node(context, model.graph)
    made: np.ndarray = context["y"][0]
    return made


def test_maxpool_nhwc(tmp_path: Path) -> None:
    net = NetWriter()
    net.node("MaxPoolNHWC", "x", domain=DOMAIN, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0])
    model = net.model((8, 6, 3), "y")
    project = _compile(model, tmp_path, input="uint4")
    x = np.random.default_rng(1).integers(0, 16, (4, 8, 6, 3))
    expected = x.reshape(4, 4, 2, 3, 2, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(project.simulate(x, backend="emulator").outputs, expected)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Add", "Mul", "PRelu", "Quant", "MultiThreshold"])
@pytest.mark.parametrize("input", ["int4", "float"])
def test_constants_vary_along_any_axis(kind: str, axis: int, input: str, tmp_path: Path) -> None:
    """All axes have one length: nothing but its place says what a constant is about."""
    rng = np.random.default_rng(axis)
    extents = [1] * 3
    extents[axis - 1] = 3
    values = rng.choice([0.5, 1.0, 2.0, 4.0], extents)
    net = NetWriter()
    x = net.quant("x", 4, scale=0.5, signed=True) if input == "float" else "x"
    x = net.node("Conv", x, net.bipolar(net.constant(rng.standard_normal((3, 3, 1, 1)))))
    if kind == "MultiThreshold":
        layout = "NXYZ"[:axis] + "C" + "NXYZ"[axis + 1 :]
        thresholds = net.constant(np.sort(rng.integers(-6, 6, (3, 2)), axis=1))
        options = {"out_scale": 1.0, "out_bias": -1.0, "data_layout": layout}
        x = net.node("MultiThreshold", x, thresholds, domain=DOMAIN, **options)
    elif kind == "Quant":
        constants = [net.constant(value) for value in (values, 0.0, 3.0)]
        net.node("Quant", x, *constants, domain=DOMAIN, signed=1, narrow=0, rounding_mode="ROUND")
    else:
        x = net.quant(net.node(kind, x, net.constant(values)), 3, scale=1.0, signed=True)
    if kind != "Quant":
        net.node("Conv", x, net.bipolar(net.constant(rng.standard_normal((2, 3, 3, 3)))), pads=[1] * 4)
    model = net.model((3, 3, 3), "y")
    project = _compile(model, tmp_path, input=input)
    images = rng.integers(-8, 8, (8, 3, 3, 3))
    images = (images / 2).astype(np.float32) if input == "float" else images
    result = project.simulate(images, backend="emulator")
    assert result.mismatches == 0
    assert result.values is not None
    np.testing.assert_array_equal(result.values.reshape(8, -1), run_file(model, images))


def test_thresholds_for_each_element_in_verilator(tmp_path: Path) -> None:
    net = NetWriter()
    x = net.node("Add", "x", net.constant(np.random.default_rng(0).integers(-3, 4, (2, 3, 4))))
    net.node("Conv", net.bipolar(x), net.bipolar(net.constant(np.random.default_rng(1).standard_normal((2, 2, 2, 2)))))
    model = net.model((2, 3, 4), "y")
    project = _compile(model, tmp_path, input="int4")
    x = np.random.default_rng(1).integers(-8, 8, (6, 2, 3, 4))
    result = project.simulate(x)
    assert result.mismatches == 0
    assert result.values is not None
    np.testing.assert_array_equal(result.values.reshape(6, -1), run_file(model, x))
    assert project.verify(x[:2], ["source", "folded", "emulator", "hls", "rtl"]).equal


def test_what_is_turned_may_stand_in_front_of_anything(tmp_path: Path) -> None:
    """Tensors that the compiler makes have types, too; and its names are nobody's in the file."""
    rng = np.random.default_rng(3)
    net = NetWriter()
    pads = net.constant([0, 1, 0, 0, 0, 0, 1, 0], np.int64)
    x = net.node("Pad", "x", pads, net.constant(0.0))
    thresholds = net.constant(np.sort(rng.integers(-6, 6, (4, 5)), axis=1))
    counted = net.node("MultiThreshold", x, thresholds, domain=DOMAIN, data_layout="NHWC", out_dtype="INT4")
    x = net.node("MultiThreshold", net.node("Add", counted, x), net.constant([[-3.0, 1, 4]]), domain=DOMAIN)
    net.node("LeakyRelu", net.node("HardSigmoid", x, alpha=0.25), alpha=0.125)
    model = net.model((5, 3, 4), "t2_turned")
    project = _compile(model, tmp_path, input="int4")
    images = rng.integers(-8, 8, (20, 5, 3, 4))
    result = project.simulate(images, backend="emulator")
    assert result.mismatches == 0
    wanted = run_file(model, images.astype(np.float32))
    np.testing.assert_allclose(result.values, wanted.reshape(result.values.shape), rtol=1e-5, atol=1e-6)
