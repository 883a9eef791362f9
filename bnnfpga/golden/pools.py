"""Pools and pads on integer codes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnfpga.arithmetic import Floats, Step, apply_steps
from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Node
from bnnfpga.frontend.nodes import attribute, describe
from bnnfpga.frontend.sliding import averages, pad_value, sliding_attributes
from bnnfpga.golden.writer import EXACT_FLOAT32, Value, Writer


def max_pool(writer: Writer, node: Node) -> Value:
    """The largest under the kernel: of integers where all scales are positive, else of floats."""
    value = writer.value(node.input[0])
    attributes = sliding_attributes(node)
    if value.integers is not None and all(np.all(scale > 0) for scale in value.scales):
        # Rounding is monotone, so the largest product is that of the largest integer.
        return pooled(writer, value, writer.emit("MaxPool", value.integers, **attributes))
    return Value(tensor=writer.emit("MaxPool", writer.float_of(value), **attributes))


def pooled(writer: Writer, value: Value, integers: str, factor: int = 1, scales: tuple[Floats, ...] = ()) -> Value:
    """What a pool made of a value: `factor` times as large, times `scales` in front of its own."""
    if value.integers in writer.doubles:
        writer.doubles.add(integers)
    return replace(
        value,
        tensor=None,
        integers=integers,
        base=integers,
        magnitude=value.magnitude * factor,
        scales=(*scales, *value.scales),
    )


def average_pool(writer: Writer, node: Node) -> Value:
    """An average of integers is their sum times 1/n; that of an affine function of them, the function of that."""
    value = writer.value(node.input[0])
    geometry = averages(writer.model, node)
    affine = value.affine
    shifts = affine is not None and any(step.operation not in ("multiply", "divide") for step in affine)
    if value.base is None or affine is None or (shifts and geometry.touches_pads):
        raise UserError(
            "it averages numbers that are not quantised",
            where=describe(node),
            hint="put a quantizer in front of it",
        )
    channels = writer.model.shape(node.input[0])[1]
    source = value.base
    doubles = source in writer.doubles or value.magnitude * geometry.taps >= EXACT_FLOAT32
    if doubles:
        raise UserError("its sums are too large", where=describe(node), hint="put a quantizer in front of it")
    axes = len(writer.model.shape(node.input[0])) - 2
    ones = np.ones((channels, 1, *geometry.kernel[2 - axes :]), dtype=np.float32)
    total = writer.emit("Conv", source, writer.constant(ones), group=channels, **sliding_attributes(node))
    share = np.asarray(np.float32(1) / np.float32(geometry.taps))
    if value.integers is not None:
        return pooled(writer, value, total, geometry.taps, (share,))
    steps = (Step("multiply", share), *affine)
    return Value(
        tensor=writer.emit_steps(steps, total), base=total, function=steps, magnitude=value.magnitude * geometry.taps
    )


def pad(writer: Writer, node: Node) -> Value:
    """A value around an image that must be a multiple of its scale."""
    value = writer.value(node.input[0])
    pad = np.float32(pad_value(writer.model, node))
    if value.integers is None or any(scale.size != 1 for scale in value.scales):
        raise UserError("it pads numbers that are not quantised", where=describe(node), hint="pad behind a quantizer")
    steps = [Step("multiply", scale) for scale in value.scales]
    unit = float(apply_steps(steps, np.ones((), dtype=np.float32)))
    code = np.asarray(np.rint(pad / unit), dtype=np.float32)
    if apply_steps(steps, code) != pad:
        raise UserError(
            f"it pads with {pad:g}, which is not a multiple of the scale {unit:g}",
            where=describe(node),
            hint="pad with a value that the quantizer in front of it can give",
        )
    pads = attribute(node, "pads", None)
    axes = len(pads) // 2
    widths = np.array([0, 0, *pads[:axes], 0, 0, *pads[axes:]], dtype=np.int64)
    integers = writer.emit("Pad", value.integers, writer.constant(widths), writer.constant(code))
    return replace(pooled(writer, value, integers), magnitude=max(value.magnitude, int(abs(code))))
