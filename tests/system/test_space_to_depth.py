"""SpaceToDepth at any place of a net: unmodified file = source = folded = emulator = HLS C++ = Verilated RTL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.dataflow.operators.window import Window
from tests.support.any_nets import INPUTS, MOVERS, ON_IMAGES, AnyNet
from tests.support.builds import check_cycles, check_streams, images_for, random_folding_of
from tests.support.independent import run_file
from tests.support.nets import NetWriter
from tests.support.seeds import seeds
from tests.system.test_any_order import compiles

SHAPE = (2, 4, 6)
PLACES = {
    "first": ("space_to_depth", "conv", "quantizer", "flatten", "dense"),
    "first, in front of a quantizer": ("space_to_depth", "elementwise", "quantizer", "conv"),
    "last": ("conv", "space_to_depth"),
    "last, behind a function": ("conv", "elementwise", "space_to_depth"),
    "between layers": ("depthwise", "quantizer", "space_to_depth", "depthwise"),
    "between a layer and its quantizer": ("depthwise", "elementwise", "space_to_depth", "elementwise", "quantizer"),
    "behind a pool": ("average", "space_to_depth", "quantizer", "flatten", "dense"),
    "behind pads": ("quantizer", "pad", "space_to_depth", "conv"),
    "behind a fork": ("concat", "space_to_depth", "conv"),
    "in front of a fork": ("depthwise", "quantizer", "space_to_depth", "add", "conv"),
    "behind parts without a common grid": ("concat_apart", "space_to_depth", "conv"),
    "with the channels last": ("channels_last", "space_to_depth", "channels_last", "conv"),
    "twice": ("space_to_depth", "quantizer", "space_to_depth", "conv"),
    "alone": ("space_to_depth",),
}


@pytest.mark.parametrize("input", ["int4", "float"])
@pytest.mark.parametrize("place", PLACES)
def test_at_any_place(place: str, input: str, tmp_path: Path) -> None:
    found = [compiles(AnyNet(PLACES[place], SHAPE, input, seed), tmp_path) for seed in range(2)]
    assert any(found)


@pytest.mark.parametrize("seed", seeds(60, quick=8))
def test_random_nets(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng((seed, 9))
    others = sorted({*ON_IMAGES, *MOVERS, "add", "concat", "elementwise"})
    kinds = [str(rng.choice(others)), "space_to_depth", *map(str, rng.choice(others, 2))]
    compiles(AnyNet(tuple(rng.permutation(kinds)), SHAPE, str(rng.choice(INPUTS)), seed), tmp_path)


def _weights(net: NetWriter, *shape: int) -> str:
    return net.bipolar(net.constant(net.rng.standard_normal(shape)))


def _blocks(x: str, net: NetWriter, size: int = 2) -> str:
    return net.node("SpaceToDepth", x, blocksize=size)


def stem() -> NetWriter:
    """As detectors begin: the accelerator takes the blocks as channels already."""
    net = NetWriter(rng=np.random.default_rng(0))
    x = net.quant("x", 3, scale=0.5, signed=True)
    x = net.bipolar(net.node("Conv", _blocks(x, net), _weights(net, 4, 8, 3, 3), pads=[1] * 4))
    net.node("Conv", x, _weights(net, 2, 4, 1, 1))
    return net


def reorganised() -> NetWriter:
    """As YOLOv2 has it: large features as more channels beside small ones."""
    net = NetWriter(rng=np.random.default_rng(1))
    x = net.quant("x", 3, scale=0.5, signed=True)
    large = net.quant(net.node("Conv", x, _weights(net, 3, 2, 1, 1)), 2, scale=1.0, signed=True)
    small = net.quant(net.node("MaxPool", large, kernel_shape=[2, 2], strides=[2, 2]), 2, scale=1.0, signed=True)
    net.node("Conv", net.node("Concat", _blocks(large, net), small, axis=1), _weights(net, 2, 15, 1, 1))
    return net


def channels_last() -> NetWriter:
    """As Keras' models are exported, with constants of their own for each pixel and each channel in front."""
    net = NetWriter(rng=np.random.default_rng(2))
    x = net.node("Transpose", net.quant("x", 3, scale=0.5, signed=True), perm=[0, 3, 1, 2])
    x = net.node("Transpose", net.node("Conv", x, _weights(net, 2, 2, 1, 1)), perm=[0, 2, 3, 1])
    x = net.node("Mul", net.node("Add", x, net.constant(net.rng.integers(-2, 3, (4, 1, 2)))), net.constant([0.5, -2]))
    blocks = _blocks(net.node("Transpose", x, perm=[0, 3, 1, 2]), net)
    x = net.node("Transpose", blocks, perm=[0, 2, 3, 1])
    x = net.bipolar(net.node("Add", x, net.constant(net.rng.integers(-2, 3, 8))))
    net.node("MatMul", net.node("Flatten", x), _weights(net, 48, 3))
    return net


