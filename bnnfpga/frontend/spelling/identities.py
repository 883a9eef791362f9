"""Removing nodes that change nothing."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.transform import Transform

_OF_ONE = ("Clip", "Concat", "Identity")
"""Operators that change nothing if they have a single operand."""


class DropIdentities(Transform):
    """Identity, Concat and Clip with one operand, + 0 and * 1 are removed.

    Only exact zeros and ones count: a small bias decides ties.
    """

    kinds = (*_OF_ONE, *kinds_that(lambda traits: traits.arithmetic))

    def visit(self, model: Model, node: Node) -> bool:
        if not _is_identity(model, node):
            return False
        source, result = node.input[0], node.output[0]
        if model.constant(source) is not None:
            source = node.input[1]
        if result in model.outputs:
            # The output keeps its name in the file if another node can take it.
            producer = model.producer(source)
            if producer is None or source in model.outputs:
                return _regroup(model, node, source)
            model.remove(node)
            model.replace_input(source, result)
            model.set_output(producer, result, producer.output.index(source))
        else:
            model.replace_input(result, source)
            model.remove(node)
        return True


def _regroup(model: Model, node: Node, source: str) -> bool:
    """Reshape a tensor to its own shape: input and output, or two outputs, cannot be one tensor with two names."""
    shape = np.array(model.shape(source), dtype=np.int64)
    model.become(node, "Reshape", attributes={})
    model.set_inputs(node, [source, model.add_constant(f"{node.name}_shape", shape)])
    return True


def _is_identity(model: Model, node: Node) -> bool:
    traits = traits_of(node)
    if not traits.arithmetic:
        return sum(map(bool, node.input)) == 1
    # 0 - x and 1 / x are not identities; x must keep its shape.
    sides = (0, 1) if traits.commutative else (1,)
    values = [model.constant(node.input[side]) for side in sides]
    neutral = 0 if traits.shifts else 1
    constant = next((side for side, value in zip(sides, values, strict=True) if value is not None), None)
    if constant is None or not np.all(model.constant(node.input[constant]) == neutral):
        return False
    other = node.input[1 - constant]
    return bool(model.shape(other) == model.shape(node.output[0]))
