"""What the host computes: the float functions in front of the first and behind the last integer tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bnnfpga.arithmetic import Step
from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Model
from bnnfpga.frontend.nodes import (
    DOT_PRODUCTS,
    LAYOUT_OPS,
    QUANTIZERS,
    data_operands,
    describe,
    elementwise_operand,
    make_boundary,
)
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.integers import IntegerType
from bnnfpga.transforms.integer_types import annotate_input, integer_type
from bnnfpga.transforms.refusals import not_joined, not_quantised


@dataclass(frozen=True)
class HostFunction:
    """Float32 steps on a frame given as a vector of `size` elements."""

    steps: tuple[Step, ...]
    size: int


def cut_input(model: Model) -> HostFunction:
    """Cut the graph behind its first quantizer, whose codes become its input.

    For models that take floats; the layout changes in front of the quantizer must have been moved to the graph's input.
    """
    source = model.input
    steps: list[Step] = []
    tensor = source
    while True:
        readers = model.consumers(tensor)
        if tensor == model.output:
            raise UserError(
                "no quantised layer leads to it",
                where=f"output {tensor!r}",
                hint="train with Brevitas quantizers on weights and activations",
            )
        if len(readers) != 1:
            raise UserError(
                f"{len(readers)} nodes read it; the host's part must be a chain up to one quantizer",
                where=f"tensor {tensor!r}",
                hint="put one quantizer on the model's input, or give --input",
            )
        node = readers[0]
        if node.op_type in QUANTIZERS:
            break
        if node.op_type not in LAYOUT_OPS:
            if node.op_type in DOT_PRODUCTS:
                raise UserError(
                    "its input is not quantised",
                    where=describe(node),
                    hint="put a Brevitas quantizer on the model's input, or say what integers it takes with --input",
                )
            steps += elementwise_steps(model, node)
        tensor = node.output[0]
    if node.output[0] == model.output:
        raise UserError(
            "no layer follows it, so there is nothing to compile",
            where=describe(node),
            hint="give a model with a quantised layer",
        )
    quantizer = quantizer_of(model, node)
    steps += quantizer.steps
    shape = model.shape(node.output[0])
    codes, above = node.output[0], model.producer(elementwise_operand(model, node))
    model.remove(node)
    model.remove_unread(*([] if above is None else [above]))
    make_boundary(model, input=codes)
    if quantizer.bipolar:
        annotate_input(model, IntegerType.bipolar())
    else:
        annotate_input(model, IntegerType.interval(quantizer.lo, quantizer.hi))
    return _host_function(steps, shape)


def cut_output(model: Model) -> HostFunction:
    """Cut the graph behind its last integer tensor, which becomes its output; what followed is the final function."""
    tensor = model.output
    steps: list[Step] = []
    while integer_type(model, tensor) is None:
        node = model.producer(tensor)
        if node is None:
            raise UserError(
                "no quantised layer leads to it",
                where=f"output {model.output!r}",
                hint="train with Brevitas quantizers on weights and activations",
            )
        if node.op_type in LAYOUT_OPS:
            tensor = node.input[0]
            continue
        if node.op_type in DOT_PRODUCTS:
            raise not_quantised(model, node)
        if len(data_operands(model, node)) > 1:
            raise not_joined(model, node)
        steps = [*elementwise_steps(model, node), *steps]
        tensor = elementwise_operand(model, node)
    shape = model.shape(tensor)
    last = [model.producer(name) for name in model.outputs]
    make_boundary(model, output=tensor)
    model.remove_unread(*(node for node in last if node is not None))
    return _host_function(steps, shape)


def _host_function(steps: list[Step], shape: list[int]) -> HostFunction:
    return HostFunction(tuple(_on_frames(step, tuple(shape[1:])) for step in steps), math.prod(shape))


def _on_frames(step: Step, shape: tuple[int, ...]) -> Step:
    """A step for flattened frames of a shape: a constant for each channel becomes one for each element."""
    if step.channels > 1 and step.constant is not None:
        thresholds = step.constant.shape[-1:] if step.operation == "count" else ()
        step = Step(step.operation, np.broadcast_to(step.constant, (1, *shape, *thresholds)))
    return step.on_vectors()
