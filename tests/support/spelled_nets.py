"""Random nets of any opset whose operators are spelled at random, in the forms of the contract table at that opset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from bnnfpga.frontend.contract.table import STANDARD
from bnnfpga.frontend.contract.terms import NEWEST, OLDEST
from tests.support.spelled import DOMAIN, Spelled

OPSETS = tuple(range(OLDEST, min(NEWEST, onnx.defs.onnx_opset_version()) + 1))
_ALIASES = {"value": "constant_value", "k": "K"}
FUNCTIONS = tuple(name for name, operator in STANDARD.items() if operator.family == "Functions")
_OF_POSITIVE, _OF_SMALL = ("Acosh", "Log", "Pow", "Reciprocal", "Sqrt"), ("Acos", "Asin", "Atanh", "Tan")
_YOUNG = ("Gelu", "Mish", "Swish")
_FLOATS = ("scales", "constant_value", "min", "max", "ratio")
_DOMAINS = (DOMAIN, DOMAIN, "onnx.brevitas", "finn.custom_op.general", "qonnx")


class SpelledNet:
    """A net determined by a seed; `used` are the operators in it, each with the version of its schema."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        opset = OPSETS[seed % len(OPSETS)]
        self._channels = int(self._rng.integers(2, 5))
        self._image = [] if self._rng.random() < 0.3 else [int(size) for size in self._rng.integers(4, 8, 2)]
        kind = TensorProto.UINT8 if self._rng.random() < 0.2 else TensorProto.FLOAT
        shape = (1, self._channels, *self._image)
        self.net = Spelled(opset, shape, qonnx=int(self._rng.integers(1, 3)), kind=kind, seed=seed)
        self.used: set[tuple[str, int]] = set()
        # Successive nets cycle through all functions.
        self._turn = seed
        self._write()

    def _write(self) -> None:
        x = "x"
        if self.net.kind != TensorProto.FLOAT:
            if self._rng.random() < 0.5:
                x = self._spell("Cast", x, to=TensorProto.INT32)
            x = self._spell("Mul", self._spell("Cast", x, to=TensorProto.FLOAT), self.net.constant(1 / 32))
        for _ in range(self._rng.integers(0, 3)):
            x = self._pick(self._affine, self._activate)(x)
        x = self._quant(x, 4)
        for _ in range(self._rng.integers(1, 3)):
            x = self._image_block(x) if self._image else self._dense_block(x)
        if self._image:
            x = self._flatten(x)
        self._end(self._dense(x, 4))

    # Spelling.

    def _has(self, kind: str) -> bool:
        return STANDARD[kind].form(self.net.opset) is not None

    def _spell(self, kind: str, *inputs: str, outputs: int = 1, **values: Any) -> str:
        """An operator in its form at this opset: values as attributes or as constants after the inputs.

        Some optional attributes are written with their defaults.
        """
        form = STANDARD[kind].form(self.net.opset)
        assert form is not None
        self.used.add((kind, max(version for version in form.versions if version <= self.net.opset)))
        attributes = {item.name: values[item.name] for item in form.attributes if item.name in values}
        for item in form.attributes:
            if item.name not in values and item.default is not None and self._rng.random() < 0.3:
                attributes[item.name] = item.default
        rest = {_ALIASES.get(name, name): value for name, value in values.items() if name not in attributes}
        names = list(inputs)
        for role in form.inputs[len(inputs) :]:
            value = rest.pop(role.name, None)
            kinds = np.float32 if role.name in _FLOATS else np.int64
            names.append("" if value is None or role.many else self.net.constant(value, kinds))
        assert not rest, (kind, self.net.opset, rest)
        while names and not names[-1]:
            names.pop()
        return self.net.node(kind, *names, outputs=outputs, **attributes)

    def _pick(self, *choices: Any) -> Any:
        return choices[self._rng.integers(len(choices))]

    def _per_channel(self, low: float, high: float) -> str:
        """One number for all channels, or one per channel; on a grid, so that sums are exact."""
        size = (1, self._channels, *[1] * len(self._image)) if self._rng.random() < 0.5 else ()
        values = np.rint(self._rng.uniform(low, high, size) * 16) / 16
        return self.net.constant(np.where(values == 0, 0.5, values))

    # Elements.

    def _affine(self, x: str) -> str:
        kind = self._pick("Add", "Sub", "Mul", "Div", "Neg", "BatchNormalization", "Sum", "Mean", "left")
        if kind == "Neg":
            return self._spell("Neg", x)
        if kind == "BatchNormalization":
            values = [self._rng.uniform(0.5, 2, self._channels) for _ in range(4)]
            return self._spell(kind, x, *map(self.net.constant, values), epsilon=self._pick(1e-5, 1e-3))
        if kind == "left":
            return self._spell("Sub", self._per_channel(-1, 1), x)
        if kind in ("Sum", "Mean") and self.net.opset < 8:
            kind = "Add"
        if kind == "Div":
            return self._spell(kind, x, self.net.constant(self._pick(0.5, 2.0, 4.0)))
        operands = [x, self._per_channel(0.25, 2)]
        if kind in ("Sum", "Mean"):
            operands += [self._per_channel(-1, 1)] * int(self._rng.integers(0, 2))
        return self._spell(kind, *(operands if kind == "Sub" or self._rng.random() < 0.5 else operands[::-1]))

    def _apply(self, x: str) -> str:
        """A function of numbers in its domain."""
        kinds = [kind for kind in FUNCTIONS if self._has(kind)]
        young = [kind for kind in _YOUNG if self._has(kind)]
        kinds = young if young and self._rng.random() < 0.5 else kinds
        kind = kinds[self._turn % len(kinds)]
        self._turn += 3
        if kind in _OF_POSITIVE:
            x = self._spell("Add", self._spell("HardSigmoid", x), self.net.constant(1.0))
        elif kind in _OF_SMALL:
            x = self._spell("Sub", self._spell("HardSigmoid", x), self.net.constant(0.5))
        elif kind in ("Exp", "Cosh", "Sinh"):
            x = self._spell("Mul", x, self.net.constant(0.0625))
        return self._spell(kind, x, *([self.net.constant(2.0)] if kind == "Pow" else []))

    def _activate(self, x: str) -> str:
        if self._rng.random() < 0.5:
            return self._apply(x)
        kind = self._pick("Relu", "LeakyRelu", "PRelu", "HardSigmoid", "Clip", "Max", "Min", "Floor", "Ceil", "Round")
        if not self._has(kind):
            kind = "Floor"
        if kind == "LeakyRelu":
            return self._spell(kind, x, alpha=self._pick(0.25, 0.5))
        if kind == "HardSigmoid":
            return self._spell(kind, x, alpha=0.25, beta=0.5)
        if kind == "PRelu":
            return self._spell(kind, x, self.net.constant(0.25))
        if kind == "Clip":
            bounds = self._pick({"min": -2.0}, {"max": 2.5}, {"min": -1.5, "max": 3.0})
            return self._spell(kind, x, **bounds)
        if kind in ("Max", "Min") and self.net.opset < 8:
            return self._spell("Relu", x)
        if kind in ("Max", "Min"):
            more = [self.net.constant(-3 if kind == "Max" else 3)] * int(self._rng.integers(0, 2))
            return self._spell(kind, x, self.net.constant(-1.5 if kind == "Max" else 2.5), *more)
        return self._spell(kind, x)

    def _same(self, x: str) -> str:
        """Operators that do not change codes."""
        rank = 2 + len(self._image)
        kinds = [
            "Identity",
            "Dropout",
            "Cast",
            "Max",
            "Sum",
            "Mean",
            "Concat",
            "Reshape",
            "Slice",
            "Unsqueeze",
            "Transpose",
        ]
        kind = self._pick(*kinds)
        if kind == "Cast":
            return self._spell(kind, x, to=TensorProto.FLOAT)
        if kind == "Concat":
            return self._spell(kind, x, axis=1)
        if kind == "Reshape":
            return self._spell(kind, x, shape=[0] * (rank - 1) + [-1])
        if kind == "Slice":
            return self._spell(kind, x, starts=[0], ends=[self._pick(self._channels, 2**31 - 1)], axes=[1])
        if kind == "Unsqueeze":
            return self._spell("Squeeze", self._spell(kind, x, axes=[rank]), axes=[rank])
        if kind == "Transpose":
            return self._spell(kind, x, perm=list(range(rank)))
        return self._spell(kind, x)

    def _quant(self, x: str, bits: int | None = None) -> str:
        """A quantizer, spelled in one of many ways."""
        bits = self._pick(1, 1, 2, 3, 4) if bits is None else bits
        scale, net = 2.0 ** -self._rng.integers(0, 3), self.net
        domain = self._pick(*_DOMAINS)
        if bits == 1:
            kind = self._pick("BipolarQuant", "BinaryQuant", "Where", "Cast", "Sign")
            if kind in ("BipolarQuant", "BinaryQuant") or not (self._has("Where") and self._has("Sign")):
                x = net.node("BipolarQuant", x, net.constant(scale), domain=domain)
            elif kind == "Sign":
                x = self._spell("Sign", x)
            else:
                x = self._compared(x, kind)
        elif self._rng.random() < 0.25:
            rows = self._pick(1, self._channels)
            levels = np.sort(self._rng.uniform(-2, 2, (rows, 2**bits - 1)), axis=1)
            options = {"out_scale": scale, "out_bias": -scale * self._pick(0, 1, 2), "out_dtype": "FLOAT32"}
            layout = {} if len(self._image) == 2 else {"data_layout": "NC"}
            x = net.node("MultiThreshold", x, net.constant(levels), domain=domain, **options, **layout)
        elif self._rng.random() < 0.15:
            x = self._trunc(self.net.quant(x, 6, scale), scale)
        else:
            x = self._int_quant(x, bits, scale, domain)
        return self._same(x) if self._rng.random() < 0.5 else x

    def _int_quant(self, x: str, bits: int, scale: float, domain: str = DOMAIN) -> str:
        net = self.net
        options = {
            "signed": self._pick(0, 1),
            "narrow": self._pick(0, 1) if bits > 2 else 0,
            "rounding_mode": self._pick("ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN"),
        }
        numbers = [net.constant(number) for number in (scale, 0.0, bits)]
        return net.node(self._pick("Quant", "IntQuant"), x, *numbers, domain=domain, **options)

    def _trunc(self, x: str, scale: float) -> str:
        """Two of six bits truncated, in the form of the version of QONNX's operators."""
        first = self.net.qonnx == 1
        numbers = [scale, 0.0, 6.0, 4.0] if first else [scale, 0.0, 6.0, 4 * scale, 4.0]
        options = {} if first else {"signed": 1, "narrow": self._pick(0, 1)}
        return self.net.node(
            "Trunc", x, *map(self.net.constant, numbers), domain=DOMAIN, rounding_mode="FLOOR", **options
        )

    def _compared(self, x: str, kind: str) -> str:
        comparison = self._pick("Greater", "Less", "GreaterOrEqual", "LessOrEqual")
        if not self._has(comparison):
            comparison = "Greater"
        truth = self._spell(comparison, x, self.net.constant(0.125))
        if kind == "Cast":
            return self._spell("Cast", truth, to=TensorProto.FLOAT)
        return self._spell("Where", truth, self.net.constant(1), self.net.constant(-1))

    # Layers.

    def _chain(self, x: str) -> str:
        for _ in range(self._rng.integers(0, 3)):
            x = self._pick(self._affine, self._activate)(x)
        return x

    def _dense(self, x: str, outputs: int) -> str:
        inputs, self._channels = self._channels, outputs
        kind = self._pick("MatMul", "Gemm", "turned")
        if kind == "turned":
            weights = self._spell("Transpose", self.net.weights(outputs, inputs), **self._pick({}, {"perm": [1, 0]}))
            return self._spell("MatMul", x, weights)
        turned = kind == "Gemm" and self._rng.random() < 0.5
        weights = self.net.weights(*((outputs, inputs) if turned else (inputs, outputs)))
        if kind == "MatMul":
            return self._spell("MatMul", x, weights)
        bias = self.net.constant(np.rint(self._rng.standard_normal(outputs) * 8) / 8)
        return self._spell(
            "Gemm", x, weights, bias, transB=int(turned), alpha=self._pick(1.0, 0.5), beta=self._pick(1.0, 2.0)
        )

    def _dense_block(self, x: str) -> str:
        return self._quant(self._chain(self._dense(x, int(self._rng.integers(2, 7)))))

    def _conv(self, x: str, outputs: int, *, same: bool = False) -> str:
        inputs, self._channels = self._channels, outputs
        kernel = (
            [3, 3]
            if same
            else [min(int(size), most) for size, most in zip(self._rng.integers(1, 4, 2), self._image, strict=True)]
        )
        values: dict[str, Any] = {} if self._rng.random() < 0.5 else {"kernel_shape": kernel}
        if same and self._rng.random() < 0.5:
            values["auto_pad"] = self._pick("SAME_UPPER", "SAME_LOWER")
        else:
            values["pads"] = [1, 1, 1, 1] if same else [int(pad) for pad in self._rng.integers(0, 2, 4)]
            sums = [size + values["pads"][axis] + values["pads"][axis + 2] for axis, size in enumerate(self._image)]
            self._image = [size - width + 1 for size, width in zip(sums, kernel, strict=True)]
        bias = (
            [self.net.constant(np.rint(self._rng.standard_normal(outputs) * 8) / 8)] if self._rng.random() < 0.3 else []
        )
        return self._spell("Conv", x, self.net.weights(outputs, inputs, *kernel), *bias, **values)

    def _image_block(self, x: str) -> str:
        block: Callable[[str], str] = self._pick(
            *(self._plain, self._plain, self._pooled, self._averaged, self._summed, self._joined, self._chosen),
            *(self._padded, self._enlarged, self._shuffled),
        )
        return block(x)

    def _plain(self, x: str) -> str:
        return self._quant(self._chain(self._conv(x, int(self._rng.integers(2, 6)))))

    def _pooled(self, x: str) -> str:
        x = self._quant(self._conv(x, int(self._rng.integers(2, 5)), same=True), 3)
        if self._rng.random() < 0.3:
            self._image = [1, 1]
            return self._spell("GlobalMaxPool", x)
        kernel, strides = [2, self._pick(1, 2)], [self._pick(1, 2), 2]
        self._image = [
            (size - width) // step + 1 for size, width, step in zip(self._image, kernel, strides, strict=True)
        ]
        return self._spell("MaxPool", x, kernel_shape=kernel, strides=strides)

    def _averaged(self, x: str) -> str:
        x = self._conv(x, int(self._rng.integers(2, 5)), same=True)
        kind = self._pick("AveragePool", "GlobalAveragePool", "ReduceMean")
        if kind == "AveragePool":
            self._image = [size // 2 for size in self._image]
            x = self._spell(kind, x, kernel_shape=[2, 2], strides=[2, 2])
        else:
            self._image = [1, 1]
            x = self._spell(kind, x, **({"axes": self._pick([2, 3], [3, 2])} if kind == "ReduceMean" else {}))
        return self._quant(x)

    def _summed(self, x: str) -> str:
        channels = self._channels
        first = self._int_quant(self._conv(x, channels, same=True), 3, 0.5)
        second = self._int_quant(x, 4, self._pick(0.25, 0.5))
        kind = self._pick("Add", "Sub", "Sum")
        return self._quant(self._spell(kind, first, second))

    def _joined(self, x: str) -> str:
        channels, image = self._channels, self._image
        parts = []
        for _ in range(2):
            self._channels, self._image = channels, image
            parts.append(
                (
                    self._int_quant(self._conv(x, int(self._rng.integers(1, 4)), same=True), 3, 0.5),
                    self._channels,
                )
            )
        self._channels = sum(count for _, count in parts)
        return self._plain(
            self._spell("Concat", *(name for name, _ in parts), axis=self._pick(1, -3) if self.net.opset > 10 else 1)
        )

    def _chosen(self, x: str) -> str:
        kind = self._pick("Gather", "Slice", "Split")
        if kind == "Gather":
            index = self._rng.integers(0, self._channels, 3).tolist()
            self._channels = 3
            return self._plain(self._spell(kind, x, indices=index, axis=1))
        if kind == "Slice":
            self._channels -= 1
            return self._plain(self._spell(kind, x, starts=[1], ends=[self._channels + 1], axes=[1]))
        sizes = [1, self._channels - 1]
        self._spell(kind, x, outputs=2, split=sizes, axis=1)
        first, second = self.net.last_outputs
        return self._plain(self._spell("Concat", second, first, axis=1))

    def _padded(self, x: str) -> str:
        x = self._int_quant(x, 4, 0.5)
        self._image = [self._image[0] + 1, self._image[1] + 2]
        return self._plain(self._spell("Pad", x, pads=[0, 0, 1, 0, 0, 0, 0, 2], value=self._pick(0.0, 0.5)))

    def _enlarged(self, x: str) -> str:
        factors = [self._pick(1, 2), self._pick(2, 3)]
        self._image = [size * factor for size, factor in zip(self._image, factors, strict=True)]
        scales = [1.0, 1.0, *map(float, factors)]
        if self._has("Upsample"):
            return self._plain(self._spell("Upsample", x, scales=scales))
        modes = [("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil")]
        coordinates, rounding = self._pick(*modes)
        values = (
            {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding} if self.net.opset > 10 else {}
        )
        region = [self.net.constant(np.zeros(0))] if self.net.opset in (11, 12) else []
        return self._plain(self._spell("Resize", x, *region, scales=scales, **values))

    def _shuffled(self, x: str) -> str:
        x = self._quant(self._conv(x, 4, same=True), 2)
        x = self._spell("Reshape", x, shape=[1, 2, 2, *self._image])
        x = self._spell("Transpose", x, perm=[0, 2, 1, 3, 4])
        return self._plain(self._spell("Reshape", x, shape=[1, 4, *self._image]))

    def _flatten(self, x: str) -> str:
        self._channels *= int(np.prod(self._image))
        self._image = []
        if self._rng.random() < 0.5:
            return self._spell("Flatten", x, axis=1)
        if self._rng.random() < 0.5:
            return self._spell("Reshape", x, shape=self._pick([1, self._channels], [1, -1], [0, -1]))
        # The form of exporters for old opsets.
        batch = self._spell("Gather", self._spell("Shape", x), self.net.integers(0), axis=0)
        shape = self._spell("Concat", self._spell("Unsqueeze", batch, axes=[0]), self.net.integers([-1]), axis=0)
        return self._spell("Reshape", x, shape)

    def _end(self, x: str) -> None:
        kind = self._pick("scores", "affine", "Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "TopK")
        if kind == "affine":
            x = self._affine(x)
        elif kind in ("Softmax", "LogSoftmax"):
            x = self._spell(kind, x, axis=1)
        elif kind == "Sigmoid":
            x = self._spell(kind, x)
        elif kind == "ArgMax":
            self.net.end(self._spell(kind, x, axis=1, keepdims=self._pick(0, 1)), kinds=(TensorProto.INT64,))
            return
        elif kind == "TopK":
            count = self._pick(1, min(2, self._channels))
            self._spell(kind, x, outputs=2, axis=1, k=count if self.net.opset < 10 else [count])
            self.net.end(self.net.last_outputs[1], kinds=(TensorProto.INT64,))
            return
        self.net.end(x)
