"""The design of an accelerator: everything known about it before any file is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bnnfpga.base.errors import UserError, located
from bnnfpga.compiler.folding_file import read_folding
from bnnfpga.compiler.model_file import ModelFile
from bnnfpga.compiler.speed import FoldedUnits
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.target import DEFAULT_TARGET, Target
from bnnfpga.dataflow.token_model import Cycles
from bnnfpga.golden.end_classes import Program
from bnnfpga.golden.end_program import end_of, program_of
from bnnfpga.host.order import Order, frame_shape
from bnnfpga.lowering.lower import lower
from bnnfpga.numbers.integers import IntArray
from bnnfpga.transforms.class_scores import class_functions
from bnnfpga.transforms.fold import Folded, fold
from bnnfpga.tuning.choose import choose_at_speed, choose_folding

_DENSE_CYCLES, _CONVOLUTIONAL_CYCLES = 4096, 65536
"""The default limit of cycles per frame, for dense and for convolutional nets."""
OUTPUT_KINDS = ("scores", "class")


@dataclass(frozen=True)
class LoweredModel:
    """A model as folded and as units without a folding, with what the host computes from the outputs (`ends`)."""

    folded: Folded
    ends: Program
    graph: Graph


@dataclass(frozen=True)
class Design:
    """A model on its way to an accelerator: as read, as folded, as hardware, and its predicted cycles.

    `ends` is what the host computes from the outputs (`bnnfpga.host.ends`).
    """

    file: ModelFile
    folded: Folded
    ends: Program
    output_kind: str
    units: FoldedUnits

    @property
    def graph(self) -> Graph:
        """The units as they are built, with the streams between them."""
        return self.units.graph

    @property
    def cycles(self) -> Cycles:
        """Their predicted cycles."""
        return self.units.cycles

    @property
    def target(self) -> Target:
        """What they are built for."""
        return self.units.target

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of the model's input without the batch, as in the file."""
        return tuple(self.file.model.shape(self.file.model.input)[1:])

    @property
    def output_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The accelerator's output shapes per image: the model's outputs without the batch, or their classes."""
        if self.output_kind == "class":
            return tuple(frame.shape[:-1] or (1,) for frame in self.graph.output_frames)
        return tuple(frame_shape(self.file.model.shape(name)[1:]) for name in self.file.model.outputs)

    def to_streams(self, values: Sequence[IntArray]) -> tuple[IntArray, ...]:
        """Reorder outputs, each (frames, elements) in the file's order, to the order in which they stream."""
        return tuple(order.to_stream(array) for order, array in zip(self.output_orders, values, strict=True))

    @property
    def value_shapes(self) -> dict[str, list[int]]:
        """The shapes of the file's outputs by name as users get them, without a batch of one."""
        shapes = [self.ends["shapes"][value] for value in self.ends["outputs"]]
        named = zip(end_of(self.file.model).graph.outputs, shapes, strict=True)
        return {name: shape[1:] if shape[:1] == [1] else shape for name, shape in named}

    @property
    def input_order(self) -> Order:
        """The order in which a frame of the file's input streams."""
        return Order(self.folded.input_places[self.graph.input_frame.order])

    @property
    def output_orders(self) -> tuple[Order, ...]:
        """The order in which a frame of each of the file's outputs streams."""
        orders = [frame.order for frame in self.graph.output_frames]
        if self.output_kind == "class":
            return tuple(map(Order, orders))
        return tuple(Order(places[order]) for places, order in zip(self.folded.output_places, orders, strict=True))


def check_options(
    folding: str | os.PathLike[str] | Mapping[str, Any] | None, cycles: int | None, output_kind: str = "scores"
) -> None:
    """Refuse options of `make_design` that are wrong for any model."""
    if folding is not None and cycles is not None:
        raise UserError(
            "a folding and a speed are mutually exclusive",
            where="--folding",
            hint="give either --folding or one of --cycles and --target-fps",
        )
    if output_kind not in OUTPUT_KINDS:
        raise UserError(f"{output_kind!r} is not an output", where="--output", hint=f"give {' or '.join(OUTPUT_KINDS)}")


def make_design(
    file: ModelFile,
    *,
    folding: str | os.PathLike[str] | Mapping[str, Any] | None,
    cycles: int | None,
    target_fps: float | None = None,
    output_kind: str = "scores",
    target: Target = DEFAULT_TARGET,
) -> Design:
    """Fold a model, lower it for a target, and apply a folding; writes nothing.

    `cycles` is the limit, or those that `target_fps` allows at the clock that the units reach.
    """
    check_options(folding, cycles, output_kind)
    lowered = lower_model(file, output_kind)
    units = fold_units(lowered.graph, folding=folding, cycles=cycles, target_fps=target_fps, target=target)
    return Design(file, lowered.folded, lowered.ends, output_kind, units)


def lower_model(file: ModelFile, output_kind: str = "scores") -> LoweredModel:
    """What all designs of a model have in common.

    Raises
    ------
    UserError
        If the model cannot be compiled.
    """
    with located(str(file.source.path)):
        ends, _ = program_of(end_of(file.model))
        folded = fold(file.model, file.input.type, file.input.scale, file.graph.findings)
        classes = None
        if output_kind == "class":
            classes = class_functions(ends, folded.output_functions, folded.output_places)
        graph = lower(folded.model, classes)
    return LoweredModel(folded, ends, graph)


def fold_units(
    graph: Graph,
    *,
    folding: str | os.PathLike[str] | Mapping[str, Any] | None,
    cycles: int | None,
    target_fps: float | None,
    target: Target,
) -> FoldedUnits:
    """Fold a graph as `lower` returns it for a target, see `make_design`."""
    graph = graph.built_for(target)
    if target_fps is not None:
        return FoldedUnits.of(graph, choose_at_speed(graph, target, target_fps), target)
    if cycles is None:
        slides = any(operator.slides for operator in graph.operators)
        cycles = _CONVOLUTIONAL_CYCLES if slides else _DENSE_CYCLES
    pinned, where = (None, "folding") if folding is None else read_folding(folding, graph)
    return FoldedUnits.of(graph, choose_folding(graph, cycles, pinned), target, where)
