"""The accelerator's input as integer codes."""

from __future__ import annotations

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.nodes import fresh_name, replace_input
from bnnfpga.integers import IntegerType
from bnnfpga.transforms.integer_types import annotate_input, integer_type


class IntegerInput(Transformation):  # type: ignore[misc]
    """The graph's input becomes integer codes, and the multiplication by their scale its first node."""

    def __init__(self, type: IntegerType, scale: np.float32) -> None:
        super().__init__()
        self._type = type
        self._scale = scale

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        source = model.graph.input[0].name
        if integer_type(model, source) is not None:
            return model, False
        if self._scale != 1:
            scaled = fresh_name(model, f"{source}_scaled")
            model.set_tensor_shape(scaled, model.get_tensor_shape(source))
            replace_input(model, source, scaled)
            factor = fresh_name(model, f"{source}_scale")
            model.set_initializer(factor, np.asarray(self._scale, dtype=np.float32))
            model.graph.node.insert(0, onnx.helper.make_node("Mul", [source, factor], [scaled], name="input_scale"))
        annotate_input(model, self._type)
        return model, True
