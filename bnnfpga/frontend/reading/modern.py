"""Every operator in the form of one opset: what reads the graph behind it need not know the file's version.

The meaning of each form is in the table (`bnnfpga.frontend.contract`); here is the spelling alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.contract.checks import inputs_of, operator_of, values_of
from bnnfpga.frontend.contract.terms import MODERN, MOVED, Form
from bnnfpga.frontend.forms.resizing import TRUNCATES
from bnnfpga.frontend.graph.nodes import EMBEDDING, QONNX_DOMAIN, UNARY_DOMAIN, describe, note_origin, origin_of
from bnnfpga.frontend.reading.axes import check_axes
from bnnfpga.frontend.reading.constant_nodes import fold_constant_nodes
from bnnfpga.frontend.reading.element_types import check_types
from bnnfpga.frontend.reading.shapes import Shape

_IR = 10
"""The version of the format that `MODERN` came with."""


def modernise(model: onnx.ModelProto, versions: Mapping[str, int]) -> None:
    """Bring `model`, in place, to the opset `MODERN`: constants are computed, and everything else spelled anew.

    `versions` says by the names of nodes which version of its domain each has.

    Raises
    ------
    UserError
        If a node's operands have the wrong element types, or shapes that its version does not take.
    """
    shapes = fold_constant_nodes(model)
    check_types(model, versions, shapes)
    writer = _Writer(model, shapes)
    nodes = [
        note_origin(new, origin_of(node))
        for node in model.graph.node
        for new in writer.write(node, versions[node.name])
    ]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(writer.constants)
    model.ir_version = max(model.ir_version, _IR)
    del model.opset_import[:]
    # qonnx takes the first for the version of the standard operators.
    model.opset_import.append(onnx.helper.make_opsetid("", MODERN))
    model.opset_import.append(onnx.helper.make_opsetid(QONNX_DOMAIN, 1))


@dataclass
class _Spelling:
    """A node on its way: its inputs and attributes, those that it does not have by the defaults of its form."""

    node: onnx.NodeProto
    form: Form
    values: dict[str, Any]
    inputs: list[str] = field(default_factory=list)

    def input(self, index: int) -> str:
        return self.inputs[index] if index < len(self.inputs) else ""

    def has(self, name: str) -> bool:
        """Whether its form has an attribute."""
        return any(item.name == name for item in self.form.attributes)

    def kept(self, *without: str) -> dict[str, Any]:
        """Its attributes, apart from some."""
        return {name: value for name, value in self.values.items() if value is not None and name not in without}


class _Writer:
    """Writes the nodes of a modern graph, and the constants that they need."""

    def __init__(self, model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> None:
        graph = model.graph
        self.shapes = dict(shapes)
        self.constants: list[onnx.TensorProto] = []
        self._values = {tensor.name: tensor for tensor in graph.initializer}
        self._names = {name for node in graph.node for name in (node.name, *node.input, *node.output)}
        self._names |= {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
        comparisons = (node for node in graph.node if (found := operator_of(node)) and found.gives == "bool")
        self.fixed = set(self._values)
        """What does not depend on the image."""
        for node in graph.node:
            if node.input and self.fixed.issuperset(filter(None, node.input)):
                self.fixed.update(node.output)
        self.truths = {node.output[0] for node in comparisons}
        """What comparisons give."""
        self.classes = _classes(graph)
        """What ArgMax and TopK give, and what is made of it: integers that a host keeps."""

    def write(self, node: onnx.NodeProto, version: int) -> Iterator[onnx.NodeProto]:
        """What stands for a node; its first outputs have their names."""
        operator = operator_of(node)
        form = operator.form(version) if operator else None
        if node.domain or form is None:
            yield node
            return
        floats = self.classes.isdisjoint(node.input)
        inputs = [
            self.in_floats(name) if role.types == MOVED and floats else name for role, name in inputs_of(node, form)
        ]
        spelling = _Spelling(node, form, values_of(node, form), inputs)
        check_axes(node, form, spelling.values, self.shapes, self._values)
        if form.no_broadcast and len({self.shapes.get(name) for name in node.input}) > 1:
            raise UserError(
                f"its operands have different shapes, which {node.op_type} of opset {version} does not take",
                where=describe(node),
                hint="export the model with opset 8 or a later one",
            )
        yield from _SPELLINGS.get(node.op_type, _as_it_is)(self, spelling)

    def name(self, stem: str) -> str:
        """A name that nothing has: `stem`, with a number if need be."""
        name, number = stem, 0
        while name in self._names:
            number += 1
            name = f"{stem}_{number}"
        self._names.add(name)
        return name

    def constant(self, spelling: _Spelling, meaning: str, value: Any, dtype: type = np.int64) -> str:
        name = self.name(f"{spelling.node.name}_{meaning}")
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def number_of(self, name: str) -> Any:
        """The one number of a constant, None for what is none."""
        tensor = self._values.get(name)
        value = None if tensor is None else numpy_helper.to_array(tensor)
        return value.item() if value is not None and value.size == 1 else None

    def numbers_of(self, name: str) -> NDArray[Any]:
        """The numbers of a constant, in a row."""
        return numpy_helper.to_array(self._values[name]).ravel()

    def is_empty(self, name: str) -> bool:
        """Whether a constant has no elements."""
        return name in self._values and 0 in self._values[name].dims

    def in_floats(self, name: str) -> str:
        """A constant that is moved with the image's integers, which are floats from here on."""
        tensor = self._values.get(name)
        if tensor is None or tensor.data_type == TensorProto.FLOAT:
            return name
        value = numpy_helper.to_array(tensor).astype(np.float32)
        result = self.name(f"{name}_floats")
        self.constants.append(numpy_helper.from_array(value, result))
        return result

    def new(
        self, spelling: _Spelling, kind: str, inputs: list[str], outputs: list[str], name: str = "", **attributes: Any
    ) -> onnx.NodeProto:
        """A node with the old one's name, or `name`."""
        while inputs and not inputs[-1]:
            inputs = inputs[:-1]
        given = {name: value for name, value in attributes.items() if value != []}  # an empty list says nothing
        made: onnx.NodeProto = onnx.helper.make_node(kind, inputs, outputs, name=name or spelling.node.name, **given)
        return made

    def again(self, spelling: _Spelling, inputs: list[str], **attributes: Any) -> Iterator[onnx.NodeProto]:
        """The node of its own kind, with the outputs that count."""
        outputs = list(spelling.node.output)
        if spelling.form.more_outputs:
            outputs = outputs[:1]
        yield self.new(spelling, spelling.node.op_type, inputs, outputs, **attributes)


