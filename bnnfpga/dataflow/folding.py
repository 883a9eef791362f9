"""Folding a graph: PE and SIMD of every layer, and the width converters and FIFOs that they require."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from bnnfpga.base.errors import UserError, shown
from bnnfpga.dataflow.assembly import FifoForm, assemble, fifo_name, join_fifos, joined_inputs
from bnnfpga.dataflow.fifo_depths import Build, with_fifos
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.memory_kinds import AccumulatorsKind, WeightsKind
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.fifo import FIFO_STAGES
from bnnfpga.dataflow.requantizers import RequantizerKind
from bnnfpga.dataflow.token_model import Deadlock

_FINN_NODE = re.compile(
    r"Defaults|[A-Z]\w*_(hls|rtl|Batch)_\d+|(MVAU|VVAU|MatrixVectorActivation|VectorVectorActivation|Thresholding|"
    r"ConvolutionInputGenerator|FMPadding|Streaming[A-Z]\w*|LabelSelect|AddStreams|DuplicateStreams|ChannelwiseOp)_\d+"
)
"""Node names of all FINN versions."""
_FINN_SETTINGS = frozenset(("PE", "SIMD", "ram_style", "resType", "mem_mode", "inFIFODepths", "outFIFODepths"))
_FIFO_SETTINGS = ("depth", "stages")
_MAX_DEPTH = 1 << 20


@dataclass(frozen=True)
class LayerFolding:
    """The parallelism and the forms of one layer, or the depth and stages of one FIFO. None leaves a value unchanged.

    A FIFO of depth 0 is left out.
    """

    pe: int | None = None
    simd: int | None = None
    memory: WeightsKind | None = None
    requantizer: RequantizerKind | None = None
    accumulators: AccumulatorsKind | None = None
    kernel_pixels: int | None = None
    depth: int | None = None
    stages: int | None = None

    def completed(self, other: LayerFolding) -> LayerFolding:
        """The folding with its unset values taken from `other`."""
        own = {name: value for name, value in vars(self).items() if value is not None}
        return dataclasses.replace(other, **own)

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
                "ram_style is memory (block, distributed or logic); FIFO depths are computed, or depth of a FIFO",
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
        if operator.kernel_pixels is not None:
            entry["kernel_pixels"] = operator.kernel_pixels
        if operator.memory is not None:
            entry["memory"] = operator.memory
        if operator.requantizer is not None:
            entry["requantizer"] = operator.requantizer
        if operator.accumulators is not None:
            entry["accumulators"] = operator.accumulators
        if entry:
            result[operator.name] = entry
        for stream in graph.inputs_of(operator.name) if joined_inputs(operator) else ():
            before = graph[str(stream.producer)]
            name = fifo_name(operator, stream.input)
            result[name] = {"depth": 0}
            if before.queues and before.name == name:
                depth, stages = before.queues
                result[name] = {"depth": depth, "stages": stages}
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
    fifos = join_fifos(graph)
    for name, entry in folding.items():
        if name in fifos:
            _check_fifo(entry, f"{where}, FIFO {name!r}")
        elif name not in foldable:
            raise UserError(
                f"no layer is called {shown(name)}{_nearest(name, [*foldable, *fifos])}",
                where=where,
                hint=f"layers are {', '.join(foldable)}",
            )
    folded = {
        name: _fold_operator(operator, folding.get(name, LayerFolding()), where) for name, operator in layers.items()
    }
    _keep_up(graph, folded)
    return _with_fifos(partial(assemble, graph, folded), folding, fifos, where)


def _with_fifos(build: Build, folding: Folding, names: Sequence[str], where: str) -> Graph:
    """Add FIFOs where branches meet again: those that a folding has, and as small ones as possible for the others."""
    given = {name: folding[name] for name in names if name in folding and folding[name].depth is not None}
    kept = {name: FifoForm(entry.depth, entry.stages) for name, entry in given.items() if entry.depth}
    chosen = [name for name in names if name not in given]
    if not chosen:
        return build(kept)
    with deadlocks_refused(folding, where):
        return with_fifos(lambda forms: build({**kept, **forms}), chosen)


@contextmanager
def deadlocks_refused(folding: Folding, where: str) -> Iterator[None]:
    """Report a deadlock as the mistake of a folding with FIFO depths; without any, it is none of the user's."""
    given = [name for name, entry in folding.items() if entry.depth is not None]
    try:
        yield
    except Deadlock as error:
        if not given:
            raise
        raise UserError(
            f"with these FIFO depths, units wait for each other: {', '.join(error.cycle)}",
            where=f"{where}, {', '.join(given)}",
            hint="give a larger depth, or none: then it is computed",
        ) from error


def _check_fifo(entry: LayerFolding, where: str) -> None:
    for key, value in vars(entry).items():
        if value is not None and key not in _FIFO_SETTINGS:
            raise UserError(f"a FIFO has no {key}", where=where, hint=f"its settings are {', '.join(_FIFO_SETTINGS)}")
    if entry.stages is not None:
        _legal("stages", entry.stages, FIFO_STAGES, where)
    least = 1 + (entry.stages or 1)
    depth = entry.depth
    if depth is None:
        if entry.stages is not None:
            raise UserError("stages without a depth", where=where, hint="give depth, too, or neither of them")
    elif isinstance(depth, bool) or not isinstance(depth, int) or not (depth == 0 or least <= depth <= _MAX_DEPTH):
        raise UserError(
            f"depth: {shown(depth)} is not legal",
            where=where,
            hint=f"give 0 for no FIFO, or {least} to {_MAX_DEPTH:,} beats",
        )


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
    simd = _legal("simd", simd if folding.simd is None else folding.simd, beside, where, "pe")
    for key in _FIFO_SETTINGS:
        if getattr(folding, key) is not None:
            raise UserError(f"a layer has no {key}", where=where, hint="FIFOs have it, like those in a folding.yaml")
    lanes = {name: value for name, value in (("pe", pe), ("simd", simd)) if value is not None}
    folded = operator.refolded(**lanes) if lanes else operator
    if folding.kernel_pixels is not None or (folding.simd is not None and operator.kernel_pixels is not None):
        abreast = () if simd is None else folded.legal_kernel_pixels(simd)
        folded = folded.refolded(kernel_pixels=_legal("kernel_pixels", folding.kernel_pixels, abreast, where, "simd"))
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


def _legal(key: str, value: object, legal: tuple[int, ...], where: str, beside: str = "") -> int | None:
    """Check a setting; returns `value`, None if the layer does not have the setting and none was requested."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value not in legal:
        start = f"with this {beside}, " if beside else ""
        raise UserError(
            f"{key}: {shown(value)} is not legal",
            where=where,
            hint=f"{start}legal values are {', '.join(map(str, legal))}" if legal else f"this layer has no {key}",
        )
    return value


def _nearest(name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
