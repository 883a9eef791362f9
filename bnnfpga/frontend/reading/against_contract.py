"""Checking every operator of a file against its contract, before the file is converted."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import check_node, contract_of
from bnnfpga.frontend.contract.qonnx_operators import NAMES, NEWEST_QONNX
from bnnfpga.frontend.contract.refused_operators import RANDOM
from bnnfpga.frontend.contract.terms import MODERN
from bnnfpga.frontend.graph.nodes import QONNX_DOMAIN, STANDARD_DOMAINS, describe

_HARDWARE = "finn.custom_op.fpgadataflow"
"""Prefix of the domains of FINN's hardware layers."""


def check_operators(model: onnx.ModelProto, versions: Mapping[str, int]) -> None:
    """Refuse whatever the contracts of a file's operators do not allow.

    Nodes that read only constants may be of any kind: onnxruntime computes them. `versions` maps the names of nodes to
    the version of their domain.

    Raises
    ------
    UserError
        If there is any; the message names the node and the operator, attribute, input or version.
    """
    standard = next(item.version for item in model.opset_import if not item.domain)
    readers = {name for node in model.graph.node for name in node.input}
    readers |= {value.name for value in model.graph.output}
    numbers = {tensor.name for tensor in model.graph.initializer}
    quantised: set[str] = set()
    for node in model.graph.node:
        _check_domain(node)
        read = set(filter(None, node.input))
        fixed = node.op_type not in RANDOM and (bool(read) or node.op_type == "Constant")
        first = node.input[0] if node.input else ""
        if not node.domain and (node.op_type == "Shape" or (node.op_type == "CastLike" and first in numbers)):
            # Only the shape or the type of the other tensor counts, which may depend on the image.
            numbers.update(node.output)
        elif fixed and not node.domain and read <= numbers:
            numbers.update(node.output)
            if node.op_type != "Constant":
                continue
        elif fixed and read <= numbers | quantised:
            quantised.update(node.output)
            if contract_of(node) is None and _is_modern(node, standard):
                continue
        check_node(node, versions[node.name], readers, numbers | quantised)


def _is_modern(node: onnx.NodeProto, version: int) -> bool:
    """Whether an operator without a contract, on quantised constants, has the same definition in a clean graph."""
    since = {int(onnx.defs.get_schema(node.op_type, opset).since_version) for opset in (version, MODERN)}
    return len(since) == 1


def _check_domain(node: onnx.NodeProto) -> None:
    """Refuse operators of other domains, whose Python modules qonnx would import, and those unknown to ONNX."""
    if node.domain.startswith(_HARDWARE):
        raise UserError(
            f"{node.op_type!r} is a hardware layer of FINN, made for its own backend",
            where=describe(node),
            hint="give the model as it is in front of FINN's step_convert_to_hw (step_streamline.onnx)",
        )
    known = node.op_type in NAMES.values() if node.domain == QONNX_DOMAIN else not node.domain
    if not known or (not node.domain and not onnx.defs.has(node.op_type)):
        raise UserError(
            f"there is no operator {node.op_type!r} in {f'the domain {node.domain!r}' if node.domain else 'ONNX'}",
            where=describe(node),
            hint="export the model with ONNX operators and QONNX quantizers (bnnfpga.export_qonnx does)",
        )


def opset_of(model: onnx.ModelProto) -> int:
    """The version of the standard operators; a clean graph's if the file states none."""
    return max((int(item.version) for item in model.opset_import if item.domain in STANDARD_DOMAINS), default=MODERN)


def version_of(model: onnx.ModelProto, node: onnx.NodeProto) -> int:
    """The version of an original node's domain in its file.

    If the file does not import the QONNX domain, the number of inputs decides.
    """
    if node.op_type not in NAMES:
        return opset_of(model)
    imported = [int(item.version) for item in model.opset_import if item.domain == node.domain]
    if node.domain and imported:
        return max(imported)
    return next((version for version in range(1, NEWEST_QONNX + 1) if _fits(node, version)), NEWEST_QONNX)


def _fits(node: onnx.NodeProto, version: int) -> bool:
    named = onnx.NodeProto(op_type=NAMES[node.op_type], domain=QONNX_DOMAIN)
    contract = contract_of(named)
    form = contract.form(version) if contract else None
    return form is not None and len(form.inputs) == len(node.input)
