"""Weighted sums of integer streams, rounded to integer codes, as fixed-point arithmetic that equals a float32 chain."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from bnnfpga.numbers.float_functions import Doubles
from bnnfpga.numbers.integers import IntArray, IntegerType

FACTOR_BITS = 25
"""Bits of a factor that one DSP slice multiplies, sign included."""
_SUM_BITS = 48
"""Width of the adder behind its multiplier."""
_LEAST_SHIFT = 2
_SLACK = 4
"""How far an offset may lie from the model's constant, in units of the lowest bit."""
_CHUNK = 1 << 21
"""Combinations examined at a time, to bound memory."""

_NONE = (np.zeros(0, dtype=np.int64),) * 3

Codes = Callable[[IntArray, IntArray], IntArray]
"""Maps channels int64 (n,) and their integers (n, streams) to the codes of the model's own float32 chain."""


@dataclass(frozen=True)
class Rounding:
    """A rounding mode of sums with `shift` bits below the point: `(sum + half + e) >> shift`.

    Parameters
    ----------
    half
        What is added to all sums, in parts of one: 0, 1/2 (or the next smaller number) or almost 1.
    parity
        Whether `e` is the lowest bit of the result so far: ties to even.
    below_zero
        What `e` is where the sum is negative; 0 elsewhere.
    """

    half: int
    parity: bool = False
    below_zero: int = 0

    @classmethod
    def of(cls, mode: str, shift: int) -> Rounding:
        """The rounding of a quantizer's mode (QONNX's names).

        Raises
        ------
        KeyError
            If there is no such mode.
        """
        middle, most = 1 << shift - 1, (1 << shift) - 1
        return {
            "ROUND": cls(middle - 1, parity=True),
            "HALF_EVEN": cls(middle - 1, parity=True),
            "FLOOR": cls(0),
            "CEIL": cls(most),
            "UP": cls(most, below_zero=-most),
            "DOWN": cls(0, below_zero=most),
            "ROUND_TO_ZERO": cls(0, below_zero=most),
            "HALF_UP": cls(middle, below_zero=-1),
            "HALF_DOWN": cls(middle - 1, below_zero=1),
        }[mode]

    def execute(self, sums: IntArray, shift: int) -> IntArray:
        """The rounded sums."""
        moved = sums + self.half
        if self.parity:
            moved = moved + (moved >> shift & 1)
        elif self.below_zero:
            moved = moved + np.where(sums < 0, self.below_zero, 0)
        return moved >> shift

    def least(self, codes: IntArray, shift: int) -> IntArray:
        """The least sum that is rounded to each code, or above it."""
        reached = (codes << shift) - self.half
        if self.parity:
            # A tie, which is one below a multiple, goes up to an even code.
            reached = reached - (1 - (codes & 1))
        elif self.below_zero:
            reached = np.where(codes > 0, reached, reached - self.below_zero)
        return reached


@dataclass(frozen=True, eq=False)
class WeightedJoin:
    """Codes as `clip((sum of factors * x + offset + half + e) >> shift)`, with per-channel constants.

    Parameters
    ----------
    factors
        int64 (streams, channels).
    offsets
        int64 (channels,).
    shift
        Common to all channels.
    mode
        The quantizer's rounding mode.
    output
        The interval that codes are clipped to.
    domains
        The integers of each stream for which this holds.
    exceptions
        int64 (n, 2 + streams): a channel, an integer of each stream, and what is added to the code of these. A chain
        decides combinations nearer to a boundary than its own errors as these happen to fall; no sum does so for all.
    """

    factors: IntArray
    offsets: IntArray
    shift: int
    mode: str
    output: IntegerType
    domains: tuple[range, ...]
    exceptions: IntArray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))

    def sums(self, channels: IntArray, x: IntArray) -> IntArray:
        """The sums of channels (n,) for their integers (n, streams), without the rounding."""
        total: IntArray = (self.factors[:, channels].T * x).sum(axis=1) + self.offsets[channels]
        return total

    def execute(self, channels: IntArray, x: IntArray) -> IntArray:
        """The codes of channels (n,) for their integers (n, streams)."""
        rounded = Rounding.of(self.mode, self.shift).execute(self.sums(channels, x), self.shift)
        codes: IntArray = np.clip(rounded, self.output.lo, self.output.hi)
        for channel, *own, change in self.exceptions.tolist():
            codes[(channels == channel) & np.all(x == own, axis=-1)] += change
        return codes

    @cached_property
    def factor_bits(self) -> int:
        """Bits of the widest factor, sign included."""
        return IntegerType(int(self.factors.min()), int(self.factors.max()), "signed").bits

    @cached_property
    def sum_bits(self) -> int:
        """Bits of the widest sum, sign and rounding included."""
        ends = [np.abs(row) * max(abs(x[0]), abs(x[-1])) for row, x in zip(self.factors, self.domains, strict=True)]
        largest = int((sum(ends) + np.abs(self.offsets)).max()) + (1 << self.shift + 1)
        return largest.bit_length() + 1


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """What a model computes in real numbers: `slopes[0, c] * x0 + slopes[1, c] * x1 + ... + shift[c]`, in codes.

    Parameters
    ----------
    slopes
        float64 (streams, channels).
    shift
        float64 (channels,).
    error
        float64 (channels,): how far the float32 chain in front of the rounding can be from this.
    mode, output, domains
        As in `WeightedJoin`.
    """

    slopes: Doubles
    shift: Doubles
    error: Doubles
    mode: str
    output: IntegerType
    domains: tuple[range, ...]

    @property
    def boundaries(self) -> tuple[IntArray, Doubles]:
        """The codes above the lowest, and the number from which on each is reached."""
        codes = np.arange(self.output.lo + 1, self.output.hi + 1)
        fine = 40
        return codes, np.rint(Rounding.of(self.mode, fine).least(codes, fine) / (1 << fine - 1)) / 2


