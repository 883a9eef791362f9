"""Pools and pads on integer codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.forms.pads import channel_pads
from bnnfpga.frontend.forms.sliding import averages, divisor_of, pad_value, sliding_attributes, takes_smallest
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import AFTER_TRAINING, attribute, describe
from bnnfpga.golden.affine import affine_of, for_more_channels, pad_code, rises
from bnnfpga.golden.dot_products import (
    by_pixel,
    channels_of,
    differs,
    on_outputs,
    recoded_value,
    without_shift_in_pads,
)
from bnnfpga.golden.pixel_constants import averaged
from bnnfpga.golden.writer import EXACT_FLOAT32, Value, Writer
from bnnfpga.numbers.arithmetic import Step


def max_pool(writer: Writer, node: Node) -> Value:
    """The maximum or minimum under the kernel: of integers if the steps after them increase, otherwise of floats."""
    value = writer.value(node.input[0])

    def pool(tensor: str) -> str:
        if not takes_smallest(node):
            return writer.emit("MaxPool", tensor, **sliding_attributes(node))
        return writer.emit("Neg", writer.emit("MaxPool", writer.emit("Neg", tensor), **sliding_attributes(node)))

    steps = value.affine
    rising = steps is not None and rises(steps) and affine_of(steps, writer.model.shape(node.input[0])) is not None
    if value.base is not None and steps is not None and rising:
        # Rounding is monotone, so the largest integer has the largest result.
        return moved(writer, value, _of_channels(steps, len(writer.model.shape(node.input[0])) - 2), pool(value.base))
    return Value(tensor=pool(writer.float_of(value)))


def moved(writer: Writer, value: Value, steps: Sequence[Step], base: str, factor: int = 1) -> Value:
    """The value of affine steps on integers that derive from those of `value`, at most `factor` times as large."""
    if value.base in writer.doubles:
        writer.doubles.add(base)
    return Value.of_integers(base, steps, value.magnitude * factor)


def _of_channels(steps: Sequence[Step], axes: int) -> tuple[Step, ...]:
    """Steps for a smaller image with `axes` pixel axes: constants that are the same for all pixels lose these."""
    reduced = []
    for step in steps:
        constant = step.constant
        if constant is not None:
            for axis in range(-min(axes, constant.ndim), 0):
                first = constant.take([0], axis)
                constant = first if np.all(constant == first) else constant
            step = replace(step, constant=constant)
        reduced.append(step)
    return tuple(reduced)


def average_pool(writer: Writer, node: Node) -> Value:
    """An average of integers is their sum times 1/n; of an affine function of them, the function of their average.

    A sum pool is an average with n = 1.
    """
    value = writer.value(node.input[0])
    geometry = averages(writer.model, node)
    divisor = divisor_of(node, geometry)
    if value.base is None or value.affine is None:
        raise UserError(
            f"it {'averages' if divisor == geometry.taps else 'sums'} numbers that are not quantised",
            where=describe(node),
            hint=f"put a quantizer in front of it, {AFTER_TRAINING}",
        )
    value = without_shift_in_pads(writer, node, value)
    assert value.base is not None
    assert value.affine is not None
    shape = writer.model.shape(node.input[0])
    affine = affine_of(value.affine, shape, by_pixel=differs(writer, node, value.affine))
    if affine is None:
        raise by_pixel(node)
    if np.any(affine.shift) and divisor != geometry.taps:
        raise UserError(
            "it sums integers with a constant added to each",
            where=describe(node),
            hint="put a quantizer in front of it, or add the constant behind it",
        )
    channels = writer.model.shape(node.input[0])[1]
    source = value.base
    doubles = source in writer.doubles or value.magnitude * geometry.taps >= EXACT_FLOAT32
    if doubles:
        raise UserError(
            "its sums are too large", where=describe(node), hint=f"put a quantizer in front of it, {AFTER_TRAINING}"
        )
    axes = len(writer.model.shape(node.input[0])) - 2
    ones = np.ones((channels, 1, *geometry.kernel[2 - axes :]), dtype=np.float32)
    total = writer.emit("Conv", source, writer.constant(ones), group=channels, **sliding_attributes(node))
    share = (Step("multiply", np.asarray(np.float32(1) / np.float32(divisor))),) if divisor > 1 else ()
    steps = _of_channels(value.affine, axes)
    if affine.shift.ndim > 1:
        image = averaged(affine.shift, geometry).reshape(writer.model.shape(node.output[0])[1:])
        steps = (*(on_outputs(step, axes) for step in affine.factors), Step("add", image))
    return moved(writer, value, (*share, *steps), total, geometry.taps)


def pad(writer: Writer, node: Node) -> Value:
    """Pad an image, or add channels, with the code of a value; with code 0 if the value's constant must be absorbed."""
    value = writer.value(node.input[0])
    pad = np.float32(pad_value(writer.model, node))
    if value.base is None or value.affine is None:
        raise UserError("it pads numbers that are not quantised", where=describe(node), hint="pad behind a quantizer")
    code = pad_code(value.affine, pad)
    if code is None:
        affine = channels_of(writer, node, value.affine)
        if pad != 0:
            raise UserError(
                f"it pads with {pad:g}, which is not a multiple of the scale of what it pads",
                where=describe(node),
                hint="pad with a value that the quantizer in front of it can give",
            )
        code = np.float32(0)
        value = recoded_value(writer, node, value, affine) if affine.shifts else value
    assert value.base is not None
    assert value.affine is not None
    pads = attribute(node, "pads", None)
    axes = len(pads) // 2
    before, after = channel_pads(node)
    fill = np.asarray(code, dtype=np.float64 if value.base in writer.doubles else np.float32)
    widths = np.array([0, before, *pads[:axes], 0, after, *pads[axes:]], dtype=np.int64)
    integers = writer.emit("Pad", value.base, writer.constant(widths), writer.constant(fill))
    shape = writer.model.shape(node.input[0])
    padded = moved(writer, value, [for_more_channels(step, shape, before, after) for step in value.affine], integers)
    return replace(padded, magnitude=max(value.magnitude, int(abs(code))))
