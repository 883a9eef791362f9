"""Nets with one kind of affine function before a layer, a pool or pads, as exporters and people write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from tests.support.nets import DOMAIN, NetWriter

Write = Callable[["Kind", NetWriter], object]


@dataclass
class Kind:
    """A net of one kind: the function that writes it, the shape of its input, and its compile options."""

    write: Write
    shape: tuple[int, ...]
    options: dict[str, Any]
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(4))

    def model(self) -> onnx.ModelProto:
        net = NetWriter()
        self.write(self, net)
        return net.model(self.shape, "y")

    def images(self, count: int) -> NDArray[Any]:
        """Inputs over the whole range of its input type."""
        shape, name = (count, *self.shape), self.options.get("input")
        if name is None:
            return self.rng.normal(0, 2, shape).astype(np.float32)
        if name == "bipolar":
            return self.rng.choice([-1, 1], shape)
        bits = int(name.removeprefix("u").removeprefix("int"))
        low = 0 if name.startswith("u") else -(1 << (bits - 1))
        return self.rng.integers(low, low + (1 << bits), shape)

    def weights(self, net: NetWriter, *shape: int) -> str:
        return net.constant(self.rng.integers(-3, 4, shape))


KINDS: dict[str, Kind] = {}


def _kind(shape: tuple[int, ...] = (3, 6, 6), **options: Any) -> Callable[[Write], Write]:
    def add(write: Write) -> Write:
        KINDS[write.__name__.strip("_").replace("_", " ")] = Kind(write, shape, options)
        return write

    return add


def _each(*values: float) -> NDArray[np.float32]:
    """One number per channel of an image."""
    return np.array(values, dtype=np.float32).reshape(-1, 1, 1)


def _quant(net: NetWriter, x: str, scale: object, zero: object = 0, bits: int = 4) -> str:
    options = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"}
    return net.node("Quant", x, *map(net.constant, (scale, zero, bits)), domain=DOMAIN, **options)


@_kind((6, 6, 3), input="uint8", input_scale="1/255")
def _pixels_last_less_their_means(kind: Kind, net: NetWriter) -> None:
    x = net.node("Div", net.node("Sub", "x", net.constant([0.485, 0.456, 0.406])), net.constant(0.25))
    net.node("Conv", net.node("Transpose", x, perm=[0, 3, 1, 2]), kind.weights(net, 4, 3, 3, 3))


@_kind(input="uint8")
def _pixels_to_one_in_front_of_pads(kind: Kind, net: NetWriter) -> None:
    x = net.node("Sub", net.node("Div", "x", net.constant(255)), net.constant(0.5))
    x = net.node("Conv", net.node("Div", x, net.constant(0.5)), kind.weights(net, 4, 3, 3, 3), pads=[1] * 4)
    net.node("Conv", net.bipolar(x), kind.weights(net, 2, 4, 1, 1))


@_kind(input="uint8", input_scale="1/255")
def _batch_norm_first(kind: Kind, net: NetWriter) -> None:
    numbers = ([2, 2, 2], [0.1, 0.2, 0.3], [0.5, 0.4, 0.3], [0.25, 0.25, 0.25])
    x = net.node("BatchNormalization", "x", *map(net.constant, numbers), epsilon=0.0)
    net.node("Conv", x, kind.weights(net, 4, 3, 3, 3))


@_kind()
def _max_pool_with_pads(kind: Kind, net: NetWriter) -> None:
    x = net.node("Add", _quant(net, "x", _each(0.5, 0.25, 1)), net.constant(_each(0.3, 0.2, 0.1)))
    x = net.node("MaxPool", x, kernel_shape=[2, 2], pads=[1, 1, 0, 0])
    net.node("Conv", x, kind.weights(net, 4, 3, 3, 3))


@_kind()
def _average_pool_with_pads(kind: Kind, net: NetWriter) -> None:
    x = net.node("Add", _quant(net, "x", 0.5), net.constant(0.25))
    x = net.node("AveragePool", x, kernel_shape=[2, 2], pads=[1, 1, 0, 0], count_include_pad=1)
    net.node("Conv", x, kind.weights(net, 4, 3, 3, 3))


@_kind(input="int4")
def _pad_with_zeros(kind: Kind, net: NetWriter) -> None:
    x = net.node("Add", "x", net.constant(_each(0.5, 1, 2)))
    x = net.node("Pad", x, net.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    net.node("Conv", x, kind.weights(net, 4, 3, 3, 3))


@_kind(input="int4")
def _pad_with_a_code(kind: Kind, net: NetWriter) -> None:
    x = net.node("Pad", net.node("Add", "x", net.constant(3)), net.constant([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    net.node("Conv", x, kind.weights(net, 4, 3, 3, 3))


@_kind((4, 5, 5), input="int4")
def _scales_of_groups(kind: Kind, net: NetWriter) -> None:
    x = net.node("Mul", "x", net.constant(_each(0.3, 0.3, 0.7, 0.7)))
    net.node("Conv", x, kind.weights(net, 6, 2, 3, 3), group=2)


@_kind(input="uint8")
def _means_in_front_of_a_depthwise_layer(kind: Kind, net: NetWriter) -> None:
    x = net.node("Sub", "x", net.constant(_each(104, 117, 123)))
    net.node("Conv", x, kind.weights(net, 6, 1, 3, 3), group=3, pads=[1] * 4)


@_kind(input="int4")
def _any_scales_in_front_of_a_pool_and_a_dense_layer(kind: Kind, net: NetWriter) -> None:
    x = net.node("Add", net.node("Mul", "x", net.constant(_each(0.3, 0.5, 0.7))), net.constant(_each(1, 2, 3)))
    net.node("MatMul", net.node("Flatten", net.node("GlobalMaxPool", x)), kind.weights(net, 3, 4))


@_kind(input="uint8")
def _inverted_pixels(kind: Kind, net: NetWriter) -> None:
    net.node("Conv", net.node("Sub", net.constant(255), "x"), kind.weights(net, 4, 3, 3, 3), pads=[1] * 4)


@_kind(input="int4")
def _negated(kind: Kind, net: NetWriter) -> None:
    net.node("Conv", net.node("Neg", "x"), kind.weights(net, 4, 3, 3, 3), pads=[1] * 4)


@_kind()
def _zero_points_by_the_host(kind: Kind, net: NetWriter) -> None:
    x = net.node("Div", net.node("Sub", "x", net.constant(_each(0.4, 0.5, 0.6))), net.constant(_each(0.2, 0.25, 0.3)))
    x = _quant(net, x, _each(0.5, 0.25, 0.3), _each(1, 2, 3))
    net.node("Conv", x, kind.weights(net, 6, 1, 3, 3), group=3, pads=[1] * 4)


@_kind((3, 4, 4), input="int4")
def _transposed(kind: Kind, net: NetWriter) -> None:
    x = _quant(net, net.node("Mul", "x", net.constant(_each(1, 2, 4))), _each(0.5, 1, 2))
    net.node("MatMul", net.node("Flatten", net.node("Transpose", x, perm=[0, 2, 3, 1])), kind.weights(net, 48, 4))


@_kind((2, 16), input="uint16", input_scale="1/65535")
def _samples_of_16_bits(kind: Kind, net: NetWriter) -> None:
    x = net.node("Conv", net.node("Sub", "x", net.constant(0.5)), kind.weights(net, 3, 2, 3), pads=[1, 1])
    net.node("Conv", net.bipolar(x), kind.weights(net, 2, 3, 1))


@_kind((2, 16), input="int12", input_scale="1/2048")
def _quantizer_of_the_input_itself(kind: Kind, net: NetWriter) -> None:
    net.node("Conv", _quant(net, "x", 1 / 2048, bits=12), kind.weights(net, 3, 2, 3), pads=[1, 1])


@_kind((2, 16), input="int12", input_scale="1/2000")
def _another_quantizer_of_12_bits(kind: Kind, net: NetWriter) -> None:
    net.node("Conv", _quant(net, "x", 1 / 1024, bits=12), kind.weights(net, 3, 2, 3), pads=[1, 1])


@_kind((2, 16))
def _quantizer_of_16_bits(kind: Kind, net: NetWriter) -> None:
    x = net.node("Add", _quant(net, "x", 1 / 1000, 5, bits=16), net.constant(0.001))
    x = net.bipolar(net.node("Conv", x, kind.weights(net, 3, 2, 3)))
    net.node("Conv", x, kind.weights(net, 2, 3, 1))


@_kind(input="int4")
def _a_channel_of_scale_0(kind: Kind, net: NetWriter) -> None:
    x = net.node("Mul", "x", net.constant(_each(0, 0.5, 0.25)))
    net.node("Conv", x, kind.weights(net, 4, 3, 3, 3), pads=[1] * 4)


@_kind(input="int4")
def _in_front_of_an_upsampling(kind: Kind, net: NetWriter) -> None:
    x = net.node("Add", "x", net.constant(_each(0.5, 1, 2)))
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    x = net.node("Resize", x, "", net.constant([1, 1, 2, 2]), **how)
    net.node("Conv", x, kind.weights(net, 4, 3, 3, 3), pads=[1] * 4)


@_kind(input="bipolar")
def _bits_0_and_1_in_front_of_pads(kind: Kind, net: NetWriter) -> None:
    x = net.node("Add", "x", net.constant(1))
    net.node("Conv", x, net.bipolar(kind.weights(net, 3, 1, 3, 3)), group=3, pads=[1] * 4)


@_kind(input="uint8")
def _a_mean_image(kind: Kind, net: NetWriter) -> None:
    x = net.node("Sub", "x", net.constant(kind.rng.normal(0, 1, (3, 6, 6))))
    net.node("MatMul", net.node("Flatten", x), kind.weights(net, 108, 3))


@_kind(input="int4")
def _picked_channels(kind: Kind, net: NetWriter) -> None:
    x = net.node("Add", net.node("Mul", "x", net.constant(_each(1, 0.5, 2))), net.constant(_each(0.5, 1, 2)))
    x = net.node("Gather", x, net.constant([2, 0], np.int64), axis=1)
    net.node("Conv", x, kind.weights(net, 4, 2, 3, 3), pads=[1] * 4)


@_kind((16,))
def _half_bipolar(kind: Kind, net: NetWriter) -> None:
    x = net.node("Mul", net.node("Add", net.bipolar("x"), net.constant(1)), net.constant(0.5))
    x = net.node("MatMul", x, net.bipolar(kind.weights(net, 16, 8), 0.1))
    x = net.bipolar(net.node("Sub", x, net.constant(0.2)))
    x = net.node("Div", net.node("Sub", net.constant(1), x), net.constant(2))
    net.node("MatMul", x, net.bipolar(kind.weights(net, 8, 3)))


@_kind(input="uint8")
def _padded_table_and_wide_weights(kind: Kind, net: NetWriter) -> None:
    """The most demanding kinds: tables per channel, flagged pads, and weights of more than 16 bits."""
    x = net.node("Sub", "x", net.constant(_each(104, 117.5, 123)))
    x = net.node("Conv", x, kind.weights(net, 4, 3, 3, 3), pads=[1] * 4)
    x = _quant(net, x, _each(200, 100, 400, 133), _each(1, 0, -1, 0), bits=3)
    x = net.node("Conv", x, kind.weights(net, 4, 1, 2, 2), group=4, pads=[1, 0, 0, 1])
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    net.node("MatMul", x, kind.weights(net, 4, 3))
