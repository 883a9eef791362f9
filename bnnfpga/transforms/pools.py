"""Pools and pads on integers: what multiplies or shifts their input moves behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.arithmetic import Step
from bnnfpga.frontend.channels import channel_index
from bnnfpga.frontend.nodes import add_constant, constant, elementwise_operand, fresh_name
from bnnfpga.frontend.sliding import averages, geometry_of, pad_value
from bnnfpga.transforms.editing import drop_unread, insert_after
from bnnfpga.transforms.integer_types import INTEGER_POOL, INTEGER_SUM, THRESHOLD_DOMAIN, integer_type

_AFFINE = ("Mul", "Div", "Add", "Sub")


class AffineBehindPools(Transformation):  # type: ignore[misc]
    """Scales move behind max pools and pads, affine steps behind picked channels and averages, which then sum integers.

    A positive factor commutes with the largest of some numbers to the bit, because rounding is monotone. That an
    affine function commutes with an average is how the golden model defines such averages.
    """

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        for node in model.graph.node:
            if node.op_type == "AveragePool" and integer_type(model, node.input[0]) is not None:
                geometry = averages(model, node)
                node.op_type, node.domain = INTEGER_SUM, THRESHOLD_DOMAIN
                insert_after(model, node, "Mul", np.asarray(np.float32(1) / np.float32(geometry.taps)))
                return model, True
            if node.op_type not in ("MaxPool", "AveragePool", "Pad", "Gather", "Resize"):
                continue
            before = model.find_producer(node.input[0])
            value = None if before is None else _operand(model, before)
            if before is None or value is None or not _commutes(model, node, before, value):
                continue
            if node.op_type == "Gather" and value.size > 1:
                axis = value.ndim - len(model.get_tensor_shape(node.input[0])) + 1
                value = value.take(channel_index(model, node), axis)
            node.input[0] = elementwise_operand(model, before)
            insert_after(model, node, before.op_type, value)
            drop_unread(model)
            return model, True
        return model, False


def _commutes(model: ModelWrapper, node: onnx.NodeProto, before: onnx.NodeProto, value: NDArray[np.float32]) -> bool:
    """Whether a node gives the same behind an affine node as in front of it; adapts a Pad's value."""
    if node.op_type in ("Gather", "Resize"):
        return True
    if node.op_type == "AveragePool":
        is_factor = before.op_type in ("Mul", "Div")
        return is_factor or not geometry_of(model, node).touches_pads
    is_scale = before.op_type == "Mul" and bool(np.all(value > 0))
    if node.op_type == "MaxPool":
        return is_scale
    if not is_scale or value.size != 1:
        return False
    pad = np.float32(pad_value(model, node))
    code = np.rint(pad / np.float32(value.item()))
    if np.float32(code * np.float32(value.item())) != pad:
        return False
    node.input[1] = add_constant(model, f"{node.name}_code", code)
    return True


def _operand(model: ModelWrapper, node: onnx.NodeProto) -> NDArray[np.float32] | None:
    """The constant of an affine node where it is the same for all pixels, and the node is not c - x or c / x."""
    if node.op_type not in _AFFINE:
        return None
    values = [constant(model, name) for name in node.input]
    value = next((item for item in values if item is not None), None)
    if value is None or (node.op_type in ("Sub", "Div") and values[0] is not None):
        return None
    # One number of any shape, or a number for each channel.
    step = Step("multiply", value.astype(np.float32))
    shape = model.get_tensor_shape(node.output[0])
    varying = step.varies(shape)
    if not set(varying) <= {1}:
        return None
    numbers = step.along((1,), shape).constant
    assert numbers is not None
    return numbers.reshape(-1, *[1] * (len(shape) - 2)) if varying else numbers.reshape(())


def put_pools_behind(
    model: ModelWrapper, tensor: str, falls: Sequence[tuple[onnx.NodeProto, NDArray[np.bool_]]]
) -> None:
    """Pools of a chain come behind its step function, as the smallest where what stood behind them falls."""
    if not falls:
        return
    node = model.find_producer(tensor)
    assert node is not None
    shapes = [model.get_tensor_shape(pool.input[0]) for pool, _ in falls] + [model.get_tensor_shape(tensor)]
    names = [fresh_name(model, f"{pool.name}_thresholds") for pool, _ in falls] + [tensor]
    node.output[0] = names[0]
    place = list(model.graph.node).index(node) + 1
    for index, (pool, smallest) in enumerate(falls):
        model.set_tensor_shape(names[index], shapes[index])
        channels = np.broadcast_to(smallest, (shapes[index][1],)).astype(np.float32)
        operand = add_constant(model, f"{pool.name}_smallest", channels)
        new = onnx.helper.make_node(
            INTEGER_POOL, [names[index], operand], [names[index + 1]], name=pool.name, domain=THRESHOLD_DOMAIN
        )
        new.attribute.extend(pool.attribute)
        model.graph.node.insert(place + index, new)