def probabilities() -> NetWriter:
    """Behind what only a host computes it is the host's, too."""
    net = NetWriter(rng=np.random.default_rng(3))
    x = net.node("Conv", net.bipolar("x"), _weights(net, 3, 2, 1, 1))
    _blocks(net.node("Softmax", x, axis=1), net)
    return net


NETS: dict[str, tuple[Callable[[], NetWriter], tuple[int, ...]]] = {
    "stem": (stem, SHAPE),
    "reorganised": (reorganised, SHAPE),
    "channels last": (channels_last, (4, 6, 2)),
    "probabilities": (probabilities, SHAPE),
}


def _compile(name: str, folder: Path, seed: int | None = None) -> bnnfpga.Project:
    build, shape = NETS[name]
    onnx.save(build().model(shape, "y"), folder / "net.onnx")
    folding = None if seed is None else random_folding_of(folder / "net.onnx", seed)
    return bnnfpga.compile(folder / "net.onnx", folder / "project", folding=folding)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", NETS)
def test_foldings(name: str, seed: int, tmp_path: Path) -> None:
    project = _compile(name, tmp_path, seed)
    x = images_for(project, 6, seed)
    check_streams(project, x)
    build, shape = NETS[name]
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert result.values is not None
    np.testing.assert_allclose(result.values.reshape(6, -1), run_file(build().model(shape, "y"), x), rtol=1e-5)


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("name", ["reorganised", "channels last"])
def test_in_hardware(name: str, tmp_path: Path) -> None:
    """Integers on all stages, and cycles as predicted."""
    project = _compile(name, tmp_path, 3)
    check_cycles(project)
    assert project.verify(images_for(project, 3), ["file", "source", "folded", "emulator", "hls", "rtl"]).equal


def test_it_is_windows_beside_each_other(tmp_path: Path) -> None:
    windows = [
        unit for unit in Recompiled(_compile("reorganised", tmp_path)).graph.operators if isinstance(unit, Window)
    ]
    blocks = [unit.geometry for unit in windows if unit.channels == 3]
    assert {(geometry.kernel, geometry.stride, geometry.pads) for geometry in blocks} == {((2, 2), (2, 2), (0,) * 4)}


def test_at_the_input_it_costs_nothing(tmp_path: Path) -> None:
    project = _compile("stem", tmp_path)
    assert project.input_shape == SHAPE
    assert project.input_stream_shape == (2, 3, 8)


@pytest.mark.parametrize("size", [0, -2])
def test_a_block_has_pixels(size: int, tmp_path: Path) -> None:
    _refused((2, 4, 6), size, f"its attribute 'blocksize' is {size}, where 1 or more can be compiled", tmp_path)


def test_blocks_fit_the_image(tmp_path: Path) -> None:
    _refused((2, 4, 6), 3, "its blocks of 3 x 3 pixels do not fit an image of 4 x 6", tmp_path)
    _refused((2, 4, 6), 8, "its output of shape .* has no elements", tmp_path)
    _refused((2, 4, 6), 1 << 40, "its output", tmp_path)
    _refused((2, 6), 2, "it cannot take inputs of shapes", tmp_path)


def _refused(shape: tuple[int, ...], size: int, words: str, folder: Path) -> None:
    net = NetWriter(rng=np.random.default_rng(0))
    net.bipolar(_blocks(net.quant("x", 3, scale=1.0, signed=True), net, size))
    onnx.save(net.model(shape, "y"), folder / "net.onnx")
    with pytest.raises(UserError, match=words) as caught:
        bnnfpga.compile(folder / "net.onnx", folder / "project")
    assert "(SpaceToDepth)" in str(caught.value.where)
