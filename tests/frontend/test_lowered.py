"""FINN's lowered operators alone, as qonnx executes them; and what of them is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from qonnx.custom_op.registry import getCustomOp

import bnnfpga
from bnnfpga.frontend.clean import clean
from tests.support.nets import DOMAIN, NetWriter


def _run(model: onnx.ModelProto, folder: Path, x: np.ndarray, **options: object) -> np.ndarray:
    onnx.save(model, folder / "net.onnx")
    project = bnnfpga.compile(folder / "net.onnx", folder / "project", **options)
    assert not project.warnings
    result = project.simulate(x.reshape(len(x), *project.input_shape), backend="emulator")
    assert result.mismatches == 0
    values: np.ndarray = result.values
    return values


def _by_qonnx(model: onnx.ModelProto, x: np.ndarray, shapes: dict[str, tuple[int, ...]] | None = None) -> np.ndarray:
    """Node by node: qonnx's operators by qonnx, which wants an array of the shape of the output; MatMul by numpy."""
    made = []
    for image in x:
        context = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        context["x"] = image[None].astype(np.float32)
        for node in model.graph.node:
            if node.op_type == "MatMul":
                context[node.output[0]] = context[node.input[0]] @ context[node.input[1]]
            elif node.op_type == "Mul":
                context[node.output[0]] = context[node.input[0]] * context[node.input[1]]
            else:
                context[node.output[0]] = np.zeros((shapes or {}).get(node.op_type, ()), np.float32)
                getCustomOp(node, onnx_opset_version=17).execute_node(context, model.graph)
        made.append(context[model.graph.output[0].name][0])
    return np.stack(made)


def _annotate(model: onnx.ModelProto, tensor: str, kind: str) -> onnx.ModelProto:
    """Say what a tensor holds, which qonnx's Im2Col asks for."""
    note = model.graph.quantization_annotation.add(tensor_name=tensor)
    note.quant_parameter_tensor_names.add(key="finn_datatype", value=kind)
    return model


WINDOWS = {
    "plain": {"kernel_size": [3, 3], "stride": [1, 1]},
    "padded": {"kernel_size": [3, 3], "stride": [1, 1], "pad_amount": [1, 1, 1, 1]},
    "oblong": {"kernel_size": [2, 3], "stride": [2, 1], "pad_amount": [0, 1, 1, 2]},
    "dilated": {"kernel_size": [2, 2], "stride": [1, 2], "dilations": [2, 3], "pad_amount": [2, 0, 0, 1]},
    "pixels": {"kernel_size": [1, 1], "stride": [2, 2]},
    "value": {"kernel_size": [3, 2], "stride": [1, 1], "pad_amount": [1, 0, 1, 1], "pad_value": 3},
    "strides": {"kernel_size": [1, 1], "stride": [3, 1], "pad_amount": [0, 0, 2, 0], "pad_value": -2},
}
IMAGE = (5, 6, 3)


def _im2col(net: NetWriter, window: dict[str, object], **more: object) -> str:
    return net.node("Im2Col", "x", domain=DOMAIN, input_shape=str((1, *IMAGE)), **{**window, **more})


@pytest.mark.parametrize(
    ("window", "behind"),
    [
        *((window, "MatMul") for window in WINDOWS),
        *(("value", behind) for behind in ("Mul and MatMul", "XnorPopcountMatMul", "two", "nothing")),
        *(("padded", behind) for behind in ("Mul and MatMul", "XnorPopcountMatMul")),
        ("dilated", "nothing"),
    ],
)
def test_im2col(window: str, behind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(window))
    net = NetWriter()
    x = _im2col(net, WINDOWS[window])
    taps = int(np.prod(WINDOWS[window]["kernel_size"])) * IMAGE[2]
    rows = rng.choice([-1.0, 1.0], (taps, 4))
    if behind == "Mul and MatMul":
        x = net.node("Mul", x, net.constant(0.5))
    if behind == "XnorPopcountMatMul":
        net.node("XnorPopcountMatMul", x, net.constant(rows > 0), domain=DOMAIN)
    elif behind == "two":
        net.node("MatMul", net.node("MatMul", x, net.constant(rows)), net.constant(rng.integers(-3, 4, (4, 2))))
    elif behind != "nothing":
        net.node("MatMul", x, net.constant(rows))
    model = net.model(IMAGE, "y")
    codes = rng.integers(-4, 5, (6, *IMAGE))
    expected = _by_qonnx(_annotate(model, "x", "INT4"), codes)
    np.testing.assert_array_equal(_run(model, tmp_path, codes, input="int4"), expected)


