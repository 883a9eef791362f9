"""Exact minimisation of a sum of small tables by eliminating one variable after the other.

This is dynamic programming on any graph (Bertele and Brioschi, Nonserial Dynamic Programming, 1972): a chain takes time
linear in its length, branches that meet again hold the variables of both ends at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Variable = Hashable
Sums = NDArray[np.float64]


@dataclass(frozen=True)
class Removal:
    """The elimination of one variable, whose result is a table of the others of `scope`.

    `inputs` are tables of the sum, then results of earlier steps, by number, each with the shape that lines its axes up
    with those of `scope`; the variable's axis is the last one.
    """

    scope: tuple[Variable, ...]
    inputs: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...]


class Elimination:
    """The order in which variables are eliminated, for any tables with the same variables.

    Parameters
    ----------
    scopes
        The variables of each table, in the order of its axes.
    sizes
        The number of values of each variable.
    """

    def __init__(self, scopes: Sequence[tuple[Variable, ...]], sizes: Mapping[Variable, int]) -> None:
        self._sizes = dict(sizes)
        self.steps: list[Removal] = []
        self.variables: list[tuple[Variable, ...]] = [tuple(scope) for scope in scopes]
        """The variables of the tables, then of the results of the steps."""
        scope_of = {number: frozenset(scope) for number, scope in enumerate(scopes)}
        ordered = {number: tuple(scope) for number, scope in enumerate(scopes)}
        users: dict[Variable, set[int]] = {variable: set() for variable in sizes}
        for number, scope in scope_of.items():
            for variable in scope:
                users[variable].add(number)
        rank = {variable: place for place, variable in enumerate(sizes)}
        costs = {variable: self._cost(variable, users, scope_of) for variable in sizes}
        total = len(scopes)
        while costs:
            chosen = min(costs, key=lambda variable: (costs[variable], rank[variable]))
            del costs[chosen]
            taken = sorted(users[chosen])
            every: frozenset[Variable] = frozenset().union(*(scope_of[number] for number in taken))
            rest = every - {chosen}
            together = (*sorted(rest, key=rank.__getitem__), chosen)
            inputs = tuple((number, *self._aligned(ordered[number], together)) for number in taken)
            self.steps.append(Removal(together, inputs))
            for number in taken:
                for variable in scope_of.pop(number):
                    users[variable].discard(number)
            scope_of[total], ordered[total] = rest, together[:-1]
            self.variables.append(together[:-1])
            for variable in rest:
                users[variable].add(total)
            total += 1
            for variable in rest:
                costs[variable] = self._cost(variable, users, scope_of)
        self.left = sorted(scope_of)

    def _cost(
        self, variable: Variable, users: Mapping[Variable, set[int]], scopes: Mapping[int, frozenset[Variable]]
    ) -> int:
        """Entries of the table that eliminating a variable makes."""
        scope = frozenset({variable}).union(*(scopes[number] for number in users[variable]))
        result = 1
        for other in scope:
            result *= self._sizes[other]
        return result

    def _aligned(
        self, own: tuple[Variable, ...], scope: tuple[Variable, ...]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """How to line a table's axes up with those of a scope: their order, and a shape with axes of length 1."""
        axes = tuple(sorted(range(len(own)), key=lambda axis: scope.index(own[axis])))
        return axes, tuple(self._sizes[variable] if variable in own else 1 for variable in scope)

    def minimum(self, tables: Sequence[Sums]) -> tuple[float, dict[Variable, int]]:
        """The least sum, infinite if there is none, and the values of the variables that give it."""
        results: list[Any] = list(tables)
        sums: list[Sums] = []
        for step in self.steps:
            total = self._total(step, results)
            sums.append(total)
            results.append(total.min(axis=-1))
        least = float(sum(results[number] for number in self.left))
        if not np.isfinite(least):
            return np.inf, {}
        values: dict[Variable, int] = {}
        for step, total in zip(reversed(self.steps), reversed(sums), strict=True):
            *rest, variable = step.scope
            values[variable] = int(np.argmin(total[tuple(values[other] for other in rest)]))
        return least, values

    def rests(self, tables: Sequence[Sums]) -> list[Sums]:
        """For each table and each result of a step, the least sum of all tables that are not in it, by its values.

        Together with what is in it, this bounds what can be reached from there.
        """
        results: list[Any] = list(tables)
        for step in self.steps:
            results.append(self._total(step, results).min(axis=-1))
        count = len(tables)
        last = float(sum(results[number] for number in self.left))
        rests: dict[int, Any] = {number: np.array(last - results[number]) for number in self.left}
        for index in range(len(self.steps) - 1, -1, -1):
            step, own = self.steps[index], rests[count + index]
            for number, axes, _ in step.inputs:
                others = self._total(step, results, number) + np.asarray(own)[..., None]
                # Back to the table's own axes: those that it lacks are minimised away.
                lacking = tuple(axis for axis, size in enumerate(step.scope) if size not in self.variables[number])
                least = np.broadcast_to(others, [self._sizes[variable] for variable in step.scope]).min(axis=lacking)
                rests[number] = least.transpose(np.argsort(axes))
        return [rests[number] for number in range(len(results))]

    def _total(self, step: Removal, results: Sequence[Any], without: int | None = None) -> Sums:
        total = np.zeros((1,) * len(step.scope))
        for number, axes, shape in step.inputs:
            if number != without:
                total = total + results[number].transpose(axes).reshape(shape)
        return total
