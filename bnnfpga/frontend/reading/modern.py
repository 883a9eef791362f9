"""Conversion of every operator to one opset, so that nothing later needs to know the file's version.

The contract (`bnnfpga.frontend.contract`) defines what each form means; only the spelling changes here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import onnx

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import contract_of, inputs_of, values_of
from bnnfpga.frontend.contract.terms import MODERN, MOVED
from bnnfpga.frontend.graph.nodes import QONNX_DOMAIN, describe, note_origin, origin_of
from bnnfpga.frontend.graph.protos import IR_VERSION
from bnnfpga.frontend.reading.axes import check_axes
from bnnfpga.frontend.reading.constant_nodes import fold_constant_nodes
from bnnfpga.frontend.reading.element_types import check_types
from bnnfpga.frontend.reading.modern_forms import MODERN_FORMS, as_it_is
from bnnfpga.frontend.reading.node_writer import NodeWriter, Spelling

"""The IR version that `MODERN` came with."""


def modernise(model: onnx.ModelProto, versions: Mapping[str, int]) -> None:
    """Convert `model` to the opset `MODERN`, in place: constants are folded, and everything else is rewritten.

    `versions` maps the names of nodes to the version of their domain.

    Raises
    ------
    UserError
        If a node's operands have the wrong element types, or shapes that its version does not support.
    """
    shapes = fold_constant_nodes(model)
    check_types(model, versions, shapes)
    writer = NodeWriter(model, shapes)
    nodes = [
        note_origin(new, origin_of(node))
        for node in model.graph.node
        for new in _write(writer, node, versions[node.name])
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(writer.constants)
    model.ir_version = max(model.ir_version, IR_VERSION)
    del model.opset_import[:]
    # qonnx reads the first as the version of the standard operators.
    model.opset_import.append(onnx.helper.make_opsetid("", MODERN))
    model.opset_import.append(onnx.helper.make_opsetid(QONNX_DOMAIN, 1))


def _write(writer: NodeWriter, node: onnx.NodeProto, version: int) -> Iterator[onnx.NodeProto]:
    """The nodes that replace a node; they define its outputs under the same names."""
    contract = contract_of(node)
    form = contract.form(version) if contract else None
    if node.domain or form is None:
        yield node
        return
    floats = writer.classes.isdisjoint(node.input)
    inputs = [
        writer.in_floats(name) if role.types == MOVED and floats else name for role, name in inputs_of(node, form)
    ]
    spelling = Spelling(node, form, values_of(node, form), inputs)
    check_axes(node, form, spelling.values, writer.shapes, writer.values)
    if form.no_broadcast and len({writer.shapes.get(name) for name in node.input}) > 1:
        raise UserError(
            f"its operands have different shapes, which {node.op_type} of opset {version} does not take",
            where=describe(node),
            hint="export the model with opset 8 or a later one",
        )
    yield from MODERN_FORMS.get(node.op_type, as_it_is)(writer, spelling)
