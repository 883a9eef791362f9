"""Every count that a unit states has a coefficient in every family, and every coefficient is of such a count."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bnnfpga.dataflow
from bnnfpga.dataflow.cost_coefficients import coefficients
from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.dataflow.target import Target
from tests.dataflow.test_operators import GRID


def stated() -> Iterator[str]:
    """The names of all terms in the package: the keys of dictionaries that have a dot."""
    for path in Path(bnnfpga.dataflow.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            for key in node.keys if isinstance(node, ast.Dict) else ():
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and "." in key.value:
                    yield key.value


@pytest.mark.parametrize("family", FAMILIES)
def test_terms_and_coefficients_are_the_same(family: str) -> None:
    known = coefficients(family)
    assert set(stated()) == set(known.lut) | set(known.ff)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_operator_has_a_cost(family: str) -> None:
    for grid in GRID.values():
        for unit in next(iter(grid.values()))().built_for(Target(family=family)).operators:
            assert min(unit.resources().values()) >= 0


def test_a_term_without_a_coefficient_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"xc7 has no coefficient 'wires\.bits'"):
        coefficients("xc7").cost(CostTerms({"wires.bits": 1}))


def test_terms_add_up() -> None:
    part = CostTerms({"a.bits": 1}, {"a.bits": 2}, 3, 4)
    assert add_terms(part.times(2), part, CostTerms({"b.bits": 5})) == CostTerms(
        {"a.bits": 3, "b.bits": 5}, {"a.bits": 6}, 9, 12
    )
