"""The golden model: a clean graph that runs whole batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.nodes import (
    data_operands,
)
from bnnfpga.golden.end_classes import Program
from bnnfpga.golden.end_program import end_of, program_of
from bnnfpga.golden.meanings import value_of
from bnnfpga.golden.session import Session
from bnnfpga.golden.writer import Value, Writer
from bnnfpga.host.ends import all_classes, apply_ends, end_outputs
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.arithmetic import Floats

_BATCH = 512


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
    graph
        The model's graph, where it has been written already.

    Raises
    ------
    UserError
        If the model means nothing.
    """

    def __init__(self, model: Model, input: InputFormat | None = None, graph: GoldenGraph | None = None) -> None:
        self.input_format = InputFormat.parse(None, None) if input is None else input
        graph = golden_graph(model, self.input_format) if graph is None else graph
        if graph.findings.refusal is not None:
            raise graph.findings.refusal[1]
        assert graph.builder is not None
        self._builder = graph.builder
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
class Findings:
    """What a graph's meaning depends on and transforms cannot see.

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


@dataclass(frozen=True)
class GoldenGraph:
    """What a session runs of a clean graph, written once for whoever asks, and what was found on the way.

    `builder` is None where the graph means nothing: then `findings` are those in front of where it ceases to.
    """

    builder: _Builder | None
    findings: Findings


def golden_graph(model: Model, input: InputFormat) -> GoldenGraph:
    """Write the golden session's graph of a clean graph."""
    writer = Writer(model.copy())
    builder = refusal = None
    try:
        builder = _Builder(writer, input)
    except UserError as error:
        unknown = (node.name for node in model.nodes if node.output[0] not in writer.values)
        refusal = next(unknown, ""), error
    joins = (node for node in model.nodes if len(data_operands(model, node)) > 1 and not traits_of(node).dot_product)
    values = ((node.name, writer.values.get(node.output[0])) for node in joins)
    floats = frozenset(name for name, value in values if value is not None and value.base is None)
    return GoldenGraph(builder, Findings(frozenset(writer.float_concats), writer.addends, floats, refusal))


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
            value = values[node.output[0]] = value_of(self._writer, node)
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
