"""How far a quantised model is from the model that it was made from, on images."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnfpga.golden.check import file_values
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.numbers.integers import IntArray
from bnnfpga.quantizing.scales import batches

CLEAR = 0.05
"""A class is clear if its score leads by this part of the range of all scores."""


@dataclass(frozen=True)
class Comparison:
    """Two models' results on the same images.

    Parameters
    ----------
    errors
        By tensor, the root mean square of the difference relative to that of the first model's numbers.
    scores
        Of both models, float64 (images, classes): the first output.
    """

    errors: dict[str, float]
    scores: tuple[NDArray[np.float64], NDArray[np.float64]] = field(repr=False)

    @property
    def classes(self) -> tuple[IntArray, IntArray]:
        """The class of each image by both models."""
        before, after = (scores.argmax(axis=1).astype(np.int64) for scores in self.scores)
        return before, after

    @property
    def agreement(self) -> float | None:
        """The share of images whose class is the same; None for a single score."""
        before, after = self.classes
        return float(np.mean(before == after)) if self.scores[0].shape[1] > 1 else None

    @property
    def clear_agreement(self) -> float | None:
        """The same for images whose class was clear before; None if there are none."""
        scores = self.scores[0]
        if scores.shape[1] < 2:
            return None
        first, second = np.sort(scores, axis=1)[:, :-3:-1].T
        clear = first - second > CLEAR * float(np.ptp(scores))
        before, after = self.classes
        return float(np.mean((before == after)[clear])) if clear.any() else None


def compare(before: onnx.ModelProto, after: onnx.ModelProto, x: Floats, tensors: Collection[str]) -> Comparison:
    """Evaluate both models in float64; the last of `tensors`, which both have, is the first output."""
    squares = {name: np.zeros(2) for name in tensors}
    scores: list[list[NDArray[np.float64]]] = [[], []]
    for part in batches(x):
        values = [file_values(proto, part, tensors) for proto in (before, after)]
        for name in tensors:
            if all(name in found for found in values):
                first, second = (found[name].astype(np.float64) for found in values)
                squares[name] += (np.sum((second - first) ** 2), np.sum(first**2))
        for found, into in zip(values, scores, strict=True):
            into.append(found[list(tensors)[-1]].reshape(len(part), -1).astype(np.float64))
    errors = {name: float(np.sqrt(error / size)) for name, (error, size) in squares.items() if size}
    first, second = map(np.concatenate, scores)
    return Comparison(errors, (first, second))
