"""Bounds on sizes in a file, checked before memory is allocated for them."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import numpy_helper

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.pads import channel_pads
from bnnfpga.frontend.forms.sliding import geometry_of
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.nodes import attribute, comes_from_constants, describe

MAX_ELEMENTS = 1 << 24
"""Elements of a tensor that depends on the input; far more than any accelerator handles."""
_MAX_EXTENT = 1 << 24
"""The largest kernel, stride, pad or repetition along an axis."""
_MAX_IN_WINDOWS = 1 << 28
"""Elements of all windows of a layer, overlaps counted in each window."""
_HINT = "look at this size in the model (netron.app shows it); the file may be damaged"
_EXTENTS = (
    *("kernel_shape", "strides", "dilations", "pads", "output_padding", "output_shape", "group"),
    *("kernel_size", "stride", "pad_amount", "kernel"),
)
_SIZED = {"Pad": (1,), "Resize": (1, 2, 3), "Upsample": (1,), "Tile": (1,), "Expand": (1,), "Reshape": (1,)}
"""The inputs, by operator, that are sizes or factors."""


def check_extents(model: onnx.ModelProto) -> None:
    """Refuse sizes that would overflow in shape inference.

    Raises
    ------
    UserError
        If a node has one; the message names it.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        extents = [(name, np.ravel(attribute(node, name, 0))) for name in _EXTENTS]
        for index in _SIZED.get(node.op_type, ()):
            name = node.input[index] if len(node.input) > index else ""
            if name in constants:
                extents.append((f"input {name!r}", numpy_helper.to_array(constants[name]).ravel()))
        for name, values in extents:
            if values.dtype.kind in "iuf" and not np.all(np.abs(values.astype(np.float64)) <= _MAX_EXTENT):
                raise UserError(
                    f"its {name} of {max(values.tolist(), key=abs):,} is too large; "
                    f"at most {_MAX_EXTENT:,} can be compiled",
                    where=describe(node),
                    hint=_HINT,
                )


def check_sizes(model: Model) -> None:
    """Refuse tensors and windows that are too large.

    Raises
    ------
    UserError
        If a node's output or windows are; the message names the node.
    """
    for node in model.nodes:
        for name in filter(model.has_shape, node.output):
            shape = model.shape(name)
            if not shape or (min(shape) >= 0 and math.prod(shape) <= MAX_ELEMENTS):
                continue
            if comes_from_constants(model, name):
                continue
            if min(shape) < 0 and node.domain and traits_of(node).channels_second:
                raise UserError("its kernel is larger than its padded input", where=describe(node), hint=_HINT)
            if min(shape) < 0 and traits_of(node).slides:
                geometry_of(model, node)  # says that the kernel is too large
            raise UserError(
                f"its output would be of shape {tuple(shape)}; at most {MAX_ELEMENTS:,} elements can be compiled",
                where=describe(node),
                hint=_HINT,
            )


def check_windows(model: Model) -> None:
    """Refuse sliding layers whose padded image, or whose windows together, are too large."""
    for node in model.nodes:
        if not (traits_of(node).slides or traits_of(node).pads) or any(channel_pads(node)):
            continue
        geometry, channels = geometry_of(model, node), model.shape(node.input[0])[1]
        rows, columns = (geometry.image[axis] + geometry.pads[axis] + geometry.pads[axis + 2] for axis in (0, 1))
        in_windows = channels * math.prod(geometry.windows) * geometry.taps
        for what, count, most in (
            ("padded input", channels * rows * columns, MAX_ELEMENTS),
            ("windows together", in_windows, _MAX_IN_WINDOWS),
        ):
            if count > most:
                raise UserError(
                    f"the elements of its {what} are {count:,}; at most {most:,} can be compiled",
                    where=describe(node),
                    hint=_HINT,
                )
