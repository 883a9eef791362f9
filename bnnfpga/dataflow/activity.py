"""Who works, who is back-pressured and who waits for data, cycle by cycle, from the token model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.python_player import Pause, pauses
from bnnfpga.dataflow.token_model import player_for

WORKING, STALLED, STARVED = range(3)


@dataclass(frozen=True, eq=False)
class Activity:
    """What the units of an accelerator do while frames that follow each other without a gap pass through it.

    Parameters
    ----------
    units
        Their names, in topological order.
    shares
        float64 (units, columns, 3): the shares of the cycles of a column in which a unit works, is stalled by those
        behind it, and is starved by those before it.
    cycles
        Cycles that all columns cover together, from the first input beat on.
    frame_done
        The cycle in which each frame's last output beat leaves.
    """

    units: tuple[str, ...]
    shares: NDArray[np.float64]
    cycles: int
    frame_done: tuple[int, ...]


def activity(graph: Graph, frames: int = 2, columns: int = 800) -> Activity:
    """Play some frames, with input always valid and outputs always taken.

    A unit with a memory between its input and its output side is shown by its output side, which computes.
    """
    names = [stream.name for stream in graph.streams]
    player = player_for(graph, kept=names)
    player.play(np.zeros(frames * graph.input.port.beats, np.int64))
    visible = {name: list(map(int, player.visible(name))) for name in names}
    left = {name: list(map(int, player.left(name))) for name in names}
    outputs = [(left[stream.name], stream.port.beats) for stream in graph.outputs]
    done = tuple(max(times[(frame + 1) * beats - 1] for times, beats in outputs) for frame in range(frames))
    cycles = done[-1] + 1
    rows = []
    for operator in graph.operators:
        ins = [visible[stream.name] for stream in graph.inputs_of(operator.name)]
        outs = [left[stream.name] for stream in graph.outputs_of(operator.name)]
        found, end = pauses(operator.schedule(), ins, outs)
        # Behind its last frame there is nothing left to work on.
        rows.append(_shares([*found, Pause(end + 1, cycles, False)], cycles, min(columns, cycles)))
    return Activity(tuple(operator.name for operator in graph.operators), np.array(rows), cycles, done)


def _shares(found: Sequence[Pause], cycles: int, columns: int) -> NDArray[np.float64]:
    """float64 (columns, 3)."""
    edges = np.linspace(0, cycles, columns + 1)
    shares = np.zeros((columns, 3))
    for kind in (STALLED, STARVED):
        own = [pause for pause in found if pause.for_room == (kind == STALLED) and pause.start < pause.end]
        # Cycles paused before each edge, by lines through the starts and ends of the pauses.
        moments = np.array([0, *(moment for one in own for moment in (one.start, one.end)), cycles], np.float64)
        lengths = np.array([length for one in own for length in (0, one.end - one.start)], np.float64)
        paused = np.concatenate([[0.0], np.cumsum(lengths), [lengths.sum()]])
        shares[:, kind] = np.diff(np.interp(edges, moments, paused)) / np.diff(edges)
    shares[:, WORKING] = 1 - shares[:, STALLED] - shares[:, STARVED]
    return np.clip(shares, 0, 1)
