"""Checking the axes that operators state against the shapes of their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import onnx
from onnx import numpy_helper

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN, inputs_of
from bnnfpga.frontend.contract.terms import Form
from bnnfpga.frontend.graph.nodes import describe
from bnnfpga.frontend.reading.shapes import Shape

_NAMES = ("axis", "axes", "perm")
"""Attributes and inputs that are axes of the first input."""


def check_axes(
    node: onnx.NodeProto,
    form: Form,
    values: Mapping[str, Any],
    shapes: Mapping[str, Shape],
    constants: Mapping[str, onnx.TensorProto],
) -> None:
    """Refuse axes that do not exist or are listed twice.

    Raises
    ------
    UserError
        If there is one; the message names the node and its axes.
    """
    shape = shapes.get(node.input[0]) if node.input else None
    if shape is None:
        return
    named = {name: value for name, value in values.items() if name in _NAMES and value is not None}
    for role, tensor in inputs_of(node, form):
        if role.name in _NAMES and tensor in constants:
            named[role.name] = numpy_helper.to_array(constants[tensor]).ravel().tolist()
    for name, value in named.items():
        axes = value if isinstance(value, list) else [value]
        rank = len(shape) + (len(axes) if node.op_type == "Unsqueeze" else 0)
        # The axis of a Flatten may equal the rank: one element per row.
        last = rank + (node.op_type == "Flatten")
        if not all(-rank <= axis < last for axis in axes) or len({axis % max(rank, 1) for axis in axes}) < len(axes):
            raise UserError(
                f"its {name} {value} is not {'an axis' if axes == [value] else 'a list of different axes'} of a tensor "
                f"with {rank} axes",
                where=describe(node),
                hint=EXPORT_AGAIN,
            )
