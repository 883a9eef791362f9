"""A small net around every operator of the contract table, at every version of its schema, with many attributes.

Beyond the table, a case only states the inputs of its operator, and sensible numbers for attributes and constants whose
values are free.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from bnnfpga.frontend.contract.table import QONNX, STANDARD
from bnnfpga.frontend.contract.terms import OLDEST, Contract, Form
from tests.support.spelled import DOMAIN, Spelled

Setting = dict[str, Any]
_ALIASES = {"constant_value": "value", "K": "k"}
"""Inputs that used to be attributes of another name."""
_MAX_SETTINGS = 80 if os.environ.get("BNNFPGA_THOROUGH") else 20
"""Settings of one version."""


@dataclass(frozen=True)
class Case:
    """An operator at a version, with some attributes, and constants that are former attributes or their equivalents."""

    operator: Contract
    version: int
    setting: tuple[tuple[str, Any], ...]
    build: Callable[[Spelled, Put], None]
    place: int

    @property
    def name(self) -> str:
        values = ", ".join(f"{name}={value}" for name, value in self.setting)
        return f"{self.operator.name}-{self.version}({values})"

    def net(self) -> tuple[Spelled, onnx.ModelProto]:
        standard = self.operator.name in STANDARD
        opset = max(self.version, OLDEST) if standard else 17
        net = Spelled(opset, (1, 6), qonnx=1 if standard else self.version, seed=len(self.setting))
        self.build(net, Put(net, self))
        return net, net.model()


@dataclass
class Put:
    """Adds the operator of a case to a net."""

    net: Spelled
    case: Case

    @property
    def form(self) -> Form:
        form = self.case.operator.form(self.case.version)
        assert form is not None
        return form

    @property
    def place(self) -> int:
        return self.case.place

    def get(self, name: str, default: Any = None) -> Any:
        return dict(self.case.setting).get(name, default)

    def __call__(self, *inputs: str, outputs: int = 1) -> str:
        """The operator on these inputs, followed by those that are constants of the setting, if any."""
        setting = dict(self.case.setting)
        names = list(inputs)
        for role in self.form.inputs[len(inputs) :]:
            value = setting.get(_ALIASES.get(role.name, role.name))
            if value is None or role.many:
                names.append("")
            else:
                names.append(self.net.constant(value, _dtype(role.name, value)))
        while names and not names[-1]:
            names.pop()
        attributes = {item.name: setting[item.name] for item in self.form.attributes if item.name in setting}
        domain = "" if self.case.operator.name in STANDARD else DOMAIN
        return self.net.node(self.case.operator.name, *names, outputs=outputs, domain=domain, **attributes)


def _dtype(role: str, value: Any) -> Any:
    if isinstance(value, bool):
        return np.bool_
    floats = role in ("scales", "constant_value", "ratio") or isinstance(np.asarray(value).flat[0], float)
    return np.float32 if floats else np.int64


def cases() -> Iterator[Case]:
    """Every case, in the order of the table."""
    for operator in (*STANDARD.values(), *QONNX.values()):
        build, settings = CASES[operator.name]
        versions = operator.versions if operator.name in STANDARD else (1, 2)
        for version in versions:
            form = operator.form(version)
            if form is None:
                continue
            fitting = [setting for setting in settings if _fits(form, setting)]
            chosen = list({repr(setting): tuple(setting.items()) for setting in fitting}.values())
            if len(chosen) > _MAX_SETTINGS:
                rng = np.random.default_rng(version)
                chosen = [chosen[place] for place in sorted(rng.choice(len(chosen), _MAX_SETTINGS, replace=False))]
            for place, setting in enumerate(chosen):
                yield Case(operator, version, setting, build, place)


def _fits(form: Form, setting: Setting) -> bool:
    known = {item.name for item in form.attributes} | {_ALIASES.get(role.name, role.name) for role in form.inputs}
    required = {item.name for item in form.attributes if item.required}
    required |= {
        _ALIASES.get(role.name, role.name) for role in form.inputs[1:] if _is_parameter(role) and not role.optional
    }
    listed = isinstance(setting.get("k"), list)
    if "k" in setting and listed != any(role.name == "K" for role in form.inputs):
        return False
    return {name for name in setting if name[0] != "_"} <= known and required <= set(setting)


def _is_parameter(role: Any) -> bool:
    return role.name in ("axes", "shape", "indices", "starts", "ends", "pads", "K", "scales")


def grid(**values: list[Any]) -> list[Setting]:
    """All combinations; None omits a name."""
    return [
        {name: value for name, value in zip(values, chosen, strict=True) if value is not None}
        for chosen in product(*values.values())
    ]


# Inputs of operators.

WIDTH = 5


def on_numbers(net: Spelled, put: Put) -> None:
    """On the input's floats, on sums before a quantizer, or on the scores, in turn."""
    if put.place % 3 == 0:
        net.end(net.dense(net.quant(put("x"), 4, 0.25), 6))
    elif put.place % 3 == 1:
        net.end(net.quant(put(net.dense(net.quant("x", 4, 0.5), 6, WIDTH)), 8, 0.0625))
    else:
        net.end(put(net.dense(net.quant("x", 4, 0.5), 6, WIDTH)))


