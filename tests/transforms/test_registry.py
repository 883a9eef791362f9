"""Each transform alone: a before and after that can be read, a fixed point, and truth about changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean, load
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.protos import to_proto
from bnnfpga.frontend.graph.transform import apply_transforms
from bnnfpga.host.input_format import InputFormat
from bnnfpga.transforms.registry import describe_graph, find_transform, transforms
from bnnfpga.transforms.run_alone import run_transform
from tests.support.data import FIXTURES
from tests.support.nets import DenseNet, NetWriter, dense_nets

GOLDENS = Path(__file__).parent / "goldens"
FORMAT = InputFormat.parse("uint4", "1/15")
WEIGHTS = [[0.5, -0.25], [-0.125, 0.75]]


def _input_net() -> onnx.ModelProto:
    net = NetWriter()
    net.bipolar(net.node("Sub", "x", net.constant(0.5)))
    return net.model((2,), "y")


def _norm_net() -> onnx.ModelProto:
    net = NetWriter()
    parameters = [net.constant(values) for values in ([2, -1], [0.5, 0.25], [3, 4], [1, 15])]
    net.bipolar(net.node("BatchNormalization", net.node("Neg", "x"), *parameters, epsilon=1.0))
    return net.model((2,), "y")


def _weight_net() -> onnx.ModelProto:
    net = NetWriter()
    net.node("MatMul", net.bipolar("x"), net.bipolar(net.constant(WEIGHTS), 0.1))
    return net.model((2,), "y")


def _layout_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("Sub", "x", net.constant([[[0.5]], [[0.25]]]))
    net.bipolar(net.node("Reshape", x, net.constant([1, 2], np.int64)))
    return net.model((2, 1, 1), "y")


def _layouts_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("Relu", net.node("Flatten", net.node("Unsqueeze", "x", net.constant([3], np.int64))))
    net.bipolar(net.node("Reshape", x, net.constant([1, 2], np.int64)))
    return net.model((1, 2), "y")


def _pool_layout_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("Flatten", net.node("MaxPool", "x", kernel_shape=[2, 2]))
    net.bipolar(net.node("Mul", net.node("Clip", x, net.constant(-1), net.constant(1)), net.constant(0.5)))
    return net.model((2, 2, 4), "y")


def _quantizer_net() -> onnx.ModelProto:
    net = NetWriter()
    net.quant("x", 2, scale=0.25, signed=False)
    return net.model((2,), "y")


def _transpose_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("Transpose", net.bipolar("x"), perm=[0, 3, 1, 2])
    x = net.node("Flatten", net.node("Max", x, net.constant([[[-0.5]], [[0.5]]])))
    net.node("MatMul", x, net.constant([[1000], [2], [3], [4]]))
    return net.model((2, 1, 2), "y")


def _pool_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("Add", net.node("Mul", net.bipolar("x"), net.constant([[0.5]])), net.constant([[0.25], [1]]))
    net.node("AveragePool", x, kernel_shape=[2], strides=[2])
    return net.model((2, 4), "y")


def _pick_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("PRelu", net.bipolar("x"), net.constant([[0.25, 0.5, 2], [0.125, 1, 0]]))
    net.node("Gather", x, net.constant([1, 0, 1], np.int64), axis=1)
    return net.model((2, 3), "y")


def _block_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("DepthToSpace", net.bipolar("x"), blocksize=2)
    x = net.node("Mul", net.node("Gather", x, net.constant([1, 2], np.int64), axis=3), net.constant([[[2]], [[-0.5]]]))
    net.bipolar(x)
    return net.model((8, 1, 2), "y")


def _image_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("Add", net.node("Mul", net.bipolar("x"), net.constant([[0.5], [2]])), net.constant([[1, 2, 3, 4]]))
    net.node("AveragePool", x, kernel_shape=[2], strides=[2])
    return net.model((2, 4), "y")


def _product_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.bipolar("x")
    turned = net.node("Gather", x, net.constant([1, 0], np.int64), axis=1)
    near, far = net.node("Mul", x, net.constant([0.5, 3])), turned
    net.bipolar(net.node("Mul", near, net.node("Div", far, net.constant(4))))
    return net.model((2,), "y")


def _join_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.bipolar("x")
    net.node("Sub", net.node("Mul", x, net.constant(0.5)), net.node("Mul", x, net.constant(1.5)))
    return net.model((2,), "y")


def _concat_net() -> onnx.ModelProto:
    net = NetWriter()
    bits = net.bipolar("x")
    parts = bits, net.node("Mul", net.node("Relu", bits), net.constant([[0.5, 0.25]]))
    net.bipolar(net.node("Add", net.node("Concat", *parts, axis=1), net.constant([1, 2, 3, 4])))
    return net.model((2,), "y")


def _scale_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("Div", net.node("Mul", net.bipolar("x"), net.constant([0.5, -1])), net.constant(3))
    net.node("MatMul", x, net.constant([[1000, -1], [2, 3]]))
    return net.model((2,), "y")


def _shift_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.node("Sub", net.bipolar("x"), net.constant([[0.5], [1]]))
    net.node("Conv", x, net.constant([[[1, -1], [1, 1]]]), pads=[1, 0])
    return net.model((2, 3), "y")


def _threshold_net() -> onnx.ModelProto:
    net = NetWriter()
    x = net.quant("x", 3, scale=1, signed=True)
    net.bipolar(net.node("Add", net.node("Mul", x, net.constant([0.1, -0.3])), net.constant([0.1, 0.1])))
    return net.model((2,), "y")


NETS: dict[str, Callable[[], onnx.ModelProto]] = {
    "integer-input": _input_net,
    "integer-weights": _weight_net,
    "batch-norm-to-arithmetic": _norm_net,
    "scales-out-of-quantizers": _quantizer_net,
    "transpose-into-weights": _transpose_net,
    "layout-before-elementwise": _layout_net,
    "merge-layouts": _layouts_net,
    "quantizer-before-layout": _pool_layout_net,
    "picks-before-elementwise": _pick_net,
    "quantizer-before-spreading": _block_net,
    "images-behind-averages": _image_net,
    "affine-behind-pools": _pool_net,
    "joins-on-integers": _join_net,
    "products-on-integers": _product_net,
    "shifts-into-codes": _shift_net,
    "affine-behind-dot-products": _scale_net,
    "concat-behind-quantizers": _concat_net,
    "chains-to-thresholds": _threshold_net,
}


def test_every_transform_has_a_golden() -> None:
    assert [transform.name for transform in transforms()] == list(NETS)
    assert sorted(path.stem for path in GOLDENS.iterdir()) == sorted(NETS)
    assert all(transform.sentence.endswith(".") for transform in transforms())


@pytest.mark.parametrize("name", NETS)
def test_golden(name: str) -> None:
    transform = find_transform(name)
    model = clean(NETS[name]())
    result, changed = transform.run(model, FORMAT)
    assert changed
    text = [
        f"{name}: {transform.sentence}",
        "",
        "before",
        *describe_graph(model),
        "",
        "after",
        *describe_graph(result),
        "",
    ]
    assert "\n".join(text) == (GOLDENS / f"{name}.txt").read_text()


def _bytes(model: Model) -> bytes:
    return to_proto(model).SerializeToString(deterministic=True)


@settings(max_examples=25, deadline=None)
@given(net=dense_nets())
def test_fixed_points_and_true_reports(net: DenseNet) -> None:
    model = clean(net.model())
    for transform in transforms():
        if transform.name == "integer-input":
            continue
        step = transform.transform_class()
        before = _bytes(model)
        assert apply_transforms(model, step) == (_bytes(model) != before), transform.name
        assert not apply_transforms(model, step), transform.name


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*/*.onnx")), ids=lambda path: path.stem)
def test_any_transform_runs_alone_on_any_model(path: Path) -> None:
    """What others have not prepared is left as it is: refusals are those of a compilation."""
    model = load(path)
    for transform in transforms():
        before = _bytes(model)
        result, changed = transform.run(model, FORMAT)
        assert _bytes(model) == before, transform.name
        assert changed == (_bytes(result) != before), transform.name


UNPREPARED: dict[str, Callable[[NetWriter], object]] = {
    "a reshape in mid-chain": lambda net: net.bipolar(
        net.node("Flatten", net.node("Mul", net.quant("x", 3, scale=1, signed=True), net.constant([[[1]], [[2]]])))
    ),
    "a quantizer with a scale": lambda net: net.quant(
        net.node("Relu", net.quant("x", 3, scale=1, signed=True)), 2, scale=0.5, signed=False
    ),
    "a dot product of floats": lambda net: net.bipolar(
        net.node("MatMul", net.node("Flatten", "x"), net.constant([[0.1], [0.7]]))
    ),
    "two streams": lambda net: net.bipolar(net.node("Add", net.bipolar("x"), net.node("Relu", "x"))),
}


@pytest.mark.parametrize("name", UNPREPARED)
def test_a_chain_that_does_not_begin_with_integers_is_left(name: str) -> None:
    net = NetWriter()
    UNPREPARED[name](net)
    assert not find_transform("chains-to-thresholds").run(clean(net.model((2, 1, 1), "y")), FORMAT)[1]


def test_unknown_names_and_outputs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no transform 'nothing'") as caught:
        find_transform("nothing")
    assert "chains-to-thresholds" in str(caught.value.hint)
    model = DenseNet((4, 2)).write(tmp_path)
    written = run_transform("integer-weights", model, tmp_path / "out.onnx", None, None)
    assert written["changed"]
    onnx.load(tmp_path / "out.onnx")
    with pytest.raises(UserError, match="exists"):
        run_transform("integer-weights", model, model, None, None)
    with pytest.raises(UserError, match="input's type"):
        run_transform("integer-input", model, None, None, None)
