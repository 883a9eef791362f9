"""Folding a graph: PE and SIMD of every layer, and the width converters and FIFOs that they require."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches

from bnnfpga.base.errors import UserError, shown
from bnnfpga.dataflow.connecting import behind, converters
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.hardware import AccumulatorsKind, WeightsKind
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.requantizers import RequantizerKind
from bnnfpga.dataflow.token_model import Deadlock, predict

_FINN_NODE = re.compile(
    r"Defaults|[A-Z]\w*_(hls|rtl|Batch)_\d+|(MVAU|VVAU|MatrixVectorActivation|VectorVectorActivation|Thresholding|"
    r"ConvolutionInputGenerator|FMPadding|Streaming[A-Z]\w*|LabelSelect|AddStreams|DuplicateStreams|ChannelwiseOp)_\d+"
)
"""Node names of all FINN versions."""
_FINN_SETTINGS = frozenset(("PE", "SIMD", "ram_style", "resType", "mem_mode", "inFIFODepths", "outFIFODepths"))
_UNBOUNDED = 1 << 40
"""Depth of a FIFO that is never full."""


@dataclass(frozen=True)
class LayerFolding:
    """The parallelism and the forms of one layer. None leaves a value unchanged."""

    pe: int | None = None
    simd: int | None = None
    memory: WeightsKind | None = None
    requantizer: RequantizerKind | None = None
    accumulators: AccumulatorsKind | None = None

    def completed(self, other: LayerFolding) -> LayerFolding:
        """The folding with its unset values taken from `other`."""
        return LayerFolding(
            other.pe if self.pe is None else self.pe,
            other.simd if self.simd is None else self.simd,
            other.memory if self.memory is None else self.memory,
            other.requantizer if self.requantizer is None else self.requantizer,
            other.accumulators if self.accumulators is None else self.accumulators,
        )

    def as_dict(self) -> dict[str, int | str]:
        """The settings that are made, as plain data."""
        return {name: value for name, value in vars(self).items() if value is not None}


Folding = Mapping[str, LayerFolding]


def parse_folding(data: object, where: str) -> Folding:
    """Parse a folding from plain data, as read from a folding file: layer names to the settings of `LayerFolding`."""
    if not isinstance(data, Mapping):
        raise UserError(
            "it must map layer names to pe, simd and memory", where=where, hint="like matrix_vector0: {pe: 2, simd: 4}"
        )
    fields = [field.name for field in dataclasses.fields(LayerFolding)]
    folding = {}
    for name, entry in data.items():
        if is_finn_entry(str(name), entry):
            raise UserError(
                "this is FINN's format; a folding file of bnnfpga sets pe, simd and memory of the project's own layers",
                where=f"{where}, entry {shown(name)}",
                hint="start from the folding.yaml of a compiled project: PE is pe, SIMD is simd, "
                "ram_style is memory (block, distributed or logic); FIFO depths are computed",
            )
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


def is_finn_entry(name: str, entry: object) -> bool:
    """Whether an entry comes from a FINN folding file, judged by its node name or its settings."""
    return bool(_FINN_NODE.fullmatch(name)) or (isinstance(entry, Mapping) and not _FINN_SETTINGS.isdisjoint(entry))


def folding_of(graph: Graph) -> dict[str, dict[str, int | str]]:
    """A graph's folding as plain data."""
    result: dict[str, dict[str, int | str]] = {}
    for operator in graph.operators:
        pe, simd = operator.folding
        entry: dict[str, int | str] = {}
        if pe is not None:
            entry["pe"] = pe
        if simd is not None:
            entry["simd"] = simd
        if operator.memory is not None:
            entry["memory"] = operator.memory
        if operator.requantizer is not None:
            entry["requantizer"] = operator.requantizer
        if operator.accumulators is not None:
            entry["accumulators"] = operator.accumulators
        if entry:
            result[operator.name] = entry
    return result