def function(net: Spelled, put: Put) -> None:
    """A function of numbers in its domain, before a quantizer or after the scores."""
    name = put.case.operator.name
    x = net.node("Mul", net.dense(net.quant("x", 4, 0.5), 6, WIDTH), net.constant(0.015625))
    if name in ("Acosh", "Log", "Pow", "Reciprocal", "Sqrt"):
        x = net.node("Add", net.node("HardSigmoid", x), net.constant(1))
    elif name in ("Acos", "Asin", "Atanh"):
        x = net.node("Sub", net.node("HardSigmoid", x), net.constant(0.5))
    result = put(x) if name != "Pow" else put(x, net.constant(put.get("_exponent")))
    net.end(net.quant(result, 8, 0.0625) if put.place % 2 == 0 else result)


def with_constant(*operands: Any, both: bool = True) -> Callable[[Spelled, Put], None]:
    """Sums with a constant on either side."""

    def build(net: Spelled, put: Put) -> None:
        x = net.dense(net.quant("x", 4, 0.5), 6, WIDTH)
        value = put.get("_operand")
        constant = net.constant(np.full((1, WIDTH), value) if put.form.no_broadcast else value)
        x = put(constant, x) if both and put.get("_left") else put(x, constant)
        net.end(net.quant(x, 8, 0.0625))

    return build


_OPERANDS = grid(_operand=[0.75, -1.25, [0.5, 1.5, 2.0, -1.0, 3.0]], _left=[None, True])


def of_many(net: Spelled, put: Put) -> None:
    x = net.dense(net.quant("x", 4, 0.5), 6, WIDTH)
    constants = [net.constant(np.full((1, WIDTH), number)) for number in (-0.75, 1.25, 0.5)[: put.get("_more")]]
    x = put(x, *constants)
    net.end(net.quant(x, 8, 0.0625))


def batch_norm(net: Spelled, put: Put) -> None:
    parameters = [net.rng.uniform(0.5, 2, WIDTH) for _ in range(4)]
    x = net.dense(net.quant("x", 4, 0.5), 6, WIDTH)
    net.end(net.quant(put(x, *map(net.constant, parameters)), 8, 0.03125))


def prelu(net: Spelled, put: Put) -> None:
    x = net.dense(net.quant("x", 4, 0.5), 6, WIDTH)
    net.end(net.quant(put(x, net.constant(put.get("_slope"))), 8, 0.0625))


def cast(net: Spelled, put: Put) -> None:
    x = put("x")
    if put.get("to") != TensorProto.FLOAT:
        net.kind = TensorProto.INT8
        x = net.node("Cast", x, to=TensorProto.FLOAT)
    net.end(net.dense(net.quant(x, 4, 0.5), 6))


def cast_like(net: Spelled, put: Put) -> None:
    """A cast of a constant, of integers, or of booleans to the type of the image's floats."""
    x = "x"
    if put.get("_of") == "input":
        net.kind = TensorProto.INT8
        x = put(x, net.constant(0.0))
    layer = net.dense(net.quant(x, 4, 0.5), 6, WIDTH)
    if put.get("_of") == "constant":
        layer = net.node("Add", layer, put(net.integers(3), layer))
    if put.get("_of") == "comparison":
        layer = put(net.node("Less", layer, net.constant(0.25)), layer)
    net.end(net.dense(layer, WIDTH) if put.get("_of") == "comparison" else layer)


