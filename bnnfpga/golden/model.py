"""The golden model: a clean graph as one onnxruntime session that runs whole batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.arithmetic import Floats, Step, apply_steps
from bnnfpga.errors import UserError
from bnnfpga.frontend.channels import channel_index, upsampling_factors
from bnnfpga.frontend.nodes import (
    DOT_PRODUCTS,
    LAYOUT_OPS,
    QUANTIZERS,
    attribute,
    constant,
    data_operands,
    describe,
    elementwise_operand,
    rearrange,
)
from bnnfpga.frontend.quantizers import quantizer_of
from bnnfpga.frontend.sliding import averages, geometry_of, pad_value
from bnnfpga.golden.onnx_form import step_to_onnx
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.grids import common_grid
from bnnfpga.input_format import InputFormat

_BATCH = 512
_EXACT_FLOAT32 = 1 << 24
_OPSET = 18
_AFFINE = ("add", "subtract", "subtract_from", "multiply", "divide")


@dataclass(frozen=True)
class Golden:
    """What a batch gives.

    Parameters
    ----------
    output
        float32 (images, ...), the model's output, without a Softmax, ArgMax or TopK at its end.
    scores
        int64 (images, ...), the integer tensor that the output is an elementwise float function of: the last dot
        products, or the last quantizer's centred codes.
    integers
        The integer tensors asked for, by their name in the clean graph.
    """

    output: Floats
    scores: NDArray[np.int64]
    integers: dict[str, NDArray[np.int64]]

    @property
    def classes(self) -> NDArray[np.int64]:
        """Index of each image's largest output, the first of equals: what a file ending in ArgMax or TopK gives."""
        classes: NDArray[np.int64] = self.output.reshape(len(self.output), -1).argmax(axis=1).astype(np.int64)
        return classes

    def accelerator_output(self, kind: str) -> NDArray[np.int64]:
        """What an accelerator must give, (images, elements): its `scores`, or the `class`, first of equals."""
        return self.classes[:, None] if kind == "class" else self.scores.reshape(len(self.output), -1)


@dataclass(frozen=True)
class _Value:
    """A tensor being built: a float tensor, or integers and the scales that make it a float tensor.

    `base` is the integer tensor of which each element is a function, and `magnitude` bounds it; `function` says which
    function a float tensor is, where it is affine.
    """

    tensor: str | None = None
    integers: str | None = None
    scales: tuple[Floats, ...] = ()
    magnitude: int = 0
    base: str | None = None
    constant: NDArray[np.float32] | None = None
    function: tuple[Step, ...] | None = None

    @property
    def affine(self) -> tuple[Step, ...] | None:
        """The affine steps from `base` to this, None where there are others among them."""
        if self.integers is not None:
            return tuple(Step("multiply", scale) for scale in self.scales) if self.integers == self.base else None
        return self.function


class GoldenModel:
    """Runs a clean graph exactly.

    Parameters
    ----------
    model
        A clean graph (`bnnfpga.frontend.clean`).
    input
        What its input is; where that is integers, it counts as quantised.
    """

    def __init__(self, model: ModelWrapper, input: InputFormat | None = None) -> None:
        import onnxruntime

        self._builder = _Builder(model, input)
        self.input_shape = tuple(model.get_tensor_shape(model.graph.input[0].name)[1:])
        options = onnxruntime.SessionOptions()
        # One operation at a time is the definition: no fusion may change it.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            self._builder.build().SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    @property
    def integer_tensors(self) -> tuple[str, ...]:
        """Names of the tensors of the clean graph that are integers times scales: codes and dot products."""
        return tuple(self._builder.integers)

    def scales(self, name: str) -> tuple[Floats, ...]:
        """What multiplies the integers of one of `integer_tensors` to its values, one after the other."""
        return self._builder.scales[name]

    def run(self, x: Floats, integers: Iterable[str] = ()) -> Golden:
        """Run images, float32 (images, *input_shape): the model's inputs, or the codes where it takes integers."""
        wanted = {name: self._builder.integers[name] for name in integers}
        fetches = [self._builder.output, self._builder.scores, *wanted.values()]
        parts = [
            self._session.run(fetches, {"input": x[start : start + _BATCH]})
            for start in range(0, max(len(x), 1), _BATCH)
        ]
        joined = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        return Golden(joined[0], _integers(joined[1]), dict(zip(wanted, map(_integers, joined[2:]), strict=True)))


