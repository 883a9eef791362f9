"""The emulator's binary layers compared with those of larq-compute-engine, which has its own environment.

larq-compute-engine starts from float32 images and binarises them by their sign; the emulator starts from bytes and
binarises them by a threshold. Both end with the last layer's integers.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import Row
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.native.toolchain import find_compiler
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.simulate.runners.emulator import Emulator
from bnnfpga.simulate.runners.emulator_library import paths_here
from tests.support.graphs import chain

SCRIPT = Path(__file__).with_name("larq_speed.py")
ROUNDS = 5
NETS: dict[str, dict[str, Any]] = {
    "two 3x3 64-64 at 8x8": {"shape": [8, 8, 64], "layers": [64, 64], "same": True, "count": 1000},
    "the CNV's binary convolutions": {
        "shape": [30, 30, 64],
        "layers": [64, "pool", 128, 128, "pool", 256, 256],
        "same": False,
        "count": 200,
    },
}
BIPOLAR = IntegerType.bipolar()


def larq_rows(python: str) -> list[Row]:
    """All rows; `python` is the interpreter of an environment with larq-compute-engine."""
    done = subprocess.run([python, str(SCRIPT), json.dumps(NETS)], check=True, stdout=subprocess.PIPE, text=True)
    larq_speed = json.loads(done.stdout.splitlines()[-1])
    rows = []
    for name, net in NETS.items():
        rows.append(Row(f"larq-compute-engine, {name}", f"{larq_speed[name]:,.0f} images/s", "", True))
        graph = _graph(**{key: value for key, value in net.items() if key != "count"})
        images = np.random.default_rng(0).integers(0, 256, (net["count"], *net["shape"]), dtype=np.uint8)
        expected = graph.execute(images[:10].astype(np.int64))[graph.outputs[0].name]
        for path in paths_here(find_compiler()):
            emulator = Emulator(graph, path)
            exact = np.array_equal(emulator.scores(images[:10])[0], expected.reshape(10, -1))
            seconds = []
            for _ in range(ROUNDS):
                started = time.thread_time()
                emulator.scores(images, threads=1)
                seconds.append(time.thread_time() - started)
            speed = net["count"] / min(seconds)
            measured = f"{speed:,.0f} images/s, {speed / larq_speed[name]:.1f} times" if exact else "DIFFERS"
            rows.append(Row(f"  emulator, {path}", measured, "", exact))
    return rows


def _graph(shape: list[int], layers: list[int | str], same: bool) -> Graph:
    """The layers with random weights and thresholds; pads are 1."""
    rng = np.random.default_rng(0)
    *image, channels = shape
    middle = ThresholdTable(np.array([[128]]), np.array([False]), BIPOLAR)
    units: list[Operator] = [Threshold("sign", tuple(shape), IntegerType.interval(0, 255), middle)]
    for index, layer in enumerate(layers):
        kernel, stride = ((2, 2), (2, 2)) if layer == "pool" else ((3, 3), (1, 1))
        pads = (1,) * 4 if same and layer != "pool" else (0,) * 4
        geometry = Geometry((image[0], image[1]), kernel, stride, pads=pads)
        units.append(Window(f"window{index}", geometry, channels, BIPOLAR, 1))
        image = list(geometry.windows)
        if isinstance(layer, str):
            smallest = np.zeros(channels, dtype=bool)
            units.append(Pool(f"pool{index}", geometry.windows, geometry.taps, channels, BIPOLAR, "extremum", smallest))
            continue
        weights = rng.choice([-1, 1], (layer, 9 * channels))
        limits = rng.integers(-30, 31, (layer, 1))
        table = ThresholdTable(limits, np.zeros(layer, dtype=bool), BIPOLAR) if index < len(layers) - 1 else None
        units.append(MatrixVector(f"unit{index}", weights, BIPOLAR, geometry.windows, table, kernel=geometry.kernel))
        channels = layer
    return chain(units)
