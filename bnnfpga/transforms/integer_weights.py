"""Weights as integers, with their scale after the dot product."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.forms.rearranging import rearrange
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    attribute,
    describe,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.golden.dot_products import output_scale
from bnnfpga.numbers.arithmetic import apply_steps
from bnnfpga.transforms.affine_inputs import ADDEND
from bnnfpga.transforms.editing import insert_after


class IntegerWeights(Transform):
    """Replace quantised constant weights with their integer codes, and multiply by their scale after the dot product.

    An Add follows with what constants before the layer contribute to its outputs: once the layer works on integers,
    that contribution is no longer part of its sums.
    """

    kinds = kinds_that(lambda traits: traits.dot_product)

    def visit(self, model: Model, node: Node) -> bool:
        path = []
        producer = model.producer(node.input[1])
        while producer is not None and traits_of(producer).layout:
            path.append(producer)
            producer = model.producer(producer.input[0])
        if producer is None or not traits_of(producer).quantizes_weights:
            return False
        latent = model.constant(producer.input[0])
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
        above = model.producer(node.input[1])
        model.set_input(node, 1, model.add_constant(f"{node.name}_weights", np.ascontiguousarray(codes)))
        model.remove_unread(*([] if above is None else [above]))
        trailing = len(model.shape(node.output[0])) - 2
        last = insert_after(model, node, "Mul", output_scale(scale, node, trailing)) or node
        addend = attribute(node, ADDEND, None)
        if addend is not None:
            whole = addend if addend.ndim > 1 else addend.reshape(-1, *[1] * trailing)
            insert_after(model, last, "Add", whole)
        return True
