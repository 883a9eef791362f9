"""Affine functions of integers in front of sums of products: what the integers, the weights and the sums take over.

A tensor of numbers a * q + c, with integers q and an `a` and a `c` for each channel, is summed as its integers are. The
golden model and the transforms ask the same functions here, so that both take the same float32 steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps
from bnnfpga.numbers.float_functions import Doubles
from bnnfpga.numbers.grids import MAX_FACTOR, common_grid
from bnnfpga.numbers.integers import IntArray

AFFINE = ("add", "subtract", "subtract_from", "multiply", "divide")
"""Steps whose results are affine functions of what they take."""
_FACTORS = ("multiply", "divide")
_MAX_DENOMINATOR = 256
"""Parts of a scale in which a constant in front of zero pads is counted."""
_ROUNDED = 2.0**-23
"""By what part the quotient of two float32 numbers may miss that of the numbers that they were rounded from."""
_MIN_BITS = 1 << 16
"""Denominators up to which a quotient was made of numbers that nothing has rounded."""
_MAX_NAMED = 4
_MAX_FACTOR_OF_VECTORS = 1 << 28


@dataclass(frozen=True, eq=False)
class Affine:
    """How a tensor follows from integers, channel by channel.

    Parameters
    ----------
    factors
        What the integers are multiplied with and divided by, in order; constants of one axis.
    shift
        float64 (channels,) or (channels, ...pixels): what zero becomes.
    size
        float64 of that shape: the sum of the magnitudes of the constants that make it.
    """

    factors: tuple[Step, ...]
    shift: Doubles
    size: Doubles

    @property
    def shifts(self) -> bool:
        """Whether zero becomes anything else."""
        return bool(np.any(self.shift))

    @property
    def slope(self) -> Doubles:
        """float64 (channels,): what one becomes, beyond zero."""
        slope = np.ones(len(self.shift))
        for step in self.factors:
            constant = _doubles(step)
            slope = slope * constant if step.operation == "multiply" else slope / constant
        return slope


def is_affine(steps: Iterable[Step]) -> bool:
    """Whether all steps are affine functions."""
    return all(step.operation in AFFINE and not step.branches for step in steps)


def affine_of(steps: Iterable[Step], shape: Sequence[int], *, by_pixel: bool = False) -> Affine | None:
    """Affine steps on a tensor (1, channels, ...); None where one of them tells other things apart than channels.

    With `by_pixel` what is added may differ from pixel to pixel, and `shift` has the axes of pixels, too.
    """
    factors: list[Step] = []
    axes = tuple(range(1, len(shape) if by_pixel else 2))
    extents = [shape[axis] for axis in axes]
    shift, size = np.zeros(extents), np.zeros(extents)
    with np.errstate(all="ignore"):
        for step in steps:
            if set(step.varies(shape)) - ({1} if step.operation in _FACTORS else {*axes}):
                return None
            constant = _doubles(step.along(axes, shape))
            constant = constant.reshape(extents) if constant.size > 1 else constant.reshape(())
            if step.operation == "multiply":
                shift, size = shift * constant, size * np.abs(constant)
            elif step.operation == "divide":
                shift, size = shift / constant, size / np.abs(constant)
            elif step.operation == "add":
                shift, size = shift + constant, size + np.abs(constant)
            else:
                shift, size = shift - constant, size + np.abs(constant)
            if step.operation == "subtract_from":
                shift = -shift
                factors.append(Step("multiply", np.full(1, -1, dtype=np.float32)))
            elif step.operation in _FACTORS:
                factors.append(step.along((1,), shape))
    return Affine(tuple(factors), shift, size)


def rises(steps: Iterable[Step]) -> bool:
    """Whether affine steps grow with what they take, so that the largest becomes the largest."""
    return all(
        step.operation in ("add", "subtract")
        or (step.operation in _FACTORS and step.constant is not None and bool(np.all(step.constant > 0)))
        for step in steps
    )


@dataclass(frozen=True, eq=False)
class Summed:
    """How sums of products of an affine tensor follow from sums of products of its integers.

    `weights` has an integer for each channel, what its weights are multiplied with, or is None where that is 1 for all;
    `scales` are the steps behind, whose constants have one number or one for each output.
    """

    weights: IntArray | None
    scales: tuple[Step, ...]


def summed(affine: Affine, groups: int, made: Sequence[int], *, where: str) -> Summed:
    """The scales of an affine tensor's channels, behind products that sum all channels of a group.

    Scales that are one number within each group move behind one by one. Else their product, in float32, is taken as an
    integer multiple of a number for each group, and the weights take over the integers. These are small; but in a layer
    that makes one vector (`made` is its output's shape), they may be of as many bits as float32 numbers have.

    Raises
    ------
    UserError
        If there is no such number; it names `where`.
    """
    channels, outputs = len(affine.shift), made[1]
    most = MAX_FACTOR if math.prod(made[2:]) > 1 else _MAX_FACTOR_OF_VECTORS
    members = channels // groups
    if all(_uniform(step, groups) for step in affine.factors):
        return Summed(None, tuple(_for_outputs(step, members, outputs // groups) for step in affine.factors))
    ones = np.ones((1, channels), dtype=np.float32)
    scale = apply_steps(affine.factors, ones).reshape(groups, members)
    weights = np.zeros((groups, members), dtype=np.int64)
    units = np.ones(groups, dtype=np.float32)
    for group, own in enumerate(scale):
        used = own != 0
        if not np.any(used):
            continue
        grid = common_grid(np.abs(own[used]).tolist(), most)
        if grid is None:
            numbers = ", ".join(f"{number:g}" for number in np.unique(own)[:_MAX_NAMED])
            more = ", ..." if len(np.unique(own)) > _MAX_NAMED else ""
            raise UserError(
                f"it scales the channels that a layer sums by different factors ({numbers}{more}), which are not "
                "small integer multiples of one number",
                where=where,
                hint="use one scale, or powers of two, for the channels, or put a quantizer behind it",
            )
        weights[group, used] = np.sign(own[used]).astype(np.int64) * grid[0]
        units[group] = grid[1]
    constant = units[:1] if np.all(units == units[0]) else np.repeat(units, outputs // groups)
    return Summed(weights.reshape(-1), (Step("multiply", constant),))


def _uniform(step: Step, groups: int) -> bool:
    """Whether a step does the same with all channels of a group."""
    if step.channels == 1:
        return True
    assert step.constant is not None
    rows = step.constant.reshape(groups, -1)
    return bool(np.all(rows == rows[:, :1]))


def _for_outputs(step: Step, members: int, outputs: int) -> Step:
    """A step of channels that are the same in each group, for the outputs of each group."""
    if step.channels == 1:
        return step
    assert step.constant is not None
    return Step(step.operation, np.repeat(step.constant[::members], outputs))


@dataclass(frozen=True, eq=False)
class Recoded:
    """Integers in which a constant in front of zero pads is contained, so that zero is code 0.

    The integers q become factor * q + offsets[channel], and `steps` make the tensor of them.
    """

    factor: int
    offsets: IntArray
    steps: tuple[Step, ...]


def recoded(affine: Affine, *, where: str) -> Recoded:
    """The codes of an affine tensor among which 0 stands for zero.

    Raises
    ------
    UserError
        If the constants are not a rational number of small denominator times the scale; it names `where`.
    """
    with np.errstate(all="ignore"):
        ratios = affine.shift / affine.slope
        roundings = _ROUNDED * affine.size / np.abs(affine.slope)
    finite = np.isfinite(ratios)
    parts = [Fraction(float(ratio) if known else 0.0) for ratio, known in zip(ratios, finite, strict=True)]
    simple = [part.limit_denominator(_MAX_DENOMINATOR) for part in parts]
    near = [
        close == part or (part.denominator > _MIN_BITS and abs(close - part) <= rounding)
        for close, part, rounding in zip(simple, parts, roundings.tolist(), strict=True)
    ]
    factor = math.lcm(*(part.denominator for part in simple))
    if not np.all(finite) or not all(near) or factor > _MAX_DENOMINATOR:
        wrong = next((at for at, good in enumerate(near) if not good or not finite[at]), int(np.argmax(ratios != 0)))
        raise UserError(
            f"it adds {affine.shift[wrong]:g} in front of zero pads, where one step of the integers is "
            f"{abs(affine.slope[wrong]):g}: no integer multiple of that step, or of a part of it down to 1/256, stands "
            "for zero",
            where=where,
            hint="put a quantizer behind it, leave the pads out, or use a constant that is a multiple of the step",
        )
    offsets = np.array([int(part * factor) for part in simple], dtype=np.int64)
    share = (Step("multiply", np.float32(1 / factor).reshape(1)),) if factor != 1 else ()
    return Recoded(factor, offsets, (*affine.factors, *share))


def for_more_channels(step: Step, shape: Sequence[int], before: int, behind: int) -> Step:
    """A step on a tensor of this shape, for one with more channels, where whatever is multiplied is 0."""
    if step.constant is None or not before + behind:
        return step
    aligned = step.constant.reshape(*[1] * (len(shape) - step.constant.ndim), *step.constant.shape)
    if aligned.shape[1] == 1:
        return step
    widths = [(before, behind) if axis == 1 else (0, 0) for axis in range(len(shape))]
    return Step(step.operation, np.pad(aligned, widths, constant_values=1))


def pad_code(steps: Sequence[Step], pad: np.float32) -> np.float32 | None:
    """The integer of which steps of one number each make `pad`, to the bit; None where there is none."""
    if any(step.channels != 1 for step in steps):
        return None
    affine = affine_of(steps, (1, 1))
    assert affine is not None
    with np.errstate(all="ignore"):
        code = np.rint((float(pad) - affine.shift[0]) / affine.slope[0]).astype(np.float32)
    flat = [Step(step.operation, None if step.constant is None else step.constant.reshape(())) for step in steps]
    return code if np.isfinite(code) and apply_steps(flat, np.asarray(code)) == pad else None


def addends(weights: Doubles, scale: Doubles, shift: Doubles) -> Floats:
    """What constants in front of a layer add to its outputs, float32 (outputs,).

    Parameters
    ----------
    weights
        Integers (outputs, inputs, products of an input).
    scale
        Of the weights, for each output.
    shift
        The constants, (outputs, inputs): those of the inputs that each output sums.
    """
    # Sums without rounding, so that no order of the inputs is another one.
    rows = [math.fsum((weights[row] * shift[row][:, None]).ravel()) for row in range(len(weights))]
    with np.errstate(over="ignore"):
        return (np.array(rows) * scale).astype(np.float32)


def _doubles(step: Step) -> Doubles:
    assert step.constant is not None
    return step.constant.astype(np.float64)
