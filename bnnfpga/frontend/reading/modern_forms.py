"""The modern form of each operator whose older forms differ or that is replaced by other operators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import onnx
from onnx import TensorProto

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.forms.resizing import TRUNCATES
from bnnfpga.frontend.graph.nodes import EMBEDDING, UNARY_DOMAIN, describe
from bnnfpga.frontend.reading.node_writer import NodeWriter, Spelling


def as_it_is(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """The same operator: its older forms mean the same."""
    return writer.again(spelling, spelling.inputs, **spelling.kept())


def _identity(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    yield writer.new(spelling, "Identity", spelling.inputs[:1], [spelling.node.output[0]])


def _clip(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    if any(math.prod(writer.shapes.get(name, ())) != 1 for name in filter(None, spelling.inputs[1:])):
        raise UserError(
            "its bounds are not scalars",
            where=describe(spelling.node),
            hint="use Max and Min, which take a number for each channel",
        )
    if not spelling.has("min"):
        return as_it_is(writer, spelling)
    # Its default bounds are the largest finite numbers, so it clips infinity as well.
    bounds = [writer.constant(spelling, name, spelling.values[name], np.float32) for name in ("min", "max")]
    return writer.again(spelling, [spelling.inputs[0], *bounds])


def _dropout(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    training = spelling.input(2)
    if training and writer.number_of(training) is not False:
        raise UserError(
            "it drops elements at random", where=describe(spelling.node), hint="export the model in eval mode"
        )
    return _identity(writer, spelling)


def _cast(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """Casts have been checked: those of anything but booleans and classes change nothing."""
    if spelling.node.input[0] in writer.classes:
        return writer.again(spelling, spelling.inputs, to=spelling.values["to"])
    if spelling.node.input[0] in writer.truths:
        return writer.again(spelling, spelling.inputs, to=TensorProto.FLOAT)
    return _identity(writer, spelling)


def _cast_like(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """A Cast of a comparison; otherwise nothing, for all data are floats by now."""
    tensor, output = spelling.node.input[0], spelling.node.output[0]
    if tensor in writer.truths:
        yield writer.new(spelling, "Cast", [tensor], [output], to=TensorProto.FLOAT)
    else:
        yield writer.new(spelling, "Identity", [writer.in_floats(tensor)], [output])


def _batch_norm(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    return writer.again(spelling, spelling.inputs, epsilon=spelling.values["epsilon"])


def _axes_as_input(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """Squeeze, Unsqueeze and reductions: axes become an input."""
    inputs = spelling.inputs
    if spelling.has("axes") and spelling.values["axes"] is not None:
        inputs = [inputs[0], writer.constant(spelling, "axes", spelling.values["axes"])]
    return writer.again(spelling, inputs, **spelling.kept("axes"))


def _reduce(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """Axes become an input; without any, it reduces all."""
    axes = spelling.input(1)
    listed = spelling.values["axes"] if spelling.has("axes") else None
    if listed or (axes and not writer.is_empty(axes)):
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


def _split(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
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


def _slice(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    if not spelling.has("starts"):
        return as_it_is(writer, spelling)
    starts, ends, axes = (spelling.values[name] for name in ("starts", "ends", "axes"))
    axes = list(range(len(starts))) if axes is None else axes
    values = {"starts": starts, "ends": ends, "axes": axes}
    names = [writer.constant(spelling, name, value) for name, value in values.items()]
    return writer.again(spelling, [spelling.inputs[0], *names])


def _pad(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    if not spelling.has("pads"):
        return as_it_is(writer, spelling)
    pads = writer.constant(spelling, "pads", spelling.values["pads"])
    value = writer.constant(spelling, "value", spelling.values["value"], np.float32)
    return writer.again(spelling, [spelling.inputs[0], pads, value], mode=spelling.values["mode"])


def _resize(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """Before version 11, and as Upsample, it always picks the pixel at floor(index / scale)."""
    if spelling.has("nearest_mode"):
        return as_it_is(writer, spelling)
    scales = spelling.input(1)
    if spelling.has("scales"):
        scales = writer.constant(spelling, "scales", spelling.values["scales"], np.float32)
    resize = writer.new(
        spelling,
        "Resize",
        [spelling.inputs[0], "", scales],
        list(spelling.node.output),
        mode=spelling.values["mode"],
        coordinate_transformation_mode="asymmetric",
        nearest_mode=TRUNCATES,
    )
    return iter([resize])


def _upsample(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    scales = np.ravel(spelling.values["scales"]) if spelling.has("scales") else writer.numbers_of(spelling.input(1))
    if np.any(scales < 1):
        raise UserError(
            f"its scales are {scales.tolist()}, but an Upsample does not shrink",
            where=describe(spelling.node),
            hint="export the model with opset 11 or a later one, where it is a Resize",
        )
    return _resize(writer, spelling)


def _gather(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """A Gather from a constant by integers of the image is an embedding: (n, tokens) to (n, tokens, features).

    The tokens become pixels, so that one table per feature serves all tokens.
    """
    node, (data, index) = spelling.node, spelling.inputs[:2]
    tokens, embedded = writer.shapes.get(index), writer.shapes.get(node.output[0])
    if index in writer.fixed or tokens is None or embedded is None:
        yield from as_it_is(writer, spelling)
        return
    if data not in writer.fixed or len(tokens) != 2 or len(embedded) != 3 or spelling.values["axis"] % 2:
        raise UserError(
            "its indices depend on the image, and it is not an embedding of one row of tokens",
            where=describe(node),
            hint="pick rows of a constant (n, features), along axis 0, by integers of shape (1, tokens)",
        )
    names = [writer.name(f"{node.name}_{part}") for part in ("tokens", "repeated", "features")]
    shape = writer.constant(spelling, "tokens_shape", [tokens[0], 1, tokens[1]])
    zeros = writer.constant(spelling, "channels", [0] * embedded[2])
    yield writer.new(spelling, "Reshape", [index, shape], names[:1], name=names[0])
    yield writer.new(spelling, "Gather", [names[0], zeros], names[1:2], name=names[1], axis=1)
    yield writer.new(spelling, EMBEDDING, [names[1], data], names[2:], domain=UNARY_DOMAIN)
    name = writer.name(f"{node.name}_transpose")
    yield writer.new(spelling, "Transpose", names[2:], [node.output[0]], name=name, perm=[0, 2, 1])


def _swish(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """It is newer than the opset of a clean graph, whose operators cannot express it bit-exactly."""
    return writer.again(spelling, spelling.inputs, domain=UNARY_DOMAIN, **spelling.kept())


def _softmax(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    """Before version 13, it treats all axes from `axis` on as one."""
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


def _top(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
    inputs = spelling.inputs
    if spelling.has("k"):
        inputs = [inputs[0], writer.constant(spelling, "k", [spelling.values["k"]])]
    return writer.again(spelling, inputs, **spelling.kept("k"))


def _chain(kind: str, *, divided: bool = False) -> Callable[[NodeWriter, Spelling], Iterator[onnx.NodeProto]]:
    """A chain of binary operators for one with many operands, left to right; optionally divided by their number."""

    def write(writer: NodeWriter, spelling: Spelling) -> Iterator[onnx.NodeProto]:
        node, total = spelling.node, spelling.inputs[0]
        divides = divided and len(spelling.inputs) > 1
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


MODERN_FORMS: dict[str, Callable[[NodeWriter, Spelling], Iterator[onnx.NodeProto]]] = {
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
    "Upsample": _upsample,
    "Gather": _gather,
    "Swish": _swish,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "TopK": _top,
    "Max": _chain("Max"),
    "Min": _chain("Min"),
    "Sum": _chain("Add"),
    "Mean": _chain("Add", divided=True),
}
"""Operators whose forms differ or that are replaced."""