def comparison(net: Spelled, put: Put) -> None:
    x = net.dense(net.quant("x", 4, 0.5), 6, WIDTH)
    bound = net.constant(put.get("_bound"))
    truth = put(bound, x) if put.get("_left") else put(x, bound)
    if put.get("_where") and net.opset >= 9:
        net.end(net.dense(net.node("Where", truth, net.constant(1), net.constant(-1)), WIDTH))
    else:
        net.end(net.dense(net.node("Cast", truth, to=TensorProto.FLOAT), WIDTH))


def where(net: Spelled, put: Put) -> None:
    x = net.dense(net.quant("x", 4, 0.5), 6, WIDTH)
    truth = net.node("Greater", x, net.constant(0.25))
    net.end(net.dense(put(truth, net.constant(put.get("_yes")), net.constant(put.get("_no"))), WIDTH))


def gemm(net: Spelled, put: Put) -> None:
    shape = (4, 6) if put.get("transB") else (6, 4)
    bias = [net.constant(net.rng.standard_normal(4))] if put.get("_bias") or not put.form.inputs[2].optional else []
    net.end(put(net.quant("x", 4, 0.5), net.weights(*shape), *bias))


def matmul(net: Spelled, put: Put) -> None:
    net.end(put(net.quant("x", 4, 0.5), net.weights(6, 4)))


