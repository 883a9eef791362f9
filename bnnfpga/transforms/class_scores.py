"""The class without floats: an integer comparison with the same arg max as the model's final function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.golden.end_classes import ClassRule, Program, comparison_of, decided_stream
from bnnfpga.host.ends import apply_ends, end_classes
from bnnfpga.host.float_steps import steps_of_data
from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps
from bnnfpga.numbers.integers import IntArray
from bnnfpga.transforms.host_functions import HostFunction

_MAX_BITS = 30
"""Maximum fractional bits tried for the constants."""
_MAX_EVALUATED = 1 << 24
"""Maximum number of scores, over all channels, on which the function is evaluated exhaustively."""
_MAX_TABLE_BITS = 1 << 20
"""Maximum size of a table of ranks: about 58 block RAMs of 18 kbit."""
_USE_SCORES = "use --output scores: the host computes the class"


@dataclass(frozen=True, eq=False)
class AffineScores:
    """`factors * score + offsets` orders the classes as the final function does; int64 (channels,)."""

    factors: IntArray
    offsets: IntArray


@dataclass(frozen=True, eq=False)
class RankedScores:
    """`ranks[channel, i]`, int64, of the score `values[i]` orders the classes as the final function does."""

    values: range
    ranks: IntArray


@dataclass(frozen=True, eq=False)
class ClassFunction:
    """How the class follows from one output of the accelerator.

    Parameters
    ----------
    function
        Maps its scores to float values.
    steps
        Map these to the values whose first maximum is the class.
    places
        int64 (pixels, classes): the scores of each pixel, as elements of the accelerator's output in the model's order.
    pixels
        The shape of the classes; empty for a single one.
    decision
        If a single score decides between two classes: maps float32 (n, 1) values to int64 (n,) classes.
    """

    function: HostFunction
    steps: Sequence[Step] = ()
    places: IntArray | None = None
    pixels: tuple[int, ...] = ()
    decision: Callable[[Floats], IntArray] | None = None

    def compared(self, scores: Floats) -> Floats:
        """The values to compare, for float32 (n, elements) scores."""
        return apply_steps(self.steps, apply_steps(self.function.steps, scores))


def class_functions(
    program: Program, functions: Sequence[HostFunction], places: Sequence[IntArray]
) -> tuple[ClassFunction, ...]:
    """The function that gives the class of each accelerator output, from what the host would compute of the outputs.

    `places` has, for each output, the position in the file's frame of each element of the accelerator's tensor.

    Raises
    ------
    UserError
        If only the host can compute a class.
    """
    rules = program["classes"]
    classes = tuple(_class_function(program, rule, functions, places) for rule in rules)
    if len(functions) != len(rules):
        raise _left_to_host(f"{len(functions)} tensors lead to {len(rules)} class{'es' * (len(rules) > 1)}")
    return classes


def _class_function(
    program: Program, rule: ClassRule, functions: Sequence[HostFunction], places: Sequence[IntArray]
) -> ClassFunction:
    stream = decided_stream(program, rule)
    if stream is not None:

        def decide(x: Floats) -> IntArray:
            # The other streams do not affect this class.
            outputs = [
                x if place == stream else np.zeros((len(x), f.size), np.float32) for place, f in enumerate(functions)
            ]
            return end_classes(rule, apply_ends(program, outputs))

        return ClassFunction(functions[stream], decision=decide)
    compared = comparison_of(program, rule)
    if compared is None:
        raise _left_to_host("between the scores and the class are functions that only a host computes")
    function, steps = functions[compared.stream], steps_of_data(compared.steps)
    # The elements of a frame of the file: the classes of each pixel.
    elements = np.moveaxis(np.arange(function.size).reshape(compared.shape), compared.axis, -1)
    own = elements.reshape(-1, elements.shape[-1])
    if not all(_is_by_class(step, own) for step in (*function.steps, *steps)):
        raise _left_to_host("the constants behind the scores differ from pixel to pixel")
    first = own[0]
    return ClassFunction(
        HostFunction(_of_elements(function.steps, first), len(first)),
        _of_elements(steps, first),
        np.argsort(places[compared.stream])[own],
        elements.shape[:-1],
    )


def _is_by_class(step: Step, elements: IntArray) -> bool:
    """Whether the constants of a step on whole frames are the same for the elements of all pixels, by class."""
    constants = (leaf.constant for leaf in step.leaves() if leaf.constant is not None and leaf.rows > 1)
    return all(
        np.array_equal(constant[elements], np.broadcast_to(constant[elements[:1]], constant[elements].shape))
        for constant in constants
    )


def _of_elements(steps: Sequence[Step], elements: IntArray) -> tuple[Step, ...]:
    return tuple(step.some(elements) for step in steps)


def _left_to_host(problem: str) -> UserError:
    return UserError(problem, where="--output class", hint=_USE_SCORES)


def class_decision(function: ClassFunction, values: range) -> NDArray[np.bool_]:
    """Whether each score that can occur means class 1."""
    _check_number(len(values))
    assert function.decision is not None
    scores = np.array(values)[:, None].astype(np.float32)
    return function.decision(apply_steps(function.function.steps, scores)).astype(bool)


def class_comparison(function: ClassFunction, values: range) -> AffineScores | RankedScores | None:
    """Integers that order the classes as the outputs of the final function do.

    The float function is evaluated on every score that can occur, in every channel. Constants are used only if all of
    them compare the same way, ties included. Float32 rounding makes outputs equal that no affine function maps to the
    same integer; then the rank of each output among all is tabulated.

    Parameters
    ----------
    function
        The final function, from scores to the model's outputs.
    values
        The scores that can occur, ascending.

    Returns
    -------
    AffineScores, RankedScores or None
        None if the scores themselves already compare so.

    Raises
    ------
    UserError
        If there are too many scores to check constants on, or if no constants of up to 30 fractional bits work and a
        table would be too large.
    """
    size = function.function.size
    _check_number(len(values), size)
    scores = np.array(values)[:, None]
    grid = np.broadcast_to(scores.astype(np.float32), (len(values), size))
    outputs = np.broadcast_to(function.compared(grid), grid.shape).astype(np.float64)
    if np.all(outputs == outputs[:, :1]) and np.all(np.diff(outputs[:, 0]) > 0):
        return None
    return _affine(scores, outputs) or _ranks(values, outputs)


def _check_number(values: int, channels: int = 1) -> None:
    if values * channels > _MAX_EVALUATED:
        raise _left_to_host(f"its scores can take {values:,} values each, too many to prove an integer comparison on")


def _affine(scores: IntArray, outputs: NDArray[np.float64]) -> AffineScores | None:
    order = np.argsort(outputs, axis=None, kind="stable")
    rises = np.sign(np.diff(outputs.ravel()[order]))
    slope = (outputs[-1] - outputs[0]) / max(1, int(scores[-1, 0] - scores[0, 0]))
    offset = outputs[0] - slope * scores[0, 0]
    unit = float(np.abs(slope).max()) or 1.0
    for bits in range(_MAX_BITS + 1):
        factors = np.rint(slope / unit * 2**bits).astype(np.int64)
        offsets = np.rint(offset / unit * 2**bits).astype(np.int64)
        compared = (scores * factors + offsets).ravel()[order]
        if np.array_equal(np.sign(np.diff(compared)), rises):
            return AffineScores(factors, offsets)
    return None


def _ranks(values: range, outputs: NDArray[np.float64]) -> RankedScores:
    distinct, ranks = np.unique(outputs, return_inverse=True)
    bits = outputs.size * (len(distinct) - 1).bit_length()
    if bits > _MAX_TABLE_BITS:
        raise UserError(
            "no integer constants order the classes as its final function does, and a table of what it gives for "
            f"{len(values):,} scores of {outputs.shape[1]} classes would take {bits:,} bits; "
            f"{_MAX_TABLE_BITS:,} can be built",
            where="--output class",
            hint=_USE_SCORES,
        )
    return RankedScores(values, ranks.reshape(outputs.shape).T.astype(np.int64))
