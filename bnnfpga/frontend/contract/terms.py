"""The vocabulary of the contracts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bnnfpga.frontend.contract.traits import NONE, Traits

OLDEST = 7
"""The oldest supported opset: in earlier ones, operators broadcast by attributes."""
NEWEST = 27
"""The newest opset that the table covers."""
MODERN = 21
"""The opset of a clean graph. No operator of the table changes its meaning in later opsets."""


@dataclass(frozen=True)
class Legal:
    """The legal values of an attribute.

    Parameters
    ----------
    text
        The wording in messages and on the page.
    holds
        Whether a value is legal.
    values
        All legal values, if they are few.
    """

    text: str
    holds: Callable[[Any], bool]
    values: tuple[Any, ...] = ()


def one_of(*values: Any) -> Legal:
    """These values only."""
    return Legal(" or ".join(repr(value) for value in values), lambda value: value in values, values)


FLAG = one_of(0, 1)
ANY = Legal("any", lambda value: True)
FINITE = Legal("a finite number", lambda value: math.isfinite(value))
COUNT = Legal("1 or more", lambda value: value >= 1)
COUNTS = Legal("numbers of 1 or more", lambda values: bool(values) and all(value >= 1 for value in values))
SIZES = Legal("numbers of 0 or more", lambda values: bool(values) and all(value >= 0 for value in values))
DISTINCT = Legal("different axes", lambda values: len(set(values)) == len(values))


@dataclass(frozen=True)
class Attribute:
    """An attribute of an operator.

    Parameters
    ----------
    name
        Its name in the file.
    kind
        `int`, `ints`, `float`, `floats`, `string`, `strings`, `tensor` or `type`.
    default
        The value if it is absent; None if it has no default.
    legal
        The supported values.
    required
        Whether it is mandatory.
    why
        What is wrong with other values, to complete a sentence.
    instead
        What to use instead of other values.
    """

    name: str
    kind: str
    default: Any = None
    legal: Legal = ANY
    required: bool = False
    why: str = ""
    instead: str = "export the model again, or edit the node"


FLOATS, MOVED, CASTABLE, NUMBERS, INTEGERS, TRUTH, ANYTHING = (
    "float",
    "float and integers",
    "float, integers and what a comparison gives",
    "constants that float32 holds exactly",
    "integers",
    "bool",
    "any",
)
"""Element types of an input, as worded on the page: `float` is float32."""


@dataclass(frozen=True)
class Input:
    """An input of an operator; with `many`, all inputs from this one on.

    A `constant` input must not depend on the image.
    """

    name: str
    types: str = FLOATS
    optional: bool = False
    constant: bool = False
    many: bool = False


@dataclass(frozen=True)
class Rule:
    """A constraint between attributes; `holds` gets their values by name, defaults filled in."""

    text: str
    holds: Callable[[Mapping[str, Any]], bool]
    instead: str


@dataclass(frozen=True)
class Form:
    """The inputs, attributes and constraints of an operator over a range of versions.

    Parameters
    ----------
    versions
        The versions of its schema, which differ in nothing that is stated here; the form begins at the first.
    inputs, attributes, rules
        All of them.
    more_outputs
        The names of its outputs after the first, which must be unread.
    no_broadcast
        Whether its operands must have equal shapes.
    more_in_training
        Whether further outputs mean that it trains, so that it must not have any.
    """

    versions: tuple[int, ...]
    inputs: tuple[Input, ...]
    attributes: tuple[Attribute, ...] = ()
    rules: tuple[Rule, ...] = ()
    more_outputs: tuple[str, ...] = ()
    no_broadcast: bool = False
    more_in_training: bool = False

    @property
    def first(self) -> int:
        """The version at which it begins."""
        return self.versions[0]

    def since(self, *versions: int, without: tuple[str, ...] = (), **changes: Any) -> Form:
        """The form of later versions: without some attributes, with `more` attributes, or with other fields changed."""
        attributes = (*(item for item in self.attributes if item.name not in without), *changes.pop("more", ()))
        return replace(self, versions=versions, attributes=attributes, **changes)


@dataclass(frozen=True)
class Contract:
    """The contract of an operator.

    Parameters
    ----------
    name
        The `op_type` of its nodes.
    family
        Its heading on the page.
    does
        What it is compiled to, or what it must be, as a sentence.
    forms
        Its forms, oldest first.
    gives
        The element type of its output: that of its `first` or `second` input, `bool`, `int64` for classes, the one in
        its attribute `to`, `ranked` for values and their indices, or `constant`.
    last
        The last version that has it; None if the newest does.
    some
        Whether it may have any number of outputs.
    traits
        The properties that shared code may query.
    """

    name: str
    family: str
    does: str
    forms: tuple[Form, ...]
    gives: str = "first"
    last: int | None = None
    some: bool = False
    traits: Traits = NONE

    def form(self, version: int) -> Form | None:
        """The form in force at an opset version; None if the operator does not exist there."""
        if self.last is not None and version > self.last:
            return None
        return next((form for form in reversed(self.forms) if form.first <= version), None)

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version of its schema that the forms cover."""
        return tuple(version for form in self.forms for version in form.versions)
