"""BipolarQuants with negative scales, converted to positive ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import QONNX_DOMAIN, comes_from_constants
from bnnfpga.frontend.graph.transform import Transform


class PositiveScales(Transform):
    """A BipolarQuant with negative scales gets positive ones.

    Weights absorb the signs. For activations, a single negative scale gives a falling MultiThreshold; different scales
    become a factor per channel after a BipolarQuant of scale 1.
    """

    kinds = ("BipolarQuant",)

    def visit(self, model: Model, node: Node) -> bool:
        scale = model.constant(node.input[1])
        if scale is None or not np.all(np.isfinite(scale)):
            return False
        latent = model.constant(node.input[0])
        constant = comes_from_constants(model, node.input[0])
        if np.all(scale > 0) or (constant and np.all(scale >= 0)) or (constant and latent is None):
            return False
        if latent is not None:
            signs = np.where(latent >= 0, np.float32(1), np.float32(-1)) * np.where(scale < 0, -1, 1)
            model.set_input(node, 0, model.add_constant(f"{node.name}_signs", signs.astype(np.float32)))
            model.set_input(node, 1, model.add_constant(f"{node.name}_scale", np.abs(scale)))
        elif np.all(scale == scale.flat[0]) and scale.flat[0] < 0:
            number = float(scale.flat[0])
            thresholds = model.add_constant(f"{node.name}_thresholds", np.zeros((1, 1), dtype=np.float32))
            options: dict[str, Any] = {"out_scale": 2 * number, "out_bias": -number, "out_dtype": "FLOAT32"}
            inputs = [node.input[0], thresholds]
            new = make_node("MultiThreshold", inputs, list(node.output), name=node.name, domain=QONNX_DOMAIN, **options)
            model.replace(node, new)
        else:
            codes = model.fresh_name(f"{node.name}_signs")
            model.set_shape(codes, model.shape(node.input[0]))
            one = model.add_constant(f"{node.name}_one", np.float32(1))
            model.replace(
                node,
                make_node("BipolarQuant", [node.input[0], one], [codes], name=codes, domain=QONNX_DOMAIN),
                make_node("Mul", [codes, node.input[1]], list(node.output), name=node.name),
            )
        return True
