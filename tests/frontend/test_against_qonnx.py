"""Random nets of each dialect: what qonnx's own executor gives for the file is what the folded integers give.

Every number in them is a small multiple of a power of two, so that float32 computes without rounding: not even ties
are left open, and results are compared to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes

from bnnfpga.frontend.clean import clean
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.lowering.lower import lower
from bnnfpga.numbers.arithmetic import apply_steps
from bnnfpga.transforms.fold import fold
from tests.conftest import THOROUGH
from tests.fixtures.dialects.make_fixtures import FINN, QONNX, File

CASES = 60 if THOROUGH else 6
IMAGES = 40
MODES = ["ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]


class Net(File):
    """Draws what a dialect's nets are made of."""

    def __init__(self, seed: int) -> None:
        super().__init__(np.random.default_rng(seed))
        self.widths = [int(width) for width in self.rng.integers(3, 12, 4)]

    def pick(self, *choices: object) -> object:
        return choices[self.rng.integers(len(choices))]

    def dyadic(self, *shape: int, least: int = -24, most: int = 24) -> np.ndarray:
        """Multiples of an eighth."""
        return self.rng.integers(least, most + 1, shape) / 8

    def normalise(self, x: str, channels: int) -> str:
        """Batch norm that divides by powers of two; one channel in ten is dead, half of the others fall."""
        gamma = self.rng.choice([0.0, *[0.5, -0.5, 1, -1, 2, -2] * 2], channels)
        variance = 4.0 ** self.rng.integers(-1, 3, channels) - 2.0**-6
        values = (gamma, self.dyadic(channels), self.dyadic(channels), variance)
        return self.node("BatchNormalization", x, *map(self.constant, values), epsilon=2.0**-6)

    def uniform(self, kind: str, x: str, domain: str, bits: int, *, by_channel: int = 0) -> str:
        """A Quant or IntQuant with anything that it may have."""
        signed = int(self.rng.integers(2)) if bits > 1 else 0
        scale = 2.0 ** self.rng.integers(-3, 2, (1, by_channel) if by_channel else ())
        zero = 0 if by_channel else int(self.rng.integers(-3, 4))
        mode = str(self.pick(*MODES))
        attributes = {"signed": signed, "narrow": int(self.rng.integers(2)) if bits > 1 else 0, "rounding_mode": mode}
        numbers = [self.constant(value) for value in (scale, zero, bits)]
        return self.node(kind, x, *numbers, domain=domain, **attributes)

    def finish(self, x: str, opset: int, domains: dict[str, int], *, batch: int) -> onnx.ModelProto:
        kind = TensorProto.INT64 if self.nodes[-1].op_type in ("TopK", "ArgMax") else TensorProto.FLOAT
        return self.model([batch, self.widths[0]], x, opset, domains, kind=kind)


def quantizers(net: Net, batch: int, kind: str, binary: str, domain: str) -> onnx.ModelProto:
    x = net.uniform(kind, "global_in", domain, 4)
    for layer, (inputs, outputs) in enumerate(pairwise(net.widths)):
        latent = net.constant(net.dyadic(inputs, outputs))
        if net.rng.random() < 0.4:
            weights = net.node(binary, latent, net.constant(2.0 ** net.rng.integers(-2, 2)), domain=domain)
        else:
            weights = net.uniform(kind, latent, domain, int(net.rng.integers(2, 5)), by_channel=outputs)
        x = net.normalise(net.node("MatMul", x, weights), outputs)
        if layer < 2 or net.rng.random() < 0.5:
            x = str(net.pick(x, net.node("Relu", x), net.node("Clip", x, net.constant(-1), net.constant(1))))
            x = net.uniform(kind, x, domain, int(net.rng.integers(1, 5)))
    return net.finish(x, 17, {domain: 1} if domain else {}, batch=batch)


def qonnx(net: Net, batch: int) -> onnx.ModelProto:
    return quantizers(net, batch, "Quant", "BipolarQuant", QONNX)


def old_brevitas(net: Net, batch: int) -> onnx.ModelProto:
    return quantizers(net, batch, "Quant", "BipolarQuant", "onnx.brevitas")


def int_quant(net: Net, batch: int) -> onnx.ModelProto:
    return quantizers(net, batch, "IntQuant", "BipolarQuant", QONNX)


