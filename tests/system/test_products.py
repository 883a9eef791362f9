"""Products of two streams: file = golden = folded = emulator, and refusals that say what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from tests.support.any_nets import INPUTS, AnyNet
from tests.support.builds import check_cycles
from tests.support.independent import run_file
from tests.support.nets import NetWriter
from tests.support.seeds import seeds

IMAGE, TOKENS, VECTOR = (4, 5, 4), (4, 6), (6,)
SHAPES = {"vectors": VECTOR, "signals": (4, 8), "images": (3, 4, 4)}
"""Of powers of two of pixels, whose averages are exact."""
ENDS = {"vectors": ("dense",), "signals": ("conv",), "images": ("conv",)}
BEHIND = ("quantizer", "elementwise", "max", "average", "global_average", "add", "concat", "multiply", "flatten")
"""What may follow a product, in front of a layer or at the end."""


class Net(NetWriter):
    """Numbers are small multiples of powers of two, so that no order of sums is another one."""

    def __init__(self) -> None:
        super().__init__()
        self.draw = np.random.default_rng(0)
        self.x = self.codes("x", 4, 0.25)

    def codes(self, x: str, bits: int = 3, scale: object = 0.5, *, signed: bool = True) -> str:
        return self.quant(x, bits, scale=scale, signed=signed)

    def conv(self, x: str, inputs: int, outputs: int, kernel: int = 1, **attributes: object) -> str:
        weights = self.draw.choice([-1, 1], (outputs, inputs, kernel, kernel))
        return self.node("Conv", x, self.bipolar(self.constant(weights), 0.25), **attributes)

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        return self.node("MatMul", x, self.bipolar(self.constant(self.draw.choice([-1, 1], (inputs, outputs)))))


def _squeezed(net: Net) -> str:
    """Squeeze and excitation: a number for each channel, of the mean of all of them."""
    x = net.codes(net.conv(net.codes(net.x), 4, 4, 3, pads=[1, 1, 1, 1]), 4)
    gate = net.conv(net.codes(net.node("GlobalAveragePool", x)), 4, 4)
    return net.node("Mul", x, net.codes(net.node("HardSigmoid", gate, alpha=0.25, beta=0.5), 3, 0.125, signed=False))


def _magnitudes(net: Net, *, quantised: bool) -> str:
    """XNOR-Net: sums of signs, times the mean magnitude of the channels in the same window."""
    x = net.codes(net.conv(net.codes(net.x), 4, 4), 4)
    mean = net.node("ReduceMean", net.node("Abs", x), axes=[1], keepdims=1)
    padded = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}
    near = net.node("AveragePool", mean, **padded)
    if quantised:
        near = net.codes(near, 8, 1 / 64, signed=False)
    return net.node("Mul", net.conv(net.bipolar(x), 4, 6, 3, pads=[1, 1, 1, 1]), near)


def _magnitudes_by_a_filter(net: Net) -> str:
    """XNOR-Net as its authors write it: the mean of the window by a convolution with a constant kernel."""
    x = net.codes(net.conv(net.codes(net.x), 4, 4), 4)
    mean = net.node("ReduceMean", net.node("Abs", x), axes=[1], keepdims=1)
    box = net.constant(np.full((1, 1, 2, 2), 0.25))
    return net.node("Mul", net.node("Conv", mean, box), net.conv(net.bipolar(x), 4, 6, 2))


def _scales_of_channels(net: Net) -> str:
    scales = np.array([0.5, 1, 2, 0.25], np.float32).reshape(4, 1, 1)
    sums = net.node("Mul", net.conv(net.codes(net.x), 4, 4), net.constant(scales))
    return net.node("Mul", sums, net.node("Div", net.codes(net.x), net.constant(-scales)))


def _of_sums(net: Net) -> str:
    x = net.codes(net.x, 8, 1)
    return net.node("Mul", net.conv(x, 4, 3, 2), net.conv(x, 4, 3, 2))


def _mixed_parts(net: Net) -> str:
    """A gate of a concatenation without a common grid."""
    parts = [net.quant(net.x, 3, scale=scale, signed=True) for scale in (1.0, 513 / 512)]
    return net.codes(net.node("Mul", net.node("Concat", *parts, axis=1), net.bipolar(net.conv(net.codes(net.x), 4, 8))))


NETS: dict[str, tuple[Callable[[Net], str], tuple[int, ...]]] = {
    "squeeze and excitation": (_squeezed, IMAGE),
    "magnitudes": (lambda net: _magnitudes(net, quantised=False), IMAGE),
    "quantised magnitudes": (lambda net: _magnitudes(net, quantised=True), IMAGE),
    "magnitudes by a filter": (_magnitudes_by_a_filter, IMAGE),
    "scales of channels": (_scales_of_channels, IMAGE),
    "two sums": (_of_sums, IMAGE),
    "parts without a common grid": (_mixed_parts, IMAGE),
    "bits": (lambda net: net.node("Mul", net.bipolar(net.x), net.bipolar(net.dense(net.codes(net.x), 6, 6))), VECTOR),
    "one number for a vector": (
        lambda net: net.node("Mul", net.bipolar(net.dense(net.codes(net.x), 6, 1)), net.codes(net.x)),
        VECTOR,
    ),
    "tokens": (lambda net: net.node("Mul", net.dense(net.codes(net.x), 6, 6), net.codes(net.x, 2)), TOKENS),
    "a number for each token": (
        lambda net: net.node("Mul", net.codes(net.x), net.codes(net.dense(net.codes(net.x), 6, 1))),
        TOKENS,
    ),
    "a number for each feature": (
        lambda net: net.node("Mul", net.codes(net.x), net.codes(net.node("ReduceMax", net.x, axes=[1], keepdims=1))),
        TOKENS,
    ),
}


def write(name: str, folder: Path, *, ends: bool) -> onnx.ModelProto:
    net = Net()
    build, shape = NETS[name]
    made = build(net)
    if not ends:
        net.bipolar(net.node("Add", made, net.constant(0.375)))
    model = net.model(shape, "y")
    onnx.save(model, folder / "net.onnx")
    return model


@pytest.mark.parametrize("ends", [False, True], ids=["in front of signs", "at the end"])
@pytest.mark.parametrize("name", NETS)
def test_products(name: str, ends: bool, tmp_path: Path) -> None:
    model = write(name, tmp_path, ends=ends)
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    x = (np.random.default_rng(1).integers(-8, 9, (16, *NETS[name][1])) / 4).astype(np.float32)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert not isinstance(result.values, tuple)
    np.testing.assert_allclose(result.values.reshape(16, -1), run_file(model, x), rtol=1e-6, atol=1e-6)


UPSAMPLED = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
BEHIND_WIDE: dict[str, Callable[[Net, str], str]] = {
    "a pool": lambda net, x: net.node("MaxPool", x, kernel_shape=[2, 2]),
    "resized": lambda net, x: net.node("Resize", x, "", net.constant([1, 1, 2, 3]), **UPSAMPLED),
    "padded": lambda net, x: net.node("Pad", x, net.constant([0, 0, 1, 1, 0, 0, 0, 0], np.int64), net.constant(0.0)),
    "joined": lambda net, x: net.node("Concat", x, net.node("Relu", x), x, axis=1),
    "joined with others": lambda net, x: net.node("Concat", x, net.codes(net.conv(net.x, 4, 3, 3), 4, 8.0), axis=1),
}


@pytest.mark.parametrize("behind", BEHIND_WIDE)
def test_products_of_more_than_24_bits(behind: str, tmp_path: Path) -> None:
    net = Net()
    x = net.quant(net.node("Mul", net.x, net.constant(64.0)), 8, scale=1.0, signed=True)
    ones = [net.quant(net.constant(np.ones((3, 4, 3, 3))), 2, scale=1.0, signed=True) for _ in range(2)]
    wide = net.node("Mul", *(net.node("Conv", x, weights) for weights in ones))
    made = BEHIND_WIDE[behind](net, wide)
    net.quant(net.node("Sub", made, net.constant(1000.0)), 4, scale=2.0**16, signed=True)
    model = net.model(IMAGE, "y")
    onnx.save(model, tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    images = (np.random.default_rng(1).integers(-8, 9, (8, *IMAGE)) / 4).astype(np.float32)
    result = project.simulate(images, backend="emulator")
    assert result.mismatches == 0
    assert not isinstance(result.values, tuple)
    np.testing.assert_array_equal(result.values.reshape(8, -1), run_file(model, images))


@pytest.mark.parametrize("where", SHAPES)
@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize("seed", seeds(40, quick=2))
def test_random_nets(seed: int, input: str, where: str, tmp_path: Path) -> None:
    rng = np.random.default_rng((seed, INPUTS.index(input)))
    behind = str(rng.choice(BEHIND))
    layers = [*ENDS[where]] * int(rng.integers(0, 2))
    for operators in (("multiply", behind, *ENDS[where]), (*layers, "quantizer", "multiply", behind)):
        net = AnyNet(operators, SHAPES[where], input, seed)
        model = net.model()
        onnx.save(model, tmp_path / "net.onnx")
        options = {} if input == "float" else {"input": input}
        project = None
        try:
            project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", force=True, **options)
        except UserError as error:
            refusal = error
        if project is None:
            assert "product" not in refusal.message or "constant added" in refusal.message, refusal
            continue
        x = net.images(6)
        result = project.simulate(x, backend="emulator")
        assert result.mismatches == 0
        assert not isinstance(result.values, tuple)
        np.testing.assert_allclose(result.values.reshape(6, -1), run_file(model, x), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("name", ["squeeze and excitation", "quantised magnitudes", "one number for a vector"])
def test_in_verilator(name: str, tmp_path: Path) -> None:
    write(name, tmp_path, ends=False)
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", cycles=200)
    check_cycles(project)
    x = (np.random.default_rng(2).integers(-8, 9, (3, *NETS[name][1])) / 4).astype(np.float32)
    assert project.verify(x, ["source", "folded", "emulator", "rtl"]).equal


REFUSED: dict[str, tuple[Callable[[Net], str], str]] = {
    "a gate that is not quantised": (
        lambda net: net.node("Mul", net.codes(net.x), net.node("Sigmoid", net.conv(net.codes(net.x), 4, 4))),
        r"it multiplies streams, and the output of node 'n\d+' \(Sigmoid\) is not quantised",
    ),
    "a pooled gate that is not quantised": (
        lambda net: net.node(
            "Mul",
            net.codes(net.x),
            net.node("Sigmoid", net.conv(net.codes(net.node("GlobalMaxPool", net.x)), 4, 4)),
        ),
        r"it multiplies streams, and the output of node 'n\d+' \(Sigmoid\) is not quantised",
    ),
    "a bias": (
        lambda net: net.node(
            "Mul", net.codes(net.x), net.node("Add", net.conv(net.codes(net.x), 4, 4), net.constant(0.125))
        ),
        r"it multiplies streams, and the output of node 'n\d+' \(Add\) has a constant added to its integers",
    ),
    "more than 53 bits": (
        lambda net: net.node("Mul", _square(net), net.node("Mul", _square(net), _square(net))),
        "its products need more than 53 bits",
    ),
}


def _square(net: Net) -> str:
    x = [net.dense(net.codes(net.x, 8, 1), 6, 6) for _ in range(2)]
    return net.node("Mul", *x)


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, tmp_path: Path) -> None:
    build, message = REFUSED[name]
    net = Net()
    net.bipolar(build(net))
    onnx.save(net.model(VECTOR if build is REFUSED["more than 53 bits"][0] else IMAGE, "y"), tmp_path / "net.onnx")
    with pytest.raises(UserError, match=message) as refusal:
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    assert "(Mul)" in str(refusal.value.where)
    assert "quantizer" in str(refusal.value.hint)
