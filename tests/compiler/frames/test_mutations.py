"""What a compiler could read wrongly is reported by `compile`, which knows no more than its frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import ResultsDiffer
from bnnfpga.compiler import build
from bnnfpga.compiler.design import Design
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.host.order import Order
from bnnfpga.numbers.arithmetic import Step
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntArray
from tests.support.conv_nets import ConvNet
from tests.support.mutations import Damage, along, behind, emulated, field, host, in_front, table, unit_of
from tests.support.nets import DOMAIN, DenseNet, NetWriter


def _norm(net: NetWriter, x: str, rng: np.random.Generator, channels: int, spread: float) -> str:
    """Some channels fall."""
    gamma = rng.choice([-1.0, 1.0], channels) * rng.uniform(0.5, 2, channels)
    gamma[:2] = 1, -1
    numbers = gamma, rng.normal(0, 0.3, channels), rng.normal(0, spread, channels), np.full(channels, spread**2)
    return net.node("BatchNormalization", x, *map(net.constant, numbers), epsilon=1e-5)


def _dense(net: NetWriter, x: str, rng: np.random.Generator, inputs: int, outputs: int) -> None:
    net.node("MatMul", net.node("Flatten", x), net.bipolar(net.constant(rng.standard_normal((inputs, outputs)))))


def image(shape: tuple[int, int, int] = (3, 6, 6), *, pads: tuple[int, ...] = (1, 1, 1, 1)) -> onnx.ModelProto:
    """Convolution with weights of several bits and padding, 2-bit activations, a binary convolution, a pool."""
    net, rng = NetWriter(), np.random.default_rng(7)
    channels = shape[0]
    weights = net.quant(net.constant(rng.normal(0, 1, (6, channels, 3, 3))), 4, scale=0.25, signed=True, narrow=True)
    x = net.node("Conv", "x", weights, kernel_shape=[3, 3], pads=list(pads))
    x = net.quant(net.node("Relu", _norm(net, x, rng, 6, 700)), 2, scale=0.5, signed=False)
    x = net.node("Conv", x, net.bipolar(net.constant(rng.normal(0, 1, (6, 6, 3, 3)))), kernel_shape=[3, 3])
    x = net.bipolar(_norm(net, x, rng, 6, 6))
    x = net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    rows, columns = ((n + pads[i] + pads[i + 2] - 4) // 2 for i, n in enumerate(shape[1:]))
    _dense(net, x, rng, 6 * rows * columns, 4)
    return net.model(shape, "y")


def signs() -> onnx.ModelProto:
    """A bipolar image, zero pads, two binary convolutions."""
    net, rng = NetWriter(), np.random.default_rng(8)
    x = "x"
    for inputs, outputs in ((4, 6), (6, 6)):
        weights = net.bipolar(net.constant(rng.normal(0, 1, (outputs, inputs, 3, 3))))
        x = net.node("Conv", x, weights, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        x = net.bipolar(_norm(net, x, rng, outputs, 4))
    _dense(net, x, rng, 6 * 36, 4)
    return net.model((4, 6, 6), "y")


def pool_first(operation: str = "MaxPool", **attributes: Any) -> onnx.ModelProto:
    """The whole image is pooled before anything else."""
    net, rng = NetWriter(), np.random.default_rng(9)
    x = net.node("Flatten", net.node(operation, "x", **attributes))
    net.node("MatMul", x, net.constant(rng.integers(-6, 7, (4, 3)) * 2 + 1.0))
    return net.model((4, 7, 7), "y")


def thresholds_first() -> onnx.ModelProto:
    """Thresholds of a first unit that lie close to each other, at the far end of their range."""
    net = NetWriter()
    thresholds = np.array([[-1000, 0, 32760 + 2 * channel] for channel in range(3)])
    net.node("MultiThreshold", "x", net.constant(thresholds), domain=DOMAIN, out_dtype="UINT4")
    return net.model((3, 3, 3), "y")


def signal() -> onnx.ModelProto:
    net, rng = NetWriter(), np.random.default_rng(10)
    weights = net.bipolar(net.constant(rng.normal(0, 1, (6, 3, 3))))
    x = net.node("Conv", "x", weights, kernel_shape=[3], pads=[1, 1])
    x = net.quant(_norm(net, x, rng, 6, 250), 2, scale=0.7, signed=True)
    _dense(net, x, rng, 6 * 12, 4)
    return net.model((3, 12), "y")


def normalised() -> onnx.ModelProto:
    """Floats, a mean and a deviation for each channel, a quantizer."""
    net, rng = NetWriter(), np.random.default_rng(11)
    means, deviations = np.array([0.1, 0.4, 0.7]).reshape(3, 1, 1), np.array([0.2, 0.35, 0.9]).reshape(3, 1, 1)
    x = net.node("Div", net.node("Sub", "x", net.constant(means)), net.constant(deviations))
    x = net.quant(x, 4, scale=0.25, signed=True)
    x = net.node("Conv", x, net.bipolar(net.constant(rng.normal(0, 1, (6, 3, 3, 3)))), kernel_shape=[3, 3])
    x = net.bipolar(_norm(net, x, rng, 6, 12))
    _dense(net, x, rng, 6, 4)
    return net.model((3, 3, 3), "y")


def floats() -> onnx.ModelProto:
    """A quantizer stands first, whose halves are numbers."""
    net, rng = NetWriter(), np.random.default_rng(12)
    weights = net.bipolar(net.constant(rng.normal(0, 1, (6, 2, 3, 3))))
    x = net.node("Conv", net.quant("x", 4, scale=0.25, signed=True), weights, kernel_shape=[3, 3])
    _dense(net, net.bipolar(_norm(net, x, rng, 6, 12)), rng, 6 * 4, 4)
    return net.model((2, 4, 4), "y")


def branches() -> onnx.ModelProto:
    """A sum of two branches, then two side by side."""
    return ConvNet(("residual", "concat"), (4, 6, 6), activation_bits=2, most_channels=4, seed=3).model()


def gated() -> onnx.ModelProto:
    """Channels times numbers from the means of all of them."""
    net, rng = NetWriter(), np.random.default_rng(4)
    x = net.quant(
        net.node("Conv", "x", net.bipolar(net.constant(rng.normal(0, 1, (6, 3, 3, 3))))), 3, scale=2.0, signed=True
    )
    mean = net.quant(net.node("GlobalAveragePool", x), 4, scale=0.5, signed=True)
    gate = net.node("HardSigmoid", net.node("Conv", mean, net.bipolar(net.constant(rng.normal(0, 1, (6, 6, 1, 1))))))
    x = net.node("Mul", x, net.quant(gate, 3, scale=0.125, signed=False))
    _dense(net, net.quant(x, 3, scale=0.5, signed=True), rng, 96, 4)
    return net.model((3, 6, 6), "y")


DENSE = DenseNet((36, 24, 16, 4), seed=5).model()
NETS: dict[str, tuple[Callable[[], onnx.ModelProto], dict[str, Any]]] = {
    "image": (image, {"input": "uint8"}),
    "skewed": (lambda: image(pads=(1, 0, 0, 1)), {"input": "int8"}),
    "signs": (signs, {"input": "bipolar"}),
    "max first": (lambda: pool_first(kernel_shape=[7, 7]), {"input": "bipolar"}),
    "max first, bytes": (lambda: pool_first(kernel_shape=[7, 7]), {"input": "uint8"}),
    "sum first": (lambda: pool_first("AveragePool", kernel_shape=[7, 7]), {"input": "int8"}),
    "thresholds first": (thresholds_first, {"input": "int16", "input_scale": 1}),
    "signal": (signal, {"input": "uint8"}),
    "normalised": (normalised, {}),
    "floats": (floats, {}),
    "branches": (branches, {}),
    "gated": (gated, {"input": "int4"}),
    "dense": (lambda: DENSE, {}),
}


# -- what is read wrongly ----------------------------------------------------------------------------------------------


def _plus(channel: int, level: int, change: int) -> Callable[[IntArray, IntArray], None]:
    def edit(values: IntArray, decreasing: IntArray) -> None:
        del decreasing
        values[channel, level] += change

    return edit


def _all_rising(values: IntArray, decreasing: IntArray) -> None:
    """What falls is taken for the opposite: its count is not turned around."""
    del values
    assert np.any(decreasing)
    decreasing[:] = False


def _one_turned(values: IntArray, decreasing: IntArray) -> None:
    del values
    decreasing[-1] = ~decreasing[-1]


def _greater(values: IntArray, decreasing: IntArray) -> None:
    """What is at a threshold has not reached it."""
    del decreasing
    values += 1


def _next_channel(values: IntArray, decreasing: IntArray) -> None:
    del decreasing
    values[:] = np.roll(values, 1, axis=0)


def _weights(change: Callable[[IntArray], IntArray], index: int = 0) -> Damage:
    """(outputs, rows, columns, channels), or (outputs, inputs) of a dense layer."""

    def changed(unit: Operator) -> IntArray:
        assert isinstance(unit, MatrixVector)
        shape = unit.weights.shape
        if unit.kernel != (1, 1):
            return change(unit.weights.reshape(shape[0], *unit.kernel, -1)).reshape(shape)
        return change(unit.weights)

    return field("matrix_vector", "weights", changed, index)


def _one_weight(weights: IntArray) -> IntArray:
    weights = weights.copy()
    weights.flat[np.flatnonzero(weights)[-1]] *= -1
    return weights


def _geometry(**changes: tuple[int, ...]) -> Damage:
    def changed(unit: Operator) -> Geometry:
        assert isinstance(unit, Window)
        return replace(unit.geometry, **changes)

    return field("window", "geometry", changed)


def _outside(value: int) -> Damage:
    """What lies outside the image is another number."""

    def change(unit: Operator, made: IntArray) -> IntArray:
        assert isinstance(unit, Window)
        marked = replace(unit, fill=1 << 20)
        ones = marked.execute(np.zeros((1, *unit.inputs[0].shape), dtype=np.int64))[0]
        assert np.any(ones)
        return np.where(ones == 1 << 20, value, made)

    return behind("window", change)


def _smallest(unit: Operator) -> object:
    assert isinstance(unit, Pool)
    return ~unit.smallest


def _lost(part: tuple[slice, ...], value: int) -> Callable[[Operator, IntArray], IntArray]:
    def change(unit: Operator, taken: IntArray) -> IntArray:
        del unit
        taken = taken.copy()
        taken[(slice(None), *part)] = value
        return taken

    return change


def _turned(axes: tuple[int, ...]) -> Callable[[Operator, IntArray], IntArray]:
    """Frames (frames, rows, columns, channels) with other axes, elements in their order."""

    def change(unit: Operator, taken: IntArray) -> IntArray:
        # A pool of the whole image takes its pixels as one window.
        shape = (*unit.kernel, unit.channels) if isinstance(unit, Pool) else unit.inputs[0].shape
        return taken.reshape(-1, *shape).transpose(axes).reshape(taken.shape)

    return change


def _flipped(axis: int) -> Callable[[Operator, IntArray], IntArray]:
    return lambda unit, taken: np.flip(taken.reshape(-1, *unit.inputs[0].shape), axis)


def _confused(unit: Operator, taken: IntArray) -> IntArray:
    """The bit 0 is the number 0."""
    del unit
    return np.where(taken < 0, 0, taken)


def _unsigned(unit: Operator, taken: IntArray) -> IntArray:
    del unit
    return taken.astype(np.int64) & 255


def _saturated(limit: int) -> Callable[[Operator, IntArray], IntArray]:
    return lambda unit, taken: np.minimum(taken.astype(np.int64), limit)


def _off_by_one(value: int) -> Callable[[Operator, IntArray], IntArray]:
    return lambda unit, taken: np.where(taken == value, value - 1, taken)


def _first_of(unit: Operator, taken: IntArray) -> IntArray:
    """The pool sees a part of the image only."""
    assert isinstance(unit, Pool)
    pixels = taken.reshape(len(taken), unit.beats.taps, unit.channels)
    return np.concatenate([pixels[:, :-1], pixels[:, -2:-1]], axis=1).reshape(taken.shape)


def _channels_of_pool(unit: Operator, made: IntArray) -> IntArray:
    del unit
    return made[..., ::-1]


def _axis_of(name: str) -> Callable[[Step], Step]:
    """A constant for each channel is one for each column."""

    def change(step: Step) -> Step:
        if step.operation != name or step.constant is None or step.constant.size == 1:
            return step
        turned = step.constant.reshape(3, 3, 3).transpose(2, 1, 0)
        return Step(name, turned.reshape(step.constant.shape))

    return change


def _operation(name: str, other: str) -> Callable[[Step], Step]:
    return lambda step: Step(other, step.constant) if step.operation == name else step


def _bound(name: str, change: float) -> Callable[[Step], Step]:
    return lambda step: Step(name, step.constant + np.float32(change)) if step.operation == name else step


MUTATIONS: dict[str, tuple[str, Damage]] = {
    "a threshold one higher": ("image", table("matrix_vector", _plus(0, 1, 1))),
    "a threshold one lower": ("image", table("matrix_vector", _plus(0, 1, -1))),
    "a threshold one higher where it falls": ("image", table("matrix_vector", _plus(1, 2, 1))),
    "the lowest threshold one lower": ("image", table("matrix_vector", _plus(3, 0, -1))),
    "the highest threshold one higher": ("image", table("matrix_vector", _plus(5, 2, 1))),
    "a threshold of the second layer": ("image", table("matrix_vector", _plus(2, 0, 1), 1)),
    "every threshold of the second layer": ("image", table("matrix_vector", _greater, 1)),
    "a threshold of a dense layer": ("dense", table("matrix_vector", _plus(7, 0, 2))),
    "a lower threshold of a dense layer": ("dense", table("matrix_vector", _plus(20, 0, -2))),
    "a threshold of the second dense layer": ("dense", table("matrix_vector", _plus(4, 0, 2), 1)),
    "a threshold of a signal's layer": ("signal", table("matrix_vector", _plus(4, 1, 1))),
    "a binary threshold over an image": ("signs", table("matrix_vector", _plus(3, 0, 2))),
    "a far threshold one lower": ("thresholds first", table("threshold", _plus(1, 2, -1))),
    "a far threshold one higher": ("thresholds first", table("threshold", _plus(2, 2, 1))),
    "greater instead of at least": ("thresholds first", table("threshold", _greater)),
    "the next channel's thresholds": ("thresholds first", table("threshold", _next_channel)),
    "thresholds along rows": ("thresholds first", along(1)),
    "thresholds along columns": ("thresholds first", along(2)),
    "falling channels rise": ("image", table("matrix_vector", _all_rising)),
    "falling channels of the second layer rise": ("image", table("matrix_vector", _all_rising, 1)),
    "a channel turned around": ("dense", table("matrix_vector", _one_turned)),
    "thresholds of the next channel": ("signs", table("matrix_vector", _next_channel)),
    "rows of a kernel are columns": ("image", _weights(lambda w: w.swapaxes(1, 2))),
    "a kernel back to front": ("image", _weights(lambda w: w[:, ::-1, ::-1])),
    "a kernel's channels back to front": ("image", _weights(lambda w: w[..., ::-1])),
    "outputs back to front": ("signs", _weights(lambda w: w[::-1], 1)),
    "a wrong weight": ("image", _weights(_one_weight)),
    "a wrong weight of a dense layer": ("dense", _weights(_one_weight)),
    "the first row's pad is lost": ("image", _geometry(pads=(0, 1, 2, 1))),
    "the first column's pad is lost": ("image", _geometry(pads=(1, 0, 1, 2))),
    "pads change sides": ("skewed", _geometry(pads=(0, 1, 1, 0))),
    "pads are -1": ("signs", _outside(-1)),
    "pads are +1": ("signs", _outside(1)),
    "pads are the lowest value": ("skewed", _outside(-128)),
    "the smallest of a whole image": ("max first", field("pool", "smallest", _smallest)),
    "the smallest of a whole image of bytes": ("max first, bytes", field("pool", "smallest", _smallest)),
    "the channels of a pool back to front": ("max first", behind("pool", _channels_of_pool)),
    "a pool misses the last pixel": ("max first", in_front("pool", _first_of)),
    "a pool of bytes misses the last pixel": ("max first, bytes", in_front("pool", _first_of)),
    "a sum misses the last pixel": ("sum first", in_front("pool", _first_of)),
    "a later pool takes the smallest": ("image", field("pool", "smallest", _smallest)),
    "the first row is lost": ("signs", in_front("window", _lost((slice(0, 1),), -1))),
    "the last column is lost": ("image", in_front("window", _lost((slice(None), slice(5, 6)), 0))),
    "rows are columns": ("image", in_front("window", _turned((0, 2, 1, 3)))),
    "rows are columns of a signed image": ("skewed", in_front("window", _turned((0, 2, 1, 3)))),
    "channels first": ("image", in_front("window", _turned((0, 3, 1, 2)))),
    "channels first for a pool": ("max first", in_front("pool", _turned((0, 3, 1, 2)))),
    "channels back to front": ("image", in_front("window", _flipped(3))),
    "columns back to front": ("image", in_front("window", _flipped(2))),
    "rows back to front": ("signs", in_front("window", _flipped(1))),
    "a signal back to front": ("signal", in_front("window", _flipped(2))),
    "-1 is 0": ("signs", in_front("window", _confused)),
    "-1 is 0 in a pool": ("max first", behind("pool", _confused)),
    "signed is unsigned": ("sum first", in_front("pool", _unsigned)),
    "bytes saturate early": ("image", in_front("window", _saturated(254))),
    "the largest byte is one less": ("max first, bytes", in_front("pool", _off_by_one(255))),
    "a branch changes its sign": ("branches", in_front("add", lambda unit, taken: -taken)),
    "a product changes its sign": ("gated", in_front("multiply", lambda unit, taken: -taken)),
    "a product has no sign": ("gated", behind("multiply", lambda unit, made: np.abs(made))),
    "a gate lets through or not": ("gated", in_front("multiply", lambda unit, taken: np.sign(taken))),
    "branches change sides": ("branches", behind("concat", lambda unit, made: np.roll(made, 2, axis=-1))),
    "a mean along columns": ("normalised", host(_axis_of("subtract"))),
    "a deviation along columns": ("normalised", host(_axis_of("divide"))),
    "halves are rounded up": ("floats", host(_operation("round", "round_half_up"))),
    "the range ends early": ("normalised", host(_bound("minimum", -1))),
    "the range ends late": ("normalised", host(_bound("maximum", 1))),
}


def compile_net(net: str, folder: Path) -> bnnfpga.Project:
    model, options = NETS[net]
    onnx.save(model(), folder / "net.onnx")
    return bnnfpga.compile(folder / "net.onnx", folder / "project", **options)


@pytest.mark.parametrize("net", NETS)
def test_what_is_right_compiles(net: str, tmp_path: Path) -> None:
    checked = compile_net(net, tmp_path).summary()["checked"]
    assert checked["images"] == 32
    assert checked["stages"][:3] == ["file", "source", "folded"]


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_wrong_reading(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, damage = MUTATIONS[name]
    right = build.make_design

    def wrong(*arguments: Any, **options: Any) -> Design:
        return damage(right(*arguments, **options))

    monkeypatch.setattr(build, "make_design", wrong)
    with pytest.raises(
        ResultsDiffer,
        match=r"frame \d+, .+: the (folded graph|function of the input) gives -?\d+ where the model gives",
    ):
        compile_net(net, tmp_path)
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize("net", ["max first", "max first, bytes", "sum first", "thresholds first", "image", "signal"])
def test_the_boundary_in_the_model_s_order(net: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels stream first, as where the stream's shape is taken from a unit that pools the whole image."""
    monkeypatch.setattr(Order, "to_stream", lambda self, values: values)
    with pytest.raises(ResultsDiffer, match=r"frame \d+, .+: the folded graph gives"):
        compile_net(net, tmp_path)


@pytest.mark.parametrize(
    ("net", "kind", "key"),
    [
        ("image", "matrix_vector", "decreasing"),
        ("dense", "matrix_vector", "thresholds"),
        ("skewed", "window", "pads"),
        ("thresholds first", "threshold", "thresholds"),
        ("image", "pool", "smallest"),
    ],
)
def test_a_wrong_kernel(net: str, kind: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator makes something else of a unit."""
    right = build.make_design

    def wrong(*arguments: Any, **options: Any) -> Design:
        design = right(*arguments, **options)
        kernel = unit_of(design.graph, kind).emulator()
        values = {**kernel.values, key: 1 - np.asarray(kernel.values[key])}
        return emulated(kind, replace(kernel, values=values))(design)

    monkeypatch.setattr(build, "make_design", wrong)
    with pytest.raises(ResultsDiffer, match=r"frame \d+, .+: the emulator gives"):
        compile_net(net, tmp_path)
