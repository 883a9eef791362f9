"""How far a quantised model is from the model that it was made from, on images."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
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
        Of both models, float64 (images, *shape): the last tensor that was compared.
    """

    errors: dict[str, float]
    scores: tuple[NDArray[np.float64], NDArray[np.float64]] = field(repr=False)

    @property
    def number_of_classes(self) -> int:
        """The scores of an image; 0 if there are several rows of them, such as one for each pixel."""
        count, *shape = self.scores[0].shape
        size = self.scores[0].size // count
        return size if size in shape else 0

    @property
    def classes(self) -> tuple[IntArray, IntArray]:
        """The class of each image by both models."""
        before, after = (_flat(scores).argmax(axis=1).astype(np.int64) for scores in self.scores)
        return before, after

    @property
    def agreement(self) -> float | None:
        """The share of images whose class is the same; None for a single score, and where pixels have scores."""
        before, after = self.classes
        return float(np.mean(before == after)) if self.number_of_classes > 1 else None

    @property
    def clear_agreement(self) -> float | None:
        """The same for images whose class was clear before; None if there are none."""
        scores = _flat(self.scores[0])
        if self.number_of_classes < 2:
            return None
        first, second = np.sort(scores, axis=1)[:, :-3:-1].T
        clear = first - second > CLEAR * float(np.ptp(scores))
        before, after = self.classes
        return float(np.mean((before == after)[clear])) if clear.any() else None


def compare(before: onnx.ModelProto, after: onnx.ModelProto, x: Floats, tensors: Collection[str]) -> Comparison:
    """Evaluate both models in float64; the last of `tensors`, which both have, are the scores.

    Raises
    ------
    UserError
        If the scores cannot be evaluated on these images.
    """
    squares = {name: np.zeros(2) for name in tensors}
    scores: list[list[NDArray[np.float64]]] = [[], []]
    *_, last = tensors
    for part in batches(x):
        values = [file_values(proto, part, tensors) for proto in (before, after)]
        for name in tensors:
            if all(name in found for found in values):
                first, second = (found[name].astype(np.float64) for found in values)
                squares[name] += (np.sum((second - first) ** 2), np.sum(first**2))
        for found, into in zip(values, scores, strict=True):
            if last not in found:
                raise UserError(
                    "it cannot be evaluated on the calibration images",
                    where=f"tensor {last!r}",
                    hint="give images like those that the net was trained with",
                )
            into.append(found[last].astype(np.float64))
    errors = {name: float(np.sqrt(error / size)) for name, (error, size) in squares.items() if size}
    first, second = map(np.concatenate, scores)
    return Comparison(errors, (first, second))


def _flat(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return scores.reshape(len(scores), -1)
