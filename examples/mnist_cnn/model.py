"""The example network: a convolutional net with one-bit weights and activations and one residual block.

Needs the extra ``[train]`` (torch and Brevitas). Nothing here reads data or files.
"""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.quant import (
    Int8ActPerTensorFloat,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    Uint8ActPerTensorFloat,
)
from torch import Tensor, nn

CLASSES = 10


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    """Weights of -1 and +1: the sign of the latent weight, zero counting as positive."""

    scaling_init = 1.0


class BinaryActivation(SignedBinaryActPerTensorConst):
    """Activations of -1 and +1; the gradient passes where the input lies in [-1, 1]."""

    min_val = -1.0
    max_val = 1.0


class Pixel(Uint8ActPerTensorFloat):
    """Pixels in [0, 1] as multiples of 1/255: the original bytes, with zero for black."""

    scaling_impl_type = "const"
    max_val = 1.0


class Residual(Int8ActPerTensorFloat):
    """The operands of the block's sum, in four bits: multiples of 1/4 from -2 to 7/4.

    The scale is a constant, and so the same for both branches: a sum of values on one grid is a sum of integers.
    """

    bit_width = 4
    scaling_impl_type = "const"
    min_val = -2.0
    max_val = 2.0


class BinaryCnn(nn.Module):
    """A binary convolutional net for 28 x 28 images.

    The input is a float image in [0, 1] of shape (N, 1, 28, 28), taken as bytes. All three convolutions
    have 3 x 3 taps and one zero of padding, so they keep the image's size, and max pooling of 2 x 2
    halves it::

        28 x 28   convolution, max pooling
        14 x 14   batch norm, 4 bits ─┬──────────────────────────────────────── + ── max pooling
                                      └─ sign, convolution, batch norm, 4 bits ─┘
         7 x 7    batch norm, sign, convolution, batch norm, sign, linear

    The block in the middle is that of Bi-Real Net: the information that the sign drops bypasses the
    convolution. The last layer is binary linear with a single scale for all classes, which keeps the
    order of the integer scores.

    Parameters
    ----------
    channels
        Channels of the first convolution and of the block.
    last_channels
        Channels of the third convolution.
    """

    def __init__(self, channels: int = 16, last_channels: int = 32) -> None:
        super().__init__()
        self.quantize = qnn.QuantIdentity(act_quant=Pixel)
        self.stem = nn.Sequential(
            _convolution(1, channels),
            nn.MaxPool2d(2),
            nn.BatchNorm2d(channels),
            qnn.QuantIdentity(act_quant=Residual),
        )
        self.branch = nn.Sequential(
            qnn.QuantIdentity(act_quant=BinaryActivation),
            _convolution(channels, channels),
            nn.BatchNorm2d(channels),
            qnn.QuantIdentity(act_quant=Residual),
        )
        self.head = nn.Sequential(
            nn.MaxPool2d(2),
            nn.BatchNorm2d(channels),
            qnn.QuantIdentity(act_quant=BinaryActivation),
            _convolution(channels, last_channels),
            nn.BatchNorm2d(last_channels),
            qnn.QuantIdentity(act_quant=BinaryActivation),
            nn.Flatten(),
        )
        fan_in = last_channels * 7 * 7
        self.last = qnn.QuantLinear(fan_in, CLASSES, bias=False, weight_quant=BinaryWeight)
        nn.init.uniform_(self.last.weight, -1.0, 1.0)
        self.scale = nn.Parameter(torch.tensor(fan_in**-0.5))

    def forward(self, images: Tensor) -> Tensor:
        """Class scores, shape (N, 10)."""
        x = self.stem(self.quantize(images))
        x = x + self.branch(x)
        scores: Tensor = self.last(self.head(x)) * self.scale
        return scores

    @torch.no_grad()
    def clip_weights(self) -> None:
        """Keep every latent weight in [-1, 1], so that none drifts too far to flip again."""
        for layer in self._binary_layers():
            layer.weight.clamp_(-1.0, 1.0)

    @torch.no_grad()
    def harden_weights(self) -> None:
        """Replace every latent weight by its sign: the same function, without the latents."""
        for layer in self._binary_layers():
            layer.weight.copy_(torch.where(layer.weight >= 0, 1.0, -1.0))

    def _binary_layers(self) -> list[nn.Module]:
        return [module for module in self.modules() if isinstance(module, (qnn.QuantConv2d, qnn.QuantLinear))]


def _convolution(channels: int, out_channels: int) -> qnn.QuantConv2d:
    layer = qnn.QuantConv2d(channels, out_channels, 3, padding=1, bias=False, weight_quant=BinaryWeight)
    nn.init.uniform_(layer.weight, -1.0, 1.0)
    return layer
