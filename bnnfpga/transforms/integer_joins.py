"""Sums and concatenations of several streams on one integer grid."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import data_operands
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.numbers.arithmetic import Step, apply_steps
from bnnfpga.numbers.grids import common_grid
from bnnfpga.transforms.concats import joins_floats
from bnnfpga.transforms.editing import insert_after
from bnnfpga.transforms.integer_types import INTEGER_ADD, INTEGER_CONCAT, integer_type, make_join


class JoinsOnIntegers(Transform):
    """Rewrite a sum or concatenation of scaled integers on a common integer grid, followed by a Mul by its scale."""

    kinds = kinds_that(lambda traits: traits.shifts or traits.concatenates)

    def visit(self, model: Model, node: Node) -> bool:
        operands = data_operands(model, node)
        if len(operands) < 2 or len(operands) != len(node.input) or joins_floats(node):
            return False
        scaled = [scaled_integer(model, name) for name in operands]
        if any(item is None for item in scaled):
            return False
        known = [item for item in scaled if item is not None]
        grid = common_grid([unit for _, unit in known])
        if grid is None:
            return False
        traits = traits_of(node)
        factors = list(grid[0])
        if traits.subtracts:
            factors[1] = -factors[1]
        above = [producer for producer in map(model.producer, node.input) if producer is not None]
        make_join(model, node, INTEGER_CONCAT if traits.concatenates else INTEGER_ADD, factors)
        model.set_inputs(node, [source for source, _ in known])
        insert_after(model, node, "Mul", np.asarray(grid[1]))
        model.remove_unread(*above)
        return True


def scaled_integer(model: Model, tensor: str) -> tuple[str, float] | None:
    """The integer tensor that `tensor` is a positive multiple of, and the factor; None if it is not."""
    steps: list[Step] = []
    while integer_type(model, tensor) is None:
        node = model.producer(tensor)
        if node is None or not traits_of(node).multiplies or len(data_operands(model, node)) != 1:
            return None
        value = next(item for item in (model.constant(name) for name in node.input) if item is not None)
        if value.size != 1 or not value.item() > 0:
            return None
        steps.insert(0, Step("multiply", value.astype(np.float32).reshape(())))
        tensor = data_operands(model, node)[0]
    return tensor, float(apply_steps(steps, np.ones((), dtype=np.float32)))
