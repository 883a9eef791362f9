"""Small queries about nodes and tensors of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.graph.model import Model, Node, Origin

QONNX_DOMAIN = "qonnx.custom_op.general"
STANDARD_DOMAINS = ("", "ai.onnx")
"""The two spellings of the domain of ONNX's own operators."""
_ORIGIN_NAME, _ORIGIN_KIND, _ORIGIN_PLACE = (f"bnnfpga.origin.{part}" for part in ("name", "kind", "place"))
EMBEDDING = "Embedding"
"""Looks up integers in one table per channel, by the input integer (`bnnfpga.frontend.spelling.embeddings`)."""
AFTER_TRAINING = "or let `bnnfpga quantize` do it after training"
"""The end of hints about quantizers that are missing."""
UNARY, UNARY_DOMAIN = "Unary", "bnnfpga"
"""A function of one tensor for which a file has several nodes (`bnnfpga.frontend.forms.diamonds`)."""


def attribute(node: Node | onnx.NodeProto, name: str, default: Any) -> Any:
    """The value of a node's attribute; strings as `str`."""
    if isinstance(node, Node):
        return node.attributes.get(name, default)
    for item in node.attribute:
        if item.name == name:
            value = onnx.helper.get_attribute_value(item)
            return value.decode(errors="replace") if isinstance(value, bytes) else value
    return default


class NodePlace(str):
    """A node as messages name it, which remembers the node of the file that it names."""

    origin: Origin

    def __new__(cls, origin: Origin) -> NodePlace:
        """The name of a node of the file."""
        text = super().__new__(cls, f"node {shown(origin.name)} ({origin.op_type}){origin.place}")
        text.origin = origin
        return text

    def __getnewargs__(self) -> tuple[Origin]:  # type: ignore[override]
        return (self.origin,)


def describe(node: Node | onnx.NodeProto) -> NodePlace:
    """A node as messages name it: in the file's terms."""
    return NodePlace(origin_of(node))


def origin_of(node: Node | onnx.NodeProto) -> Origin:
    """The node of the file that a node represents, in whole or in part."""
    own = Origin(node.name, node.op_type)
    if isinstance(node, Node):
        return node.origin or own
    noted = {item.key: item.value for item in node.metadata_props}
    return Origin(noted.get(_ORIGIN_NAME, own.name), noted.get(_ORIGIN_KIND, own.op_type), noted.get(_ORIGIN_PLACE, ""))


def note_origin(node: onnx.NodeProto, origin: Origin) -> onnx.NodeProto:
    """Record which node of the file this one represents, and return it."""
    del node.metadata_props[:]
    for key, value in zip((_ORIGIN_NAME, _ORIGIN_KIND, _ORIGIN_PLACE), origin, strict=True):
        node.metadata_props.add(key=key, value=value)
    return node


def required_constant(model: Model, node: Node, index: int, meaning: str) -> NDArray[Any]:
    """The value of a node's input, which must be constant."""
    value = model.constant(node.input[index]) if len(node.input) > index else None
    if value is None:
        raise UserError(
            f"its {meaning} is not a constant", where=describe(node), hint="export the trained model in eval mode"
        )
    return value


def required_shape(model: Model, node: Node, tensor: str) -> list[int]:
    """The shape of one of a node's tensors, which must be known."""
    shape = model.shape(tensor)
    if not shape:
        raise UserError(
            f"the shape of its tensor {shown(tensor)} does not fold to a constant",
            where=describe(node),
            hint="export the model with fixed shapes",
        )
    return shape


def scalar_operand(model: Model, node: Node) -> float | None:
    """The constant operand of a node with two inputs, if it is a scalar."""
    values = [value for value in map(model.constant, node.input) if value is not None]
    return float(values[0].item()) if len(node.input) == 2 and len(values) == 1 and values[0].size == 1 else None


def comes_from_constants(model: Model, tensor: str) -> bool:
    """Whether a tensor is constant or computed from constants only, as quantised weights are."""

    def follow(at: str) -> tuple[bool, bool] | list[str]:
        producer = model.producer(at)
        if producer is None:
            return model.constant(at) is not None, False
        operands = [name for name in producer.input if name]
        for name in operands:
            if not model.knows("constant", name):
                return [name]
            if not model.known("constant", name):
                return False, True
        return True, True

    return bool(model.fact("constant", tensor, follow))


def make_boundary(model: Model, *, input: str | None = None, outputs: Sequence[str] | None = None) -> None:
    """Make a float32 tensor the graph's input, or float32 tensors its outputs."""
    for tensor in filter(None, (input, *(outputs or ()))):
        model.set_element_type(tensor, onnx.TensorProto.FLOAT)
    model.set_boundary(input=input, outputs=outputs)


def describe_tensor(model: Model, name: str) -> str:
    """A tensor as messages name it: by its producer."""
    source = model.producer(name)
    return f"the output of {describe(source)}" if source else "the model's input"


def data_operands(model: Model, node: Node) -> list[str]:
    """The inputs of a node that are not constant."""
    return [name for name in node.input if name and model.constant(name) is None]


def elementwise_operand(model: Model, node: Node) -> str:
    """The only input of an elementwise node that is not constant."""
    dynamic = data_operands(model, node)
    if len(dynamic) != 1:
        raise UserError(
            f"it joins {len(dynamic)} streams of numbers that are not on one integer grid",
            where=describe(node),
            hint="export the model as a chain of layers",
        )
    return dynamic[0]
