"""Turning chains of float32 steps that end in integer codes into integer functions, by evaluating them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.numbers.arithmetic import Step, apply_steps
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

_MAX_EVALUATED = 1 << 16
"""Maximum number of values of an integer on which a chain is evaluated exhaustively even if proven monotone."""
_MAX_EVALUATIONS = 1 << 28
"""Maximum number of evaluations, over all distinct channels, of a chain that is not proven monotone."""
_MAX_RUNS = 1 << 22
"""Maximum number of intervals of constant code, over all channels: no table of more would fit."""
_CHUNK = 1 << 22
"""Elements evaluated at a time, to bound memory."""


@dataclass(frozen=True, eq=False)
class IntervalFunction:
    """A function that is not monotone: intervals of integers, each with its code.

    Parameters
    ----------
    intervals
        Maps an integer to the index of the interval it lies in.
    codes
        int64 (channels, intervals): the code of each interval. A single row serves all channels.
    output
        The type of the codes.
    """

    intervals: ThresholdTable
    codes: IntArray
    output: IntegerType

    def table(self, values: range) -> IntArray:
        """The codes of consecutive values, int64 (channels, values)."""
        channels = len(self.codes)
        x = np.broadcast_to(np.array(values)[:, None], (len(values), channels))
        return self.codes[np.arange(channels)[:, None], self.intervals.execute(x).T]


def integer_function(steps: Sequence[Step], values: range, *, where: str) -> ThresholdTable | IntervalFunction:
    """The integer function that a chain of float32 steps ending in integer codes computes.

    Codes that only take the values -1 and +1 are bipolar, whatever the quantizer allows.

    Parameters
    ----------
    steps
        The chain; constants are single numbers or one per channel, in the form that `Step.along` returns.
    values
        The integers that can occur, ascending.
    where
        The node to name in an error.

    Returns
    -------
    ThresholdTable or IntervalFunction
        With thresholds between the lowest integer that can occur and one more than the highest.

    Raises
    ------
    UserError
        If the chain gives NaN or infinity, or is not proven monotone and has too many values to evaluate.
    """
    places, steps = _distinct(steps)
    chain = _Chain(steps, values, where)
    proven = all(step.slope() is not None for step in steps)
    many = max(_MAX_EVALUATIONS, _MAX_EVALUATED)
    if proven and (len(values) > _MAX_EVALUATED or len(values) * chain.channels > many):
        return _monotone(chain, _ByBisection(chain), places)
    if len(values) * chain.channels > many:
        step = next(step.operation for step in steps if step.slope() is None)
        raise UserError(
            f"the function in front of it ({step}) is evaluated on every sum, and {len(values):,} sums of "
            f"{chain.channels:,} different channels are too many; at most {_MAX_EVALUATIONS:,} in all can "
            "be evaluated",
            where=where,
            hint="quantise the weights or the input of the layer to fewer bits, or give it fewer inputs",
        )
    runs = _Runs(chain)
    if runs.are_monotone:
        return _monotone(chain, runs, places)
    return _intervals(runs, values, places)


class _Chain:
    """A chain, the number of its distinct channels, and which of them fall from the first value to the last."""

    def __init__(self, steps: Sequence[Step], values: range, where: str) -> None:
        self.steps, self.values, self.where = steps, values, where
        self.channels = max((step.channels for step in steps), default=1)
        ends = self.codes(np.array([[values[0]], [values[-1]]]), slice(None))
        self.decreasing = ends[0] > ends[1]

    def codes(self, x: IntArray, channels: slice) -> NDArray[np.int32]:
        """Map (n, channels or 1) integers to (n, channels) codes of these channels."""
        steps = [step.some(channels) for step in self.steps]
        result = apply_steps(steps, x.astype(np.float32))
        if not np.all(np.isfinite(result)):
            raise UserError(
                "it gives NaN or infinity for numbers that can occur",
                where=self.where,
                hint="look at the scales, batch norms and functions in front of it; train or export the model again",
            )
        width = max((step.channels for step in steps), default=1)
        return np.broadcast_to(result, (len(x), width)).astype(np.int32)

    def integer(self, place: IntArray) -> IntArray:
        """The values at these indices; past the end, the integer after the last value."""
        return np.minimum(self.values.start + self.values.step * place, self.values[-1] + 1)


class _Runs:
    """Per channel, the intervals of values with the same code: where they begin, and their codes."""

    def __init__(self, chain: _Chain) -> None:
        values, channels = chain.values, chain.channels
        length = min(len(values), _CHUNK)
        width = max(1, _CHUNK // length)
        self.starts: list[IntArray] = []
        self.codes: list[NDArray[np.int32]] = []
        total = 0
        for first in range(0, channels, width):
            part = slice(first, min(first + width, channels))
            pieces: list[list[tuple[IntArray, NDArray[np.int32]]]] = [[] for _ in range(part.stop - part.start)]
            last = None
            for begin in range(0, len(values), length):
                codes = chain.codes(np.array(values[begin : begin + length])[:, None], part)
                before = codes[:1] if last is None else last
                changes = np.diff(codes, axis=0, prepend=before) != 0
                changes[0] |= last is None
                last = codes[-1:]
                channel, place = np.nonzero(np.ascontiguousarray(changes.T))
                bounds = np.searchsorted(channel, np.arange(len(pieces) + 1))
                for own, start, stop in zip(pieces, bounds, bounds[1:], strict=False):
                    own.append((begin + place[start:stop], codes[place[start:stop], channel[start:stop]]))
                total += len(place)
                if total > _MAX_RUNS:
                    raise UserError(
                        f"the function in front of it changes its code at least {total:,} times over the sums that can "
                        "occur, more than any table holds",
                        where=chain.where,
                        hint="quantise the weights or the input of the layer to fewer bits, or use a function that "
                        "rises or falls",
                    )
            for own in pieces:
                starts, codes_ = zip(*own, strict=True)
                self.starts.append(np.concatenate(starts).astype(np.int64))
                self.codes.append(np.concatenate(codes_))
        self.lo = min(int(codes.min()) for codes in self.codes)
        self.hi = max(int(codes.max()) for codes in self.codes)
        self._count = len(values)
        slopes = [np.diff(codes) for codes in self.codes]
        self.are_monotone = all(bool(np.all(slope > 0) or np.all(slope < 0)) for slope in slopes)

    def before(self, code: int) -> IntArray:
        """Per channel, how many values come before the codes first cross `code`: reach it, or fall below it."""
        result = np.empty(len(self.codes), dtype=np.int64)
        for channel, (starts, codes) in enumerate(zip(self.starts, self.codes, strict=True)):
            falls = codes[0] > codes[-1]
            # A rising channel starts with the intervals below the code, a falling one with those at or above it.
            index = int(np.count_nonzero((codes >= code) == falls))
            result[channel] = starts[index] if index < len(starts) else self._count
        return result


class _ByBisection:
    """The same for chains that are proven monotone, without enumerating the values."""

    def __init__(self, chain: _Chain) -> None:
        self._chain = chain
        slope = np.ones(chain.channels, dtype=np.int8)
        for step in chain.steps:
            own = step.slope()
            assert own is not None
            slope = slope * own.reshape(-1)
        ends = chain.codes(np.array([[chain.values[0]], [chain.values[-1]]]), slice(None))
        self.lo, self.hi = int(ends.min()), int(ends.max())

    def before(self, code: int) -> IntArray:
        values, falls = self._chain.values, self._chain.decreasing
        low = np.zeros(len(falls), dtype=np.int64)
        high = np.full(len(falls), len(values), dtype=np.int64)
        while np.any(low < high):
            middle = (low + high) // 2
            at = np.minimum(middle, len(values) - 1)
            x = (values.start + values.step * at)[None, :]
            before = (self._chain.codes(x, slice(None))[0] >= code) == falls
            open_ = low < high
            low = np.where(open_ & before, middle + 1, low)
            high = np.where(open_ & ~before, middle, high)
        return low


def _monotone(chain: _Chain, search: _Runs | _ByBisection, places: IntArray) -> ThresholdTable:
    before: dict[int, IntArray] = {}

    def thresholds(codes: Sequence[int]) -> IntArray:
        before.update((code, search.before(code)) for code in codes if code not in before)
        return np.sort(np.stack([chain.integer(before[code]) for code in codes], axis=1), axis=1)[places]

    lo, hi, decreasing = search.lo, search.hi, chain.decreasing[places]
    if lo >= -1 and hi <= 1:
        ternary = thresholds((0, 1))
        if np.array_equal(ternary[:, 0], ternary[:, 1]):
            return ThresholdTable(ternary[:, :1], decreasing, IntegerType.bipolar())
    # A type holds at least two values, even if the function is constant.
    hi = max(hi, lo + 1)
    return ThresholdTable(thresholds(range(lo + 1, hi + 1)), decreasing, IntegerType.interval(lo, hi))


def _intervals(runs: _Runs, values: range, places: IntArray) -> IntervalFunction:
    levels = max(len(starts) for starts in runs.starts) - 1
    channels = len(runs.starts)
    thresholds = np.full((channels, levels), values[-1] + 1, dtype=np.int64)
    codes = np.empty((channels, levels + 1), dtype=np.int64)
    for channel, (starts, own) in enumerate(zip(runs.starts, runs.codes, strict=True)):
        thresholds[channel, : len(starts) - 1] = values.start + values.step * starts[1:]
        codes[channel, : len(own)] = own
        codes[channel, len(own) :] = own[-1]
    signs = bool(np.all(np.abs(codes) == 1))
    output = IntegerType.bipolar() if signs else IntegerType.interval(runs.lo, runs.hi)
    return IntervalFunction(ThresholdTable.counting(thresholds[places]), codes[places], output)


def _distinct(steps: Sequence[Step]) -> tuple[IntArray, list[Step]]:
    """Deduplicate channels with equal constants: the distinct one that each channel equals, and their steps."""
    channels = max((step.channels for step in steps), default=1)
    varying = [leaf.constant for step in steps for leaf in step.leaves() if leaf.constant is not None and leaf.rows > 1]
    if not varying:
        return np.zeros(channels, dtype=np.int64), list(steps)
    rows = np.concatenate([constant.reshape(channels, -1) for constant in varying], axis=1)
    # Compared by their bits: a division distinguishes 0 from -0.
    bits = np.ascontiguousarray(rows, dtype=np.float32).view(np.int32)
    _, first, places = np.unique(bits, axis=0, return_index=True, return_inverse=True)
    return places.reshape(-1), [step.some(first) for step in steps]
