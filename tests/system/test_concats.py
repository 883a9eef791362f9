"""Concatenations: what the model means by one does not depend on what transforms make of its operands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from tests.support.builds import images_for
from tests.support.independent import run_file
from tests.support.nets import NetWriter

SHAPE = (3, 6, 6)
KERNEL = {"kernel_shape": [3, 3]}
HALF = {"kernel_shape": [2, 2], "strides": [2, 2]}
Ending = Callable[["Net"], str]


class Net(NetWriter):
    """Scales of tenths: what is multiplied in another order is another float."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def conv(self, x: str, outputs: int, scale: float, **attributes: object) -> str:
        weights = self.constant(self.rng.choice([-1, 1], (outputs, SHAPE[0], 3, 3)))
        return self.node("Conv", x, self.bipolar(weights, scale), **{**KERNEL, **attributes})

    def concat(self, *parts: str) -> str:
        return self.node("Concat", *parts, axis=1)


def compiled(net: Net, folder: Path) -> bnnfpga.Project:
    path = folder / "net.onnx"
    onnx.save(net.model(SHAPE, net.nodes[-1].output[0]), path)
    return bnnfpga.compile(path, folder / "project")


def check(net: Net, folder: Path) -> None:
    project = compiled(net, folder)
    result = project.simulate(images_for(project, 2_000), backend="emulator")
    assert result.mismatches == 0
    assert len(np.unique(result.outputs)) > 1


@pytest.mark.parametrize("threshold", [0.51000005, 0.21000002, 0.27])
def test_a_pooled_part_counts_on_the_same_grid(threshold: float, tmp_path: Path) -> None:
    """The scale of one part stands in front of a pool at first; yet the model multiplies sums by one number."""
    net = Net()
    x = net.bipolar(net.conv(net.bipolar("x"), 3, 1, pads=[1, 1, 1, 1]), 0.3)
    pooled = net.node("MaxPool", net.conv(x, 4, 0.1), **HALF)
    joined = net.concat(pooled, net.conv(x, 4, 0.1, strides=[2, 2]))
    net.bipolar(net.node("Sub", joined, net.constant(threshold)))
    check(net, tmp_path)


@pytest.mark.parametrize("channels", [1, 4])
def test_parts_that_come_to_have_a_grid_stay_floats(channels: int, tmp_path: Path) -> None:
    """Tenths times ten are no whole numbers to the last bit."""
    net = Net()
    x = net.bipolar("x")
    parts = net.conv(x, channels, 0.1), net.conv(x, channels, 0.3)
    scaled = net.node("Mul", net.concat(*parts), net.constant(np.full((2 * channels, 1, 1), 10)))
    net.bipolar(net.node("Sub", net.constant(21), scaled))
    check(net, tmp_path)


@pytest.mark.parametrize("scales", [(0.0, 0.0), (0.0, 1.0), (-1.0, 1.0), (-0.3, 0.1)])
def test_scales_of_zero_and_below(scales: tuple[float, float], tmp_path: Path) -> None:
    net = Net()
    x = net.bipolar("x")
    parts = [net.node("Mul", net.conv(x, 2, 1), net.constant(scale)) for scale in scales]
    net.bipolar(net.node("Add", net.concat(*parts), net.constant(np.arange(4).reshape(4, 1, 1) - 1.5)))
    check(net, tmp_path)


def test_a_grid_at_the_end(tmp_path: Path) -> None:
    """Pooled and not, and behind them only floats for the host."""
    net = Net()
    x = net.bipolar("x", 0.5)
    joined = net.concat(net.node("MaxPool", net.conv(x, 3, 1), **HALF), net.conv(x, 2, 1, strides=[2, 2]))
    net.node("Relu", net.node("Add", joined, net.constant(0.25)))
    check(net, tmp_path)


def without_grid(net: Net) -> str:
    x = net.bipolar("x")
    return net.concat(net.conv(x, 3, 1), net.conv(x, 2, 0.3))


def layer(net: Net, x: str) -> str:
    weights = net.constant(net.rng.choice([-1, 1], (2, 5, 3, 3)))
    return net.node("Conv", x, net.bipolar(weights), **KERNEL)


@pytest.mark.parametrize(
    ("end", "message", "hint"),
    [
        (lambda net: layer(net, without_grid(net)), "scales 1.0 and 0.3 are not small mul", "or one right behind it"),
        (lambda net: layer(net, net.node("Relu", without_grid(net))), "1.0 and 0.3", "right behind it"),
    ],
)
def test_what_cannot_be_joined_says_why(end: Ending, message: str, hint: str, tmp_path: Path) -> None:
    net = Net()
    end(net)
    with pytest.raises(UserError, match=message) as caught:
        compiled(net, tmp_path)
    assert "(Concat)" in str(caught.value)
    assert hint in str(caught.value.hint)
    assert not (tmp_path / "project").exists()