def _integers(array: NDArray[np.floating]) -> NDArray[np.int64]:
    return array.astype(np.int64)


class _Builder:
    """Builds the session's graph in one walk over the clean graph."""

    def __init__(self, model: ModelWrapper, input: InputFormat | None) -> None:
        self._model = model
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._values: dict[str, _Value] = {}
        self._count = 0
        self.integers: dict[str, str] = {}
        self.scales: dict[str, tuple[Floats, ...]] = {}
        self._doubles: set[str] = set()
        self._structural = {
            "MaxPool": self._max_pool,
            "AveragePool": self._average_pool,
            "Pad": self._pad,
            "Gather": self._gather,
            "Resize": self._resize,
            "Concat": self._concat,
        }
        source = model.graph.input[0].name
        if input is None or input.type is None:
            self._values[source] = _Value(tensor="input")
        else:
            magnitude = max(abs(input.type.lo), abs(input.type.hi))
            scales = (np.asarray(input.scale),)
            self._values[source] = _Value(integers="input", scales=scales, magnitude=magnitude, base="input")
        for node in model.graph.node:
            value = self._values[node.output[0]] = self._translate(node)
            if value.integers is not None and value.constant is None:
                self.integers[node.output[0]] = value.integers
                self.scales[node.output[0]] = value.scales
        result = self._values[model.graph.output[0].name]
        if result.base is None:
            raise UserError(
                "no quantised layer leads to it",
                where=f"output {model.graph.output[0].name!r}",
                hint="train with Brevitas quantizers on weights and activations",
            )
        self.output = self._float_of(result)
        self.scores = result.base

    def build(self) -> onnx.ModelProto:
        shape = self._model.get_tensor_shape(self._model.graph.input[0].name)
        outputs = dict.fromkeys([self.output, self.scores, *self.integers.values()])
        graph = onnx.helper.make_graph(
            self._nodes,
            "golden",
            [onnx.helper.make_tensor_value_info("input", TensorProto.FLOAT, ["images", *shape[1:]])],
            [
                onnx.helper.make_tensor_value_info(
                    name, TensorProto.DOUBLE if name in self._doubles else TensorProto.FLOAT, None
                )
                for name in outputs
            ],
            self._initializers,
        )
        return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", _OPSET)], ir_version=8)

    def _new(self) -> str:
        self._count += 1
        return f"t{self._count}"

    def _constant(self, value: NDArray[np.generic] | np.float32) -> str:
        name = self._new()
        self._initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _emit(self, operation: str, *inputs: str, **attributes: Any) -> str:
        name = self._new()
        self._nodes.append(onnx.helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def _emit_steps(self, steps: Iterable[Step], tensor: str) -> str:
        for step in steps:
            name = self._new()
            self._nodes += step_to_onnx(step, tensor, name, self._constant)
            tensor = name
        return tensor

    def _float_of(self, value: _Value) -> str:
        """The float tensor of a value, made now where it only exists as integers and scales."""
        if value.tensor is not None:
            return value.tensor
        assert value.integers is not None
        tensor = value.integers
        if tensor in self._doubles:
            tensor = self._emit("Cast", tensor, to=TensorProto.FLOAT)
        return self._emit_steps([Step("multiply", scale) for scale in value.scales], tensor)

    def _value(self, tensor: str) -> _Value:
        if tensor in self._values:
            return self._values[tensor]
        value = constant(self._model, tensor)
        assert value is not None, tensor
        return _Value(tensor=self._constant(value.astype(np.float32)), constant=value.astype(np.float32))

    def _translate(self, node: onnx.NodeProto) -> _Value:
        if node.op_type in QUANTIZERS:
            return self._quantizer(node)
        if node.op_type in DOT_PRODUCTS:
            return self._dot_product(node)
        if node.op_type in self._structural:
            return self._structural[node.op_type](node)
        if node.op_type in ("Add", "Sub") and len(data_operands(self._model, node)) > 1:
            return self._sum(node)
        if node.op_type in LAYOUT_OPS or node.op_type == "Transpose":
            return self._layout(node)
        steps = elementwise_steps(self._model, node)
        value = self._value(elementwise_operand(self._model, node))
        scale = steps[0].constant
        is_scale = [step.operation for step in steps] == ["multiply"] and scale is not None and scale.size == 1
        if is_scale and value.integers is not None:
            assert scale is not None
            return replace(value, scales=(*value.scales, scale.reshape(())), tensor=None)
        affine = None if value.affine is None else (*value.affine, *steps)
        if any(step.operation not in _AFFINE for step in steps):
            affine = None
        return _Value(
            tensor=self._emit_steps(steps, self._float_of(value)),
            base=value.base,
            function=affine,
            magnitude=value.magnitude,
        )

    def _quantizer(self, node: onnx.NodeProto) -> _Value:
        quantizer = quantizer_of(self._model, node)
        source = self._value(node.input[0])
        magnitude = max(abs(quantizer.lo), abs(quantizer.hi))
        if source.constant is not None:
            codes = apply_steps(quantizer.steps, source.constant)
            return _Value(
                integers=self._constant(codes), scales=(quantizer.scale,), magnitude=magnitude, constant=codes
            )
        codes_name = self._emit_steps(quantizer.steps, self._float_of(source))
        return _Value(integers=codes_name, scales=(quantizer.scale,), magnitude=magnitude, base=codes_name)

    def _layout(self, node: onnx.NodeProto) -> _Value:
        value = self._value(node.input[0])
        shape = self._model.get_tensor_shape(node.output[0])
        if value.constant is not None:
            return self._constant_layout(node, value)
        if shape[0] != 1 or (node.op_type == "Transpose" and attribute(node, "perm", [1])[0] != 0):
            raise UserError(
                "it mixes the batch axis with others", where=describe(node), hint="export the model for a batch of one"
            )
        if value.integers is not None and all(scale.size == 1 for scale in value.scales):
            moved = self._move(node, value.integers, shape)
            if value.integers in self._doubles:
                self._doubles.add(moved)
            base = moved if value.base == value.integers else value.base
            return replace(value, integers=moved, tensor=None, base=base)
        return _Value(tensor=self._move(node, self._float_of(value), shape), base=value.base)

    def _move(self, node: onnx.NodeProto, tensor: str, shape: list[int]) -> str:
        if node.op_type == "Transpose":
            return self._emit("Transpose", tensor, perm=attribute(node, "perm", None))
        return self._emit("Reshape", tensor, self._constant(np.array([-1, *shape[1:]], dtype=np.int64)))

    def _constant_layout(self, node: onnx.NodeProto, value: _Value) -> _Value:
        """A transposed or reshaped weight tensor; its per-channel scales turn with it."""
        assert value.constant is not None

        turned = rearrange(self._model, node, value.constant)
        scales = tuple(
            scale if scale.size == 1 else rearrange(self._model, node, np.broadcast_to(scale, value.constant.shape))
            for scale in value.scales
        )
        if value.integers is None:
            return _Value(tensor=self._constant(turned), constant=turned)
        return replace(value, integers=self._constant(turned), constant=turned, scales=scales)

    def _dot_product(self, node: onnx.NodeProto) -> _Value:
        x, w = self._value(node.input[0]), self._value(node.input[1])
        if x.integers is None or w.integers is None or w.constant is None:
            side = "weights" if x.integers is not None else "activations"
            raise UserError(
                f"its {side} are not quantised",
                where=describe(node),
                hint=f"put a Brevitas quantizer on the layer's {side}",
            )
        if any(scale.size != 1 for scale in x.scales):
            raise UserError("its activations have a scale for each channel", where=describe(node), hint="use one scale")
        options: dict[str, Any] = {}
        if node.op_type == "Conv":
            geometry_of(self._model, node)  # refuses what cannot be
            options = {**_sliding_attributes(node), "group": attribute(node, "group", 1)}
        magnitude = _magnitude(node, w.constant, x)
        if magnitude < _EXACT_FLOAT32:
            product = self._emit(node.op_type, x.integers, w.integers, **options)
        else:
            product = self._wide_product(node, x, w.constant, options)
        trailing = len(self._model.get_tensor_shape(node.output[0])) - 2 if node.op_type == "Conv" else 0
        scales = (
            *(scale.reshape(()) for scale in x.scales),
            *(output_scale(scale, node, trailing) for scale in w.scales),
        )
        return _Value(integers=product, scales=scales, magnitude=magnitude, base=product)

    def _wide_product(self, node: onnx.NodeProto, x: _Value, weights: NDArray[np.float32], options: Any) -> str:
        """A dot product too large for float32: in doubles.

        onnxruntime convolves no doubles: a convolution is done digit by digit of the weights, each exact in float32.
        """
        assert x.integers is not None
        if node.op_type == "MatMul":
            both = (x.integers, self._constant(weights))
            product = self._emit("MatMul", *(self._emit("Cast", name, to=TensorProto.DOUBLE) for name in both))
            self._doubles.add(product)
            return product
        bits = 8
        while max(_magnitude(node, digit, x) for digit in _digits(weights, bits)) >= _EXACT_FLOAT32:
            bits -= 1
            if not bits:
                raise UserError(
                    "its sums need more than 32 bits", where=describe(node), hint="quantise its input to fewer bits"
                )
        total = ""
        for position, digit in enumerate(_digits(weights, bits)):
            part = self._emit(node.op_type, x.integers, self._constant(digit), **options)
            part = self._emit("Cast", part, to=TensorProto.DOUBLE)
            if position:
                factor = self._constant(np.asarray(2.0 ** (bits * position)))
                part = self._emit("Add", total, self._emit("Mul", part, factor))
            total = part
        self._doubles.add(total)
        return total

    def _max_pool(self, node: onnx.NodeProto) -> _Value:
        value = self._value(node.input[0])
        attributes = _sliding_attributes(node)
        if value.integers is not None and all(np.all(scale > 0) for scale in value.scales):
            # Rounding is monotone, so the largest product is that of the largest integer.
            return self._pooled(value, self._emit("MaxPool", value.integers, **attributes))
        return _Value(tensor=self._emit("MaxPool", self._float_of(value), **attributes))

    def _pooled(self, value: _Value, integers: str, factor: int = 1, scales: tuple[Floats, ...] = ()) -> _Value:
        if value.integers in self._doubles:
            self._doubles.add(integers)
        return replace(
            value,
            tensor=None,
            integers=integers,
            base=integers,
            magnitude=value.magnitude * factor,
            scales=(*scales, *value.scales),
        )

    def _average_pool(self, node: onnx.NodeProto) -> _Value:
        """An average of integers is their sum times 1/n; that of an affine function of them, the function of that."""
        value = self._value(node.input[0])
        geometry = averages(self._model, node)
        affine = value.affine
        shifts = affine is not None and any(step.operation not in ("multiply", "divide") for step in affine)
        if value.base is None or affine is None or (shifts and geometry.touches_pads):
            raise UserError(
                "it averages numbers that are not quantised",
                where=describe(node),
                hint="put a quantizer in front of it",
            )
        channels = self._model.get_tensor_shape(node.input[0])[1]
        source = value.base
        doubles = source in self._doubles or value.magnitude * geometry.taps >= _EXACT_FLOAT32
        if doubles:
            raise UserError("its sums are too large", where=describe(node), hint="put a quantizer in front of it")
        axes = len(self._model.get_tensor_shape(node.input[0])) - 2
        ones = np.ones((channels, 1, *geometry.kernel[2 - axes :]), dtype=np.float32)
        total = self._emit("Conv", source, self._constant(ones), group=channels, **_sliding_attributes(node))
        share = np.asarray(np.float32(1) / np.float32(geometry.taps))
        if value.integers is not None:
            return self._pooled(value, total, geometry.taps, (share,))
        steps = (Step("multiply", share), *affine)
        return _Value(
            tensor=self._emit_steps(steps, total), base=total, function=steps, magnitude=value.magnitude * geometry.taps
        )

    def _gather(self, node: onnx.NodeProto) -> _Value:
        index = self._constant(channel_index(self._model, node))
        value = self._value(node.input[0])
        if value.integers is not None and all(scale.size == 1 for scale in value.scales):
            return self._pooled(value, self._emit("Gather", value.integers, index, axis=1))
        return _Value(tensor=self._emit("Gather", self._float_of(value), index, axis=1))

    def _resize(self, node: onnx.NodeProto) -> _Value:
        factors = np.array([1, 1, *upsampling_factors(self._model, node)], dtype=np.float32)
        value = self._value(node.input[0])
        options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}

        def repeat(tensor: str) -> str:
            return self._emit("Resize", tensor, "", self._constant(factors), **options)

        if value.integers is not None:
            return self._pooled(value, repeat(value.integers))
        return _Value(tensor=repeat(self._float_of(value)))

    def _grid(self, node: onnx.NodeProto) -> tuple[list[str], list[int], tuple[int, ...], np.float32]:
        """Integers of a node's operands, their bounds, what each counts on their common grid, and its unit."""
        values = [self._value(name) for name in node.input]
        units = []
        for name, value in zip(node.input, values, strict=True):
            if value.integers is None or value.constant is not None or any(scale.size != 1 for scale in value.scales):
                source = self._model.find_producer(name)
                raise UserError(
                    f"it joins streams; that of {describe(source) if source else 'the input'} is not quantised",
                    where=describe(node),
                    hint="put a quantizer of up to 8 bits there, with the scale of the other operand",
                )
            steps = [Step("multiply", scale) for scale in value.scales]
            units.append(float(apply_steps(steps, np.ones((), dtype=np.float32))))
        grid = common_grid(units)
        if grid is None:
            raise UserError(
                f"it joins streams whose scales {' and '.join(f'{unit:g}' for unit in units)} have no common grid",
                where=describe(node),
                hint="let quantizers with one scale stand in front of all its operands",
            )
        integers = []
        for value in values:
            assert value.integers is not None
            cast = value.integers in self._doubles
            integers.append(self._emit("Cast", value.integers, to=TensorProto.FLOAT) if cast else value.integers)
        return integers, [value.magnitude for value in values], *grid

    def _multiples(self, integers: list[str], factors: Sequence[int]) -> list[str]:
        return [
            name if factor == 1 else self._emit("Mul", name, self._constant(np.float32(factor)))
            for name, factor in zip(integers, factors, strict=True)
        ]

    def _sum(self, node: onnx.NodeProto) -> _Value:
        """Scaled integers are added on their common grid: exactly, then one multiplication."""
        integers, magnitudes, factors, unit = self._grid(node)
        magnitude = sum(bound * factor for bound, factor in zip(magnitudes, factors, strict=True))
        if magnitude >= _EXACT_FLOAT32:
            raise UserError("its sums are too large", where=describe(node), hint="put quantizers in front of it")
        total = self._emit(node.op_type, *self._multiples(integers, factors))
        return _Value(integers=total, scales=(np.asarray(unit),), magnitude=magnitude, base=total)

    def _concat(self, node: onnx.NodeProto) -> _Value:
        if attribute(node, "axis", 0) % len(self._model.get_tensor_shape(node.output[0])) != 1:
            raise UserError("it joins something else than channels", where=describe(node), hint="join along axis 1")
        integers, magnitudes, factors, unit = self._grid(node)
        joined = self._emit("Concat", *self._multiples(integers, factors), axis=1)
        magnitude = max(bound * factor for bound, factor in zip(magnitudes, factors, strict=True))
        return _Value(integers=joined, scales=(np.asarray(unit),), magnitude=magnitude, base=joined)

    def _pad(self, node: onnx.NodeProto) -> _Value:
        value = self._value(node.input[0])
        pad = np.float32(pad_value(self._model, node))
        if value.integers is None or any(scale.size != 1 for scale in value.scales):
            raise UserError(
                "it pads numbers that are not quantised", where=describe(node), hint="pad behind a quantizer"
            )
        steps = [Step("multiply", scale) for scale in value.scales]
        unit = float(apply_steps(steps, np.ones((), dtype=np.float32)))
        code = np.asarray(np.rint(pad / unit), dtype=np.float32)
        if apply_steps(steps, code) != pad:
            raise UserError(
                f"it pads with {pad:g}, which is no multiple of the scale {unit:g}",
                where=describe(node),
                hint="pad with a value that the quantizer in front of it can give",
            )
        pads = attribute(node, "pads", None)
        axes = len(pads) // 2
        widths = np.array([0, 0, *pads[:axes], 0, 0, *pads[axes:]], dtype=np.int64)
        integers = self._emit("Pad", value.integers, self._constant(widths), self._constant(code))
        return replace(self._pooled(value, integers), magnitude=max(value.magnitude, int(abs(code))))


