"""The independent reading of files: what it may import, what is a tie and what is not, and that libraries agree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.check import Claims, FileReading, Scaled, read_file
from bnnfpga.golden.check.number import Number, granule
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.nets import DOMAIN, NetWriter

LEAVES = {"bnnfpga", "bnnfpga.golden", "bnnfpga.golden.check", "bnnfpga.base", "bnnfpga.base.errors"}


def test_it_imports_nothing_of_the_frontend() -> None:
    """Not even through something else that it imports."""
    code = "import sys, bnnfpga.golden.check; print(*(name for name in sys.modules if name[:5] in ('bnnfp', 'qonnx')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in found if not name.startswith("bnnfpga.golden.check.")} == LEAVES
    # What is imported while it runs would not be among them.
    for path in Path(bnnfpga.__file__).parent.joinpath("golden", "check").glob("*.py"):
        lines = [
            line.split()[1] for line in path.read_text().splitlines() if line.strip().startswith(("from ", "import "))
        ]
        assert {line for line in lines if "bnnfpga" in line and not line.startswith("bnnfpga.golden.check")} == set()


# -- ties --------------------------------------------------------------------------------------------------------------


def _signs(weights: np.ndarray, scale: float, x: np.ndarray, claimed: np.ndarray) -> FileReading:
    """One layer with a sign behind it, of which something is claimed."""
    net = NetWriter()
    bits = net.bipolar("x", scale)
    net.bipolar(net.node("MatMul", bits, net.constant(weights)))
    integers = {"y": Scaled(claimed), bits: Scaled(np.where(x >= 0, 1, -1), (np.float32(scale),))}
    return read_file(net.model((len(weights),), "y"), x.astype(np.float32), Claims(integers))


ONES = np.ones((1, 4), np.float32)
BALANCED = np.array([[1.0], [1.0], [-1.0], [-1.0]])


def test_an_exact_zero_is_no_tie() -> None:
    """+1 + 1 - 1 - 1 is 0 in every order: its sign is +1, and -1 is wrong."""
    assert _signs(BALANCED, 1.0, ONES, np.array([[1]])).on_tie == 0
    wrong = _signs(BALANCED, 1.0, ONES, np.array([[-1]]))
    assert wrong.difference is not None
    assert "BipolarQuant" in wrong.difference.node
    assert (wrong.difference.expected, wrong.difference.got, wrong.difference.bound) == (1, -1, 0)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_zero_that_float32_rounds_is_a_tie(sign: int) -> None:
    """0.1 * 0.3 four times need not sum to 0 in float32; either sign is accepted, and counted."""
    found = _signs(0.3 * BALANCED, 0.1, ONES, np.array([[sign]]))
    assert found.difference is None
    assert (found.on_tie, found.tied.tolist()) == (1, [True])
    assert found.layers[-1].on_tie == 1
    assert "1 of 5 decisions" in found.warnings()[0]


def test_far_from_the_decision_point_nothing_is_a_tie() -> None:
    found = _signs(0.3 * np.ones((4, 1)), 0.1, ONES, np.array([[-1]]))
    assert found.difference is not None
    assert found.on_tie == 0
    assert found.difference.distance > 1000 * found.difference.bound


def test_scales_that_are_powers_of_two_round_nothing() -> None:
    assert _signs(0.375 * BALANCED, 0.25, ONES, np.array([[1]])).on_tie == 0


def test_the_bound_is_relative_to_the_terms() -> None:
    """A sum of large terms that cancel is known no better than they are."""
    weights = np.array([[30.3], [-30.3], [1e-6], [1e-7]])
    assert _signs(weights, 1.0, ONES, np.array([[-1]])).on_tie == 1
    assert _signs(weights[2:], 1.0, ONES[:, 2:], np.array([[-1]])).difference is not None


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([3, 5, 6], 1), ([2, 4, -6], 2), ([0.75, 1.5], 0.25), ([0.1], 2.0**-27), ([0, 0], np.inf), ([8, 0, 12], 4)],
)
def test_granules(numbers: list[float], expected: float) -> None:
    assert granule(np.array(numbers, np.float32)) == expected


def test_what_float32_does_not_have_is_not_exact() -> None:
    assert Number.of(np.array([[0.5, 0.1, 2.0**24 + 1]])).exact.tolist() == [[True, False, False]]


def test_a_claim_off_the_grid_is_a_difference() -> None:
    """A scale that is read wrongly leaves every decision right, and all values wrong."""
    net = NetWriter()
    net.quant("x", 4, scale=0.1, signed=True)
    x = np.array([[0.31, -0.52]], np.float32)
    for scale, right in ((0.1, True), (0.11, False)):
        claims = Claims({"y": Scaled(np.array([[3, -5]]), (np.float32(scale),))})
        assert (read_file(net.model((2,), "y"), x, claims).difference is None) == right


# -- what it knows -----------------------------------------------------------------------------------------------------


def _reading(model: onnx.ModelProto, other: onnx.ModelProto, x: np.ndarray) -> FileReading:
    """The golden model of another file, compared with a file."""
    return check_file(model, GoldenModel(clean(other)), x.astype(np.float32))


def _old_clip(kept: bool) -> onnx.ModelProto:
    """Clip as opset 10 has it, or nothing in its place."""
    net = NetWriter()
    x = net.node("Clip", "x", min=-0.5, max=0.4) if kept else net.node("Identity", "x")
    x = net.quant(x, 4, scale=0.125, signed=True)
    net.node("MatMul", x, net.bipolar(net.constant(np.eye(6, 3))))
    model = net.model((6,), "y")
    model.opset_import[0].version = 10
    return model


def test_a_clip_of_opset_10_has_its_bounds_in_attributes() -> None:
    x = np.random.default_rng(0).standard_normal((4, 6))
    found = _reading(_old_clip(True), _old_clip(False), x).difference
    assert found is not None
    assert "(Quant)" in found.node
    assert any("(Clip)" in node for node in found.path)
    assert _reading(_old_clip(False), _old_clip(False), x).difference is None


def _resized(coordinates: str, rounding: str) -> onnx.ModelProto:
    net = NetWriter()
    x = net.quant("x", 4, scale=0.25, signed=True)
    scales = net.constant([1, 1, 2, 2])
    net.node("Resize", x, "", scales, mode="nearest", coordinate_transformation_mode=coordinates, nearest_mode=rounding)
    net.node("Conv", net.nodes[-1].output[0], net.bipolar(net.constant(np.ones((2, 2, 1, 1)))))
    return net.model((2, 3, 3), "y")


@pytest.mark.parametrize("rounding", ["floor", "ceil"])
def test_half_pixels_rounded_down_or_up_are_no_repetition(rounding: str) -> None:
    x = np.random.default_rng(0).standard_normal((4, 2, 3, 3))
    repeated = _resized("asymmetric", "floor")
    found = _reading(_resized("half_pixel", rounding), repeated, x).difference
    assert found is not None
    assert "(Resize)" in found.node
    for same in (repeated, _resized("half_pixel", "round_prefer_floor")):
        assert _reading(same, repeated, x).difference is None


def test_an_integer_input_keeps_its_type() -> None:
    """Halves of int64 are cut off."""
    net = NetWriter()
    x = net.node("Cast", net.node("Div", "x", net.constant(2, np.int64)), to=onnx.TensorProto.FLOAT)
    quantised = net.quant(x, 4, scale=1.0, signed=True)
    model = net.model((2,), "y")
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    for integers, right in (([[1, -1]], True), ([[2, -2]], False)):
        claims = Claims({"y": Scaled(np.array(integers))})
        assert (read_file(model, np.array([[3, -3]], np.float32), claims).difference is None) == right
    assert quantised


def test_what_it_does_not_know_is_said_and_stops_nothing() -> None:
    net = NetWriter()
    x = net.node("Hardmax", "x")
    bits = net.bipolar(x)
    net.bipolar(net.node("MatMul", bits, net.constant(BALANCED)))
    claims = Claims({bits: Scaled(np.array([[1, 1, 1, 1]])), "y": Scaled(np.array([[-1]]))})
    found = read_file(net.model((4,), "y"), ONES, claims)
    assert ["Hardmax" in sentence for sentence in found.unchecked] == [True]
    # Behind the next tensor of which something is claimed it goes on.
    assert found.difference is not None
    assert "not compared with the file" in found.warnings()[-1]


def test_nothing_compared_is_said() -> None:
    net = NetWriter()
    net.node("MatMul", net.bipolar("x"), net.constant(BALANCED))
    found = read_file(net.model((4,), "y"), ONES, Claims({}, {"z": np.zeros((1, 1), np.float32)}))
    assert found.unchecked == ("its values at tensor 'z'",)


def test_an_open_decision_leaves_open_what_follows() -> None:
    """Nobody says how a tie is decided: then the next decision is open where it depends on it."""
    for scale, tied in ((1.0, 0), (0.1, 2)):
        net = NetWriter()
        bits = net.bipolar("x", scale)
        hidden = net.bipolar(net.node("MatMul", bits, net.constant(0.3 * BALANCED if tied else BALANCED)))
        net.bipolar(net.node("Mul", hidden, net.constant(-1.0)))
        model = net.model((4,), "y")
        for claimed in (1, -1):
            claims = Claims({"y": Scaled(np.array([[claimed]]))})
            found = read_file(model, ONES, claims)
            assert found.on_tie == tied
            assert (found.difference is None) == (tied > 0 or claimed == -1)


def test_an_open_decision_may_move_the_next_one_by_several_levels() -> None:
    """A sign that nobody tells is worth 2, which is 8 steps of what follows."""
    net = NetWriter()
    hidden = net.bipolar(net.node("MatMul", net.bipolar("x", 0.1), net.constant(0.3 * BALANCED)))
    levels = net.quant(net.node("Mul", hidden, net.constant(-1.0)), 5, scale=0.25, signed=True)
    net.node("MatMul", levels, net.constant(np.ones((1, 1))))
    for claimed in (-1, 1):
        found = read_file(net.model((4,), "y"), ONES, Claims({}, {"y": np.full((1, 1), claimed, np.float32)}))
        assert found.difference is None


def test_what_is_known_of_a_turned_tensor_is_known_of_the_files() -> None:
    """Layers over tokens work on (channels, tokens); ties of one leave nothing open behind the next."""
    net = NetWriter()
    signs = np.random.default_rng(0).choice([-0.3, 0.3], (4, 3))
    bits = net.bipolar(net.node("MatMul", net.bipolar("x", 0.1), net.constant(signs)))
    again = net.bipolar(net.node("MatMul", bits, net.constant(signs[:3])), 0.1)
    net.node("MatMul", again, net.constant(np.ones((3, 2))))
    model = net.model((3, 4), "y")
    x = np.sign(_rng(20, 3, 4))
    found = check_file(model, GoldenModel(clean(model)), x)
    first, second, third = found.layers
    assert first.on_tie == 0
    assert second.on_tie > 0
    assert third.on_tie == 0


# -- against onnxruntime -----------------------------------------------------------------------------------------------


def _rng(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


_IMAGE, _SIGNAL, _VECTOR = (3, 8, 7), (3, 9), (6,)
_Given = list[np.ndarray | None]
SPELLINGS: list[tuple[str, tuple[int, ...], tuple[int, ...], _Given, dict[str, Any]]] = [
    ("Conv", (7, 11, 22), _IMAGE, [_rng(6, 1, 3, 2), _rng(6)], {"group": 3, "dilations": [2, 1], "pads": [1, 0, 2, 1]}),
    ("Conv", (7, 18), _IMAGE, [_rng(4, 3, 2, 3)], {"auto_pad": "SAME_LOWER", "strides": [2, 1]}),
    ("Conv", (7, 18), _IMAGE, [_rng(4, 3, 2, 3)], {"auto_pad": "SAME_UPPER", "strides": [1, 2]}),
    ("Conv", (7, 18), _IMAGE, [_rng(4, 3, 2, 3)], {"auto_pad": "VALID"}),
    ("Conv", (7, 18), _SIGNAL, [_rng(4, 3, 3)], {"pads": [1, 2], "strides": [2]}),
    ("MaxPool", (7, 12), _IMAGE, [], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1], "strides": [2, 1]}),
    ("MaxPool", (10, 22), _IMAGE, [], {"kernel_shape": [3, 3], "pads": [1] * 4, "dilations": [2, 1], "ceil_mode": 1}),
    ("MaxPool", (7, 18), _IMAGE, [], {"kernel_shape": [3, 2], "auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    ("AveragePool", (7, 11, 19), _IMAGE, [], {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1]}),
    ("AveragePool", (7, 19), _IMAGE, [], {"kernel_shape": [3, 2], "pads": [1] * 4, "count_include_pad": 1}),
    ("GlobalMaxPool", (7, 22), _SIGNAL, [], {}),
    ("GlobalAveragePool", (7, 22), _IMAGE, [], {}),
    ("BatchNormalization", (7, 9, 14, 15), _IMAGE, [_rng(3), _rng(3), _rng(3), np.abs(_rng(3))], {"epsilon": 0.01}),
    ("Clip", (7, 10), _VECTOR, [], {"min": -0.3, "max": 0.5}),
    ("Clip", (11, 13), _VECTOR, [None, np.float32(0.5)], {}),
    ("Softmax", (7, 12), _IMAGE, [], {"axis": 1}),
    ("Softmax", (13,), _IMAGE, [], {}),
    ("LogSoftmax", (11, 13), _VECTOR, [], {}),
    ("Pad", (7, 10), _IMAGE, [], {"pads": [0, 0, 1, 2, 0, 0, -1, 0], "value": 2.5}),
    ("Pad", (11, 18), _IMAGE, [np.array([0, 0, 1, 2, 0, 0, 1, 0]), np.float32(2.5)], {}),
    ("Pad", (11, 18), _IMAGE, [np.array([0, 0, 1, 2, 0, 0, 1, 0])], {"mode": "reflect"}),
    ("Upsample", (7,), _IMAGE, [], {"scales": [1.0, 1.0, 2.0, 3.0]}),
    ("Upsample", (9,), _IMAGE, [np.float32([1, 1, 2, 3])], {}),
    ("Resize", (10,), _IMAGE, [np.float32([1, 1, 2, 3])], {}),
    ("Resize", (11,), _IMAGE, [np.float32([]), np.float32([1, 1, 2, 3])], {"nearest_mode": "ceil"}),
    ("Resize", (13, 19), _IMAGE, [None, None, np.array([1, 3, 16, 21])], {}),
    ("Resize", (13,), _IMAGE, [None, np.float32([1, 1, 2, 3])], {"coordinate_transformation_mode": "align_corners"}),
    ("Slice", (7, 9), _IMAGE, [], {"starts": [1, 0], "ends": [3, -1], "axes": [1, 2]}),
    ("Slice", (10, 13), _IMAGE, [np.array([5]), np.array([-9]), np.array([2]), np.array([-2])], {}),
    ("ReduceSum", (7, 11), _IMAGE, [], {"axes": [2, 3], "keepdims": 0}),
    ("ReduceSum", (13,), _IMAGE, [np.array([-1])], {}),
    ("ReduceMean", (7, 13), _IMAGE, [], {"axes": [2, 3]}),
    ("ReduceMean", (18,), _IMAGE, [np.array([2, 3])], {}),
    ("ReduceMax", (7, 13), _IMAGE, [], {"axes": [1]}),
    ("ReduceMin", (18,), _IMAGE, [np.array([1])], {"keepdims": 0}),
    ("Squeeze", (7,), (3, 1), [], {"axes": [2]}),
    ("Squeeze", (13,), (3, 1), [np.array([2])], {}),
    ("Unsqueeze", (7, 11), _VECTOR, [], {"axes": [1]}),
    ("Unsqueeze", (13,), _VECTOR, [np.array([-1])], {}),
    ("Flatten", (7, 13), _IMAGE, [], {"axis": 2}),
    ("Reshape", (7, 14), _IMAGE, [np.array([0, -1])], {}),
    ("Transpose", (7,), _IMAGE, [], {"perm": [0, 3, 1, 2]}),
    ("DepthToSpace", (7, 13), (8, 2, 3), [], {"blocksize": 2}),
    ("Expand", (8, 13), (6, 1), [np.array([1, 6, 4])], {}),
    ("Gemm", (7, 9, 11, 13), _VECTOR, [_rng(4, 6), _rng(4)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    ("MatMul", (7, 13), (5, 6), [_rng(6, 4)], {}),
    ("PRelu", (7, 9, 16), _IMAGE, [_rng(3, 1, 1)], {}),
    ("LeakyRelu", (7, 16), _VECTOR, [], {"alpha": 0.3}),
    ("HardSigmoid", (7, 22), _VECTOR, [], {"alpha": 0.3}),
    *[(name, (7, 13), _VECTOR, [], {}) for name in ("Tanh", "Exp", "Elu", "Selu", "Softplus", "Softsign")],
    ("HardSwish", (14,), _VECTOR, [], {}),
    ("Dropout", (7, 10), _VECTOR, [], {"ratio": 0.5}),
    ("Max", (8, 13), _VECTOR, [_rng(6), _rng(1)], {}),
    ("Div", (7, 13), _VECTOR, [_rng(6) + 3], {}),
]
"""Operators with attributes and inputs as different opsets have them: name, opsets, shape, constants, attributes.

