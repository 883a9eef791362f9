"""What the host computes behind the cut of a clean graph, as the program that `functions.json` holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnfpga.base.errors import ResultsDiffer, UserError
from bnnfpga.frontend.forms.pads import pad_widths
from bnnfpga.frontend.graph.model import End, Model, Node
from bnnfpga.frontend.graph.nodes import (
    ELEMENTWISE,
    LAYOUT_OPS,
    attribute,
    data_operands,
    describe,
    elementwise_operand,
    required_constant,
)
from bnnfpga.golden.end_classes import class_rules
from bnnfpga.golden.resampling import resampled
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.host.end_shapes import shapes_made
from bnnfpga.host.float_steps import steps_as_data

Program = dict[str, Any]
_JOINS = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Max": "maximum", "Min": "minimum"}
_COMPARISONS = {
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
}
_REDUCTIONS = {"ReduceMax": "max", "ReduceMean": "mean", "ReduceMin": "min", "ReduceSum": "sum"}


def program_of(end: End) -> tuple[Program, dict[str, int]]:
    """The program of an end, and which of its values each tensor is.

    Raises
    ------
    UserError
        If a node is none of a host's, or its shapes are not known.
    """
    writer = _Writer(end)
    for node in end.graph.nodes:
        writer.write(node)
    program = writer.program
    program["outputs"] = [writer.values[name] for name in end.graph.outputs]
    program["classes"] = class_rules(program)
    return program, writer.values


def end_of(model: Model) -> End:
    """What the host makes of a graph's outputs; where nothing is cut off, they are the file's."""
    if model.end is not None:
        return model.end
    end = Model(model.outputs[0], model.outputs, model.opset)
    for name in model.outputs:
        end.set_shape(name, model.shape(name))
    return End(tuple(dict.fromkeys(model.outputs)), end)


class _Writer:
    """Writes a program node by node."""

    def __init__(self, end: End) -> None:
        self.model = end.graph
        self.values = {name: index for index, name in enumerate(end.inputs)}
        shapes = [end.graph.shape(name) for name in end.inputs]
        self.program: Program = {"inputs": shapes, "nodes": [], "shapes": list(shapes)}

    def write(self, node: Node) -> None:
        for name in filter(None, node.output):
            if not self.model.has_shape(name) or 0 in self.model.shape(name):
                taken = " and ".join(str(tuple(self.model.shape(name))) for name in node.input if name)
                does = "makes nothing of" if self.model.has_shape(name) else "cannot take"
                raise UserError(
                    f"it {does} inputs of shapes {taken}",
                    where=describe(node),
                    hint="look at the shapes in the model (netron.app shows them), and export it again",
                )
        if node.op_type in ELEMENTWISE:
            made = [self._elementwise(node)]
        elif node.op_type in LAYOUT_OPS:
            made = [self.reshaped(self.value(node.input[0]), self.model.shape(node.output[0]))]
        else:
            made = _TRANSLATIONS[node.op_type](self, node)
        for name, value in zip(node.output, made, strict=False):
            if name:
                self._check_shape(node, name, value)
                self.values[name] = value

    def _check_shape(self, node: Node, tensor: str, value: int) -> None:
        """The shapes of a program follow from its own operations, and must be those that onnx infers."""
        made, expected = self.program["shapes"][value], self.model.shape(tensor)
        if made != expected:
            raise ResultsDiffer(
                f"the compiler reads this differently from what the file says: it makes shape {tuple(made)} of it, and "
                f"the file {tuple(expected)}",
                where=describe(node),
                hint="nothing was written; please report it with the model",
            )

    def value(self, tensor: str) -> int:
        """The number of a tensor's value; constants are written where they are first read."""
        if tensor not in self.values:
            constant = self.model.constant(tensor)
            assert constant is not None, tensor
            self.values[tensor] = self.add(
                "constant", shape=list(constant.shape), type=str(constant.dtype), data=constant.ravel().tolist()
            )
        return self.values[tensor]

    def add(self, operation: str, *inputs: int, **parameters: Any) -> int:
        """One more node; the number of the first value that it makes."""
        node = {"operation": operation, "inputs": list(inputs), **parameters}
        self.program["nodes"].append(node)
        first = len(self.program["shapes"])
        self.program["shapes"] += shapes_made(node, [self.program["shapes"][index] for index in inputs])
        return first

    def reshaped(self, value: int, shape: list[int]) -> int:
        return self.add("reshape", value, shape=list(shape))

    def _elementwise(self, node: Node) -> int:
        if len(data_operands(self.model, node)) > 1:
            return self.add(_JOINS[node.op_type], *map(self.value, node.input))
        shape = self.model.shape(node.output[0])
        if self.model.shape(elementwise_operand(self.model, node)) != shape:
            return self.add(_JOINS[node.op_type], *map(self.value, node.input))
        steps = [step.along(range(len(shape)), shape) for step in elementwise_steps(self.model, node)]
        return self.add("steps", self.value(elementwise_operand(self.model, node)), steps=steps_as_data(steps))


