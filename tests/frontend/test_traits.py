"""The traits of operators fit together."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bnnfpga.frontend.contract.table import TRAITS, kinds_that, traits_of
from bnnfpga.frontend.contract.traits import NONE, Traits
from bnnfpga.frontend.graph.model import make_node

_IMPLIED = {
    **dict.fromkeys(
        (
            "rounded_once",
            "adds",
            "subtracts",
            "multiplies",
            "divides",
            "broadcasts",
            "by_channel",
            "quantizes",
        ),
        "elementwise",
    ),
    "quantizes_weights": "quantizes",
    "pairs": "binary",
    "counts_thresholds": "quantizes",
    "outputs_first": "dot_product",
    "binary": "broadcasts",
    "pools": "slides",
    "takes_extremum": "pools",
    "averages": "pools",
    "picks": "moves",
    "casts": "takes_truths",
    "regroups": "moves",
    "reorders": "moves",
    "transposes": "reorders",
}
_APART = ("elementwise", "dot_product", "pools", "moves", "concatenates", "pads", "reduces", "compares", "takes_truths")
"""Of these an operator has one at most."""


@pytest.mark.parametrize("name", TRAITS)
def test_traits_imply_others(name: str) -> None:
    traits = TRAITS[name]
    for one, other in _IMPLIED.items():
        assert not getattr(traits, one) or getattr(traits, other), f"{name}: {one} without {other}"
    assert sum(getattr(traits, one) for one in _APART) <= 1
    assert not (traits.broadcasts and traits.by_channel)


def test_each_trait_is_one_of_some_operator() -> None:
    for field in fields(Traits):
        assert kinds_that(lambda traits, name=field.name: getattr(traits, name)), field.name  # type: ignore[misc]


def test_a_node_has_the_traits_of_its_operator() -> None:
    assert traits_of(make_node("Reshape", ["x", "shape"], ["y"], name="n")).layout
    assert traits_of(make_node("Transpose", ["x"], ["y"], name="n")).layout
    assert traits_of(make_node("Einsum", ["x"], ["y"], name="n")) == NONE
