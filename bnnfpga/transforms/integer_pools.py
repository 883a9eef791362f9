"""Pools on integers: scales and offsets of their inputs move to their outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.sliding import averages, divisor_of, geometry_of, takes_smallest
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import data_operands, elementwise_operand
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.numbers.arithmetic import Step
from bnnfpga.transforms.editing import insert_after
from bnnfpga.transforms.integer_types import INTEGER_POOL, INTEGER_SUM, THRESHOLD_DOMAIN, integer_type


class AffineBehindPools(Transform):
    """Move affine steps behind max pools and average pools, which then take the maximum or the sum of integers.

    A rising function commutes with the maximum to the bit, because rounding is monotone. An affine function commutes
    with an average because the golden model defines such averages so.
    """

    kinds = kinds_that(lambda traits: traits.pools)

    def visit(self, model: Model, node: Node) -> bool:
        if traits_of(node).averages and integer_type(model, node.input[0]) is not None:
            geometry = averages(model, node)
            model.become(node, INTEGER_SUM, THRESHOLD_DOMAIN)
            divisor = divisor_of(node, geometry)
            if divisor > 1:
                insert_after(model, node, "Mul", np.asarray(np.float32(1) / np.float32(divisor)))
            return True
        before = model.producer(node.input[0])
        value = None if before is None else _operand(model, before)
        if before is None or value is None or not _commutes(model, node, before, value):
            return False
        model.set_input(node, 0, elementwise_operand(model, before))
        insert_after(model, node, before.op_type, value, before.origin)
        model.remove_unread(before)
        return True


def _commutes(model: Model, node: Node, before: Node, value: NDArray[np.float32]) -> bool:
    """Whether a pool gives the same result before an affine node as after it."""
    if traits_of(node).averages:
        if _pixels_apart_above(model, before):
            return False  # the whole run moves in one go
        geometry = geometry_of(model, node)
        is_average = divisor_of(node, geometry) == geometry.taps and not geometry.touches_pads
        return is_average or traits_of(before).scales
    return traits_of(before).shifts or bool(np.all(value > 0))


def _pixels_apart_above(model: Model, node: Node) -> bool:
    """Whether this node, or one in the run of affine nodes right before it, has per-pixel constants."""
    above: Node | None = node
    while above is not None and traits_of(above).arithmetic and len(operands := data_operands(model, above)) == 1:
        if _operand(model, above) is None:
            return True
        above = model.producer(operands[0])
    return False


def _operand(model: Model, node: Node) -> NDArray[np.float32] | None:
    """The constant of an affine node; None if it differs from pixel to pixel or the node is c - x or c / x."""
    traits = traits_of(node)
    if not traits.arithmetic:
        return None
    values = [model.constant(name) for name in node.input]
    value = next((item for item in values if item is not None), None)
    if value is None or (values[0] is not None and not traits.commutative):
        return None
    # A single number of any shape, or one per channel.
    step = Step("multiply", value.astype(np.float32))
    shape = model.shape(node.output[0])
    varying = step.varies(shape)
    if not set(varying) <= {1}:
        return None
    numbers = step.along((1,), shape).constant
    assert numbers is not None
    return numbers.reshape(-1, *[1] * (len(shape) - 2)) if varying else numbers.reshape(())


def put_pools_in_front(model: Model, place: Node, source: str, pools: Sequence[tuple[Node, NDArray[np.bool_]]]) -> str:
    """Move the pools of a chain that begins at `place` in front of it, onto its integers; returns their output."""
    for pool, smallest in pools:
        result = model.fresh_name(f"{pool.name}_integers")
        model.set_shape(result, model.shape(pool.output[0]))
        model.insert_before(place, _integer_pool(model, pool, smallest, source, result))
        source = result
    return source


def put_pools_behind(model: Model, tensor: str, falls: Sequence[tuple[Node, NDArray[np.bool_]]]) -> None:
    """Move the pools of a chain behind its step function, as minima where the steps after them fall."""
    if not falls:
        return
    node = model.producer(tensor)
    assert node is not None
    shapes = [model.shape(pool.input[0]) for pool, _ in falls] + [model.shape(tensor)]
    names = [model.fresh_name(f"{pool.name}_thresholds") for pool, _ in falls] + [tensor]
    model.set_output(node, names[0])
    for index, (pool, smallest) in enumerate(falls):
        model.set_shape(names[index], shapes[index])
        new = _integer_pool(model, pool, smallest, names[index], names[index + 1])
        model.insert_after(node, new)
        node = new


def _integer_pool(model: Model, pool: Node, smallest: NDArray[np.bool_], source: str, result: str) -> Node:
    smallest = smallest ^ takes_smallest(pool)
    channels = np.broadcast_to(smallest, (model.shape(source)[1],)).astype(np.float32)
    ends = [source, model.add_constant(f"{pool.name}_smallest", channels)], [result]
    return Node(INTEGER_POOL, *ends, pool.name, THRESHOLD_DOMAIN, pool.attributes, pool.origin)
