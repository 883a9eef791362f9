"""Files that are legal but unusual: names like the compiler's own, dead nodes, numbers that underflow, odd shapes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from tests.support.independent import run_file
from tests.support.nets import NetWriter

IMAGES = 30


def _check(model: onnx.ModelProto, folder: Path, input: str = "int4") -> bnnfpga.Project:
    """Compiles, and the values are the file's."""
    onnx.save(model, folder / "net.onnx")
    project = bnnfpga.compile(folder / "net.onnx", folder / "project", input=input)
    x = np.random.default_rng(0).integers(-8, 8, (IMAGES, *project.input_shape))
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    wanted = run_file(model, x.astype(np.float32)).reshape(result.values.shape)
    np.testing.assert_allclose(result.values, wanted, rtol=1e-5, atol=1e-6)
    return project


def _refused(model: onnx.ModelProto, folder: Path) -> bnnfpga.UserError:
    onnx.save(model, folder / "net.onnx")
    with pytest.raises(bnnfpga.UserError) as caught:
        bnnfpga.compile(folder / "net.onnx", folder / "project", input="int4")
    assert not (folder / "project").exists()
    return caught.value


def _dense(net: NetWriter, x: str, inputs: int, outputs: int = 3) -> str:
    rng = np.random.default_rng(inputs)
    return net.node("MatMul", x, net.bipolar(net.constant(rng.standard_normal((inputs, outputs)))))


@pytest.mark.parametrize("name", ["q_0", "q_2", "q", "q_thresholds", "q_divide", "n_mul"])
def test_names_like_those_that_copies_get(name: str, tmp_path: Path) -> None:
    """The quantizer behind a concatenation of floats is copied; another layer has the copy's name."""
    net = NetWriter()
    first = net.quant("x", 3, scale=0.3, signed=True)
    second = net.quant("x", 3, scale=0.7, signed=True)
    joined = net.bipolar(net.node("Concat", net.node("Relu", first), net.node("Relu", second), axis=1))
    net.nodes[-1].name = "q"
    x = _dense(net, joined, 12)
    net.nodes[-1].name = name
    _dense(net, net.bipolar(x), 3)
    _check(net.model((6,), "y"), tmp_path)


def test_the_same_name_for_every_node(tmp_path: Path) -> None:
    net = NetWriter()
    x = net.quant("x", 3, scale=0.5, signed=True)
    x = net.node("BatchNormalization", _dense(net, x, 6), *map(net.constant, np.ones((4, 3)) + 0.5))
    _dense(net, net.bipolar(x), 3)
    for node in net.nodes:
        node.name = "node"
    _check(net.model((6,), "y"), tmp_path)


def test_numbers_that_underflow(tmp_path: Path) -> None:
    """float32 makes -0 of what is a small negative number: that is rounding, and no wrong reading."""
    net = NetWriter()
    x = _dense(net, net.quant("x", 3, scale=1.0, signed=True), 6)
    x = net.node("Mul", net.node("Mul", x, net.constant(1e-25)), net.constant(1e-25))
    _dense(net, net.bipolar(x), 3)
    onnx.save(net.model((6,), "y"), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", input="int4")
    assert project.ties is not None
    assert project.ties["on_tie"] > 0


def test_dead_nodes_of_any_kind(tmp_path: Path) -> None:
    net = NetWriter()
    x = _dense(net, net.quant("x", 3, scale=1.0, signed=True), 6)
    net.node("Elu", x)
    net.node("Sin", "x")
    _dense(net, net.bipolar(x), 3)
    _check(net.model((6,), "y"), tmp_path)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (1, 1, 1, 1)])
def test_a_scale_is_one_number_whatever_its_axes(shape: tuple[int, ...], tmp_path: Path) -> None:
    net = NetWriter()
    scale, zero, bits = (net.constant(np.full(shape, value)) for value in (0.5, 0.0, 3.0))
    options = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    x = net.node("Quant", "x", scale, zero, bits, domain="qonnx.custom_op.general", **options)
    _dense(net, net.node("Add", x, net.bipolar("x", np.full(shape, 0.5))), 6)
    project = _check(net.model((6,), "y"), tmp_path)
    assert project.outputs[0].shape == (3,)


def test_upsampling_with_channels_last(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    net = NetWriter()
    x = net.quant("x", 3, scale=1.0, signed=True)
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    x = net.node("Resize", x, "", net.constant([1, 2, 3, 1]), **options)
    x = net.node("Transpose", x, perm=[0, 3, 1, 2])
    net.node("Conv", x, net.bipolar(net.constant(rng.standard_normal((3, 2, 2, 2)))))
    _check(net.model((3, 4, 2), "y"), tmp_path)


def _short_perm(net: NetWriter, x: str) -> None:
    net.node("Transpose", x, perm=[0])


REFUSED: dict[str, tuple[Callable[[NetWriter, str], None], str, str]] = {
    "a perm of too few axes": (_short_perm, "perm", "(Transpose)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, tmp_path: Path) -> None:
    write, message, where = REFUSED[name]
    net = NetWriter()
    write(net, _dense(net, net.quant("x", 3, scale=1.0, signed=True), 6))
    error = _refused(net.model((6,), "y"), tmp_path)
    assert message in error.message
    assert where in str(error.where)


def test_an_output_that_is_a_constant(tmp_path: Path) -> None:
    net = NetWriter()
    _dense(net, net.quant("x", 3, scale=1.0, signed=True), 6)
    model = net.model((6,), "y")
    model.graph.output[0].name = net.constants[0].name
    error = _refused(model, tmp_path)
    assert "does not depend on the model's input" in error.message
    assert net.constants[0].name in str(error.where)
