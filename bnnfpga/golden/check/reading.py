"""The claims that are compared with a file, and the result of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.golden.check.number import Doubles, Truths


@dataclass(frozen=True, eq=False)
class Scaled:
    """A tensor (images, ...) as integers and the scales that they are multiplied by, one after the other."""

    integers: NDArray[np.int64]
    scales: tuple[NDArray[np.float32], ...] = ()

    def value(self) -> Doubles:
        """The numbers that the integers represent."""
        value = self.integers.astype(np.float64)
        for scale in self.scales:
            value = value * scale
        return value

    def transposed(self, axes: Sequence[int]) -> Scaled:
        """The same with its axes in another order."""
        rank = self.integers.ndim
        scales = [scale.reshape(*[1] * (rank - scale.ndim), *scale.shape).transpose(axes) for scale in self.scales]
        return Scaled(self.integers.transpose(axes), tuple(scales))


@dataclass(frozen=True, eq=False)
class Claims:
    """A file's results for some images, according to the reading under test.

    Parameters
    ----------
    integers
        Tensors of the file by name: outputs of quantizers, and sums.
    floats
        Tensors of the file by name, float32 (images, ...): the last ones that the accelerator computes.
    ends
        Tensors of the file by name, (images, *shape in the file): the host's results from those, indices included.
    """

    integers: Mapping[str, Scaled]
    floats: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    ends: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """A number in the file that differs from the claimed one by more than rounding explains.

    `distance` is that of a decision's input from the nearest point at which the claim would be right, or that between
    the two values; `bound` is how much of it rounding explains. `path` has the nodes that lead to it from the last
    tensors that agree.
    """

    node: str
    tensor: str
    image: int
    element: tuple[int, ...]
    expected: float
    got: float
    distance: float
    bound: float
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = (
            f"the file gives {self.expected:g} and the compiler's reading of it {self.got:g} for element "
            f"{self.element} of image {self.image}; that is off by {self.distance:.3g}, and "
            + (f"rounding explains {self.bound:.3g}" if self.bound else "nothing is rounded there")
        )
        return text + (f" (it comes from {', '.join(self.path)})" if self.path else "")


@dataclass(frozen=True)
class LayerTies:
    """The number of decisions of one node over all images, and of those on a rounding tie."""

    name: str
    decisions: int
    on_tie: int


@dataclass(frozen=True, eq=False)
class FileReading:
    """The result of a comparison with a file.

    Parameters
    ----------
    layers
        The nodes that decide, in the file's order.
    difference
        The first in the file's order, None if everything agrees.
    unchecked
        Sentences on what could not be compared, and why.
    tied
        For each image, whether any of its decisions lies on a tie.
    bounds
        For each compared tensor of floats, by name, how far rounding alone may move each number.
    """

    layers: tuple[LayerTies, ...]
    difference: Difference | None
    unchecked: tuple[str, ...]
    tied: Truths
    bounds: Mapping[str, Doubles] = field(default_factory=dict)

    @property
    def decisions(self) -> int:
        return sum(layer.decisions for layer in self.layers)

    @property
    def on_tie(self) -> int:
        return sum(layer.on_tie for layer in self.layers)

    def ties(self) -> dict[str, Any]:
        """Decisions and ties as plain data."""
        layers = [vars(layer) for layer in self.layers]
        return {"decisions": self.decisions, "on_tie": self.on_tie, "layers": layers}

    def warnings(self) -> list[str]:
        """Caveats for those who rely on the comparison, as sentences."""
        sentences = []
        if self.on_tie:
            sentences.append(
                f"{self.on_tie:,} of {self.decisions:,} decisions lie on a rounding tie; another runtime may decide "
                "them differently"
            )
        return [*sentences, *(f"not compared with the file: {sentence}" for sentence in self.unchecked)]


def joined(readings: Sequence[FileReading]) -> FileReading:
    """Join the readings of one file for successive batches of images."""
    layers: dict[str, LayerTies] = {}
    difference = None
    images = 0
    for reading in readings:
        for layer in reading.layers:
            before = layers.get(layer.name, LayerTies(layer.name, 0, 0))
            layers[layer.name] = LayerTies(layer.name, before.decisions + layer.decisions, before.on_tie + layer.on_tie)
        if difference is None and reading.difference is not None:
            first = reading.difference
            difference = Difference(**{**vars(first), "image": first.image + images})
        images += len(reading.tied)
    unchecked = dict.fromkeys(sentence for reading in readings for sentence in reading.unchecked)
    tied = np.concatenate([reading.tied for reading in readings])
    names = [name for name in readings[0].bounds if all(name in reading.bounds for reading in readings)]
    bounds = {name: np.concatenate([reading.bounds[name] for reading in readings]) for name in names}
    return FileReading(tuple(layers.values()), difference, tuple(unchecked), tied, bounds)
