"""Weights as integers, their scale behind the dot product."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.arithmetic import apply_steps
from bnnfpga.errors import UserError
from bnnfpga.frontend.nodes import (
    DOT_PRODUCTS,
    LAYOUT_OPS,
    WEIGHT_QUANTIZERS,
    add_constant,
    constant,
    describe,
    rearrange,
)
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.golden.dot_products import output_scale
from bnnfpga.transforms.editing import insert_after


class IntegerWeights(Transformation):  # type: ignore[misc]
    """Quantized constant weights become their integer codes, and their scale a Mul behind the dot product."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type not in DOT_PRODUCTS:
                continue
            path = []
            producer = model.find_producer(node.input[1])
            while producer is not None and producer.op_type in ("Transpose", *LAYOUT_OPS):
                path.append(producer)
                producer = model.find_producer(producer.input[0])
            if producer is None or producer.op_type not in WEIGHT_QUANTIZERS:
                continue
            latent = constant(model, producer.input[0])
            if latent is None:
                raise UserError(
                    "both its operands depend on the input",
                    where=describe(node),
                    hint="export the model with constant weights",
                )
            quantizer = quantizer_of(model, producer)
            codes = apply_steps(quantizer.steps, latent.astype(np.float32))
            scale = np.broadcast_to(quantizer.scale, codes.shape) if quantizer.scale.size > 1 else quantizer.scale
            for layout in reversed(path):
                codes = rearrange(model, layout, codes)
                if scale.size > 1:
                    scale = rearrange(model, layout, scale)
            node.input[1] = add_constant(model, f"{node.name}_weights", np.ascontiguousarray(codes))
            trailing = len(model.get_tensor_shape(node.output[0])) - 2
            insert_after(model, node, "Mul", output_scale(scale, node, trailing))
            return model, True
        return model, False
