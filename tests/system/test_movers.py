"""What picks, repeats, joins and reduces along any axis: file = golden = folded = emulator, a few nets in Verilator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from tests.support.any_nets import MOVERS, AnyNet
from tests.support.builds import check_cycles, check_streams, images_for, random_folding_of
from tests.support.independent import run_file
from tests.support.nets import NetWriter
from tests.support.seeds import seeds
from tests.system.test_any_order import compiles

SHAPES = {"signals": (4, 6), "images": (2, 3, 4)}
ENDING = {"signals": ("conv", "quantizer"), "images": ("conv", "quantizer")}
_CASES = [(kind, where) for where in SHAPES for kind in MOVERS]


@pytest.mark.parametrize("input", ["int4", "float"])
@pytest.mark.parametrize(("kind", "where"), _CASES)
def test_first(kind: str, where: str, input: str, tmp_path: Path) -> None:
    nets = [AnyNet((kind, *ENDING[where], "flatten", "dense"), SHAPES[where], input, seed) for seed in range(4)]
    found = [compiles(net, tmp_path) for net in nets]
    assert any(found)


@pytest.mark.parametrize(("kind", "where"), _CASES)
def test_last(kind: str, where: str, tmp_path: Path) -> None:
    found = [compiles(AnyNet((*ENDING[where][:1], kind), SHAPES[where], "int4", seed), tmp_path) for seed in range(3)]
    assert any(found)


@pytest.mark.parametrize("seed", seeds(300, quick=40))
def test_random_nets(seed: int, tmp_path: Path) -> None:
    """Movers one behind the other, and between layers."""
    rng = np.random.default_rng((seed, 5))
    kinds = sorted({*MOVERS, "conv", "quantizer", "channels_last", "add", "elementwise"})
    shape = SHAPES[str(rng.choice(list(SHAPES)))]
    compiles(
        AnyNet(tuple(map(str, rng.choice(kinds, 4))), shape, str(rng.choice(["int4", "float", "bipolar"])), seed),
        tmp_path,
    )


def weights(net: NetWriter, *shape: int) -> str:
    return net.bipolar(net.constant(net.rng.standard_normal(shape)))


def rnn() -> NetWriter:
    """A cell unrolled over the samples of its input, which the host quantises."""
    net = NetWriter(rng=np.random.default_rng(0))
    x = net.quant("x", 3, scale=0.5, signed=True)
    own, state = weights(net, 5, 4), weights(net, 4, 4)
    h = ""
    for step in range(3):
        part = net.node("MatMul", net.node("Gather", x, net.constant(step, np.int64), axis=1), own)
        total = net.node("Add", part, net.node("MatMul", h, state)) if h else part
        h = net.bipolar(net.node("Add", total, net.constant(np.array([0.25, -0.5, 1.25, 0.75]))))
    net.node("MatMul", h, weights(net, 4, 3))
    return net


def cells() -> NetWriter:
    """The same, where each cell quantises its own sample."""
    net = NetWriter(rng=np.random.default_rng(0))
    own, h = weights(net, 5, 4), ""
    for step in range(3):
        x = net.quant(net.node("Gather", "x", net.constant(step, np.int64), axis=1), 3, scale=0.5, signed=True)
        part = net.quant(net.node("MatMul", x, own), 3, scale=1.0, signed=True)
        h = net.node("Add", part, h) if h else part
    net.node("MatMul", net.bipolar(h), weights(net, 4, 3))
    return net


def option_a() -> NetWriter:
    """A block whose shortcut is every second pixel, beside channels of zeros."""
    net = NetWriter(rng=np.random.default_rng(0))
    x = net.quant("x", 3, scale=0.5, signed=False)
    kernels = weights(net, 4, 2, 3, 3)
    y = net.quant(net.node("Conv", x, kernels, strides=[2, 2], pads=[1, 1, 1, 1]), 3, scale=0.5, signed=True)
    ranges = [net.constant(values, np.int64) for values in ([0, 0], [99, 99], [2, 3], [2, 2])]
    pads = net.constant([0, 1, 0, 0, 0, 1, 0, 0], np.int64)
    shortcut = net.node("Pad", net.node("Slice", x, *ranges), pads, net.constant(0.0))
    net.node("Conv", net.node("Add", y, shortcut), weights(net, 2, 4, 1, 1))
    return net


def pyramid() -> NetWriter:
    """What a pool over channels, rows and an uneven resampling make, side by side along rows."""
    net = NetWriter(rng=np.random.default_rng(0))
    x = net.quant("x", 3, scale=0.5, signed=True)
    highest = net.node("ReduceMax", x, axes=[1], keepdims=1)
    row = net.node("ReduceMin", x, axes=[2], keepdims=1)
    pooled = net.node("Expand", net.node("GlobalMaxPool", row), net.constant([1, 2, 5, 7], np.int64))
    options = {"mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "floor"}
    sizes = net.constant([1, 2, 5, 7], np.int64)
    both = net.node("Concat", net.node("Resize", x, "", "", sizes, **options), pooled, axis=2)
    one = net.node("Resize", highest, "", "", net.constant([1, 1, 10, 7], np.int64), **options)
    net.node("Conv", net.node("Concat", both, one, axis=1), weights(net, 2, 3, 2, 2))
    return net


def image_pooling() -> NetWriter:
    """A pooled vector beside an image, spread as exporters do: smoothly, from its only pixel."""
    net = NetWriter(rng=np.random.default_rng(0))
    x = net.quant("x", 3, scale=0.5, signed=True)
    pooled = net.node(
        "GlobalAveragePool", net.quant(net.node("Conv", x, weights(net, 4, 2, 1, 1)), 3, scale=1.0, signed=True)
    )
    pooled = net.bipolar(net.node("Conv", net.quant(pooled, 3, scale=0.5, signed=True), weights(net, 3, 4, 1, 1)))
    sizes = net.constant([1, 3, 5, 4], np.int64)
    options = {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}
    spread = net.node("Resize", pooled, "", "", sizes, **options)
    net.node("Conv", net.node("Concat", x, spread, axis=1), weights(net, 2, 5, 1, 1))
    return net


NETS = {
    "rnn": (rnn, (3, 5)),
    "option a": (option_a, (2, 6, 6)),
    "pyramid": (pyramid, (2, 4, 4)),
    "cells": (cells, (3, 5)),
    "image pooling": (image_pooling, (2, 5, 4)),
}

RTL = ("rnn", "option a", "pyramid")


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("name", RTL)
def test_in_verilator(name: str, tmp_path: Path) -> None:
    """Cycles and integers are exact: branches of other lengths that meet again never stop each other."""
    build, shape = NETS[name]
    onnx.save(build().model(shape, "y"), tmp_path / "net.onnx")
    folding = random_folding_of(tmp_path / "net.onnx", 3)
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", folding=folding)
    check_cycles(project)
    assert project.verify(images_for(project, 3), ["file", "source", "folded", "emulator", "rtl"]).equal


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NETS)
def test_foldings(name: str, seed: int, tmp_path: Path) -> None:
    build, shape = NETS[name]
    onnx.save(build().model(shape, "y"), tmp_path / "net.onnx")
    folding = random_folding_of(tmp_path / "net.onnx", seed)
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", folding=folding)
    x = images_for(project, 6, seed)
    check_streams(project, x)
    expected = run_file(build().model(shape, "y"), x)
    np.testing.assert_allclose(project.simulate(x, backend="emulator").values.reshape(6, -1), expected, rtol=1e-5)


REFUSED = {
    "images of a batch": (
        lambda net, x: net.node("ReduceMax", x, axes=[0, 1], keepdims=0),
        "(ReduceMax)",
        "reduces the batch axis",
    ),
    "an image of a batch": (
        lambda net, x: net.node("Gather", x, net.constant(0, np.int64), axis=0),
        "(Gather)",
        "picks along the batch axis",
    ),
    "a batch of two": (
        lambda net, x: net.node(
            "Slice", net.node("Concat", x, x, axis=0), *(net.constant([n], np.int64) for n in (0, 1, 0))
        ),
        "(Concat)",
        "concatenates along the batch axis",
    ),
    "images of two": (lambda net, x: net.node("Concat", x, x, axis=0), "output 'y'", "does not begin with one image"),
    "more axes": (
        lambda net, x: net.node("Expand", x, net.constant([2, 1, 2, 32, 32], np.int64)),
        "(Expand)",
        "would change the batch axis",
    ),
    "a large image turned around": (
        lambda net, x: net.node("Slice", x, *(net.constant([n], np.int64) for n in (31, -99, 2, -1))),
        "(Slice)",
        "frames of up to 8,192 bits",
    ),
    "an uncertain pixel": (
        lambda net, x: net.node(
            "Resize",
            x,
            "",
            "",
            net.constant([1, 2, 36, 32], np.int64),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        "(Resize)",
        "rounding decides",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_node(name: str, tmp_path: Path) -> None:
    build, node, words = REFUSED[name]
    net = NetWriter(rng=np.random.default_rng(0))
    net.bipolar(build(net, net.quant("x", 8, scale=1.0, signed=True)))
    onnx.save(net.model((2, 28, 32), "y"), tmp_path / "net.onnx")
    with pytest.raises(UserError, match=words) as caught:
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    assert node in str(caught.value.where)