def weighted_join(
    model: WeightedSum, codes: Codes, *, most_bits: int = FACTOR_BITS, most_exceptions: int = 0
) -> WeightedJoin | None:
    """The fixed-point form of a join that equals the model's chain for all integers; None if none was found.

    Combinations that are farther from every boundary of the rounding than the errors of both the float32 chain and the
    fixed-point sum have the code of the real sum. Only the others are evaluated: each bounds its channel's offset from
    below or above.

    Parameters
    ----------
    model
        The real sum, and the chain's error.
    codes
        The chain itself.
    most_bits
        Bits that a factor may have, sign included.
    most_exceptions
        Combinations of a channel that may have a code of their own.
    """
    steepest = float(np.abs(model.slopes).max())
    if not np.isfinite(steepest) or steepest == 0:
        return None
    finest = most_bits - 1 - math.frexp(steepest)[1]
    for shift in range(finest, max(_LEAST_SHIFT, finest - 3) - 1, -1):
        join = _solved(model, codes, shift, most_exceptions)
        if join is not None and join.factor_bits <= most_bits and join.sum_bits <= _SUM_BITS:
            return join
    return None


def _solved(model: WeightedSum, codes: Codes, shift: int, most_exceptions: int) -> WeightedJoin | None:
    """The join with this shift, with each channel's offset closest to the model's constant."""
    largest = [max(abs(domain[0]), abs(domain[-1])) for domain in model.domains]
    sums = sum(np.abs(row) * x for row, x in zip(model.slopes, largest, strict=True)) + np.abs(model.shift)
    if not np.all(np.ldexp(sums + 2, shift) < 1 << _SUM_BITS - 1):
        return None
    exact = np.ldexp(model.slopes, shift)
    factors = np.rint(exact).astype(np.int64)
    centre = np.rint(np.ldexp(model.shift, shift)).astype(np.int64)
    join = WeightedJoin(factors, centre, shift, model.mode, model.output, model.domains)
    drift = sum(np.abs(row - own) * x for row, own, x in zip(factors, exact, largest, strict=True))
    window = model.error + np.ldexp(drift + _SLACK + 2, -shift)
    least = Rounding.of(model.mode, shift).least
    offsets, wrong = centre.copy(), []
    for channel in range(len(centre)):
        near = _near(model, window, channel)
        channels, x, code = (np.concatenate(parts) for parts in zip(*near, strict=True)) if near else _NONE
        if not len(code):
            continue
        # The offset with which the sum is just enough for the code.
        enough = least(code, shift) - (join.sums(channels, x) - centre[channels])
        reached = codes(channels, x) >= code
        candidates = centre[channel] + np.array(sorted(range(-_SLACK, _SLACK + 1), key=abs))
        misses = ((candidates[:, None] >= enough) != reached).sum(axis=1)
        offsets[channel] = candidates[misses.argmin()]
        missed = (offsets[channel] >= enough) != reached
        if np.any(missed):
            wrong.append(np.column_stack([channels[missed], x[missed], np.where(reached[missed], 1, -1)]))
            if misses.min() > most_exceptions:
                return None
    exceptions = np.concatenate(wrong) if wrong else join.exceptions
    return replace(join, offsets=offsets, exceptions=exceptions)


def _near(model: WeightedSum, window: Doubles, channel: int) -> list[tuple[IntArray, IntArray, IntArray]]:
    """All combinations of a channel within a window of a boundary: channels (n,), integers (n, streams), its codes.

    For each combination of all streams but one, and each boundary that is within reach, they are integers of that one.
    """
    slopes = model.slopes[:, channel]
    solved = max(range(len(slopes)), key=lambda stream: (slopes[stream] != 0, len(model.domains[stream])))
    others = [stream for stream in range(len(slopes)) if stream != solved]
    domain, slope = model.domains[solved], slopes[solved]
    grid = np.meshgrid(*(np.array(model.domains[stream]) for stream in others))
    rest = np.stack([axis.reshape(-1) for axis in grid], axis=1) if others else np.zeros((1, 0), dtype=np.int64)
    codes, numbers = model.boundaries
    within = window[channel]
    ends = sorted((slope * domain[0], slope * domain[-1]))
    # Only boundaries between the smallest and the largest sum of a combination can be near.
    columns = np.arange(min(len(codes), math.ceil(ends[1] - ends[0] + 2 * within) + 2))
    reach = abs(within / (slope * domain.step)) if slope else math.inf
    steps = range(min(len(domain), math.ceil(min(2 * reach, len(domain))) + 2))
    found = []
    length = max(1, _CHUNK // max(1, len(columns)))
    for begin in range(0, len(rest), length):
        some = rest[begin : begin + length]
        base = some @ slopes[others] + model.shift[channel]
        lowest = np.searchsorted(numbers, base + ends[0] - within)
        column = lowest[:, None] + columns
        missing = numbers[np.minimum(column, len(codes) - 1)] - base[:, None]
        first = np.zeros_like(missing)
        if len(steps) < len(domain):
            first = np.floor((missing / slope - domain.start) / domain.step - reach)
        for step in steps:
            place = first + step
            close = np.abs(missing - slope * (domain.start + domain.step * place)) <= within
            row, index = np.nonzero(close & (place >= 0) & (place < len(domain)) & (column < len(codes)))
            if len(row):
                x = np.empty((len(row), len(slopes)), dtype=np.int64)
                x[:, others] = some[row]
                x[:, solved] = domain.start + domain.step * place[row, index].astype(np.int64)
                found.append((np.full(len(row), channel), x, codes[column[row, index]]))
    return found