def conv(net: Spelled, put: Put) -> None:
    net.shape = (1, 2, 7, 6) if put.get("_axes", 2) == 2 else (1, 2, 9)
    kernel = put.get("kernel_shape") or [3, 2][: put.get("_axes", 2)]
    groups = put.get("group", 1)
    bias = [net.constant(net.rng.standard_normal(4))] if put.get("_bias") else []
    net.end(put(net.quant("x", 4, 0.5), net.weights(4, 2 // groups, *kernel), *bias))


def conv_transpose(net: Spelled, put: Put) -> None:
    net.shape = (1, 2, 4, 3) if put.get("_axes", 2) == 2 else (1, 2, 5)
    kernel = put.get("kernel_shape") or [3, 2][: put.get("_axes", 2)]
    bias = [net.constant(net.rng.standard_normal(4))] if put.get("_bias") else []
    weights = net.weights(2, 4 // put.get("group", 1), *kernel)
    net.end(net.quant(put(net.quant("x", 4, 0.5), weights, *bias), 8, 0.0625))


def pool(net: Spelled, put: Put) -> None:
    net.shape = (1, 2, 7, 6) if len(put.get("kernel_shape", [1, 1])) == 2 else (1, 2, 9)
    outputs = 2 if put.form.more_outputs and put.place % 2 else 1
    x = put(net.quant("x", 4, 0.5), outputs=outputs)
    net.end(net.quant(x, 8, 0.0625))


def layout(net: Spelled, put: Put) -> None:
    net.shape = put.get("_from", (1, 2, 3, 4))
    x = put(net.quant("x", 4, 0.5))
    net.end(net.flat_dense(x, int(np.prod(net.shape))))


def transpose(net: Spelled, put: Put) -> None:
    if put.get("perm") is None or len(put.get("perm")) == 2:
        net.end(net.node("MatMul", net.quant("x", 4, 0.5), put(net.weights(4, 6))))
    else:
        layout(net, put)


def channels(net: Spelled, put: Put) -> None:
    net.shape = (1, 4, 3, 3)
    x = net.quant("x", 4, 0.5)
    if put.case.operator.name == "Concat":
        others = [net.quant("x", 3, 0.25), net.bipolar("x", 0.5)][: put.get("_more")]
        x, width = put(x, *others), 4 * (1 + len(others) * (put.get("axis") in (1, -3)))
    elif put.case.operator.name == "Split":
        sizes = put.get("split") or [2, 2]
        x, width = put(x, outputs=len(sizes)), sizes[0]
        along = put.get("axis") % 4
        x = net.node("Concat", net.last_outputs[-1], x, axis=along)
        width = width + sizes[-1] if along == 1 else 4
    else:
        x, width = put(x), put.get("_width")
    net.end(net.node("Conv", x, net.weights(3, width, 1, 1)))


def pixels(net: Spelled, put: Put) -> None:
    net.shape = (1, 2, 3, 4)
    inputs = [net.quant("x", 4, 0.5)]
    if put.get("_end"):
        inputs[0] = net.node("Conv", inputs[0], net.weights(2, 2, 1, 1))
    if put.case.operator.name == "Resize" and net.opset in (11, 12):
        inputs.append(net.constant(np.zeros(0)))
        if put.get("sizes") and not put.get("scales"):
            inputs.append(net.constant(np.zeros(0)))
    result = put(*inputs)
    pads = put.get("pads") or []
    width = 2 + sum(pads[1::4]) * (len(pads) == 8)
    net.end(result if put.get("_end") else net.node("Conv", result, net.weights(3, width, 1, 1)))


def repeated(net: Spelled, put: Put) -> None:
    net.shape = put.get("_from")
    net.end(net.quant(put(net.quant("x", 4, 0.5)), 8, 0.0625))


def ends(net: Spelled, put: Put) -> None:
    x = net.dense(net.quant("x", 4, 0.5), 6, 4)
    if put.get("_rank") == 3:
        x = net.node("Reshape", x, net.integers([1, 2, 2]))
    if put.case.operator.gives == "ranked":
        values = put(x, outputs=2)
        net.end(values, net.last_outputs[1], kinds=(TensorProto.FLOAT, TensorProto.INT64))
    elif put.case.operator.gives == "int64":
        net.end(put(x), kinds=(TensorProto.INT64,))
    else:
        net.end(put(x))


def constant(net: Spelled, put: Put) -> None:
    x = net.dense(net.quant("x", 4, 0.5), 6, 4)
    setting = put.get("_value")
    if setting is not None:
        attributes: dict[str, Any] = {"value": onnx.numpy_helper.from_array(np.float32(setting))}
        value = net.node("Constant", **attributes)
    else:
        value = net.node("Cast", put(), to=TensorProto.FLOAT)
    net.end(net.node("Add", x, value))


def shape(net: Spelled, put: Put) -> None:
    net.shape = (1, 2, 3, 4)
    first = net.node("Cast", net.node("Gather", put("x"), net.integers(0)), to=TensorProto.FLOAT)
    net.end(net.node("Add", net.flat_dense(net.quant("x", 4, 0.5), 24), first))


def quantizer(net: Spelled, put: Put) -> None:
    name = put.case.operator.name
    numbers = {
        "Quant": (put.get("_scale", 0.375), put.get("_zero", 0.0), put.get("_bits", 3.0)),
        "BipolarQuant": (put.get("_scale", 0.375),),
        "Trunc": (0.25, 0.0, 6.0, 4.0) if put.case.version == 1 else (0.25, 0.0, 6.0, 1.0, 4.0),
    }[name]
    x = "x"
    if name == "Trunc":
        x = net.quant("x", 6, 0.25)
    x = put(x, *map(net.constant, numbers))
    net.end(net.dense(x, 6))


def thresholds(net: Spelled, put: Put) -> None:
    layout = put.get("data_layout", "")
    net.shape = {
        "": (1, 6),
        "NC": (1, 6),
        "NCW": (1, 6, 2),
        "NCHW": (1, 6, 2, 2),
        "NWC": (1, 2, 6),
        "NHWC": (1, 2, 2, 6),
    }[layout]
    values = np.sort(net.rng.standard_normal((put.get("_channels", 6), 3)), axis=1)
    x = put("x", net.constant(values))
    net.end(net.flat_dense(x, int(np.prod(net.shape))))


def lowered(net: Spelled, put: Put) -> None:
    kind = put.case.operator.name
    if kind == "XnorPopcountMatMul":
        net.end(put(net.bits("x"), net.constant(net.rng.random((6, 4)) > 0.5)))
        return
    if kind == "Im2Col":
        net.shape = (1, 5, 6, 2)
        taps = 2 * int(np.prod(put.get("kernel_size")))
        net.end(net.node("MatMul", put(net.quant("x", 4, 0.5)), net.weights(taps, 3)))
        return
    net.shape = (1, 4, 6, 3) if put.get("data_layout") == "NHWC" else (1, 3, 4, 6)
    net.end(put(net.quant("x", put.get("ibits"), 1.0, signed=put.get("signed"))))


_FLAGS = [None, 0, 1]
_POOL = {
    "kernel_shape": [[2, 2], [3, 2], [1, 3], [3]],
    "strides": [None, [2, 1], [2, 2]],
    "pads": [None, [1, 0, 0, 1], [1, 1, 1, 1]],
    "auto_pad": [None, "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"],
    "ceil_mode": _FLAGS,
    "dilations": [None, [1, 2]],
}


def _one_rank(setting: Setting) -> bool:
    """Whether all lists of a sliding window have the same rank, and it has one kind of pads."""
    rank = len(setting["kernel_shape"]) if "kernel_shape" in setting else setting.get("_axes", 2)
    lists = [
        len(setting[name]) // (1 + (name == "pads")) for name in ("strides", "dilations", "pads") if name in setting
    ]
    automatic = setting.get("auto_pad", "NOTSET") != "NOTSET"
    return all(length == rank for length in lists) and not (automatic and "pads" in setting)


def _sliding(**values: list[Any]) -> list[Setting]:
    return [setting for setting in grid(**values) if _one_rank(setting)]


_RESIZE = [
    *grid(
        scales=[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 1.0, 3.0], [1.0, 1.0, 1.7, 0.5]],
        mode=[None, "nearest"],
        coordinate_transformation_mode=[
            *(None, "half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "tf_half_pixel_for_nn"),
            "half_pixel_symmetric",
        ],
        nearest_mode=[None, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"],
    ),
    *grid(
        sizes=[[1, 2, 6, 8], [1, 2, 3, 12], [1, 2, 2, 7]],
        coordinate_transformation_mode=[None, "asymmetric"],
        nearest_mode=["floor"],
    ),
    *grid(
        scales=[[1.0, 1.0, 2.0, 1.0]],
        cubic_coeff_a=[None, -0.5],
        extrapolation_value=[None, 1.0],
        exclude_outside=[None, 0],
        antialias=[None, 0],
        keep_aspect_ratio_policy=[None, "stretch"],
    ),
    *grid(scales=[[2.0, 3.0]], axes=[[2, 3], [-2, -1]], nearest_mode=[None, "round_prefer_ceil"]),
    *grid(sizes=[[8, 6]], axes=[[3, 2]]),
    *grid(
        scales=[[1.0, 1.0, 2.0, 1.5], [1.0, 1.0, 0.5, 3.0]],
        mode=["linear"],
        coordinate_transformation_mode=[
            *("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners", "tf_half_pixel_for_nn"),
            "half_pixel_symmetric",
        ],
        _end=[1],
    ),
    *grid(
        scales=[[1.0, 1.0, 2.0, 1.5], [1.0, 1.0, 0.5, 3.0]],
        mode=["cubic"],
        coordinate_transformation_mode=["half_pixel", "align_corners", "asymmetric"],
        cubic_coeff_a=[None, -0.5],
        exclude_outside=[None, 1],
        _end=[1],
    ),
    *grid(sizes=[[1, 2, 5, 6], [1, 2, 2, 4]], mode=["nearest", "linear"], _end=[1]),
    *grid(scales=[[1.0, 1.0, 2.0, 1.5]], mode=["linear"], _end=[1]),
]
_AXES_4 = [[0, 1, 2, 3], [0, 1, 3, 2], [0, 2, 1, 3], [0, 2, 3, 1], [0, 3, 1, 2], [0, 3, 2, 1]]
_MODES = ["ROUND", "HALF_EVEN", "FLOOR", "CEIL", "UP", "DOWN", "ROUND_TO_ZERO", "HALF_UP", "HALF_DOWN", "floor"]

CASES: dict[str, tuple[Callable[[Spelled, Put], None], list[Setting]]] = {
    **dict.fromkeys(("Add", "Sub", "Mul"), (with_constant(), _OPERANDS)),
    "Div": (with_constant(both=False), [setting for setting in _OPERANDS if "_left" not in setting]),
    **dict.fromkeys(("Max", "Min"), (of_many, grid(_more=[0, 1, 2, 3]))),
    "Sum": (of_many, grid(_more=[0, 1, 2, 3])),
    "Mean": (of_many, grid(_more=[0, 1, 2, 3])),
    **dict.fromkeys(
        ("Neg", "Floor", "Ceil", "Round", "Relu", "Sign"), (on_numbers, [{}, {"_again": 1}, {"_again": 2}])
    ),
    "Identity": (on_numbers, [{}, {"_again": 1}, {"_again": 2}]),
    "BatchNormalization": (
        batch_norm,
        grid(epsilon=[None, 1e-3, 0.5, 1e-7], momentum=[None, 0.1, 1.0], spatial=[None, 1], training_mode=[None, 0]),
    ),
    "Clip": (on_numbers, grid(min=[None, -1.5, 0.25, -3.0], max=[None, 1.0, 2.5, 0.5])),
    "Dropout": (on_numbers, grid(ratio=[None, 0.1, 0.9], seed=[None, 3], training_mode=[None, False])),
    "Cast": (
        cast,
        grid(
            to=[TensorProto.FLOAT, TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64],
            saturate=_FLAGS,
            round_mode=[None, "up", "down", "nearest"],
        ),
    ),
    "CastLike": (cast_like, grid(_of=["constant", "input", "comparison"], saturate=_FLAGS, round_mode=[None, "up"])),
    "LeakyRelu": (on_numbers, grid(alpha=[None, 0.25, 0.0, 1.0, 0.1, 2.0])),
    "PRelu": (prelu, grid(_slope=[0.25, 0.0, [0.5, 0.125, 0.0, 1.0, 0.75]])),
    **{
        name: (function, grid(_again=[0, 1]))
        for name in (
            *(
                "Abs",
                "Acos",
                "Acosh",
                "Asin",
                "Asinh",
                "Atan",
                "Atanh",
                "Cos",
                "Cosh",
                "Erf",
                "Exp",
                "HardSwish",
                "Log",
            ),
            *("Mish", "Reciprocal", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh"),
        )
    },
    **dict.fromkeys(("Celu", "Elu", "ThresholdedRelu"), (function, grid(alpha=[None, 0.25, 0.1], _again=[0, 1]))),
    "Gelu": (function, grid(approximate=[None, "none", "tanh"], _again=[0, 1])),
    "Pow": (function, grid(_exponent=[2.0, 3.0, 0.5, -1.0])),
    "Selu": (function, grid(alpha=[None, 1.5], gamma=[None, 0.75], _again=[0, 1])),
    "Shrink": (function, grid(bias=[None, 0.25], lambd=[None, 0.75], _again=[0, 1])),
    "Swish": (function, grid(alpha=[None, 0.5], _again=[0, 1])),
    "HardSigmoid": (on_numbers, grid(alpha=[None, 0.125, 0.5, 1.0], beta=[None, 0.25, 0.0, 1.0])),
    **dict.fromkeys(
        ("Greater", "Less", "GreaterOrEqual", "LessOrEqual"),
        (
            comparison,
            grid(_bound=[0.25, [0.5, -0.5, 0.0, 0.25, 1.0]], _left=[None, True], _where=[None, True]),
        ),
    ),
    "Where": (where, grid(_yes=[1.0, -1.0, 3.0], _no=[0.0, -2.0])),
    "MatMul": (matmul, [{}]),
    "Gemm": (
        gemm,
        grid(alpha=[None, 0.5, 2.0], beta=[None, 0.5, 0.0], transA=[None, 0], transB=_FLAGS, _bias=[None, True]),
    ),
    "Conv": (
        conv,
        _sliding(
            kernel_shape=[None, [3, 2], [1, 1], [3]],
            strides=[None, [2, 1], [1, 1], [2]],
            dilations=[None, [1, 2], [2]],
            pads=[None, [1, 0, 0, 1], [1, 1, 1, 1], [1, 2]],
            auto_pad=[None, "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"],
            group=[None, 1, 2],
            _bias=[None, True],
        ),
    ),
    "ConvTranspose": (
        conv_transpose,
        [
            *_sliding(
                kernel_shape=[None, [3, 2]], strides=[None, [2, 1]], dilations=[None, [1, 2]], group=[None, 1, 2]
            ),
            *_sliding(strides=[[3, 2]], output_padding=[None, [1, 0]], pads=[None, [1, 0, 0, 1]], _bias=[None, True]),
            *_sliding(strides=[[2]], auto_pad=[None, "NOTSET", "VALID"], _axes=[1]),
        ],
    ),
    "MaxPool": (pool, _sliding(**_POOL, storage_order=_FLAGS)),
    "AveragePool": (pool, _sliding(**_POOL, count_include_pad=_FLAGS)),
    **dict.fromkeys(("GlobalMaxPool", "GlobalAveragePool"), (pool, [{}])),
    **dict.fromkeys(
        ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"),
        (
            pool,
            [
                *grid(axes=[[2, 3], [3, 2], [-1, -2]], keepdims=_FLAGS, noop_with_empty_axes=_FLAGS),
                *grid(axes=[[2], [-1], [1], [-3, 2], [3, 1, 2]], keepdims=[0, 1]),
                *grid(axes=[None], keepdims=[1], noop_with_empty_axes=_FLAGS),
            ],
        ),
    ),
    "Expand": (
        repeated,
        [
            *grid(shape=[[1, 2, 3, 4], [3, 1], [1]], _from=[(1, 2, 1, 1), (1, 2, 1, 4)]),
            *grid(shape=[[1, 5, 4]], _from=[(1, 1, 4), (1, 5, 1), (1, 1, 1)]),
        ],
    ),
    "Tile": (
        repeated,
        [
            *grid(repeats=[[1, 2, 1, 1], [1, 1, 3, 1], [1, 2, 2, 3]], _from=[(1, 3, 1, 1)]),
            {"repeats": [1, 2], "_from": (1, 3)},
        ],
    ),
    "Reshape": (
        layout,
        [
            *grid(shape=[[1, 24], [1, -1], [1, 6, 4], [1, 2, -1, 2], [-1, 24]], allowzero=_FLAGS),
            *grid(shape=[[0, -1], [0, 0, 12], [0, 4, 0, 2]], allowzero=[None, 0]),
        ],
    ),
    "Flatten": (layout, grid(axis=[None, 0, 1, -3, -4, 2])),
    "Squeeze": (
        layout,
        [
            *grid(axes=[[1], [2], [-1], [1, 3], [-1, -3]], _from=[(1, 1, 1, 5, 1)]),
            {"axes": [3], "_from": (1, 4, 3, 1)},
            {"_from": (1, 3, 1)},
        ],
    ),
    "Unsqueeze": (layout, grid(axes=[[1], [2], [4], [-1], [2, 3], [-1, -3], [5, 1], [0]])),
    "Transpose": (
        transpose,
        [
            *grid(perm=[None, [1, 0], [0, 1], *_AXES_4, [1, 0, 2, 3], [3, 2, 1, 0]]),
            *grid(perm=[[0, 2, 1], [0, 1, 2]], _from=[(1, 3, 5)]),
        ],
    ),
    "SpaceToDepth": (
        layout,
        [*grid(blocksize=[1, 2], _from=[(1, 2, 4, 6), (1, 3, 2, 2)]), {"blocksize": 3, "_from": (1, 2, 3, 6)}],
    ),
    "DepthToSpace": (layout, grid(blocksize=[1, 2], mode=[None, "DCR", "CRD"], _from=[(1, 8, 2, 3), (1, 4, 1, 3)])),
    "Concat": (channels, [*grid(axis=[1, -3], _more=[0, 1, 2]), *grid(axis=[2, -1], _more=[1, 2])]),
    "Gather": (
        channels,
        [
            *grid(axis=[1, -3], indices=[[0, 1]], _width=[2]),
            *grid(axis=[1, -3], indices=[[3, 1, 1], [-1, 0, -4]], _width=[3]),
            *grid(axis=[2, -1], indices=[[0, 2], [-2, 2], [1, 1, 2]], _width=[4]),
        ],
    ),
    "Split": (
        channels,
        [
            *grid(axis=[1, -3], split=[None, [2, 2], [1, 3], [1, 1, 2], [1, 1, 1, 1]], num_outputs=[None, 2]),
            *grid(axis=[2, -1], split=[[1, 2], [1, 1, 1]]),
        ],
    ),
    "Slice": (
        channels,
        [
            *grid(starts=[[1], [-3]], ends=[[3], [-1]], axes=[[1], [-3]], steps=[None, [1]], _width=[2]),
            *grid(starts=[[0]], ends=[[2**31 - 1], [2**63 - 1]], axes=[[1]], _width=[4]),
            *grid(starts=[[0, 1]], ends=[[1, 4]], _width=[3]),
            *grid(starts=[[3], [-1]], ends=[[-5], [-(2**31)]], axes=[[1]], steps=[[-1]], _width=[4]),
            *grid(starts=[[-9]], ends=[[-9]], axes=[[1]], steps=[[-1]], _width=[1]),
            *grid(starts=[[0]], ends=[[4]], axes=[[1]], steps=[[2], [3]], _width=[2]),
            *grid(starts=[[0], [-2]], ends=[[3]], axes=[[2], [-1]], steps=[None, [1], [2]], _width=[4]),
            {"starts": [0, 1, 1], "ends": [3, 2, 9], "axes": [1, 2, 3], "_width": 3},
            {"starts": [0, 1, 1], "ends": [3, 2, 9], "axes": [1, 2, 3], "steps": [1, 2, 1], "_width": 3},
        ],
    ),
    "Pad": (
        pixels,
        [
            *grid(
                pads=[[0, 0, 1, 0, 0, 0, 0, 2], [0] * 8, [0, 0, 1, 1, 0, 0, 1, 1], [0, 2, 0, 1, 0, 1, 0, 0]],
                value=[None, 0.0, 0.5, -1.5],
                mode=[None, "constant"],
            ),
            *grid(pads=[[0, 0, 1, 0, 0, 0, 1, 2], [0, 0, -1, 1, 0, 0, 1, -1]], mode=["edge", "reflect"], _end=[1]),
            *grid(pads=[[0, 0, -1, 1, 0, 0, 2, -1]], value=[1.0], _end=[1]),
            *grid(pads=[[1, 0, 0, 2]], axes=[[2, 3], [-1, -2]], value=[None, 1.0]),
        ],
    ),
    "Resize": (pixels, _RESIZE),
    "Upsample": (
        pixels,
        [
            *grid(scales=[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 1.0, 3.0], [1.0, 1.0, 3.0, 2.0]], mode=[None, "nearest"]),
            *grid(scales=[[1.0, 1.0, 1.5, 1.0], [1.0, 1.0, 1.7, 2.3]]),
            *grid(scales=[[1.0, 1.0, 2.0, 1.5]], mode=["nearest", "linear"], _end=[1]),
        ],
    ),
    **dict.fromkeys(("Softmax", "LogSoftmax"), (ends, grid(axis=[None, 1, -1], _rank=[None, 3]))),
    "Sigmoid": (ends, [{}]),
    "ArgMax": (ends, grid(axis=[1, -1, None], keepdims=_FLAGS, select_last_index=[None, 0, 1])),
    "TopK": (ends, grid(k=[1, 3, [1], [2]], axis=[None, -1, 1], largest=[None, 0, 1], sorted=[1])),
    "Constant": (
        constant,
        [
            *grid(_value=[0.5, [0.5, 1.0, 2.0, -1.0]]),
            *grid(value_float=[0.5, -2.0]),
            *grid(value_floats=[[0.5], [1.0, 2.0, 3.0, 4.0]]),
            *grid(value_int=[3, -1]),
            *grid(value_ints=[[2], [1, 2, 3, 4]]),
        ],
    ),
    "Shape": (shape, grid(start=[None, 0, 1, -2], end=[None, 4, -1, 9])),
    "Quant": (
        quantizer,
        [
            *grid(signed=[1, 0], narrow=[0, 1], rounding_mode=[None, *_MODES]),
            *grid(signed=[1], narrow=[0], _zero=[1.0, -2.0], _bits=[4.0, 5.0]),
            *grid(signed=[1], narrow=[0, 1], _bits=[1.0]),
        ],
    ),
    "BipolarQuant": (quantizer, grid(_scale=[1.0, 0.375])),
    "MultiThreshold": (
        thresholds,
        grid(
            out_dtype=["INT8"],
            out_scale=[None, 0.5, 2.0, -1.0],
            out_bias=[None, -1.0, 1.0],
            data_layout=[None, "NC", "NCW", "NCHW", "NWC", "NHWC"],
            _channels=[6, 1],
        ),
    ),
    "Trunc": (quantizer, grid(rounding_mode=[None, *_MODES], signed=_FLAGS, narrow=_FLAGS)),
    "XnorPopcountMatMul": (lowered, [{}]),
    "Im2Col": (
        lowered,
        grid(
            kernel_size=[[2, 3], [1, 1]],
            stride=[[1, 1], [2, 1]],
            input_shape=[None, "(1,5,6,2)"],
            pad_amount=[None, [1, 0, 2, 1]],
            pad_value=[None, 0, 1],
            depthwise=_FLAGS,
            dilations=[None, [2, 2]],
        ),
    ),
    "QuantAvgPool2d": (
        lowered,
        grid(
            kernel=[2, 3], stride=[1, 2], ibits=[2, 4], obits=[3, 4], signed=[0, 1], data_layout=[None, "NCHW", "NHWC"]
        ),
    ),
}
"""The net around each operator, and its constants."""
