"""Quantizers of activations with scale one."""

from __future__ import annotations

import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.multithreshold import output_grid, output_of, set_output
from bnnfpga.frontend.nodes import QUANTIZERS, add_constant, constant, fresh_name
from bnnfpga.frontend.quantizers import Quantizer, quantizer_of
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
            if node.op_type == "MultiThreshold":
                grid = output_grid(*output_of(node))
                assert grid is not None
                set_output(node, grid.factor, grid.offset)
            else:
                _set_unit_scale(model, node, quantizer)
            insert_after(model, node, "Mul", quantizer.scale)
            return model, True
        return model, False


def _set_unit_scale(model: ModelWrapper, node: onnx.NodeProto, quantizer: Quantizer) -> None:
    if not quantizer.bipolar:
        divided = fresh_name(model, f"{node.name}_divided")
        model.set_tensor_shape(divided, model.get_tensor_shape(node.input[0]))
        factor = add_constant(model, f"{node.name}_scale", quantizer.scale)
        divide = onnx.helper.make_node("Div", [node.input[0], factor], [divided], name=f"{node.name}_divide")
        model.graph.node.insert(list(model.graph.node).index(node), divide)
        node.input[0] = divided
    node.input[1] = add_constant(model, "one", 1)
