"""The example network: a multilayer perceptron with one-bit weights and activations of one or two bits.

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

PIXELS = 28 * 28
CLASSES = 10


class BinaryWeight(SignedBinaryWeightPerTensorConst):
    """Weights of -1 and +1: the sign of the latent weight, zero counting as positive."""

    scaling_init = 1.0


class BinaryActivation(SignedBinaryActPerTensorConst):
    """Activations of -1 and +1; the gradient passes where the input lies in [-1, 1]."""

    min_val = -1.0
    max_val = 1.0


class TwoBitActivation(Uint8ActPerTensorFloat):
    """Activations of 0, 1/2, 1 and 3/2, after a ReLU; the gradient passes from 0 to 3/2."""

    bit_width = 2
    scaling_impl_type = "const"
    max_val = 1.5


class ByteInput(Int8ActPerTensorFloat):
    """Inputs in [-1, 1] rounded to multiples of 1/128, the largest being 127/128."""

    scaling_impl_type = "const"
    min_val = -1.0
    max_val = 1.0


INPUTS = {1: BinaryActivation, 8: ByteInput}


class BinaryMlp(nn.Module):
    """A binary perceptron for 28 x 28 images.

    The input is a float image in [0, 1] of shape (N, 1, 28, 28). Pixels become +1 from one half
    on and -1 below; with `input_bits` of 8, they become multiples of 1/128 from -1 to 127/128.
    Every hidden layer is binary linear, batch norm, sign; or, with `activation_bits` of 2, binary
    linear, batch norm, ReLU rounded to two bits. The last one is binary linear with a single
    scale for all classes, which keeps the order of the integer scores.

    Parameters
    ----------
    width
        Neurons in each hidden layer.
    hidden
        Number of hidden layers.
    input_bits
        1 or 8.
    activation_bits
        Bits of the hidden activations, 1 or 2.
    """

    def __init__(self, width: int, hidden: int = 3, input_bits: int = 1, activation_bits: int = 1) -> None:
        super().__init__()
        self.width = width
        self.quantize = qnn.QuantIdentity(act_quant=INPUTS[input_bits])
        self.hidden = nn.ModuleList()
        fan_in = PIXELS
        for _ in range(hidden):
            layer = nn.Sequential(_linear(fan_in, width), nn.BatchNorm1d(width), _activation(activation_bits))
            self.hidden.append(layer)
            fan_in = width
        self.last = _linear(fan_in, CLASSES)
        self.scale = nn.Parameter(torch.tensor(fan_in**-0.5))

    def forward(self, images: Tensor) -> Tensor:
        """Class scores, shape (N, 10)."""
        x = self.quantize(2.0 * images.flatten(1) - 1.0)
        for layer in self.hidden:
            x = layer(x)
        scores: Tensor = self.last(x) * self.scale
        return scores

    def binary_layers(self) -> list[qnn.QuantLinear]:
        """The linear layers, first to last."""
        return [module for module in self.modules() if isinstance(module, qnn.QuantLinear)]

    @torch.no_grad()
    def clip_weights(self) -> None:
        """Keep every latent weight in [-1, 1], so that none drifts too far to flip again."""
        for layer in self.binary_layers():
            layer.weight.clamp_(-1.0, 1.0)

    @torch.no_grad()
    def harden_weights(self) -> None:
        """Replace every latent weight by its sign: the same function, without the latents."""
        for layer in self.binary_layers():
            layer.weight.copy_(torch.where(layer.weight >= 0, 1.0, -1.0))


def _linear(fan_in: int, fan_out: int) -> qnn.QuantLinear:
    layer = qnn.QuantLinear(fan_in, fan_out, bias=False, weight_quant=BinaryWeight)
    nn.init.uniform_(layer.weight, -1.0, 1.0)
    return layer


def _activation(bits: int) -> nn.Module:
    if bits == 1:
        return qnn.QuantIdentity(act_quant=BinaryActivation)
    return qnn.QuantReLU(act_quant=TwoBitActivation)
