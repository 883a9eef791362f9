"""The space of all foldings of a graph: the options of each unit, beside its neighbours' (docs/tuning.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.connecting import behind, converters
from bnnfpga.dataflow.folding import Folding, LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.dataflow.stream import Port, Stream
from bnnfpga.tuning.cost_model import CostModel
from bnnfpga.tuning.elimination import Elimination, Variable
from bnnfpga.tuning.forms import Form, legal_forms

UNKNOWN = -1
"""Logic levels that have not been asked for yet."""


@dataclass(frozen=True)
class Option:
    """One way to build a unit behind certain producers: its folding, the unit, and the width converters in front."""

    folding: LayerFolding | None
    units: tuple[Operator, ...]

    @property
    def interval(self) -> int:
        return max(unit.interval() for unit in self.units)


@dataclass(eq=False)
class UnitOptions:
    """All ways to build a unit.

    Parameters
    ----------
    name
        The unit.
    variables
        What ties it to its neighbours; each option fits one combination of their values.
    keys
        int64 (options, variables): these values; options with equal ones follow each other.
    options
        The options.
    costs
        float64 (options, len(RESOURCES)).
    intervals
        int64 (options,): cycles per frame.
    delays
        float64 (options,): cycles that a vector takes, a measure of what the unit adds to the latency.
    levels
        int64 (options,): logic levels, `UNKNOWN` until they are needed.
    """

    name: str
    variables: tuple[Variable, ...]
    keys: NDArray[np.int64]
    options: list[Option]
    costs: NDArray[np.float64]
    intervals: NDArray[np.int64]
    delays: NDArray[np.float64]
    levels: NDArray[np.int64]
    starts: NDArray[np.int64] = field(init=False)
    """The first option of each combination of values."""

    def __post_init__(self) -> None:
        changes = np.any(self.keys[1:] != self.keys[:-1], axis=1)
        self.starts = np.concatenate([[0], np.flatnonzero(changes) + 1])

    def kept(self, rows: NDArray[np.int64]) -> UnitOptions:
        """Some of the options, in the given order."""
        options = [self.options[row] for row in rows]
        arrays = (self.costs[rows], self.intervals[rows], self.delays[rows], self.levels[rows])
        return UnitOptions(self.name, self.variables, self.keys[rows], options, *arrays)

    def sorted(self) -> UnitOptions:
        """The options, those with equal keys beside each other."""
        return self.kept(np.lexsort(self.keys.T[::-1]) if self.variables else np.arange(len(self.options)))

    def undominated(self) -> UnitOptions:
        """Only the options that no other one with the same keys is at least as good as in everything."""
        kept = []
        ends = [*self.starts[1:], len(self.options)]
        known = self.levels != UNKNOWN
        # Unknown levels may be any: the most when compared with another option's, and then the least.
        worst, best = np.where(known, self.levels, np.iinfo(np.int64).max), np.where(known, self.levels, -1)
        figures = np.column_stack([self.costs, self.intervals, self.delays])
        for start, end in zip(self.starts, ends, strict=True):
            own, rows = figures[start:end], np.arange(start, end)
            better = np.all(own[:, None] <= own[None], axis=2) & (worst[rows][:, None] <= best[rows][None])
            # Of equals, the first stays.
            same = better & better.T
            better &= ~same | (rows[:, None] < rows[None])
            kept.append(rows[~better.any(axis=0)])
        return self.kept(np.concatenate(kept))


class FoldingSpace:
    """The options of every unit of a graph, and how they are tied to each other.

    Two neighbours are tied by the ports of the producer, from which width converters follow, and, where the producer
    keeps up with its consumer, by what that one asks for.

    Parameters
    ----------
    graph
        As returned by `lower`, unfolded.
    model
        The costs.
    pinned
        Settings that are fixed.
    """

    def __init__(self, graph: Graph, model: CostModel, pinned: Folding | None = None) -> None:
        self.graph, self.model = graph, model
        self._pinned = pinned or {}
        self._asking: dict[str, bool] = {}
        self._forms: dict[str, list[Form]] = {}
        self._requests: dict[tuple[str, int], dict[tuple[int, Port], int]] = {}
        """For each input whose producer listens to it: the number of each request, an interval and a port."""
        self._form_for: dict[str, dict[tuple[int, ...], int]] = {}
        """For units that listen to their consumers: the form by the numbers of their requests."""
        self._ports: dict[str, dict[tuple[Port, ...], int]] = {}
        """The output ports that a unit can have, numbered."""
        self._reachable: dict[str, dict[tuple[int, ...], set[int]]] = {}
        self._costs: dict[object, tuple[NDArray[np.float64], int]] = {}
        for operator in graph.operators:
            self._asking[operator.name] = self._listens(operator)
        for operator in reversed(graph.operators):
            self._forms[operator.name] = self._forms_of(operator)
        self.units = [self._options_of(operator) for operator in graph.operators]

    @cached_property
    def elimination(self) -> Elimination:
        """How to minimise a sum of tables of the units' variables."""
        return Elimination([unit.variables for unit in self.units], self.sizes)

    @cached_property
    def sizes(self) -> dict[Variable, int]:
        """The number of values of each variable."""
        result: dict[Variable, int] = {}
        for unit in self.units:
            for column, variable in enumerate(unit.variables):
                result[variable] = max(result.get(variable, 0), int(unit.keys[:, column].max()) + 1)
        return result

    def _producers(self, operator: Operator) -> list[Stream]:
        return [stream for stream in self.graph.inputs_of(operator.name) if stream.producer is not None]

    def _consumers(self, operator: Operator) -> list[Stream]:
        return [stream for stream in self.graph.outputs_of(operator.name) if stream.consumer is not None]

    def _listens(self, operator: Operator) -> bool:
        """Whether its consumers determine its form: no producer determines all of it, or it passes requests on."""
        if operator.legal_pe():
            return False
        producers = self._producers(operator)
        return (
            operator.follows_consumer
            or not producers
            or any(self._asking[str(stream.producer)] for stream in producers)
        )

    def _forms_of(self, operator: Operator) -> list[Form]:
        if operator.legal_pe():
            forms = legal_forms(operator, self._pinned.get(operator.name, LayerFolding()))
        elif self._asking[operator.name]:
            forms = self._asked_forms(operator)
        else:
            forms = [Form(operator)]
        for stream in self._producers(operator):
            if self._asking[str(stream.producer)]:
                requests = self._requests[operator.name, stream.input] = {}
                for form in forms:
                    requests.setdefault((form.unit.interval(), form.unit.inputs[stream.input]), len(requests))
        return forms

    def _asked_forms(self, operator: Operator) -> list[Form]:
        """The forms of a unit that keeps up with its consumers, one for each pair of input and output ports."""
        streams = self._consumers(operator)
        requests = [self._requests[str(stream.consumer), stream.input] for stream in streams]
        forms: dict[object, Form] = {}
        numbers: dict[object, int] = {}
        by_request = self._form_for[operator.name] = {}
        for chosen in product(*requests):
            interval = min((interval for interval, _ in chosen), default=1)
            unit = operator.in_front_of(interval, *(port for _, port in chosen))
            key = (unit.inputs, unit.outputs)
            forms.setdefault(key, Form(unit))
            number = numbers.setdefault(key, len(numbers))
            by_request[tuple(own[request] for own, request in zip(requests, chosen, strict=True))] = number
        return list(forms.values())

    def _options_of(self, operator: Operator) -> UnitOptions:
        """The options of a unit whose producers have theirs already."""
        name, producers, consumers = operator.name, self._producers(operator), self._consumers(operator)
        asked = [stream for stream in producers if self._asking[str(stream.producer)]]
        variables: list[Variable] = [("ports", stream.producer) for stream in producers]
        variables += [("request", name, stream.input) for stream in asked]
        if self._asking[name]:
            variables += [("request", stream.consumer, stream.input) for stream in consumers]
        variables += [("ports", name)] if consumers else []
        ports = self._ports[name] = {}
        rows: list[tuple[tuple[int, ...], Option]] = []
        for number, form in enumerate(self._forms[name]):
            requests = [
                self._requests[name, stream.input][form.unit.interval(), form.unit.inputs[stream.input]]
                for stream in asked
            ]
            answered: Iterable[tuple[int, ...]] = [()]
            if self._asking[name]:
                answered = [key for key, asked_form in self._form_for[name].items() if asked_form == number]
            for sources in self._sources(producers, dict(zip([s.input for s in asked], requests, strict=True))):
                option = self._option(form, producers, [source for _, source in sources])
                out = ports.setdefault(option.units[-1].outputs, len(ports))
                for key in answered:
                    if self._asking[name]:
                        self._reachable.setdefault(name, {}).setdefault(key, set()).add(out)
                    numbers = [index for index, _ in sources]
                    rows.append(((*numbers, *requests, *key, *([out] if consumers else [])), option))
        return self._table(operator, tuple(variables), rows)

    def _sources(
        self, producers: Sequence[Stream], requests: Mapping[int, int]
    ) -> Iterator[tuple[tuple[int, tuple[Port, ...]], ...]]:
        """All ports that the producers of a unit with these requests can have together, each with its number."""
        choices = []
        for stream in producers:
            name = str(stream.producer)
            ports = [(number, ports) for ports, number in self._ports[name].items()]
            alone = len(self._consumers(self.graph[name])) == 1
            if stream.input in requests and alone:
                reachable = self._reachable[name][requests[stream.input],]
                ports = [(number, own) for number, own in ports if number in reachable]
            choices.append(ports)
        return product(*choices)

    def _option(self, form: Form, producers: Sequence[Stream], sources: Sequence[tuple[Port, ...]]) -> Option:
        ports = {stream.input: own[stream.output] for stream, own in zip(producers, sources, strict=True)}
        unit = behind(form.unit, ports)
        between = [step for input, port in ports.items() for step in converters(port, unit, input)]
        return Option(form.folding, (*between, unit))

    def _table(
        self, operator: Operator, variables: tuple[Variable, ...], rows: Sequence[tuple[tuple[int, ...], Option]]
    ) -> UnitOptions:
        options = [option for _, option in rows]
        keys = np.array([key for key, _ in rows], np.int64).reshape(len(rows), len(variables))
        figures = [self._figures(option) for option in options]
        table = UnitOptions(
            operator.name,
            variables,
            keys,
            options,
            np.array([cost for cost, _ in figures]),
            np.array([option.interval for option in options], np.int64),
            np.array([_delay(option.units[-1]) for option in options]),
            np.array([levels for _, levels in figures], np.int64),
        )
        return table.sorted().undominated()

    def _figures(self, option: Option) -> tuple[NDArray[np.float64], int]:
        """Resources and logic levels of an option."""
        *between, unit = option.units
        figures = [*(self._figures_of(step, None) for step in between), self._figures_of(unit, option.folding)]
        levels = [own for _, own in figures]
        return np.sum([cost for cost, _ in figures], axis=0), UNKNOWN if UNKNOWN in levels else max(levels)

    def _figures_of(self, unit: Operator, folding: LayerFolding | None) -> tuple[NDArray[np.float64], int]:
        # A unit is what its folding and its ports say.
        key = (unit.name, folding, unit.inputs, unit.outputs)
        if key not in self._costs:
            cost = self.model.of(unit)
            levels = self.model.levels(unit) if self.model.has_quick_levels(unit) else UNKNOWN
            self._costs[key] = (np.array([cost.get(kind, 0) for kind in RESOURCES], np.float64), levels)
        return self._costs[key]

    def levels_of(self, unit: UnitOptions, row: int) -> int:
        """The logic levels of an option, asked for if they are not known yet."""
        if unit.levels[row] == UNKNOWN:
            unit.levels[row] = max(self.model.levels(part) for part in unit.options[row].units)
        return int(unit.levels[row])


def _delay(unit: Operator) -> float:
    """Cycles that a vector takes: a unit with one vector per frame starts when the unit before it has finished."""
    return unit.interval() / int(np.prod(unit.outputs[0].shape[:-1]))
