"""The golden model: a clean graph that runs whole batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    DOT_PRODUCTS,
    LAYOUT_OPS,
    PAIRING,
    QUANTIZERS,
    attribute,
    data_operands,
    describe,
    elementwise_operand,
    rearrange,
)
from bnnfpga.golden.affine import is_affine
from bnnfpga.golden.dot_products import dot_product
from bnnfpga.golden.end_program import Program, end_of, program_of
from bnnfpga.golden.joined import of_parts
from bnnfpga.golden.joins import add_streams, concat, gather, resize
from bnnfpga.golden.multiplied import multiply_streams
from bnnfpga.golden.pools import average_pool, max_pool, pad
from bnnfpga.golden.session import Session
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.golden.writer import Value, Writer
from bnnfpga.host.ends import all_classes, apply_ends, end_outputs
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps

_BATCH = 512
_STRUCTURAL: dict[str, Callable[[Writer, Node], Value]] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "Pad": pad,
    "Gather": gather,
    "Resize": resize,
}


@dataclass(frozen=True)
class Golden:
    """What a batch gives.

    Parameters
    ----------
    outputs
        For each output of the clean graph float32 (images, ...): the file's, or what the host makes it of.
    scores
        For each output int64 (images, ...), the integer tensor that it is an elementwise float function of, in the
        order of its elements: the last dot products, or the last quantizer's centred codes.
    integers
        The integer tensors asked for, by their name in the clean graph.
    ends
        What the host makes of the output (`bnnfpga.host.ends`).
    """

    outputs: tuple[Floats, ...]
    scores: tuple[NDArray[np.int64], ...]
    integers: dict[str, NDArray[np.int64]]
    ends: Program = field(repr=False)

    @cached_property
    def end_values(self) -> list[NDArray[Any]]:
        """All values that the host computes, those that it is given first."""
        return apply_ends(self.ends, [output.reshape(len(output), -1) for output in self.outputs])

    @property
    def values(self) -> tuple[NDArray[Any], ...]:
        """The file's outputs, each (images, ...)."""
        return end_outputs(self.ends, self.end_values)

    @property
    def classes(self) -> tuple[NDArray[np.int64], ...]:
        """The class of each image (`bnnfpga.host.ends.end_classes`); where the stream says it, of all its elements."""
        return all_classes(self.ends, self.end_values, lambda _, x: x.argmax(axis=1).astype(np.int64))

    def accelerator_outputs(self, kind: str) -> tuple[NDArray[np.int64], ...]:
        """What an accelerator must give, each (images, elements): its `scores`, or the `class`, first of equals."""
        if kind == "class":
            return tuple(classes[:, None] for classes in self.classes)
        return tuple(scores.reshape(len(scores), -1) for scores in self.scores)


class GoldenModel:
    """Runs a clean graph exactly.

    Parameters
    ----------
    model
        A clean graph (`bnnfpga.frontend.clean`).
    input
        What its input is; where that is integers, it counts as quantised.
    """

    def __init__(self, model: Model, input: InputFormat | None = None) -> None:
        self.input_format = InputFormat.parse(None, None) if input is None else input
        self._builder = _Builder(Writer(model.copy()), input)
        self.input_shape = tuple(model.shape(model.input)[1:])
        self.output_tensors = model.outputs
        self.turned = dict(model.turned)
        end = end_of(model)
        self.ends, self.end_tensors = program_of(end)
        self.file_tensors = end.graph.outputs
        self._session = self._builder.build()

    @property
    def integer_tensors(self) -> tuple[str, ...]:
        """Names of the tensors of the clean graph that are integers times scales: codes and dot products."""
        return tuple(self._builder.integers)

    def scales(self, name: str) -> tuple[Floats, ...]:
        """What multiplies the integers of one of `integer_tensors` to its values, one after the other."""
        return self._builder.scales[name]

    def run(self, x: Floats, integers: Iterable[str] = ()) -> Golden:
        """Run images, float32 (images, *input_shape): the model's inputs, or the codes where it takes integers."""
        wanted = {name: self._builder.integers[name] for name in integers}
        outputs, scores = self._builder.outputs, self._builder.scores
        fetches = list(dict.fromkeys([*outputs, *scores, *wanted.values()]))
        parts = [self._session.run(fetches, x[start : start + _BATCH]) for start in range(0, max(len(x), 1), _BATCH)]
        joined = dict(zip(fetches, map(np.concatenate, zip(*parts, strict=True)), strict=True))
        return Golden(
            tuple(joined[name] for name in outputs),
            tuple(_integers(joined[name]) for name in scores),
            {name: _integers(joined[fetch]) for name, fetch in wanted.items()},
            self.ends,
        )


