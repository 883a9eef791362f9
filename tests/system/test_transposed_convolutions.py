"""ConvTranspose and DepthToSpace at any place: file = source = folded = emulator = HLS C++ = Verilated RTL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.dataflow.operators.crop import Crop
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.threshold import Threshold
from tests.support.any_nets import INPUTS, MOVERS, ON_IMAGES, AnyNet
from tests.support.builds import check_cycles, check_streams, images_for, random_folding_of
from tests.support.independent import run_file
from tests.support.nets import NetWriter
from tests.support.seeds import seeds
from tests.system.test_any_order import compiles

SHAPE, SIGNAL = (2, 4, 3), (4, 5)
PLACES = {
    "first": ("SPREADING", "quantizer", "conv"),
    "last": ("conv", "quantizer", "SPREADING"),
    "last, behind a function": ("conv", "elementwise", "SPREADING"),
    "between layers": ("conv", "quantizer", "SPREADING", "quantizer", "conv"),
    "in front of functions": ("quantizer", "SPREADING", "elementwise", "elementwise", "quantizer", "conv"),
    "in front of a pool": ("quantizer", "SPREADING", "max", "quantizer", "conv"),
    "behind a fork": ("concat", "SPREADING", "quantizer", "conv"),
    "in front of a fork": ("SPREADING", "quantizer", "add", "conv"),
    "with the channels last": ("channels_last", "SPREADING", "channels_last", "quantizer", "conv"),
    "twice": ("SPREADING", "quantizer", "SPREADING", "quantizer", "conv"),
}


def _places(kind: str, place: str) -> tuple[str, ...]:
    return tuple(kind if item == "SPREADING" else item for item in PLACES[place])


@pytest.mark.parametrize("kind", ["conv_transpose", "depth_to_space"])
@pytest.mark.parametrize("place", PLACES)
def test_at_any_place(place: str, kind: str, tmp_path: Path) -> None:
    found = [compiles(AnyNet(_places(kind, place), SHAPE, "int4", seed), tmp_path) for seed in range(2)]
    assert any(found)


@pytest.mark.parametrize("seed", seeds(60, quick=8))
def test_random_nets(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng((seed, 10))
    others = sorted({*ON_IMAGES, *MOVERS, "add", "concat", "elementwise"})
    kinds = [*map(str, rng.choice(others, 2)), str(rng.choice(["conv_transpose", "depth_to_space"])), "quantizer"]
    shape = SIGNAL if rng.integers(3) == 0 else SHAPE
    compiles(AnyNet(tuple(rng.permutation(kinds)), shape, str(rng.choice(INPUTS)), seed), tmp_path)


def _decoder(shape: tuple[int, ...], kernel: int, stride: int, more: str = "", **options: object) -> NetWriter:
    """A layer with batch norm and signs, the transposed convolution with the same, and a last layer."""
    net = NetWriter(rng=np.random.default_rng(len(shape)))
    rng, axes = np.random.default_rng((kernel, stride)), len(shape) - 1

    def weights(*extents: int) -> str:
        return net.bipolar(net.constant(rng.standard_normal(extents)))

    def signs(x: str, channels: int) -> str:
        draws = ([1, 2, -1], [-1, 0, 1], [-2, 0, 1], [1, 4])
        parameters = [net.constant(rng.choice(values, channels)) for values in draws]
        return net.bipolar(net.node("BatchNormalization", x, *parameters, epsilon=0.0))

    x = signs(net.node("Conv", net.bipolar("x"), weights(4, shape[0], *[1] * axes)), 4)
    group = int(options.get("group", 1))  # type: ignore[call-overload]
    bias = [net.constant(rng.integers(-2, 3, 6))] if more == "bias" else []
    x = net.node(
        "ConvTranspose", x, weights(4, 6 // group, *[kernel] * axes), *bias, strides=[stride] * axes, **options
    )
    net.node("Conv", signs(x, 6), weights(3, 6, *[1] * axes))
    return net


def _shuffled(mode: str) -> NetWriter:
    """Upsampling by a convolution and a pixel shuffle, with a batch norm on either side."""
    net = NetWriter(rng=np.random.default_rng(0))
    rng = np.random.default_rng(5)
    weights = net.quant(net.constant(rng.integers(-3, 4, (12, 2, 3, 3))), 3, scale=1.0, signed=True)
    x = net.node("Conv", net.bipolar("x"), weights, pads=[1] * 4)
    x = net.node("Add", x, net.constant(rng.integers(-2, 3, (12, 1, 1))))
    x = net.node("DepthToSpace", x, blocksize=2, mode=mode)
    x = net.quant(net.node("Mul", x, net.constant([[[1]], [[2]], [[-0.5]]])), 2, scale=2.0, signed=True)
    net.node("Conv", x, net.bipolar(net.constant(rng.standard_normal((2, 3, 1, 1)))))
    return net


NETS: dict[str, tuple[Callable[[], NetWriter], tuple[int, ...]]] = {
    "kernel is stride": (lambda: _decoder(SHAPE, 2, 2), SHAPE),
    "kernel is twice the stride": (lambda: _decoder(SHAPE, 4, 2, "bias", pads=[1] * 4), SHAPE),
    "with output padding": (lambda: _decoder(SHAPE, 3, 2, pads=[1] * 4, output_padding=[1, 1], group=2), SHAPE),
    "of a signal": (lambda: _decoder(SIGNAL, 5, 3, pads=[2, 1], dilations=[2]), SIGNAL),
    "with gaps": (lambda: _decoder(SHAPE, 1, 2, "bias", output_padding=[1, 0]), SHAPE),
    "DCR": (lambda: _shuffled("DCR"), SHAPE),
    "CRD": (lambda: _shuffled("CRD"), SHAPE),
}


def _compile(name: str, folder: Path, seed: int | None = None) -> bnnfpga.Project:
    build, shape = NETS[name]
    onnx.save(build().model(shape, "y"), folder / "net.onnx")
    folding = None if seed is None else random_folding_of(folder / "net.onnx", seed)
    return bnnfpga.compile(folder / "net.onnx", folder / "project", folding=folding)


@pytest.mark.parametrize("name", NETS)
def test_foldings(name: str, tmp_path: Path) -> None:
    project = _compile(name, tmp_path, 1)
    x = images_for(project, 6, 1)
    check_streams(project, x)
    build, shape = NETS[name]
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert result.values is not None
    np.testing.assert_allclose(result.values.reshape(6, -1), run_file(build().model(shape, "y"), x), rtol=1e-5)


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("name", ["with output padding", "of a signal", "CRD"])
def test_in_hardware(name: str, tmp_path: Path) -> None:
    """Integers on all stages, and cycles as predicted."""
    project = _compile(name, tmp_path, 3)
    check_cycles(project)
    assert project.verify(images_for(project, 3), ["file", "source", "folded", "emulator", "hls", "rtl"]).equal


@pytest.mark.parametrize("name", NETS)
def test_sums_get_their_thresholds_where_they_are_made(name: str, tmp_path: Path) -> None:
    units = Recompiled(_compile(name, tmp_path)).graph.operators
    assert not any(isinstance(unit, Threshold) for unit in units)
    assert {unit.inputs[0].type.bits for unit in units if isinstance(unit, Crop)} <= {1, 2}


def test_a_stride_takes_no_zeros_between_pixels(tmp_path: Path) -> None:
    """As many products as the transposed convolution has, and weights that are all -1 or 1."""
    units = Recompiled(_compile("kernel is stride", tmp_path)).graph.operators
    layer = [unit for unit in units if isinstance(unit, MatrixVector)][1]
    assert layer.weights.shape == (6 * 4, 4)
    assert set(np.unique(layer.weights).tolist()) == {-1, 1}


REFUSED: dict[str, tuple[str, dict[str, object]]] = {
    "auto_pad": ("its attribute 'auto_pad' is 'SAME_UPPER'", {"auto_pad": "SAME_UPPER"}),
    "output_shape": ("its attribute 'output_shape'", {"output_shape": [8, 6]}),
    "kernel_shape": ("do not fit an input", {"kernel_shape": [3, 3]}),
    "group": ("do not fit an input", {"group": 3}),
    "too large": ("strides of 33,554,432 is too large", {"strides": [1 << 25, 2]}),
    "nothing left": ("has no elements", {"pads": [3] * 4}),
    "kernel with gaps": ("its kernel spreads to 6,291,456 numbers", {"dilations": [1023, 1023], "pads": [512] * 4}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_node(name: str, tmp_path: Path) -> None:
    words, options = REFUSED[name]
    net = NetWriter(rng=np.random.default_rng(0))
    weights = net.bipolar(net.constant(np.ones((2, 3, 2, 2))))
    net.node("ConvTranspose", net.bipolar("x"), weights, **({"strides": [2, 2]} | options))
    onnx.save(net.model(SHAPE, "y"), tmp_path / "net.onnx")
    with pytest.raises(UserError, match=words) as caught:
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    assert "(ConvTranspose)" in str(caught.value.where)
    assert not (tmp_path / "project").exists()


def test_weights_must_be_quantised(tmp_path: Path) -> None:
    net = NetWriter()
    weights = net.constant(np.random.default_rng(0).standard_normal((2, 3, 2, 2)))
    net.node("ConvTranspose", net.bipolar("x"), weights, strides=[2, 2])
    onnx.save(net.model(SHAPE, "y"), tmp_path / "net.onnx")
    with pytest.raises(UserError, match="its weights are not quantised") as caught:
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    assert "(ConvTranspose)" in str(caught.value.where)


def test_blocks_need_channels(tmp_path: Path) -> None:
    net = NetWriter()
    net.bipolar(net.node("DepthToSpace", net.bipolar("x"), blocksize=2))
    onnx.save(net.model((6, 2, 2), "y"), tmp_path / "net.onnx")
    with pytest.raises(UserError) as caught:
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    assert "(DepthToSpace)" in str(caught.value.where)
