"""The VGG-like convolutional net of BinaryNet and FINN for 32 x 32 colour images, with one-bit weights and activations.

Needs the extra ``[train]`` (torch and Brevitas). Nothing here reads data or files.
"""

from __future__ import annotations

import brevitas.nn as qnn
import torch
from brevitas.quant import Int8ActPerTensorFloat, SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst
from torch import Tensor, nn

CLASSES = 10
# Filters of the convolutions, in the pairs between which the image is halved, and neurons of the dense layers.
FILTERS = ((64, 64), (128, 128), (256, 256))
NEURONS = (512, 512)


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    """Weights of -1 and +1: the sign of the latent weight, zero counting as positive."""

    scaling_init = 1.0


class BinaryActivation(SignedBinaryActPerTensorConst):
    """Activations of -1 and +1; the gradient passes where the input lies in [-1, 1]."""

    min_val = -1.0
    max_val = 1.0


class ByteInput(Int8ActPerTensorFloat):
    """Inputs in [-1, 1] rounded to multiples of 1/128, the largest being 127/128."""

    scaling_impl_type = "const"
    min_val = -1.0
    max_val = 1.0


class BinaryCnv(nn.Module):
    """Six 3 x 3 convolutions without padding and three dense layers, 1.5 million binary weights in all.

    The input is a float image in [0, 1] of shape (N, 3, 32, 32). Every layer but the last is followed by a
    batch norm and the sign, the second and the fourth convolution also by max pooling of 2 x 2::

        32 - 30 - 28, 14 - 12 - 10, 5 - 3 - 1      pixels in a row
        3    64   64       128  128     256 256    channels

    Pooling comes after the sign, where hardware has only single bits to compare. The last layer is
    binary linear with a single scale for all classes, which keeps the order of the integer scores.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [qnn.QuantIdentity(act_quant=ByteInput)]
        fan_in = 3
        for pair, filters in enumerate(FILTERS):
            if pair:
                layers.append(nn.MaxPool2d(2))
            for fan_out in filters:
                layers += [_binary(qnn.QuantConv2d, fan_in, fan_out, kernel_size=3), nn.BatchNorm2d(fan_out), _sign()]
                fan_in = fan_out
        layers.append(nn.Flatten())
        for fan_out in NEURONS:
            layers += [_binary(qnn.QuantLinear, fan_in, fan_out), nn.BatchNorm1d(fan_out), _sign()]
            fan_in = fan_out
        layers.append(_binary(qnn.QuantLinear, fan_in, CLASSES))
        self.layers = nn.Sequential(*layers)
        self.scale = nn.Parameter(torch.tensor(fan_in**-0.5))

    def forward(self, images: Tensor) -> Tensor:
        """Class scores, shape (N, 10)."""
        scores: Tensor = self.layers(2.0 * images - 1.0) * self.scale
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


def _binary(kind: type[nn.Module], fan_in: int, fan_out: int, **options: int) -> nn.Module:
    layer = kind(fan_in, fan_out, bias=False, weight_quant=BinaryWeight, **options)
    nn.init.uniform_(layer.weight, -1.0, 1.0)
    return layer


def _sign() -> nn.Module:
    return qnn.QuantIdentity(act_quant=BinaryActivation)
