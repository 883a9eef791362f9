"""Activation quantizers with unit scale."""

from __future__ import annotations

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.multithreshold import output_grid, output_of, set_output
from bnnfpga.frontend.forms.quantizers import Quantizer, quantizer_of
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.transforms.editing import insert_after


class ScalesOutOfQuantizers(Transform):
    """Give activation quantizers unit scale: divide by the scale before the quantizer and multiply by it after."""

    kinds = kinds_that(lambda traits: traits.quantizes)

    def visit(self, model: Model, node: Node) -> bool:
        if model.constant(node.input[0]) is not None:
            return False
        quantizer = quantizer_of(model, node)
        if quantizer.scale.size == 1 and quantizer.scale.item() == 1:
            return False
        if traits_of(node).counts_thresholds:
            grid = output_grid(*output_of(node))
            assert grid is not None
            set_output(model, node, grid.factor, grid.offset)
        else:
            _set_unit_scale(model, node, quantizer)
        insert_after(model, node, "Mul", quantizer.scale)
        return True


def _set_unit_scale(model: Model, node: Node, quantizer: Quantizer) -> None:
    if not quantizer.bipolar:
        divided = model.fresh_name(f"{node.name}_divided")
        model.set_shape(divided, model.shape(node.input[0]))
        factor = model.add_constant(f"{node.name}_scale", quantizer.scale)
        divide = make_node("Div", [node.input[0], factor], [divided], name=f"{node.name}_divide")
        model.insert_before(node, divide)
        model.set_input(node, 0, divided)
    model.set_input(node, 1, model.add_constant("one", 1))