# -- operations, each from its node to the values that it makes --------------------------------------------------------


def _axis(writer: _Writer, node: Node, default: int) -> int:
    return int(attribute(node, "axis", default) % max(1, len(writer.model.shape(node.input[0]))))


def _compared_axis(writer: _Writer, node: Node, default: int) -> int:
    axis = _axis(writer, node, default)
    if axis == 0 and writer.model.shape(node.input[0])[:1] == [1]:
        raise UserError(
            "it compares along axis 0, the batch axis, and images are computed one at a time",
            where=describe(node),
            hint="give it the axis of the classes, usually axis=1",
        )
    return axis


def _softmax(writer: _Writer, node: Node) -> list[int]:
    operation = "softmax" if node.op_type == "Softmax" else "log_softmax"
    return [writer.add(operation, writer.value(node.input[0]), axis=_compared_axis(writer, node, -1))]


def _arg_max(writer: _Writer, node: Node) -> list[int]:
    axis = _compared_axis(writer, node, 0)
    scores = _in_front_of_softmax(writer.model, node.input[0], axis)
    last, kept = (int(attribute(node, name, default)) for name, default in (("select_last_index", 0), ("keepdims", 1)))
    return [writer.add("arg_max", writer.value(scores), axis=axis, last=last, keepdims=kept)]


def _in_front_of_softmax(model: Model, tensor: str, axis: int) -> str:
    """The scores of which probabilities are made: the largest of these is the largest of those.

    Where float32 rounds two probabilities to one, the scores still decide, as in hardware.
    """
    node = model.producer(tensor)
    while node is not None and node.op_type in ("Softmax", "LogSoftmax"):
        if attribute(node, "axis", -1) % len(model.shape(tensor)) != axis:
            break
        tensor = node.input[0]
        node = model.producer(tensor)
    return tensor


def _top(writer: _Writer, node: Node) -> list[int]:
    axis = _compared_axis(writer, node, -1)
    count = int(required_constant(writer.model, node, 1, "K").item())
    largest = int(attribute(node, "largest", 1))
    first = writer.add("top", writer.value(node.input[0]), axis=axis, k=count, largest=largest)
    return [first, first + 1]


def _compare(writer: _Writer, node: Node) -> list[int]:
    return [writer.add(_COMPARISONS[node.op_type], *map(writer.value, node.input))]


def _cast(writer: _Writer, node: Node) -> list[int]:
    kind = onnx.helper.tensor_dtype_to_np_dtype(attribute(node, "to", onnx.TensorProto.FLOAT))
    return [writer.add("cast", writer.value(node.input[0]), type=str(np.dtype(kind)))]


def _transpose(writer: _Writer, node: Node) -> list[int]:
    rank = len(writer.model.shape(node.input[0]))
    axes = [int(axis) for axis in attribute(node, "perm", None) or range(rank)[::-1]]
    if sorted(axes) != list(range(rank)):
        raise UserError(
            f"its perm is not a permutation of {rank} axes", where=describe(node), hint="export the model again"
        )
    return [writer.add("transpose", writer.value(node.input[0]), axes=axes)]


def _concat(writer: _Writer, node: Node) -> list[int]:
    return [writer.add("concat", *map(writer.value, node.input), axis=_axis(writer, node, 0))]


def _take(writer: _Writer, value: int, axis: int, indices: NDArray[Any]) -> int:
    return writer.add("take", value, axis=axis, indices=indices.ravel().tolist())


def _gather(writer: _Writer, node: Node) -> list[int]:
    axis, shape = _axis(writer, node, 0), writer.model.shape(node.input[0])
    index = required_constant(writer.model, node, 1, "index")
    _check_index(node, index, shape[axis])
    taken = _take(writer, writer.value(node.input[0]), axis, index % shape[axis])
    return [writer.reshaped(taken, [*shape[:axis], *index.shape, *shape[axis + 1 :]])]


def _check_index(node: Node, index: NDArray[Any], extent: int) -> None:
    if index.size and not (-extent <= index.min() and index.max() < extent):
        raise UserError(
            f"it takes element {int(index.max())} of {extent}", where=describe(node), hint="export the model again"
        )


def _slice(writer: _Writer, node: Node) -> list[int]:
    shape = writer.model.shape(node.input[0])
    given = [None if index >= len(node.input) or not node.input[index] else index for index in range(1, 5)]
    starts, ends, axes, steps = (
        [] if index is None else np.ravel(required_constant(writer.model, node, index, "range")).tolist()
        for index in given
    )
    value = writer.value(node.input[0])
    axes = axes or list(range(len(starts)))
    for axis, start, end, step in zip(axes, starts, ends, steps or [1] * len(axes), strict=True):
        indices = np.arange(shape[axis])[_range(start, end, step, shape[axis])]
        value = _take(writer, value, axis % len(shape), indices)
    return [value]


