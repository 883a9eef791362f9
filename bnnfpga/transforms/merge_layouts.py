"""Merging layout changes and removing those without effect."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.transform import Transform


class MergeLayouts(Transform):
    """Merge consecutive layout changes into one Reshape, and remove those that leave the shape unchanged."""

    kinds = kinds_that(lambda traits: traits.regroups)

    def visit(self, model: Model, node: Node) -> bool:
        source, result = node.input[0], node.output[0]
        shape = model.shape(result)
        if shape == model.shape(source) and result not in model.outputs:
            model.replace_input(result, source)
            model.remove(node)
            return True
        before = model.producer(source)
        if before is not None and traits_of(before).regroups and model.only_reader(source) is node:
            target = model.add_constant(f"{node.name}_shape", np.array(shape, dtype=np.int64))
            model.become(node, "Reshape", attributes={})
            model.set_inputs(node, [before.input[0], target])
            model.remove_unread(before)
            return True
        return False
