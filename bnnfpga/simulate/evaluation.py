"""What an evaluation over a data set found."""

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
    """Accuracy over a data set, and where it comes from.

    Parameters
    ----------
    backend
        What was run.
    labels, predicted
        int64 (images,): the class of each image, and what the accelerator took it for.
    confusion
        int64 (classes, classes): how many images of a class (row) were taken for a class (column).
    names
        What the classes are called, by number; None where the data do not say.
    shown, mistaken
        Some of the wrongly classified images, of all classes: their indices, and themselves as the data set has them.
    input
        What the images hold: `kind`, `scale`, and whether that was `given`.
    warnings
        What to know of the images, as sentences.
    build_seconds, run_seconds
        What building the simulator took, and running the images.
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
        """0 to 1."""
        return float((self.labels == self.predicted).mean())

    @property
    def images_per_second(self) -> float:
        """From the images as they are stored to their classes, without building the simulator."""
        return self.images / self.run_seconds

    @cached_property
    def wrong(self) -> IntArray:
        """Indices of the wrongly classified images."""
        return np.flatnonzero(self.labels != self.predicted).astype(np.int64)

    def classes(self) -> list[dict[str, Any]]:
        """For each class `class`, `name`, `precision`, `recall`, `f1` and `support`.

        Precision is the share of what was taken for the class that is of it, recall the share of the class that was
        taken for it, f1 their harmonic mean, support the number of images of the class; None where there are none.
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
        """What `bnnfpga eval --json` prints; of the wrongly classified images the first hundred."""
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
        """Wrongly classified images of all classes as a PNG file, each with its class and what it was taken for.

        Raises
        ------
        UserError
            If the inputs are no images of one or three channels.
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
        except UserError:  # the inputs are no images
            return html
        return f'{html}<img src="data:image/png;base64,{base64.b64encode(picture).decode()}">'


def confusion_matrix(labels: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """int64 (classes, classes): images of a class (row) that were taken for a class (column)."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return pairs.reshape(classes, classes).astype(np.int64)
