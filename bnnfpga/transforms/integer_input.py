"""The accelerator's input as integer codes."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.transforms.integer_types import annotate_input, integer_type


class IntegerInput(Transform):
    """Make integer codes the graph's input, and multiply them by their scale in its first node."""

    def __init__(self, type: IntegerType, scale: np.float32) -> None:
        super().__init__()
        self._type = type
        self._scale = scale

    def visit(self, model: Model, node: Node) -> bool:
        source = model.input
        if source not in node.input or integer_type(model, source) is not None:
            return False
        if self._scale != 1:
            scaled = model.fresh_name(f"{source}_scaled")
            model.set_shape(scaled, model.shape(source))
            model.replace_input(source, scaled)
            factor = model.add_constant(f"{source}_scale", np.asarray(self._scale, dtype=np.float32))
            model.insert_before(model.nodes[0], make_node("Mul", [source, factor], [scaled], name="input_scale"))
        annotate_input(model, self._type)
        return True