def test_depthwise_weights_become_groups(tmp_path: Path) -> None:
    """Zeros for other channels are no weights."""
    rng = np.random.default_rng(0)
    rows = np.zeros((2, 2, 3, 6))
    for output in range(6):
        rows[:, :, output // 2, output] = rng.choice([-1, 1], (2, 2))
    net = NetWriter()
    net.node(
        "MatMul",
        _im2col(net, {"kernel_size": [2, 2], "stride": [1, 1]}, depthwise=1),
        net.constant(rows.reshape(12, 6)),
    )
    model = _annotate(net.model(IMAGE, "y"), "x", "INT4")
    conv = next(node for node in clean(model).nodes if node.op_type == "Conv")
    assert conv.attributes["group"] == 3
    codes = rng.integers(-4, 5, (6, *IMAGE))
    np.testing.assert_array_equal(_run(model, tmp_path, codes, input="int4"), _by_qonnx(model, codes))


def test_quantised_weights_behind_im2col(tmp_path: Path) -> None:
    """As FINN lowers a layer whose weights are still behind their quantizer, with a scale for each output."""
    rng = np.random.default_rng(0)
    latent = rng.integers(-3, 4, (12, 5)) * [0.5, 0.25, 1, 2, 0.5]
    for quantised in (False, True):
        net = NetWriter()
        weights = net.constant(latent)
        if quantised:
            scale = net.constant([[0.5, 0.25, 1, 2, 0.5]])
            weights = net.node("Quant", weights, scale, net.constant(0), net.constant(3), domain=DOMAIN)
        net.node("MatMul", _im2col(net, {"kernel_size": [2, 2], "stride": [1, 1]}), weights)
        folder = tmp_path / str(quantised)
        folder.mkdir()
        codes = rng.integers(-4, 5, (6, *IMAGE))
        plain = NetWriter()
        plain.node("MatMul", _im2col(plain, {"kernel_size": [2, 2], "stride": [1, 1]}), plain.constant(latent))
        expected = _by_qonnx(_annotate(plain.model(IMAGE, "y"), "x", "INT4"), codes)
        np.testing.assert_array_equal(_run(net.model(IMAGE, "y"), folder, codes, input="int4"), expected)


@pytest.mark.parametrize("input", ["uint1", "int3"])
def test_popcounts(input: str, tmp_path: Path) -> None:
    """Of bits, and of whatever else its definition says."""
    rng = np.random.default_rng(0)
    net = NetWriter()
    net.node("XnorPopcountMatMul", "x", net.constant(rng.random((9, 4)) > 0.5), domain=DOMAIN)
    model = net.model((9,), "y")
    codes = rng.integers(0, 2, (20, 9)) if input == "uint1" else rng.integers(-4, 4, (20, 9))
    np.testing.assert_array_equal(_run(model, tmp_path, codes, input=input), _by_qonnx(model, codes))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize(
    ("kernel", "stride", "ibits", "obits", "signed"),
    [(2, 2, 4, 4, 0), (3, 1, 2, 4, 0), (3, 2, 4, 4, 1), (2, 2, 2, 8, 0), (4, 4, 8, 8, 0), (2, 1, 3, 2, 1)],
)
def test_averages_of_bits(
    kernel: int, stride: int, ibits: int, obits: int, signed: int, layout: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(ibits)
    shape = (3, 7, 8) if layout == "NCHW" else (7, 8, 3)
    net = NetWriter()
    x = net.quant("x", ibits, scale=1.0, signed=bool(signed))
    net.node(
        "QuantAvgPool2d", x, domain=DOMAIN, kernel=kernel, stride=stride, ibits=ibits, obits=obits, signed=signed,
        data_layout=layout,
    )  # fmt: skip
    model = net.model(shape, "y")
    low = -(2 ** (ibits - 1)) if signed else 0
    codes = rng.integers(low, low + 2**ibits, (8, *shape))
    pixels = [(extent - kernel) // stride + 1 for extent in (7, 8)]
    made = (1, 3, *pixels) if layout == "NCHW" else (1, *pixels, 3)
    expected = _by_qonnx(model, codes, {"QuantAvgPool2d": made, "Quant": (1, *shape)})
    np.testing.assert_array_equal(_run(model, tmp_path, codes.astype(np.float32)), expected)


REFUSED = {
    "hardware": (("MVAU_hls", "finn.custom_op.fpgadataflow.hls", {}), "'n0' .*hardware layer of FINN"),
    "range": (
        ("QuantAvgPool2d", DOMAIN, {"kernel": 2, "stride": 2, "ibits": 2, "obits": 2, "signed": 0}),
        "'n1' .*integers from 0 to 3, but the quantizer in front of it gives -8 to 7",
    ),
    "bits": (
        ("QuantAvgPool2d", DOMAIN, {"kernel": 2, "stride": 2, "ibits": 9, "obits": 9, "signed": 0}),
        "'n0' .*its integers have 9 bits; at most 8",
    ),
    "kernel": (("Im2Col", DOMAIN, {"kernel_size": [9, 9], "stride": [1, 1]}), "'n0' .Im2Col.: its kernel"),
    "axes": (("Im2Col", DOMAIN, {"kernel_size": [2], "stride": [1, 1]}), "'n0' .*2 numbers each"),
    "shape": (
        ("Im2Col", DOMAIN, {"kernel_size": [2, 2], "stride": [1, 1], "input_shape": "(1,3,3,2)"}),
        "'n0' .*input_shape",
    ),
}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("MatMul", "'n1' .*but node 'n0' .MatMul. in front of it is not a quantizer"),
        ("Quant", "gives multiples of 0.5"),
    ],
)
def test_averages_of_what_is_no_integer_are_refused(kind: str, words: str) -> None:
    net = NetWriter()
    scaled = kind == "Quant"
    x = net.quant("x", 4, scale=0.5, signed=False) if scaled else net.node("MatMul", "x", net.constant(np.eye(4)))
    net.node("QuantAvgPool2d", x, domain=DOMAIN, kernel=2, stride=2, ibits=4, obits=4, signed=0)
    with pytest.raises(bnnfpga.UserError, match=words):
        clean(net.model((2, 4, 4), "y"))


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str) -> None:
    (kind, domain, attributes), words = REFUSED[case]
    net = NetWriter()
    x = net.quant("x", 4, scale=1.0, signed=True) if case == "range" else "x"
    net.node(kind, x, domain=domain, **attributes)
    with pytest.raises(bnnfpga.UserError, match=words):
        clean(net.model((4, 4, 2), "y"))
