"""The words in which contracts are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bnnfpga.frontend.contract.traits import NONE, Traits

OLDEST = 7
"""The first opset that is read: before it, operators broadcast by attributes."""
NEWEST = 27
"""The last opset whose operators the table accounts for."""
MODERN = 21
"""The opset of a clean graph. None of the table's operators changes its meaning behind it."""


@dataclass(frozen=True)
class Legal:
    """Which values an attribute may have.

    Parameters
    ----------
    text
        How a message and the page say it.
    holds
        Whether a value is one of them.
    values
        All of them, where they are few.
    """

    text: str
    holds: Callable[[Any], bool]
    values: tuple[Any, ...] = ()


def one_of(*values: Any) -> Legal:
    """These values alone."""
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
        As in the file.
    kind
        `int`, `ints`, `float`, `floats`, `string`, `strings`, `tensor` or `type`.
    default
        What its absence means, as a value; None where the operator then does without.
    legal
        The values that are taken.
    required
        Whether a node must have it.
    why
        What is wrong with other values, as the end of a sentence.
    instead
        What to do about them.
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
"""Element types of an input, as the page names them: `float` is float32."""


@dataclass(frozen=True)
class Input:
    """An input of an operator, or with `many` all from here on.

    `constant` says that it must not depend on the image.
    """

    name: str
    types: str = FLOATS
    optional: bool = False
    constant: bool = False
    many: bool = False


@dataclass(frozen=True)
class Rule:
    """What attributes must keep between them, given by name with their defaults filled in."""

    text: str
    holds: Callable[[Mapping[str, Any]], bool]
    instead: str


@dataclass(frozen=True)
class Form:
    """What an operator is from its first version on.

    Parameters
    ----------
    versions
        Those at which its schema was written anew without a change to what is said here; the first begins the form.
    inputs, attributes, rules
        All that it has.
    more_outputs
        Names of its outputs behind the first, which nothing may read.
    no_broadcast
        Whether its operands must have one shape.
    more_in_training
        Whether it gives more outputs where it trains, so that it must have none.
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
        """The version that begins it."""
        return self.versions[0]

    def since(self, *versions: int, without: tuple[str, ...] = (), **changes: Any) -> Form:
        """The form of later versions: without some attributes, and with other inputs, more attributes ..."""
        attributes = (*(item for item in self.attributes if item.name not in without), *changes.pop("more", ()))
        return replace(self, versions=versions, attributes=attributes, **changes)


@dataclass(frozen=True)
class Operator:
    """An operator.

    Parameters
    ----------
    name
        `op_type` of its nodes.
    family
        The heading under which the page lists it.
    does
        What becomes of it, or what it must be, as a sentence.
    forms
        By version, the oldest first.
    gives
        The element type of its output: that of its `first` or `second` input, `bool`, the `int64` of classes, or that
        of its attribute `to`.
    last
        The last version of it; None where the newest has it.
    some
        Whether it has as many outputs as one likes.
    traits
        What shared code may ask of it.
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
        """The form in force at an opset version; None where there is none."""
        if self.last is not None and version > self.last:
            return None
        return next((form for form in reversed(self.forms) if form.first <= version), None)

    @property
    def versions(self) -> tuple[int, ...]:
        """Every version of its schema that the forms account for."""
        return tuple(version for form in self.forms for version in form.versions)
