"""The result of an evaluation over a data set."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.numbers.integers import IntArray

_MAX_LISTED = 100


@dataclass(frozen=True)
class Evaluation:
    """Accuracy over a data set, with the predictions behind it.

    Parameters
    ----------
    backend
        The backend that was run.
    labels, predicted
        int64 (images,): the true class of each image, and the predicted one.
    confusion
        int64 (classes, classes): the number of images by true class (row) and predicted class (column).
    names
        The names of the classes by number; None if the data set has none.
    shown, mistaken
        A sample of misclassified images of all classes: their indices, and the images as the data set holds them.
    input
        The format of the images: `kind`, `scale`, and whether the scale was `given`.
    warnings
        Warnings about the images, as sentences.
    build_seconds, run_seconds
        The time for building the simulator and for running the images.
    """

    backend: str
    labels: IntArray = field(repr=False)
    predicted: IntArray = field(repr=False)
    confusion: IntArray = field(repr=False)
    names: tuple[str, ...] | None = field(repr=False)
    shown: IntArray = field(repr=False)
    mistaken: NDArray[Any] = field(repr=False)
    build_seconds: float
    run_seconds: float
    input: Mapping[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def images(self) -> int:
        return len(self.labels)

    @property
    def accuracy(self) -> float:
        """The share of images classified correctly, 0 to 1."""
        return float((self.labels == self.predicted).mean())

    @property
    def images_per_second(self) -> float:
        """Throughput from stored images to classes, without building the simulator."""
        return self.images / self.run_seconds

    @cached_property
    def wrong(self) -> IntArray:
        """Indices of the misclassified images."""
        return np.flatnonzero(self.labels != self.predicted).astype(np.int64)

    def classes(self) -> list[dict[str, Any]]:
        """For each class `class`, `name`, `precision`, `recall`, `f1` and `support`.

        Precision is the share of correct images among those predicted as the class, recall the share of the class's
        images predicted as such, f1 their harmonic mean, support the class's number of images; undefined ones are None.
        """
        rows = []
        for number, (support, predicted) in enumerate(
            zip(self.confusion.sum(axis=1).tolist(), self.confusion.sum(axis=0).tolist(), strict=True)
        ):
            right = int(self.confusion[number, number])
            rows.append(
                {
                    "class": number,
                    "name": self.names[number] if self.names and number < len(self.names) else str(number),
                    "precision": right / predicted if predicted else None,
                    "recall": right / support if support else None,
                    "f1": 2 * right / (support + predicted) if support + predicted else None,
                    "support": support,
                }
            )
        return rows

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `bnnfpga eval --json`, with the first hundred misclassified images."""
        return {
            "backend": self.backend,
            "input": dict(self.input),
            "warnings": list(self.warnings),
            "images": self.images,
            "accuracy": self.accuracy,
            "mistakes": len(self.wrong),
            "images_per_second": self.images_per_second,
            "build_seconds": self.build_seconds,
            "run_seconds": self.run_seconds,
            "confusion": self.confusion.tolist(),
            "classes": self.classes(),
            "first_mistakes": [
                {"image": index, "label": int(self.labels[index]), "predicted": int(self.predicted[index])}
                for index in self.wrong[:_MAX_LISTED].tolist()
            ],
        }

    def picture(self) -> bytes:
        """A PNG file of misclassified images of all classes, each with its true and its predicted class.

        Raises
        ------
        UserError
            If the inputs are not images with one or three channels.
        """
        from bnnfpga.report.mistakes import check_shape, mistakes_png

        check_shape(self.mistaken.shape[1:])
        shown, wrong = f"{len(self.shown):,}", f"{len(self.wrong):,} wrong images"
        few = wrong if len(self.shown) == len(self.wrong) else f"{shown} of {wrong}, of all classes"
        caption = f"{few}; {100 * self.accuracy:.2f} % of {self.images:,} are right"
        labels, predicted = self.labels[self.shown].tolist(), self.predicted[self.shown].tolist()
        return mistakes_png(list(self.mistaken), labels, predicted, caption, self.names)

    def __str__(self) -> str:
        from bnnfpga.report.tables import eval_table
        from bnnfpga.report.text import as_text

        return as_text(eval_table(self.as_dict()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import eval_table
        from bnnfpga.report.text import as_html

        html = as_html(eval_table(self.as_dict()))
        if not len(self.mistaken):
            return html
        try:
            picture = self.picture()
        except UserError:  # the inputs are not images
            return html
        return f'{html}<img src="data:image/png;base64,{base64.b64encode(picture).decode()}">'


def confusion_matrix(labels: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """int64 (classes, classes): the number of images by true class (row) and predicted class (column)."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes).astype(np.int64)
