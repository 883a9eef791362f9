"""A model's own functions, written out where nodes call them: the first part of cleaning, on the bare protobuf."""

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
from bnnfpga.frontend.graph.nodes import describe, note_origin, origin_of
from bnnfpga.frontend.reading.well_formed import check_file

_MAX_NODES = 1 << 14
_STANDARD = ("", "ai.onnx")
_CONVERTED = "bnnfpga.converted"
_Key = tuple[str, str, str]
"""The domain, name and overload of a function."""


class _Call(NamedTuple):
    """A node on its way, and the functions that it comes out of, the outermost first."""

    node: onnx.NodeProto
    inside: tuple[_Key, ...] = ()


def write_out_functions(model: onnx.ModelProto) -> None:
    """Replace every call of a function that the model brings along by the function's nodes, in place.

    A node `inner` of a function that node `outer` calls gets the name `outer/inner`, and so do the tensors. QONNX'
    operators stay what they are, whatever functions stand for them so that other runtimes can run the file.

    Raises
    ------
    UserError
        If a function calls itself, does not fit its call, is missing, or cannot be brought to the model's opset.
    """
    functions = {_key(item): item for item in model.functions if not _is_qonnx(item)}
    if not model.functions:
        return
    del model.functions[:]
    if functions:
        nodes = list(_Writer(model, functions).run())
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        check_file(model)


def _key(item: onnx.FunctionProto) -> _Key:
    return item.domain, item.name, item.overload


def _is_qonnx(item: onnx.FunctionProto) -> bool:
    return item.name in NAMES and item.domain in DOMAINS and bool(item.domain)


class _Writer:
    """Writes the nodes of the graph, those of functions in the place of their calls."""

    def __init__(self, model: onnx.ModelProto, functions: dict[_Key, onnx.FunctionProto]) -> None:
        self._model, self._functions = model, functions
        self._domains = {domain for domain, _, _ in functions} - {*DOMAINS, *_STANDARD}
        self._opset = _standard_opset(model, MODERN)
        graph = model.graph
        self._taken = {value.name for value in (*graph.input, *graph.initializer)}
        self._taken |= {name for node in graph.node for name in (node.name, *node.output)}

    def run(self) -> Iterator[onnx.NodeProto]:
        waiting = [_Call(node) for node in reversed(self._model.graph.node)]
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

    def _check_known(self, call: _Call) -> None:
        if call.node.domain in self._domains:
            raise UserError(
                f"the model has no function {shown(call.node.op_type)} of the domain {shown(call.node.domain)}",
                where=describe(call.node),
                hint=EXPORT_AGAIN,
            )

    def _body(self, call: _Call, function: onnx.FunctionProto) -> list[_Call]:
        """The nodes of a function as one call has them."""
        self._check_call(call, function)
        node = call.node
        given = {item.name: item for item in function.attribute_proto}
        given |= {item.name: item for item in node.attribute}
        inside = (*call.inside, _key(function))
        if self._means_other(function):
            function = self._converted(call, function, given)
        names = {name: node.input[at] if at < len(node.input) else "" for at, name in enumerate(function.input)}
        results = dict(zip(function.output, node.output, strict=False))
        place = f" in function {shown(call.node.op_type)}, called by {describe(node)}"
        made = []
        for index, item in enumerate(function.node):
            copy = onnx.NodeProto()
            copy.CopyFrom(item)
            given_name = item.name or f"{item.op_type}_{index}"
            copy.name = self._fresh(node.name, given_name)
            # A function reads nothing but what it is given: what it does not know has a name that nobody makes.
            copy.input[:] = [names.get(name, f"{node.name}/{name}") if name else "" for name in item.input]
            for name in filter(None, item.output):
                names[name] = results.get(name) or self._fresh(node.name, name)
            copy.output[:] = [names[name] if name else "" for name in item.output]
            _bind(copy, given)
            made.append(_Call(note_origin(copy, Origin(given_name, item.op_type, place)), inside))
        # What a function hands through has the name of the call's output behind it.
        for inner, outer in results.items():
            if outer and names.get(inner, outer) != outer:
                through = helper.make_node("Identity", [names[inner]], [outer], name=self._fresh(node.name, "through"))
                made.append(_Call(note_origin(through, origin_of(node)), inside))
        return made

    def _check_call(self, call: _Call, function: onnx.FunctionProto) -> None:
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
        """Whether an operator of a function has another form in the model's opset."""
        versions = (_standard_opset(function, self._opset), self._opset)
        kinds = {node.op_type for node in function.node if node.domain in _STANDARD and onnx.defs.has(node.op_type)}
        return any(len({_form(kind, version) for version in versions}) > 1 for kind in kinds)

    def _converted(
        self, call: _Call, function: onnx.FunctionProto, given: dict[str, AttributeProto]
    ) -> onnx.FunctionProto:
        """A function, its attributes bound, as the model's opset spells it."""
        bound = onnx.FunctionProto()
        bound.CopyFrom(function)
        bound.domain, bound.name, bound.overload = _CONVERTED, "function", ""
        del bound.attribute[:], bound.attribute_proto[:]
        for node in bound.node:
            _bind(node, given)
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

    def _cannot_convert(self, call: _Call, function: onnx.FunctionProto) -> UserError:
        return UserError(
            f"the function {shown(function.name)} is of opset {_standard_opset(function, self._opset)} and cannot be "
            f"brought to opset {self._opset} of the model",
            where=describe(call.node),
            hint="export the model and its functions with one opset",
        )

    def _fresh(self, caller: str, inner: str) -> str:
        name = f"{caller}/{inner}"
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def _bind(node: onnx.NodeProto, given: dict[str, AttributeProto]) -> None:
    """Give a node of a function the attributes of its call; one that the call leaves away has its default."""
    bound = []
    for item in node.attribute:
        if not item.ref_attr_name or item.ref_attr_name in given:
            made = AttributeProto()
            made.CopyFrom(given[item.ref_attr_name] if item.ref_attr_name else item)
            made.name = item.name
            bound.append(made)
    del node.attribute[:]
    node.attribute.extend(bound)


def _form(kind: str, version: int) -> Form | int | None:
    """What tells the meanings of an operator apart, version by version."""
    operator = STANDARD.get(kind)
    if operator is not None:
        return operator.form(version)
    try:
        return int(onnx.defs.get_schema(kind, version).since_version)
    except onnx.defs.SchemaError:
        return None  # which the check of operators says


def _standard_opset(item: onnx.ModelProto | onnx.FunctionProto, default: int) -> int:
    return max((int(entry.version) for entry in item.opset_import if entry.domain in _STANDARD), default=default)
