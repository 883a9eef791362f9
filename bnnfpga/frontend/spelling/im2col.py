"""FINN's Im2Col and the layer after it as one convolution.

Here, Im2Col stands between Transposes (`bnnfpga.frontend.reading.channels_last`): its input is channels-first, and its
output has a channel for each row, column and channel under the kernel, in this order.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute, describe, required_shape, scalar_operand
from bnnfpga.frontend.graph.transform import Transform

_MAX_PICKED = 1 << 20
"""The largest number of weights of a layer that only picks the numbers under a kernel."""


class FactorsBeforeIm2Col(Transform):
    """A multiplication or division by a scalar after an Im2Col moves in front of it, and scales its padding."""

    kinds = kinds_that(lambda traits: traits.scales)

    def visit(self, model: Model, node: Node) -> bool:
        above = model.producer(node.input[0])
        number = scalar_operand(model, node)
        if above is None or above.op_type != "Im2Col" or number is None or model.only_reader(node.input[0]) is None:
            return False
        source, result = above.input[0], node.output[0]
        scaled = model.fresh_name(f"{node.name}_taken")
        model.set_shape(scaled, model.shape(source))
        pad = np.float32(attribute(above, "pad_value", 0))
        pad = pad * np.float32(number) if traits_of(node).multiplies else pad / np.float32(number)
        model.set_input(node, 0, source)
        model.set_output(node, scaled)
        model.set_input(above, 0, scaled)
        model.set_output(above, result)
        model.set_attributes(above, pad_value=float(pad))
        model.move_before(above, node)
        return True


class Im2ColToConv(Transform):
    """Im2Col and the 1x1 convolutions that read it become Convs with its kernel.

    If anything else reads it, it becomes a Conv itself, whose weights pick the numbers.
    """

    kinds = ("Im2Col",)

    def visit(self, model: Model, node: Node) -> bool:
        _check_input(model, node)
        source = _padded(model, node)
        readers = model.consumers(node.output[0])
        picked = node.output[0] in model.outputs or not all(_takes_single_pixels(model, node, item) for item in readers)
        options = _options(node)
        if picked:
            model.replace(
                node, make_node("Conv", [source, _picking(model, node)], list(node.output), name=node.name, **options)
            )
            return True
        for reader in readers:
            kernels = _kernels(model, node, reader)
            conv = make_node("Conv", [source, kernels], list(reader.output), name=reader.name, **options)
            model.replace(reader, conv)
        model.remove(node)
        return True


def _check_input(model: Model, node: Node) -> None:
    _, channels, *pixels = required_shape(model, node, node.input[0])
    stated = [int(text) for text in re.findall(r"\d+", attribute(node, "input_shape", ""))]
    if stated and stated[1:] != [*pixels, channels]:
        raise UserError(
            f"its attribute 'input_shape' is {tuple(stated)}, and its input has shape {(1, *pixels, channels)}",
            where=describe(node),
            hint="lower the model again with FINN's LowerConvsToMatMul",
        )


def _options(node: Node) -> dict[str, Any]:
    """The attributes of a Conv with its kernel; pads other than zeros become a Pad in front of it."""
    pads = attribute(node, "pad_amount", [0] * 4)
    return {
        "kernel_shape": list(attribute(node, "kernel_size", [])),
        "strides": list(attribute(node, "stride", [])),
        "dilations": list(attribute(node, "dilations", [1, 1])),
        "pads": [0] * 4 if attribute(node, "pad_value", 0) else list(pads),
    }


def _padded(model: Model, node: Node) -> str:
    """Its input, after a Pad if its pads are not zeros."""
    source = node.input[0]
    value, pads = attribute(node, "pad_value", 0), attribute(node, "pad_amount", [0] * 4)
    if not value or not any(pads):
        return source
    images, channels, rows, columns = model.shape(source)
    padded = model.fresh_name(f"{node.name}_padded")
    model.set_shape(padded, [images, channels, rows + pads[0] + pads[2], columns + pads[1] + pads[3]])
    widths = model.add_constant(f"{padded}_widths", np.array([0, 0, *pads[:2], 0, 0, *pads[2:]], dtype=np.int64))
    filler = model.add_constant(f"{padded}_value", value)
    model.insert_before(node, make_node("Pad", [source, widths, filler], [padded], name=padded))
    return padded


def _takes_single_pixels(model: Model, node: Node, reader: Node) -> bool:
    traits = traits_of(reader)
    if not (traits.dot_product and traits.slides) or reader.input[0] != node.output[0] or any(reader.input[2:]):
        return False
    plain = all(
        set(attribute(reader, name, None) or [size]) == {size}
        for name, size in (("kernel_shape", 1), ("strides", 1), ("pads", 0))
    )
    return plain and attribute(reader, "group", 1) == 1 and model.shape(reader.input[1])[2:] == [1, 1]


def _kernels(model: Model, node: Node, reader: Node) -> str:
    """The weights of the Conv that replaces a reader with weights (outputs, numbers under the kernel, 1, 1)."""
    outputs = model.shape(reader.input[1])[0]
    split = [outputs, *attribute(node, "kernel_size", []), model.shape(node.input[0])[1]]
    weights = model.constant(reader.input[1])
    if weights is not None:
        kernels = np.ascontiguousarray(weights.reshape(split).transpose(0, 3, 1, 2))
        return model.add_constant(f"{reader.name}_kernels", kernels)
    by_place, by_channel = (model.fresh_name(f"{reader.name}_{what}") for what in ("places", "kernels"))
    model.set_shape(by_place, split)
    model.set_shape(by_channel, [split[0], split[3], *split[1:3]])
    target = model.add_constant(f"{by_place}_shape", np.array(split, dtype=np.int64))
    model.insert_before(
        reader,
        make_node("Reshape", [reader.input[1], target], [by_place], name=by_place),
        make_node("Transpose", [by_place], [by_channel], name=by_channel, perm=[0, 3, 1, 2]),
    )
    return by_channel


def _picking(model: Model, node: Node) -> str:
    """Weights that pick the numbers under the kernel unchanged."""
    kernel, channels = attribute(node, "kernel_size", []), model.shape(node.input[0])[1]
    outputs = math.prod(kernel) * channels
    if outputs**2 > _MAX_PICKED:
        raise UserError(
            f"no MatMul alone reads the {outputs:,} numbers that it gives for each pixel",
            where=describe(node),
            hint="give the model in front of FINN's lowering, or lower it again",
        )
    split = np.eye(outputs, dtype=np.float32).reshape(outputs, *kernel, channels)
    return model.add_constant(f"{node.name}_kernels", np.ascontiguousarray(split.transpose(0, 3, 1, 2)))


class BlocksToGroups(Transform):
    """A Conv in which each output has nonzero weights for one channel only becomes depthwise.

    FINN's lowering writes depthwise weights like this.
    """

    kinds = ("Conv",)

    def visit(self, model: Model, node: Node) -> bool:
        weights = model.constant(node.input[1])
        if weights is None or weights.ndim < 3 or attribute(node, "group", 1) != 1:
            return False
        outputs, channels = weights.shape[:2]
        if channels == 1 or outputs % channels:
            return False
        own = np.arange(outputs) // (outputs // channels)
        others = np.arange(channels) != own[:, None]
        if np.any(weights[others]):
            return False
        blocks = np.ascontiguousarray(weights[np.arange(outputs), own][:, None])
        model.set_input(node, 1, model.add_constant(f"{node.name}_blocks", blocks))
        model.set_attributes(node, group=channels)
        return True
