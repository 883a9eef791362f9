"""Checking a file's nodes against the table: whatever is not in it is refused by name."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import AttributeProto, TensorProto

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.contract.qonnx_operators import NEWEST_QONNX
from bnnfpga.frontend.contract.table import QONNX, REFUSED, STANDARD
from bnnfpga.frontend.contract.terms import NEWEST, OLDEST, Attribute, Contract, Form, Input
from bnnfpga.frontend.graph.nodes import describe

_KINDS = {
    "int": AttributeProto.INT,
    "ints": AttributeProto.INTS,
    "float": AttributeProto.FLOAT,
    "floats": AttributeProto.FLOATS,
    "string": AttributeProto.STRING,
    "tensor": AttributeProto.TENSOR,
    "type": AttributeProto.INT,
}
EXPORT_AGAIN = "the file is damaged or was made by hand; export the model again"


def check_opset(version: int) -> None:
    """Refuse opsets that the table or the installed onnx does not cover."""
    newest = min(NEWEST, onnx.defs.onnx_opset_version())
    if not OLDEST <= version <= newest:
        raise UserError(
            f"its operators are of opset {version}; opsets {OLDEST} to {newest} can be read",
            where="the model",
            hint="export it with another opset (opset_version=17, for example), or convert it with "
            "onnx.version_converter",
        )


def contract_of(node: onnx.NodeProto) -> Contract | None:
    """The contract of a node of ONNX's or QONNX's domain; None if it has none."""
    return (QONNX if node.domain else STANDARD).get(node.op_type)


def check_node(node: onnx.NodeProto, version: int, readers: set[str], constants: set[str]) -> Form:
    """Check a node against its contract and return its form at a version of its domain.

    Parameters
    ----------
    node
        A node of ONNX's domain, or of QONNX's under its name in a clean graph.
    version
        The version of the node's domain in its file.
    readers
        Every tensor that a node of the graph reads or that is an output of the graph.
    constants
        Every tensor that does not depend on the image.

    Raises
    ------
    UserError
        If it departs from its contract; the message names the node and what is wrong.
    """
    contract = contract_of(node)
    if contract is None:
        raise _unknown(node)
    form = contract.form(version)
    if form is None:
        raise _no_form(node, contract, version)
    _check_inputs(node, version, form, constants)
    _check_attributes(node, version, form)
    _check_outputs(node, contract, form, readers)
    return form


def values_of(node: onnx.NodeProto, form: Form) -> dict[str, Any]:
    """The values of all attributes of a node, defaults filled in."""
    explicit = {item.name: _value(item) for item in node.attribute}
    return {item.name: explicit.get(item.name, item.default) for item in form.attributes}


def inputs_of(node: onnx.NodeProto, form: Form) -> list[tuple[Input, str]]:
    """The role and tensor of each input of a node; the tensor name of an omitted input is empty."""
    roles = form.inputs
    return [(roles[min(place, len(roles) - 1)], name) for place, name in enumerate(node.input)]


def _value(item: AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(item)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _versioned(node: onnx.NodeProto, version: int) -> str:
    return f"{node.op_type} of {'version' if node.domain else 'opset'} {version}"


def _unknown(node: onnx.NodeProto) -> UserError:
    refusal = REFUSED.get(node.op_type)
    if refusal is None:
        return UserError(
            "operators of this kind cannot be compiled",
            where=describe(node),
            hint="docs/operators.md lists those that can",
        )
    return UserError(
        f"operators of this kind cannot be compiled: {refusal.why}", where=describe(node), hint=refusal.instead
    )


def _no_form(node: onnx.NodeProto, contract: Contract, version: int) -> UserError:
    if node.domain:
        return UserError(
            f"it is of version {version} of QONNX's operators; versions up to {NEWEST_QONNX} can be read",
            where=describe(node),
            hint="export the model with version 2 of QONNX's operators",
        )
    if version < contract.forms[0].first:
        problem = f"ONNX has {node.op_type} from opset {contract.forms[0].first} on"
    else:
        problem = f"ONNX has {node.op_type} up to opset {contract.last}"
    return UserError(f"{problem}, and the file is of opset {version}", where=describe(node), hint=EXPORT_AGAIN)


def _check_inputs(node: onnx.NodeProto, version: int, form: Form, constants: set[str]) -> None:
    roles = form.inputs
    fewest = sum(not role.optional for role in roles)
    many = bool(roles) and roles[-1].many
    count = len(node.input)
    if count < fewest or (count > len(roles) and not many):
        most = "or more" if many else f"to {len(roles)}" if fewest < len(roles) else ""
        allowed = " ".join(filter(None, [str(fewest), most]))
        raise UserError(
            f"it has {count} {'input' if count == 1 else 'inputs'}, where {_versioned(node, version)} has {allowed}",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    for role, name in inputs_of(node, form):
        if not name and not role.optional:
            raise UserError(f"it has no input {role.name!r}", where=describe(node), hint=EXPORT_AGAIN)
        if name and role.constant and name not in constants:
            raise UserError(
                f"it reads its {role.name} from {shown(name)}, which is not a constant",
                where=describe(node),
                hint="export the trained model in eval mode, with fixed shapes",
            )


def _check_outputs(node: onnx.NodeProto, contract: Contract, form: Form, readers: set[str]) -> None:
    if contract.some or contract.gives == "ranked":
        return
    names = form.more_outputs
    if len(node.output) > 1 + len(names):
        raise UserError(
            f"it has {len(node.output)} outputs, where {node.op_type} has {1 + len(names)}",
            where=describe(node),
            hint=EXPORT_AGAIN,
        )
    for name, tensor in zip(names, node.output[1:], strict=False):
        if tensor and (tensor in readers or form.more_in_training):
            raise UserError(
                f"its output {name!r} is {'used' if tensor in readers else 'there, as in training'}",
                where=describe(node),
                hint="export the trained model in eval mode, with its scores as the only output",
            )


def _check_attributes(node: onnx.NodeProto, version: int, form: Form) -> None:
    known = {item.name: item for item in form.attributes}
    for item in node.attribute:
        attribute = known.get(item.name)
        if attribute is None:
            raise UserError(
                f"it has an attribute {item.name!r}, which {_versioned(node, version)} does not have",
                where=describe(node),
                hint=EXPORT_AGAIN,
            )
        if item.type != _KINDS[attribute.kind]:
            raise UserError(
                f"its attribute {item.name!r} is of type {AttributeProto.AttributeType.Name(item.type)}, where "
                f"{node.op_type} has {AttributeProto.AttributeType.Name(_KINDS[attribute.kind])}",
                where=describe(node),
                hint=EXPORT_AGAIN,
            )
        _check_value(node, attribute, _value(item))
    for attribute in form.attributes:
        if attribute.required and not any(item.name == attribute.name for item in node.attribute):
            raise UserError(
                f"it has no attribute {attribute.name!r}, which {_versioned(node, version)} must have",
                where=describe(node),
                hint=EXPORT_AGAIN,
            )
    values = values_of(node, form)
    for rule in form.rules:
        if not rule.holds(values):
            raise UserError(rule.text, where=describe(node), hint=rule.instead)


def _check_value(node: onnx.NodeProto, attribute: Attribute, value: Any) -> None:
    if attribute.legal.holds(value):
        return
    reason = f": {attribute.why}" if attribute.why else ""
    raise UserError(
        f"its attribute {attribute.name!r} is {shown(value)}, where {attribute.legal.text} can be compiled{reason}",
        where=describe(node),
        hint=attribute.instead,
    )


def type_name(element_type: int) -> str:
    """An element type as messages name it."""
    name: str = TensorProto.DataType.Name(element_type).lower()
    return name
