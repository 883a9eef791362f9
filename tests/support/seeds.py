"""Seeds of random cases: the first ones run in `make test`, all of them in `make test-all`."""

from __future__ import annotations

from typing import Any

import pytest

QUICK = 20
DENSE_NETS, CONV_NETS = 100, 200


def seeds(count: int, quick: int = QUICK) -> list[Any]:
    """`count` seeds, for `pytest.mark.parametrize`."""
    return [pytest.param(seed, marks=() if seed < quick else pytest.mark.slow) for seed in range(count)]
