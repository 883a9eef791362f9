"""The nodes of a file, with calls of its own functions inlined."""

from __future__ import annotations

import onnx

_MAX_NODES = 1 << 16
_STANDARD = ("", "ai.onnx")


def written_out(proto: onnx.ModelProto) -> list[tuple[onnx.NodeProto, int]]:
    """The nodes of a file with its functions inlined, in order, each with the opset that it is written in.

    A tensor `t` of a function that node `n` calls is named `n/t`. A call that cannot be inlined stays.
    """
    functions = {(item.domain, item.name, item.overload): item for item in proto.functions}
    opset = _opset(proto, 1)
    names = {name for node in proto.graph.node for name in (node.name, *node.output)}
    waiting = [(node, opset, frozenset[int]()) for node in reversed(proto.graph.node)]
    nodes: list[tuple[onnx.NodeProto, int]] = []
    place = 0
    while waiting and len(nodes) < _MAX_NODES:
        node, version, above = waiting.pop()
        function = functions.get((node.domain, node.op_type, node.overload))
        if not above:
            place += 1
        if function is None or id(function) in above:
            nodes.append((node, version))
            continue
        prefix = node.name or f"{node.op_type}_{place - 1}"
        inside = _opset(function, version)
        body = _body(node, function, prefix, names)
        waiting += [(item, inside, above | {id(function)}) for item in reversed(body)]
    return nodes


def _body(call: onnx.NodeProto, function: onnx.FunctionProto, prefix: str, names: set[str]) -> list[onnx.NodeProto]:
    values = {item.name: item for item in (*function.attribute_proto, *call.attribute)}
    tensors = dict(zip(function.input, [*call.input, *[""] * len(function.input)], strict=False))
    outputs = {inner: outer for inner, outer in zip(function.output, call.output, strict=False) if outer}
    nodes = []
    for place, item in enumerate(function.node):
        node = onnx.NodeProto()
        node.CopyFrom(item)
        node.name = _unique(f"{prefix}/{item.name or f'{item.op_type}_{place}'}", names)
        node.input[:] = [tensors.get(name, f"{prefix}/{name}") if name else "" for name in item.input]
        for name in item.output:
            if name:
                tensors[name] = outputs[name] if name in outputs else _unique(f"{prefix}/{name}", names)
        node.output[:] = [tensors[name] if name else "" for name in item.output]
        del node.attribute[:]
        for attribute in item.attribute:
            value = values.get(attribute.ref_attr_name) if attribute.ref_attr_name else attribute
            if value is not None:
                node.attribute.add().CopyFrom(value)
                node.attribute[-1].name = attribute.name
        nodes.append(node)
    for inner, outer in outputs.items():
        if tensors.get(inner, outer) != outer:
            nodes.append(onnx.helper.make_node("Identity", [tensors[inner]], [outer], name=f"{prefix}/{inner}"))
    return nodes


def _unique(name: str, names: set[str]) -> str:
    """A name that is not among `names` yet, and is added to them."""
    while name in names:
        name += "_"
    names.add(name)
    return name


def _opset(item: onnx.ModelProto | onnx.FunctionProto, default: int) -> int:
    return max((int(entry.version) for entry in item.opset_import if entry.domain in _STANDARD), default=default)
