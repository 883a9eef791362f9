"""Inserting a node behind another, and dropping nodes whose result nobody reads."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.frontend.nodes import fresh_name, replace_input


def insert_after(
    model: ModelWrapper, node: onnx.NodeProto, operation: str, value: NDArray[np.float32]
) -> onnx.NodeProto | None:
    """Put `operation` with the constant `value` behind `node`; a multiplication by one is left out.

    The new node is named after `node`, and takes over its place as the graph's output where it was that.
    """
    if operation == "Mul" and np.all(value == 1):
        return None
    result = node.output[0]
    name = fresh_name(model, f"{node.name}_{operation.lower()}")
    model.set_tensor_shape(name, model.get_tensor_shape(result))
    factor = fresh_name(model, f"{node.name}_factor")
    model.set_initializer(factor, np.asarray(value, dtype=np.float32))
    if result == model.graph.output[0].name:
        # The graph's output keeps its name: the node in front gets the new one.
        node.output[0] = name
        source, target = name, result
    else:
        replace_input(model, result, name)
        source, target = result, name
    new = onnx.helper.make_node(operation, [source, factor], [target], name=name)
    index = list(model.graph.node).index(node) + 1
    model.graph.node.insert(index, new)
    # The graph holds a copy, and it is that which can be changed further.
    inserted: onnx.NodeProto = model.graph.node[index]
    return inserted


def drop_unread(model: ModelWrapper) -> None:
    """Remove every node that does not lead to the graph's output."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    read: set[str] = set()
    ahead = [graph.output[0].name]
    while ahead:
        name = ahead.pop()
        if name in makers and name not in read:
            ahead += makers[name].input
        read.add(name)
    for node in [node for node in graph.node if read.isdisjoint(node.output)]:
        graph.node.remove(node)
