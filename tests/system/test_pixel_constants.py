"""Constants for each pixel, or each token: file = golden = folded = emulator, wherever they stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from tests.support.builds import check_cycles
from tests.support.independent import run_file
from tests.support.nets import NetWriter

IMAGE, TOKENS = (3, 4, 4), (4, 6)
HALF = {"kernel_shape": [2, 2], "strides": [2, 2]}
OVERLAPPING = {"kernel_shape": [3, 3]}
UPSAMPLED = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


class Net(NetWriter):
    """Numbers are small multiples of a half, so that no order of sums is another one."""

    def __init__(self) -> None:
        super().__init__()
        self.draw = np.random.default_rng(0)

    def codes(self, x: str, scale: float = 1.0) -> str:
        return self.quant(x, 4, scale=scale, signed=True)

    def conv(self, x: str, inputs: int, outputs: int, kernel: int = 1, group: int = 1, **attributes: object) -> str:
        weights = self.draw.choice([-1, 1], (outputs, inputs // group, kernel, kernel))
        return self.node("Conv", x, self.bipolar(self.constant(weights)), group=group, **attributes)

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        return self.node("MatMul", x, self.bipolar(self.constant(self.draw.choice([-1, 1], (inputs, outputs)))))

    def image(self, x: str, *shape: int, kind: str = "Add", values: tuple[float, ...] = (-3, -1, 0, 1, 2.5)) -> str:
        return self.node(kind, x, self.constant(self.draw.choice(values, shape)))


def _sums(net: Net) -> str:
    return net.conv(net.codes("x"), 3, 4)


def _two(net: Net) -> str:
    x = net.codes("x")
    return net.node("Concat", net.image(net.conv(x, 3, 2), 2, 4, 4), net.conv(x, 3, 2), axis=1)


ON_IMAGES: dict[str, Callable[[Net], str]] = {
    "behind sums": lambda net: net.image(_sums(net), 4, 4, 4),
    "of rows": lambda net: net.image(_sums(net), 4, 1),
    "a slope": lambda net: net.image(_sums(net), 4, 4, 4, kind="PRelu", values=(0, 0.5, 1, 2)),
    "a factor": lambda net: net.image(_sums(net), 4, 4, 4, kind="Mul", values=(-1, 0.5, 2)),
    "in front of a pool": lambda net: net.node("MaxPool", net.image(_sums(net), 4, 4, 4), **HALF),
    "in front of overlapping windows": lambda net: net.node("MaxPool", net.image(_sums(net), 4, 4), **OVERLAPPING),
    "behind a pool": lambda net: net.image(net.node("MaxPool", _sums(net), **HALF), 4, 2, 2),
    "behind a pool of falling channels": lambda net: net.image(
        net.node("MaxPool", net.image(_sums(net), 4, 1, 1, kind="Mul", values=(-1, 1)), **OVERLAPPING), 4, 2, 2
    ),
    "falling behind it": lambda net: net.image(
        net.node("MaxPool", net.image(_sums(net), 4, 4), **HALF), 4, 1, 1, kind="Mul", values=(-1, 1)
    ),
    "in front of an average": lambda net: net.node("AveragePool", net.image(_sums(net), 4, 4, 4), **HALF),
    "in front of a padded average": lambda net: net.node(
        "AveragePool", net.image(_sums(net), 4, 4, 4), kernel_shape=[2, 2], pads=[1, 0, 0, 1], count_include_pad=1
    ),
    "scaled, in front of a whole average": lambda net: net.node(
        "GlobalAveragePool", net.image(net.image(_sums(net), 4, 4, 4), 4, 1, 1, kind="Mul", values=(1, 0.5))
    ),
    "in front of a layer": lambda net: net.conv(net.image(net.codes("x"), 3, 4, 4), 3, 4),
    "in front of a padded layer": lambda net: net.conv(
        net.image(net.codes("x"), 4, 4), 3, 4, 3, pads=[1, 1, 1, 1], strides=[2, 1]
    ),
    "in front of a dilated layer": lambda net: net.conv(
        net.image(net.codes("x"), 4, 4), 3, 4, 2, pads=[0, 1, 1, 0], dilations=[2, 1]
    ),
    "in front of a depthwise layer": lambda net: net.conv(net.image(net.codes("x"), 3, 4, 4), 3, 6, 3, 3),
    "in front of repeated pixels": lambda net: net.node(
        "Resize", net.node("Relu", net.image(_sums(net), 4, 4, 4)), "", net.constant([1, 1, 2, 2]), **UPSAMPLED
    ),
    "in front of picked channels": lambda net: net.node(
        "Gather", net.image(_sums(net), 4, 4, 4), net.constant([3, 0, 0, 1], np.int64), axis=1
    ),
    "in a part": _two,
}
ON_TOKENS: dict[str, Callable[[Net], str]] = {
    "positions behind a layer": lambda net: net.image(net.dense(net.codes("x"), 6, 5), 4, 5),
    "positions in front of a layer": lambda net: net.dense(net.image(net.codes("x"), 4, 6), 6, 5),
    "a number for each token": lambda net: net.image(net.dense(net.codes("x"), 6, 5), 4, 1),
}


def compiled(net: Net, shape: tuple[int, ...], folder: Path, input: str | None = None) -> bnnfpga.Project:
    """Compile a net, and compare the emulator's outputs with those of the file."""
    model = net.model(shape, "y")
    onnx.save(model, folder / "net.onnx")
    options = {} if input is None else {"input": input}
    project = bnnfpga.compile(folder / "net.onnx", folder / "project", **options)
    codes = np.random.default_rng(1).integers(-8, 8, (8, *shape))
    result = project.simulate(codes if input else codes.astype(np.float32), backend="emulator")
    assert result.mismatches == 0
    expected = run_file(model, codes)
    np.testing.assert_allclose(result.values.reshape(8, -1), expected, rtol=1e-5, atol=1e-5)
    assert len(np.unique(expected)) > 2
    return project


