"""FIFO depths: as few bits as keep the interval and the latency of unbounded FIFOs (docs/dataflow.md, section 5).

Buffer sizes under a throughput constraint are known from synchronous dataflow graphs: Stuijk, Geilen and Basten,
"Exploring trade-offs in buffer requirements and throughput constraints for synchronous dataflow graphs" (DAC 2006).
Timing is monotonic, so a schedule that fits into some FIFOs is a proof for them: units that start as early as they can
are never later. Such a schedule is that of an input at an even pace, in which no beats pile up in front of a slow unit.
From its peaks, depths are reduced one by one, each checked by a simulation that ends in a certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bnnfpga.dataflow.assembly import FifoForm
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.token_model import Deadlock, Player, Run, player_for

_UNBOUNDED = 1 << 40
"""Depth of a FIFO that is never full."""
_QUEUED = 2
"""Beats that a producer's own queue holds at least."""
_MAX_FRAMES = 24
"""Frames after which an interval that is still not certain counts as missed."""
_BEATS_PLAYED = 1 << 28
"""Over all trials: then depths are no longer reduced. The same graph gets the same depths on every machine."""

Build = Callable[[Mapping[str, FifoForm]], Graph]
"""The graph with some FIFOs, by name."""
Forms = dict[str, FifoForm]


class _Goal:
    """The interval and the latency with unbounded FIFOs, and the beats that wait in them."""

    def __init__(self, build: Build, names: Sequence[str]) -> None:
        graph = build(dict.fromkeys(names, FifoForm(_UNBOUNDED)))
        queues = {name: graph.outputs_of(name)[0].name for name in names}
        player = player_for(graph, queues.values())
        first = Run(graph, player)
        first.play_frame()
        self.latency = first.latency
        self.first = {name: player.peak(queue) for name, queue in queues.items()}
        """The peaks of the first frame: with so much room, no FIFO delays it."""
        self.interval = max(operator.interval() for operator in graph.operators)
        while True:
            player.restart({})
            paced = Run(graph, player, self.interval)
            reached = _paced_interval(paced)
            if reached <= self.interval:
                break
            self.interval = reached
        self.paced = {name: player.peak(queue) for name, queue in queues.items()}
        """The peaks at an even pace: with so much room, the interval is kept."""

    def met(self, run: Run) -> bool:
        """Whether a graph is as fast; False also where that is not certain."""
        try:
            while len(run.done) < _MAX_FRAMES:
                run.play_frame()
                if run.latency > self.latency:
                    return False
                if run.keeps_up(self.interval):
                    return True
                period = run.period()
                if period is not None:
                    return run.done[-1] - run.done[-1 - period] <= period * self.interval
        except Deadlock:
            pass
        return False


def _paced_interval(run: Run) -> int:
    """Cycles per frame, rounded up, once the state repeats."""
    while True:
        run.play_frame()
        period = run.period()
        if period is not None and len(run.done) > period:
            return -(-(run.done[-1] - run.done[-1 - period]) // period)
        if len(run.done) == _MAX_FRAMES:
            return -(-(run.done[-1] - run.done[-5]) // 4)


def with_fifos(build: Build, names: Sequence[str]) -> Graph:
    """The graph with FIFOs of some of these names, as small as was found.

    Raises
    ------
    Deadlock
        If it deadlocks even with unbounded ones.
    """
    goal = _Goal(build, names)
    graph, forms = _enough(build, names, goal)
    trials = _Trials(goal)
    while forms:
        forms = trials.reduced(graph, forms)
        smaller = trials.without_least(build, forms)
        if smaller.keys() == forms.keys():
            return build(forms)
        forms = smaller
        graph = build(forms)
    return graph


def _enough(build: Build, names: Sequence[str], goal: _Goal) -> tuple[Graph, Forms]:
    """FIFOs with which the goal is met: those of the even pace if possible, in their cheapest forms if possible."""
    paced = {name: beats for name, beats in goal.paced.items() if beats > _QUEUED}
    for forms in (
        # A beat that takes longer also stays longer.
        {name: FifoForm(beats + 2, None) for name, beats in paced.items()},
        {name: FifoForm(beats) for name, beats in paced.items()},
    ):
        graph = build(forms)
        if goal.met(Run(graph, player_for(graph))):
            return graph, {name: _form(graph, name) for name in forms}
    # The first frame is not delayed by them, nor the others in the long run.
    forms = {name: FifoForm(max(_QUEUED, goal.first[name], goal.paced[name])) for name in names}
    return build(forms), forms


def _form(graph: Graph, name: str) -> FifoForm:
    fifo = graph[name]
    assert isinstance(fifo, Fifo)
    return FifoForm(fifo.depth, fifo.stages)


def _bits(graph: Graph, name: str, form: FifoForm) -> int:
    return form.depth * graph[name].inputs[0].width


class _Trials:
    """Simulations of smaller FIFOs, as many as are affordable."""

    def __init__(self, goal: _Goal) -> None:
        self._goal = goal
        self._left = _BEATS_PLAYED

    def _met(self, graph: Graph, player: Player) -> bool:
        run = Run(graph, player)
        met = self._goal.met(run)
        self._left -= len(run.done) * sum(stream.port.beats for stream in graph.streams)
        return met

    def reduced(self, graph: Graph, forms: Forms) -> Forms:
        """The depths reduced one by one, those of the most bits first; none of them can be smaller afterwards."""
        player = player_for(graph)
        queues = {name: graph.outputs_of(name)[0].name for name in forms}
        depths = {name: form.depth for name, form in forms.items()}
        for name in sorted(forms, key=lambda name: -_bits(graph, name, forms[name])):
            low = forms[name].least_depth
            while low < depths[name] and self._left > 0:
                middle = (low + depths[name]) // 2
                player.restart({queues[other]: depth for other, depth in {**depths, name: middle}.items()})
                if self._met(graph, player):
                    depths[name] = middle
                else:
                    low = middle + 1
        return {name: replace(form, depth=depths[name]) for name, form in forms.items()}

    def without_least(self, build: Build, forms: Forms) -> Forms:
        """The forms without those of the least depth, if they can all go, or without one of these."""
        least = [name for name, form in forms.items() if form.depth <= form.least_depth]
        for dropped in ([least] if len(least) > 1 else []) + [[name] for name in least]:
            fewer = {name: form for name, form in forms.items() if name not in dropped}
            if self._left > 0 and self._met(graph := build(fewer), player_for(graph)):
                return fewer
        return forms