Without Sigmoid and Gelu, of which onnxruntime's float32 forms are more than 4 units in the last place off.
"""


@pytest.mark.parametrize(
    ("kind", "opset", "shape", "constants", "attributes"),
    [
        pytest.param(kind, opset, shape, constants, attributes, id=f"{kind}-{opset}-{index}")
        for index, (kind, opsets, shape, constants, attributes) in enumerate(SPELLINGS)
        for opset in opsets
    ],
)
def test_operators_are_onnxruntimes(
    kind: str, opset: int, shape: tuple[int, ...], constants: _Given, attributes: dict[str, Any]
) -> None:
    import onnxruntime

    net = NetWriter()
    names = ["" if item is None else net.constant(item, item.dtype.type) for item in constants]
    net.node(kind, "x", *names, **attributes)
    model = net.model(shape, "y")
    model.opset_import[0].version = opset
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = np.stack([session.run(["y"], {"x": image[None]})[0] for image in x])
    right = read_file(model, x, Claims({}, {"y": outputs}))
    assert right.difference is None
    assert right.unchecked == ()
    wrong = outputs.copy()
    wrong.flat[-1] += 0.01
    found = read_file(model, x, Claims({}, {"y": wrong})).difference
    assert found is not None
    assert found.image == 2


@pytest.mark.parametrize("opset", [10, 13, 19])
@pytest.mark.parametrize("zero", [np.uint8(3), np.int8(-2), np.array([1, 0, -5], np.int8)])
def test_linear_quantizers_are_onnxruntimes(opset: int, zero: np.ndarray) -> None:
    """Integers between two nodes, with half of the numbers on ties."""
    import onnxruntime

    zero = np.asarray(zero)
    if zero.size > 1 and opset < 13:
        zero = zero[0]
    scale = np.resize(np.float32([0.25, 0.5, 1.0]), zero.shape)
    options = {} if opset < 13 else {"axis": 1}
    net = NetWriter()
    scales, zeros = net.constant(scale), net.constant(zero, zero.dtype.type)
    net.node("DequantizeLinear", net.node("QuantizeLinear", "x", scales, zeros, **options), scales, zeros, **options)
    model = net.model((3, 40), "y")
    model.opset_import[0].version = opset
    x = (np.rint(np.random.default_rng(0).normal(0, 300, (2, 3, 40))) / 8).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = np.stack([session.run(["y"], {"x": image[None]})[0] for image in x])
    right = read_file(model, x, Claims({}, {"y": outputs}))
    assert right.difference is None
    assert (right.decisions, right.on_tie, right.unchecked) == (240, 0, ())
    outputs.flat[7] += 0.25
    wrong = read_file(model, x, Claims({}, {"y": outputs})).difference
    assert wrong is not None
    assert "QuantizeLinear" in wrong.node


# -- QONNX's operators, against qonnx ----------------------------------------------------------------------------------


def _custom(
    kind: str, shape: tuple[int, ...], constants: list[Any], **attributes: Any
) -> Callable[[], onnx.ModelProto]:
    def model() -> onnx.ModelProto:
        net = NetWriter()
        domain = attributes.pop("domain", DOMAIN)
        net.node(kind, "x", *(net.constant(item) for item in constants), domain=domain, **attributes)
        made = net.model(shape, "y")
        made.opset_import.append(onnx.helper.make_opsetid(domain, 1))
        return made

    return model


MODES = ("ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
QONNX = [
    *[_custom("Quant", (24,), [0.25, 1.0, 4.0], signed=s, narrow=n, rounding_mode=mode) for mode in MODES for s, n in
      ((1, 0), (0, 1))],
    _custom("Quant", (24,), [0.5, 0.0, 1.0], signed=1, narrow=0),
    _custom("BipolarQuant", (24,), [0.5]),
    *[_custom("Trunc", (24,), [0.25, 2.0, 8.0, 5.0], rounding_mode=mode) for mode in MODES],
    _custom("MultiThreshold", (3, 4, 5), [np.sort(_rng(3, 4), axis=1)], out_dtype="UINT3"),
    _custom("MultiThreshold", (4, 5, 3), [np.sort(_rng(3, 4), axis=1)], out_dtype="UINT3", data_layout="NHWC"),
    _custom("MultiThreshold", (4, 3), [np.sort(_rng(3, 4), axis=1)], out_dtype="INT3", out_bias=-2.0, out_scale=0.5),
    _custom("MultiThreshold", (3, 4), [np.sort(_rng(3, 4), axis=1)], out_dtype="UINT3", data_layout="NCW"),
    _custom("MultiThreshold", (6,), [np.sort(_rng(1, 4), axis=1)], out_dtype="UINT3"),
    _custom("MaxPoolNHWC", (4, 6, 2), [], kernel_shape=[2, 3], strides=[2, 3], pads=[0, 0, 0, 0]),
    _custom("XnorPopcountMatMul", (6,), [(_rng(6, 3) > 0)]),
    _custom("MaxPool", (4, 6, 2), [], domain="qonnx.custom_op.channels_last", kernel_shape=[2, 3], strides=[2, 3],
            pads=[0, 0, 0, 0]),
    _custom("Conv", (5, 6, 3), [_rng(4, 3, 2, 3)], domain="qonnx.custom_op.channels_last", kernel_shape=[3, 2],
            strides=[1, 2], pads=[1, 0, 1, 0], dilations=[1, 1], group=1),
]  # fmt: skip


@pytest.mark.parametrize("make", QONNX)
def test_custom_operators_are_qonnxs(make: Callable[[], onnx.ModelProto]) -> None:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    model = make()
    node = model.graph.node[0]
    shape = [item.dim_value for item in model.graph.input[0].type.tensor_type.shape.dim]
    rng = np.random.default_rng(0)
    # Every other number lies where something is decided.
    x = (rng.standard_normal((4, *shape)) * 2).astype(np.float32)
    x = np.where(rng.random(x.shape) < 0.5, np.rint(x * 8) / 8, x).astype(np.float32)
    if node.op_type == "XnorPopcountMatMul":
        x = (x > 0).astype(np.float32)
    # FINN's operators are run by another domain's name.
    known = onnx.ModelProto()
    known.CopyFrom(model)
    if node.op_type == "Conv":
        known.graph.node[0].input[1] = node.input[1]
    wrapped = ModelWrapper(known).transform(InferShapes())
    outputs = np.stack([execute_onnx(wrapped, {"x": image})["y"] for image in x])
    right = read_file(model, x[:, 0], Claims({}, {"y": outputs.astype(np.float32)}))
    assert right.difference is None
    assert right.unchecked == ()
    wrong = outputs.astype(np.float32)
    wrong.flat[-1] += 0.25
    assert read_file(model, x[:, 0], Claims({}, {"y": wrong})).difference is not None


def test_operands_that_do_not_fit_are_said() -> None:
    """The compiler refuses such files; the check only says that it cannot compare."""
    net = NetWriter()
    net.node("Quant", "x", net.constant(np.ones((1, 3))), net.constant(0), net.constant(4), domain=DOMAIN)
    found = read_file(net.model((4,), "y"), ONES, Claims({}))
    assert found.difference is None
    assert len(found.unchecked) == 1