def test_what_is_refused_is_the_layer_behind(tmp_path: Path) -> None:
    net = Net()
    bits = net.bipolar(without_grid(net))
    floats = net.node("Conv", bits, net.constant(net.rng.standard_normal((2, 5, 3, 3))))
    net.bipolar(floats)
    with pytest.raises(UserError, match="not quantised") as caught:
        compiled(net, tmp_path)
    assert "(Conv)" in str(caught.value)


@pytest.mark.parametrize(
    "between",
    [
        lambda net, x: net.node("AveragePool", x, **HALF),
        lambda net, x: net.node("MaxPool", net.node("AveragePool", x, **HALF), **HALF),
        lambda net, x: net.node("Gather", x, net.constant([4, 0, 3, 1, 2, 0], np.int64), axis=1),
        lambda net, x: net.node("Add", x, net.node("Mul", x, net.constant(0.5))),
        lambda net, x: net.node("Pad", x, net.constant([0, 0, 1, 0, 0, 0, 0, 1], np.int64)),
        lambda net, x: net.node(
            "Conv", x, net.bipolar(net.constant(net.rng.choice([-1, 1], (10, 1, 3, 3))), 0.1), group=5, **KERNEL
        ),
    ],
    ids=["average", "two pools", "mixed channels", "a sum", "pads", "depthwise"],
)
def test_what_works_on_each_channel_works_on_parts(between: Callable[[Net, str], str], tmp_path: Path) -> None:
    net = Net()
    x = between(net, without_grid(net))
    net.bipolar(net.node("Sub", x, net.constant(0.25)))
    check(net, tmp_path)


CONSTANT_PARTS: dict[str, tuple[int, int, Callable[[str, list[str]], list[str]]]] = {
    "coordinates": (1, 2, lambda x, c: [x, *c]),
    "in front and behind": (1, 2, lambda x, c: [c[0], x, c[1]]),
    "between": (1, 2, lambda x, c: [x, c[0], x, x, c[1]]),
    "two streams": (1, 1, lambda x, c: [x, x, *c]),
    "rows": (2, 1, lambda x, c: [*c, x]),
}


@pytest.mark.parametrize("quantised", [False, True])
@pytest.mark.parametrize("name", CONSTANT_PARTS)
def test_constants_are_parts(name: str, quantised: bool, tmp_path: Path) -> None:
    axis, count, order = CONSTANT_PARTS[name]
    net = Net()
    shape = [1, *SHAPE]
    shape[axis] = 2
    parts = [net.constant(net.rng.integers(-3, 4, shape) / 4) for _ in range(count)]
    if quantised:
        parts = [net.quant(part, 3, scale=0.25, signed=True) for part in parts]
    taken = order(net.quant("x", 3, scale=0.25, signed=True), parts)
    channels = sum(2 if part in parts else SHAPE[0] for part in taken) if axis == 1 else SHAPE[0]
    weights = net.bipolar(net.constant(net.rng.choice([-1, 1], (4, channels, 3, 3))))
    net.node("Conv", net.node("Concat", *taken, axis=axis), weights, **KERNEL)
    project = compiled(net, tmp_path)
    x = net.rng.integers(-5, 5, (20, *SHAPE)).astype(np.float32) / 4
    result = project.simulate(x, backend="emulator")
    wanted = run_file(net.model(SHAPE, net.nodes[-1].output[0]), x)
    np.testing.assert_array_equal(result.values.reshape(len(x), -1), wanted)


def test_a_host_pads_what_it_joins(tmp_path: Path) -> None:
    """It reads the Pad in the form that units take."""
    net = Net()
    padded = net.node("Pad", without_grid(net), net.constant([0, 0, 1, 0, 0, 0, 0, 2], np.int64), net.constant(0.7))
    net.node("ReduceMean", padded, axes=[2], keepdims=0)
    project = compiled(net, tmp_path)
    x = images_for(project, 50)
    result = project.simulate(x, backend="emulator")
    assert result.values.shape == (50, 5, 6)
    wanted = run_file(net.model(SHAPE, net.nodes[-1].output[0]), x)
    np.testing.assert_allclose(result.values.reshape(50, -1), wanted, rtol=1e-5, atol=1e-6)


def test_a_concat_of_one_part(tmp_path: Path) -> None:
    net = Net()
    net.bipolar(net.concat(net.conv(net.bipolar("x"), 3, 1)))
    check(net, tmp_path)
