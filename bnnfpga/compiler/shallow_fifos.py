"""FIFO depths of a folding file with which an accelerator is slower than it need be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bnnfpga.dataflow.assembly import join_fifos
from bnnfpga.dataflow.folding import Folding, LayerFolding, apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.token_model import predict


@dataclass(frozen=True)
class ShallowFifos:
    """FIFOs that slow an accelerator down.

    Parameters
    ----------
    depths
        For each of them the depth that it has, and one that is enough, in beats.
    interval, reached
        Cycles per frame with these depths, and with those that are enough.
    """

    depths: Mapping[str, tuple[int, int]]
    interval: int
    reached: int

    def __str__(self) -> str:
        names = ", ".join(f"{name!r} ({had} beats; {enough} are enough)" for name, (had, enough) in self.depths.items())
        which = f"FIFO {names} slows" if len(self.depths) == 1 else f"FIFOs {names} slow"
        return (
            f"{which} the accelerator down: a frame takes {self.interval:,} cycles instead of {self.reached:,}; "
            "give a larger depth, or none: then it is computed"
        )


def find_shallow_fifos(graph: Graph, folded: Graph, folding: Folding, interval: int) -> ShallowFifos | None:
    """Which given depths make an accelerator slower than computed ones would; None if none does.

    Parameters
    ----------
    graph, folded
        The units without a folding, and with it.
    folding
        What was given, with some depths.
    interval
        The initiation interval of `folded`.
    """
    given = [name for name in join_fifos(graph) if name in folding and folding[name].depth is not None]
    if not given or interval == max(unit.interval() for unit in folded.operators):
        return None
    present = parse_folding(folding_of(folded), "folding")
    computed = apply_folding(graph, {name: entry for name, entry in present.items() if name not in given})
    reached = predict(computed).initiation_interval
    if reached >= interval:
        return None
    enough = parse_folding(folding_of(computed), "folding")
    shallower = [name for name in given if _depth(present[name]) < _depth(enough[name])]
    roomy = {name: max(enough[name], entry, key=_depth) for name, entry in present.items()}
    alone = [
        name
        for name in shallower
        if predict(apply_folding(graph, {**roomy, name: present[name]})).initiation_interval > reached
    ]
    depths = {name: (_depth(present[name]), _depth(enough[name])) for name in alone or shallower}
    return ShallowFifos(depths, interval, reached)


def _depth(entry: LayerFolding) -> int:
    return entry.depth or 0
