"""FIFO depths from simulation, to check those of the token model: by occupancy, then by trials.

The accelerator is built once, with FIFOs so deep that sizing does not exceed them; a run makes them less deep
(`rtl/bnn_fifo.sv`). With its input at an even pace, one frame per interval, no beats pile up in front of a slow unit,
and the most beats that a FIFO holds are its first depth. Depths are then reduced one by one, by bisection, as long as
interval and latency stay. Timing is monotonic, so a depth that cannot be smaller cannot become so later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnnfpga.codegen.rtl import render_rtl
from bnnfpga.compiler.project_folder import boundary, write_harness
from bnnfpga.dataflow.folding import LayerFolding, apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.token_model import Cycles, predict, steady_interval
from bnnfpga.simulate.runners.simulator import build_simulator
from bnnfpga.simulate.runners.verilator import SimulationError, run_simulator
from bnnfpga.tuning.join_bounds import JoinBounds

_STEADY_FRAMES = 8
"""Frames that are measured once the pipeline is full, at least."""

Depths = Mapping[str, int]
"""The depths of FIFOs in beats, by name."""


@dataclass(frozen=True)
class MeasuredRun:
    """What a run showed: cycles per frame once the pipeline is full, cycles of the first frame, the fullest FIFOs."""

    interval: int
    latency: int
    peaks: Depths


@dataclass(frozen=True)
class _Queue:
    """A FIFO: its depth in beats, its stages, and the bits of a beat."""

    name: str
    depth: int
    stages: int
    width: int


class SimulatedFifos:
    """An accelerator whose FIFOs are made less deep for a run.

    Parameters
    ----------
    graph
        Its units, with its FIFOs as deep as they may be.
    folder
        An empty folder for its files.
    goal
        The interval and the latency to keep.
    frames
        Frames of a run; None for as many as fill the pipeline three times.

    Raises
    ------
    UserError
        If the simulator cannot be built.
    """

    def __init__(self, graph: Graph, folder: Path, goal: Cycles, frames: int | None = None) -> None:
        self._goal = goal
        self._fifos = {queue.name: queue for queue in _queues(graph)}
        self._streams = {name: graph.outputs_of(name)[0].name for name in self._fifos}
        self._frames = frames or 3 * (goal.latency // goal.initiation_interval + 1) + _STEADY_FRAMES
        render_rtl(graph, folder)
        write_harness(folder, graph, goal)
        self._memories = folder / "memories"
        self._simulator = build_simulator(folder, monitor=True)
        port, rng = graph.input.port, np.random.default_rng(0)
        # Cycles do not depend on data.
        ones = rng.integers(0, 2, (self._frames, port.elements)) == 1
        self._input = boundary(port).pack(np.where(ones, port.type.hi, port.type.lo))

    @property
    def deepest(self) -> Depths:
        """The depths with which it was built."""
        return {name: unit.depth for name, unit in self._fifos.items()}

    def run(self, depths: Depths, *, pace: int | None = None, stall_seed: int | None = None) -> MeasuredRun:
        """Run it with these depths.

        Raises
        ------
        SimulationError
            If it stops, or takes much longer than the goal.
        """
        interval = max(self._goal.initiation_interval, pace or 0)
        run = run_simulator(
            self._simulator,
            self._memories,
            self._input,
            self._frames,
            depths=depths,
            pace=pace,
            stall_seed=stall_seed,
            most_cycles=None if stall_seed is not None else (self._frames + 2) * interval + 2 * self._goal.latency,
            streams=True,
            explain=False,
        )
        done = run.frame_done.tolist()
        latency = done[0] - run.first_input_cycle
        peaks = {one["name"]: one["max_occupancy"] for one in run.streams or ()}
        occupied = {fifo: peaks[stream] for fifo, stream in self._streams.items()}
        return MeasuredRun(steady_interval(done, latency)[0], latency, occupied)

    def is_as_fast(self, depths: Depths) -> bool:
        """Whether they keep the interval and the latency."""
        try:
            run = self.run(depths)
        except SimulationError:
            return False
        return run.interval <= self._goal.initiation_interval and run.latency <= self._goal.latency

    def occupied(self) -> Depths:
        """The depths that hold the most beats at an even pace."""
        peaks = self.run(self.deepest, pace=self._goal.initiation_interval).peaks
        # Beats on their way through the stages, and one that arrives as another leaves.
        return {name: min(peaks[name] + unit.stages, unit.depth) for name, unit in self._fifos.items()}

    def reduced(self, depths: Depths) -> Depths:
        """Depths none of which can be smaller, those of the most bits reduced first."""
        found = dict(depths)
        for name in sorted(found, key=lambda name: -found[name] * self._fifos[name].width):
            low = 1 + self._fifos[name].stages
            while low < found[name]:
                middle = (low + found[name]) // 2
                if self.is_as_fast({**found, name: middle}):
                    found[name] = middle
                else:
                    low = middle + 1
        return found

    def bits(self, depths: Depths) -> int:
        """The bits of FIFOs of these depths."""
        return sum(beats * self._fifos[name].width for name, beats in depths.items())


def with_deepest(graph: Graph, folded: Graph) -> Graph:
    """A folded graph with its FIFOs as deep as sizing makes none (`JoinBounds`).

    Parameters
    ----------
    graph, folded
        The units without a folding, and with it.
    """
    bounds, folding = JoinBounds(graph), dict(parse_folding(folding_of(folded), "folding"))
    for queue in _queues(folded):
        (stream,) = folded.outputs_of(queue.name)
        most = bounds.form(folded[str(stream.consumer)], stream.input).depth
        folding[queue.name] = LayerFolding(depth=max(queue.depth, most), stages=queue.stages)
    return apply_folding(graph, folding)


def depths_from_simulation(graph: Graph, folded: Graph) -> Depths:
    """The depths of a folded graph's FIFOs by simulation; where they are, and their stages, stay as they are.

    Parameters
    ----------
    graph, folded
        The units without a folding, and with it.

    Raises
    ------
    UserError
        If the simulator cannot be built.
    """
    deepest = with_deepest(graph, folded)
    if not _queues(deepest):
        return {}
    with tempfile.TemporaryDirectory(prefix="bnnfpga-") as folder:
        fifos = SimulatedFifos(deepest, Path(folder), predict(folded))
        occupied = fifos.occupied()
        return fifos.reduced(occupied if fifos.is_as_fast(occupied) else fifos.deepest)


def _queues(graph: Graph) -> list[_Queue]:
    """The FIFOs of a graph."""
    return [_Queue(unit.name, *unit.queues, unit.inputs[0].width) for unit in graph.operators if unit.queues]
