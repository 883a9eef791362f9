"""The cheapest folding for a number of cycles a frame."""

from __future__ import annotations

import dataclasses

from bnnfpga.dataflow.folding import Folding, LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import MemoryKind, Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.errors import UserError

_SHALLOW = 64
"""Words up to which a weight memory is cheaper in LUTs than in block RAM."""
_DSP_IN_LUTS = 60
"""What a DSP slice counts for in the cost: about the LUTs of a multiplier of 8 by 8 bits."""


def choose_folding(graph: Graph, cycles: int) -> Folding:
    """For each layer by itself, the folding of least estimated cost that takes at most `cycles` cycles a frame.

    Parameters
    ----------
    graph
        An unfolded graph, as `lower` makes it.
    cycles
        Cycles a frame, at least 1.

    Raises
    ------
    UserError
        If a layer cannot be that fast.
    """
    if cycles < 1:
        raise UserError(f"{cycles} cycles a frame are not possible", where="--cycles", hint="give a positive number")
    folding = {}
    for operator in graph.operators:
        candidates = [unit for unit in _foldings(operator) if unit.interval() <= cycles]
        if not operator.legal_pe():
            continue
        if not candidates:
            fastest = min(unit.interval() for unit in _foldings(operator))
            raise UserError(
                f"layer {operator.name!r} takes at least {fastest} cycles a frame; {cycles} were asked for",
                where="--cycles or --target-fps",
                hint="ask for a slower accelerator, or raise --clock-mhz",
            )
        best = min(candidates, key=_cost)
        pe, simd = best.folding
        folding[operator.name] = LayerFolding(pe, simd, _memory_kind(best))
    return folding


def _foldings(operator: Operator) -> list[Operator]:
    return [
        dataclasses.replace(operator, **({"pe": pe} if simd is None else {"pe": pe, "simd": simd}))  # type: ignore[arg-type]
        for pe in operator.legal_pe()
        for simd in operator.legal_simd() or (None,)
    ]


def _memory_kind(operator: Operator) -> MemoryKind | None:
    if not hasattr(operator, "memory"):
        return None
    if isinstance(operator, MatrixVector) and operator.passes * operator.steps > _SHALLOW:
        return "block"
    return "distributed"


def _cost(operator: Operator) -> tuple[float, int]:
    resources = operator.resources()
    return resources["lut"] + 0.25 * resources["ff"] + _DSP_IN_LUTS * resources.get("dsp", 0), operator.interval()
