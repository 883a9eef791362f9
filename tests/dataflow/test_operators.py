"""Every operator alone in hardware, over kinds of parameters and foldings, with and without stalls.

The integers are those of `execute`, the cycles those of the token model, and the interval that of the operator. Units
that slide or join have test modules of their own: those state `HARDWARE_TESTS`, or a `UnitTest` that tests all forms.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from bnnfpga.dataflow import operators
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntegerType
from tests import dataflow as dataflow_tests
from tests.dataflow.chains import random_table
from tests.support.graphs import chain, check_in_verilator, joined
from tests.support.unit_test import UnitTest

pytestmark = pytest.mark.usefixtures("built_soon")
PACKAGE = Path(bnnfpga.__file__).parent
BIPOLAR = IntegerType.bipolar()
COUNT = IntegerType.interval(0, 3)
SIGNED = IntegerType.interval(-5, 2)
BYTE = IntegerType.interval(0, 255)
HIGH = IntegerType.interval(300, 307)
FAST = Target(400.0, "ecp5")


def matrix_vector(type: IntegerType, weights: tuple[int, int], bits: int = 0, seed: int = 0) -> MatrixVector:
    """12 outputs of 18 inputs; `bits` of thresholds, 0 for sums."""
    rng = np.random.default_rng(seed)
    values = rng.integers(weights[0], weights[1] + 1, (12, 18))
    unit = MatrixVector("matrix_vector", np.where(values < 0, -1, 1) if weights == (-1, 0) else values, type)
    if bits:
        unit = replace(unit, table=random_table(rng, 12, unit.accumulator.lo, unit.accumulator.hi, bits))
    return unit


def threshold(type: IntegerType, bits: int, *, shared: bool = False) -> Threshold:
    table = random_table(np.random.default_rng(bits), 1 if shared else 12, type.lo, type.hi, bits)
    return Threshold("threshold", (2, 12), type, table)


def lookup(type: IntegerType, made: IntegerType, *, each: bool = False) -> Lookup:
    size = (12, 1 << type.bits) if each else 1 << type.bits
    values = np.random.default_rng(0).integers(made.lo, made.hi + 1, size)
    return Lookup("lookup", (2, 12), type, np.where(values < 0, -1, 1) if made.is_bipolar else values, made)


def arg_max(type: IntegerType, **comparison: np.ndarray) -> ArgMax:
    return ArgMax("arg_max", Port((12,), type, 1), **comparison)


def foldings(unit: Operator) -> Iterator[tuple[str, Operator]]:
    """Nothing, a part and all of a unit in parallel, on either side."""
    for pe in _some(unit.legal_pe()):
        for simd in _some(unit.legal_simd(pe)) or [None]:
            yield f"pe {pe}, simd {simd}", replace(unit, pe=pe, **({} if simd is None else {"simd": simd}))  # type: ignore[call-arg]


def lanes(unit: ArgMax) -> Iterator[tuple[str, Operator]]:
    for count in (1, 4, 12):
        yield f"{count} lanes", unit.with_inputs(replace(unit.port, lanes=count))


def _some(values: tuple[int, ...]) -> list[int]:
    return sorted({values[0], values[len(values) // 2], values[-1]}) if values else []


FOLDED: dict[str, Operator] = {
    "xnor, sums": matrix_vector(BIPOLAR, (-1, 0)),
    "xnor, a bit": matrix_vector(BIPOLAR, (-1, 0), 1),
    "bits times ternary, 2 bits": matrix_vector(BIPOLAR, (-1, 1), 2),
    "bytes added and subtracted": matrix_vector(BYTE, (-1, 0)),
    "signed times int4": matrix_vector(SIGNED, (-8, 7), 2),
    "counts times int8": matrix_vector(COUNT, (-128, 127)),
    "block RAM": replace(matrix_vector(BIPOLAR, (-1, 0), 1), memory="block"),
    "several positions": replace(matrix_vector(SIGNED, (-1, 0), 1), positions=(3,)),
    "a bit of bytes": threshold(BYTE, 1),
    "3 bits of signed": threshold(SIGNED, 3),
    "2 bits far from 0, one function": threshold(HIGH, 2, shared=True),
    "bits turned and held": threshold(BIPOLAR, 1),
    "bytes to signed": lookup(BYTE, SIGNED),
    "signed to bits": lookup(SIGNED, BIPOLAR),
    "bits to high": lookup(BIPOLAR, HIGH),
    "bytes to signed, by channel": lookup(BYTE, SIGNED, each=True),
    "signed to bits, by channel": lookup(SIGNED, BIPOLAR, each=True),
}
COMPARED: dict[str, ArgMax] = {
    "scores": arg_max(SIGNED),
    "bits": arg_max(BIPOLAR),
    "affine": arg_max(SIGNED, factors=np.arange(-6, 6) * 7, offsets=np.arange(12) % 5),
    "ranks": arg_max(COUNT, ranks=np.random.default_rng(0).integers(0, 9, (12, 4))),
    "ranks of every second": arg_max(SIGNED, ranks=np.random.default_rng(0).integers(0, 9, (12, 8))),
}
PLAIN: dict[str, Operator] = {
    **{f"{a} to {b}": WidthConverter("converter", (2, 12), SIGNED, a, b) for a in (1, 3, 4, 12) for b in (1, 2, 6, 12)},
    **{f"{depth} beats": Fifo("fifo", Port((2, 12), SIGNED, 4), depth) for depth in (2, 3, 16, 40)},
    **{
        f"{depth} beats in {stages} stages": Fifo("fifo", Port((2, 12), SIGNED, 4), depth, stages)
        for stages, depth in ((2, 3), (3, 21))
    },
    **{
        f"{n} of {type.bits} bits": ScoreOutput("boundary", Port((2, n), type, n))
        for n in (1, 8, 9)
        for type in (BIPOLAR, SIGNED)
    },
}


def forked(lanes: int) -> Graph:
    """Both copies, one of them tripled, meet in a sum."""
    port = Port((2, 12), SIGNED, lanes)
    units = [Fork("fork0", port), Add("add", port.shape, (SIGNED, SIGNED), (1, 3), pe=lanes)]
    return joined(units, [("fork0", "add"), ("fork0", "add")])


GRID: dict[str, dict[str, Callable[[], Graph]]] = {}
"""By kind of operator and case: a graph with that operator and little else."""


def _enter(name: str, unit: Operator) -> None:
    GRID.setdefault(unit.kind, {})[name] = lambda: chain([unit])


for _name, _unit in FOLDED.items():
    for _folding, _folded in foldings(_unit):
        _enter(f"{_name}, {_folding}", _folded)
for _name, _compared in COMPARED.items():
    for _lanes, _folded in lanes(_compared):
        _enter(f"{_name}, {_lanes}", _folded)
    # With a register wherever the unit can have one.
    _enter(f"{_name}, 12 lanes, fast clock", replace(_folded, target=FAST))
for _name, _unit in PLAIN.items():
    _enter(_name, _unit)
GRID["fork"] = {f"{count} lanes": lambda count=count: forked(count) for count in (1, 4, 12)}  # type: ignore[misc]


def _cases() -> Iterator[object]:
    """The middle of each grid and its end in `make test`, all of it in `make test-all`."""
    for kind, grid in GRID.items():
        names = list(grid)
        quick = {names[len(names) // 2], names[-1]}
        for name in names:
            yield pytest.param(kind, name, marks=() if name in quick else pytest.mark.slow, id=f"{kind}: {name}")


@pytest.mark.parametrize(("kind", "name"), list(_cases()))
def test_hardware(kind: str, name: str, tmp_path: Path) -> None:
    graph = GRID[kind][name]()
    assert kind in {operator.kind for operator in graph.operators}
    cycles = check_in_verilator(graph, tmp_path, frames=8)
    assert cycles.initiation_interval == max(operator.interval() for operator in graph.operators)


def units() -> set[type[Operator]]:
    """The class of each unit."""
    found = set()
    for module in pkgutil.iter_modules(operators.__path__):
        for item in vars(importlib.import_module(f"{operators.__name__}.{module.name}")).values():
            if isinstance(item, type) and issubclass(item, Operator) and item.__module__.endswith(f".{module.name}"):
                found.add(item)
    return found


def test_every_operator_is_tested() -> None:
    names = [module.name for module in pkgutil.iter_modules(dataflow_tests.__path__)]
    modules = [importlib.import_module(f"{dataflow_tests.__name__}.{name}") for name in names]
    elsewhere = {kind for module in modules for kind in getattr(module, "HARDWARE_TESTS", ())}
    elsewhere |= {test.kind for test in UnitTest.__subclasses__()}
    assert {unit.kind for unit in units()} == set(GRID) | elsewhere
    assert all(len(grid) >= 3 for grid in GRID.values())


def test_every_unit_is_called_as_its_file_and_class() -> None:
    for unit in units():
        assert unit.__module__.endswith(f".{unit.kind}")
        assert unit.__name__ == "".join(word.capitalize() for word in unit.kind.split("_"))


def test_shared_code_asks_no_unit_for_its_class() -> None:
    """A unit states what code that works on any graph must know."""
    classes = {unit.__name__ for unit in units()}
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "isinstance(" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
                assert not asked & classes, f"{path}, line {node.lineno}"
