"""Quantizers of activations with scale one."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import QUANTIZERS, constant, fresh_name
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.transforms.editing import insert_after


class ScalesOutOfQuantizers(Transformation):  # type: ignore[misc]
    """A quantizer of activations gets scale one; its scale divides before it and multiplies behind it."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type not in QUANTIZERS or constant(model, node.input[0]) is not None:
                continue
            quantizer = quantizer_of(model, node)
            if quantizer.scale.size == 1 and quantizer.scale.item() == 1:
                continue
            one = fresh_name(model, "one")
            model.set_initializer(one, np.float32(1).reshape(()))
            if not quantizer.bipolar:
                divided = fresh_name(model, f"{node.name}_divided")
                model.set_tensor_shape(divided, model.get_tensor_shape(node.input[0]))
                factor = fresh_name(model, f"{node.name}_scale")
                model.set_initializer(factor, quantizer.scale)
                divide = onnx.helper.make_node("Div", [node.input[0], factor], [divided], name=f"{node.name}_divide")
                model.graph.node.insert(list(model.graph.node).index(node), divide)
                node.input[0] = divided
            node.input[1] = one
            insert_after(model, node, "Mul", quantizer.scale)
            return model, True
        return model, False
