"""Layout changes that come to little or nothing."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import LAYOUT_OPS, add_constant, consumers, replace_input


class MergeLayouts(Transformation):  # type: ignore[misc]
    """Layout changes in a row become one Reshape, and one that changes no shape disappears."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type not in LAYOUT_OPS:
                continue
            source, result = node.input[0], node.output[0]
            shape = model.get_tensor_shape(result)
            if shape == model.get_tensor_shape(source) and result != model.graph.output[0].name:
                replace_input(model, result, source)
                model.graph.node.remove(node)
                return model, True
            before = model.find_producer(source)
            if before is not None and before.op_type in LAYOUT_OPS and consumers(model, source) == [node]:
                del node.input[:], node.attribute[:]
                node.op_type = "Reshape"
                target = add_constant(model, f"{node.name}_shape", np.array(shape, dtype=np.int64))
                node.input.extend([before.input[0], target])
                model.graph.node.remove(before)
                return model, True
        return model, False
