"""Folding: the integer graph gives the golden model's integers, for every input format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.frontend.clean import clean, load
from bnnfpga.frontend.graph.protos import to_proto
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.golden.steps import apply_steps
from bnnfpga.host.input_format import InputFormat
from bnnfpga.lowering.lower import lower
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.transforms.fold import fold
from bnnfpga.transforms.integer_types import THRESHOLD
from tests.support.data import FIXTURES
from tests.support.nets import DenseNet, NetWriter, dense_nets

BREVITAS = sorted((FIXTURES / "brevitas").glob("*.onnx"))


def _check_floats(proto: onnx.ModelProto, x: np.ndarray) -> None:
    model = clean(proto)
    folded = fold(model)
    graph = lower(folded.model)
    golden = GoldenModel(model).run(x)
    assert folded.input_function is not None
    codes = apply_steps(folded.input_function.steps, x.reshape(len(x), -1)).astype(np.int64)
    scores = graph.execute(codes)[graph.outputs[0].name]
    np.testing.assert_array_equal(scores, golden.scores[0].reshape(scores.shape))
    output = apply_steps(folded.output_functions[0].steps, scores.astype(np.float32))
    np.testing.assert_array_equal(output, golden.outputs[0].reshape(output.shape))


@pytest.mark.parametrize("path", BREVITAS, ids=lambda path: path.stem)
def test_exports(path: Path) -> None:
    vectors = np.load(path.with_name(path.stem.removesuffix("_dynamo").removesuffix("_torchscript") + ".npz"))
    _check_floats(onnx.load(path), vectors["inputs"])


@settings(max_examples=150, deadline=None)
@given(net=dense_nets(), seed=st.integers(0, 1000))
def test_random_nets(net: DenseNet, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((16, net.widths[0]), dtype=np.float32)
    _check_floats(net.model(), x)


@pytest.mark.parametrize(("lo", "hi", "scale"), [(0, 255, 1 / 255), (0, 15, 0.5), (-128, 127, 0.01), (0, 1, 1.0)])
def test_integer_inputs_go_through_the_leading_chain(lo: int, hi: int, scale: float) -> None:
    rng = np.random.default_rng(1)
    net = NetWriter()
    x = net.node("Sub", net.node("Mul", "x", net.constant(2)), net.constant(1))
    x = net.quant(net.node("Reshape", x, net.constant([1, 6], np.int64)), 3, scale=0.3, signed=True, zero=1)
    net.node("MatMul", x, net.bipolar(net.constant(rng.standard_normal((6, 4)))))
    model = clean(net.model((1, 2, 3), "y"))
    folded = fold(model, IntegerType.interval(lo, hi), np.float32(scale))
    graph = lower(folded.model)
    assert folded.input_function is None
    assert graph.operators[0].kind == "lookup"
    codes = rng.integers(lo, hi + 1, (64, 1, 2, 3))
    golden = GoldenModel(model).run(codes.astype(np.float32) * np.float32(scale))
    codes_given = GoldenModel(model, InputFormat("codes", IntegerType.interval(lo, hi), np.float32(scale)))
    np.testing.assert_array_equal(codes_given.run(codes.astype(np.float32)).outputs[0], golden.outputs[0])
    np.testing.assert_array_equal(graph.execute(codes.reshape(64, -1))[graph.outputs[0].name], golden.scores[0])


def test_pixels_to_signed_bytes() -> None:
    """2 * p / 255 - 1 at scale 1/128 is p - 128 + (p >= 128), saturated: a table, not 255 comparisons."""
    net = NetWriter()
    x = net.node("Sub", net.node("Mul", "x", net.constant(2)), net.constant(1))
    net.node("MatMul", net.quant(x, 8, scale=1 / 128, signed=True), net.bipolar(net.constant(np.ones((4, 2)))))
    unit = lower(fold(clean(net.model((4,), "y")), IntegerType.interval(0, 255), np.float32(1 / 255)).model).operators[
        0
    ]
    assert isinstance(unit, Lookup)
    pixels = np.arange(256)
    np.testing.assert_array_equal(unit.table, np.minimum(pixels - 128 + (pixels >= 128), 127))


def test_integer_inputs_without_a_quantizer() -> None:
    """A layer right behind the input runs on the codes themselves, in the golden model too."""
    rng = np.random.default_rng(2)
    net = NetWriter()
    net.node("MatMul", "x", net.bipolar(net.constant(rng.standard_normal((6, 4)))))
    model = clean(net.model((6,), "y"))
    for name, scale in (("bipolar", None), ("uint8", "1/255"), ("int5", 0.1)):
        format = InputFormat.parse(name, scale)
        assert format.type is not None
        graph = lower(fold(model, format.type, format.scale).model)
        codes = rng.integers(format.type.lo, format.type.hi + 1, (8, 6))
        if format.type.is_bipolar:
            codes = np.where(codes < 0, -1, 1)
        golden = GoldenModel(model, format).run(codes.astype(np.float32))
        np.testing.assert_array_equal(graph.execute(codes)[graph.outputs[0].name], golden.scores[0])


def test_the_input_model_stays_as_it_is() -> None:
    model = clean(DenseNet((8, 6, 4)).model())
    before = to_proto(model).SerializeToString()
    fold(model)
    assert to_proto(model).SerializeToString() == before


def test_everything_between_layers_becomes_thresholds() -> None:
    model = fold(clean(DenseNet((8, 6, 6, 4), bias=True, weight_scale=0.1).model())).model
    assert [node.op_type for node in model.nodes] == ["MatMul", THRESHOLD, "MatMul", THRESHOLD, "MatMul"]


@pytest.mark.parametrize(("other", "message"), [(1, "Relu.* is not quantised"), (0.7, "1.0 and 0.7 are not small")])
def test_branches_are_refused_by_name(other: float, message: str) -> None:
    net = NetWriter()
    x = net.bipolar("x")
    layers = [net.node("MatMul", x, net.bipolar(net.constant(np.ones((4, 4))), scale)) for scale in (1, other)]
    if other == 1:
        layers[1] = net.node("Relu", layers[1])
    net.bipolar(net.node("Add", *layers))
    with pytest.raises(UserError, match=message) as caught:
        fold(clean(net.model((4,), "y")))
    assert "(Add)" in str(caught.value.where)


def test_channel_scales_in_front_of_a_layer_are_refused() -> None:
    net = NetWriter()
    x = net.node("Mul", net.bipolar("x"), net.constant([[1], [0.7], [3], [4]]))
    net.node("Conv", x, net.bipolar(net.constant(np.ones((4, 4, 1)))))
    with pytest.raises(UserError, match=r"different factors \(0.7, 1, 3, 4\).* not small integer") as caught:
        fold(clean(net.model((4, 2), "y")))
    assert "(Mul)" in str(caught.value.where)


@pytest.mark.parametrize(("bits", "narrow", "stored"), [(2, True, 2), (2, False, 2), (4, False, 4), (8, False, 8)])
def test_wider_weights(bits: int, narrow: bool, stored: int) -> None:
    net = NetWriter()
    latent = np.random.default_rng(bits).standard_normal((16, 8)) * 2**bits
    net.node("MatMul", net.bipolar("x"), net.quant(net.constant(latent), bits, scale=1.0, signed=True, narrow=narrow))
    unit = lower(fold(clean(net.model((16,), "y"))).model).operators[0]
    assert isinstance(unit, MatrixVector)
    assert unit.weight_type.bits == stored
    assert not unit.is_xnor


def test_weights_that_happen_to_be_signs_take_one_bit() -> None:
    net = NetWriter()
    weights = net.quant(net.constant(np.ones((4, 4))), 2, scale=1.0, signed=True)
    net.node("MatMul", net.bipolar("x"), weights)
    unit = lower(fold(clean(net.model((4,), "y"))).model).operators[0]
    assert isinstance(unit, MatrixVector)
    assert unit.is_xnor


def test_load_names_the_file() -> None:
    with pytest.raises(UserError) as caught:
        load(Path("nowhere.onnx"))
    assert caught.value.where == "nowhere.onnx"


@pytest.mark.parametrize("bits", [1, 4])
def test_a_batch_norm_of_images_in_front(bits: int) -> None:
    """Channels of an image have constants of their own; flattened, every pixel has."""
    rng = np.random.default_rng(bits)
    net = NetWriter()
    parameters = [net.constant(values) for values in ([2, -1, 0.5], [0.5, 0, 0.2], [0.1, 0.4, 0.2], [1, 0.3, 2])]
    x = net.node("BatchNormalization", "x", *parameters, epsilon=1e-5)
    x = net.bipolar(x) if bits == 1 else net.quant(x, bits, scale=0.2, signed=True)
    x = net.node("Reshape", x, net.constant([1, 12], np.int64))
    net.node("MatMul", x, net.bipolar(net.constant(rng.standard_normal((12, 4)))))
    proto = net.model((3, 2, 2), "y")
    _check_floats(proto, rng.standard_normal((50, 3, 2, 2), dtype=np.float32))
    model = clean(proto)
    graph = lower(fold(model, IntegerType.interval(0, 255), np.float32(1 / 255)).model)
    codes = rng.integers(0, 256, (50, 3, 2, 2))
    golden = GoldenModel(model).run(codes.astype(np.float32) * np.float32(1 / 255))
    np.testing.assert_array_equal(graph.execute(codes.reshape(50, -1))[graph.outputs[0].name], golden.scores[0])


@pytest.mark.parametrize("input", [None, IntegerType.interval(0, 15)])
def test_a_lone_quantizer(input: IntegerType | None) -> None:
    net = NetWriter()
    net.quant("x", 3, scale=0.5, signed=True)
    model = clean(net.model((4,), "y"))
    if input is None:
        with pytest.raises(UserError, match="no layer"):
            lower(fold(model).model)
    else:
        assert lower(fold(model, input).model).operators[0].kind == "threshold"


@pytest.mark.parametrize(("zero", "narrow", "lo", "hi"), [(0, True, -3, 3), (3, False, -7, 0), (0, False, -4, 3)])
def test_intervals_are_exact(zero: int, narrow: bool, lo: int, hi: int) -> None:
    """Three bits, but no more values than the quantizer has: the sum of five is as narrow as it can be."""
    net = NetWriter()
    x = net.quant("x", 3, scale=0.5, signed=True, narrow=narrow, zero=zero)
    net.node("MatMul", x, net.bipolar(net.constant(np.ones((5, 1)))))
    unit = lower(fold(clean(net.model((5,), "y"))).model).operators[0]
    assert (unit.inputs[0].type.lo, unit.inputs[0].type.hi) == (lo, hi)
    assert (unit.outputs[0].type.lo, unit.outputs[0].type.hi) == (5 * lo, 5 * hi)
