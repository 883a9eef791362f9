"""FIFO depths: few bits that keep the interval and the latency of unbounded FIFOs (docs/dataflow.md, section 5).

Buffer sizes under a throughput constraint are known from synchronous dataflow graphs: Stuijk, Geilen and Basten,
"Exploring trade-offs in buffer requirements and throughput constraints for synchronous dataflow graphs" (DAC 2006).
Timing is monotonic, so a schedule that fits into some FIFOs is a proof for them: units that start as early as they can
are never later. Such a schedule is that of an input at an even pace, in which no beats pile up in front of a slow unit.
From its peaks, depths are reduced one by one, each checked by a simulation that ends in a certificate: first in the
parts of the graph that a single stream connects, so that work grows with the graph; then all together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from bnnfpga.dataflow.assembly import FifoForm
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.token_model import Deadlock, Playing, player_for

_UNBOUNDED = 1 << 40
"""Depth of a FIFO that is never full."""
_QUEUED = 2
"""Beats that a producer's own queue holds at least."""
_MAX_FRAMES = 24
"""Frames after which an interval that is still not certain counts as missed."""
_TRIALS = 64
"""Simulations for a graph, about."""
_BEATS_IN_PARTS, _BEATS_IN_ALL = 1 << 28, 1 << 25
"""Beats played in trials of parts, and of the whole graph: then depths are no longer reduced. No clock decides, so the
same graph has the same depths on any machine."""
_ROUNDS = 2

Build = Callable[[Mapping[str, FifoForm]], Graph]
"""The graph with some FIFOs, by name."""
Forms = dict[str, FifoForm]


