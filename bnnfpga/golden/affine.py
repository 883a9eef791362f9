"""Affine functions of integers before sums of products: the parts that the integers, weights and sums absorb.

A tensor a * q + c, with integers q and per-channel `a` and `c`, is summed by summing its integers. The golden model and
the transforms share the functions here, so that both take the same float32 steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.numbers.arithmetic import SCALES, Floats, Step, apply_steps
from bnnfpga.numbers.float_functions import Doubles
from bnnfpga.numbers.grids import MAX_FACTOR, common_grid
from bnnfpga.numbers.integers import IntArray

AFFINE = ("add", "subtract", "subtract_from", *SCALES)
"""Steps whose results are affine functions of their inputs."""
_MAX_DENOMINATOR = 256
"""Maximum denominator of a constant before zero pads, as a fraction of the scale."""
_ROUNDED = 2.0**-23
"""Relative error of the quotient of two float32 numbers against that of the numbers they were rounded from."""
_MIN_BITS = 1 << 16
"""Denominators up to this one mean that the quotient is of numbers that were not rounded."""
_MAX_NAMED = 4
_MAX_FACTOR_OF_VECTORS = 1 << 28


@dataclass(frozen=True, eq=False)
class Affine:
    """An affine function from integers to a tensor, channel by channel.

    Parameters
    ----------
    factors
        The multiplications and divisions, in order; their constants have one axis.
    shift
        float64 (channels,) or (channels, ...pixels): the value of zero.
    size
        float64 of that shape: the sum of the magnitudes of the constants that add up to `shift`.
    """

    factors: tuple[Step, ...]
    shift: Doubles
    size: Doubles

    @property
    def shifts(self) -> bool:
        """Whether zero is mapped to anything else."""
        return bool(np.any(self.shift))

    @property
    def slope(self) -> Doubles:
        """float64 (channels,): the factor of the integers."""
        slope = np.ones(len(self.shift))
        for step in self.factors:
            constant = _doubles(step)
            slope = slope * constant if step.operation == "multiply" else slope / constant
        return slope


def is_affine(steps: Iterable[Step]) -> bool:
    """Whether all steps are affine functions."""
    return all(step.operation in AFFINE and not step.branches for step in steps)


def affine_of(steps: Iterable[Step], shape: Sequence[int], *, by_pixel: bool = False) -> Affine | None:
    """The function of affine steps on a tensor (1, channels, ...); None if any varies over other axes than channels.

    With `by_pixel`, addends may differ from pixel to pixel, and `shift` has the pixel axes too.
    """
    factors: list[Step] = []
    axes = tuple(range(1, len(shape) if by_pixel else 2))
    extents = [shape[axis] for axis in axes]
    shift, size = np.zeros(extents), np.zeros(extents)
    with np.errstate(all="ignore"):
        for step in steps:
            if set(step.varies(shape)) - ({1} if step.operation in SCALES else {*axes}):
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
            elif step.operation in SCALES:
                factors.append(step.along((1,), shape))
    return Affine(tuple(factors), shift, size)


def rises(steps: Iterable[Step]) -> bool:
    """Whether affine steps are increasing, so that they preserve the maximum."""
    return all(
        step.operation in ("add", "subtract")
        or (step.operation in SCALES and step.constant is not None and bool(np.all(step.constant > 0)))
        for step in steps
    )


@dataclass(frozen=True, eq=False)
class Summed:
    """How to compute sums of products of an affine tensor from sums of products of its integers.

    `weights` has the integer that each channel's weights are multiplied by, or is None if that is 1 for all; `scales`
    are the steps that follow, whose constants have one number or one per output.
    """

    weights: IntArray | None
    scales: tuple[Step, ...]


def summed(affine: Affine, groups: int, output_shape: Sequence[int], *, where: str) -> Summed:
    """Move the scales of an affine tensor's channels behind dot products that sum all channels of a group.

    Scales that are the same within each group move one by one. Otherwise their float32 product must be an integer
    multiple of one number for each group, and the weights absorb the integers. These must be small; but in a layer
    that computes a single vector, they may have as many bits as a float32 number.

    Raises
    ------
    UserError
        If there is no such number; it names `where`.
    """
    channels, outputs = len(affine.shift), output_shape[1]
    most = MAX_FACTOR if math.prod(output_shape[2:]) > 1 else _MAX_FACTOR_OF_VECTORS
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
    """Whether a step is the same for all channels of a group."""
    if step.channels == 1:
        return True
    assert step.constant is not None
    rows = step.constant.reshape(groups, -1)
    return bool(np.all(rows == rows[:, :1]))


def _for_outputs(step: Step, members: int, outputs: int) -> Step:
    """A step that is the same for all input channels of a group, expanded to the outputs of the group."""
    if step.channels == 1:
        return step
    assert step.constant is not None
    return Step(step.operation, np.repeat(step.constant[::members], outputs))


@dataclass(frozen=True, eq=False)
class Recoded:
    """Integers that include a constant added before zero pads, so that code 0 means zero.

    The integers q become factor * q + offsets[channel], and `steps` map these to the tensor.
    """

    factor: int
    offsets: IntArray
    steps: tuple[Step, ...]


def recoded(affine: Affine, *, where: str) -> Recoded:
    """Recode an affine tensor so that code 0 means zero.

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


def for_more_channels(step: Step, shape: Sequence[int], before: int, after: int) -> Step:
    """A step on a tensor of this shape, extended to more channels, whose integers are 0, so any factor will do."""
    if step.constant is None or not before + after:
        return step
    aligned = step.constant.reshape(*[1] * (len(shape) - step.constant.ndim), *step.constant.shape)
    if aligned.shape[1] == 1:
        return step
    widths = [(before, after) if axis == 1 else (0, 0) for axis in range(len(shape))]
    return Step(step.operation, np.pad(aligned, widths, constant_values=1))


def pad_code(steps: Sequence[Step], pad: np.float32) -> np.float32 | None:
    """The integer that steps of one number each map to `pad`, to the bit; None if there is none."""
    if any(step.channels != 1 for step in steps):
        return None
    affine = affine_of(steps, (1, 1))
    assert affine is not None
    with np.errstate(all="ignore"):
        code = np.rint((float(pad) - affine.shift[0]) / affine.slope[0]).astype(np.float32)
    flat = [Step(step.operation, None if step.constant is None else step.constant.reshape(())) for step in steps]
    return code if np.isfinite(code) and apply_steps(flat, np.asarray(code)) == pad else None


def addends(weights: Doubles, scale: Doubles, shift: Doubles) -> Floats:
    """The contribution of constants before a layer to its outputs, float32 (outputs,).

    Parameters
    ----------
    weights
        Integers (outputs, inputs, products per input).
    scale
        The scale of the weights, per output.
    shift
        The constants, (outputs, inputs): those of the inputs that each output sums.
    """
    # Summed without rounding, so that the order of the inputs does not matter.
    rows = [math.fsum((weights[row] * shift[row][:, None]).ravel()) for row in range(len(weights))]
    with np.errstate(over="ignore"):
        return (np.array(rows) * scale).astype(np.float32)


def _doubles(step: Step) -> Doubles:
    assert step.constant is not None
    return step.constant.astype(np.float64)
