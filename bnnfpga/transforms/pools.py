"""Pools on integers: what multiplies or shifts their input moves behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bnnfpga.arithmetic import Step
from bnnfpga.frontend.model import Model, Node
from bnnfpga.frontend.nodes import ELEMENTWISE, QUANTIZERS, data_operands, elementwise_operand
from bnnfpga.frontend.picks import gathered
from bnnfpga.frontend.rewriting import Rewrite
from bnnfpga.frontend.sliding import averages, divisor_of, geometry_of
from bnnfpga.transforms.editing import insert_after
from bnnfpga.transforms.integer_types import INTEGER_POOL, INTEGER_SUM, THRESHOLD_DOMAIN, integer_type

_AFFINE = ("Mul", "Div", "Add", "Sub")


class AffineBehindPools(Rewrite):
    """Affine steps move behind max pools and averages, which then sum integers.

    What rises commutes with the largest of some numbers to the bit, because rounding is monotone. That an
    affine function commutes with an average is how the golden model defines such averages.
    """

    def visit(self, model: Model, node: Node) -> bool:
        if node.op_type == "AveragePool" and integer_type(model, node.input[0]) is not None:
            geometry = averages(model, node)
            model.become(node, INTEGER_SUM, THRESHOLD_DOMAIN)
            divisor = divisor_of(node, geometry)
            if divisor > 1:
                insert_after(model, node, "Mul", np.asarray(np.float32(1) / np.float32(divisor)))
            return True
        if node.op_type not in ("MaxPool", "AveragePool"):
            return False
        before = model.producer(node.input[0])
        value = None if before is None else _operand(model, before)
        if before is None or value is None or not _commutes(model, node, before, value):
            return False
        model.set_input(node, 0, elementwise_operand(model, before))
        insert_after(model, node, before.op_type, value, before.origin)
        model.remove_unread(before)
        return True


class ElementwiseBehindPicks(Rewrite):
    """What computes each element of an image alone moves behind what picks or repeats its elements, with its constants.

    Quantizers stay: their codes are fewer bits.
    """

    kinds = ("Gather", "Resize")

    def visit(self, model: Model, node: Node) -> bool:
        before = model.producer(node.input[0])
        if before is None or before.op_type not in ELEMENTWISE or before.op_type in (*QUANTIZERS, "BatchNormalization"):
            return False
        operands = data_operands(model, before)
        taken = [name if name in operands else _picked(model, node, name) for name in before.input]
        if len(operands) != 1 or any(name is None for name in taken):
            return False
        result = node.output[0]
        # A tensor that is something else now than in the model has another name.
        picked = model.fresh_name(f"{node.name}_picked")
        model.set_shape(picked, model.shape(result))
        inputs = [picked if name in operands else str(name) for name in taken]
        model.set_input(node, 0, operands[0])
        model.set_output(node, picked)
        name = model.fresh_name(f"{before.name}_picked")
        moved = Node(before.op_type, inputs, [result], name, before.domain, before.attributes, before.origin)
        model.insert_after(node, moved)
        model.remove_unread(before)
        return True


def _picked(model: Model, node: Node, name: str) -> str | None:
    """What of a constant stands beside the elements that a Gather or Resize takes; None where it has to be repeated."""
    value = model.constant(name) if name else None
    rank = len(model.shape(node.input[0]))
    if value is None or value.size == 1:
        return name
    aligned = value.reshape(*[1] * (rank - value.ndim), *value.shape)
    if node.op_type == "Resize":
        return name if aligned.size == aligned.shape[1] else None
    axis, index = gathered(model, node)
    return name if aligned.shape[axis] == 1 else model.add_constant(f"{name}_picked", aligned.take(index, axis))


def _commutes(model: Model, node: Node, before: Node, value: NDArray[np.float32]) -> bool:
    """Whether a node gives the same behind an affine node as in front of it."""
    if node.op_type == "AveragePool":
        geometry = geometry_of(model, node)
        is_average = divisor_of(node, geometry) == geometry.taps and not geometry.touches_pads
        return is_average or before.op_type in ("Mul", "Div")
    return before.op_type in ("Add", "Sub") or bool(np.all(value > 0))


def _operand(model: Model, node: Node) -> NDArray[np.float32] | None:
    """The constant of an affine node where it is the same for all pixels, and the node is not c - x or c / x."""
    if node.op_type not in _AFFINE:
        return None
    values = [model.constant(name) for name in node.input]
    value = next((item for item in values if item is not None), None)
    if value is None or (node.op_type in ("Sub", "Div") and values[0] is not None):
        return None
    # One number of any shape, or a number for each channel.
    step = Step("multiply", value.astype(np.float32))
    shape = model.shape(node.output[0])
    varying = step.varies(shape)
    if not set(varying) <= {1}:
        return None
    numbers = step.along((1,), shape).constant
    assert numbers is not None
    return numbers.reshape(-1, *[1] * (len(shape) - 2)) if varying else numbers.reshape(())


def put_pools_behind(model: Model, tensor: str, falls: Sequence[tuple[Node, NDArray[np.bool_]]]) -> None:
    """Pools of a chain come behind its step function, as the smallest where what stood behind them falls."""
    if not falls:
        return
    node = model.producer(tensor)
    assert node is not None
    shapes = [model.shape(pool.input[0]) for pool, _ in falls] + [model.shape(tensor)]
    names = [model.fresh_name(f"{pool.name}_thresholds") for pool, _ in falls] + [tensor]
    model.set_output(node, names[0])
    for index, (pool, smallest) in enumerate(falls):
        model.set_shape(names[index], shapes[index])
        channels = np.broadcast_to(smallest, (shapes[index][1],)).astype(np.float32)
        operand = model.add_constant(f"{pool.name}_smallest", channels)
        ends = [names[index], operand], [names[index + 1]]
        new = Node(INTEGER_POOL, *ends, pool.name, THRESHOLD_DOMAIN, pool.attributes, pool.origin)
        model.insert_after(node, new)
        node = new
