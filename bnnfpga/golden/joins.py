"""Sums, concatenations, selected channels and repeated pixels, on integer codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.forms.picks import gathered
from bnnfpga.frontend.forms.resizing import upsampling_factors
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import AFTER_TRAINING, attribute, describe, describe_tensor
from bnnfpga.golden.affine import affine_of
from bnnfpga.golden.joined import Translate, joined_parts
from bnnfpga.golden.pools import moved
from bnnfpga.golden.writer import EXACT_FLOAT32, Value, Writer
from bnnfpga.numbers.arithmetic import Step, apply_steps
from bnnfpga.numbers.grids import common_grid
from bnnfpga.numbers.integers import IntArray


def gather(writer: Writer, node: Node) -> Value:
    """Select channels, in any order, or rows or columns."""
    axis, places = gathered(writer.model, node)
    index = writer.constant(places)
    value = writer.value(node.input[0])

    def pick(tensor: str) -> str:
        picked = writer.emit("Gather", tensor, index, axis=axis)
        if tensor in writer.doubles:
            writer.doubles.add(picked)
        return picked

    base = None if value.base is None else pick(value.base)
    if base is not None and value.affine is not None:
        shape = writer.model.shape(node.input[0])
        return moved(writer, value, [_picked(step, shape, axis, places) for step in value.affine], base)
    return Value(tensor=pick(writer.float_of(value)), base=base, magnitude=value.magnitude)


def _picked(step: Step, shape: list[int], axis: int, places: IntArray) -> Step:
    """A step on a tensor of this shape, restricted to places along an axis."""
    if step.constant is None:
        return step
    aligned = step.constant.reshape(*[1] * (len(shape) - step.constant.ndim), *step.constant.shape)
    return step if aligned.shape[axis] == 1 else Step(step.operation, aligned.take(places, axis))


def resize(writer: Writer, node: Node) -> Value:
    """Repeat every pixel."""
    factors = np.array([1, 1, *upsampling_factors(writer.model, node)], dtype=np.float32)
    value = writer.value(node.input[0])
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}

    def repeat(tensor: str) -> str:
        if tensor in writer.doubles:  # onnxruntime has no float64 Resize
            for axis, extent in enumerate(writer.model.shape(node.input[0])[2:], start=2):
                index = np.repeat(np.arange(extent), int(factors[axis]))
                tensor = writer.emit("Gather", tensor, writer.constant(index), axis=axis)
            return tensor
        return writer.emit("Resize", tensor, "", writer.constant(factors), **options)

    steps = value.affine
    same = steps is not None and affine_of(steps, writer.model.shape(node.input[0])) is not None
    if value.base is not None and steps is not None and same:
        return moved(writer, value, steps, repeat(value.base))
    base = None if value.base is None or value.base in writer.doubles else repeat(value.base)
    return Value(tensor=repeat(writer.float_of(value)), base=base, magnitude=value.magnitude)


@dataclass(frozen=True)
class _Grid:
    """The integers of a node's operands, their bounds, their factors on the common grid, and the grid's unit."""

    integers: list[str]
    magnitudes: list[int]
    factors: tuple[int, ...]
    unit: np.float32


def _units(writer: Writer, node: Node) -> list[float] | str:
    """The unit that each operand is an integer multiple of; or the name of the first operand without one."""
    units = []
    for name in node.input:
        value = writer.value(name)
        if value.integers is None or value.constant is not None:
            return str(name)
        if any(scale.size != 1 or scale.item() < 0 for scale in value.scales):
            return str(name)
        steps = [Step("multiply", scale) for scale in value.scales]
        units.append(float(apply_steps(steps, np.ones((), dtype=np.float32)).item()))
    return units


def _grid(writer: Writer, node: Node, units: list[float]) -> _Grid | None:
    """The common grid of a node's operands; None if their units have none."""
    grid = common_grid(units)
    if grid is None:
        return None
    integers, magnitudes = [], []
    for name in node.input:
        value = writer.value(name)
        assert value.integers is not None
        integers.append(value.integers)
        magnitudes.append(value.magnitude)
    if max(bound * factor for bound, factor in zip(magnitudes, grid[0], strict=True)) >= EXACT_FLOAT32:
        integers = [
            name if name in writer.doubles else writer.emit("Cast", name, to=TensorProto.DOUBLE) for name in integers
        ]
        writer.doubles.update(integers)
    return _Grid(integers, magnitudes, *grid)


def _multiples(writer: Writer, grid: _Grid) -> list[str]:
    kinds = [np.float64 if name in writer.doubles else np.float32 for name in grid.integers]
    return [
        name if factor == 1 else writer.emit("Mul", name, writer.constant(np.asarray(factor, dtype=kind)))
        for name, factor, kind in zip(grid.integers, grid.factors, kinds, strict=True)
    ]


def _unlike_scaled(value: Value) -> str:
    """Why an operand is not integers times one positive number, as a predicate for a message."""
    if value.affine is None:
        return "is not quantised"
    if value.integers is not None and any(np.any(scale < 0) for scale in value.scales):
        return "has a negative scale"
    return "has a constant added, or scales that differ by channel"


def add_streams(writer: Writer, node: Node) -> Value:
    """Add scaled integers on their common grid: exactly, followed by one multiplication."""
    units = _units(writer, node)
    if isinstance(units, str):
        wrong = _unlike_scaled(writer.value(units))
        raise UserError(
            f"it joins streams, and {describe_tensor(writer.model, units)} {wrong}",
            where=describe(node),
            hint=f"put a quantizer of up to 8 bits there, with the scale of the other operand, {AFTER_TRAINING}",
        )
    grid = _grid(writer, node, units)
    if grid is None:
        raise UserError(
            f"it joins streams whose scales {' and '.join(f'{unit:g}' for unit in units)} have no common grid",
            where=describe(node),
            hint=f"put quantizers with the same scale in front of all its operands, {AFTER_TRAINING}",
        )
    magnitude = sum(bound * factor for bound, factor in zip(grid.magnitudes, grid.factors, strict=True))
    if magnitude >= EXACT_FLOAT32:
        raise UserError("its sums are too large", where=describe(node), hint="put quantizers in front of it")
    total = writer.emit(node.op_type, *_multiples(writer, grid))
    return Value(integers=total, scales=(np.asarray(grid.unit),), magnitude=magnitude, base=total)


def concat(writer: Writer, translate: Translate, node: Node) -> Value:
    """Concatenate along an axis: on the common grid of the scales if there is one, otherwise as floats."""
    axis = attribute(node, "axis", 1) % len(writer.model.shape(node.output[0]))
    units = _units(writer, node)
    grid = None if isinstance(units, str) else _grid(writer, node, units)
    if grid is None:
        writer.float_concats.add(node.name)
        floats = [writer.float_of(writer.value(name)) for name in node.input]
        return Value(tensor=writer.emit("Concat", *floats, axis=axis), joined=joined_parts(writer, translate, node))
    joined = writer.emit("Concat", *_multiples(writer, grid), axis=axis)
    if set(grid.integers) <= writer.doubles:
        writer.doubles.add(joined)
    magnitude = max(bound * factor for bound, factor in zip(grid.magnitudes, grid.factors, strict=True))
    return Value(integers=joined, scales=(np.asarray(grid.unit),), magnitude=magnitude, base=joined)
