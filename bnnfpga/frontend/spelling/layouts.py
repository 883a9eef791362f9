"""Changes of layout that keep the order of an image's elements."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute, comes_from_constants
from bnnfpga.frontend.graph.transform import Transform


class TransposeToReshape(Transform):
    """A Transpose of data that moves only axes of size one becomes a Reshape."""

    def visit(self, model: Model, node: Node) -> bool:
        # Quantised weights are transposed as well; they have no batch axis to keep.
        if not traits_of(node).transposes or comes_from_constants(model, node.input[0]):
            return False
        before = model.shape(node.input[0])
        perm = attribute(node, "perm", None) or list(range(len(before)))[::-1]
        if sorted(perm) != list(range(len(before))):
            return False  # reported by the shape check
        moved = [axis for axis in perm if before[axis] != 1]
        if moved != sorted(moved) or perm[0] != 0:
            return False
        after = np.array([before[axis] for axis in perm], dtype=np.int64)
        shape = model.add_constant(f"{node.name}_shape", after)
        new = make_node("Reshape", [node.input[0], shape], list(node.output), name=node.name)
        model.replace(node, new)
        return True
