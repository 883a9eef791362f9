"""MNIST as tensors for training and validation, and the accuracy of a model.

Needs torch. The convolutional example uses it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from heldout import is_heldout
from torch import Tensor, nn
from torch.nn import functional

from bnnfpga.datasets.arrays import load_array

IMAGE_SHAPE = (1, 28, 28)
VALIDATION = 5000
MOVES = 9  # by at most one pixel in y and in x; number 4 is no move


@dataclass(frozen=True)
class Digits:
    """Images, uint8 of shape (N, 1, 28, 28), and their labels, int64 of shape (N,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: Tensor | slice) -> Digits:
        return Digits(self.images[which], self.labels[which])


def read_digits(folder: Path, name: str) -> Digits:
    """Read ``NAME-images-idx3-ubyte.gz`` and its labels."""
    images = load_array(folder / f"{name}-images-idx3-ubyte.gz").reshape(-1, *IMAGE_SHAPE)
    labels = load_array(folder / f"{name}-labels-idx1-ubyte.gz").astype(np.int64)
    return Digits(torch.from_numpy(images), torch.from_numpy(labels))


def split(folder: Path) -> tuple[Digits, Digits]:
    """MNIST's training images without the held-out ones, as (training, validation), the same for every seed."""
    digits = read_digits(folder, "train")
    rest = digits[torch.from_numpy(~is_heldout(digits.images.numpy()))]
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(rest)))
    return rest[order[VALIDATION:]], rest[order[:VALIDATION]]


def as_input(images: Tensor) -> Tensor:
    """The networks' input: pixels as floats in [0, 1]."""
    return images.float() / 255.0


def batches(count: int, size: int) -> Iterator[Tensor]:
    """The indices of one epoch in random order, in whole batches; the remainder is not used."""
    yield from torch.randperm(count)[: count - count % size].split(size)


@torch.no_grad()
def scores(model: nn.Module, digits: Digits) -> Tensor:
    """The model's scores for all digits, in eval mode."""
    model.eval()
    return torch.cat([model(as_input(images)) for images in digits.images.split(1000)])


def accuracy(model: nn.Module, digits: Digits) -> float:
    """The share of digits that the model, in eval mode, classifies correctly."""
    return float((scores(model, digits).argmax(1) == digits.labels).float().mean())


def shifted(images: Tensor, moves: Tensor) -> Tensor:
    """Move each image by its number in `moves`."""
    count, _, height, width = images.shape
    row = width + 2
    padded = functional.pad(images, (1, 1, 1, 1)).reshape(count, -1)
    corner = moves // 3 * row + moves % 3
    window = (torch.arange(height)[:, None] * row + torch.arange(width)).reshape(-1)
    return padded.gather(1, corner[:, None] + window).reshape(images.shape)
