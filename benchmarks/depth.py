"""CPU seconds of each stage for chains of dense layers: how they grow with the depth.

    python -m benchmarks.depth [LAYERS ...]

All stages work on the operator graph of a compiled chain, so that no model is exported or read.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bnnfpga.codegen.hls import render_hls
from bnnfpga.codegen.rtl import render_rtl
from bnnfpga.dataflow.folding import apply_folding
from bnnfpga.dataflow.token_model import predict
from bnnfpga.simulate.runners.emulator import Emulator
from bnnfpga.tuning.choose import choose_folding
from tests.support.deep_graphs import dense_chain
from tests.support.graphs import random_integers

CYCLES = 4096
FRAMES = 16
LAYERS = (100, 200, 400)
Result = TypeVar("Result")


def stages(layers: int) -> dict[str, float]:
    """CPU seconds by stage for a chain of (dense 64 x 64, threshold) units."""
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Result]) -> Result:
        started = time.process_time()
        result = work()
        seconds[name] = time.process_time() - started
        return result

    graph = timed("build", lambda: dense_chain(layers))
    folding = timed("choose", lambda: choose_folding(graph, CYCLES))
    folded = timed("fold", lambda: apply_folding(graph, folding))
    timed("play", lambda: predict(folded))
    x = random_integers(folded.input.port, FRAMES, 0)
    timed("execute", lambda: folded.execute(x))
    timed("emulate", lambda: Emulator(folded).scores(x))
    with tempfile.TemporaryDirectory() as name:
        timed("rtl", lambda: render_rtl(folded, Path(name)))
        timed("hls", lambda: render_hls(folded, Path(name)))
    seconds["all"] = sum(seconds.values())
    return seconds


def main() -> None:
    """Measure and print, each depth as a multiple of the first one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layers", nargs="*", type=int, default=LAYERS, help="depths, the shortest first")
    depths = parser.parse_args().layers
    stages(2)  # warm up: libraries, templates
    rows = {depth: stages(depth) for depth in depths}
    first = rows[depths[0]]
    print(f"{'layers':>8}" + "".join(f"{name:>16}" for name in first))
    for depth, seconds in rows.items():
        cells = (f"{value:.3f} s x {value / max(first[name], 1e-9):4.1f}" for name, value in seconds.items())
        print(f"{depth:>8}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    main()