@dataclass(frozen=True)
class Decisions:
    """What a graph's meaning depends on and rewrites cannot see.

    Parameters
    ----------
    float_concats
        Names of the concatenations that join floats, since their operands have no common grid.
    addends
        By a layer's name, what constants in front of it add to its outputs: float32 (outputs,).
    float_joins
        Names of the nodes that join floats in any way.
    refusal
        Name of the node in front of which the graph ceases to mean anything, and why; None where it means something.
    """

    float_concats: frozenset[str]
    addends: dict[str, Floats]
    float_joins: frozenset[str]
    refusal: tuple[str, UserError] | None


def decisions(model: Model, input: InputFormat) -> Decisions:
    """The golden model's decisions of a clean graph.

    Of a graph that means nothing, those in front of where it ceases to; who asks what it means is told why.
    """
    writer = Writer(model.copy())
    refusal = None
    try:
        _Builder(writer, input)
    except UserError as error:
        unknown = (node.name for node in model.nodes if node.output[0] not in writer.values)
        refusal = next(unknown, ""), error
    joins = (node for node in model.nodes if len(data_operands(model, node)) > 1 and node.op_type not in DOT_PRODUCTS)
    values = ((node.name, writer.values.get(node.output[0])) for node in joins)
    floats = frozenset(name for name, value in values if value is not None and value.base is None)
    return Decisions(frozenset(writer.float_concats), writer.addends, floats, refusal)


def _integers(array: NDArray[np.floating]) -> NDArray[np.int64]:
    return array.astype(np.int64)


