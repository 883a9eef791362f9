"""Compile and simulation speed as one table.

    python -m benchmarks [--quick] [--only emulator] [--larq PYTHON]

Compilation is timed as a whole process. Simulation speed is that of the evaluation loop in one thread, the best of
three runs. Builds start from an empty cache; the first one also compiles Verilator's runtime, and has its own line.
Weights are random where no figure depends on them.

With `--larq`, the emulator's binary layers are compared with those of larq-compute-engine. PYTHON is the interpreter of
a separate environment with Python 3.11, since it needs an older numpy:

    python3.11 -m venv larq
    larq/bin/pip install larq-compute-engine==0.16.0 larq tensorflow-cpu==2.16.1 tf_keras==2.16.0
    python -m benchmarks --only emulator --larq larq/bin/python
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import bnnfpga
from benchmarks.emulator import emulator_rows
from benchmarks.larq_rows import larq_rows
from benchmarks.table import Row, show
from bnnfpga.simulate.runners.hls_headers import find_headers
from tests.support.data import EXAMPLES, FIXTURES
from tests.support.nets import DenseNet

PIXELS = {"input": "uint8", "input_scale": "1/255"}
LARGE = DenseNet((784, 1024, 1024, 1024, 10), seed=1)
LAYER = DenseNet((256, 256), seed=2)
CNV = FIXTURES / "cnv" / "cnv_w1a1_random.onnx.gz"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave out the net at 16 cycles per frame")
    parser.add_argument("--only", choices=("emulator",), help="measure this part alone")
    parser.add_argument("--larq", metavar="PYTHON", help="an interpreter that has larq-compute-engine")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Every build is a real one; headers are not built, and fetched ones lie in the cache.
        with contextlib.suppress(bnnfpga.UserError):
            os.environ["BNNFPGA_HLS_INCLUDE"] = str(find_headers())
        os.environ["BNNFPGA_CACHE"] = str(folder / "cache")
        rows = [] if arguments.only else measure(folder, quick=arguments.quick)
        rows += emulator_rows(folder)
        if arguments.larq:
            rows += larq_rows(arguments.larq)
        show(rows)


def measure(folder: Path, *, quick: bool) -> list[Row]:
    """All rows, in order."""
    small = EXAMPLES / "mnist_mlp" / "mlp_64.onnx"
    large = LARGE.write(_new_folder(folder / "large"))
    layer = LAYER.write(_new_folder(folder / "layer"))
    rows = [
        compile_row("784-64-64-64-10", small, folder, 2.0),
        compile_row("784-1024-1024-1024-10", large, folder, 5.0),
        compile_row("the CNV, from pixels", CNV, folder, 8.0, "--input", "uint8", "--input-scale", "1/255"),
    ]
    fixed = {"matrix_vector0": {"pe": 16, "simd": 64}}
    rows += simulation_rows("256x256, PE 16, SIMD 64", layer, folder, 40_000, 5e6, None, folding=fixed)
    rows += simulation_rows("784-64-64-64-10, 64 cycles", small, folder, 10_000, 2e6, 15, cycles=64, **PIXELS)
    rows += verify_rows("784-64-64-64-10, 1,000 images", small, folder)
    rows += simulation_rows("784-1024x3-10, 128 cycles", large, folder, 4_000, 5e5, None, cycles=128)
    rows += simulation_rows("the CNV, 33,020 cycles", CNV, folder, 100, 8e5, 90, cycles=33_020, **PIXELS)
    if not quick:
        rows += simulation_rows("784-1024x3-10, 16 cycles", large, folder, 1_000, 5e4, 60, cycles=16)
    return rows


def compile_row(what: str, model: Path, folder: Path, bar: float, *options: str) -> Row:
    """`bnnfpga compile` as a whole process: the median of five, after a first one that fills the disk's cache."""
    command = [
        sys.executable,
        "-m",
        "bnnfpga",
        "compile",
        str(model),
        "-o",
        str(folder / "compiled"),
        "--force",
        "--quiet",
        *options,
    ]
    seconds = []
    for _ in range(6):
        started = time.perf_counter()
        subprocess.run(command, check=True)
        seconds.append(time.perf_counter() - started)
    median = sorted(seconds[1:])[2]
    return Row(f"compile {what}", f"{median:.2f} s", f"{bar:g} s at most", median <= bar)


def simulation_rows(
    what: str, model: Path, folder: Path, frames: int, bar: float, build_bar: float | None, **options: Any
) -> list[Row]:
    """Build, build from the cache, and cycles per second of one accelerator; its integers are checked as well."""
    project = bnnfpga.compile(model, folder / "simulated", force=True, **options)
    rng = np.random.default_rng(0)
    shape = (frames, *project.input_shape)
    images = rng.integers(0, 256, shape) if "input" in options else rng.standard_normal(shape, dtype=np.float32)
    runs = [project.simulate(images) for _ in range(3)]
    first, second = runs[0], runs[1]
    best = max(run.simulated_cycles_per_second or 0.0 for run in runs)
    exact = all(
        run.mismatches == 0
        and run.initiation_interval == run.predicted_initiation_interval
        and run.latency_cycles == run.predicted_latency_cycles
        for run in runs
    )
    rows = [
        Row(f"simulate {what}", f"{best / 1e6:.3g} M cycles/s", f"{bar / 1e6:g} M", best >= bar),
        Row(
            f"  {frames:,} frames, interval {first.initiation_interval}",
            "exact" if exact else "DIFFERS",
            "exact",
            exact,
        ),
    ]
    limit = "" if build_bar is None else f"{build_bar:g} s at most"
    within = build_bar is None or first.build_seconds <= build_bar
    rows.append(Row("  build", f"{first.build_seconds:.1f} s", limit, within))
    rows.append(Row("  from cache", f"{second.build_seconds:.2f} s", "1 s at most", second.build_seconds <= 1))
    return rows


def verify_rows(what: str, model: Path, folder: Path) -> list[Row]:
    """The whole chain with all stages that run here, when all is equal and with one wrong bit in a weight memory."""
    project = bnnfpga.compile(model, folder / "verified", cycles=64, **PIXELS)
    # As dark as digits: every unit is exercised, and the wrong bit shows.
    rng = np.random.default_rng(0)
    shape = (1_000, *project.input_shape)
    images = np.where(rng.random(shape) < 0.2, rng.integers(0, 256, shape), 0).astype(np.uint8)
    rows = []
    for case in ("equal", "one wrong bit"):
        if case != "equal":
            memory = project.folder / "memories" / "matrix_vector1_weights.mem"
            words = memory.read_text().split()
            words[0] = f"{int(words[0], 16) ^ 1:0{len(words[0])}x}"
            memory.write_text("\n".join(words) + "\n")
        seconds = []
        for _ in range(4):
            started = time.perf_counter()
            result = project.verify(images)
            seconds.append(time.perf_counter() - started)
        unit = None if result.first_difference is None else result.first_difference["unit"]
        right = unit == (None if case == "equal" else "matrix_vector1")
        stages = ", ".join(stage["name"] for stage in result.stages)
        rows += [
            Row(f"verify {what}: {case}", f"{min(seconds[1:]):.2f} s", f"{stages}", right),
            Row("  the first time, builds included", f"{seconds[0]:.1f} s", "", True),
        ]
    return rows


def _new_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
