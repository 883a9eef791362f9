"""Changes of layout that leave the order of an image's elements as it is."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import add_constant, attribute, comes_from_constants


class TransposeToReshape(Transformation):  # type: ignore[misc]
    """A Transpose of data that moves only axes of size one becomes a Reshape."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            # Weights behind a quantizer are transposed too; those have no batch axis to keep.
            if node.op_type != "Transpose" or comes_from_constants(model, node.input[0]):
                continue
            before = model.get_tensor_shape(node.input[0])
            perm = attribute(node, "perm", None) or list(range(len(before)))[::-1]
            moved = [axis for axis in perm if before[axis] != 1]
            if moved != sorted(moved) or perm[0] != 0:
                continue
            after = np.array([before[axis] for axis in perm], dtype=np.int64)
            shape = add_constant(model, f"{node.name}_shape", after)
            new = onnx.helper.make_node("Reshape", [node.input[0], shape], list(node.output), name=node.name)
            model.graph.node.insert(list(model.graph.node).index(node), new)
            model.graph.node.remove(node)
            return model, True
        return model, False
