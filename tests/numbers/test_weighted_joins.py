"""Weighted joins in fixed point: equal to float32 chains for every combination of integers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.weighted_joins import Rounding, WeightedJoin, WeightedSum, weighted_join

MODES: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "ROUND": np.round,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "DOWN": np.trunc,
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5)),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - np.float32(0.5)),
}
QUICK, MANY = 100, 2000


@dataclass(frozen=True, eq=False)
class Chain:
    """`q(x0 * s0 * g + h + x1 * s1 + ...)` in float32, with a batch norm's `g` and `h` on the first stream."""

    scales: Floats
    gain: Floats
    bias: Floats
    step: np.float32
    mode: str
    output: IntegerType
    domains: tuple[range, ...]

    def codes(self, channels: IntArray, x: IntArray) -> IntArray:
        x = x.astype(np.float32)
        total = x[:, 0] * self.scales[0] * self.gain[channels] + self.bias[channels]
        for stream in range(1, x.shape[1]):
            total = total + x[:, stream] * self.scales[stream]
        assert total.dtype == np.float32
        code = MODES[self.mode](np.clip(total / self.step, self.output.lo, self.output.hi))
        integers: IntArray = code.astype(np.int64)
        return integers

    @property
    def sum(self) -> WeightedSum:
        scales = np.repeat(self.scales.astype(np.float64)[:, None], len(self.gain), axis=1)
        scales[0] *= self.gain
        largest = np.array([max(abs(d[0]), abs(d[-1])) for d in self.domains])
        size = (np.abs(scales) * largest[:, None]).sum(axis=0) + np.abs(self.bias)
        error = (len(largest) + 4) * size * 2.0**-24 / self.step
        return WeightedSum(
            scales / self.step, self.bias / np.float64(self.step), error, self.mode, self.output, self.domains
        )


def random_chain(seed: int) -> Chain:
    """A chain of two or three streams; some scales are powers of two or small multiples of the output's."""
    rng = np.random.default_rng(seed)
    streams, channels = int(rng.integers(2, 4)), int(rng.integers(1, 5))
    kind = seed % 3
    step = np.float32(2.0 ** -int(rng.integers(0, 6)) if kind == 1 else rng.uniform(0.01, 1))
    if kind == 0:
        scales: Floats = (np.exp(rng.uniform(-3, 1, streams)) * step).astype(np.float32)
    elif kind == 1:
        scales = (step * 2.0 ** -rng.integers(0, 4, streams)).astype(np.float32)
    else:
        scales = step * rng.integers(1, 4, streams).astype(np.float32)
    norm = rng.random() < 0.6
    gain = (rng.uniform(0.3, 2, channels) * rng.choice([-1, 1], channels) if norm else np.ones(channels)).astype(
        np.float32
    )
    bias = (rng.normal(size=channels) * step * 3 if norm else np.zeros(channels)).astype(np.float32)
    sizes = rng.integers(2, 40 if streams == 2 else 12, streams)
    domains = tuple(
        range(-int(n) // 2, -int(n) // 2 + int(n) * skip, skip)
        for n, skip in zip(sizes, rng.integers(1, 3, streams), strict=True)
    )
    bits = int(rng.integers(2, 6))
    output = (
        IntegerType.interval(0, (1 << bits) - 1)
        if rng.random() < 0.3
        else IntegerType.interval(-(1 << bits - 1), (1 << bits - 1) - 1)
    )
    return Chain(scales, gain, bias, step, sorted(MODES)[seed // 3 % len(MODES)], output, domains)


def check(chain: Chain, most_exceptions: int = 0) -> bool:
    """Whether a join was found; it must then be exact for all combinations."""
    join = weighted_join(chain.sum, chain.codes, most_exceptions=most_exceptions)
    if join is None:
        return False
    every = np.array(list(itertools.product(*chain.domains)))
    for channel in range(len(chain.gain)):
        channels = np.full(len(every), channel)
        np.testing.assert_array_equal(join.execute(channels, every), chain.codes(channels, every))
    assert join.factor_bits <= 25
    return True


@pytest.mark.parametrize("mode", MODES)
def test_sums_are_rounded_as_the_quantizer_does(mode: str) -> None:
    sums = np.arange(-200, 200)
    rounded = Rounding.of(mode, 4).execute(sums, 4)
    np.testing.assert_array_equal(rounded, MODES[mode](sums / 16))
    codes = np.arange(-8, 9)
    least = Rounding.of(mode, 4).least(codes, 4)
    np.testing.assert_array_equal(Rounding.of(mode, 4).execute(least, 4) >= codes, True)
    np.testing.assert_array_equal(Rounding.of(mode, 4).execute(least - 1, 4) < codes, True)


def test_random_joins_are_exact() -> None:
    found = [check(random_chain(seed)) for seed in range(QUICK)]
    assert np.mean(found) > 0.9


def test_exceptions_make_up_for_what_no_sum_decides() -> None:
    chains = [random_chain(seed) for seed in range(QUICK)]
    refused = [chain for chain in chains if weighted_join(chain.sum, chain.codes) is None]
    assert refused
    assert all(check(chain, most_exceptions=1000) for chain in refused)


@pytest.mark.slow
def test_many_random_joins_are_exact() -> None:
    seeds = range(QUICK, QUICK + MANY)
    assert np.mean([check(random_chain(seed)) for seed in seeds]) > 0.9
    assert all(check(random_chain(seed), most_exceptions=1000) for seed in seeds)


def test_a_join_that_contradicts_itself_has_no_form() -> None:
    """A chain that decides equal sums differently."""
    domains = (range(8), range(8))
    real = WeightedSum(
        np.full((2, 1), 0.5), np.zeros(1), np.full(1, 1e-6), "ROUND", IntegerType.interval(0, 7), domains
    )
    steady = weighted_join(real, lambda _, x: np.round(x.sum(axis=1) / 2).astype(np.int64))
    assert isinstance(steady, WeightedJoin)
    assert (
        weighted_join(real, lambda _, x: np.round((x.sum(axis=1)) / 2 + (x[:, 0] % 3 - 1) * 1e-7).astype(np.int64))
        is None
    )
