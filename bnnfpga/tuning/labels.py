"""All sums of resources that may be best: dynamic programming with sets of vectors in place of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import PicklableError
from bnnfpga.tuning.elimination import Elimination, Sums, Variable

ResourceVectors = NDArray[np.float64]
Assignment = tuple[int, ...]


_MOST_COMPARED = 20_000
"""ResourceVectors that are compared with each other."""


class TooMany(PicklableError):
    """There are more vectors than can be kept."""


@dataclass(frozen=True, eq=False)
class Bound:
    """A linear lower bound: what fits has `multipliers` times all resources at most `most`.

    Parameters
    ----------
    multipliers
        float64 (resources,), at least 0.
    most
        The largest sum that is of interest.
    rests
        For each table of an elimination and each that it makes, the least sum of all that is not in it.
    """

    multipliers: ResourceVectors
    most: float
    rests: Sequence[Sums]

    def keeps(self, vectors: ResourceVectors, table: int, key: Assignment) -> NDArray[np.bool_]:
        """Which vectors of a table can still be part of what is of interest."""
        kept: NDArray[np.bool_] = vectors @ self.multipliers + self.rests[table][key] <= self.most
        return kept


@dataclass(frozen=True, eq=False)
class Labels:
    """The vectors of one combination of values, and where each comes from.

    `origins` is int64 (vectors, 1 + inputs): the value of the variable that was eliminated, and for each input of the
    elimination the number of the vector there; or, in a table from outside, whatever identifies the vector.
    """

    vectors: ResourceVectors
    origins: NDArray[np.int64]


LabelTable = dict[Assignment, Labels]


def all_labels(
    elimination: Elimination, tables: Sequence[LabelTable], bounds: Sequence[Bound], most: int
) -> tuple[ResourceVectors, Callable[[int], list[int]]]:
    """The undominated sums of a vector from each table that keep all bounds.

    Parameters
    ----------
    tables
        For each table of the elimination, the vectors by the values of its variables.
    bounds
        The bounds.
    most
        The most vectors for one table.

    Returns
    -------
    tuple
        float64 (sums, resources), and a function from the number of a sum to the first origin of its vector in each
        table.

    Raises
    ------
    TooMany
        If a table would have more vectors.
    """
    results = [_kept(table, bounds, number) for number, table in enumerate(tables)]
    for step in elimination.steps:
        joined = _joined([(elimination.variables[number], results[number]) for number, _, _ in step.inputs], step.scope)
        result: LabelTable = {}
        count = 0
        for key, parts in joined.items():
            vectors = np.concatenate([own.vectors for own in parts])
            origins = np.concatenate([own.origins for own in parts])
            kept = _fitting(vectors, bounds, len(results), key)
            if len(kept) > _MOST_COMPARED:
                raise TooMany
            kept = kept[_front(vectors[kept])]
            count += len(kept)
            if count > most:
                raise TooMany
            if len(kept):
                result[key] = Labels(vectors[kept], origins[kept])
        results.append(result)
    final = _joined([((), results[number]) for number in elimination.left], (None,)).get((), [])
    if not final:
        return np.zeros((0, 0)), lambda _: []
    (last,) = final

    def trace(number: int) -> list[int]:
        chosen = [0] * len(results)
        for table, label in zip(elimination.left, last.origins[number, 1:], strict=True):
            chosen[table] = int(label)
        values: dict[Variable, int] = {}
        offset = len(tables)
        for index in range(len(elimination.steps) - 1, -1, -1):
            step = elimination.steps[index]
            *rest, variable = step.scope
            origin = results[offset + index][tuple(values[other] for other in rest)].origins[chosen[offset + index]]
            values[variable] = int(origin[0])
            for (table, _, _), label in zip(step.inputs, origin[1:], strict=True):
                chosen[table] = int(label)
        keys = [tuple(values[variable] for variable in elimination.variables[table]) for table in range(offset)]
        return [int(results[table][key].origins[chosen[table], 0]) for table, key in enumerate(keys)]

    return last.vectors, trace


def _fitting(vectors: ResourceVectors, bounds: Sequence[Bound], table: int, key: Assignment) -> NDArray[np.int64]:
    fits = np.ones(len(vectors), bool)
    for bound in bounds:
        fits &= bound.keeps(vectors, table, key)
    return np.flatnonzero(fits)


def _kept(table: LabelTable, bounds: Sequence[Bound], number: int) -> LabelTable:
    """What the bounds leave of a table."""
    result = {}
    for key, labels in table.items():
        kept = _fitting(labels.vectors, bounds, number, key)
        if len(kept):
            result[key] = Labels(labels.vectors[kept], labels.origins[kept])
    return result


def _joined(
    inputs: Sequence[tuple[tuple[Variable, ...], LabelTable]], scope: tuple[Variable, ...]
) -> dict[Assignment, list[Labels]]:
    """Sums of one vector from each input with equal values, by the values of all variables of the scope but the last.

    Their origins begin with the value of the last one.
    """
    known: tuple[Variable, ...] = ()
    partial: dict[Assignment, Labels] = {(): Labels(np.zeros((1, 1)), np.zeros((1, 0), np.int64))}
    for variables, table in inputs:
        shared = [variable for variable in variables if variable in known]
        new = [variable for variable in variables if variable not in known]
        by_shared: dict[Assignment, list[tuple[Assignment, Labels]]] = {}
        for key, labels in table.items():
            value = dict(zip(variables, key, strict=True))
            by_shared.setdefault(tuple(value[v] for v in shared), []).append((tuple(value[v] for v in new), labels))
        places = [known.index(variable) for variable in shared]
        partial = {
            key + more: _sums(own, labels)
            for key, own in partial.items()
            for more, labels in by_shared.get(tuple(key[place] for place in places), [])
        }
        known += tuple(new)
    order = [known.index(variable) for variable in scope[:-1]]
    last = known.index(scope[-1]) if scope[-1] in known else None
    result: dict[Assignment, list[Labels]] = {}
    for key, own in partial.items():
        column = np.full((len(own.vectors), 1), 0 if last is None else key[last])
        labels = Labels(own.vectors, np.concatenate([column, own.origins], axis=1))
        result.setdefault(tuple(key[place] for place in order), []).append(labels)
    return result


def _sums(first: Labels, second: Labels) -> Labels:
    """All sums of a vector of one and a vector of the other."""
    count, other = len(first.vectors), len(second.vectors)
    vectors = (first.vectors[:, None] + second.vectors[None]).reshape(count * other, -1)
    numbers = np.tile(np.arange(other), count)[:, None]
    return Labels(vectors, np.concatenate([np.repeat(first.origins, other, axis=0), numbers], axis=1))


def _front(vectors: ResourceVectors) -> NDArray[np.int64]:
    """The numbers of the vectors that no other one is at least as small as in everything; of equal ones, one."""
    if len(vectors) < 2:
        return np.arange(len(vectors))
    order = np.lexsort((*vectors.T[::-1], vectors.sum(axis=1)))
    kept: list[int] = []
    front = np.empty_like(vectors)
    for number in order:
        if not np.any(np.all(front[: len(kept)] <= vectors[number], axis=1)):
            front[len(kept)] = vectors[number]
            kept.append(int(number))
    return np.array(kept, np.int64)