def _classes(graph: onnx.GraphProto) -> set[str]:
    classes: set[str] = set()
    for node in graph.node:
        operator = operator_of(node)
        if operator is not None and operator.gives in ("int64", "ranked"):
            classes.add(node.output[-1])
        elif not classes.isdisjoint(node.input):
            classes.update(node.output)
    return classes


def _as_it_is(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    return writer.again(spelling, spelling.inputs, **spelling.kept())


def _identity(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    yield writer.new(spelling, "Identity", spelling.inputs[:1], [spelling.node.output[0]])


def _clip(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    if any(math.prod(writer.shapes.get(name, ())) != 1 for name in filter(None, spelling.inputs[1:])):
        raise UserError(
            "its bounds are not scalars",
            where=describe(spelling.node),
            hint="use Max and Min, which take a number for each channel",
        )
    if not spelling.has("min"):
        return _as_it_is(writer, spelling)
    # Its default bounds are the largest numbers, and infinity becomes one of them.
    bounds = [writer.constant(spelling, name, spelling.values[name], np.float32) for name in ("min", "max")]
    return writer.again(spelling, [spelling.inputs[0], *bounds])


def _dropout(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    training = spelling.input(2)
    if training and writer.number_of(training) is not False:
        raise UserError(
            "it drops elements at random", where=describe(spelling.node), hint="export the model in eval mode"
        )
    return _identity(writer, spelling)


def _cast(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    """Types are checked: what is neither a truth value nor a class stays what it is."""
    if spelling.node.input[0] in writer.classes:
        return writer.again(spelling, spelling.inputs, to=spelling.values["to"])
    if spelling.node.input[0] in writer.truths:
        return writer.again(spelling, spelling.inputs, to=TensorProto.FLOAT)
    return _identity(writer, spelling)


def _cast_like(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    """What is taken from here on is a float."""
    tensor, output = spelling.node.input[0], spelling.node.output[0]
    if tensor in writer.truths:
        yield writer.new(spelling, "Cast", [tensor], [output], to=TensorProto.FLOAT)
    else:
        yield writer.new(spelling, "Identity", [writer.in_floats(tensor)], [output])


def _batch_norm(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    return writer.again(spelling, spelling.inputs, epsilon=spelling.values["epsilon"])


def _axes_as_input(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    """Squeeze, Unsqueeze and reductions."""
    inputs = spelling.inputs
    if spelling.has("axes") and spelling.values["axes"] is not None:
        inputs = [inputs[0], writer.constant(spelling, "axes", spelling.values["axes"])]
    return writer.again(spelling, inputs, **spelling.kept("axes"))


def _reduce(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    """Its axes are an input; without any, it takes all."""
    axes = spelling.input(1)
    given = spelling.values["axes"] if spelling.has("axes") else None
    if given or (axes and not writer.is_empty(axes)):
        return _axes_as_input(writer, spelling)
    if spelling.values.get("noop_with_empty_axes"):
        return _identity(writer, spelling)
    shape = writer.shapes.get(spelling.node.input[0])
    if shape is None:
        raise UserError(
            "the shape of its input is not known", where=describe(spelling.node), hint="export with fixed shapes"
        )
    every = writer.constant(spelling, "axes", list(range(len(shape))))
    return writer.again(spelling, [spelling.inputs[0], every], **spelling.kept("axes"))


def _split(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    node, sizes, axis = spelling.node, spelling.input(1), spelling.values["axis"]
    count = spelling.values.get("num_outputs")
    if spelling.has("num_outputs") and count is None and not sizes:
        raise UserError("it has neither split sizes nor 'num_outputs'", where=describe(node), hint="give one of them")
    if count is not None and (sizes or count != len(node.output)):
        raise UserError(
            f"its attribute 'num_outputs' is {count}, with {len(node.output)} outputs{' and sizes' * bool(sizes)}",
            where=describe(node),
            hint="export the model again",
        )
    if spelling.values.get("split") is not None:
        sizes = writer.constant(spelling, "sizes", spelling.values["split"])
    elif not sizes and count is None:
        shape = writer.shapes.get(node.input[0])
        extent = shape[axis] if shape is not None and -len(shape) <= axis < len(shape) else 0
        if extent % len(node.output):
            raise UserError(
                f"{extent} elements along its axis {axis} cannot be split into {len(node.output)} equal parts",
                where=describe(node),
                hint="give the sizes of its parts",
            )
    return writer.again(spelling, [node.input[0], sizes], axis=axis)


def _slice(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    if not spelling.has("starts"):
        return _as_it_is(writer, spelling)
    given = [spelling.values[name] for name in ("starts", "ends", "axes")]
    if given[2] is None:
        given[2] = list(range(len(given[0])))
    names = [writer.constant(spelling, *item) for item in zip(("starts", "ends", "axes"), given, strict=True)]
    return writer.again(spelling, [spelling.inputs[0], *names])


def _pad(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    if not spelling.has("pads"):
        return _as_it_is(writer, spelling)
    pads = writer.constant(spelling, "pads", spelling.values["pads"])
    value = writer.constant(spelling, "value", spelling.values["value"], np.float32)
    return writer.again(spelling, [spelling.inputs[0], pads, value], mode=spelling.values["mode"])


def _resize(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    """Before version 11, and as Upsample, it takes the pixel at index / scale without a fraction, and only that."""
    if spelling.has("nearest_mode"):
        return _as_it_is(writer, spelling)
    scales = spelling.input(1)
    if spelling.has("scales"):
        scales = writer.constant(spelling, "scales", spelling.values["scales"], np.float32)
    given = np.ravel(spelling.values["scales"]) if spelling.has("scales") else writer.numbers_of(scales)
    if spelling.node.op_type == "Upsample" and np.any(given < 1):
        raise UserError(
            f"its scales are {given.tolist()}, but an Upsample does not shrink",
            where=describe(spelling.node),
            hint="export the model with opset 11 or a later one, where it is a Resize",
        )
    made = writer.new(
        spelling,
        "Resize",
        [spelling.inputs[0], "", scales],
        list(spelling.node.output),
        mode=spelling.values["mode"],
        coordinate_transformation_mode="asymmetric",
        nearest_mode=TRUNCATES,
    )
    return iter([made])


def _gather(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    """Of a constant, by integers of the image: an embedding, which puts the features of tokens (n, tokens) behind them.

    The tokens become pixels, so that one table for each feature serves them all.
    """
    node, (data, index) = spelling.node, spelling.inputs[:2]
    tokens, made = writer.shapes.get(index), writer.shapes.get(node.output[0])
    if index in writer.fixed or tokens is None or made is None:
        yield from _as_it_is(writer, spelling)
        return
    if data not in writer.fixed or len(tokens) != 2 or len(made) != 3 or spelling.values["axis"] % 2:
        raise UserError(
            "its indices depend on the image, and it is not an embedding of one row of tokens",
            where=describe(node),
            hint="pick rows of a constant (n, features), along axis 0, by integers of shape (1, tokens)",
        )
    names = [writer.name(f"{node.name}_{part}") for part in ("tokens", "repeated", "features")]
    shape = writer.constant(spelling, "tokens_shape", [tokens[0], 1, tokens[1]])
    zeros = writer.constant(spelling, "channels", [0] * made[2])
    yield writer.new(spelling, "Reshape", [index, shape], names[:1], name=names[0])
    yield writer.new(spelling, "Gather", [names[0], zeros], names[1:2], name=names[1], axis=1)
    yield writer.new(spelling, EMBEDDING, [names[1], data], names[2:], domain=UNARY_DOMAIN)
    name = writer.name(f"{node.name}_transpose")
    yield writer.new(spelling, "Transpose", names[2:], [node.output[0]], name=name, perm=[0, 2, 1])


def _swish(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    """It is younger than the opset of a clean graph, and no few of its operators mean the same to the bit."""
    return writer.again(spelling, spelling.inputs, domain=UNARY_DOMAIN, **spelling.kept())


def _softmax(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    """Before version 13, it takes all axes from its own on for one."""
    axis = spelling.values["axis"]
    shape = writer.shapes.get(spelling.inputs[0])
    if spelling.form.first >= 13 or (shape is not None and axis % max(len(shape), 1) == len(shape) - 1):
        yield from writer.again(spelling, spelling.inputs, axis=axis)
        return
    if shape is None:
        raise UserError(
            "the shape of its scores is not known", where=describe(spelling.node), hint="export with fixed shapes"
        )
    node = spelling.node
    rows, scores = writer.name(f"{node.name}_rows"), writer.name(f"{node.name}_scores")
    yield writer.new(spelling, "Flatten", spelling.inputs, [rows], name=rows, axis=axis)
    yield writer.new(spelling, node.op_type, [rows], [scores], axis=-1)
    target = writer.constant(spelling, "shape", shape)
    name = writer.name(f"{node.name}_reshape")
    yield writer.new(spelling, "Reshape", [scores, target], [node.output[0]], name=name)


def _top(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
    inputs = spelling.inputs
    if spelling.has("k"):
        inputs = [inputs[0], writer.constant(spelling, "k", [spelling.values["k"]])]
    return writer.again(spelling, inputs, **spelling.kept("k"))


def _in_a_row(kind: str) -> Callable[[_Writer, _Spelling], Iterator[onnx.NodeProto]]:
    """An operator of many operands as those of two, from the left."""

    def write(writer: _Writer, spelling: _Spelling) -> Iterator[onnx.NodeProto]:
        node, total = spelling.node, spelling.inputs[0]
        divides = node.op_type == "Mean" and len(spelling.inputs) > 1
        if len(spelling.inputs) == 1:
            yield from _identity(writer, spelling)
        for place, operand in enumerate(spelling.inputs[1:], start=2):
            last = place == len(spelling.inputs)
            result = node.output[0] if last and not divides else writer.name(f"{node.name}_{place}")
            name = node.name if last and not divides else writer.name(f"{node.name}_of_{place}")
            yield writer.new(spelling, kind, [total, operand], [result], name=name)
            total = result
        if divides:
            count = writer.constant(spelling, "count", len(spelling.inputs), np.float32)
            yield writer.new(spelling, "Div", [total, count], [node.output[0]])

    return write


_SPELLINGS: dict[str, Callable[[_Writer, _Spelling], Iterator[onnx.NodeProto]]] = {
    "Clip": _clip,
    "Dropout": _dropout,
    "Cast": _cast,
    "CastLike": _cast_like,
    "BatchNormalization": _batch_norm,
    "Squeeze": _axes_as_input,
    "Unsqueeze": _axes_as_input,
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"), _reduce),
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "Gather": _gather,
    "Swish": _swish,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "TopK": _top,
    "Max": _in_a_row("Max"),
    "Min": _in_a_row("Min"),
    "Sum": _in_a_row("Add"),
    "Mean": _in_a_row("Add"),
}
"""Operators whose forms differ, or of which the modern one is another."""
