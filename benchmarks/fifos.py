"""Whether smaller FIFOs would do: bisection by FIFO in Verilator, round and round until none is reduced any more.

    python -m benchmarks.fifos MODEL [--cycles N] [--frames 200]

Prints the bits of the FIFOs as planned, and of the smallest ones that keep interval and latency over these frames.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import bnnfpga
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.simulate.simulation_result import SimulationResult

Folding = dict[str, Mapping[str, Any]]


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("model", type=Path)
    options.add_argument("--cycles", type=int)
    options.add_argument("--frames", type=int, default=200)
    given = options.parse_args()
    planned = bnnfpga.plan(given.model, cycles=given.cycles)
    with tempfile.TemporaryDirectory() as name:
        search = _Search(given.model, Path(name), given.frames)
        folding = {name: dict(entry) for name, entry in planned.folding.items()}
        before, widths = search.run(folding)
        assert before is not None
        least = search.reduced(folding, before)
    for kind, entries in (("planned", planned.folding), ("least", least)):
        depths = {name: entry["depth"] for name, entry in entries.items() if entry.get("depth")}
        print(f"{kind}: {sum(depths[name] * widths[name] for name in depths):,} bits, {depths}")


class _Search:
    def __init__(self, model: Path, folder: Path, frames: int) -> None:
        self._model, self._folder, self._frames = model, folder, frames

    def run(self, folding: Folding) -> tuple[SimulationResult | None, dict[str, int]]:
        """Simulate; None if it deadlocks. Also returns the bits of each FIFO's beat."""
        try:
            project = bnnfpga.compile(self._model, self._folder / "project", folding=folding, force=True)
        except bnnfpga.UserError:
            return None, {}
        type = project.input_format.type
        rng, shape = np.random.default_rng(0), (self._frames, *project.input_shape)
        images = rng.standard_normal(shape, np.float32) if type is None else rng.integers(type.lo, type.hi + 1, shape)
        units = Recompiled(project).graph.operators
        return project.simulate(images), {unit.name: unit.port.width for unit in units if isinstance(unit, Fifo)}

    def reduced(self, folding: Folding, before: SimulationResult) -> Folding:
        """The folding with depths that cannot be smaller, one at a time."""
        changed = True
        while changed:
            changed = False
            for name in [name for name, entry in folding.items() if entry.get("depth")]:
                low, high = 1 + int(folding[name]["stages"]), int(folding[name]["depth"])
                while low < high:
                    middle = (low + high) // 2
                    trial = {**folding, name: {**folding[name], "depth": middle}}
                    if self._is_as_fast(trial, before):
                        folding, high, changed = trial, middle, True
                    else:
                        low = middle + 1
        return folding

    def _is_as_fast(self, folding: Folding, before: SimulationResult) -> bool:
        now, _ = self.run(folding)
        if now is None or None in (now.initiation_interval, now.latency_cycles):
            return False
        assert before.initiation_interval is not None
        assert before.latency_cycles is not None
        assert now.initiation_interval is not None
        assert now.latency_cycles is not None
        faster = now.initiation_interval <= before.initiation_interval
        return faster and now.latency_cycles <= before.latency_cycles and now.mismatches == 0


if __name__ == "__main__":
    main()
