"""Bi-Real ResNet-18 with every tensor quantised, random weights, as an exporter would write it.

Source: Liu et al., "Bi-Real Net: Enhancing the Performance of 1-bit CNNs with Improved Representational Capability and
Advanced Training Algorithm" (2018), section 3.2: a shortcut around every binary convolution; where the resolution
halves, the shortcut is an average pool and a 1 x 1 convolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from tests.support.nets import NetWriter


@dataclass(frozen=True)
class BiReal:
    """Binary convolutions between shortcuts of `shortcut_bits`; the first and last layer have 8-bit weights.

    Parameters
    ----------
    width
        Channels of the first stage; 64 in the paper.
    size
        Rows and columns of the image; 224 in the paper.
    """

    width: int = 64
    size: int = 224
    shortcut_bits: int = 8
    classes: int = 1000
    seed: int = 0

    def model(self) -> onnx.ModelProto:
        return _Writer(self).model()


class _Writer:
    def __init__(self, recipe: BiReal) -> None:
        self._recipe = recipe
        self._net = NetWriter()
        self._rng = np.random.default_rng(recipe.seed)

    def model(self) -> onnx.ModelProto:
        recipe, net = self._recipe, self._net
        x = net.quant("x", 8, scale=1 / 128, signed=True)
        x = self._norm(self._conv(x, 3, recipe.width, 7, 2, weight_bits=8), recipe.width)
        x = self._shortcut(x)
        x = net.node("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        channels = recipe.width
        for stage in range(4):
            for layer in range(4):
                width = recipe.width << stage
                x = self._layer(x, channels, width, 2 if stage and not layer else 1)
                channels = width
        x = net.quant(net.node("Flatten", net.node("GlobalAveragePool", x)), 8, scale=1 / 32, signed=True)
        latent = net.constant(self._rng.standard_normal((channels, recipe.classes)))
        net.node("MatMul", x, net.quant(latent, 8, scale=1 / 32, signed=True, narrow=True))
        return net.model((3, recipe.size, recipe.size), "y")

    def _layer(self, x: str, inputs: int, outputs: int, stride: int) -> str:
        y = self._norm(self._conv(self._net.bipolar(x), inputs, outputs, 3, stride), outputs)
        if stride > 1:
            pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
            x = self._shortcut(self._net.node("AveragePool", x, **pool))
            x = self._shortcut(self._norm(self._conv(x, inputs, outputs, 1, 1), outputs))
        return self._shortcut(self._net.node("Add", self._shortcut(y), x))

    def _conv(self, x: str, inputs: int, outputs: int, kernel: int, stride: int, weight_bits: int = 1) -> str:
        net = self._net
        latent = net.constant(self._rng.standard_normal((outputs, inputs, kernel, kernel)))
        if weight_bits == 1:
            weights = net.bipolar(latent, 0.1)
        else:
            weights = net.quant(latent, weight_bits, scale=1 / 32, signed=True, narrow=True)
        pads = [kernel // 2] * 4
        return net.node("Conv", x, weights, kernel_shape=[kernel, kernel], strides=[stride, stride], pads=pads)

    def _norm(self, x: str, channels: int) -> str:
        rng = self._rng
        values = (rng.normal(1, 0.3, channels), rng.normal(0, 0.5, channels), rng.normal(0, 2, channels))
        parameters = [self._net.constant(value) for value in (*values, rng.uniform(2, 30, channels))]
        return self._net.node("BatchNormalization", x, *parameters, epsilon=1e-5)

    def _shortcut(self, x: str) -> str:
        return self._net.quant(x, self._recipe.shortcut_bits, scale=1 / 16, signed=True)
