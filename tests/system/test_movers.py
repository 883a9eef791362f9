"""What picks, repeats, joins and reduces along any axis: file = golden = folded = emulator, a few nets in Verilator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.any_nets import MOVERS, AnyNet
from tests.support.seeds import seeds
from tests.system.test_any_order import compiles

SHAPES = {"signals": (4, 6), "images": (2, 3, 4)}
ENDING = {"signals": ("conv", "quantizer"), "images": ("conv", "quantizer")}
_CASES = [(kind, where) for where in SHAPES for kind in MOVERS]


@pytest.mark.parametrize("input", ["int4", "float"])
@pytest.mark.parametrize(("kind", "where"), _CASES)
def test_first(kind: str, where: str, input: str, tmp_path: Path) -> None:
    nets = [AnyNet((kind, *ENDING[where], "flatten", "dense"), SHAPES[where], input, seed) for seed in range(4)]
    found = [compiles(net, tmp_path) for net in nets]
    assert any(found)


@pytest.mark.parametrize(("kind", "where"), _CASES)
def test_last(kind: str, where: str, tmp_path: Path) -> None:
    found = [compiles(AnyNet((*ENDING[where][:1], kind), SHAPES[where], "int4", seed), tmp_path) for seed in range(3)]
    assert any(found)


@pytest.mark.parametrize("seed", seeds(300, quick=40))
def test_random_nets(seed: int, tmp_path: Path) -> None:
    """Movers one behind the other, and between layers."""
    rng = np.random.default_rng((seed, 5))
    kinds = sorted({*MOVERS, "conv", "quantizer", "channels_last", "add", "elementwise"})
    shape = SHAPES[str(rng.choice(list(SHAPES)))]
    compiles(
        AnyNet(tuple(map(str, rng.choice(kinds, 4))), shape, str(rng.choice(["int4", "float", "bipolar"])), seed),
        tmp_path,
    )
