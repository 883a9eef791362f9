"""Nets with floats where an accelerator needs integers, as training leaves them when only some layers are quantised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from tests.support.nets import NetWriter

KINDS = ("ends", "shortcut", "activations", "gate", "average", "bases", "join", "spread", "two_scales")


@dataclass(frozen=True)
class FloatNet:
    """A small net on images of 3 channels in which one thing is float; the same recipe gives the same model.

    `ends`: the first and the last layer. `shortcut`: what is added to the output of two blocks. `activations`: the ReLU
    between two layers. `gate`: what multiplies channels. `average`: what a pool averages. `bases`: the weights of a sum
    of binary convolutions. `join`: a block's output, added to what a quantizer makes. `spread`: the weights of
    a transposed convolution. `two_scales`: ternary weights whose positive and negative numbers differ.
    """

    kind: str
    channels: int = 8
    size: int = 6
    seed: int = 0

    @classmethod
    def random(cls, seed: int) -> FloatNet:
        """What is float, channels and size drawn from a seed."""
        rng = np.random.default_rng((seed, 7))
        return cls(str(rng.choice(KINDS)), int(rng.integers(4, 13)), int(rng.integers(4, 8)), seed)

    def images(self, count: int) -> NDArray[np.float32]:
        """Images like those that the net takes."""
        rng = np.random.default_rng((self.seed, 1, count))
        return rng.normal(0, 1, (count, 3, self.size, self.size)).astype(np.float32)

    def model(self) -> onnx.ModelProto:
        """The net, with 5 scores."""
        return _Writer(self).model()


class _Writer:
    def __init__(self, recipe: FloatNet) -> None:
        self._recipe, self._rng, self._net = recipe, np.random.default_rng(recipe.seed), NetWriter()

    def model(self) -> onnx.ModelProto:
        net, recipe, channels = self._net, self._recipe, self._recipe.channels
        if recipe.kind == "ends":
            x = self._conv("x", self._floats((channels, 3, 3, 3)))
        else:
            x = net.quant("x", 8, scale=1 / 32, signed=True)
            x = self._conv(x, net.bipolar(self._floats((channels, 3, 3, 3)), 0.1))
        x = self._norm(x)
        x = getattr(self, f"_{recipe.kind}")(x)
        x = net.node("GlobalAveragePool", x) if recipe.kind == "average" else self._signs(x)
        x = net.node("Flatten", x, axis=1)
        features = channels * (1 if recipe.kind == "average" else recipe.size**2)
        weights = self._floats((features, 5))
        net.node("MatMul", x, weights if recipe.kind == "ends" else net.bipolar(weights, 0.05))
        return net.model((3, recipe.size, recipe.size), "y")

    def _floats(self, shape: tuple[int, ...]) -> str:
        return self._net.constant(self._rng.normal(0, 0.3, shape))

    def _signs(self, x: str) -> str:
        return self._net.bipolar(x)

    def _conv(self, x: str, weights: str) -> str:
        return self._net.node("Conv", x, weights, kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    def _binary(self, x: str, scale: float = 0.1) -> str:
        """A binary layer behind the signs of its input."""
        channels = self._recipe.channels
        return self._conv(self._signs(x), self._net.bipolar(self._floats((channels, channels, 3, 3)), scale))

    def _norm(self, x: str) -> str:
        count = self._recipe.channels
        scales, shifts, means = self._rng.uniform(0.5, 1.5, count), *self._rng.normal(0, 0.2, (2, count))
        constants = [self._net.constant(value) for value in (scales, shifts, means, self._rng.uniform(0.5, 2, count))]
        return self._net.node("BatchNormalization", x, *constants, epsilon=1e-5)

    def _ends(self, x: str) -> str:
        return self._norm(self._binary(x))

    def _shortcut(self, x: str) -> str:
        for _ in range(2):
            x = self._net.node("Add", self._norm(self._binary(x)), x)
        return x

    def _activations(self, x: str) -> str:
        x = self._net.node("Relu", x)
        weights = self._net.bipolar(self._floats((self._recipe.channels, self._recipe.channels, 3, 3)), 0.1)
        return self._norm(self._conv(x, weights))

    def _gate(self, x: str) -> str:
        means = self._net.node("GlobalAveragePool", self._net.quant(x, 8, scale=1 / 16, signed=True))
        return self._net.node("Mul", self._norm(self._binary(x)), self._net.node("Sigmoid", means))

    def _average(self, x: str) -> str:
        return self._net.node("Relu", self._norm(self._binary(x)))

    def _bases(self, x: str) -> str:
        signs = self._signs(x)
        parts = []
        for _ in range(3):
            binary = self._net.bipolar(self._floats((self._recipe.channels, self._recipe.channels, 3, 3)))
            parts.append(self._net.node("Mul", binary, self._net.constant(self._rng.uniform(0.05, 0.3))))
        weights = self._net.node("Add", self._net.node("Add", *parts[:2]), parts[2])
        return self._norm(self._conv(signs, weights))

    def _join(self, x: str) -> str:
        x = self._net.node("Add", self._norm(self._binary(x)), self._net.quant(x, 4, scale=0.3, signed=True))
        return self._net.node("Add", self._norm(self._binary(x)), x)

    def _spread(self, x: str) -> str:
        weights = self._floats((self._recipe.channels, self._recipe.channels, 2, 2))
        spread = self._net.node("ConvTranspose", self._signs(x), weights, kernel_shape=[2, 2], strides=[2, 2])
        return self._net.node("MaxPool", self._norm(spread), kernel_shape=[2, 2], strides=[2, 2])

    def _two_scales(self, x: str) -> str:
        codes = self._rng.integers(-1, 2, (self._recipe.channels, self._recipe.channels, 3, 3))
        weights = np.where(codes > 0, 0.137 * codes, 0.0911 * codes)
        return self._norm(self._conv(self._signs(x), self._net.constant(weights)))
