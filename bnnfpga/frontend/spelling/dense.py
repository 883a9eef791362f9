"""Dense layers as MatMul: conversion of Gemm, and checks."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import (
    attribute,
    comes_from_constants,
    describe,
    required_constant,
    required_shape,
)
from bnnfpga.frontend.graph.transform import Transform


class GemmToMatMul(Transform):
    """Gemm becomes MatMul, with a Transpose of its weights, a Mul by alpha and an Add of its bias as needed."""

    kinds = ("Gemm",)

    def visit(self, model: Model, node: Node) -> bool:
        _spell(model, node)
        return True


def _spell(model: Model, node: Node) -> None:
    if attribute(node, "transA", 0):
        raise UserError("transA is not supported", where=describe(node), hint="export the layer as Linear")
    alpha, beta = attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)
    weights, new = node.input[1], []
    if attribute(node, "transB", 0):
        weights = model.fresh_name(f"{node.name}_weights")
        model.set_shape(weights, required_shape(model, node, node.input[1])[::-1])
        name = f"{node.name}_transpose"
        new.append(make_node("Transpose", [node.input[1]], [weights], name=name, perm=[1, 0]))
    # Each of these reads the result of the one before it.
    chain = [("MatMul", node.name, weights)]
    if alpha != 1:
        chain.append(("Mul", f"{node.name}_alpha", model.add_constant(f"{node.name}_alpha", alpha)))
    if len(node.input) > 2 and node.input[2]:
        chain.append(("Add", f"{node.name}_bias", _bias(model, node, beta)))
    tensor = node.input[0]
    for position, (kind, name, operand) in enumerate(chain):
        result = node.output[0]
        if position < len(chain) - 1:
            result = model.fresh_name(f"{node.name}_{'product' if kind == 'MatMul' else 'scaled'}")
            model.set_shape(result, model.shape(node.output[0]))
        new.append(make_node(kind, [tensor, operand], [result], name=name))
        tensor = result
    model.replace(node, *new)


def _bias(model: Model, node: Node, beta: float) -> str:
    if beta == 1:
        return str(node.input[2])
    bias = required_constant(model, node, 2, "bias").astype(np.float32)
    return model.add_constant(f"{node.name}_bias", bias * np.float32(beta))


def check_dense(model: Model) -> None:
    """Refuse dense layers on anything but vectors, and products that are not layers."""
    for node in model.nodes:
        if not traits_of(node).dot_product or traits_of(node).slides:
            continue
        if not any(comes_from_constants(model, name) for name in node.input):
            raise UserError(
                "both its operands depend on the image; one must be constant weights",
                where=describe(node),
                hint="use a layer with fixed weights; products such as attention's need another device",
            )
        if comes_from_constants(model, node.input[0]):
            raise UserError(
                "its weights stand in front of a matrix (images, features), so that it sums over images",
                where=describe(node),
                hint="give the weights as the second operand",
            )
        shape, weights = (required_shape(model, node, name) for name in node.input)
        if len(weights) != 2:
            raise UserError(
                f"its weights have {len(weights)} axes, a layer's have 2",
                where=describe(node),
                hint="export the layer as Linear",
            )
        if len(shape) != 2:
            raise UserError(
                f"its input of shape {tuple(shape)} is not that of one image",
                where=describe(node),
                hint="export the model for a batch of one, its input (1, features) or (1, tokens, features)",
            )


def check_finite(model: Model) -> None:
    """Refuse constants that are NaN or infinite."""
    for name, value in model.constants.items():
        if value.dtype.kind == "f" and not np.all(np.isfinite(value)):
            raise UserError(
                "it holds NaN or infinite numbers",
                where=", ".join([f"tensor {name!r}", *map(describe, model.consumers(name)[:1])]),
                hint="the training diverged or the export failed: train or export the model again",
            )
