"""FIFO depths against the least: bisection by FIFO in Verilator, round and round until none is reduced any more.

    python -m benchmarks.fifos MODEL [--cycles N] [--frames 200]

Prints how long sizing takes, the bits of the FIFOs as planned, and of the smallest ones with which interval and latency
stay over these frames; the interval over them and under which seeds no stall stops the accelerator.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import bnnfpga
from benchmarks.table import Row, show
from bnnfpga.compiler.fifo_simulation import SimulatedFifos, with_deepest
from bnnfpga.dataflow.folding import apply_folding, parse_folding
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.target import DEFAULT_TARGET
from bnnfpga.dataflow.token_model import predict

_SECONDS, _RATIO = 10, 1.1
_STALL_SEEDS = (0, 1, 2)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("model", type=Path)
    options.add_argument("--cycles", type=int)
    options.add_argument("--frames", type=int, default=200)
    given = options.parse_args()
    planner = bnnfpga.Planner(given.model)
    graph = planner.graph.built_for(DEFAULT_TARGET)
    planned = parse_folding(planner.plan(cycles=given.cycles).folding, "folding")
    started = time.process_time()
    folded = apply_folding(graph, {name: entry for name, entry in planned.items() if entry.depth is None})
    seconds = time.process_time() - started
    rows = [Row("sizing, CPU", f"{seconds:.1f} s", f"{_SECONDS} s at most", seconds <= _SECONDS)]
    depths = {unit.name: unit.depth for unit in folded.operators if isinstance(unit, Fifo)}
    if depths:
        cycles = predict(folded)
        with tempfile.TemporaryDirectory() as folder:
            fifos = SimulatedFifos(with_deepest(graph, folded), Path(folder), cycles, given.frames)
            interval = fifos.run(depths).interval
            is_kept = interval == cycles.initiation_interval
            rows.append(
                Row(f"interval over {given.frames} frames", f"{interval:,}", f"{cycles.initiation_interval:,}", is_kept)
            )
            for seed in _STALL_SEEDS:
                fifos.run(depths, stall_seed=seed)
            rows.append(Row("stalled by seeds", ", ".join(map(str, _STALL_SEEDS)), "no deadlock", True))
            least = dict(depths)
            while (smaller := dict(fifos.reduced(least))) != least:
                least = smaller
        bits, fewest = fifos.bits(depths), fifos.bits(least)
        rows.append(Row("FIFO bits", f"{bits:,}", f"1.1 times {fewest:,} at most", bits <= _RATIO * fewest))
    show(rows)
    print(f"planned: {depths}")
    if depths:
        print(f"least: {least}")


if __name__ == "__main__":
    main()