def with_fifos(build: Build, names: Sequence[str]) -> Graph:
    """The graph with FIFOs of some of these names, as small as was found.

    Raises
    ------
    Deadlock
        If it deadlocks even with unbounded ones.
    """
    goal = _Goal(build(dict.fromkeys(names, FifoForm(_UNBOUNDED))), names)
    forms = _enough(build, names, goal)
    for _ in range(_ROUNDS):
        graph = build(forms)
        parts = [units for units in _parts(graph) if any(unit.name in forms for unit in units)]
        reduced = []
        for units in parts:
            inner = {unit.name: forms[unit.name] for unit in units if unit.name in forms}
            own = _Goal(_alone(graph, units), list(inner), goal.interval)
            reduced.append(_reduced(own, inner, list(inner), _BEATS_IN_PARTS // len(parts)))
        forms = _accepted(build, goal, forms, reduced)
        # A part alone may need less than behind bursts, or more, where its own latency is none of the whole.
        if _TRIALS // 8 * goal.beats < _BEATS_IN_ALL:
            forms = _reduced(goal.of(build(forms), list(forms)), forms, list(forms), _BEATS_IN_ALL)
        least: list[Mapping[str, FifoForm | None]] = [
            {name: None} for name, form in forms.items() if form.depth <= form.least_depth
        ]
        before = forms
        forms = _accepted(build, goal, forms, least)
        if forms == before:
            break
    return build(forms)


class _Goal:
    """The interval and the latency of a graph with unbounded FIFOs, and the beats that wait in them."""

    def __init__(self, graph: Graph, names: Sequence[str], interval: int | None = None) -> None:
        queues = {name: graph.outputs_of(name)[0].name for name in names}
        self._player = player_for(graph, queues.values(), times=_TRIALS)
        self._graph, self._queues = graph, queues
        first = self._run({})
        first.play_frame()
        self.latency = first.latency
        self.first = self._peaks()
        """The peaks of the first frame: with so much room, no FIFO delays it."""
        self.interval = interval or max(operator.interval() for operator in graph.operators)
        while (reached := _reached(self._run({}, self.interval))) > self.interval:
            self.interval = reached
        self.paced = self._peaks()
        """The peaks at an even pace: with so much room, the interval is kept."""
        self.beats = sum(stream.port.beats for stream in graph.streams)
        """Beats of a frame, on all streams."""
        self.played = 0
        """Beats of all trials."""

    def of(self, graph: Graph, names: Sequence[str]) -> _Goal:
        """The same interval and latency for another graph."""
        other = _Goal(graph, names, self.interval)
        other.interval, other.latency = self.interval, self.latency
        return other

    def width(self, name: str) -> int:
        """The bits of a FIFO's beat."""
        return self._graph[name].inputs[0].width

    def _run(self, depths: Mapping[str, int], pace: int = 0) -> Playing:
        """A run with these depths, unbounded ones by default."""
        self._player.restart({queue: depths.get(name, _UNBOUNDED) for name, queue in self._queues.items()})
        return Playing(self._graph, self._player, pace)

    def _peaks(self) -> dict[str, int]:
        return {name: self._player.peak(queue) for name, queue in self._queues.items()}

    def met_with(self, depths: Mapping[str, int]) -> bool:
        """Whether the graph is as fast with these depths."""
        run = self._run(depths)
        met = self.met(run)
        self.played += len(run.done) * self.beats
        return met

    def met(self, run: Playing) -> bool:
        """Whether another graph, or other depths, are as fast; False also where that is not certain."""
        try:
            while len(run.done) < _MAX_FRAMES:
                run.play_frame()
                if run.latency > self.latency:
                    return False
                if run.keeps_up(self.interval):
                    return True
                period = run.period()
                if period is not None and len(run.done) > period:
                    return run.done[-1] - run.done[-1 - period] <= period * self.interval
        except Deadlock:
            pass
        return False


def _reached(run: Playing) -> int:
    """Cycles per frame, rounded up, once the state repeats."""
    period = None
    while period is None or len(run.done) <= period:
        run.play_frame()
        period = 4 if len(run.done) == _MAX_FRAMES else run.period()
    return -(-(run.done[-1] - run.done[-1 - period]) // period)


def _enough(build: Build, names: Sequence[str], goal: _Goal) -> Forms:
    """FIFOs with which the goal is met: those of the even pace if possible, in their cheapest forms if possible."""
    paced = {name: beats for name, beats in goal.paced.items() if beats > _QUEUED}
    for forms in (
        # A beat that takes longer also stays longer.
        {name: FifoForm(beats + 2, None) for name, beats in paced.items()},
        {name: FifoForm(beats) for name, beats in paced.items()},
    ):
        graph = build(forms)
        if goal.met(Playing(graph, player_for(graph))):
            return {name: FifoForm(*queues) for name in forms if (queues := graph[name].queues)}
    # The first frame is not delayed by them, nor the others in the long run.
    return {name: FifoForm(max(_QUEUED, goal.first[name], goal.paced[name])) for name in names}


def _parts(graph: Graph) -> list[tuple[Operator, ...]]:
    """The units in order, cut wherever a single stream leads on."""
    place = {unit.name: index for index, unit in enumerate(graph.operators)}
    steps = [0] * (len(place) + 1)
    for stream in graph.streams:
        if stream.producer is not None:
            steps[place[stream.producer]] += 1
            steps[-1 if stream.consumer is None else place[stream.consumer]] -= 1
    parts, start = [], 0
    for end, (unit, crossing) in enumerate(zip(graph.operators, accumulate(steps), strict=False), 1):
        if end == len(place) or (crossing == 1 and len(unit.outputs) == 1):
            parts.append(graph.operators[start:end])
            start = end
    return parts


def _alone(graph: Graph, units: Sequence[Operator]) -> Graph:
    """A part of a graph between an input that is always valid and an output that is always ready."""
    if len(units) == len(graph.operators):
        return graph
    result, names = Graph(), {unit.name for unit in units}
    for unit in units:
        result.add(unit)
    for unit in units:
        for stream in graph.inputs_of(unit.name):
            if stream.producer in names:
                result.connect(str(stream.producer), unit.name, output=stream.output, input=stream.input)
    ends = [unit.name for unit in units if any(s.consumer not in names for s in graph.outputs_of(unit.name))]
    result.set_boundary(units[0].name, ends)
    return result


def _reduced(goal: _Goal, forms: Forms, names: Sequence[str], beats: int) -> Forms:
    """Some depths reduced one by one, those of the most bits first; after that none of them can be smaller."""
    depths = {name: form.depth for name, form in forms.items()}
    if goal.met_with(depths):
        for name in sorted(names, key=lambda name: -depths[name] * goal.width(name)):
            low = forms[name].least_depth
            # Most depths are reduced already when they come here again.
            if low < depths[name] and goal.played < beats and not goal.met_with({**depths, name: depths[name] - 1}):
                continue
            while low < depths[name] and goal.played < beats:
                middle = (low + depths[name]) // 2
                if goal.met_with({**depths, name: middle}):
                    depths[name] = middle
                else:
                    low = middle + 1
    return {name: replace(form, depth=depths[name]) for name, form in forms.items()}


def _accepted(build: Build, goal: _Goal, forms: Forms, changes: Sequence[Mapping[str, FifoForm | None]]) -> Forms:
    """The forms with as many of the changes as the whole graph allows, None for a FIFO that is left out."""
    changed = {**forms, **{name: form for change in changes for name, form in change.items()}}
    found = {name: form for name, form in changed.items() if form is not None}
    if found == forms:
        return forms
    graph = build(found)
    if goal.met(Playing(graph, player_for(graph))):
        return found
    if len(changes) == 1:
        return forms
    half = len(changes) // 2
    return _accepted(build, goal, _accepted(build, goal, forms, changes[:half]), changes[half:])