def apply_folding(graph: Graph, folding: Folding, where: str = "folding") -> Graph:
    """Fold a graph; returns a new one with width converters and FIFOs where its streams need them.

    Parameters
    ----------
    graph
        The result of `lower`, without converters and FIFOs.
    folding
        Layers that are not named keep their folding.

    Raises
    ------
    UserError
        If a name is not a layer's or a value is not legal; the message gives the nearest name or the legal values.
    """
    layers = {operator.name: operator for operator in graph.operators}
    foldable = [name for name, operator in layers.items() if operator.legal_pe()]
    for name in folding:
        if name not in foldable:
            raise UserError(
                f"no layer is called {shown(name)}{_nearest(name, foldable)}",
                where=where,
                hint=f"layers are {', '.join(foldable)}",
            )
    folded = {
        name: _fold_operator(operator, folding.get(name, LayerFolding()), where) for name, operator in layers.items()
    }
    _keep_up(graph, folded)
    result = _assemble(graph, folded, {})
    joins = [unit.name for unit in result.operators if len(unit.inputs) > 1]
    return _with_room(graph, folded, result) if joins else result


def _assemble(graph: Graph, folded: Mapping[str, Operator], room: Mapping[str, int], *, suited: bool = False) -> Graph:
    """Connect folded units as in `graph`; `room` holds the depths of FIFOs in front of units with several inputs.

    If `suited`, these FIFOs are the cheapest ones, else the fastest.
    """
    result = Graph()
    result.tensors = dict(graph.tensors)
    for name, operator in folded.items():
        streams = [stream for stream in graph.inputs_of(name) if stream.producer is not None]
        sources = {stream.input: result[str(stream.producer)].outputs[stream.output] for stream in streams}
        unit = behind(operator, sources)
        result.add(unit)
        for stream in streams:
            _join(result, str(stream.producer), stream.output, unit, stream.input, room, suited)
    last = [str(stream.producer) for stream in graph.outputs]
    result.set_boundary(str(graph.input.consumer), last, graph.input_frame, graph.output_frames)
    return result


def _keep_up(graph: Graph, folded: dict[str, Operator]) -> None:
    """Match units without a folding of their own to the lanes and the interval of their consumers."""
    # The outer world is always ready; a unit that feeds it keeps up with the last unit that has a folding.
    last: dict[str, int] = {}
    for operator in graph.operators:
        above = [last[stream.producer] for stream in graph.inputs_of(operator.name) if stream.producer in last]
        if folded[operator.name].legal_pe():
            last[operator.name] = folded[operator.name].interval()
        elif above:
            last[operator.name] = above[-1]
    for operator in reversed(graph.operators):
        streams = graph.outputs_of(operator.name)
        consumers = [(folded[stream.consumer], stream.input) for stream in streams if stream.consumer is not None]
        interval = min([unit.interval() for unit, _ in consumers] or [last.get(operator.name, 1)])
        ports = [unit.inputs[input] for unit, input in consumers]
        folded[operator.name] = folded[operator.name].in_front_of(interval, *ports)


def _with_room(graph: Graph, folded: Mapping[str, Operator], bare: Graph) -> Graph:
    """Add FIFOs where branches meet again, as deep as the peak occupancy of an unbounded one."""
    names = [
        _fifo_name(unit, stream.input)
        for unit in bare.operators
        if len(unit.inputs) > 1
        for stream in bare.inputs_of(unit.name)
    ]
    unbounded = _assemble(graph, folded, dict.fromkeys(names, _UNBOUNDED))
    best = predict(unbounded)
    filled = {
        stream.producer: best.max_occupancy[stream.name] for stream in unbounded.streams if stream.producer in names
    }
    # The producer's output queue already holds two beats.
    room = {str(name): most for name, most in filled.items() if most > 2}
    while True:
        # In the cheapest FIFOs a beat takes longer; where it would not have waited as long, that can cost time.
        for suited in (True, False):
            result = _assemble(graph, folded, room, suited=suited)
            with suppress(Deadlock):
                if predict(result).initiation_interval <= best.initiation_interval:
                    return result
        room = {str(name): 2 * max(2, room.get(str(name), most)) for name, most in filled.items()}


