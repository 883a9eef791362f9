"""Making a graph parallel: PE and SIMD of every layer, and the converters and FIFOs that this needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import get_args

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import MemoryKind, Operator
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.errors import UserError, shown


@dataclass(frozen=True)
class LayerFolding:
    """How parallel one layer is. None leaves a value as it is."""

    pe: int | None = None
    simd: int | None = None
    memory: MemoryKind | None = None


Folding = Mapping[str, LayerFolding]


def parse_folding(data: object, where: str) -> Folding:
    """A folding from plain data, as a folding file holds it: layer names to `pe`, `simd` and `memory`."""
    if not isinstance(data, Mapping):
        raise UserError(
            "it must map layer names to pe, simd and memory", where=where, hint="like matrix_vector0: {pe: 2, simd: 4}"
        )
    fields = [field.name for field in dataclasses.fields(LayerFolding)]
    folding = {}
    for name, entry in data.items():
        if isinstance(entry, LayerFolding):
            folding[name] = entry
            continue
        if not isinstance(entry, Mapping):
            raise UserError(
                "it must map pe, simd and memory to values",
                where=f"{where}, layer {shown(name)}",
                hint="like matrix_vector0: {pe: 2, simd: 4}",
            )
        for key in entry:
            if key not in fields:
                raise UserError(
                    f"unknown setting {shown(key)}{_nearest(str(key), fields)}",
                    where=f"{where}, layer {shown(name)}",
                    hint=f"settings are {', '.join(fields)}",
                )
        folding[str(name)] = LayerFolding(**entry)
    return folding


def folding_of(graph: Graph) -> dict[str, dict[str, int | str]]:
    """The folding that a graph has, as plain data."""
    result: dict[str, dict[str, int | str]] = {}
    for operator in graph.operators:
        pe, simd = operator.folding
        entry: dict[str, int | str] = {}
        if pe is not None:
            entry["pe"] = pe
        if simd is not None:
            entry["simd"] = simd
        memory = getattr(operator, "memory", None)
        if memory is not None:
            entry["memory"] = memory
        if entry:
            result[operator.name] = entry
    return result


def apply_folding(graph: Graph, folding: Folding, where: str = "folding") -> Graph:
    """A new graph with `folding`, and converters and FIFOs where its streams need them.

    Parameters
    ----------
    graph
        As `lower` makes it: without converters and FIFOs.
    folding
        Layers that are not named keep what they have.

    Raises
    ------
    UserError
        If a name is no layer or a value is not legal; the message gives the nearest name or the legal values.
    """
    layers = {operator.name: operator for operator in graph.operators}
    foldable = [name for name, operator in layers.items() if operator.legal_pe() or operator.legal_simd()]
    for name in folding:
        if name not in foldable:
            raise UserError(
                f"no layer is called {shown(name)}{_nearest(name, foldable)}",
                where=where,
                hint=f"layers are {', '.join(foldable)}",
            )
    result = Graph()
    previous: Operator | None = None
    first = ""
    for operator in layers.values():
        folded = _fold_operator(operator, folding.get(operator.name, LayerFolding()), where)
        if previous is not None:
            folded = folded.with_inputs(previous.outputs[0])
            for unit in _adapters(previous, folded):
                result.add(unit)
                result.connect(previous.name, unit.name)
                previous = unit
        result.add(folded)
        if previous is not None:
            result.connect(previous.name, folded.name)
        first = first or folded.name
        previous = folded
    assert previous is not None
    result.set_boundary(first, previous.name)
    return result


def _adapters(producer: Operator, consumer: Operator) -> list[Operator]:
    """What must stand between two units."""
    made, taken = producer.outputs[0], consumer.inputs[0]
    units: list[Operator] = []
    if made.lanes != taken.lanes:
        units.append(WidthConverter(f"{consumer.name}_converter", taken.shape, taken.type, made.lanes, taken.lanes))
    if isinstance(consumer, MatrixVector) and consumer.passes > 1:
        units.append(Fifo(f"{consumer.name}_fifo", taken, max(2, consumer.steps)))
    return units


def _fold_operator(operator: Operator, folding: LayerFolding, where: str) -> Operator:
    changes: dict[str, object] = {}
    for key, legal in (("pe", operator.legal_pe()), ("simd", operator.legal_simd())):
        value = getattr(folding, key)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value not in legal:
            raise UserError(
                f"{key}: {shown(value)} is not legal",
                where=f"{where}, layer {operator.name!r}",
                hint=f"legal values are {', '.join(map(str, legal))}" if legal else f"this layer has no {key}",
            )
        changes[key] = value
    if folding.memory is not None:
        if not hasattr(operator, "memory"):
            raise UserError(
                f"memory: {shown(folding.memory)} is not legal",
                where=f"{where}, layer {operator.name!r}",
                hint="this layer has no memory to choose",
            )
        if folding.memory not in get_args(MemoryKind):
            raise UserError(
                f"memory: {shown(folding.memory)} is not legal",
                where=f"{where}, layer {operator.name!r}",
                hint=f"legal values are {', '.join(get_args(MemoryKind))}",
            )
        changes["memory"] = folding.memory
    return dataclasses.replace(operator, **changes) if changes else operator  # type: ignore[arg-type]


def _nearest(name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
