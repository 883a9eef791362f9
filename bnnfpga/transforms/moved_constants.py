"""Per-pixel constants, moved past nodes that select, repeat or average pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.contract.traits import NONE
from bnnfpga.frontend.forms.resizing import upsampling_factors
from bnnfpga.frontend.forms.sliding import averages
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, data_operands
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.golden.affine import affine_of
from bnnfpga.golden.pixel_constants import averaged
from bnnfpga.numbers.arithmetic import Step
from bnnfpga.transforms.affine_inputs import insert_step, on_images, run_to
from bnnfpga.transforms.editing import insert_after


class ImagesBehindAverages(Transform):
    """Move affine functions of integers whose addends differ from pixel to pixel behind average pools.

    After the pool they add the averages of these constants, as the golden model defines them.
    """

    kinds = kinds_that(lambda traits: traits.averages)

    def visit(self, model: Model, node: Node) -> bool:
        run = run_to(model, node.input[0])
        shape = model.shape(node.input[0])
        if run is None or not tells_pixels_apart(run.steps, shape):
            return False
        affine = affine_of(run.steps, shape, by_pixel=True)
        if affine is None:
            return False
        model.set_input(node, 0, run.source)
        last, origin = node, run.nodes[-1][0].origin
        for step in affine.factors:
            factor = Step(step.operation, on_images(step, len(shape)))
            last = insert_step(model, last, factor, origin) or last
        image = averaged(affine.shift, averages(model, node)).reshape(model.shape(node.output[0])[1:])
        insert_after(model, last, "Add", image, origin)
        model.remove_unread(run.nodes[-1][0])
        return True


def _picked(model: Model, node: Node, whole: NDArray[np.generic], shape: list[int]) -> NDArray[np.generic]:
    axis = attribute(node, "axis", 0) % len(shape)
    index = model.constant(node.input[1])
    assert index is not None
    return whole.take(index % shape[axis], axis) if whole.shape[axis] > 1 else whole


def _repeated(model: Model, node: Node, whole: NDArray[np.generic], shape: list[int]) -> NDArray[np.generic]:
    for axis, factor in enumerate(upsampling_factors(model, node), start=2):
        if whole.shape[axis] > 1:
            whole = whole.repeat(factor, axis)
    return whole


_MOVED = {"Gather": _picked, "Resize": _repeated}
"""For each operator that picks or repeats elements, the same on a constant that is broadcast against them."""


class PicksBeforeElementwise(Transform):
    """Move nodes that pick or repeat elements in front of elementwise nodes, picking and repeating constants too."""

    kinds = tuple(_MOVED)

    def visit(self, model: Model, node: Node) -> bool:
        before = model.producer(node.input[0])
        traits = NONE if before is None else traits_of(before)
        if before is None or not traits.elementwise or traits.quantizes or traits.by_channel:
            return False
        if len(operands := data_operands(model, before)) != 1:
            return False
        shape = model.shape(node.input[0])
        picked = model.fresh_name(f"{node.name}_taken")
        model.set_shape(picked, model.shape(node.output[0]))
        inputs = []
        for name in before.input:
            value = model.constant(name) if name else None
            if value is not None and value.size > 1:
                name = model.add_constant(f"{before.name}_constant", _moved(model, node, value, shape))
            inputs.append(picked if name == operands[0] else name)
        name, result = f"{before.name}_moved", node.output[0]
        new = Node(before.op_type, inputs, [result], name, before.domain, before.attributes, before.origin)
        model.set_input(node, 0, operands[0])
        model.set_output(node, picked)
        model.insert_after(node, new)
        model.remove_unread(before)
        return True


def tells_pixels_apart(steps: tuple[Step, ...], shape: list[int]) -> bool:
    """Whether the constant of any step differs from pixel to pixel."""
    return any(set(step.varies(shape)) - {1} for step in steps)


def _moved(model: Model, node: Node, value: NDArray[np.generic], shape: list[int]) -> NDArray[np.generic]:
    """A constant that is broadcast against a node's input, changed so as to be broadcast against its output."""
    whole = value.reshape(*[1] * (len(shape) - value.ndim), *value.shape)
    return np.ascontiguousarray(_MOVED[node.op_type](model, node, whole, shape))