def _fifo_name(unit: Operator, input: int) -> str:
    return f"{unit.name}_fifo" if len(unit.inputs) == 1 else f"{unit.name}_{input}_fifo"


def _join(
    graph: Graph, producer: str, output: int, consumer: Operator, input: int, room: Mapping[str, int], suited: bool
) -> None:
    """Connect two units, with a width converter and a FIFO between them where needed."""
    units: list[Operator] = [*converters(graph[producer].outputs[output], consumer, input)]
    if _fifo_name(consumer, input) in room:
        depth = room[_fifo_name(consumer, input)]
        fifo = Fifo(_fifo_name(consumer, input), consumer.inputs[input], depth, target=consumer.target)
        units.append(fifo.refolded(stages=fifo.suited_stages) if suited else fifo)
    for unit in units:
        graph.add(unit)
        graph.connect(producer, unit.name, output=output)
        producer, output = unit.name, 0
    graph.connect(producer, consumer.name, output=output, input=input)


def _fold_operator(operator: Operator, folding: LayerFolding, where: str) -> Operator:
    where = f"{where}, layer {operator.name!r}"
    pe, simd = operator.folding
    pe = _legal("pe", pe if folding.pe is None else folding.pe, operator.legal_pe(), where)
    beside = operator.legal_simd(pe) if pe is not None else ()
    if simd is not None and folding.simd is None and simd not in beside:
        raise UserError(
            f"pe: {pe} does not go with simd: {simd}, which the layer has",
            where=where,
            hint=f"give simd, too: with this pe, legal values are {', '.join(map(str, beside))}",
        )
    simd = _legal("simd", simd if folding.simd is None else folding.simd, beside, where)
    lanes = {name: value for name, value in (("pe", pe), ("simd", simd)) if value is not None}
    folded = operator.refolded(**lanes) if lanes else operator
    possible = folded.memory_kinds
    if folding.requantizer is not None:
        forms = folded.requantizer_kinds
        _check_form("requantizer", folding.requantizer, forms, where, "legal values are ", "no requantizer to choose")
        folded = folded.refolded(requantizer=folding.requantizer)
    if folding.memory is not None:
        memories = folded.memory_kinds
        if folding.memory in possible and folding.memory not in memories:
            raise UserError(
                f"requantizer: {folding.requantizer} does not go with memory: {folding.memory}, "
                "in which the layer has no requantizer",
                where=where,
                hint=f"leave out the requantizer, or choose another memory: {', '.join(memories)}",
            )
        start = "" if memories == operator.memory_kinds else "with this folding, "
        _check_form("memory", folding.memory, memories, where, f"{start}legal values are ", "no memory to choose")
        folded = folded.refolded(memory=folding.memory)
    if folding.accumulators is not None:
        places = folded.accumulators_kinds
        none = "no accumulators to choose with this folding, memory and family"
        _check_form("accumulators", folding.accumulators, places, where, "legal values are ", none)
        folded = folded.refolded(accumulators=folding.accumulators)
    return folded


def _check_form(key: str, value: str, legal: Sequence[str], where: str, start: str, none: str) -> None:
    """Check a setting that is one of a unit's forms."""
    if value not in legal:
        raise UserError(
            f"{key}: {shown(value)} is not legal",
            where=where,
            hint=f"{start}{', '.join(legal)}" if legal else f"this layer has {none}",
        )


def _legal(key: str, value: object, legal: tuple[int, ...], where: str) -> int | None:
    """Check a setting; returns `value`, None if the layer does not have the setting and none was requested."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value not in legal:
        beside = "with this pe, " if key == "simd" else ""
        raise UserError(
            f"{key}: {shown(value)} is not legal",
            where=where,
            hint=f"{beside}legal values are {', '.join(map(str, legal))}" if legal else f"this layer has no {key}",
        )
    return value


def _nearest(name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
