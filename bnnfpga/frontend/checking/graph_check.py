"""Checks of a graph: valid ONNX with QONNX's quantizers, outputs, and shapes that match."""

from __future__ import annotations

import math

import numpy as np
import onnx

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.checking.sizes import MAX_ELEMENTS
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.rearranging import check_rearranging
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    data_operands,
    describe,
)

_CHECK_SHAPES = "look at the shapes in the model (netron.app shows them), and export it again"


def check_graph(model: onnx.ModelProto) -> None:
    """Refuse graphs that onnx's checker rejects, that have no output, or whose inputs are too large."""
    if not model.graph.output:
        raise UserError("the model has no output", where="the model's graph", hint=EXPORT_AGAIN)
    for value in model.graph.input:
        shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if math.prod(shape) > MAX_ELEMENTS:
            raise UserError(
                f"its shape {tuple(shape)} has {math.prod(shape):,} elements; at most {MAX_ELEMENTS:,} can be compiled",
                where=f"input {value.name!r}",
                hint="export the model with the shape of one image",
            )
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.output:
        value.type.tensor_type.shape.SetInParent()  # it is inferred, but the checker requires one
    try:
        onnx.checker.check_model(copy)
    except (onnx.checker.ValidationError, ValueError) as error:
        said = next(iter(str(error).strip().splitlines()), "")
        raise UserError(f"it is not valid ONNX: {said}", where="the model's graph", hint=EXPORT_AGAIN) from error


def check_outputs(model: Model) -> None:
    """Refuse outputs that are the same for all images, or the image itself."""
    for name in model.outputs:
        if model.constant(name) is not None:
            problem = "it does not depend on the model's input"
        elif model.producer(name) is None:
            problem = "it is the model's input itself"
        else:
            continue
        raise UserError(problem, where=f"output {shown(name)}", hint="give a model with a quantised layer")


def check_shapes(model: Model) -> None:
    """Refuse nodes with unknown, empty or mismatched shapes, and outputs with a batch of more than one."""
    for node in model.nodes:
        read = [name for name in node.input if name]
        shape = model.shape(node.output[0])
        listed = " and ".join(str(tuple(model.shape(name))) for name in read if model.has_shape(name))
        if not shape:
            if not read or not all(map(model.has_shape, read)):
                raise UserError(
                    "its output shape is not constant",
                    where=describe(node),
                    hint="export the model with fixed shapes",
                )
            raise UserError(f"it cannot take inputs of shapes {listed}", where=describe(node), hint=_CHECK_SHAPES)
        if 0 in shape:
            raise UserError(
                f"its output of shape {tuple(shape)} has no elements", where=describe(node), hint=_CHECK_SHAPES
            )
        if traits_of(node).layout:
            check_rearranging(model, node)
        if traits_of(node).broadcasts and not _keeps_shape(model, node, shape):
            raise UserError(
                f"it does not work element by element on shapes {listed}", where=describe(node), hint=_CHECK_SHAPES
            )
    for name in model.outputs:
        shape = model.shape(name)
        if shape[:1] not in ([], [1]):
            raise UserError(
                f"its shape {tuple(shape)} does not begin with one image",
                where=f"output {shown(name)}, {describe(_first_of_many(model, name))}",
                hint="export the model for a batch of one, and keep that axis in front of every output",
            )


def _first_of_many(model: Model, tensor: str) -> Node:
    """The node, among those that lead to a tensor with a larger batch, at which the batch stops being one."""
    node = model.producer(tensor)
    assert node is not None
    while True:
        many = [name for name in data_operands(model, node) if model.shape(name)[:1] != [1]]
        above = model.producer(many[0]) if many else None
        if above is None:
            return node
        node = above


def _keeps_shape(model: Model, node: Node, shape: list[int]) -> bool:
    """Whether all data operands have the output's shape and all constants broadcast to it."""
    for index, name in enumerate(node.input):
        value = model.constant(name)
        if value is None:
            if name and model.shape(name) != shape:
                return False
        elif traits_of(node).quantizes_weights and (not index or value.size == 1):
            continue  # one number, whatever its axes
        else:
            try:
                np.broadcast_to(value, shape)
            except ValueError:
                return False
    return True