def finn(net: Net, batch: int) -> onnx.ModelProto:
    x = "global_in"
    for inputs, outputs in pairwise(net.widths):
        levels = int(net.rng.integers(1, 8))
        scale = float(2.0 ** net.rng.integers(-2, 2)) * float(net.rng.choice([1, -1]))
        attributes = {"out_scale": scale, "out_bias": scale * float(net.rng.integers(-8, 3)) / 2}
        channels = int(net.rng.choice([1, inputs]))
        thresholds = np.sort(net.dyadic(channels, levels), axis=1)
        if levels == 1 and net.rng.random() < 0.5:
            attributes = {"out_scale": 2.0, "out_bias": -1.0}
        attributes["out_dtype"] = "BIPOLAR" if attributes["out_bias"] == -1 and levels == 1 else "FLOAT32"
        x = net.node("MultiThreshold", x, net.constant(thresholds), domain=FINN, **attributes)
        x = net.node("MatMul", x, net.constant(net.rng.integers(-3, 4, (inputs, outputs)) * 0.5))
        x = net.node("Add", net.node("Mul", x, net.constant(0.25)), net.constant(net.dyadic(outputs)))
    x = net.node("ArgMax", x, axis=1) if net.rng.random() < 0.5 else _top(net, x)
    return net.finish(x, 13, {FINN: 1}, batch=batch)


def _top(net: Net, x: str) -> str:
    return net.node("TopK", x, net.constant([1], np.int64), outputs=2, axis=-1)


def signs(net: Net, batch: int) -> onnx.ModelProto:
    x = "global_in"
    for inputs, outputs in pairwise(net.widths):
        x = net.node("Sign", net.node("Clip", x, net.constant(-1), net.constant(1)))
        x = net.node("MatMul", x, net.constant(net.signs(inputs, outputs) * 0.5))
        if net.rng.random() < 0.7:
            x = net.normalise(x, outputs)
    return net.finish(x, 13, {}, batch=batch)


def trunc(net: Net, batch: int, version: int) -> onnx.ModelProto:
    x = "global_in"
    for inputs, outputs in pairwise(net.widths):
        bits, removed = int(net.rng.integers(3, 7)), int(net.rng.integers(1, 3))
        scale, mode = float(2.0 ** net.rng.integers(-3, 1)), str(net.pick(*MODES))
        x = net.quant("Quant", x, scale, 0.0, float(bits), signed=1, narrow=0, rounding_mode="ROUND")
        numbers = [scale, 0.0, float(bits)] + ([scale * 2.0**removed] if version == 2 else []) + [float(bits - removed)]
        attributes = {"signed": 1, "narrow": int(net.rng.integers(2))} if version == 2 and bits - removed > 1 else {}
        if bits - removed == 1:
            numbers[-1], numbers[2] = 2.0, float(2 + removed)
        x = net.quant("Trunc", x, *numbers, rounding_mode=mode, **attributes)
        weights = net.quant("BipolarQuant", net.constant(net.dyadic(inputs, outputs)), 0.5)
        x = net.normalise(net.node("MatMul", x, weights), outputs)
    return net.finish(x, 14, {QONNX: version}, batch=batch)


DIALECTS: dict[str, Callable[[Net, int], onnx.ModelProto]] = {
    "qonnx": qonnx,
    "old Brevitas": old_brevitas,
    "IntQuant": int_quant,
    "FINN": finn,
    "Sign": signs,
    "Trunc 1": lambda net, batch: trunc(net, batch, 1),
    "Trunc 2": lambda net, batch: trunc(net, batch, 2),
}