class _Builder:
    """Writes the session's graph in one walk over the clean graph."""

    def __init__(self, writer: Writer, input: InputFormat | None) -> None:
        self._writer, model = writer, writer.model
        self.integers: dict[str, str] = {}
        self.scales: dict[str, tuple[Floats, ...]] = {}
        source = model.input
        values = self._writer.values
        if input is None or input.type is None:
            values[source] = Value(tensor="input")
        else:
            magnitude = max(abs(input.type.lo), abs(input.type.hi))
            scales = (np.asarray(input.scale),)
            values[source] = Value(integers="input", scales=scales, magnitude=magnitude, base="input")
        for node in model.nodes:
            value = values[node.output[0]] = self._translate(node)
            if value.integers is not None and value.constant is None:
                self.integers[node.output[0]] = value.integers
                self.scales[node.output[0]] = value.scales
        self.outputs: list[str] = []
        self.scores: list[str] = []
        for output in model.outputs:
            result = values[output]
            if result.base is None:
                raise UserError(
                    "no quantised layer leads to it",
                    where=f"output {output!r}",
                    hint="train with Brevitas quantizers on weights and activations",
                )
            self.outputs.append(self._made(self._writer.float_of(result)))
            self.scores.append(self._made(result.base))

    def _made(self, tensor: str) -> str:
        """A tensor that a session can give: one that a node makes."""
        return self._writer.emit("Identity", tensor) if tensor == "input" else tensor

    def build(self) -> Session:
        return self._writer.build(dict.fromkeys([*self.outputs, *self.scores, *self.integers.values()]))

    def _translate(self, node: Node) -> Value:
        by_parts = of_parts(self._writer, self._translate, node)
        if by_parts is not None:
            return by_parts
        if node.op_type in QUANTIZERS:
            return self._quantizer(node)
        if node.op_type == "Concat":
            return concat(self._writer, self._translate, node)
        if node.op_type in DOT_PRODUCTS:
            return dot_product(self._writer, node)
        if node.op_type in _STRUCTURAL:
            return _STRUCTURAL[node.op_type](self._writer, node)
        if node.op_type in PAIRING and len(data_operands(self._writer.model, node)) > 1:
            pairs = multiply_streams if node.op_type == "Mul" else add_streams
            return pairs(self._writer, node)
        if node.op_type in LAYOUT_OPS or node.op_type == "Transpose":
            return self._layout(node)
        steps = elementwise_steps(self._writer.model, node)
        value = self._writer.value(elementwise_operand(self._writer.model, node))
        if value.base is not None and value.affine is not None and is_affine(steps):
            return Value.of_integers(value.base, (*value.affine, *steps), value.magnitude)
        scale = steps[0].constant
        if [step.operation for step in steps] == ["multiply"] and scale is not None and value.integers is not None:
            return replace(value, scales=(*value.scales, scale), tensor=None)
        return Value(
            tensor=self._writer.emit_steps(steps, self._writer.float_of(value)),
            base=value.base,
            magnitude=value.magnitude,
            joined=value.joined and replace(value.joined, chain=(*value.joined.chain, node)),
        )

    def _quantizer(self, node: Node) -> Value:
        quantizer = quantizer_of(self._writer.model, node)
        source = self._writer.value(node.input[0])
        magnitude = max(abs(quantizer.lo), abs(quantizer.hi))
        if source.constant is not None:
            codes = apply_steps(quantizer.steps, source.constant)
            return Value(
                integers=self._writer.constant(codes), scales=(quantizer.scale,), magnitude=magnitude, constant=codes
            )
        codes_name = self._writer.emit_steps(quantizer.steps, self._writer.float_of(source))
        return Value(integers=codes_name, scales=(quantizer.scale,), magnitude=magnitude, base=codes_name)

    def _layout(self, node: Node) -> Value:
        value = self._writer.value(node.input[0])
        shape = self._writer.model.shape(node.output[0])
        if value.constant is not None:
            return self._constant_layout(node, value)
        if shape[0] != 1 or (node.op_type == "Transpose" and attribute(node, "perm", [1])[0] != 0):
            raise UserError(
                "it mixes the batch axis with others", where=describe(node), hint="export the model for a batch of one"
            )
        base = None if value.base is None else self._move(node, value.base, shape)
        if base is not None and value.affine is not None:
            steps = [self._moved_step(node, step) for step in value.affine]
            return Value.of_integers(base, steps, value.magnitude)
        return Value(tensor=self._move(node, self._writer.float_of(value), shape), base=base)

    def _moved_step(self, node: Node, step: Step) -> Step:
        """A step behind a change of layout: its constant turns with what it stands for."""
        if step.constant is None or step.constant.size == 1:
            return step if step.constant is None else Step(step.operation, step.constant.reshape(()))
        whole = np.broadcast_to(step.constant, self._writer.model.shape(node.input[0]))
        return Step(step.operation, rearrange(self._writer.model, node, whole))

    def _move(self, node: Node, tensor: str, shape: list[int]) -> str:
        if node.op_type == "Transpose":
            moved = self._writer.emit("Transpose", tensor, perm=attribute(node, "perm", None))
        else:
            extents = self._writer.constant(np.array([-1, *shape[1:]], dtype=np.int64))
            moved = self._writer.emit("Reshape", tensor, extents)
        if tensor in self._writer.doubles:
            self._writer.doubles.add(moved)
        return moved

    def _constant_layout(self, node: Node, value: Value) -> Value:
        """A transposed or reshaped weight tensor; its per-channel scales turn with it."""
        assert value.constant is not None
        turned = rearrange(self._writer.model, node, value.constant)
        scales = tuple(
            scale
            if scale.size == 1
            else rearrange(self._writer.model, node, np.broadcast_to(scale, value.constant.shape))
            for scale in value.scales
        )
        if value.integers is None:
            return Value(tensor=self._writer.constant(turned), constant=turned)
        return replace(value, integers=self._writer.constant(turned), constant=turned, scales=scales)
