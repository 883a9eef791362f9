"""Sums and concatenations of several streams, on one integer grid."""

from __future__ import annotations

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.arithmetic import Step, apply_steps
from bnnfpga.frontend.nodes import constant, data_operands
from bnnfpga.grids import common_grid
from bnnfpga.transforms.concats import joins_floats
from bnnfpga.transforms.editing import drop_unread, insert_after
from bnnfpga.transforms.integer_types import INTEGER_ADD, INTEGER_CONCAT, integer_type, make_join


class JoinsOnIntegers(Transformation):  # type: ignore[misc]
    """A sum or concatenation of scaled integers becomes one of integers on their common grid, and its scale a Mul."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            operands = data_operands(model, node)
            if node.op_type not in ("Add", "Sub", "Concat") or len(operands) < 2 or len(operands) != len(node.input):
                continue
            if joins_floats(node):
                continue
            scaled = [scaled_integer(model, name) for name in operands]
            if any(item is None for item in scaled):
                continue
            known = [item for item in scaled if item is not None]
            grid = common_grid([unit for _, unit in known])
            if grid is None:
                continue
            factors = list(grid[0])
            if node.op_type == "Sub":
                factors[1] = -factors[1]
            make_join(node, INTEGER_CONCAT if node.op_type == "Concat" else INTEGER_ADD, factors)
            for index, (source, _) in enumerate(known):
                node.input[index] = source
            insert_after(model, node, "Mul", np.asarray(grid[1]))
            drop_unread(model)
            return model, True
        return model, False


def scaled_integer(model: ModelWrapper, tensor: str) -> tuple[str, float] | None:
    """The integer tensor that `tensor` is a positive multiple of, and the multiple; None where it is none."""
    steps: list[Step] = []
    while integer_type(model, tensor) is None:
        node = model.find_producer(tensor)
        if node is None or node.op_type != "Mul" or len(data_operands(model, node)) != 1:
            return None
        value = next(item for item in (constant(model, name) for name in node.input) if item is not None)
        if value.size != 1 or not value.item() > 0:
            return None
        steps.insert(0, Step("multiply", value.astype(np.float32).reshape(())))
        tensor = data_operands(model, node)[0]
    return tensor, float(apply_steps(steps, np.ones((), dtype=np.float32)))
