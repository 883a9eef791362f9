"""What a clean graph must be; everything else is refused here, by node."""

from __future__ import annotations

import math

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import LAYOUT_OPS, QUANTIZERS, comes_from_constants, constant, describe

ELEMENTWISE = (
    "Add",
    "BatchNormalization",
    "Ceil",
    "Clip",
    "Div",
    "Floor",
    "HardSigmoid",
    "LeakyRelu",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Relu",
    "Round",
    "Sub",
    *QUANTIZERS,
)
"""Nodes that compute each element of their output from the one of their input, with constants."""
SUPPORTED = ("MatMul", "Transpose", *ELEMENTWISE, *LAYOUT_OPS)


def check(model: ModelWrapper) -> None:
    """Refuse a graph that cannot be compiled.

    Raises
    ------
    UserError
        If an operator is not supported, a shape not known, a number not finite, or there is more than one output.
    """
    for node in model.graph.node:
        if node.op_type not in SUPPORTED:
            raise UserError(
                "operators of this kind cannot be compiled",
                where=describe(node),
                hint=f"supported are {', '.join(sorted(SUPPORTED))}",
            )
        shape = model.get_tensor_shape(node.output[0])
        if not shape:
            raise UserError("its output shape does not fold to a constant", where=describe(node))
        if node.op_type == "Transpose" and not comes_from_constants(model, node.input[0]):
            raise UserError(
                "it changes the order of an image's elements",
                where=describe(node),
                hint="only weights can be transposed; permute the next layer's weights instead",
            )
        sources = [model.get_tensor_shape(name) for name in node.input if name and constant(model, name) is None]
        if node.op_type in ELEMENTWISE and len(sources) == 1 and math.prod(sources[0]) != math.prod(shape):
            raise UserError(
                f"its constant makes shape {tuple(shape)} of {tuple(sources[0])}",
                where=describe(node),
                hint="give constants one number for each channel",
            )
    if len(model.graph.output) != 1:
        raise UserError(f"it has {len(model.graph.output)} outputs; one can be compiled", where="the model's graph")
    for tensor in model.graph.initializer:
        value = constant(model, tensor.name)
        if value is not None and value.dtype.kind == "f" and not np.all(np.isfinite(value)):
            raise UserError(
                "it holds NaN or infinite numbers", where=f"tensor {tensor.name!r}", hint="the training diverged"
            )
