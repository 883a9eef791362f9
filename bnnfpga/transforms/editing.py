"""Inserting a node after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.frontend.graph.model import Model, Node, Origin, make_node


def insert_after(
    model: Model, node: Node, operation: str, value: NDArray[np.float32], origin: Origin | None = None
) -> Node | None:
    """Insert `operation` with the constant `value` after `node`; a multiplication by one is omitted (None).

    The new node is named after `node`, and replaces it as the producer of a graph output if it was one. `origin` is
    the node of the file that the new node stems from, if not the one being transformed.
    """
    if operation == "Mul" and np.all(value == 1):
        return None
    result = node.output[0]
    name = model.fresh_name(f"{node.name}_{operation.lower()}")
    model.set_shape(name, model.shape(result))
    factor = model.add_constant(f"{node.name}_factor", np.asarray(value, dtype=np.float32))
    if result in model.outputs:
        # The graph's output keeps its name; the tensor before it gets the new one.
        model.set_output(node, name)
        source, target = name, result
    else:
        model.replace_input(result, name)
        source, target = result, name
    new = make_node(operation, [source, factor], [target], name=name, origin=origin)
    model.insert_after(node, new)
    return new
