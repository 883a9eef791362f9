"""Small convolutional nets by name, each of them easy to get silently wrong.

All their numbers are small multiples of powers of two, so that float32 computes without rounding: what qonnx executes
is to be equal to the bit, and so are the golden model, the emulator and Verilator, whose cycles are as predicted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.builds import check_cycles, images_for, random_folding_of
from tests.support.nets import NetWriter

SHAPE = (2, 6, 6)
SAME = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
HALF = {"kernel_shape": [2, 2], "strides": [2, 2]}


class Net(NetWriter):
    """Draws parts of a net; x is the bipolar input."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def conv(self, x: str, inputs: int, outputs: int, *rest: str, scale: object = 1.0, **attributes: object) -> str:
        kernel = attributes.setdefault("kernel_shape", [3, 3])
        assert isinstance(kernel, list)
        groups = int(str(attributes.get("group", 1)))
        shape = (outputs, inputs // groups, *kernel)
        weights = self.bipolar(self.constant(self.rng.choice([-0.5, 0.5], shape)), scale)
        return self.node("Conv", x, weights, *rest, **attributes)

    def norm(self, x: str, gamma: object, beta: object = None, mean: object = None) -> str:
        """Batch norm that divides by two."""
        factor = np.asarray(gamma, dtype=np.float32)
        shift = self.rng.integers(-8, 9, factor.shape) / 4 if beta is None else np.asarray(beta)
        centre = self.rng.integers(-3, 4, factor.shape) if mean is None else np.asarray(mean)
        values = (factor, shift, centre, np.full(factor.shape, 4 - 2.0**-6))
        return self.node("BatchNormalization", x, *map(self.constant, values), epsilon=2.0**-6)

    def signs(self, channels: int) -> np.ndarray:
        """Factors of batch norm; they rise and fall in turn."""
        return np.resize([1.0, -1.0, 2.0, -0.5], channels)

    def layer(self, x: str, inputs: int, outputs: int, **attributes: object) -> str:
        return self.bipolar(self.norm(self.conv(x, inputs, outputs, **attributes), self.signs(outputs)))


def one_padded(net: Net, x: str) -> str:
    return net.layer(x, 2, 4, **SAME)


def two_padded(net: Net, x: str) -> str:
    return net.layer(net.layer(x, 2, 4, **SAME), 4, 4, **SAME)


def always_on_and_off(net: Net, x: str) -> str:
    """Batch norm leaves channel 0 always on, 1 always off, 2 dead at zero, which is on.

    Of so few terms random images reach the largest sum and the smallest one: there a threshold off by one shows.
    """
    sums = net.conv(x, 2, 4, kernel_shape=[1, 2], pads=[0, 1, 0, 0])
    x = net.bipolar(net.norm(sums, [1, 1, 0, -1], beta=[64, -64, 0, 0], mean=[0, 0, 1, 0]))
    return net.layer(x, 4, 4, **SAME)


def pool_then_falling_norm(net: Net, x: str) -> str:
    x = net.node("MaxPool", net.conv(x, 2, 4, **SAME), **HALF)
    return net.layer(net.bipolar(net.norm(x, [-1, -2, 1, -0.5])), 4, 4)


def falling_norm_then_pool(net: Net, x: str) -> str:
    x = net.norm(net.conv(x, 2, 4, **SAME), [-1, -2, 1, -0.5])
    return net.bipolar(net.node("MaxPool", x, **HALF))


def padded_pool_behind_bits(net: Net, x: str) -> str:
    x = net.layer(x, 2, 4)
    return net.node("MaxPool", x, **SAME, strides=[2, 1])


def padded_pool_before_bits(net: Net, x: str) -> str:
    x = net.node("MaxPool", net.conv(x, 2, 4), kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[1, 2])
    return net.bipolar(net.norm(x, net.signs(4)))


def flattened_pool_before_bits(net: Net, x: str) -> str:
    """BinaryNet's last convolution, where bits are made by the dense layer behind it."""
    x = net.node("Clip", net.norm(net.conv(x, 2, 4, **SAME), net.signs(4)), net.constant(-1), net.constant(1))
    return net.bipolar(net.node("Flatten", net.node("MaxPool", x, **HALF)))


def residual_add(net: Net, x: str) -> str:
    """Bi-Real: the sum goes on in 8 bits beside the next binary convolution."""
    x = net.conv(x, 2, 4, **SAME)
    for _ in range(2):
        shortcut = net.quant(x, 8, scale=0.25, signed=True)
        y = net.norm(net.conv(net.bipolar(shortcut), 4, 4, **SAME), net.signs(4))
        x = net.node("Add", net.quant(y, 8, scale=0.25, signed=True), shortcut)
    return net.bipolar(net.norm(x, net.signs(4)))


def average_pools(net: Net, x: str) -> str:
    x = net.node("AveragePool", net.conv(x, 2, 4, **SAME), **HALF)
    x = net.conv(net.bipolar(net.norm(x, net.signs(4))), 4, 4, kernel_shape=[2, 2])
    return net.bipolar(net.norm(net.node("GlobalAveragePool", x), net.signs(4), mean=np.zeros(4)))


def _explicit_pad(value: int) -> Callable[[Net, str], str]:
    def make(net: Net, x: str) -> str:
        widths = net.constant([0, 0, 1, 0, 0, 0, 1, 2], np.int64)
        x = net.node("Pad", net.layer(x, 2, 4), widths, net.constant(value))
        return net.layer(x, 4, 4)

    return make


def dilation_and_stride(net: Net, x: str) -> str:
    x = net.layer(x, 2, 4, dilations=[2, 1], pads=[2, 0, 1, 1])
    return net.layer(x, 4, 4, strides=[2, 1], pads=[1, 1, 0, 0])


def auto_pad_and_ceil(net: Net, x: str) -> str:
    x = net.layer(x, 2, 4, strides=[2, 2], auto_pad="SAME_UPPER")
    x = net.layer(x, 4, 4, auto_pad="SAME_LOWER", kernel_shape=[2, 2])
    return net.node("MaxPool", x, **HALF, ceil_mode=1)


def bias_and_channel_scales(net: Net, x: str) -> str:
    scale = np.array([0.5, 0.25, 2, 1]).reshape(4, 1, 1, 1)
    x = net.conv(x, 2, 4, net.constant([0.5, -1, 2, 0]), scale=scale, **SAME)
    return net.layer(net.bipolar(x), 4, 4)


def zero_points(net: Net, x: str) -> str:
    """Zero is not code zero, and what is padded means zero."""
    x = net.quant(net.norm(net.conv(x, 2, 4, **SAME), net.signs(4)), 3, scale=0.5, signed=False, zero=3)
    return net.layer(x, 4, 4, **SAME)


def grouped(net: Net, x: str) -> str:
    x = net.layer(net.layer(x, 2, 4), 4, 6, **SAME, group=2)
    return net.layer(x, 6, 4)


def depthwise(net: Net, x: str) -> str:
    x = net.layer(net.layer(x, 2, 4, **SAME), 4, 4, **SAME, group=4)
    return net.layer(net.layer(x, 4, 8, group=4), 8, 4, kernel_shape=[1, 1])


def concat(net: Net, x: str) -> str:
    parts = net.layer(x, 2, 4, **SAME), net.layer(x, 2, 2, kernel_shape=[1, 1])
    return net.layer(net.node("Concat", *parts, axis=1), 6, 4)


def concat_of_sums(net: Net, x: str) -> str:
    """Each part has a scale of its own, and behind them are thresholds and pools of each channel."""
    parts = net.conv(x, 2, 4, **SAME), net.norm(net.conv(x, 2, 3, kernel_shape=[1, 1], scale=0.5), net.signs(3))
    y = net.norm(net.node("MaxPool", net.node("Concat", *parts, axis=1), **HALF), net.signs(7))
    return net.layer(net.bipolar(y), 7, 4)


def flattened_concat_of_sums(net: Net, x: str) -> str:
    parts = net.conv(x, 2, 4, **SAME), net.conv(x, 2, 3, kernel_shape=[1, 1], scale=[[[[0.5]]], [[[2]]], [[[1]]]])
    x = net.node("Flatten", net.node("Concat", *parts, axis=1))
    return net.bipolar(net.node("Sub", x, net.constant(1)))


def dense_block(net: Net, x: str) -> str:
    """BinaryDenseNet: each layer takes all that came before it, and its sums are added to that as channels."""
    x = net.conv(x, 2, 4, **SAME)
    for channels in (4, 6):
        bits = net.bipolar(net.norm(x, net.signs(channels)))
        x = net.node("Concat", x, net.conv(bits, channels, 2, scale=0.125 * channels, **SAME), axis=1)
    return net.bipolar(net.norm(x, net.signs(8)))


def split_and_shuffle(net: Net, x: str) -> str:
    x = net.layer(x, 2, 4, **SAME)
    x = net.node("Reshape", x, net.constant([0, 2, 2, 6, 6], np.int64))
    x = net.node("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = net.node("Reshape", x, net.constant([0, 4, 6, 6], np.int64))
    halves = []
    for first in (0, 2):
        ends = [net.constant([value], np.int64) for value in (first, first + 2, 1)]
        halves.append(net.node("Slice", x, *ends))
    return net.node("Concat", net.layer(halves[0], 2, 2, **SAME), halves[1], axis=1)


def upsampling(net: Net, x: str) -> str:
    scales = net.constant([1, 1, 2, 3])
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return net.layer(net.node("Resize", net.layer(x, 2, 4), "", scales, **options), 4, 4, strides=[2, 2])


def stretched_sums(net: Net, x: str) -> str:
    """A number for each channel, one for each pixel, and a row: each is repeated for what it is added to."""
    x = net.quant(net.conv(x, 2, 4, **SAME), 4, scale=0.5, signed=True)
    channels = net.quant(net.node("GlobalAveragePool", x), 4, scale=0.5, signed=True)
    pixels = net.quant(net.conv(net.bipolar(x), 4, 1, **SAME), 4, scale=0.25, signed=True)
    row = net.quant(net.node("MaxPool", x, kernel_shape=[6, 1]), 4, scale=0.5, signed=True)
    x = net.node("Sub", net.node("Add", channels, x), pixels)
    return net.bipolar(net.norm(net.node("Add", x, row), net.signs(4)))


NETS: dict[str, Callable[[Net, str], str]] = {
    **{
        make.__name__: make
        for make in (
            one_padded,
            two_padded,
            always_on_and_off,
            pool_then_falling_norm,
            falling_norm_then_pool,
            padded_pool_behind_bits,
            padded_pool_before_bits,
            flattened_pool_before_bits,
            residual_add,
            average_pools,
            dilation_and_stride,
            auto_pad_and_ceil,
            bias_and_channel_scales,
            zero_points,
            grouped,
            depthwise,
            concat,
            concat_of_sums,
            flattened_concat_of_sums,
            dense_block,
            split_and_shuffle,
            upsampling,
            stretched_sums,
        )
    },
    **{f"explicit_pad_of_{value}": _explicit_pad(value) for value in (-1, 0, 1)},
}


def keyword_net() -> onnx.ModelProto:
    """Signals of 2 channels and 20 samples: kernels of 5, dilated, pooled."""
    net = Net()
    x = net.layer(net.bipolar("x"), 2, 4, kernel_shape=[5], pads=[2, 2])
    x = net.node("MaxPool", x, kernel_shape=[2], strides=[2])
    x = net.layer(x, 4, 4, kernel_shape=[3], dilations=[2], pads=[2, 2])
    sums = net.conv(x, 4, 4, kernel_shape=[5], strides=[2])
    x = net.bipolar(net.norm(net.node("GlobalAveragePool", sums), net.signs(4), mean=np.zeros(4)))
    return _with_classes(net, x, 4, (2, 20))


def segmentation_net() -> onnx.ModelProto:
    """Scores for each pixel, in the model's order."""
    net = Net()
    net.conv(net.layer(net.bipolar("x"), 2, 4, **SAME), 4, 3, kernel_shape=[1, 1])
    return net.model(SHAPE, "y")


def _with_classes(net: Net, x: str, features: int, shape: tuple[int, ...]) -> onnx.ModelProto:
    weights = net.bipolar(net.constant(net.rng.choice([-0.5, 0.5], (features, 5))))
    net.node("MatMul", net.node("Flatten", x), weights)
    return net.model(shape, "y")


def named_net(name: str) -> onnx.ModelProto:
    net = Net()
    x = NETS[name](net, net.bipolar("x"))
    found = ModelWrapper(net.model(SHAPE, x)).transform(InferShapes()).get_tensor_shape(x)
    return _with_classes(net, x, int(np.prod(found)), SHAPE)


def check(model: onnx.ModelProto, folder: Path) -> bnnfpga.Project:
    """What qonnx executes = golden = Verilator (and its cycles) = emulator."""
    path = folder / "net.onnx"
    onnx.save(model, path)
    project = bnnfpga.compile(path, folder / "project", folding=random_folding_of(path, 1))
    x = images_for(project, 12)
    executed = ModelWrapper(str(path)).transform(InferShapes())
    expected = np.concatenate([execute_onnx(executed, {"x": image[None]})["y"] for image in x])
    golden = GoldenModel(clean(onnx.load(path))).run(x)
    np.testing.assert_array_equal(golden.outputs[0], expected)
    assert len(np.unique(golden.scores[0].reshape(len(x), -1), axis=0)) >= 3
    check_cycles(project, frames=12)
    emulated = project.simulate(images_for(project, 200, 1), backend="emulator")
    assert emulated.mismatches == 0
    # Streams that bear the name of a tensor of the model carry that.
    verified = project.verify(x, ["source", "folded", "emulator"], streams=True)
    assert verified.equal
    return project


@pytest.mark.parametrize("name", NETS)
def test_named_net(name: str, tmp_path: Path) -> None:
    check(named_net(name), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "one_padded",
        "two_padded",
        "always_on_and_off",
        "pool_then_falling_norm",
        "falling_norm_then_pool",
        "residual_add",
    ],
)
def test_named_net_in_cpp(name: str, tmp_path: Path, ap_headers: Path) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(named_net(name), path)
    project = bnnfpga.compile(path, tmp_path / "project", folding=random_folding_of(path, 2))
    assert project.simulate(images_for(project, 50), backend="hls").mismatches == 0


def test_signals_in_time(tmp_path: Path) -> None:
    check(keyword_net(), tmp_path)


def test_images_out_and_images_of_channels_last(tmp_path: Path) -> None:
    project = check(segmentation_net(), tmp_path)
    x = images_for(project, 8, 2)
    result = project.simulate(x, backend="emulator")
    assert result.outputs.shape == (8, 3, 6, 6)
    golden = GoldenModel(clean(onnx.load(tmp_path / "net.onnx"))).run(x)
    np.testing.assert_array_equal(result.outputs, golden.scores[0])
    other = project.simulate(np.ascontiguousarray(np.moveaxis(x, 1, -1)), backend="emulator", layout="nhwc")
    np.testing.assert_array_equal(other.outputs, result.outputs)
