"""What the host computes: the float functions before the first and after the last integer tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.forms.rearranging import rearrange
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    AFTER_TRAINING,
    data_operands,
    describe,
    elementwise_operand,
    make_boundary,
)
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.numbers.arithmetic import Step
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.transforms.integer_types import annotate_input, integer_type
from bnnfpga.transforms.refusals import not_joined, not_quantised

_INPUT_HINT = (
    f"put a Brevitas quantizer on the model's input, or declare its integer type with --input, {AFTER_TRAINING}"
)


@dataclass(frozen=True)
class HostFunction:
    """Float32 steps on a frame, a vector of `size` elements in the order of the file."""

    steps: tuple[Step, ...]
    size: int


def cut_layouts(model: Model) -> IntArray:
    """Remove the layout changes directly after the graph's input, which the host carries out.

    Returns
    -------
    int64 (elements,)
        The position of each element of the new input in a frame of the old one.
    """
    tensor = model.input
    places = _count(model, tensor)
    while tensor not in model.outputs:
        readers = model.consumers(tensor)
        if len(readers) != 1 or not traits_of(readers[0]).layout:
            break
        tensor = readers[0].output[0]
        if tensor in model.outputs:
            break
        places = rearrange(model, readers[0], places)
        model.remove(readers[0])
        make_boundary(model, input=tensor)
    return places.reshape(-1)


def cut_input(model: Model) -> tuple[HostFunction, IntArray]:
    """Cut the graph of a model that takes floats after its first quantizer, whose codes become its input.

    Returns
    -------
    HostFunction
        Computes the codes of a frame.
    int64 (elements,)
        The position of each element of the new input in a frame of the old one.
    """
    tensor = model.input
    places = _count(model, tensor)
    steps: list[Step] = []
    while True:
        readers = model.consumers(tensor)
        if tensor in model.outputs:
            raise UserError(
                "no quantised layer leads to it",
                where=f"output {tensor!r}",
                hint="train with Brevitas quantizers on weights and activations",
            )
        if len(readers) != 1:
            raise UserError(
                f"{len(readers)} nodes read it; the host's part must be a chain that ends in one quantizer",
                where=f"tensor {tensor!r}",
                hint="put one quantizer on the model's input, or give --input",
            )
        node = readers[0]
        if traits_of(node).quantizes:
            break
        if traits_of(node).layout:
            places = rearrange(model, node, places)
        else:
            if traits_of(node).dot_product:
                raise UserError(
                    "its input is not quantised",
                    where=describe(node),
                    hint=_INPUT_HINT,
                )
            if not traits_of(node).elementwise:
                raise UserError(
                    "it precedes the first quantizer, where the host computes elementwise functions only",
                    where=describe(node),
                    hint=_INPUT_HINT,
                )
            steps += [_on_frames(step, places) for step in elementwise_steps(model, node)]
        tensor = node.output[0]
    if not model.consumers(node.output[0]):
        raise UserError(
            "no layer follows it, so there is nothing to compile",
            where=describe(node),
            hint="give a model with a quantised layer",
        )
    quantizer = quantizer_of(model, node)
    steps += [_on_frames(step, places) for step in quantizer.steps]
    codes, above = node.output[0], model.producer(elementwise_operand(model, node))
    model.remove(node)
    model.remove_unread(*([] if above is None else [above]))
    make_boundary(model, input=codes)
    if quantizer.bipolar:
        annotate_input(model, IntegerType.bipolar())
    else:
        annotate_input(model, IntegerType.interval(quantizer.lo, quantizer.hi))
    return HostFunction(tuple(steps), places.size), places.reshape(-1)


def cut_outputs(model: Model) -> list[tuple[HostFunction, IntArray]]:
    """Cut the graph after the last integer tensor before each output; that tensor becomes the output.

    What followed it is the final function. Two outputs may depend on one tensor, which is then listed twice.

    Returns
    -------
    HostFunction
        For each output, computes it from that tensor's integers, in the order of the file.
    int64 (elements,)
        The position of each element of the new output in a frame of the old one.
    """
    ends = [_final_function(model, output) for output in model.outputs]
    last = [model.producer(name) for name in model.outputs]
    make_boundary(model, outputs=[tensor for tensor, _, _ in ends])
    model.remove_unread(*(node for node in last if node is not None))
    return [(function, places) for _, function, places in ends]


def _final_function(model: Model, output: str) -> tuple[str, HostFunction, IntArray]:
    """The last integer tensor before an output, the function from it to the output, and its elements' positions."""
    tensor = output
    places = _count(model, tensor)
    steps: list[Step] = []
    while integer_type(model, tensor) is None:
        node = model.producer(tensor)
        if node is None:
            raise UserError(
                "no quantised layer leads to it",
                where=f"output {output!r}",
                hint="train with Brevitas quantizers on weights and activations",
            )
        if traits_of(node).layout:
            tensor = node.input[0]
            places = _before(model, node, places)
            continue
        if traits_of(node).dot_product:
            raise not_quantised(model, node)
        if len(data_operands(model, node)) > 1:
            raise not_joined(model, node)
        if not traits_of(node).elementwise:
            raise UserError(
                "its input is not integers on one grid, and the host does not compute it either",
                where=describe(node),
                hint=f"put a quantizer in front of it, {AFTER_TRAINING}",
            )
        steps = [*(_on_frames(step, places) for step in elementwise_steps(model, node)), *steps]
        tensor = elementwise_operand(model, node)
    # If codes are only regrouped on their way out, the host does it.
    while (node := model.producer(tensor)) is not None and traits_of(node).layout:
        tensor = node.input[0]
        places = _before(model, node, places)
    return tensor, HostFunction(tuple(steps), places.size), places.reshape(-1)


def _count(model: Model, tensor: str) -> IntArray:
    """The positions of a tensor's elements, in its shape."""
    shape = model.shape(tensor)
    return np.arange(math.prod(shape), dtype=np.int64).reshape(shape)


def _before(model: Model, node: Node, places: IntArray) -> IntArray:
    """The positions of a layout change's input elements, from those of its output elements."""
    inputs = _count(model, node.input[0])
    before = np.empty_like(inputs)
    before.reshape(-1)[rearrange(model, node, inputs).reshape(-1)] = places.reshape(-1)
    return before


def _on_frames(step: Step, places: IntArray) -> Step:
    """A step on a tensor whose elements have these positions in a frame, rewritten for the frame as a vector."""

    def placed(leaf: Step) -> Step:
        assert leaf.constant is not None
        if len(leaf.constant) == 1:
            return leaf
        moved = np.empty_like(leaf.constant)
        moved[places.reshape(-1)] = leaf.constant
        return leaf.with_constant(moved)

    return step.along(range(places.ndim), places.shape).each(placed)
