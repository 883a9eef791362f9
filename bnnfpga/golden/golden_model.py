"""The golden model: exact execution of a clean graph on whole batches."""

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
    """The golden model's results on a batch.

    Parameters
    ----------
    outputs
        float32 (images, ...) for each output of the clean graph: an output of the file, or an input of the host's
        program.
    scores
        int64 (images, ...) for each output: the integer tensor that it is an elementwise float function of, in the
        same order of elements: the last dot products, or the last quantizer's centred codes.
    integers
        The requested integer tensors, by their name in the clean graph.
    ends
        The host's program after the outputs (`bnnfpga.host.ends`).
    """

    outputs: tuple[Floats, ...]
    scores: tuple[NDArray[np.int64], ...]
    integers: dict[str, NDArray[np.int64]]
    ends: Program = field(repr=False)

    @cached_property
    def end_values(self) -> list[NDArray[Any]]:
        """All values of the host's program, its inputs first."""
        return apply_ends(self.ends, [output.reshape(len(output), -1) for output in self.outputs])

    @property
    def values(self) -> tuple[NDArray[Any], ...]:
        """The file's outputs, each (images, ...)."""
        return end_outputs(self.ends, self.end_values)

    @property
    def classes(self) -> tuple[NDArray[np.int64], ...]:
        """The classes of each image (`bnnfpga.host.ends.end_classes`); of a stream, the arg max of its channels."""
        shapes = self.ends["inputs"]

        def in_stream(stream: int, x: NDArray[Any]) -> NDArray[np.int64]:
            images, shape = len(x), shapes[stream]
            found: NDArray[np.int64] = x.reshape(images, *shape).argmax(axis=min(2, len(shape))).astype(np.int64)
            return found.reshape(images, *(shape[2:] if found.size > images else ()))

        return all_classes(self.ends, self.end_values, in_stream)

    def accelerator_outputs(self, kind: str) -> tuple[NDArray[np.int64], ...]:
        """The expected accelerator outputs, (images, elements) each: `scores`, or the `class`, ties to the first."""
        if kind == "class":
            return tuple(classes.reshape(len(classes), -1) for classes in self.classes)
        return tuple(scores.reshape(len(scores), -1) for scores in self.scores)


class GoldenModel:
    """Runs a clean graph exactly.

    Parameters
    ----------
    model
        A clean graph (`bnnfpga.frontend.clean`).
    input
        The format of its input; integers count as quantised.
    graph
        The model's golden graph, if it has been written already.

    Raises
    ------
    UserError
        If the golden model refuses the graph.
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
        """Names of the clean graph's tensors that are integers times scales: codes and dot products."""
        return tuple(self._builder.integers)

    def scales(self, name: str) -> tuple[Floats, ...]:
        """The successive factors from the integers of one of `integer_tensors` to its values."""
        return self._builder.scales[name]

    def run(self, x: Floats, integers: Iterable[str] = ()) -> Golden:
        """Run images, float32 (images, *input_shape): the model's inputs, or their codes if it takes integers."""
        sources = {name: self._builder.integers[name] for name in integers}
        outputs, scores = self._builder.outputs, self._builder.scores
        fetches = list(dict.fromkeys([*outputs, *scores, *sources.values()]))
        parts = [self._session.run(fetches, x[start : start + _BATCH]) for start in range(0, max(len(x), 1), _BATCH)]
        joined = dict(zip(fetches, map(np.concatenate, zip(*parts, strict=True)), strict=True))
        return Golden(
            tuple(joined[name] for name in outputs),
            tuple(_integers(joined[name]) for name in scores),
            {name: _integers(joined[fetch]) for name, fetch in sources.items()},
            self.ends,
        )


@dataclass(frozen=True)
class Findings:
    """Facts of a graph's meaning that the transforms cannot see.

    Parameters
    ----------
    float_concats
        Names of the concatenations of floats, whose operands have no common grid.
    addends
        By layer name, the contribution of constants before it to its outputs: float32 (outputs,).
    float_joins
        Names of all nodes that join streams of floats.
    refusal
        Name of the first node that the golden model refuses, and why; None if it accepts the graph.
    """

    float_concats: frozenset[str]
    addends: dict[str, Floats]
    float_joins: frozenset[str]
    refusal: tuple[str, UserError] | None


@dataclass(frozen=True)
class GoldenGraph:
    """The golden session's graph of a clean graph, written once and shared, and the findings on the way.

    `builder` is None if the graph is refused; `findings` are then those before the refused node.
    """

    builder: _Builder | None
    findings: Findings


def golden_graph(model: Model, input: InputFormat) -> GoldenGraph:
    """Write the golden session's graph for a clean graph."""
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
            self.outputs.append(self._fetchable(self._writer.float_of(result)))
            self.scores.append(self._fetchable(result.base))

    def _fetchable(self, tensor: str) -> str:
        """A tensor that a session can return: the output of a node."""
        return self._writer.emit("Identity", tensor) if tensor == "input" else tensor

    def build(self) -> Session:
        return self._writer.build(dict.fromkeys([*self.outputs, *self.scores, *self.integers.values()]))
