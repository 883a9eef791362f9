"""Products of two streams on integer codes."""

from __future__ import annotations

from collections.abc import Iterable

from onnx import TensorProto

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import AFTER_TRAINING, describe
from bnnfpga.golden.writer import EXACT_FLOAT32, EXACT_FLOAT64, Value, Writer
from bnnfpga.numbers.arithmetic import SCALES, Step


def only_scales(steps: Iterable[Step]) -> bool:
    """Whether steps are only multiplications and divisions, so that they can move behind a product."""
    return all(step.operation in SCALES for step in steps)


def multiply_streams(writer: Writer, node: Node) -> Value:
    """The exact product of two scaled integers, followed by the scales of the first, then those of the second.

    Raises
    ------
    UserError
        If an operand is not scaled integers, or the products have more than 53 bits.
    """
    first, second = (_scaled(writer, node, name) for name in node.input)
    magnitude = first.magnitude * second.magnitude
    if magnitude >= EXACT_FLOAT64:
        raise UserError(
            "its products need more than 53 bits",
            where=describe(node),
            hint="put quantizers of fewer bits in front of it",
        )
    factors = [str(first.base), str(second.base)]
    wide = magnitude >= EXACT_FLOAT32
    cast = TensorProto.DOUBLE if wide else TensorProto.FLOAT
    factors = [writer.emit("Cast", name, to=cast) if (name in writer.doubles) != wide else name for name in factors]
    product = writer.emit("Mul", *factors)
    if wide:
        writer.doubles.add(product)
    assert first.affine is not None
    assert second.affine is not None
    return Value.of_integers(product, (*first.affine, *second.affine), magnitude)


def _scaled(writer: Writer, node: Node, operand: str) -> Value:
    """The value of an operand, checked to be a scale times integers."""
    value = writer.value(operand)
    if value.base is not None and value.affine is not None and only_scales(value.affine):
        return value
    raise not_multiplied(writer.model, node, operand, shifted=value.base is not None and value.affine is not None)


def not_multiplied(model: Model, node: Node, operand: str, *, shifted: bool) -> UserError:
    """The error for a product with an operand that is not a scale times integers: `shifted`, or floats."""
    source = model.producer(operand)
    while source is not None and source.origin == node.origin:
        source = model.producer(source.input[0])  # skip the nodes that broadcast the operand
    factor = f"the output of {describe(source)}" if source else "the model's input"
    wrong = "has a constant added to its integers" if shifted else "is not quantised"
    return UserError(
        f"it multiplies streams, and {factor} {wrong}",
        where=describe(node),
        hint=f"put a quantizer of up to 8 bits there, {AFTER_TRAINING}",
    )
