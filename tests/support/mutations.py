"""Designs with one error: in the folded graph, or in the host's input function.

The golden model stays unchanged. Each mutation has the effect of a typical bug, wherever in the compiler it may be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bnnfpga.compiler.design import Design
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.hardware import EmulatorKernel
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.numbers.arithmetic import Step
from bnnfpga.numbers.integers import IntArray
from bnnfpga.numbers.threshold_table import ThresholdTable

Damage = Callable[[Design], Design]
Meaning = Callable[[Operator, IntArray], IntArray]


def unit_of(graph: Graph, kind: str, index: int = 0) -> Operator:
    return [operator for operator in graph.operators if operator.kind == kind][index]


def with_unit(design: Design, unit: Operator) -> Design:
    """The design with a unit replaced by another one of the same name."""
    graph = Graph()
    for operator in design.graph.operators:
        graph.add(unit if operator.name == unit.name else operator)
    for stream in design.graph.streams:
        if stream.producer and stream.consumer:
            graph.connect(stream.producer, stream.consumer, output=stream.output, input=stream.input)
    assert design.graph.input.consumer
    assert design.graph.outputs[0].producer
    graph.set_boundary(
        design.graph.input.consumer,
        [design.graph.outputs[0].producer],
        design.graph.input_frame,
        design.graph.output_frames,
    )
    graph.tensors = dict(design.graph.tensors)
    return replace(design, units=replace(design.units, graph=graph))


def _other(unit: Operator, **methods: Callable[..., object]) -> Operator:
    kind = type("Other", (type(unit),), methods)
    clone: Operator = object.__new__(kind)
    clone.__dict__.update(unit.__dict__)
    return clone


def behind(kind: str, change: Meaning, index: int = 0) -> Damage:
    """Change a unit's result."""

    def damage(design: Design) -> Design:
        unit = unit_of(design.graph, kind, index)

        def execute(self: Operator, *arrays: IntArray) -> tuple[IntArray, ...]:
            del self
            return (change(unit, unit.execute(*arrays)[0]),)

        return with_unit(design, _other(unit, execute=execute))

    return damage


def in_front(kind: str, change: Meaning, index: int = 0) -> Damage:
    """Change a unit's inputs."""

    def damage(design: Design) -> Design:
        unit = unit_of(design.graph, kind, index)

        def execute(self: Operator, *arrays: IntArray) -> tuple[IntArray, ...]:
            del self
            return unit.execute(change(unit, arrays[0]), *arrays[1:])

        return with_unit(design, _other(unit, execute=execute))

    return damage


def emulated(kind: str, kernel: EmulatorKernel, index: int = 0) -> Damage:
    """Change the emulator kernel of a unit."""

    def damage(design: Design) -> Design:
        return with_unit(design, _other(unit_of(design.graph, kind, index), emulator=lambda self: kernel))

    return damage


def field(kind: str, name: str, change: Callable[[Operator], object], index: int = 0) -> Damage:
    """Change a parameter of a unit."""

    def damage(design: Design) -> Design:
        unit = unit_of(design.graph, kind, index)
        return with_unit(design, replace(unit, **{name: change(unit)}))  # type: ignore[type-var]

    return damage


def table(kind: str, change: Callable[[IntArray, IntArray], None], index: int = 0) -> Damage:
    """Change a unit's thresholds: `change` edits them (channels, levels) and the directions in place."""

    def changed(unit: Operator) -> ThresholdTable:
        assert isinstance(unit, MatrixVector | Threshold)
        assert unit.table is not None
        rows = unit.table.with_rows(unit.outputs[0].shape[-1])
        values, decreasing = rows.values.copy(), rows.decreasing.copy()
        change(values, decreasing)
        return ThresholdTable(np.sort(values, axis=1), decreasing, rows.output)

    return field(kind, "table", changed, index)


def along(axis: int) -> Damage:
    """Apply a first unit's thresholds along another axis of its image, not along the channels."""

    def damage(design: Design) -> Design:
        unit = unit_of(design.graph, "threshold")
        assert isinstance(unit, Threshold)

        def execute(self: Operator, *arrays: IntArray) -> tuple[IntArray, ...]:
            del self
            turned = np.moveaxis(arrays[0], axis, -1)
            return (np.moveaxis(unit.table.execute(turned), -1, axis),)

        return with_unit(design, _other(unit, execute=execute))

    return damage


def host(change: Callable[[Step], Step]) -> Damage:
    """Change how the host quantises."""

    def damage(design: Design) -> Design:
        function = design.folded.input_function
        assert function is not None
        steps = tuple(change(step) for step in function.steps)
        assert any(new is not old for new, old in zip(steps, function.steps, strict=True))
        return replace(design, folded=replace(design.folded, input_function=replace(function, steps=steps)))

    return damage
