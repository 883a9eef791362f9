"""FINN's folding files, JSON, read for a graph's layers and written from them.

FINN names a layer by its kind and its number among those of that kind (`MVAU_hls_0`, in older versions
`MatrixVectorActivation_0` or `StreamingFCLayer_Batch_0`). Its layers and those here are matched by that: both come in
the order of the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bnnfpga.base.errors import UserError, shown
from bnnfpga.dataflow.folding import Folding, LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.memory_kinds import WeightsKind

_KINDS = {
    "MVAU": "matrix_vector",
    "MatrixVectorActivation": "matrix_vector",
    "StreamingFCLayer": "matrix_vector",
    "VVAU": "vector_vector",
    "VectorVectorActivation": "vector_vector",
    "Vector_Vector_Activate": "vector_vector",
    "Thresholding": "threshold",
}
"""The kinds of FINN's layers whose folding is that of a unit here; the others follow from their neighbours'."""
_WRITTEN = {"matrix_vector": "MVAU_hls", "vector_vector": "VVAU_hls", "threshold": "Thresholding_rtl"}
_NAME = re.compile(rf"({'|'.join(_KINDS)})(_hls|_rtl|_Batch)?_(\d+)")
_MEMORIES: Mapping[str, WeightsKind | None] = {"auto": None, "block": "block", "distributed": "distributed"}


def from_finn(data: Mapping[str, Any], graph: Graph, where: str) -> Folding:
    """The folding in a FINN file for a graph as `lower` returns it.

    Layers without a counterpart and settings that follow here from others, such as depths of FIFOs, are passed over.

    Raises
    ------
    UserError
        If no entry is a layer, one is not in the graph or there twice, or its memory is of a kind that is not here.
    """
    units: dict[str, list[str]] = {}
    for operator in graph.operators:
        units.setdefault(operator.kind, []).append(operator.name)
    folding: dict[str, LayerFolding] = {}
    for name, entry in data.items():
        match = _NAME.fullmatch(str(name))
        if match is None:
            continue
        if not isinstance(entry, Mapping):
            raise UserError(
                f"{shown(name)} maps nothing to values",
                where=f"{where}, {shown(name)}",
                hint="give PE, SIMD or ram_style, like {PE: 4, SIMD: 8}",
            )
        kind, number = _KINDS[match[1]], int(match[3])
        known = units.get(kind, [])
        if number >= len(known):
            raise UserError(
                f"the model has {len(known)} layers of the kind {kind}, so none for {shown(name)}",
                where=where,
                hint="was the file made for another model?",
            )
        if known[number] in folding:
            raise UserError(
                f"{shown(name)} is layer {known[number]!r} here, and so is an entry before it",
                where=where,
                hint="number the layers of a kind in the order of the model, whether hls or rtl",
            )
        folding[known[number]] = LayerFolding(
            entry.get("PE"), entry.get("SIMD") if kind != "threshold" else None, _memory(entry, f"{where}, {name}")
        )
    names = {operator.name for operator in graph.operators}
    if ours := [str(name) for name in data if str(name) in names]:
        raise UserError(
            f"{shown(ours[0])} is a layer here, but its settings are FINN's",
            where=where,
            hint="write pe, simd and memory instead of PE, SIMD and ram_style, or name layers as FINN does",
        )
    if not folding:
        raise UserError(
            "no entry is a layer whose folding is read from FINN's files",
            where=where,
            hint=f"name layers by kind and number, like {_WRITTEN['matrix_vector']}_0; kinds are {', '.join(_KINDS)}",
        )
    return folding


def _memory(entry: Mapping[str, Any], where: str) -> WeightsKind | None:
    if entry.get("mem_mode") in ("external", "external_decoupled"):
        raise UserError("weights come from outside the accelerator", where=where, hint="take another mem_mode")
    style = entry.get("ram_style", "auto")
    if not isinstance(style, str) or style not in _MEMORIES:
        raise UserError(f"ram_style {shown(style)} is not here", where=where, hint=f"give {', '.join(_MEMORIES)}")
    return _MEMORIES[style]


def to_finn(graph: Graph, folding: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """A folding in FINN's format, and sentences on what the format cannot say.

    Parameters
    ----------
    graph
        The graph as `lower` returns it.
    folding
        The settings of each layer.
    """
    result: dict[str, Any] = {"Defaults": {}}
    unsaid: list[str] = []
    numbers: dict[str, int] = {}
    for operator in graph.operators:
        if operator.kind not in _WRITTEN:
            continue
        number = numbers[operator.kind] = numbers.get(operator.kind, -1) + 1
        own = folding[operator.name]
        channels = operator.outputs[0].shape[-1]
        entry: dict[str, Any] = {"PE": min(own["pe"], channels)}
        if own["pe"] > channels:
            unsaid.append(
                f"{operator.name} works on {own['pe'] // channels} pixels at a time, which FINN's file leaves out"
            )
        if "simd" in own:
            entry["SIMD"] = own["simd"]
            if "kernel_pixels" in own:
                unsaid.append(
                    f"the SIMD of {operator.name} is of {own['kernel_pixels']} pixels of the kernel, "
                    "which FINN's file leaves out"
                )
            memory = own.get("memory", "auto")
            entry["ram_style"] = "auto" if memory == "logic" else memory
            entry["mem_mode"] = "internal_embedded" if memory == "logic" else "internal_decoupled"
        result[f"{_WRITTEN[operator.kind]}_{number}"] = entry
    return result, unsaid
