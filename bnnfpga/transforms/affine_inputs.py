"""Moving affine functions of integers from the inputs of layers, averages and pads to their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.pads import channel_pads
from bnnfpga.frontend.forms.sliding import geometry_of, pad_value, reaches_into_pads
from bnnfpga.frontend.graph.model import Model, Node, Origin, make_node
from bnnfpga.frontend.graph.nodes import (
    attribute,
    data_operands,
    describe,
    elementwise_operand,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.golden.affine import Recoded, affine_of, for_more_channels, is_affine, pad_code, recoded, summed
from bnnfpga.golden.dot_products import weighted
from bnnfpga.golden.onnx_form import ONNX_KINDS
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.numbers.arithmetic import SCALES, Floats, Step
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.transforms.editing import insert_after
from bnnfpga.transforms.integer_types import (
    TABLE,
    THRESHOLD_DOMAIN,
    integer_type,
    integer_weights,
    type_attributes,
)

ADDEND = "addend"
"""Attribute of a layer: what constants before it add to its outputs, by the golden model; float32 (outputs,)."""
REFUSAL = "refusal"
"""Attribute of a layer that the golden model refuses: what is wrong, where, and a hint."""
_MAX_TABLE_BITS = 1 << 22


@dataclass(frozen=True, eq=False)
class Run:
    """The affine nodes from an integer tensor to another tensor, in order, each with its steps."""

    source: str
    type: IntegerType
    nodes: tuple[tuple[Node, tuple[Step, ...]], ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(step for _, steps in self.nodes for step in steps)

    def last(self, *, scales: bool, shape: Sequence[int]) -> Node:
        """The node to name in a refusal: the last with a scale per channel, or else the last that adds something."""
        for node, steps in reversed(self.nodes):
            for step in steps:
                is_scale = step.operation in SCALES
                if is_scale == scales and (not scales or step.varies(shape)):
                    return node
        return self.nodes[-1][0]


def run_to(model: Model, tensor: str) -> Run | None:
    """The run of affine nodes from integers to a tensor; None if it is empty or does not start at integers."""
    nodes: list[tuple[Node, tuple[Step, ...]]] = []
    while integer_type(model, tensor) is None:
        above = model.producer(tensor)
        if above is None or not traits_of(above).elementwise or traits_of(above).quantizes:
            return None
        if len(data_operands(model, above)) != 1:
            return None
        steps = tuple(elementwise_steps(model, above))
        if not is_affine(steps):
            return None
        nodes.insert(0, (above, steps))
        tensor = elementwise_operand(model, above)
    type = integer_type(model, tensor)
    assert type is not None
    return Run(tensor, type, tuple(nodes)) if nodes else None


class ShiftsIntoCodes(Transform):
    """Absorb a constant added before zero padding into the integer codes, so that code 0 means zero."""

    kinds = kinds_that(lambda traits: traits.pads or traits.averages or (traits.dot_product and traits.slides))

    def visit(self, model: Model, node: Node) -> bool:
        run = run_to(model, node.input[0])
        if run is None:
            return False
        shape = model.shape(node.input[0])
        affine = affine_of(run.steps, shape)
        if traits_of(node).pads:
            pad = np.float32(pad_value(model, node))
            code = pad_code([step.along((1,), shape) for step in run.steps], pad) if affine is not None else None
            if code is None and affine is not None and pad == 0 and not affine.shifts:
                code = np.float32(0)
            if code is not None:
                _move_behind(model, run, node, code)
                return True
            if pad != 0:
                return False
        elif not geometry_of(model, node).touches_pads:
            return False
        if affine is None or not affine.shifts:
            return False
        where = run.last(scales=False, shape=shape)
        new = recoded(affine, where=describe(where))
        tensor = _recode(model, node, run, new, where)
        for step in new.steps:
            tensor = _put_in_front(model, node, tensor, step, run.last(scales=True, shape=shape).origin)
        model.set_input(node, 0, tensor)
        model.remove_unread(run.nodes[-1][0])
        return True


def _move_behind(model: Model, run: Run, pad: Node, code: np.float32) -> None:
    """Let a Pad pad integers with `code`, and move the affine nodes before it to its output."""
    shape = model.shape(pad.input[0])
    model.set_inputs(pad, [run.source, model.add_constant(f"{pad.name}_code", code)])
    last = pad
    for node, steps in run.nodes:
        for step in steps:
            own = for_more_channels(step, shape, *channel_pads(pad))
            last = insert_step(model, last, own, node.origin) or last
    model.remove_unread(run.nodes[-1][0])


def insert_step(model: Model, node: Node, step: Step, origin: Origin | None) -> Node | None:
    """Insert an affine step after a node; returns the new node, None if the step does nothing."""
    assert step.constant is not None
    if step.operation == "subtract_from":
        negative = insert_after(model, node, "Mul", np.full((), -1, dtype=np.float32), origin)
        assert negative is not None
        return insert_after(model, negative, "Add", step.constant, origin)
    return insert_after(model, node, ONNX_KINDS[step.operation], step.constant, origin)


def _recode(model: Model, node: Node, run: Run, new: Recoded, where: Node) -> str:
    """Insert a table that maps integers q to factor * q + offsets; returns its output."""
    offsets = new.offsets[:1] if np.all(new.offsets == new.offsets[0]) else new.offsets
    table = offsets[:, None] + new.factor * np.arange(run.type.lo, run.type.hi + 1)
    output = IntegerType.interval(int(table.min()), int(table.max()))
    bits = len(table) * output.bits << run.type.bits
    if bits > _MAX_TABLE_BITS:
        raise UserError(
            f"it adds a constant in front of zero pads, and a table of the integers with it would have {bits:,} bits "
            f"({len(table)} different channels of {run.type.bits} bits); at most {_MAX_TABLE_BITS:,} can be compiled",
            where=describe(where),
            hint="put a quantizer of up to 8 bits behind it, or leave the pads out",
        )
    name = model.fresh_name(f"{node.name}_codes")
    model.set_shape(name, model.shape(node.input[0]))
    operands = [run.source, model.add_constant(f"{name}_table", table)]
    attributes = {"first": run.type.lo, **type_attributes(output)}
    model.insert_before(node, Node(TABLE, operands, [name], name, THRESHOLD_DOMAIN, attributes, where.origin))
    return name


def _put_in_front(model: Model, node: Node, tensor: str, step: Step, origin: Origin | None) -> str:
    operation, shape = ONNX_KINDS[step.operation], model.shape(node.input[0])
    result = model.fresh_name(f"{node.name}_{operation.lower()}")
    model.set_shape(result, shape)
    operand = model.add_constant(f"{node.name}_factor", on_images(step, len(shape)))
    model.insert_before(node, make_node(operation, [tensor, operand], [result], name=result, origin=origin))
    return result


def on_images(step: Step, rank: int) -> Floats:
    """The constant of a per-channel step, shaped to broadcast against tensors with `rank` axes."""
    assert step.constant is not None
    return step.constant.reshape(()) if step.channels == 1 else step.constant.reshape(-1, *[1] * (rank - 2))


class AffineBehindDotProducts(Transform):
    """Move an affine function of integers from the input of a dot product to its output.

    The weights absorb scales that differ. `IntegerWeights` has already put the constants' contribution after it.
    """

    kinds = kinds_that(lambda traits: traits.dot_product)

    def visit(self, model: Model, node: Node) -> bool:
        weights = integer_weights(model, node.input[1])
        run = None if weights is None else run_to(model, node.input[0])
        if run is None or weights is None:
            return False
        shape, sums_shape = model.shape(node.input[0]), model.shape(node.output[0])
        affine = affine_of(run.steps, shape) or affine_of(run.steps, shape, by_pixel=True)
        if affine is None:
            return refused(node)
        groups = attribute(node, "group", 1)
        where = run.last(scales=True, shape=shape)
        sums = summed(affine, groups, sums_shape, where=describe(where))
        if affine.shifts and not self._is_done(model, node, by_pixel=affine.shift.ndim > 1):
            return refused(node)
        if sums.weights is not None:
            codes = weighted(weights.astype(np.float64), sums, node)
            model.set_input(node, 1, model.add_constant(f"{node.name}_weights", codes))
        model.set_input(node, 0, run.source)
        last = node
        for step in sums.scales:
            constant = on_images(step, len(sums_shape))
            last = insert_after(model, last, ONNX_KINDS[step.operation], constant, where.origin) or last
        model.remove_unread(run.nodes[-1][0])
        return True

    @staticmethod
    def _is_done(model: Model, node: Node, *, by_pixel: bool) -> bool:
        """Whether the constants' contribution already follows the layer, and no pads must still be zero.

        That of per-pixel constants accounts for the zeros around them.
        """
        padded = not by_pixel and reaches_into_pads(model, node)
        return attribute(node, ADDEND, None) is not None and not padded


def refused(node: Node) -> bool:
    """Raise the golden model's refusal of a layer; False if there is none."""
    refusal = attribute(node, REFUSAL, None)
    if refusal is None:
        return False
    message, place, hint = refusal
    raise UserError(message, where=place, hint=hint)
