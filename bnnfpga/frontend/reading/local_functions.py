"""Inlining of model-local functions: the first part of cleaning, on the protobuf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import onnx
import onnx.inliner
from onnx import AttributeProto, helper

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.contract.checks import EXPORT_AGAIN
from bnnfpga.frontend.contract.qonnx_operators import DOMAINS, NAMES
from bnnfpga.frontend.contract.table import STANDARD
from bnnfpga.frontend.contract.terms import MODERN, Form
from bnnfpga.frontend.graph.model import Origin
from bnnfpga.frontend.graph.nodes import STANDARD_DOMAINS, describe, note_origin, origin_of
from bnnfpga.frontend.reading.well_formed import check_well_formed

_MAX_NODES = 1 << 14
_CONVERTED = "bnnfpga.converted"
_Key = tuple[str, str, str]
"""Domain, name and overload of a function."""


class _FunctionCall(NamedTuple):
    """A node to be inlined, and the functions that it comes from, outermost first."""

    node: onnx.NodeProto
    inside: tuple[_Key, ...] = ()


def write_out_functions(model: onnx.ModelProto) -> None:
    """Inline every call of a model-local function, in place.

    A node `inner` of a function that node `outer` calls gets the name `outer/inner`, and so do tensors. QONNX's
    operators stay, even if the file defines functions for them so that other runtimes can run it.

    Raises
    ------
    UserError
        If a function calls itself, does not match its call, is missing, or cannot be converted to the model's opset.
    """
    functions = {_key(item): item for item in model.functions if not _is_qonnx(item)}
    if not model.functions:
        return
    del model.functions[:]
    if functions:
        nodes = list(_FunctionWriter(model, functions).run())
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        check_well_formed(model)


def _key(item: onnx.FunctionProto) -> _Key:
    return item.domain, item.name, item.overload


def _is_qonnx(item: onnx.FunctionProto) -> bool:
    return item.name in NAMES and item.domain in DOMAINS and bool(item.domain)


class _FunctionWriter:
    """Writes the nodes of the graph, with functions in place of their calls."""

    def __init__(self, model: onnx.ModelProto, functions: dict[_Key, onnx.FunctionProto]) -> None:
        self._model, self._functions = model, functions
        self._domains = {domain for domain, _, _ in functions} - {*DOMAINS, *STANDARD_DOMAINS}
        self._opset = _standard_opset(model, MODERN)
        graph = model.graph
        self._names = {value.name for value in (*graph.input, *graph.initializer)}
        self._names |= {name for node in graph.node for name in (node.name, *node.output)}

    def run(self) -> Iterator[onnx.NodeProto]:
        waiting = [_FunctionCall(node) for node in reversed(self._model.graph.node)]
        written = 0
        while waiting:
            call = waiting.pop()
            function = self._functions.get((call.node.domain, call.node.op_type, call.node.overload))
            if function is None:
                self._check_known(call)
                written += 1
                yield call.node
            else:
                waiting += reversed(self._body(call, function))
            if written + len(waiting) > _MAX_NODES:
                raise UserError(
                    f"its functions make more than {_MAX_NODES:,} nodes of it",
                    where="the model's graph",
                    hint="export a smaller model, or one without functions",
                )

    def _check_known(self, call: _FunctionCall) -> None:
        if call.node.domain in self._domains:
            raise UserError(
                f"the model has no function {shown(call.node.op_type)} of the domain {shown(call.node.domain)}",
                where=describe(call.node),
                hint=EXPORT_AGAIN,
            )

    def _body(self, call: _FunctionCall, function: onnx.FunctionProto) -> list[_FunctionCall]:
        """The nodes of a function, instantiated for one call."""
        self._check_call(call, function)
        node = call.node
        attributes = {item.name: item for item in function.attribute_proto}
        attributes |= {item.name: item for item in node.attribute}
        inside = (*call.inside, _key(function))
        if self._means_other(function):
            function = self._converted(call, function, attributes)
        names = {name: node.input[at] if at < len(node.input) else "" for at, name in enumerate(function.input)}
        results = dict(zip(function.output, node.output, strict=False))
        place = f" in function {shown(call.node.op_type)}, called by {describe(node)}"
        calls = []
        for index, item in enumerate(function.node):
            copy = onnx.NodeProto()
            copy.CopyFrom(item)
            inner_name = item.name or f"{item.op_type}_{index}"
            copy.name = self._fresh(node.name, inner_name)
            # A function sees its inputs only: any other name is replaced by one that no node defines.
            copy.input[:] = [names.get(name, f"{node.name}/{name}") if name else "" for name in item.input]
            for name in filter(None, item.output):
                names[name] = results.get(name) or self._fresh(node.name, name)
            copy.output[:] = [names[name] if name else "" for name in item.output]
            _bind(copy, attributes)
            calls.append(_FunctionCall(note_origin(copy, Origin(inner_name, item.op_type, place)), inside))
        # An input that the function returns unchanged still needs the name of the call's output.
        for inner, outer in results.items():
            if outer and names.get(inner, outer) != outer:
                through = helper.make_node("Identity", [names[inner]], [outer], name=self._fresh(node.name, "through"))
                calls.append(_FunctionCall(note_origin(through, origin_of(node)), inside))
        return calls

    def _check_call(self, call: _FunctionCall, function: onnx.FunctionProto) -> None:
        node = call.node
        if _key(function) in call.inside:
            problem = f"the function {shown(function.name)} calls itself"
        elif len(node.input) > len(function.input) or len(node.output) > len(function.output):
            problem = (
                f"it has {len(node.input)} inputs and {len(node.output)} outputs, where the function "
                f"{shown(function.name)} has {len(function.input)} and {len(function.output)}"
            )
        else:
            return
        raise UserError(problem, where=describe(call.node), hint=EXPORT_AGAIN)

    def _means_other(self, function: onnx.FunctionProto) -> bool:
        """Whether any operator of a function has a different form in the model's opset."""
        versions = (_standard_opset(function, self._opset), self._opset)
        kinds = {
            node.op_type for node in function.node if node.domain in STANDARD_DOMAINS and onnx.defs.has(node.op_type)
        }
        return any(len({_form(kind, version) for version in versions}) > 1 for kind in kinds)

    def _converted(
        self, call: _FunctionCall, function: onnx.FunctionProto, attributes: dict[str, AttributeProto]
    ) -> onnx.FunctionProto:
        """A function with its attributes bound, converted to the model's opset."""
        bound = onnx.FunctionProto()
        bound.CopyFrom(function)
        bound.domain, bound.name, bound.overload = _CONVERTED, "function", ""
        del bound.attribute[:], bound.attribute_proto[:]
        for node in bound.node:
            _bind(node, attributes)
        caller = helper.make_node("function", bound.input, bound.output, domain=_CONVERTED)
        inputs, outputs = ([onnx.ValueInfoProto(name=name) for name in names] for names in (bound.input, bound.output))
        alone = helper.make_model(
            helper.make_graph([caller], "function", inputs, outputs),
            functions=[bound],
            opset_imports=[helper.make_opsetid("", self._opset), helper.make_opsetid(_CONVERTED, 1)],
        )
        try:
            nodes = onnx.inliner.inline_local_functions(alone, convert_version=True).graph.node
        except (RuntimeError, ValueError, onnx.checker.ValidationError) as error:
            raise self._cannot_convert(call, function) from error
        if any(node.domain == _CONVERTED for node in nodes):
            raise self._cannot_convert(call, function)
        del bound.node[:]
        bound.node.extend(nodes)
        return bound

    def _cannot_convert(self, call: _FunctionCall, function: onnx.FunctionProto) -> UserError:
        return UserError(
            f"the function {shown(function.name)} is of opset {_standard_opset(function, self._opset)} and cannot be "
            f"brought to opset {self._opset} of the model",
            where=describe(call.node),
            hint="export the model and its functions with one opset",
        )

    def _fresh(self, caller: str, inner: str) -> str:
        name = f"{caller}/{inner}"
        while name in self._names:
            name += "_"
        self._names.add(name)
        return name


def _bind(node: onnx.NodeProto, attributes: dict[str, AttributeProto]) -> None:
    """Replace references in a function's node by the call's attributes; without a value, the attribute is dropped."""
    bound = []
    for item in node.attribute:
        if not item.ref_attr_name or item.ref_attr_name in attributes:
            copy = AttributeProto()
            copy.CopyFrom(attributes[item.ref_attr_name] if item.ref_attr_name else item)
            copy.name = item.name
            bound.append(copy)
    del node.attribute[:]
    node.attribute.extend(bound)


def _form(kind: str, version: int) -> Form | int | None:
    """What identifies the definition of an operator at a version."""
    operator = STANDARD.get(kind)
    if operator is not None:
        return operator.form(version)
    try:
        return int(onnx.defs.get_schema(kind, version).since_version)
    except onnx.defs.SchemaError:
        return None  # reported by the operator check


def _standard_opset(item: onnx.ModelProto | onnx.FunctionProto, default: int) -> int:
    return max((int(entry.version) for entry in item.opset_import if entry.domain in STANDARD_DOMAINS), default=default)
