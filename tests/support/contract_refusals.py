"""Everything that the contract table refuses: operators, attributes, their values, versions and element types."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import onnx
from onnx import TensorProto, helper

from bnnfpga.frontend.contract.table import REFUSED, STANDARD
from bnnfpga.frontend.contract.terms import FLOATS, NEWEST, OLDEST, Attribute
from tests.support.contract_cases import Case, cases
from tests.support.spelled import DOMAIN

_SAMPLES: dict[str, Any] = {"int": 1, "ints": [1], "float": 0.5, "floats": [1.0], "string": "NOTSET", "type": 1}


@dataclass(frozen=True)
class Refused:
    """A model that violates its contract in one way, the node concerned, and what the message must name."""

    operator: str
    version: int
    what: str
    proto: onnx.ModelProto
    node: str
    names: str


@cache
def schema_versions() -> dict[str, tuple[int, ...]]:
    """Versions of each standard operator from opset 7 on, the one in force at opset 7 first."""
    found: dict[str, set[int]] = defaultdict(set)
    for schema in onnx.defs.get_all_schemas_with_history():
        if not schema.domain and not schema.deprecated and schema.since_version <= NEWEST:
            found[schema.name].add(schema.since_version)
    return {
        name: tuple(sorted(v for v in versions if v >= max((w for w in versions if w <= OLDEST), default=0)))
        for name, versions in found.items()
    }


def _alone(kind: str, opset: int, domain: str = "", **attributes: Any) -> onnx.ModelProto:
    """A model of one node on its input."""
    node = helper.make_node(kind, ["x"], ["y"], name="culprit", domain=domain, **attributes)
    graph = helper.make_graph(
        [node],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def operators() -> Iterator[Refused]:
    """Operators without a contract, at each version of their schemas."""
    for name, versions in schema_versions().items():
        if name in REFUSED:
            for version in versions:
                opset = max(version, OLDEST)
                yield Refused(name, version, "operator", _alone(name, opset), "culprit", f"({name})")


def _first_cases() -> dict[tuple[str, int], Case]:
    first: dict[tuple[str, int], Case] = {}
    for case in cases():
        form, setting = case.operator.form(case.version), dict(case.setting)
        assert form is not None
        if all(
            item.legal.holds(setting.get(item.name, item.default)) for item in form.attributes if item.name in setting
        ):
            first.setdefault((case.operator.name, case.version), case)
    return first


def _fixed(proto: onnx.ModelProto) -> tuple[set[str], list[onnx.NodeProto]]:
    """Tensors that do not depend on the image, and the nodes that produce them."""
    fixed, makers = {tensor.name for tensor in proto.graph.initializer}, []
    for node in proto.graph.node:
        if node.input and set(filter(None, node.input)) <= fixed:
            fixed.update(node.output)
            makers.append(node)
    return fixed, makers


def _culprit(proto: onnx.ModelProto, case: Case) -> onnx.NodeProto:
    """The case's node: the last of its kind that depends on the image, if any does."""
    domain = "" if case.operator.name in STANDARD else DOMAIN
    found = [node for node in proto.graph.node if node.op_type == case.operator.name and node.domain == domain]
    _, makers = _fixed(proto)
    names = {node.name for node in makers}
    return next((node for node in reversed(found) if node.name not in names), found[-1])


def illegal(attribute: Attribute) -> list[Any]:
    """Values that an attribute may not have."""
    tried: list[Any] = {
        "int": [-1, 2, 7],
        "ints": [[0, 0], [-1, -1], [1, 1, 1, 1]],
        "float": [math.nan, math.inf],
        "string": ["linear", "cubic", "reflect", "edge", "wrap", "tf_crop_and_resize", "not_larger", "SAME", "NHCW"],
    }.get(attribute.kind, [])
    return [value for value in tried if not attribute.legal.holds(value)][:3]


def attributes() -> Iterator[Refused]:
    """At each version: an attribute that the schema does not have, one of another type, and values beyond the legal."""
    for (name, version), case in _first_cases().items():
        form = case.operator.form(version)
        assert form is not None
        changes: list[tuple[str, Any]] = [("axis_of_old", 1)]
        for attribute in form.attributes:
            changes += [(attribute.name, value) for value in illegal(attribute)]
            other = "ints" if attribute.kind != "ints" else "string"
            changes.append((attribute.name, _SAMPLES[other]))
        for attribute_name, value in changes:
            _, proto = case.net()
            node = _culprit(proto, case)
            kept = [item for item in node.attribute if item.name != attribute_name]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute(attribute_name, value)])
            yield Refused(name, version, f"{attribute_name}={value}", proto, node.name, repr(attribute_name))


def element_types() -> Iterator[Refused]:
    """At each version: integers for float32 arithmetic, and casts that are not exact."""
    for (name, version), case in _first_cases().items():
        form = case.operator.form(version)
        assert form is not None
        if name == "Cast":
            casts = [("FLOAT", "INT32"), ("FLOAT", "DOUBLE"), ("FLOAT", "FLOAT16"), ("FLOAT", "BOOL")]
            casts += [("INT64", "INT32"), ("INT8", "UINT8"), ("UINT8", "INT8"), ("INT16", "FLOAT16")]
            for kind, to in casts:
                proto = _alone("Cast", max(version, OLDEST), to=TensorProto.DataType.Value(to))
                proto.graph.input[0].type.tensor_type.elem_type = TensorProto.DataType.Value(kind)
                yield Refused(name, version, f"{kind} to {to}", proto, "culprit", to.lower())
        elif form.inputs and form.inputs[0].types == FLOATS:
            for kind in ("INT64", "INT32", "UINT8"):
                proto = _on_the_input(case, TensorProto.DataType.Value(kind))
                yield Refused(name, version, f"of {kind}", proto, "culprit", kind.lower())


def _on_the_input(case: Case, kind: int) -> onnx.ModelProto:
    """The case's node on an input of a type."""
    _, proto = case.net()
    node = _culprit(proto, case)
    fixed, kept = _fixed(proto)
    # If neither of two depends on the image, like weights that the table transposes, the first.
    data = next((index for index, name in enumerate(node.input) if name and name not in fixed), 0)
    node.input[data], node.name = "x", "culprit"
    del proto.graph.node[:], proto.graph.output[:]
    proto.graph.node.extend([*kept, node])
    proto.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    proto.graph.input[0].type.tensor_type.elem_type = kind
    return proto


def versions() -> Iterator[Refused]:
    """Operators before the opset that introduced them, and after the one that removed them."""
    for name, operator in STANDARD.items():
        first = operator.forms[0].first
        for opset in range(OLDEST, first):
            yield Refused(name, opset, "too early", _alone(name, opset), "culprit", f"from opset {first} on")
        if operator.last is not None:
            for opset in range(operator.last + 1, NEWEST + 1):
                yield Refused(name, opset, "too late", _alone(name, opset), "culprit", f"up to opset {operator.last}")
