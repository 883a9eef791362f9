"""Whether tuned accelerators fit their parts: random nets, tuned for random parts, synthesised by Yosys.

    python -m benchmarks.parts [--seed S] [--count 20] [--most-luts 30000]

Each pair is a net, of random layers or a trained example, and a part, of any family and so small that the net fills
some of it. The fastest accelerator that fits is tuned, and all its units are synthesised. It holds if all resources are
within the budget for which it was tuned, and the largest share of it is within 10 % of what tuning said. Ends with
status 1 if a pair does not hold.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

import bnnfpga
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.compiler.tuner import Tuned, tune
from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.synthesis.yosys import synthesize_area
from bnnfpga.tuning.part import FpgaPart, known_parts
from tests.support.conv_nets import BLOCKS, ConvNet
from tests.support.data import EXAMPLES
from tests.support.nets import DenseNet

_TRAINED = ("mnist_mlp/mlp_64", "mnist_mlp/mlp_64_in8", "mnist_mlp/mlp_64_w1a2", "mnist_mlp/mlp_256", "mnist_cnn/cnn")
_LEAST_SHARE = 0.4
"""Of a part's budget that the fastest accelerator takes at least, or else a smaller part is taken."""
_TOLERANCE = 0.1


@dataclass(frozen=True)
class Outcome:
    """What tuning said of a net on a part, and what was measured.

    Parameters
    ----------
    net, tuned
        The net's name, and what was found for it.
    measured
        What all units take by Yosys.
    """

    net: str
    tuned: Tuned
    measured: Mapping[str, int]

    @property
    def budget(self) -> Mapping[str, int]:
        assert self.tuned.budget is not None
        return self.tuned.budget

    def share(self, resources: Mapping[str, int]) -> tuple[float, str]:
        """The largest share of the budget, and the resource that it is of."""
        shares = [(resources[kind] / self.budget[kind], kind) for kind in RESOURCES if self.budget[kind]]
        return max(shares)

    @property
    def fits(self) -> bool:
        return all(self.measured[kind] <= self.budget[kind] for kind in RESOURCES)

    @property
    def error(self) -> float:
        """Of the largest share, relative to what tuning said."""
        return self.share(self.measured)[0] / self.share(self.tuned.plan.resources)[0] - 1

    @property
    def holds(self) -> bool:
        return self.fits and abs(self.error) <= _TOLERANCE

    def __str__(self) -> str:
        plan, part = self.tuned.plan, self.tuned.part
        assert part is not None
        said, measured = self.share(plan.resources), self.share(self.measured)
        pairs = "  ".join(f"{plan.resources[kind]:,}/{self.measured[kind]:,} {kind}" for kind in RESOURCES)
        verdict = "holds" if self.holds else "DOES NOT FIT" if not self.fits else "SHARE IS OFF"
        return (
            f"{self.net:<24} {part.name:<10} {plan.initiation_interval:>9,} cycles  {said[0]:6.1%} {said[1]:<6} "
            f"{measured[0]:6.1%} {measured[1]:<6} {self.error:+6.1%}  {verdict:<12}  {pairs}"
        )


def main() -> None:
    """Draw, tune, measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=0, help="draws nets and parts")
    options.add_argument("--count", type=int, default=20, help="pairs")
    options.add_argument("--most-luts", type=int, default=30_000, help="leaves out parts with a larger budget")
    given = options.parse_args()
    print("net, part, interval, largest share as tuned and as synthesised, difference; tuned/synthesised resources")
    outcomes = []
    with tempfile.TemporaryDirectory() as name:
        for outcome in draw(given.seed, given.count, given.most_luts, Path(name)):
            outcomes.append(outcome)
            print(outcome, flush=True)
    held = sum(outcome.holds for outcome in outcomes)
    print(f"{held} of {len(outcomes)} hold, {sum(outcome.fits for outcome in outcomes)} fit")
    sys.exit(held < len(outcomes))


def draw(seed: int, count: int, most_luts: int, folder: Path) -> Iterator[Outcome]:
    """So many pairs, each drawn from the seed and a number alone, but for nets that fit no part of their family."""
    parts = [part for part in known_parts().values() if part.budget()["lut"] <= most_luts]
    number = drawn = 0
    while drawn < count:
        number += 1
        rng = random.Random(f"{seed} {number}")
        own = folder / str(number)
        own.mkdir()
        name, model, options = _net(rng, own)
        family = rng.choice(sorted({part.family for part in parts}))
        tuned = _tuned(rng, model, [part for part in parts if part.family == family], options)
        if tuned is None:
            print(f"  {name} fits no part of {family} that is drawn from", file=sys.stderr)
            continue
        drawn += 1
        started = time.perf_counter()
        plan = tuned.plan
        project = bnnfpga.compile(
            model, own / "project", folding=plan.folding, clock_mhz=plan.clock_mhz, family=plan.family, **options
        )
        area = synthesize_area(project, Recompiled(project).graph)
        yield Outcome(name, tuned, {kind: getattr(area, kind) for kind in RESOURCES})
        print(f"  {time.perf_counter() - started:.0f} s", file=sys.stderr)


def _net(rng: random.Random, folder: Path) -> tuple[str, Path, dict[str, Any]]:
    """A net: its name, its file, and the options to compile it with."""
    kind = rng.choice(["trained", "dense", "images", "images"])
    if kind == "trained":
        name = rng.choice(_TRAINED)
        return name, EXAMPLES / f"{name}.onnx", {"input": "uint8", "input_scale": "1/255"}
    number = rng.randrange(1000)
    if kind == "dense":
        widths = [rng.choice([16, 64, 100, 256]), *(rng.choice([24, 32, 48, 64, 96, 128]) for _ in range(3)), 10]
        model = DenseNet(tuple(widths), rng.choice([1, 1, 2]), rng.choice([1, 1, 2]), seed=number).model()
    else:
        blocks = tuple(rng.choice(BLOCKS) for _ in range(rng.randint(1, 4)))
        side = rng.choice([8, 10, 12, 16])
        model = ConvNet(blocks, (3, side, side), rng.choice([1, 1, 2]), most_channels=16, seed=number).model()
    path = folder / "net.onnx"
    onnx.save(model, path)
    return f"{kind} {number}", path, {}


def _tuned(rng: random.Random, model: Path, parts: list[FpgaPart], options: dict[str, Any]) -> Tuned | None:
    """Tuned for one of the parts that is so small that the net fills some of it, if any is; None if none has room."""
    parts = sorted(parts, key=lambda part: part.budget()["lut"])
    start = rng.randrange(len(parts))
    found = _fastest(model, parts[start], options)
    if found is None:
        larger = (_fastest(model, part, options) for part in parts[start + 1 :])
        return next((tuned for tuned in larger if tuned is not None), None)
    for part in reversed(parts[:start]):
        if found.cost >= _LEAST_SHARE:
            break
        smaller = _fastest(model, part, options)
        if smaller is None:
            break
        found = smaller
    return found


def _fastest(model: Path, part: FpgaPart, options: dict[str, Any]) -> Tuned | None:
    """The fastest accelerator that fits a part; None if none does."""
    try:
        return tune(model, part=part.name, **options)
    except bnnfpga.UserError as error:
        if error.where != "--part":
            raise
        return None


if __name__ == "__main__":
    main()
