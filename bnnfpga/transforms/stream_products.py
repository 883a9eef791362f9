"""Products of two integer streams."""

from __future__ import annotations

from bnnfpga.frontend.graph.model import Model, Node, Origin
from bnnfpga.frontend.graph.nodes import data_operands
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.golden.multiplied import only_scales
from bnnfpga.numbers.arithmetic import Step
from bnnfpga.transforms.affine_inputs import insert_step, refused, run_to
from bnnfpga.transforms.integer_types import INTEGER_PRODUCT, THRESHOLD_DOMAIN, integer_type


class ProductsOnIntegers(Transform):
    """Rewrite a product of scaled integers as one of integers, followed by the first's scales, then the second's."""

    kinds = ("Mul",)

    def visit(self, model: Model, node: Node) -> bool:
        operands = data_operands(model, node)
        if len(operands) != 2:
            return False
        scaled = [scales_to(model, name) for name in operands]
        known = [item for item in scaled if item is not None]
        if len(known) < 2:
            return refused(node)
        above = [producer for producer in map(model.producer, operands) if producer is not None]
        model.become(node, INTEGER_PRODUCT, THRESHOLD_DOMAIN, {})
        model.set_inputs(node, [source for source, _ in known])
        last = node
        for _, steps in known:
            for step, origin in steps:
                last = insert_step(model, last, step, origin) or last
        model.remove_unread(*above)
        return True


def scales_to(model: Model, tensor: str) -> tuple[str, list[tuple[Step, Origin | None]]] | None:
    """The integers that a tensor is a scaled copy of, and the scales with their origins; None if it is not one."""
    if integer_type(model, tensor) is not None:
        return tensor, []
    run = run_to(model, tensor)
    if run is None or not only_scales(run.steps):
        return None
    return run.source, [(step, node.origin) for node, steps in run.nodes for step in steps]
