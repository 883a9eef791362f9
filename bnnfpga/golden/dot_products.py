"""Dot products on integer codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.sliding import geometry_of, reaches_into_pads, sliding_attributes
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import AFTER_TRAINING, attribute, describe
from bnnfpga.golden.affine import Affine, Summed, addends, affine_of, recoded, summed
from bnnfpga.golden.pixel_constants import convolved
from bnnfpga.golden.writer import EXACT_FLOAT32, EXACT_FLOAT64, Value, Writer
from bnnfpga.numbers.arithmetic import Floats, Step

Weights = NDArray[np.float32] | NDArray[np.float64]


def dot_product(writer: Writer, node: Node) -> Value:
    """A MatMul or Conv of integer codes, exact, followed by its scales.

    Raises
    ------
    UserError
        If an operand is not quantised.
    """
    x, w = writer.value(node.input[0]), writer.value(node.input[1])
    if x.base is None or x.affine is None or w.integers is None or w.constant is None:
        side = "weights" if x.affine is not None else "activations"
        raise UserError(
            f"its {side} are not quantised",
            where=describe(node),
            hint=f"put a Brevitas quantizer on the layer's {side}, {AFTER_TRAINING}",
        )
    x = without_shift_in_pads(writer, node, x)
    assert x.base is not None
    assert x.affine is not None
    affine = affine_of(x.affine, writer.model.shape(node.input[0]), by_pixel=differs(writer, node, x.affine))
    if affine is None:
        raise by_pixel(node)
    options: dict[str, Any] = {}
    groups, slides = attribute(node, "group", 1), traits_of(node).slides
    if slides:
        geometry_of(writer.model, node)  # refuses impossible geometries
        options = {**sliding_attributes(node), "group": groups}
    sums = summed(affine, groups, writer.model.shape(node.output[0]), where=describe(node))
    trailing = len(writer.model.shape(node.output[0])) - 2 if slides else 0
    own = [output_scale(scale, node, trailing) for scale in w.scales]
    weights = weighted(w.constant, sums, node)
    magnitude = _magnitude(node, weights, x.magnitude)
    if magnitude < EXACT_FLOAT32:
        operand = w.integers if sums.weights is None else writer.constant(weights)
        product = writer.emit(node.op_type, x.base, operand, **options)
    else:
        product = _wide_product(writer, node, x, weights, options)
    steps = [on_outputs(step, trailing) for step in sums.scales]
    steps += [Step("multiply", scale) for scale in own]
    if affine.shifts:
        added = addends_of(writer, node, w.constant, own, affine.shift)
        writer.addends[node.name] = added
        steps.append(on_outputs(Step("add", added), trailing) if added.ndim == 1 else Step("add", added))
    return Value.of_integers(product, steps, magnitude)


def channels_of(writer: Writer, node: Node, steps: Sequence[Step]) -> Affine:
    """The affine function of the steps before a node, by channel.

    Raises
    ------
    UserError
        If they differ from pixel to pixel.
    """
    affine = affine_of(steps, writer.model.shape(node.input[0]))
    if affine is None:
        raise by_pixel(node)
    return affine


def differs(writer: Writer, node: Node, steps: Sequence[Step]) -> bool:
    """Whether steps before a convolution or pool differ from pixel to pixel."""
    shape = writer.model.shape(node.input[0])
    return len(shape) > 2 and any(set(step.varies(shape)) - {1} for step in steps)


def by_pixel(node: Node) -> UserError:
    """The error for per-pixel constants."""
    return UserError(
        "the constants in front of it differ from pixel to pixel",
        where=describe(node),
        hint="use a number for each channel, or put a quantizer in front of it",
    )


def without_shift_in_pads(writer: Writer, node: Node, value: Value) -> Value:
    """Recode an affine value before a node with zero pads so that code 0 means zero."""
    if not reaches_into_pads(writer.model, node):
        return value
    assert value.affine is not None
    if differs(writer, node, value.affine):
        return value  # the constants are an image, and the zeros around it stay zeros
    affine = channels_of(writer, node, value.affine)
    return recoded_value(writer, node, value, affine) if affine.shifts else value


def recoded_value(writer: Writer, node: Node, value: Value, affine: Affine) -> Value:
    """An affine value with its constant absorbed into the codes."""
    new = recoded(affine, where=describe(node))
    trailing = len(writer.model.shape(node.input[0])) - 2
    assert value.base is not None
    magnitude = value.magnitude * new.factor + int(np.abs(new.offsets).max())
    if value.base in writer.doubles or magnitude >= EXACT_FLOAT32:
        raise UserError(
            "the integers in front of its pads are too large", where=describe(node), hint="put a quantizer there"
        )
    offsets = new.offsets.astype(np.float32).reshape(-1, *[1] * trailing)
    base = value.base
    if new.factor != 1:
        base = writer.emit("Mul", base, writer.constant(np.float32(new.factor)))
    base = writer.emit("Add", base, writer.constant(offsets))
    return Value.of_integers(base, [on_outputs(step, trailing) for step in new.steps], magnitude)


def on_outputs(step: Step, trailing: int) -> Step:
    """A per-channel step, its constant shaped for images with `trailing` pixel axes."""
    assert step.constant is not None
    shape: tuple[int, ...] = () if step.channels == 1 else (-1, *[1] * trailing)
    return Step(step.operation, step.constant.reshape(shape))


def weighted(weights: Weights, sums: Summed, node: Node) -> Weights:
    """Integer weights times the factors absorbed from their inputs' scales; float64 if float32 is not exact."""
    if sums.weights is None:
        return weights
    if traits_of(node).outputs_first:
        groups = attribute(node, "group", 1)
        own = np.repeat(sums.weights.reshape(groups, -1), len(weights) // groups, axis=0)
        own = own.reshape(*own.shape, *[1] * (weights.ndim - 2))
    else:
        own = sums.weights[:, None]
    product = weights.astype(np.float64) * own
    return product if np.abs(product).max() >= EXACT_FLOAT32 else product.astype(np.float32)


def addends_of(
    writer: Writer, node: Node, weights: NDArray[np.float32], scales: Sequence[Floats], shift: NDArray[np.float64]
) -> Floats:
    """The contribution of a constant before a layer to its outputs, float32 (outputs,), or an image of them."""
    groups = attribute(node, "group", 1)
    rows = _outputs_first(node, weights)
    rows = rows.reshape(*rows.shape[:2], -1)
    scale = np.ones(len(rows))
    for factor in scales:
        scale = scale * factor.astype(np.float64).reshape(-1)
    if shift.ndim > 1:
        image = convolved(rows.astype(np.float64), scale, shift, groups, geometry_of(writer.model, node))
        return image.reshape(writer.model.shape(node.output[0])[1:])
    own = np.repeat(shift.reshape(groups, -1), len(rows) // groups, axis=0)
    return addends(rows.astype(np.float64), scale, own)


def _wide_product(writer: Writer, node: Node, x: Value, weights: Weights, options: Any) -> str:
    """A dot product too large for float32, computed in float64.

    onnxruntime has no float64 convolution: it is computed digit by digit of the weights, each exact in float32.
    """
    assert x.base is not None
    if _magnitude(node, weights, x.magnitude) >= EXACT_FLOAT64:
        raise UserError(
            "its sums need more than 53 bits", where=describe(node), hint="quantise its input to fewer bits"
        )
    if not traits_of(node).slides:
        both = (x.base, writer.constant(weights))
        product = writer.emit(node.op_type, *(writer.emit("Cast", name, to=TensorProto.DOUBLE) for name in both))
        writer.doubles.add(product)
        return product
    bits = 8
    while max(_magnitude(node, digit, x.magnitude) for digit in _digits(weights, bits)) >= EXACT_FLOAT32:
        bits -= 1
        if not bits:
            raise UserError(
                "its sums need more than 32 bits", where=describe(node), hint="quantise its input to fewer bits"
            )
    total = ""
    for position, digit in enumerate(_digits(weights, bits)):
        part = writer.emit(node.op_type, x.base, writer.constant(digit), **options)
        part = writer.emit("Cast", part, to=TensorProto.DOUBLE)
        if position:
            factor = writer.constant(np.asarray(2.0 ** (bits * position)))
            part = writer.emit("Add", total, writer.emit("Mul", part, factor))
        total = part
    writer.doubles.add(total)
    return total


def _magnitude(node: Node, weights: Weights, magnitude: int) -> int:
    """An upper bound on the magnitude of a dot product."""
    rows = _outputs_first(node, weights)
    return int(np.abs(rows.reshape(len(rows), -1)).sum(axis=1).max()) * magnitude


def _outputs_first(node: Node, weights: Weights) -> Weights:
    """The weights of a layer as (outputs, inputs, ...)."""
    return weights if traits_of(node).outputs_first else weights.T


def _digits(weights: Weights, bits: int) -> list[NDArray[np.float32]]:
    """Split integers into digits of `bits` bits, lowest first; the last one carries the sign."""
    digits = []
    width = int(np.abs(weights).max()).bit_length() + 1
    for _ in range(-(-width // bits) - 1):
        high = np.floor(weights / 2**bits)
        digits.append((weights - high * 2**bits).astype(np.float32))
        weights = high
    return [*digits, weights.astype(np.float32)]


def output_scale(scale: Floats, node: Node, trailing: int = 0) -> Floats:
    """A weight scale as a factor of the outputs, which have `trailing` pixel axes: one number, or one per output.

    Raises
    ------
    UserError
        If weights of one output have different scales.
    """
    if scale.size == 1:
        return scale.reshape(())
    # Weights have two axes besides the pixel axes; a scale with fewer axes is broadcast along the first ones.
    scale = scale.reshape(*[1] * (2 + trailing - scale.ndim), *scale.shape)
    if traits_of(node).outputs_first:
        rows = scale.reshape(len(scale), -1)
        if scale.ndim != 2 + trailing or np.any(rows != rows[:, :1]):
            raise UserError(
                "the scale of its weights varies within an output channel",
                where=describe(node),
                hint="use one scale for the tensor or one for each output channel",
            )
        return rows[:, 0].reshape(-1, *[1] * trailing)
    if scale.ndim != 2 or np.any(scale != scale[:1]):
        raise UserError(
            "the scale of its weights varies along its inputs",
            where=describe(node),
            hint="use one scale for the tensor or one for each output channel",
        )
    column: Floats = scale[0]
    return column
