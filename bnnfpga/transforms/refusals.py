"""Why a graph could not be reduced to integers: the message for the author of the model."""

from __future__ import annotations

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.sliding import averages, divisor_of, geometry_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    AFTER_TRAINING,
    attribute,
    comes_from_constants,
    data_operands,
    describe,
    describe_tensor,
    elementwise_operand,
)
from bnnfpga.golden.multiplied import not_multiplied
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.transforms.affine_inputs import refused, run_to
from bnnfpga.transforms.integer_joins import scaled_integer
from bnnfpga.transforms.integer_types import integer_type, integer_weights
from bnnfpga.transforms.stream_products import scales_to
from bnnfpga.transforms.threshold_chains import chain_above


def refuse_floats(model: Model) -> None:
    """Refuse a graph in which a quantizer is left after the transforms.

    Raises
    ------
    UserError
        If there is one; the message names the node that keeps floats in the graph.
    """
    for node in model.nodes:
        if comes_from_constants(model, node.output[0]):
            continue
        if traits_of(node).quantizes:
            raise _not_integer(model, node)


def _not_integer(model: Model, quantizer: Node) -> UserError:
    """The error for a quantizer whose chain begins with floats."""
    first = chain_above(model, quantizer)[0]
    producer = model.producer(elementwise_operand(model, first))
    if producer is None:
        return UserError(
            "the floats of the model's input reach it by more than one path",
            where=describe(quantizer),
            hint="put one quantizer on the model's input, or declare its integer type with --input",
        )
    producer = _cause(model, producer)
    if traits_of(producer).dot_product:
        return not_quantised(model, producer)
    if traits_of(producer).regroups:
        pool = model.producer(producer.input[0])
        if pool is not None and traits_of(pool).pools and pool.origin != producer.origin:
            return UserError(
                f"it stands between {describe(pool)} and its quantizer, {describe(quantizer)}",
                where=describe(producer),
                hint="flatten behind the quantizer",
            )
        if pool is None or not traits_of(pool).averages:
            return UserError(
                f"it regroups channels that {describe(first)} treats differently",
                where=describe(producer),
                hint="put the quantizer in front of it, or give that node one constant for all channels",
            )
        producer = pool
    traits = traits_of(producer)
    if (traits.averages or traits.pads) and (apart := _tells_pixels_apart(model, producer)) is not None:
        return UserError(
            f"its constants differ between numbers that {describe(producer)} after it combines",
            where=describe(apart),
            hint="use the same constant for them, or put a quantizer between both nodes",
        )
    if traits.averages:
        if averages(model, producer).touches_pads:
            return UserError(
                "it pads integers that have a constant added",
                where=describe(producer),
                hint="put a quantizer in front of it, or leave its pads out",
            )
        verb = "averages" if divisor_of(producer, geometry_of(model, producer)) > 1 else "sums"
        return UserError(
            f"it {verb} the output of a nonlinear function, which is not quantised",
            where=describe(producer),
            hint=f"put a quantizer of up to 8 bits in front of it, {AFTER_TRAINING}",
        )
    if len(data_operands(model, producer)) > 1:
        return not_joined(model, producer)
    return UserError(
        "it does not work on integers",
        where=describe(producer),
        hint=f"put a quantizer in front of it, {AFTER_TRAINING}",
    )


def _tells_pixels_apart(model: Model, node: Node) -> Node | None:
    """The nearest node with per-pixel constants among the elementwise nodes directly before this one."""
    above = model.producer(node.input[0])
    while above is not None and traits_of(above).elementwise and len(operands := data_operands(model, above)) == 1:
        shape = model.shape(above.output[0])
        if any(set(step.varies(shape)) - {1} for step in elementwise_steps(model, above)):
            return above
        above = model.producer(operands[0])
    return None


def _cause(model: Model, node: Node) -> Node:
    """The nearest node from this one upwards that joins streams of floats or is a dot product; else this one."""
    above: Node | None = node
    while above is not None and integer_type(model, above.output[0]) is None:
        operands = data_operands(model, above)
        if traits_of(above).dot_product or len(operands) > 1:
            return above
        above = model.producer(operands[0])
    return node


def not_joined(model: Model, node: Node) -> UserError:
    """The error for a product of floats, or for a sum or concatenation whose operands share no integer grid."""
    if traits_of(node).multiplies:
        wrong = next(name for name in data_operands(model, node) if scales_to(model, name) is None)
        _refuse_above(model, wrong)
        return not_multiplied(model, node, wrong, shifted=run_to(model, wrong) is not None)
    units = []
    for name in data_operands(model, node):
        scaled = scaled_integer(model, name)
        if scaled is None:
            run = run_to(model, name)
            wrong = "is not quantised"
            if run is not None:
                shifts = any(step.operation in ("add", "subtract", "subtract_from") for step in run.steps)
                falls = any(step.constant is not None and np.any(step.constant < 0) for step in run.steps)
                scales = "a negative scale" if falls else "scales that differ by channel"
                wrong = f"has {'a constant added to its integers' if shifts else scales}"
            return UserError(
                f"it joins streams, and {describe_tensor(model, name)} {wrong}",
                where=describe(node),
                hint=f"put a quantizer of up to 8 bits there, with the scale of the other operand, {AFTER_TRAINING}",
            )
        units.append(str(np.float32(scaled[1])))
    hint = "put quantizers with the same scale in front of all its operands"
    if traits_of(node).concatenates and attribute(node, "axis", 1) == 1:
        hint += ", or one right behind it"
    hint += f", {AFTER_TRAINING}"
    return UserError(
        f"it joins streams whose scales {' and '.join(dict.fromkeys(units))} are not small multiples of one number",
        where=describe(node),
        hint=hint,
    )


def _refuse_above(model: Model, tensor: str) -> None:
    """Raise the golden model's refusal of any node that leads to a tensor of floats, if there is one."""
    waiting = [tensor]
    while waiting:
        above = model.producer(waiting.pop())
        if above is None or integer_type(model, above.output[0]) is not None:
            continue
        refused(above)
        waiting += data_operands(model, above)


def not_quantised(model: Model, node: Node) -> UserError:
    """The error for a dot product with an operand that is not integer."""
    scaled = model.producer(node.input[0])
    if scaled is not None and integer_type(model, node.input[0]) is None:
        cause = _cause(model, scaled)
        if len(data_operands(model, cause)) > 1 and not traits_of(cause).dot_product:
            return not_joined(model, cause)
    sides = [] if integer_type(model, node.input[0]) else ["input"]
    sides += [] if integer_weights(model, node.input[1]) is not None else ["weights"]
    return UserError(
        f"its {' and '.join(sides)} {'is' if sides == ['input'] else 'are'} not quantised",
        where=describe(node),
        hint=f"put a Brevitas quantizer on the layer's {' and '.join(sides)}, {AFTER_TRAINING}",
    )
