"""The space of all foldings of a graph: the options of each unit, beside its neighbours' (docs/tuning.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product

import numpy as np

from bnnfpga.dataflow.assembly import FifoForm, assembled_fifo, fifo_name, joined_inputs
from bnnfpga.dataflow.connecting import behind, converters
from bnnfpga.dataflow.folding import Folding, LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Port, Stream
from bnnfpga.tuning.cost_model import CostModel
from bnnfpga.tuning.elimination import Elimination, Variable
from bnnfpga.tuning.first_frame import UnitTimes
from bnnfpga.tuning.forms import UnitForm, legal_forms
from bnnfpga.tuning.join_bounds import JoinBounds
from bnnfpga.tuning.unit_options import Option, PricedUnit, UnitOptions, undominated

Ports = tuple[Port, ...]
Request = tuple[int, Port]
"""What a unit asks of its producer: its interval, and its input port."""


class FoldingSpace:
    """The options of every unit of a graph, and how they are tied to each other.

    Two neighbours are tied by the ports of the producer, from which width converters follow, and, where the producer
    listens to its consumer, by what that one asks for. A unit is known by its folding and its ports.

    Parameters
    ----------
    graph
        As returned by `lower`, unfolded.
    model
        The costs.
    pinned
        Settings that are fixed.
    cycles
        The most cycles per frame that are of interest; None for any. Units that are slower in every form are as fast
        as they can be.
    timed
        Whether the cycles of pipelines count, so that forms with fewer of them are kept although they cost more.
    """

    def __init__(
        self,
        graph: Graph,
        model: CostModel,
        pinned: Folding | None = None,
        cycles: int | None = None,
        *,
        timed: bool = False,
    ) -> None:
        self.graph, self.model = graph, model
        self.pinned, self._cycles, self._timed = pinned or {}, cycles, timed
        self._times: dict[int, UnitTimes] = {}
        self._bounds = JoinBounds(graph)
        self._listens: dict[str, bool] = {}
        self._forms: dict[str, list[UnitForm]] = {}
        self._requests: dict[tuple[str, int], dict[Request, int]] = {}
        """The requests that come from an input whose producer listens, numbered."""
        self._answers: dict[str, dict[tuple[int, ...], int]] = {}
        """For a unit that listens, the number of its form by the requests of its consumers."""
        self._ports: dict[str, dict[Ports, int]] = {}
        """The output ports that a unit can have, numbered."""
        self._reachable: dict[str, dict[tuple[int, ...], set[int]]] = {}
        """For a unit that listens, the numbers of its output ports by the requests of its consumers."""
        self._priced: dict[object, PricedUnit] = {}
        self._inserted: dict[object, tuple[PricedUnit, ...]] = {}
        """Converters and FIFOs in front of an input."""
        for operator in graph.operators:
            self._listens[operator.name] = self._has_to_listen(operator)
        for operator in reversed(graph.operators):
            self._forms[operator.name] = self._forms_of(operator)
        self.units = [self._options_of(operator) for operator in graph.operators]

    @cached_property
    def sizes(self) -> dict[Variable, int]:
        """The number of values of each variable."""
        result: dict[Variable, int] = {}
        for unit in self.units:
            for column, variable in enumerate(unit.variables):
                result[variable] = max(result.get(variable, 0), int(unit.keys[:, column].max()) + 1)
        return result

    @cached_property
    def elimination(self) -> Elimination:
        """How to minimise a sum of tables of the units' variables."""
        return Elimination([unit.variables for unit in self.units], self.sizes)

    def levels_of(self, unit: UnitOptions, row: int) -> int:
        """The logic levels of an option, asked for if they are not known yet."""
        if unit.levels[row] < 0:
            unit.levels[row] = max(self.model.levels(part.unit) for part in unit.options[row].parts)
        return int(unit.levels[row])

    def times_of(self, unit: Operator) -> UnitTimes:
        """The timing of a unit, converter or FIFO of an option."""
        # It holds the unit, so no other one gets its number.
        if id(unit) not in self._times:
            self._times[id(unit)] = UnitTimes.of(unit)
        return self._times[id(unit)]

    def _priced_unit(self, unit: Operator) -> PricedUnit:
        return PricedUnit.of(unit, self.model, self.times_of(unit).latency if self._timed else 0)

    def _producers(self, operator: Operator) -> list[Stream]:
        return [stream for stream in self.graph.inputs_of(operator.name) if stream.producer is not None]

    def _consumers(self, operator: Operator) -> list[Stream]:
        return [stream for stream in self.graph.outputs_of(operator.name) if stream.consumer is not None]

    def _has_to_listen(self, operator: Operator) -> bool:
        """Whether its consumers determine its form: no producer determines all of it, or it passes requests on."""
        if operator.legal_pe():
            return False
        producers = [str(stream.producer) for stream in self._producers(operator)]
        return operator.follows_consumer or not producers or any(self._listens[name] for name in producers)

    def _forms_of(self, operator: Operator) -> list[UnitForm]:
        """A unit's forms, and as a consumer what they ask for; its own consumers have theirs already."""
        if operator.legal_pe():
            forms = self._undominated(legal_forms(operator, self.pinned.get(operator.name, LayerFolding())))
        elif self._listens[operator.name]:
            forms = self._answering_forms(operator)
        else:
            forms = [UnitForm(operator)]
        for stream in self._producers(operator):
            if self._listens[str(stream.producer)]:
                requests = self._requests[operator.name, stream.input] = {}
                for form in forms:
                    requests.setdefault(_request(form.unit, stream.input), len(requests))
        return forms

    def _undominated(self, forms: list[UnitForm]) -> list[UnitForm]:
        """The forms that may be best, and fast enough.

        Of two with the same ports, the one that is worse before any producer is worse behind all of them: what a
        producer changes in a unit does not depend on its memories.
        """
        if self._cycles is not None:
            intervals = [form.unit.interval() for form in forms]
            most = max(self._cycles, min(intervals))
            forms = [form for form, interval in zip(forms, intervals, strict=True) if interval <= most]
        groups: dict[tuple[Ports, Ports], list[tuple[UnitForm, PricedUnit]]] = {}
        for form in forms:
            key = (form.unit.inputs, form.unit.outputs)
            groups.setdefault(key, []).append((form, self._price(form, form.unit)))
        kept = []
        for group in groups.values():
            figures = np.array([Option(None, (priced,)).figures for _, priced in group], np.float64)
            best = undominated(figures, np.array([priced.levels for _, priced in group]))
            kept += [form for (form, _), is_kept in zip(group, best, strict=True) if is_kept]
        return kept

    def _answering_forms(self, operator: Operator) -> list[UnitForm]:
        """The forms of a unit that keeps up with its consumers."""
        streams = self._consumers(operator)
        requests = [self._requests[str(stream.consumer), stream.input] for stream in streams]
        forms: dict[tuple[Ports, Ports], tuple[int, UnitForm]] = {}
        answers = self._answers[operator.name] = {}
        for chosen in product(*requests):
            interval = min((interval for interval, _ in chosen), default=1)
            unit = operator.in_front_of(interval, *(port for _, port in chosen))
            number, _ = forms.setdefault((unit.inputs, unit.outputs), (len(forms), UnitForm(unit)))
            answers[tuple(own[request] for own, request in zip(requests, chosen, strict=True))] = number
        return [form for _, form in forms.values()]

    def _options_of(self, operator: Operator) -> UnitOptions:
        """The options of a unit whose producers have theirs already."""
        name, streams, consumers = operator.name, self._producers(operator), self._consumers(operator)
        asked = [stream for stream in streams if self._listens[str(stream.producer)]]
        listens = self._listens[name]
        variables: list[Variable] = [("ports", producer) for producer in _distinct(streams)]
        variables += [("request", name, stream.input) for stream in asked]
        variables += [("request", stream.consumer, stream.input) for stream in consumers if listens]
        variables += [("ports", name)] if consumers else []
        ports = self._ports[name] = {}
        rows: list[tuple[tuple[int, ...], Option]] = []
        for number, form in enumerate(self._forms[name]):
            requests = {s.input: self._requests[name, s.input][_request(form.unit, s.input)] for s in asked}
            answered: Iterable[tuple[int, ...]] = [()]
            if listens:
                answered = [heard for heard, answer in self._answers[name].items() if answer == number]
            for sources in self._sources(streams, requests):
                option = self._option(form, streams, sources)
                out = ports.setdefault(option.parts[-1].unit.outputs, len(ports))
                before = (*(index for index, _ in sources.values()), *requests.values())
                for heard in answered:
                    if listens:
                        self._reachable.setdefault(name, {}).setdefault(heard, set()).add(out)
                    rows.append(((*before, *heard, *([out] if consumers else [])), option))
        return UnitOptions.of(name, tuple(variables), rows)

    def _sources(
        self, streams: Sequence[Stream], requests: Mapping[int, int]
    ) -> Iterator[dict[str, tuple[int, Ports]]]:
        """All ports that the producers of a unit with these requests can have together, by name, with their number."""
        choices: dict[str, list[tuple[int, Ports]]] = {}
        for stream in streams:
            name = str(stream.producer)
            choices[name] = [(number, ports) for ports, number in self._ports[name].items()]
            if stream.input in requests and len(self._consumers(self.graph[name])) == 1:
                reachable = self._reachable[name][requests[stream.input],]
                choices[name] = [choice for choice in choices[name] if choice[0] in reachable]
        for chosen in product(*choices.values()):
            yield dict(zip(choices, chosen, strict=True))

    def _option(self, form: UnitForm, streams: Sequence[Stream], sources: Mapping[str, tuple[int, Ports]]) -> Option:
        ports = {stream.input: sources[str(stream.producer)][1][stream.output] for stream in streams}
        unit = behind(form.unit, ports)
        between = [(step, input) for input, port in ports.items() for step in self._between(port, unit, input)]
        steps, inputs = (step for step, _ in between), tuple(input for _, input in between)
        return Option(form.folding, (*steps, self._price(form, unit)), inputs)

    def _between(self, source: Port, unit: Operator, input: int) -> tuple[PricedUnit, ...]:
        joins = input in joined_inputs(unit)
        if source.lanes == unit.inputs[input].lanes and not joins:
            return ()
        key = (unit.name, input, source, unit.inputs[input], unit.interval() if joins else None)
        if key not in self._inserted:
            steps: list[Operator] = [*converters(source, unit, input)]
            if joins and (form := self._fifo(unit, input)).depth:
                steps.append(assembled_fifo(unit, input, form))
            self._inserted[key] = tuple(map(self._priced_unit, steps))
        return self._inserted[key]

    def _fifo(self, unit: Operator, input: int) -> FifoForm:
        """The FIFO where branches meet: as given, or of the depth that it has at most."""
        given = self.pinned.get(fifo_name(unit, input), LayerFolding())
        return self._bounds.form(unit, input) if given.depth is None else FifoForm(given.depth, given.stages)

    def _price(self, form: UnitForm, unit: Operator) -> PricedUnit:
        # A form that its producers leave as it is has been hashed once.
        key = id(unit) if unit is form.unit else (id(form), unit.inputs, unit.outputs)
        if key not in self._priced:
            self._priced[key] = self._priced_unit(unit)
        return self._priced[key]


def _request(unit: Operator, input: int) -> Request:
    return unit.interval(), unit.inputs[input]


def _distinct(streams: Sequence[Stream]) -> list[str]:
    return list(dict.fromkeys(str(stream.producer) for stream in streams))
