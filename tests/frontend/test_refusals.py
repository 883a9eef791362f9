"""What cannot be compiled exactly is refused, by node and with a way out; what is exact is kept to the last bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.graph.nodes import attribute
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.lowering.lower import lower
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.transforms.fold import fold
from tests.support.final import final_operators
from tests.support.nets import NetWriter

WIDTH = 4
Ending = Callable[[NetWriter, str], object]


def _layer(net: NetWriter, x: str = "x") -> str:
    weights = np.random.default_rng(0).standard_normal((WIDTH, WIDTH))
    return net.node("MatMul", net.bipolar(x), net.bipolar(net.constant(weights)))


def _compile(proto: onnx.ModelProto) -> None:
    model = clean(proto)
    GoldenModel(model)
    fold(model)


def _refused(net: NetWriter, shape: tuple[int, ...] = (WIDTH,)) -> UserError:
    proto = net.model(shape, "y")
    with pytest.raises(UserError) as caught:
        _compile(proto)
    assert caught.value.where
    assert caught.value.hint
    if caught.value.where.startswith("node "):
        assert caught.value.where in {f"node {node.name!r} ({node.op_type})" for node in proto.graph.node}
    return caught.value


def _topk(net: NetWriter, x: str, count: int, *, largest: int) -> None:
    inputs = [x, net.constant([count], np.int64)]
    net.nodes.append(onnx.helper.make_node("TopK", inputs, ["y", "index"], name="n_top", largest=largest))


def _training_batch_norm(net: NetWriter, x: str) -> str:
    inputs = [x, *[net.constant(np.ones(WIDTH))] * 4]
    outputs = ["normed", "mean", "variance"]
    net.nodes.append(onnx.helper.make_node("BatchNormalization", inputs, outputs, name="n_bn", training_mode=1))
    return "normed"


ENDINGS: dict[str, tuple[Ending, str, str]] = {
    "more than there are": (
        lambda net, x: _topk(net, x, 5, largest=1),
        "cannot take inputs of shapes (1, 4)",
        "shapes",
    ),
    "over the batch": (lambda net, x: net.node("ArgMax", x, axis=0), "axis 0", "axis=1"),
    "of the input": (lambda net, x: net.node("Softmax", "x"), "the model's input itself", "a quantised layer"),
    "pads of other axes": (
        lambda net, x: net.node("Pad", x, net.constant([0, 1, 0], np.int64)),
        "its pads do not fit its axes",
        "damaged or was made by hand",
    ),
    "in the middle": (
        lambda net, x: net.bipolar(net.node("Softmax", x)),
        "cannot be compiled",
        "at the end of the model",
    ),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_endings(name: str) -> None:
    end, message, hint = ENDINGS[name]
    net = NetWriter()
    end(net, _layer(net))
    error = _refused(net)
    assert message in error.message
    assert hint in str(error.hint)
    assert error.where is not None
    assert error.where.startswith("node 'n")


BEFORE_QUANTIZERS: dict[str, tuple[Ending, str, str]] = {
    "a logarithm of what is negative": (
        lambda net, x: net.node("Log", x),
        "NaN or infinity for numbers that can occur",
        "BipolarQuant",
    ),
    "a rest": (lambda net, x: net.node("Mod", x, net.constant(2), fmod=1), "remainder of a division", "Mod"),
    "training batch norm": (
        _training_batch_norm,
        "batch statistics",
        "BatchNormalization",
    ),
    "random dropout": (
        lambda net, x: net.node("Dropout", x, net.constant(0.5), net.constant(True, np.bool_)),
        "at random",
        "Dropout",
    ),
    "one becomes many": (
        lambda net, x: net.node("Add", net.node("Reshape", x, net.constant([1, 4, 1], np.int64)), net.constant([1, 2])),
        "element by element",
        "Add",
    ),
    "other exporters' quantizers": (
        lambda net, x: net.node("QuantizeLinear", x, net.constant(1), net.constant(0, np.int8)),
        "cannot be compiled",
        "QuantizeLinear",
    ),
    "finn's popcount": (
        lambda net, x: net.node("XnorPopcountMatMul", x, x, domain="finn.custom_op.general"),
        "it reads its weights from 't2', which is not a constant",
        "XnorPopcountMatMul",
    ),
    "unknown domain": (
        lambda net, x: net.node("Magic", x, domain="com.example"),
        "no operator 'Magic' in the domain",
        "",
    ),
}


@pytest.mark.parametrize("name", BEFORE_QUANTIZERS)
def test_what_stands_before_a_quantizer(name: str) -> None:
    before, message, place = BEFORE_QUANTIZERS[name]
    net = NetWriter()
    net.bipolar(before(net, _layer(net)))  # type: ignore[arg-type]
    error = _refused(net)
    assert message in error.message
    assert str(error.where).startswith("node 'n")
    assert place in str(error.where)


def _pixels(net: NetWriter, x: str, outputs: int = 4, inputs: int = 2) -> str:
    weights = np.random.default_rng(0).standard_normal((outputs, inputs, 3, 3))
    return net.node("Conv", net.bipolar(x), net.bipolar(net.constant(weights)), pads=[1, 1, 1, 1])


def _codes(net: NetWriter, x: str) -> str:
    return net.quant(x, 4, scale=0.5, signed=True)


IMAGES: dict[str, tuple[Ending, str, str, str]] = {
    "constant images on both sides of a pool": (
        lambda net, x: net.bipolar(
            net.node(
                "Add",
                net.node(
                    "MaxPool", net.node("Add", x, net.constant(np.arange(120).reshape(4, 6, 5))), kernel_shape=[2, 2]
                ),
                net.constant(np.arange(20).reshape(5, 4)),
            )
        ),
        "its constants differ from pixel to pixel on both sides of node",
        "on one side of the pool",
        "(Add)",
    ),
    "an average of a scale for each pixel": (
        lambda net, x: net.bipolar(
            net.node(
                "AveragePool", net.node("Mul", x, net.constant(np.arange(1, 31).reshape(6, 5))), kernel_shape=[2, 2]
            )
        ),
        "the constants in front of it differ from pixel to pixel",
        "a number for each channel",
        "(AveragePool)",
    ),
    "a sum with the opposite": (
        lambda net, x: net.bipolar(net.node("Add", _codes(net, x), net.node("Neg", net.bipolar(x)))),
        "(Neg) has a negative scale",
        "quantizer",
        "(Add)",
    ),
    "a quotient": (
        lambda net, x: net.bipolar(net.node("Div", _codes(net, x), _codes(net, net.node("GlobalMaxPool", x)))),
        "both its operands depend on the image",
        "Mul",
        "(Div)",
    ),
    "the larger of two": (
        lambda net, x: net.bipolar(net.node("Max", _codes(net, x), net.bipolar(x))),
        "both its operands depend on the image",
        "Add",
        "(Max)",
    ),
    "windows beside the image": (
        lambda net, x: net.bipolar(
            net.node(
                "MaxPool",
                net.node("MaxPool", x, kernel_shape=[6, 5]),
                kernel_shape=[2, 2],
                dilations=[2, 2],
                pads=[1, 1, 1, 1],
            )
        ),
        "outside the image as a whole",
        "smaller pads or dilations",
        "(MaxPool)",
    ),
    "averages over the edge": (
        lambda net, x: net.bipolar(net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)),
        "hang over the edge",
        "ceil_mode=0",
        "(AveragePool)",
    ),
    "averages of fewer at the edge": (
        lambda net, x: net.bipolar(net.node("AveragePool", x, kernel_shape=[3, 3], auto_pad="SAME_UPPER")),
        "average fewer pixels",
        "count_include_pad",
        "(AveragePool)",
    ),
    "a flattening in between": (
        lambda net, x: net.bipolar(
            net.node(
                "Sub",
                net.node("Flatten", net.node("MaxPool", net.node("Relu", x), kernel_shape=[6, 5])),
                net.constant([1, 2, 3, 4]),
            )
        ),
        "it stands between node 'n4' (MaxPool) and its quantizer, node 'n7' (BipolarQuant)",
        "flatten behind the quantizer",
        "(Flatten)",
    ),
    "a shortcut of floats, far above": (
        lambda net, x: net.bipolar(
            net.node("Flatten", net.node("GlobalAveragePool", net.node("Add", _codes(net, x), net.node("Relu", x))))
        ),
        "(Relu) is not quantised",
        "up to 8 bits",
        "(Add)",
    ),
    "an average behind a Relu": (
        lambda net, x: net.bipolar(net.node("GlobalAveragePool", net.node("Relu", x))),
        "it averages",
        "put a quantizer",
        "(GlobalAveragePool)",
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_what_cannot_be_done_with_images(name: str) -> None:
    end, message, hint, place = IMAGES[name]
    net = NetWriter()
    end(net, _pixels(net, "x"))
    error = _refused(net, (2, 6, 5))
    assert message in error.message
    assert hint in str(error.hint)
    assert place in str(error.where)


def test_the_host_adds_a_large_constant_image_to_float_inputs() -> None:
    """In hardware each of its elements would have thresholds of its own."""
    shape = (2, 40, 40)
    net = NetWriter()
    x = net.node("Add", "x", net.constant(np.random.default_rng(0).integers(0, 9, shape)))
    x = net.quant(x, 8, scale=1.0, signed=False)
    net.node("Conv", x, net.bipolar(net.constant(np.ones((4, 2, 1, 1)))))
    proto = net.model(shape, "y")
    _compile(proto)
    with pytest.raises(UserError, match=r"pixel to pixel, and 255 thresholds for each of 3,200 elements") as caught:
        fold(clean(proto), IntegerType.interval(0, 255), np.float32(1))
    assert "omit --input" in str(caught.value.hint)


def test_large_images_turned_around_between_layers_are_refused() -> None:
    net = NetWriter()
    x = net.node("Transpose", net.bipolar(_pixels(net, "x")), perm=[0, 2, 1, 3])
    net.node("Conv", x, net.bipolar(net.constant(np.ones((2, 60, 1, 1)))))
    with pytest.raises(UserError, match="a frame of 16,800 bits") as caught:
        lower(fold(clean(net.model((2, 60, 70), "y"))).model)
    assert "(Transpose)" in str(caught.value.where)
    assert "dense layer" in str(caught.value.hint)


@pytest.mark.parametrize(("kind", "taken"), [("UINT8", True), ("INT64", True), ("FLOAT16", False), ("DOUBLE", False)])
def test_types_of_inputs(kind: str, taken: bool) -> None:
    """Integers, which a model casts to float first, are given as floats; other floats would compute something else."""
    net = NetWriter()
    _layer(net, net.node("Cast", "x", to=onnx.TensorProto.FLOAT))
    proto = net.model((WIDTH,), "y")
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.DataType.Value(kind)
    if taken:
        assert "Cast" not in {node.op_type for node in clean(proto).nodes}
        return
    with pytest.raises(UserError, match=f"{kind.lower()}; float and integers can be compiled") as caught:
        clean(proto)
    assert "float32" in str(caught.value.hint)


@pytest.mark.parametrize(("opset", "axis", "shape"), [(12, 1, (1, 4)), (13, 1, (1, 2, 2)), (13, 2, (1, 2, 2))])
def test_softmax_takes_all_axes_behind_its_own_before_version_13(opset: int, axis: int, shape: tuple[int, ...]) -> None:
    net = NetWriter()
    net.node("Softmax", net.node("Reshape", _layer(net), net.constant([1, 2, 2], np.int64)), axis=axis)
    proto = net.model((WIDTH,), "y")
    proto.opset_import[0].version = opset
    end = clean(proto).end
    assert end is not None
    (node,) = (node for node in end.graph.nodes if node.op_type == "Softmax")
    assert tuple(end.graph.shape(node.input[0])) == shape
    assert attribute(node, "axis", -1) % len(shape) == axis


def test_quantizers_of_other_exporters_are_named_with_the_way_out() -> None:
    net = NetWriter()
    net.node("QuantizeLinear", "x", net.constant(1), net.constant(0, np.int8))
    assert "export_qonnx" in str(_refused(net).hint)


def test_invalid_onnx_is_refused() -> None:
    net = NetWriter()
    net.node("TopK", _layer(net), net.constant([1], np.int64))  # without its second output
    assert "not valid ONNX" in _refused(net).message


def test_two_outputs_stay_two() -> None:
    net = NetWriter()
    first = _layer(net)
    net.bipolar(first)
    proto = net.model((WIDTH,), "y")
    proto.graph.output.append(onnx.helper.make_tensor_value_info(first, onnx.TensorProto.FLOAT, None))
    assert clean(proto).outputs == ("y", first)


def test_both_outputs_of_topk_are_one_ending() -> None:
    net = NetWriter()
    x = _layer(net)
    net.nodes.append(onnx.helper.make_node("TopK", [x, net.constant([1], np.int64)], ["values", "y"], name="top"))
    proto = net.model((WIDTH,), "values")
    proto.graph.output.append(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.INT64, None))
    model = clean(proto)
    assert final_operators(model) == ("TopK",)
    assert len(model.outputs) == 1


@pytest.mark.parametrize("axis", [1, -1])
def test_several_operators_at_the_end(axis: int) -> None:
    net = NetWriter()
    x = net.node("ArgMax", net.node("Softmax", _layer(net), axis=axis), axis=axis, keepdims=1)
    net.node("Cast", net.node("Squeeze", x, net.constant([1], np.int64)), to=onnx.TensorProto.INT32)
    model = clean(net.model((WIDTH,), "y"))
    assert final_operators(model) == ("Softmax", "ArgMax", "Squeeze", "Cast")
    assert model.nodes[-1].op_type == "MatMul"


@pytest.mark.parametrize(("operation", "value"), [("Add", 1e-6), ("Sub", 1e-6), ("Mul", 1.000001), ("Div", 0.999999)])
def test_almost_identities_stay(operation: str, value: float) -> None:
    """qonnx takes numbers within 1e-5 for zero or one; a small bias decides ties."""
    net = NetWriter()
    net.bipolar(net.node(operation, _layer(net), net.constant(np.full(WIDTH, value))))
    assert operation in {node.op_type for node in clean(net.model((WIDTH,), "y")).nodes}


def test_identities_disappear() -> None:
    net = NetWriter()
    x = net.node("Mul", net.node("Add", net.constant(np.zeros(WIDTH)), "x"), net.constant(1))
    x = net.node("Cast", net.node("Dropout", net.node("Identity", x)), to=onnx.TensorProto.FLOAT)
    x = net.node("Div", net.node("Sub", _layer(net, x), net.constant(0)), net.constant([1.0]))
    net.node("Identity", net.node("Transpose", x, perm=[0, 1]))
    model = clean(net.model((WIDTH,), "y"))
    assert {node.op_type for node in model.nodes} == {"BipolarQuant", "MatMul", "Reshape"}
    assert model.outputs == ("y",)
    x_value = np.random.default_rng(0).standard_normal((3, WIDTH)).astype(np.float32)
    assert GoldenModel(model).run(x_value).outputs[0].shape == (3, WIDTH)


def test_no_identity_where_the_number_is_on_the_left() -> None:
    net = NetWriter()
    net.bipolar(net.node("Sub", net.constant(0), _layer(net)))
    assert "Sub" in {node.op_type for node in clean(net.model((WIDTH,), "y")).nodes}
