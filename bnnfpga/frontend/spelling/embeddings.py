"""Embeddings: rows of a constant table, picked by integers of the input."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.forms.scaled_integers import as_scaled_integers
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import EMBEDDING, describe
from bnnfpga.frontend.graph.transform import Transform


class EmbeddingCodes(Transform):
    """The table of an embedding becomes integers, and its scale a Mul after it."""

    kinds = (EMBEDDING,)

    def visit(self, model: Model, node: Node) -> bool:
        table = model.constant(node.input[1])
        if table is not None and table.ndim == 3:
            return False
        split = None if table is None else as_scaled_integers(table.astype(np.float32))
        if split is None:
            raise UserError(
                "the numbers of its table are not quantised",
                where=describe(node),
                hint="put a Brevitas quantizer on the embedding's weights",
            )
        codes, scale = split
        # One row per channel of a tensor (1, channels, tokens).
        rows = np.ascontiguousarray(codes.T[:, None, :], dtype=np.float32)
        picked = model.fresh_name(f"{node.name}_codes")
        model.set_shape(picked, model.shape(node.output[0]))
        factor = scale if scale.ndim == 0 else scale.reshape(-1, 1)
        operands = [picked, model.add_constant(f"{node.name}_scale", factor)]
        mul = make_node("Mul", operands, list(node.output), name=f"{node.name}_mul")
        model.set_input(node, 1, model.add_constant(f"{node.name}_table", rows))
        model.set_output(node, picked)
        model.insert_after(node, mul)
        return True
