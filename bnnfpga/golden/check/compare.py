"""Counting decisions and ties, and keeping the first difference that rounding does not explain."""

from __future__ import annotations

import numpy as np

from bnnfpga.golden.check.decision import Decision
from bnnfpga.golden.check.number import ROUNDING, Array, Doubles, Number, Truths
from bnnfpga.golden.check.reading import Difference, LayerTies


class Comparison:
    """The findings on the way through a file."""

    def __init__(self, images: int) -> None:
        self.layers: list[LayerTies] = []
        self.difference: Difference | None = None
        self.tied: Truths = np.zeros(images, dtype=bool)
        self.unchecked: list[str] = []

    def decisions(
        self, node: str, tensor: str, x: Number, decision: Decision, index: Doubles, claimed: Doubles | None
    ) -> Truths:
        """Compare a node's decisions with the claimed ones; returns which of them lie on a tie."""
        bound = decision.bound(x)
        ties = decision.ties(x, index, bound)
        self.count(node, ties)
        if claimed is not None:
            distance = np.broadcast_to(decision.distance(x, index, claimed), ties.shape)
            # Exactly on the decision point, without rounding, only one decision is right.
            beyond = (claimed != index) & ~((distance <= bound) & (bound > 0))
            self._keep(node, tensor, beyond, decision.output(index), decision.output(claimed), distance, bound)
        return ties

    def count(self, node: str, ties: Truths) -> None:
        """Count a node's decisions, (images, ...), of which `ties` lie on a tie."""
        self.layers.append(LayerTies(node, int(ties.size), int(np.count_nonzero(ties))))
        self.tied |= ties.reshape(len(ties), -1).any(axis=1)

    def values(self, node: str, tensor: str, x: Number, claimed: Array) -> Doubles:
        """Compare numbers with the claimed ones; returns how far rounding may move each."""
        # The reading under test may round exact numbers when it scales them.
        bound = np.broadcast_to(ROUNDING * np.where(x.exact, np.abs(x.value), x.size), x.value.shape)
        with np.errstate(invalid="ignore"):
            distance = np.where(x.value == claimed, 0.0, np.abs(x.value - claimed))
        self._keep(node, tensor, ~(distance <= bound), x.value, claimed, distance, bound)
        return bound

    def classes(self, node: str, tensor: str, scores: Number, axis: int, index: Array, claimed: Array) -> Truths:
        """Compare the indices of the largest or smallest scores along an axis of the file; returns which are ties.

        Along that axis, `index` and `claimed` have one element for each selected score, in order.
        """
        axis += 1
        extent = scores.value.shape[axis]
        bounds = np.broadcast_to(scores.bound, scores.value.shape)

        def at(array: Array, place: Array) -> Array:
            return np.take_along_axis(array, np.clip(place, 0, extent - 1), axis)

        others = np.ones(scores.value.shape, dtype=bool)
        ties = np.zeros(index.shape, dtype=bool)
        # Each selected score against those not selected before it.
        for place in range(index.shape[axis]):
            selected = index.take([place], axis)
            np.put_along_axis(others, selected, False, axis)
            gap, bound = np.abs(at(scores.value, selected) - scores.value), at(bounds, selected) + bounds
            tied = (others & (bound > 0) & (gap <= bound)).any(axis=axis, keepdims=True)
            np.put_along_axis(ties, np.full(selected.shape, place), tied, axis)
        self.count(node, ties)
        apart, explained = np.abs(at(scores.value, index) - at(scores.value, claimed)), at(bounds, index)
        explained = explained + at(bounds, claimed)
        beyond = (index != claimed) & ~((apart <= explained) & (explained > 0))
        ordered = np.sort(claimed, axis=axis)
        repeated = (np.diff(ordered, axis=axis) == 0).any(axis=axis, keepdims=True)
        outside = (claimed < 0) | (claimed >= extent)
        self._keep(node, tensor, beyond | repeated | outside, index, claimed, apart, explained)
        return ties

    def _keep(
        self, node: str, tensor: str, beyond: Truths, expected: Array, got: Array, distance: Array, bound: Array
    ) -> None:
        if self.difference is not None or not np.any(beyond):
            return
        image, *element = (int(place) for place in np.argwhere(beyond)[0])
        at = (image, *element)

        def number(array: Array) -> float:
            return float(np.broadcast_to(array, beyond.shape)[at])

        self.difference = Difference(
            node, tensor, image, tuple(element), number(expected), number(got), number(distance), number(bound)
        )