def _executed(proto: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    for node in proto.graph.node:
        if node.domain == FINN:
            node.domain = QONNX
    # qonnx takes the first of these for the version of standard operators.
    proto.opset_import.sort(key=lambda item: item.domain)
    model = ModelWrapper(proto).transform(InferShapes()).transform(FoldConstants()).transform(InferShapes())
    result: np.ndarray = execute_onnx(model, {"global_in": x})[model.graph.output[0].name]
    return result


def _check(proto: onnx.ModelProto, batch: onnx.ModelProto, x: np.ndarray) -> GoldenModel:
    """The file on a batch by qonnx, and for one image through every step up to integer operators."""
    expected = _executed(batch, x)
    model = clean(proto)
    golden_model = GoldenModel(model)
    golden = golden_model.run(x)
    np.testing.assert_array_equal(golden.values[0], expected)
    folded = fold(model)
    assert folded.input_function is not None
    graph = lower(folded.model)
    codes = apply_steps(folded.input_function.steps, x.reshape(len(x), -1)).astype(np.int64)
    scores = graph.execute(codes)[graph.outputs[0].name]
    np.testing.assert_array_equal(scores, golden.scores[0].reshape(scores.shape))
    output = apply_steps(folded.output_functions[0].steps, scores.astype(np.float32))
    np.testing.assert_array_equal(output, golden.outputs[0].reshape(output.shape))
    return golden_model


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=CASES, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_integers_are_what_qonnx_executes(dialect: str, seed: int) -> None:
    make = DIALECTS[dialect]
    x = (np.random.default_rng(seed).integers(-40, 41, (IMAGES, Net(seed).widths[0])) / 8).astype(np.float32)
    _check(make(Net(seed), 1), make(Net(seed), IMAGES), x)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nets_tell_images_apart(dialect: str) -> None:
    """Most of the nets above, that is; one that always answers the same would prove nothing."""
    telling = 0
    for seed in range(10):
        net = Net(seed)
        x = (net.rng.integers(-40, 41, (IMAGES, net.widths[0])) / 8).astype(np.float32)
        golden = GoldenModel(clean(DIALECTS[dialect](Net(seed), 1))).run(x)
        telling += len(np.unique(golden.scores[0], axis=0)) > 3
    assert telling >= 5


SHAPE = (2, 3, 2)
"""Of an image, for what moves its elements about."""
Part = Callable[[Net, str], str]


def _permuted(net: Net, x: str, perm: list[int]) -> str:
    return net.node("Transpose", x, perm=perm)


def _flat(net: Net, x: str) -> str:
    """As exporters of dynamic batches write it: the shape is computed from the input."""
    batch = net.node("Gather", net.node("Shape", x), net.constant(0, np.int64), axis=0)
    shape = net.node(
        "Concat", net.node("Unsqueeze", batch, net.constant([0], np.int64)), net.constant([-1], np.int64), axis=0
    )
    return net.node("Reshape", x, shape)


IN_FRONT: dict[str, Part] = {
    "nothing": lambda net, x: x,
    "scale and shift": lambda net, x: net.node("Sub", net.node("Mul", x, net.constant(2)), net.constant([1])),
    "Identity, Dropout": lambda net, x: net.node("Dropout", net.node("Identity", x)),
    "Cast": lambda net, x: net.node("Cast", x, to=TensorProto.FLOAT),
    "NHWC to NCHW": lambda net, x: _permuted(net, x, [0, 3, 1, 2]),
    "transposed twice": lambda net, x: _permuted(net, _permuted(net, x, [0, 3, 1, 2]), [0, 1, 3, 2]),
    "transposed, normalised by channel": lambda net, x: net.normalise(_permuted(net, x, [0, 2, 1, 3]), 3),
    "normalised by channel, transposed": lambda net, x: _permuted(net, net.normalise(x, 2), [0, 3, 2, 1]),
    "transposed, shifted by pixel": lambda net, x: net.node(
        "Add", _permuted(net, x, [0, 2, 1, 3]), net.constant(net.dyadic(1, 3, 2, 2))
    ),
    "constants of shape chains": lambda net, x: net.node(
        "Mul",
        x,
        net.node(
            "Cast",
            net.node(
                "Squeeze",
                net.node("Gather", net.node("Shape", x), net.constant([1], np.int64)),
                net.constant([0], np.int64),
            ),
            to=TensorProto.FLOAT,
        ),
    ),
    "Pow of constants": lambda net, x: net.node("Div", x, net.node("Pow", net.constant([4.0]), net.constant(0.5))),
    "Sqrt of Constant": lambda net, x: net.node("Mul", x, net.node("Sqrt", net.node("Constant", value_floats=[4.0]))),
}

BETWEEN: dict[str, Part] = {
    "Relu": lambda net, x: net.node("Relu", x),
    "LeakyRelu": lambda net, x: net.node("LeakyRelu", x, alpha=0.25),
    "PRelu": lambda net, x: net.node("PRelu", x, net.constant(abs(net.dyadic(6)))),
    "Clip (HardTanh)": lambda net, x: net.node("Clip", x, net.constant(-1), net.constant(1)),
    "HardSigmoid": lambda net, x: net.node("HardSigmoid", x, alpha=0.25, beta=0.5),
    "Max, Min": lambda net, x: net.node("Max", net.constant(-2), net.node("Min", x, net.constant(net.dyadic(6)))),
    "Neg": lambda net, x: net.node("Neg", x),
    "number less x": lambda net, x: net.node("Sub", net.constant(net.dyadic(6)), x),
    "Round, Floor, Ceil": lambda net, x: net.node(
        "Ceil",
        net.node(
            "Mul", net.node("Floor", net.node("Mul", net.node("Round", x), net.constant(0.5))), net.constant(0.25)
        ),
    ),
    "batch norm behind Unsqueeze": lambda net, x: net.node(
        "Squeeze", net.normalise(net.node("Unsqueeze", x, net.constant([2], np.int64)), 6), net.constant([2], np.int64)
    ),
    "transposed between layers": lambda net, x: _flat(
        net, _permuted(net, net.node("Reshape", x, net.constant([-1, 2, 3], np.int64)), [0, 2, 1])
    ),
    "dead channels": lambda net, x: net.node("Mul", x, net.constant([0, 0, 1, -1, 0, 2])),
    "Greater, Cast": lambda net, x: net.node("Cast", net.node("Greater", x, net.constant(0.5)), to=TensorProto.FLOAT),
    "Less by channel, Where": lambda net, x: net.node(
        "Where", net.node("Less", x, net.constant(net.dyadic(6))), net.constant(0.5), net.constant(-0.5)
    ),
    "Trunc of integers": lambda net, x: net.quant(
        "Trunc",
        net.quant("Quant", x, 0.125, 0.0, 8.0, signed=1, narrow=0, rounding_mode="FLOOR"),
        0.125,
        0.0,
        8.0,
        0.5,
        3.0,
        rounding_mode="HALF_DOWN",
        signed=1,
        narrow=1,
    ),
    "double thresholds": lambda net, x: net.node(
        "MultiThreshold",
        x,
        net.constant(np.sort(net.normal(6, 3), axis=1), np.float64),
        domain=QONNX,
        out_dtype="UINT2",
    ),
}

AT_THE_END: dict[str, Part] = {
    "Softmax": lambda net, x: net.node("Softmax", x, axis=-1),
    "Softmax of rows": lambda net, x: net.node("LogSoftmax", x, axis=1),
    "Sigmoid": lambda net, x: net.node("Sigmoid", x),
    "ArgMax": lambda net, x: net.node("ArgMax", x, axis=1, keepdims=0),
    "Softmax, TopK": lambda net, x: _top(net, net.node("Softmax", x, axis=-1)),
    "bias, scales by class, ArgMax": lambda net, x: net.node(
        "ArgMax", net.node("Add", net.node("Mul", x, net.constant(net.dyadic(4))), net.constant(net.dyadic(4))), axis=-1
    ),
    "quantised": lambda net, x: net.quant("Quant", x, 0.5, 1.0, 4.0, signed=1, narrow=0, rounding_mode="UP"),
}


def _net(seed: int, batch: int, front: Part, between: Part, end: Part) -> onnx.ModelProto:
    net = Net(seed)
    x = _flat(net, front(net, "global_in"))
    x = net.quant("Quant", x, 0.25, 0.0, 4.0, signed=1, narrow=0, rounding_mode="ROUND")
    weights = net.quant(
        "Quant",
        net.constant(net.dyadic(12, 6, least=-4, most=4)),
        0.25,
        0.0,
        2.0,
        signed=1,
        narrow=1,
        rounding_mode="ROUND",
    )
    x = between(net, net.node("MatMul", x, weights))
    x = net.quant("Quant", x, 0.5, 0.0, 3.0, signed=1, narrow=0, rounding_mode="HALF_UP")
    weights = net.node("BipolarQuant", net.constant(net.dyadic(6, 4)), net.constant(0.5), domain=QONNX)
    x = end(net, net.node("MatMul", x, weights))
    kind = TensorProto.INT64 if net.nodes[-1].op_type in ("TopK", "ArgMax") else TensorProto.FLOAT
    return net.model([batch, *SHAPE], x, 17, {QONNX: 2}, kind=kind)


@pytest.mark.parametrize(
    ("front", "between", "end"),
    [
        *((front, "Relu", "quantised") for front in IN_FRONT),
        *(("nothing", between, "quantised") for between in BETWEEN),
        *(("nothing", "Relu", end) for end in AT_THE_END),
    ],
)
def test_operators(front: str, between: str, end: str) -> None:
    parts = IN_FRONT[front], BETWEEN[between], AT_THE_END[end]
    x = (np.random.default_rng(0).integers(-24, 25, (IMAGES, *SHAPE)) / 8).astype(np.float32)
    final = {"Softmax", "Softmax of rows", "Sigmoid"}
    if end not in final:
        _check(_net(0, 1, *parts), _net(0, IMAGES, *parts), x)
        return
    # What is cut off keeps the order; the scores are those in front of it.
    scores = _executed(_net(0, IMAGES, *parts[:2], lambda net, x: x), x)
    golden = GoldenModel(clean(_net(0, 1, *parts))).run(x)
    np.testing.assert_array_equal(golden.outputs[0], scores)
    probabilities = _executed(_net(0, IMAGES, *parts), x)
    np.testing.assert_allclose(golden.values[0], probabilities, rtol=1e-5)
    np.testing.assert_array_equal(golden.classes[0], probabilities.argmax(axis=1))
