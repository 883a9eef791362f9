"""Transposed convolutions as convolutions of small images, whose channels become blocks of pixels.

The pixels of the output at one place in their block, which is as large as the stride, depend on the same taps of the
kernel. So a convolution with stride 1 computes all of a block, and no zero is inserted between pixels. Source: Shi et
al., "Is the deconvolution layer the same as a convolutional layer?" (2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute, describe, required_constant, required_shape
from bnnfpga.frontend.graph.transform import Transform

_MAX_SPREAD = 1 << 22
"""The most weights of the convolution, those between the taps of a dilated kernel and in unreached places included."""


@dataclass(frozen=True)
class _SpreadAxis:
    """One axis of a transposed convolution.

    Parameters
    ----------
    pixels, size
        Extent of the input and of the output.
    kernel, stride, dilation
        Of the kernel.
    before
        Pixels cut off in front.
    """

    pixels: int
    size: int
    kernel: int
    stride: int
    dilation: int
    before: int

    @property
    def span(self) -> int:
        """Extent of the kernel with its dilation."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def taps(self) -> int:
        """Extent of the convolution's kernel."""
        return -(-self.span // self.stride)

    @property
    def pads(self) -> tuple[int, int]:
        """Zeros in front of and behind the input that all blocks of the output need."""
        last = (self.before + self.size - 1) // self.stride
        return max(0, self.taps - 1 - self.before // self.stride), max(0, last - self.pixels + 1)

    @property
    def blocks(self) -> int:
        """Blocks that the convolution computes."""
        return self.pixels + sum(self.pads) - self.taps + 1

    @property
    def kept(self) -> NDArray[np.int64]:
        """The pixels of the blocks that are the output."""
        first = self.before - self.stride * (self.taps - 1 - self.pads[0])
        return np.arange(first, first + self.size)


class TransposedConvolutions(Transform):
    """A ConvTranspose becomes a Conv, a DepthToSpace, and Gathers of the pixels that its pads leave."""

    kinds = ("ConvTranspose",)

    def visit(self, model: Model, node: Node) -> bool:
        weights = required_constant(model, node, 1, "kernel")
        axes, groups = _axes(model, node, weights.shape), attribute(node, "group", 1)
        spread = math.prod(weights.shape[:2]) * math.prod(axis.taps * axis.stride for axis in axes)
        if spread > _MAX_SPREAD:
            raise UserError(
                f"its kernel spreads to {spread:,} numbers; at most {_MAX_SPREAD:,} can be compiled",
                where=describe(node),
                hint="use a kernel of about the stride, with smaller dilations",
            )
        outputs = weights.shape[1] * groups
        strides = [axis.stride for axis in axes]
        replacement = _Replacement(model, node)
        kernels = model.add_constant(f"{node.name}_kernels", _kernels(weights, axes, groups))
        before, behind = zip(*(axis.pads for axis in axes), strict=True)
        sliding = {"kernel_shape": [axis.taps for axis in axes], "pads": [*before, *behind], "group": groups}
        shape = [outputs * math.prod(strides), *(axis.blocks for axis in axes)]
        replacement.add("Conv", shape, kernels, **sliding)
        shape = [outputs, *(axis.blocks * axis.stride for axis in axes)]
        if math.prod(strides) > 1:
            replacement.add("DepthToSpace", shape, blocks=strides, mode="DCR" if groups == 1 else "CRD")
        for place, axis in enumerate(axes, start=1):
            if axis.size != shape[place]:
                shape = [*shape[:place], axis.size, *shape[place + 1 :]]
                index = model.add_constant(f"{node.name}_kept", axis.kept)
                replacement.add("Gather", shape, index, axis=place + 1)
        if len(node.input) > 2 and node.input[2]:
            bias = required_constant(model, node, 2, "bias").reshape(-1, *[1] * len(axes))
            replacement.add("Add", shape, model.add_constant(f"{node.name}_bias", bias))
        replacement.replace()
        return True


class _Replacement:
    """The nodes that replace one, each of which reads the one before."""

    def __init__(self, model: Model, node: Node) -> None:
        self._model, self._node, self._nodes = model, node, list[Node]()
        self._tensor = node.input[0]

    def add(self, kind: str, shape: list[int], *operands: str, **attributes: Any) -> None:
        result = self._model.fresh_name(f"{self._node.name}_{kind.lower()}")
        self._model.set_shape(result, [1, *shape])
        self._nodes.append(make_node(kind, [self._tensor, *operands], [result], name=result, **attributes))
        self._tensor = result

    def replace(self) -> None:
        first, last = self._nodes[0], self._nodes[-1]
        first.name = self._node.name
        self._model.replace(self._node, *self._nodes)
        self._model.set_output(last, self._node.output[0])


def _axes(model: Model, node: Node, weights: tuple[int, ...]) -> list[_SpreadAxis]:
    pixels, sizes = required_shape(model, node, node.input[0])[2:], required_shape(model, node, node.output[0])[2:]
    count = len(pixels)
    if count not in (1, 2):
        raise UserError(
            f"it slides over {count} axes; one or two can be compiled",
            where=describe(node),
            hint="its input must be (images, channels, rows, columns) or (images, channels, samples)",
        )
    kernel, strides, dilations = (
        attribute(node, name, None) or default
        for name, default in (("kernel_shape", weights[2:]), ("strides", [1] * count), ("dilations", [1] * count))
    )
    pads = attribute(node, "pads", None) or [0] * (2 * count)
    fits = len(weights) == count + 2 and list(kernel) == list(weights[2:])
    if not fits or weights[0] != model.shape(node.input[0])[1] or weights[0] % attribute(node, "group", 1):
        raise UserError(
            f"its weights of shape {weights} do not fit an input of shape {tuple(model.shape(node.input[0]))}",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    return [
        _SpreadAxis(*values) for values in zip(pixels, sizes, kernel, strides, dilations, pads[:count], strict=True)
    ]


def _kernels(weights: NDArray[np.generic], axes: list[_SpreadAxis], groups: int) -> NDArray[np.generic]:
    """The weights of the Conv, (outputs, inputs of a group, ...taps), of (inputs, outputs of a group, ...kernel).

    Outputs are numbered as DepthToSpace expects: with one group, block by block; with several, channel by channel.
    """
    inputs, outputs = weights.shape[:2]
    spread = np.zeros((inputs, outputs, *(axis.taps * axis.stride for axis in axes)), dtype=weights.dtype)
    spread[:, :, *(slice(0, axis.span, axis.dilation) for axis in axes)] = weights
    split = [extent for axis in axes for extent in (axis.taps, axis.stride)]
    taps, places = [3 + 2 * axis for axis in range(len(axes))], [4 + 2 * axis for axis in range(len(axes))]
    # Tap t of a block weighs the pixel t in front of it.
    parts = np.flip(spread.reshape(groups, inputs // groups, outputs, *split), tuple(taps))
    order = [0, *places, 2, 1, *taps] if groups == 1 else [0, 2, *places, 1, *taps]
    kernels = parts.transpose(order).reshape(-1, inputs // groups, *(axis.taps for axis in axes))
    return np.ascontiguousarray(kernels)
