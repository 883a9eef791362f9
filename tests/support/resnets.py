"""Residual nets of the published sizes with quantised shortcuts, random weights, as an exporter would write them.

Source: He et al., "Deep Residual Learning for Image Recognition" (2016), table 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from tests.support.nets import NetWriter


@dataclass(frozen=True)
class ResNet:
    """Binary weights, activations of `bits`, shortcuts of `shortcut_bits`.

    Parameters
    ----------
    blocks
        Number of blocks in each of the four stages.
    bottleneck
        Whether blocks have three convolutions, the last four times as wide.
    width
        Channels of the first stage; 64 in the paper.
    size
        Rows and columns of the image.
    """

    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    bottleneck: bool = False
    width: int = 64
    size: int = 224
    bits: int = 2
    shortcut_bits: int = 4
    classes: int = 1000
    seed: int = 0

    def model(self) -> onnx.ModelProto:
        return _Writer(self).model()


RESNET_18 = ResNet()
RESNET_50 = ResNet(blocks=(3, 4, 6, 3), bottleneck=True)


class _Writer:
    def __init__(self, recipe: ResNet) -> None:
        self._recipe = recipe
        self._net = NetWriter()
        self._rng = np.random.default_rng(recipe.seed)

    def model(self) -> onnx.ModelProto:
        recipe, net = self._recipe, self._net
        x = net.quant("x", 8, scale=1 / 128, signed=True)
        x = self._norm(self._conv(x, 3, recipe.width, 7, 2), recipe.width)
        x = net.node("MaxPool", self._activate(x), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        x = self._shortcut(x)
        channels = recipe.width
        for stage, count in enumerate(recipe.blocks):
            for block in range(count):
                width = recipe.width << stage
                outputs = 4 * width if recipe.bottleneck else width
                x = self._block(x, channels, width, outputs, 2 if stage and not block else 1)
                channels = outputs
        x = net.node("GlobalAveragePool", self._activate(x))
        x = net.quant(net.node("Flatten", x), 8, scale=1 / 32, signed=False)
        weights = net.bipolar(net.constant(self._rng.standard_normal((channels, recipe.classes), dtype=np.float32)))
        net.node("MatMul", x, weights)
        return net.model((3, recipe.size, recipe.size), "y")

    def _block(self, x: str, inputs: int, width: int, outputs: int, stride: int) -> str:
        y = self._activate(x)
        if self._recipe.bottleneck:
            y = self._activate(self._norm(self._conv(y, inputs, width, 1, 1), width))
            y = self._activate(self._norm(self._conv(y, width, width, 3, stride), width))
            y = self._norm(self._conv(y, width, outputs, 1, 1), outputs)
        else:
            y = self._activate(self._norm(self._conv(y, inputs, width, 3, stride), width))
            y = self._norm(self._conv(y, width, outputs, 3, 1), outputs)
        if stride > 1 or inputs != outputs:
            x = self._norm(self._conv(self._activate(x), inputs, outputs, 1, stride), outputs)
            x = self._shortcut(x)
        return self._shortcut(self._net.node("Add", self._shortcut(y), x))

    def _conv(self, x: str, inputs: int, outputs: int, kernel: int, stride: int) -> str:
        latent = self._rng.standard_normal((outputs, inputs, kernel, kernel), dtype=np.float32)
        weights = self._net.bipolar(self._net.constant(latent), 0.1)
        pads = [kernel // 2] * 4
        return self._net.node("Conv", x, weights, kernel_shape=[kernel, kernel], strides=[stride, stride], pads=pads)

    def _norm(self, x: str, channels: int) -> str:
        rng = self._rng
        values = (rng.normal(1, 0.3, channels), rng.normal(0, 0.5, channels), rng.normal(0, 2, channels))
        parameters = [self._net.constant(value) for value in (*values, rng.uniform(2, 30, channels))]
        return self._net.node("BatchNormalization", x, *parameters, epsilon=1e-5)

    def _activate(self, x: str) -> str:
        return self._net.quant(self._net.node("Relu", x), self._recipe.bits, scale=0.5, signed=False)

    def _shortcut(self, x: str) -> str:
        return self._net.quant(x, self._recipe.shortcut_bits, scale=0.25, signed=True)
