"""Random nets with functions before their quantizers, as single nodes or in exporters' forms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx

from tests.support.nets import NetWriter

Function = Callable[["FunctionNet", str], str]


class FunctionNet(NetWriter):
    """A layer, a batch norm, a function, a quantizer, a layer; everything drawn from a seed.

    Parameters
    ----------
    seed
        The same seed gives the same net.
    function
        A name from `FUNCTIONS`; None draws one.
    image
        Whether the layers are convolutions.
    """

    def __init__(self, seed: int, function: str | None = None, *, image: bool | None = None) -> None:
        super().__init__(rng=np.random.default_rng((seed, 1)))
        rng = self.draw = np.random.default_rng(seed)
        self.image = bool(rng.random() < 0.5) if image is None else image
        self.function = function or str(rng.choice(sorted(FUNCTIONS)))
        self.channels, self.rank = int(rng.integers(2, 7)), 4 if self.image else 2
        self.input_shape = (int(rng.integers(1, 4)), 5, 4) if self.image else (int(rng.integers(3, 12)),)
        x = (
            self.bipolar("x")
            if rng.random() < 0.5
            else self.quant("x", int(rng.integers(2, 5)), scale=0.25, signed=True)
        )
        x = self._layer(x, self.channels)
        x = FUNCTIONS[self.function](self, self._norm(x))
        if self.image and rng.random() < 0.3:
            x = self.node("MaxPool", x, kernel_shape=[2, 2])
        x = self._quantizer(x)
        if self.image:
            x = self.node("Flatten", x)
        weights = self.constant(rng.choice([-1, 1], (self.channels * self._pixels, 3)))
        self.node("MatMul", x, self.bipolar(weights))

    @property
    def _pixels(self) -> int:
        """The pixels of the image before the last layer."""
        if not self.image:
            return 1
        cut = 3 if any(node.op_type == "MaxPool" for node in self.nodes) else 2
        return (self.input_shape[1] - cut) * (self.input_shape[2] - cut)

    def proto(self) -> onnx.ModelProto:
        """The net."""
        return self.model(self.input_shape, self.nodes[-1].output[0], opset=24 if self.function == "Swish" else 20)

    def _layer(self, x: str, outputs: int) -> str:
        bits = int(self.draw.choice([1, 1, 3]))
        shape = (outputs, self.input_shape[0], 3, 3) if self.image else (self.input_shape[0], outputs)
        weights = self.constant(self.draw.normal(0, 1, shape))
        weights = self.bipolar(weights) if bits == 1 else self.quant(weights, bits, scale=0.5, signed=True, narrow=True)
        if self.image:
            return self.node("Conv", x, weights, kernel_shape=[3, 3])
        return self.node("MatMul", x, weights)

    def _norm(self, x: str) -> str:
        """Channels of both signs, and one whose factor is 0."""
        draw, count = self.draw, self.channels
        scale = draw.normal(0, 1, count) * draw.choice([0.3, 1, 3])
        scale[draw.integers(count)] *= draw.integers(2)
        numbers = (scale, draw.normal(0, 0.5, count), draw.normal(0, 1, count), draw.uniform(0.5, 9, count))
        if draw.random() < 0.3:
            shape = (count, 1, 1) if self.image else (count,)
            return self.node("Mul", x, self.constant(scale.reshape(shape)))
        return self.node("BatchNormalization", x, *map(self.constant, numbers))

    def _quantizer(self, x: str) -> str:
        if self.draw.random() < 0.2:
            return self.bipolar(x)
        bits = int(self.draw.integers(2, 6))
        signed = bool(self.draw.random() < 0.7)
        zero = float(self.draw.choice([0, 0, 1]))
        scale = float(self.draw.choice([0.5, 0.1, 0.07, 1 / 15]))
        return self.quant(x, bits, scale=scale, signed=signed, zero=zero)


def _node(kind: str, **attributes: object) -> Function:
    return lambda net, x: net.node(kind, x, **attributes)


def _of(net: FunctionNet, x: str, kind: str, number: object) -> str:
    return net.node(kind, x, net.constant(number))


def _positive(kind: str) -> Function:
    """Of numbers from 1 on."""
    return lambda net, x: net.node(kind, _of(net, net.node("Relu", x), "Add", 1))


def _bounded(kind: str) -> Function:
    """Of numbers between -0.5 and 0.5."""
    return lambda net, x: net.node(kind, net.node("Clip", x, net.constant(-0.5), net.constant(0.5)))


def _silu(net: FunctionNet, x: str) -> str:
    return net.node("Mul", x, net.node("Sigmoid", x))


def _gelu(net: FunctionNet, x: str) -> str:
    inner = net.node("Erf", _of(net, x, "Div", np.sqrt(2)))
    return _of(net, net.node("Mul", x, _of(net, inner, "Add", 1)), "Mul", 0.5)


def _gelu_by_tanh(net: FunctionNet, x: str) -> str:
    cube = net.node("Mul", net.node("Mul", x, x), x)
    inner = _of(net, net.node("Add", x, _of(net, cube, "Mul", 0.044715)), "Mul", np.sqrt(2 / np.pi))
    return net.node("Mul", _of(net, x, "Mul", 0.5), _of(net, net.node("Tanh", inner), "Add", 1))


def _mish(net: FunctionNet, x: str) -> str:
    return net.node("Mul", x, net.node("Tanh", net.node("Softplus", x)))


def _hard_swish(net: FunctionNet, x: str) -> str:
    clipped = net.node("Clip", _of(net, x, "Add", 3), net.constant(0), net.constant(6))
    return _of(net, net.node("Mul", x, clipped), "Div", 6)


def _two_norms(net: FunctionNet, x: str) -> str:
    """A separate batch norm on one of two branches, as in a block that is trained with a shortcut."""
    numbers = net.draw.uniform(0.5, 2, (4, net.channels))
    return net.node("Add", net.node("Relu", x), net.node("BatchNormalization", x, *map(net.constant, numbers)))


def _per_channel(net: FunctionNet, x: str) -> str:
    """Constants per channel inside branches."""
    shape = (net.channels, 1, 1) if net.image else (net.channels,)
    gate = net.node("Sigmoid", net.node("Mul", x, net.constant(net.draw.normal(0, 1, shape))))
    return net.node("Sub", net.node("Mul", gate, x), net.node("Abs", x))


def _by_where_of_signs(net: FunctionNet, x: str) -> str:
    """The maximum of a falling and a rising line."""
    return net.node("Max", _of(net, x, "Mul", -0.25), _of(net, x, "Sub", 0.5))


FUNCTIONS: dict[str, Function] = {
    **{
        kind: _node(kind)
        for kind in (
            *(
                "Abs",
                "Asinh",
                "Atan",
                "Celu",
                "Cos",
                "Elu",
                "Erf",
                "Exp",
                "Gelu",
                "HardSwish",
                "Mish",
                "Selu",
                "Sigmoid",
            ),
            *("Sin", "Sinh", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu"),
        )
    },
    **{kind: _positive(kind) for kind in ("Acosh", "Log", "Sqrt", "Reciprocal")},
    **{kind: _bounded(kind) for kind in ("Acos", "Asin", "Atanh", "Tan")},
    "Cosh of few": lambda net, x: net.node("Cosh", net.node("Clip", x, net.constant(-3), net.constant(2))),
    "Elu of a half": _node("Elu", alpha=0.5),
    "Gelu by tanh": _node("Gelu", approximate="tanh"),
    "Shrink": _node("Shrink", bias=0.25, lambd=0.5),
    "LeakyRelu that falls": _node("LeakyRelu", alpha=-0.5),
    "Pow 2": lambda net, x: _of(net, x, "Pow", 2),
    "Pow 3": lambda net, x: _of(net, x, "Pow", 3),
    "square": lambda net, x: net.node("Mul", x, x),
    "silu": _silu,
    "gelu": _gelu,
    "gelu by tanh": _gelu_by_tanh,
    "mish": _mish,
    "hard swish": _hard_swish,
    "softsign": lambda net, x: net.node("Div", x, _of(net, net.node("Abs", x), "Add", 1)),
    "x + relu(x)": lambda net, x: net.node("Add", x, net.node("Relu", x)),
    "two norms": _two_norms,
    "of channels": _per_channel,
    "larger line": _by_where_of_signs,
    "reciprocal": lambda net, x: net.node("Div", net.constant(1), _of(net, net.node("Abs", x), "Add", 0.25)),
}
"""Functions of a tensor by name; those in lower case consist of several nodes."""
