"""Quantizers written as comparisons, converted to MultiThreshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.multithreshold import output_grid, output_of, set_output
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import (
    QONNX_DOMAIN,
    attribute,
    elementwise_operand,
    scalar_operand,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.numbers.arithmetic import Floats

_LAYOUTS = {3: "NCW", 4: "NCHW"}


@dataclass(frozen=True)
class _Relation:
    """A comparison of x with a bound: whether it holds above the bound and at it; `mirrored` swaps the operands."""

    above: bool
    at: bool
    mirrored: str


_COMPARISONS = {
    "Greater": _Relation(above=True, at=False, mirrored="Less"),
    "GreaterOrEqual": _Relation(above=True, at=True, mirrored="LessOrEqual"),
    "Less": _Relation(above=False, at=False, mirrored="Greater"),
    "LessOrEqual": _Relation(above=False, at=True, mirrored="GreaterOrEqual"),
}


class ComparisonsToMultiThreshold(Transform):
    """A comparison with a number, or one per channel, then a Where of numbers or a Cast, becomes MultiThreshold."""

    kinds = kinds_that(lambda traits: traits.takes_truths)

    def visit(self, model: Model, node: Node) -> bool:
        comparison = model.producer(node.input[0])
        if comparison is None or comparison.op_type not in _COMPARISONS:
            return False
        bounds = _bounds(model, comparison)
        values = _values(model, node)
        if bounds is None or values is None:
            return False
        kind = _COMPARISONS[comparison.op_type]
        if model.constant(comparison.input[0]) is not None:
            kind = _COMPARISONS[kind.mirrored]
        if kind.above != kind.at:  # the bound itself counts as below
            bounds = np.nextafter(bounds, np.float32(np.inf))
        below, reached = values if kind.above else values[::-1]
        if below == reached:
            return False
        thresholds = model.add_constant(f"{node.name}_thresholds", bounds)
        new = make_node(
            "MultiThreshold",
            [elementwise_operand(model, comparison), thresholds],
            list(node.output),
            name=node.name,
            domain=QONNX_DOMAIN,
            out_scale=reached - below,
            out_bias=below,
            out_dtype="FLOAT32",
            data_layout=_LAYOUTS.get(len(model.shape(node.output[0])), ""),
        )
        model.replace(node, new)
        model.remove_unread(comparison)
        return True


def _bounds(model: Model, comparison: Node) -> Floats | None:
    """The bounds of a comparison, as thresholds (1 or channels, 1); None if they are anything else."""
    bounds = [value for value in (model.constant(name) for name in comparison.input) if value is not None]
    if len(bounds) != 1:
        return None
    shape = model.shape(elementwise_operand(model, comparison))
    pixels = [1] * (len(shape) - 2)
    by_channel = len(shape) > 1 and bounds[0].shape in ((shape[1], *pixels), (1, shape[1], *pixels))
    return bounds[0].astype(np.float32).reshape(-1, 1) if bounds[0].size == 1 or by_channel else None


def _values(model: Model, node: Node) -> tuple[float, float] | None:
    """The node's results for false and for true."""
    return _VALUES[node.op_type](model, node)


def _of_cast(model: Model, node: Node) -> tuple[float, float] | None:
    return (0.0, 1.0) if attribute(node, "to", 0) == onnx.TensorProto.FLOAT else None


def _of_where(model: Model, node: Node) -> tuple[float, float] | None:
    values = [model.constant(name) for name in node.input[1:]]
    if any(value is None or value.size != 1 for value in values):
        return None
    return float(values[1].item()), float(values[0].item())  # type: ignore[union-attr]


_VALUES = {"Cast": _of_cast, "Where": _of_where}


class AffineIntoMultiThreshold(Transform):
    """A number added after a MultiThreshold and factors becomes part of its bias, if its values stay on a grid."""

    kinds = kinds_that(lambda traits: traits.shifts)

    def visit(self, model: Model, node: Node) -> bool:
        number = scalar_operand(model, node)
        if number is None:
            return False
        path = _factors_above(model, elementwise_operand(model, node))
        if path is None:
            return False
        quantizer, muls = path
        scale, bias = output_of(quantizer)
        for mul in muls:
            factor = scalar_operand(model, mul)
            assert factor is not None
            scale, bias = scale * factor, bias * factor
        if traits_of(node).adds:
            bias += number
        elif model.constant(node.input[1]) is not None:
            bias -= number
        else:
            scale, bias = -scale, number - bias
        if output_grid(scale, bias) is None:
            return False
        set_output(model, quantizer, scale, bias)
        model.remove(*muls, node)
        model.set_output(quantizer, node.output[0])
        return True


def _factors_above(model: Model, tensor: str) -> tuple[Node, list[Node]] | None:
    """The MultiThreshold that leads to a tensor by scalar multiplications, and these, if nothing else reads them."""
    muls: list[Node] = []
    while model.only_reader(tensor) is not None:
        node = model.producer(tensor)
        if node is None:
            return None
        if traits_of(node).counts_thresholds:
            return node, muls
        if not traits_of(node).multiplies or scalar_operand(model, node) is None:
            return None
        muls.insert(0, node)
        tensor = elementwise_operand(model, node)
    return None