def _range(start: int, end: int, step: int, extent: int) -> slice:
    """ONNX's ranges are Python's, but for a negative end that stands for one in front of the first element."""
    return slice(start, None if step < 0 and end < -extent else end, step)


def _split(writer: _Writer, node: Node) -> list[int]:
    axis = _axis(writer, node, 0)
    value, start, made = writer.value(node.input[0]), 0, []
    for name in node.output:
        extent = writer.model.shape(name)[axis]
        made.append(_take(writer, value, axis, np.arange(start, start + extent)))
        start += extent
    return made


def _expand(writer: _Writer, node: Node) -> list[int]:
    target, shape = writer.model.shape(node.output[0]), writer.model.shape(node.input[0])
    shape = [*[1] * (len(target) - len(shape)), *shape]
    value = writer.reshaped(writer.value(node.input[0]), shape)
    for axis, (before, after) in enumerate(zip(shape, target, strict=True)):
        if before != after:
            value = _take(writer, value, axis, np.zeros(after, dtype=np.int64))
    return [value]


def _tile(writer: _Writer, node: Node) -> list[int]:
    value, shape = writer.value(node.input[0]), writer.model.shape(node.input[0])
    for axis, count in enumerate(np.ravel(required_constant(writer.model, node, 1, "number of repeats")).tolist()):
        if count != 1:
            value = _take(writer, value, axis, np.tile(np.arange(shape[axis]), count))
    return [value]


def _pad(writer: _Writer, node: Node) -> list[int]:
    mode, (before, after) = attribute(node, "mode", "constant"), pad_widths(writer.model, node)
    filler = 2 if attribute(node, "pads", None) is None else 1
    value = writer.value(node.input[0])
    shape = writer.model.shape(node.input[0])
    for axis in range(len(shape)):
        low, high = int(before[axis]), int(after[axis])
        outside = mode != "constant"
        if mode == "reflect" and max(low, high) >= min(shape[axis], shape[axis] + low, shape[axis] + high):
            raise UserError(
                f"it reflects {max(low, high)} of {shape[axis]} elements along axis {axis}",
                where=describe(node),
                hint="reflect fewer elements than there are",
            )
        if (low, high) != (0, 0) and (outside or min(low, high) < 0):
            places = np.arange(-low if outside else max(0, -low), shape[axis] + (high if outside else min(0, high)))
            value = _take(writer, value, axis, _inside(places, shape[axis], mode))
    if mode == "constant" and np.any(np.maximum(before, after) > 0):
        number = 0.0
        if len(node.input) > filler and node.input[filler]:
            number = float(required_constant(writer.model, node, filler, "value").item())
        widths = {"before": np.maximum(before, 0).tolist(), "after": np.maximum(after, 0).tolist()}
        value = writer.add("pad", value, **widths, number=number)
    return [value]


def _inside(places: NDArray[np.int64], extent: int, mode: str) -> NDArray[np.int64]:
    """The elements that stand for places outside, by the mode of a Pad."""
    if mode == "wrap":
        return places % extent
    if mode == "reflect" and extent > 1:
        period = 2 * (extent - 1)
        places = places % period
        return np.minimum(places, period - places)
    return np.clip(places, 0, extent - 1)


def _resize(writer: _Writer, node: Node) -> list[int]:
    value = writer.value(node.input[0])
    axes, taken, weights = [], [], []
    for axis, places, factors in resampled(writer.model, node):
        if factors is None:
            value = _take(writer, value, axis, places[:, 0])
            continue
        axes.append(axis)
        taken.append(places.tolist())
        weights.append(factors.tolist())
    return [writer.add("resample", value, axes=axes, taken=taken, weights=weights) if axes else value]


def _reduce(writer: _Writer, node: Node) -> list[int]:
    shape = writer.model.shape(node.input[0])
    axes = list(range(len(shape)))
    if len(node.input) > 1 and node.input[1]:
        listed = np.ravel(required_constant(writer.model, node, 1, "axes"))
        axes = [int(axis) % len(shape) for axis in listed] or axes
    kept = int(attribute(node, "keepdims", 1))
    value = writer.value(node.input[0])
    return [writer.add(_REDUCTIONS[node.op_type], value, axes=sorted(axes), keepdims=kept)]


_TRANSLATIONS: dict[str, Callable[[_Writer, Node], list[int]]] = {
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    **dict.fromkeys(_COMPARISONS, _compare),
    "ArgMax": _arg_max,
    "Cast": _cast,
    "Concat": _concat,
    "Expand": _expand,
    "Gather": _gather,
    "Identity": lambda writer, node: [writer.value(node.input[0])],
    "Pad": _pad,
    "Resize": _resize,
    "Slice": _slice,
    "Split": _split,
    "Tile": _tile,
    "TopK": _top,
    "Transpose": _transpose,
}