def _magnitude(node: onnx.NodeProto, weights: NDArray[np.float32], x: _Value) -> int:
    """A bound of a dot product."""
    rows = weights.T if node.op_type == "MatMul" else weights.reshape(len(weights), -1)
    return int(np.abs(rows).sum(axis=1).max()) * x.magnitude


def _digits(weights: NDArray[np.float32], bits: int) -> list[NDArray[np.float32]]:
    """Integers of at most 9 bits as digits of so many bits, the lowest first; the last one has the sign."""
    digits = []
    for _ in range(-(-9 // bits) - 1):
        high = np.floor(weights / 2**bits)
        digits.append((weights - high * 2**bits).astype(np.float32))
        weights = high
    return [*digits, weights.astype(np.float32)]


def _sliding_attributes(node: onnx.NodeProto) -> dict[str, Any]:
    names = ("kernel_shape", "strides", "dilations", "pads")
    values = {name: attribute(node, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def output_scale(scale: Floats, node: onnx.NodeProto, trailing: int = 0) -> Floats:
    """A weight scale as a factor of the outputs: a scalar, or one for each output.

    Outputs are columns of a MatMul's weights, and rows of a convolution's, whose images have `trailing` axes of pixels.
    """
    if scale.size == 1:
        return scale.reshape(())
    if node.op_type == "Conv":
        if scale.size != len(scale):
            raise UserError(
                "the scale of its weights varies within an output channel",
                where=describe(node),
                hint="use one scale for the tensor or one for each output channel",
            )
        return scale.reshape(-1, *[1] * trailing)
    if scale.ndim != 2 or np.any(scale != scale[:1]):
        raise UserError(
            "the scale of its weights varies along its inputs",
            where=describe(node),
            hint="use one scale for the tensor or one for each output channel",
        )
    column: Floats = scale[0]
    return column
