"""Small random graphs with forks and joins, and all of their foldings."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from bnnfpga.dataflow import folding as folding_module
from bnnfpga.dataflow.assembly import FifoForm, assemble, fifo_name, joined_inputs
from bnnfpga.dataflow.folding import Folding, LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.memory_kinds import WeightsKind
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.requantizers import RequantizerKind
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.tuning.join_bounds import JoinBounds
from tests.support.deep_graphs import BIPOLAR, CODES, PIXEL, GraphWriter

MOST_FOLDINGS = 160
"""So that all of them are tried in a fraction of a second."""


def small_net(seed: int) -> tuple[Graph, Folding]:
    """A graph, and settings fixed for some of its layers, so that it has at most `MOST_FOLDINGS` foldings."""
    rng = np.random.default_rng((seed, 16))
    writer = GraphWriter(seed)
    image = rng.random() < 0.6
    shape = (int(rng.choice([2, 4])), int(rng.choice([2, 4])), 2) if image else (int(rng.choice([4, 6])),)
    port = Port(shape, PIXEL if rng.random() < 0.5 else BIPOLAR, 1)
    for _ in range(int(rng.integers(1, 4))):
        port = _anything(writer, rng, port)
    graph = writer.finished().built_for(Target(family=str(rng.choice(["xc7", "ecp5"]))))
    return graph, _fixed(graph, rng)


def _anything(writer: GraphWriter, rng: np.random.Generator, port: Port) -> Port:
    kinds = ["threshold", "dense", "residual", "concat", "select"]
    if len(port.shape) == 3:
        kinds += ["convolution", "pool", "convolution"]
    kind = rng.choice(kinds)
    if kind == "threshold":
        return writer.threshold(port, _output(rng))
    if kind == "dense":
        return _dense(writer, rng, port, int(rng.choice([2, 3, 4])))
    if kind == "convolution":
        return writer.convolution(port, int(rng.choice([2, 3])), int(rng.choice([1, 3])), output=_output(rng))
    if kind == "pool":
        return writer.pool(port, 3, 1)
    if kind == "select":
        channels = port.shape[-1]
        index = tuple(int(place) for place in rng.integers(0, channels, channels))
        return writer.put(Select(writer.name("select"), port.shape[:-1], channels, index, port.type))
    fork = writer.name("fork")
    source = writer.put(Fork(fork, port))
    long = _dense(writer, rng, source, source.shape[-1])
    if rng.random() < 0.4:
        long = writer.threshold(long, source.type if source.type.is_bipolar else CODES)
    if kind == "residual" or long.type != source.type:
        return writer.join(fork, Add(writer.name("add"), long.shape, (long.type, source.type)), output=1)
    channels = (long.shape[-1], source.shape[-1])
    return writer.join(fork, Concat(writer.name("concat"), long.shape[:-1], channels, long.type), output=1)


def _output(rng: np.random.Generator) -> IntegerType:
    return BIPOLAR if rng.random() < 0.6 else IntegerType.interval(0, 3)


def _dense(writer: GraphWriter, rng: np.random.Generator, port: Port, outputs: int) -> Port:
    weights = writer.rng.choice([-1, 1], (outputs, port.shape[-1]))
    unit = MatrixVector(writer.name("matrix_vector"), weights, port.type, port.shape[:-1])
    if rng.random() < 0.6:
        unit = replace(unit, table=writer.table(unit.accumulator, outputs, _output(rng)))
    return writer.put(unit)


def _fixed(graph: Graph, rng: np.random.Generator) -> Folding:
    """Settings of random units until few foldings are left."""
    forms = {unit.name: all_forms(unit) for unit in graph.operators if unit.legal_pe()}
    fixed: dict[str, LayerFolding] = {}
    while math.prod(map(len, forms.values())) > MOST_FOLDINGS:
        name = str(rng.choice([name for name, own in forms.items() if len(own) > 1]))
        chosen = forms[name][int(rng.integers(len(forms[name])))]
        # Fix the memory or, next time, all the rest.
        alike = [form for form in forms[name] if form.memory == chosen.memory]
        if name in fixed or len(alike) == len(forms[name]):
            alike = [form for form in forms[name] if form == chosen]
        fixed[name] = chosen if len(alike) == 1 else LayerFolding(memory=chosen.memory)
        forms[name] = alike
    return fixed


def all_forms(unit: Operator) -> list[LayerFolding]:
    """All foldings of a unit, as a folding file could have them."""
    forms = []
    for pe in unit.legal_pe():
        for simd in unit.legal_simd(pe) or (None,):
            folded = unit.refolded(**({"pe": pe} if simd is None else {"pe": pe, "simd": simd}))
            for pixels in (None, *(() if simd is None else unit.legal_kernel_pixels(simd)[1:])):
                made = folded if pixels is None else folded.refolded(kernel_pixels=pixels)
                forms += [LayerFolding(pe, simd, *own, None, pixels) for own in _memories_and_requantizers(made)]
    return forms


def _memories_and_requantizers(folded: Operator) -> Iterator[tuple[WeightsKind | None, RequantizerKind | None]]:
    for requantizer in (None, *folded.requantizer_kinds):
        made = folded if requantizer is None else folded.refolded(requantizer=requantizer)
        for memory in made.memory_kinds or (None,):
            yield memory, requantizer


def all_foldings(graph: Graph, fixed: Folding) -> Iterator[tuple[Folding, Graph]]:
    """Every folding with these settings, and the graph as the compiler folds it, but with the deepest FIFOs."""
    names = [unit.name for unit in graph.operators if unit.legal_pe()]
    choices = [
        [form for form in all_forms(graph[name]) if _is_searched(graph[name], form, fixed.get(name, LayerFolding()))]
        for name in names
    ]
    for chosen in product(*choices):
        folding = dict(zip(names, chosen, strict=True))
        yield folding, with_deepest_fifos(graph, {**fixed, **folding})


def with_deepest_fifos(graph: Graph, folding: Folding) -> Graph:
    """The graph as the compiler folds it, but with FIFOs of the depths that are given, or else the deepest ones."""
    folded = {
        unit.name: folding_module._fold_operator(unit, folding.get(unit.name, LayerFolding()), "test")
        for unit in graph.operators
    }
    folding_module._keep_up(graph, folded)
    bare, bounds = assemble(graph, folded, {}), JoinBounds(graph)
    forms = {}
    for consumer, input in ((bare[unit.name], input) for unit in graph.operators for input in joined_inputs(unit)):
        name = fifo_name(consumer, input)
        given = folding.get(name, LayerFolding())
        form = bounds.form(consumer, input) if given.depth is None else FifoForm(given.depth, given.stages)
        forms.update({name: form} if form.depth else {})
    return assemble(graph, folded, forms)


def _is_searched(unit: Operator, form: LayerFolding, fixed: LayerFolding) -> bool:
    """Whether a form has what is fixed, and else only what a unit may be given (docs/tuning.md)."""
    if fixed.completed(form) != form:
        return False
    if fixed.simd is not None and form.kernel_pixels != fixed.kernel_pixels:
        # A fixed SIMD is of as few pixels as possible, unless it says otherwise.
        return False
    if fixed.memory is not None:
        # Where all but the requantizer is fixed, it is the unit's own.
        return fixed.pe is None or form.requantizer == fixed.requantizer
    if form.memory is None:
        return True
    made = unit.refolded(**{key: value for key, value in form.as_dict().items() if key != "memory"})
    if form.memory == "logic":
        return made.suited_memory == "logic"
    late = {kind: _levels_too_many(made.refolded(memory=kind)) for kind in made.memory_kinds if kind != "logic"}
    return late[form.memory] == min(late.values())


def _levels_too_many(unit: Operator) -> int:
    return max(0, unit.logic_levels - unit.target.levels)
