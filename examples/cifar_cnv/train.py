"""Trains the convolutional net on CIFAR-10 and exports it as QONNX.

    python train.py --data cifar-10-batches-py

Needs the extra ``[train]`` and CIFAR-10, as its Python batches or as .npz files; takes a GPU where torch finds one.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from cifar import IMAGE_SHAPE, read_cifar
from model import BinaryCnv
from torch import Tensor
from torch.nn import functional

from bnnfpga import UserError, export_qonnx

BATCH = 100
BORDER = 4  # most pixels by which an image is moved

Pictures = tuple[Tensor, Tensor]


def as_input(images: Tensor) -> Tensor:
    """The network's input: pixels as floats in [0, 1]."""
    return images.float() / 255.0


def varied(images: Tensor) -> Tensor:
    """Augment images: each is moved by up to four pixels each way over black, and half of them are mirrored."""
    count, _, height, width = images.shape
    padded = functional.pad(images, (BORDER,) * 4)
    corner = torch.randint(2 * BORDER + 1, (2, count, 1), device=images.device)
    rows = corner[0] + torch.arange(height, device=images.device)
    columns = corner[1] + torch.arange(width, device=images.device)
    mirrored = torch.rand(count, 1, device=images.device) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    which = torch.arange(count, device=images.device)[:, None, None]
    # Indexing on both sides of the channels moves them to the end.
    return padded[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def batches(count: int, device: torch.device) -> Iterator[Tensor]:
    """The indices of one epoch in random order, in whole batches; the remainder is not used."""
    yield from torch.randperm(count, device=device)[: count - count % BATCH].split(BATCH)


@torch.no_grad()
def accuracy(model: BinaryCnv, pictures: Pictures) -> float:
    """The share of pictures that the model, in eval mode, classifies correctly."""
    model.eval()
    images, labels = pictures
    answers = torch.cat([model(as_input(part)).argmax(1) for part in images.split(500)])
    return float((answers == labels).float().mean())


def train(model: BinaryCnv, training: Pictures, validation: Pictures, epochs: int) -> None:
    """Train with Adam on the cross entropy of varied images; the learning rate falls to zero along a cosine."""
    start = time.monotonic()
    images, labels = training
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    steps = epochs * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    for epoch in range(1, epochs + 1):
        model.train()
        for index in batches(len(labels), labels.device):
            loss = functional.cross_entropy(model(as_input(varied(images[index]))), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            model.clip_weights()
        seconds = time.monotonic() - start
        print(f"epoch {epoch} of {epochs}, {seconds:.0f} s: validation {accuracy(model, validation):.2%}", flush=True)


def main() -> None:
    """Train, report, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of the Python batches, or .npz of training images"
    )
    parser.add_argument("--test", type=Path, help=".npz of test images; by default the test images in --data")
    parser.add_argument("--epochs", type=int, default=200, help="default: 200")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--output", type=Path, default=Path("cnv.onnx"), help="default: cnv.onnx")
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    images, labels = (torch.from_numpy(array).to(device) for array in read_cifar(arguments.data, "train"))
    held = len(labels) // 10
    training, validation = (images[held:], labels[held:]), (images[:held], labels[:held])
    print(f"{len(labels) - held} images to learn from, {held} to validate with, on {device}", flush=True)
    model = BinaryCnv().to(device)
    train(model, training, validation, arguments.epochs)

    model.harden_weights()
    if arguments.test or arguments.data.is_dir():
        test = tuple(
            torch.from_numpy(array).to(device) for array in read_cifar(arguments.test or arguments.data, "test")
        )
        print(f"test {accuracy(model, test):.2%}")
    print(f"wrote {export_qonnx(model, IMAGE_SHAPE, arguments.output)}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from None