@pytest.mark.parametrize("input", [None, "int4"])
@pytest.mark.parametrize("name", ON_IMAGES)
def test_images(name: str, input: str | None, tmp_path: Path) -> None:
    net = Net()
    net.conv(net.codes(ON_IMAGES[name](net), 2.0), 6 if "depthwise" in name else 4, 3)
    compiled(net, IMAGE, tmp_path, input)


@pytest.mark.parametrize("name", ON_IMAGES)
def test_at_the_end(name: str, tmp_path: Path) -> None:
    """What stands behind the last integers is the host's; pools are not, so a quantizer stands behind them."""
    net = Net()
    x = ON_IMAGES[name](net)
    net.codes(x, 2.0)
    compiled(net, IMAGE, tmp_path)


@pytest.mark.parametrize("name", ON_TOKENS)
def test_tokens(name: str, tmp_path: Path) -> None:
    net = Net()
    net.dense(net.codes(ON_TOKENS[name](net), 2.0), 5, 3)
    compiled(net, TOKENS, tmp_path)


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("name", ["in front of a padded layer", "in front of overlapping windows"])
def test_in_verilator(name: str, tmp_path: Path) -> None:
    net = Net()
    net.conv(net.codes(ON_IMAGES[name](net), 2.0), 4, 3)
    check_cycles(compiled(net, IMAGE, tmp_path))


@pytest.mark.parametrize("kind", ["AveragePool", "MaxPool"])
@pytest.mark.parametrize("cut", [False, True])
def test_the_same_for_all_pixels_in_front_of_a_pool(kind: str, cut: bool, tmp_path: Path) -> None:
    """Numbers of channels that an exporter wrote once for each pixel; or that a crop has left."""
    net = Net()
    numbers = np.broadcast_to(np.array([0.3, -0.7, 1.1]).reshape(1, 3, 1, 1), (1, 3, 4, 4)).copy()
    numbers[..., 3] += cut
    x = net.node("Add", net.quant("x", 3, scale=0.25, signed=True), net.constant(numbers))
    if cut:
        x = net.node("Slice", x, *(net.constant([number], np.int64) for number in (0, 3, 3)))
    net.codes(net.node(kind, x, kernel_shape=[2, 2]), 2.0)
    compiled(net, (3, 4, 4), tmp_path)
