"""The plain form of convolutions, pools and pads, and their geometry."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.pads import pad_widths
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import (
    attribute,
    describe,
    required_constant,
    required_shape,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.numbers.geometry import Geometry

_PLAIN = {"GlobalAveragePool": "AveragePool", "GlobalMaxPool": "MaxPool"}


class PlainSliding(Transform):
    """Convolutions and pools get explicit pads and no bias; global pools become plain ones.

    Pads of channels become separate nodes. Afterwards, `geometry_of` and the attribute `group` describe all of them.
    """

    def visit(self, model: Model, node: Node) -> bool:
        traits, plain = traits_of(node), _PLAIN.get(node.op_type)
        if plain is not None:
            _make_plain(model, node, plain)
        elif traits.slides and attribute(node, "auto_pad", "NOTSET") != "NOTSET":
            _resolve_auto_pad(model, node)
        elif traits.pools and attribute(node, "ceil_mode", 0):
            _resolve_ceil_mode(model, node)
        elif traits.dot_product and len(node.input) > 2:
            _split_bias(model, node)
        elif traits.pads and attribute(node, "pads", None) is None:
            _plain_pad(model, node)
        else:
            return False
        return True


def geometry_of(model: Model, node: Node) -> Geometry:
    """Image, kernel, stride, dilation and pads of a plain convolution, pool or Pad; a 1-D signal has one row.

    Raises
    ------
    UserError
        If the node does not have one or two spatial axes, or its kernel does not fit.
    """
    geometry = _read_geometry(model, node)
    if min(geometry.windows) < 1:
        raise UserError(
            f"its kernel {geometry.kernel} is larger than its padded input of {geometry.image}",
            where=describe(node),
            hint="export the model with the image size that it was trained on",
        )
    return geometry


def reaches_into_pads(model: Model, node: Node) -> bool:
    """Whether a node of a clean graph slides and some of its windows reach into pads."""
    return traits_of(node).slides and geometry_of(model, node).touches_pads


def check_pools(model: Model) -> None:
    """Refuse max pools with windows that lie outside the image entirely."""
    for node in model.nodes:
        if traits_of(node).takes_extremum and geometry_of(model, node).misses_image:
            raise UserError(
                "some of its windows lie outside the image as a whole, and have no largest pixel",
                where=describe(node),
                hint="use smaller pads or dilations, or a larger image",
            )


def _read_geometry(model: Model, node: Node) -> Geometry:
    """The geometry in the attributes, whether or not the kernel fits."""
    image = model.shape(node.input[0])[2:]
    axes = len(image)
    if axes not in (1, 2):
        raise UserError(
            f"it slides over {axes} axes; one or two can be compiled",
            where=describe(node),
            hint="its input must be (images, channels, rows, columns) or (images, channels, samples)",
        )
    weights = model.shape(node.input[1])[2:] if traits_of(node).dot_product else None
    kernel = attribute(node, "kernel_shape", weights)
    if weights is not None and list(kernel) != list(weights):
        raise UserError(
            f"its attribute 'kernel_shape' is {list(kernel)}, and its weights have kernels of {weights}",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    strides = attribute(node, "strides", None) or [1] * axes
    dilations = attribute(node, "dilations", None) or [1] * axes
    pads = attribute(node, "pads", None) or [0] * (2 * axes)
    if not (len(kernel) == len(strides) == len(dilations) == axes and len(pads) == 2 * axes):
        raise UserError(
            f"its attributes are not those of {axes} axes",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0:
        raise UserError(
            "its kernel, strides, dilations and pads must be positive",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    if axes == 1:
        image, kernel, strides, dilations = [1, *image], [1, *kernel], [1, *strides], [1, *dilations]
        pads = [0, pads[0], 0, pads[1]]
    return Geometry(_pair(image), _pair(kernel), _pair(strides), _pair(dilations), tuple(pads))


def sliding_attributes(node: Node) -> dict[str, Any]:
    """The attributes of a plain node that determine its windows."""
    names = ("kernel_shape", "strides", "dilations", "pads")
    values = {name: attribute(node, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def pad_value(model: Model, node: Node) -> float:
    """The constant with which a plain Pad surrounds an image."""
    value = model.constant(node.input[1]) if len(node.input) > 1 and node.input[1] else None
    return 0.0 if value is None else float(value.item())


def takes_smallest(node: Node) -> bool:
    """Whether a MaxPool of a clean graph computes minima."""
    return bool(attribute(node, "smallest", 0))


def divisor_of(node: Node, geometry: Geometry) -> int:
    """The divisor of an AveragePool in a clean graph; 1 if it computes sums."""
    return int(attribute(node, "divisor", geometry.taps))


def averages(model: Model, node: Node) -> Geometry:
    """The geometry of an AveragePool whose windows all have the same divisor.

    Raises
    ------
    UserError
        If windows at the edge average fewer pixels.
    """
    geometry = geometry_of(model, node)
    if geometry.touches_pads and not attribute(node, "count_include_pad", 0):
        raise UserError(
            "its windows at the edge average fewer pixels than the others",
            where=describe(node),
            hint="use count_include_pad=True, or no padding",
        )
    return geometry


def _pair(values: list[int]) -> tuple[int, int]:
    first, second = values
    return first, second


def _make_plain(model: Model, node: Node, kind: str) -> None:
    image = model.shape(node.input[0])[2:]
    model.become(node, kind)
    model.set_attributes(node, kernel_shape=image)


def _resolve_auto_pad(model: Model, node: Node) -> None:
    """SAME_UPPER and SAME_LOWER pad so that windows = ceil(pixels / stride); VALID does not pad."""
    mode = attribute(node, "auto_pad", "NOTSET")
    if mode not in ("VALID", "SAME_UPPER", "SAME_LOWER"):
        raise UserError(
            f"auto_pad {mode!r} is not an ONNX mode", where=describe(node), hint="export with explicit pads"
        )
    model.set_attributes(node, auto_pad=None, pads=None)
    geometry = _read_geometry(model, node)
    axes = len(model.shape(node.input[0])) - 2
    if mode == "VALID":
        return
    before, after = [], []
    for axis in range(2 - axes, 2):
        span = geometry.dilation[axis] * (geometry.kernel[axis] - 1) + 1
        windows = -(-geometry.image[axis] // geometry.stride[axis])
        total = max(0, (windows - 1) * geometry.stride[axis] + span - geometry.image[axis])
        small, large = total // 2, total - total // 2
        before.append(small if mode == "SAME_UPPER" else large)
        after.append(large if mode == "SAME_UPPER" else small)
    model.set_attributes(node, pads=[*before, *after])


def _resolve_ceil_mode(model: Model, node: Node) -> None:
    """Replace ceil_mode by pads at the end that give the same number of windows."""
    model.set_attributes(node, ceil_mode=None)
    geometry = _read_geometry(model, node)
    shape = model.shape(node.output[0])
    axes = len(shape) - 2
    if traits_of(node).averages and tuple(shape[2:]) != geometry.windows[2 - axes :]:
        raise UserError(
            "its last windows hang over the edge, and average fewer pixels",
            where=describe(node),
            hint="use ceil_mode=0",
        )
    pads = list(attribute(node, "pads", None) or [0] * (2 * axes))
    for axis, windows in enumerate(shape[2:]):
        place = 2 - axes + axis
        span = geometry.dilation[place] * (geometry.kernel[place] - 1) + 1
        reached = (windows - 1) * geometry.stride[place] + span - geometry.image[place] - pads[axis]
        pads[axes + axis] = max(pads[axes + axis], reached)
    model.set_attributes(node, pads=pads)


def check_convs(model: Model) -> None:
    """Refuse convolutions whose channels and groups do not match their weights."""
    for node in model.nodes:
        if not (traits_of(node).dot_product and traits_of(node).slides):
            continue
        shape, weights = (required_shape(model, node, name) for name in node.input)
        groups = attribute(node, "group", 1)
        if len(shape) != len(weights) or shape[1] != weights[1] * groups or weights[0] % groups:
            raise UserError(
                f"its weights of shape {tuple(weights)} do not fit {groups} groups of an input of shape {tuple(shape)}",
                where=describe(node),
                hint=EXPORT_AGAIN,
            )


def _split_bias(model: Model, node: Node) -> None:
    has_bias = bool(node.input[2])
    bias = required_constant(model, node, 2, "bias") if has_bias else None
    if bias is not None and bias.ndim != 1:
        raise UserError(
            f"its bias has shape {bias.shape}, and not one axis",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    model.set_inputs(node, node.input[:2])
    if bias is None:
        return
    shape = model.shape(node.output[0])
    result, product = node.output[0], model.fresh_name(f"{node.name}_product")
    model.set_shape(product, shape)
    operand = model.add_constant(f"{node.name}_bias", bias.reshape(-1, *[1] * (len(shape) - 2)))
    model.set_output(node, product)
    add = make_node("Add", [product, operand], [result], name=f"{node.name}_add")
    model.insert_after(node, add)


def _plain_pad(model: Model, node: Node) -> None:
    """Make pads of rows and columns an attribute and the value the second input; pad channels separately."""
    rank = len(model.shape(node.input[0]))
    mode = attribute(node, "mode", "constant")
    if mode != "constant":
        raise UserError(
            f"its mode is {mode!r}; only constants can be put around an image",
            where=describe(node),
            hint="use zero padding",
        )
    pads = pad_widths(model, node)
    if rank < 2 or np.any(pads[:, 0]) or np.any(pads < 0):
        raise UserError(
            f"its pads are {pads.ravel().tolist()}; only channels, rows and columns can be padded",
            where=describe(node),
            hint="pad the axes behind the batch axis, by 0 or more elements",
        )
    value = model.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1)
    if value is None or value.size != 1:
        raise UserError("the value it pads with is not a constant", where=describe(node), hint="pad with a number")
    operand = model.add_constant(f"{node.name}_value", float(value.item()))
    source = node.input[0]
    if np.any(pads[:, 1]):
        before, behind = pads[:, 1].tolist()
        shape = model.shape(source)
        inside = np.any(pads[:, 2:])
        padded = model.fresh_name(f"{node.name}_channels") if inside else node.output[0]
        channels = make_node("Pad", [source, operand], [padded], name=node.name, channels=[before, behind])
        channels.attributes["pads"] = [0] * (2 * (rank - 2))
        if not inside:
            model.replace(node, channels)
            return
        channels.name = padded
        model.set_shape(padded, [shape[0], before + shape[1] + behind, *shape[2:]])
        model.insert_before(node, channels)
        source = padded
    model.set_inputs(node, [source, operand])
    model.set_attributes(node, mode=None, pads=pads[:, 2:].ravel().tolist(), kernel_shape=[1] * (rank - 2))
