"""Bi-Real Net with quantised shortcuts, random weights, as an exporter would write it.

Source: Liu et al., "Bi-Real Net: Enhancing the Performance of 1-bit CNNs" (2018), section 3.2: ResNet-18, a shortcut
around each binary convolution; the first and the last layer have wider weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from tests.support.nets import NetWriter

_STAGES = (4, 4, 4, 4)
_STEP = 1 / 32


@dataclass(frozen=True)
class BiRealNet:
    """Binary weights and activations; shortcuts of 8 bits.

    Parameters
    ----------
    width
        Channels of the first stage; 64 in the paper.
    size
        Rows and columns of the image.
    stages
        Binary convolutions in each stage.
    """

    width: int = 64
    size: int = 224
    stages: tuple[int, ...] = _STAGES
    classes: int = 1000
    seed: int = 0

    def model(self) -> onnx.ModelProto:
        return _Writer(self).model()


QUARTER_WIDTH = BiRealNet(width=16, size=64)
"""Small enough for a mid-size FPGA."""


class _Writer:
    def __init__(self, recipe: BiRealNet) -> None:
        self._recipe = recipe
        self._net = NetWriter()
        self._rng = np.random.default_rng(recipe.seed)

    def model(self) -> onnx.ModelProto:
        recipe, net = self._recipe, self._net
        x = net.quant("x", 8, scale=1 / 128, signed=True)
        x = self._norm(self._convolution(x, self._bytes((recipe.width, 3, 7, 7)), 7, 2), recipe.width, 6)
        x = net.node("MaxPool", self._shortcut(x), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        channels = recipe.width
        for stage, count in enumerate(recipe.stages):
            for layer in range(count):
                width = recipe.width << stage
                x = self._layer(x, channels, width, 2 if stage and not layer else 1)
                channels = width
        x = net.quant(net.node("GlobalAveragePool", x), 8, scale=_STEP, signed=True)
        net.node("MatMul", net.node("Flatten", x), self._bytes((channels, recipe.classes)))
        return net.model((3, recipe.size, recipe.size), "y")

    def _layer(self, x: str, inputs: int, outputs: int, stride: int) -> str:
        net = self._net
        signs = net.bipolar(net.constant(self._rng.standard_normal((outputs, inputs, 3, 3), dtype=np.float32)), 0.1)
        y = self._norm(self._convolution(net.bipolar(x), signs, 3, stride), outputs, inputs**0.5 / 3)
        if stride > 1:
            x = net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
            x = self._convolution(net.quant(x, 8, scale=_STEP, signed=True), self._bytes((outputs, inputs, 1, 1)), 1, 1)
            x = self._shortcut(self._norm(x, outputs, 2))
        return self._shortcut(net.node("Add", self._shortcut(y), x))

    def _convolution(self, x: str, weights: str, kernel: int, stride: int) -> str:
        pads = [kernel // 2] * 4
        return self._net.node("Conv", x, weights, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)

    def _bytes(self, shape: tuple[int, ...]) -> str:
        """Weights of 8 bits."""
        latent = self._net.constant(self._rng.normal(0, 0.3, shape))
        return self._net.quant(latent, 8, scale=1 / 128, signed=True, narrow=True)

    def _norm(self, x: str, channels: int, spread: float) -> str:
        """To about the spread of the shortcuts, with scales of both signs."""
        rng = self._rng
        scale = rng.normal(1, 0.2, channels) * rng.choice([-1, 1], channels, p=[0.1, 0.9])
        values = (scale, rng.normal(0, 0.3, channels), rng.normal(0, spread / 4, channels))
        parameters = [self._net.constant(value) for value in (*values, (spread * rng.uniform(0.7, 1.3, channels)) ** 2)]
        return self._net.node("BatchNormalization", x, *parameters, epsilon=1e-5)

    def _shortcut(self, x: str) -> str:
        return self._net.quant(x, 8, scale=_STEP, signed=True)
