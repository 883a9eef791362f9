"""Every count that a unit states has a coefficient in every family, and every coefficient is of such a count."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

import bnnfpga.dataflow
from bnnfpga.dataflow.cost_coefficients import coefficients
from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.dataflow.target import Target
from tests.dataflow.drawn_units import KINDS
from tests.dataflow.test_operators import units

_TERM = re.compile(r"[a-z][a-z_]*\.(?!cpp$)[a-z][a-z_0-9]*")


def stated() -> Iterator[str]:
    """The names of all terms: the strings of that form in the units' sources."""
    for path in Path(bnnfpga.dataflow.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _TERM.fullmatch(node.value):
                yield node.value


@pytest.mark.parametrize("family", FAMILIES)
def test_terms_and_coefficients_are_the_same(family: str) -> None:
    known = coefficients(family)
    assert set(stated()) == set(known.lut) | set(known.ff)


def test_every_kind_of_unit_is_drawn() -> None:
    assert {unit.kind for unit in units()} == KINDS.keys()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", KINDS)
def test_every_unit_has_a_cost_in_every_family(kind: str, seed: int) -> None:
    draw = Random(f"{kind} {seed}")
    unit, clock = KINDS[kind](draw), draw.choice([50.0, 100.0, 300.0])
    for family in FAMILIES:
        resources = unit.built_for(Target(clock, family)).resources()
        assert resources.keys() == set(RESOURCES)
        assert min(resources.values()) >= 0


def test_a_term_without_a_coefficient_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"xc7 has no coefficient 'wires\.bits'"):
        coefficients("xc7").cost(CostTerms({"wires.bits": 1}))


def test_terms_add_up() -> None:
    part = CostTerms({"a.bits": 1}, {"a.bits": 2}, 3, 4)
    assert add_terms(part.times(2), part, CostTerms({"b.bits": 5})) == CostTerms(
        {"a.bits": 3, "b.bits": 5}, {"a.bits": 6}, 9, 12
    )
