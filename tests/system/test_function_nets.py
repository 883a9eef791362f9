"""Functions in front of quantizers: the file = golden model = folded graph = emulator, and in both hardware forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.builds import check_cycles, check_streams, images_for
from tests.support.function_nets import FUNCTIONS, FunctionNet
from tests.support.nets import NetWriter
from tests.support.spelled import expected


def _compiled(proto: onnx.ModelProto, folder: Path, **options: object) -> bnnfpga.Project:
    path = folder / "net.onnx"
    onnx.save(proto, path)
    return bnnfpga.compile(path, folder / "project", **options)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("image", [False, True])
def test_file_golden_model_and_emulator_agree(function: str, image: bool, tmp_path: Path) -> None:
    """`compile` itself compares the first three on the frames of its self-check."""
    net = FunctionNet(sorted(FUNCTIONS).index(function), function, image=image)
    proto = net.proto()
    project = _compiled(proto, tmp_path)
    x = images_for(project, 200)
    reading = check_file(proto, GoldenModel(clean(proto)), x[:50])
    assert reading.difference is None
    assert reading.unchecked == ()
    assert project.simulate(x, backend="emulator").mismatches == 0


@pytest.mark.parametrize(
    ("function", "image"),
    [("HardSwish", True), pytest.param("silu", False, marks=pytest.mark.slow)],
)
def test_in_hardware(function: str, image: bool, tmp_path: Path) -> None:
    """Tables of channels, counted by the thresholds of the layer in front; RTL, C++ and emulator."""
    net = FunctionNet(3, function, image=image)
    project = _compiled(net.proto(), tmp_path)
    assert any(layer["operator"] == "lookup" for layer in project.description["layers"])
    check_cycles(project)
    x = images_for(project, 16)
    check_streams(project, x)
    assert project.simulate(x, backend="hls").mismatches == 0


def test_a_wide_sum_that_turns_is_counted(tmp_path: Path) -> None:
    """Millions of sums, and few intervals: thresholds and a small table, found by evaluating every sum."""
    rng = np.random.default_rng(0)
    net = NetWriter()
    weights = net.quant(net.constant(rng.normal(0, 30, (64, 4))), 8, scale=1.0, signed=True)
    x = net.node("MatMul", net.quant("x", 8, scale=1.0, signed=True), weights)
    x = net.node("Mul", x, net.constant(rng.normal(0, 1e-5, 4)))
    x = net.node("Mul", x, x)
    x = net.quant(x, 3, scale=0.02, signed=False)
    net.node("MatMul", x, net.bipolar(net.constant(rng.normal(0, 1, (4, 2)))))
    project = _compiled(net.model((64,), net.nodes[-1].output[0]), tmp_path)
    x = np.rint(rng.normal(0, 60, (200, 64))).astype(np.float32)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert len(np.unique(result.outputs)) > 2


def test_a_table_that_is_too_large_says_how_large(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    net = NetWriter()
    weights = net.quant(net.constant(rng.normal(0, 30, (64, 4))), 8, scale=1.0, signed=True)
    x = net.node("MatMul", net.quant("x", 8, scale=1.0, signed=True), weights)
    x = net.quant(net.node("Sin", net.node("Mul", x, net.constant(rng.normal(1, 0.1, 4)))), 4, scale=0.125, signed=True)
    net.node("MatMul", x, net.bipolar(net.constant(rng.normal(0, 1, (4, 2)))))
    with pytest.raises(UserError, match=r"is not monotonic, and its table would have [\d,]+ bits") as caught:
        _compiled(net.model((64,), net.nodes[-1].output[0]), tmp_path)
    assert "(Quant)" in str(caught.value.where)
    assert "fewer bits" in str(caught.value.hint)


def test_other_runtimes_agree_but_on_ties() -> None:
    """The check and onnxruntime's float32 functions, which are off by some units in the last place."""
    for number, function in enumerate(sorted(FUNCTIONS)[::4]):
        net = FunctionNet(100 + number, function, image=False)
        proto = net.proto()
        x = np.random.default_rng(number).standard_normal((60, *net.input_shape)).astype(np.float32)
        got = GoldenModel(clean(proto)).run(x).outputs[0].reshape(60, -1)
        wanted = expected(proto, x)[0].reshape(60, -1)
        assert np.isclose(got, wanted, rtol=1e-5, atol=1e-5).all(axis=1).mean() > 0.95, function


@pytest.mark.parametrize("function", ["HardSwish", "silu", "gelu by tanh", "Elu of a half", "of channels"])
@pytest.mark.parametrize("behind", [False, True])
def test_beside_a_pool(function: str, behind: bool, tmp_path: Path) -> None:
    """In front of a pool and behind it, with channels that rise and others that fall."""
    rng = np.random.default_rng(5)
    net = FunctionNet(5, function, image=True)
    net.nodes.clear()
    net.constants.clear()
    net.channels = 4
    weights = net.bipolar(net.constant(rng.normal(0, 1, (4, 2, 3, 3))))
    x = net.node("Conv", net.bipolar("x"), weights, kernel_shape=[3, 3])
    x = net.node("Mul", x, net.constant(np.array([0.3, -0.4, 0.2, -0.1]).reshape(4, 1, 1)))
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    if behind:
        x = FUNCTIONS[function](net, net.node("MaxPool", x, **pool))
    else:
        x = net.node("MaxPool", FUNCTIONS[function](net, x), **pool)
    x = net.node("Flatten", net.quant(x, 3, scale=0.25, signed=True))
    net.node("MatMul", x, net.bipolar(net.constant(rng.normal(0, 1, (16, 3)))))
    project = _compiled(net.model((2, 6, 6), net.nodes[-1].output[0], opset=20), tmp_path)
    assert project.simulate(images_for(project, 100), backend="emulator").mismatches == 0
