"""Random convolutional nets in the form of FINN's lowering, and their results by qonnx."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from qonnx.custom_op.registry import getCustomOp

from tests.support.nets import DOMAIN, NetWriter


class LoweredNet:
    """Layers of Im2Col, a product and thresholds, with pools between, on integers from 0 to 3.

    `shape` is the input's; `model` writes the net.
    """

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._net = NetWriter()
        self._image = [self._draw(4, 9), self._draw(2, 9), self._draw(1, 5)]
        self._bits = False
        first = self._rng.random() < 0.5
        self.shape = (self._image[2], *self._image[:2]) if first else tuple(self._image)
        x = self._net.node("Transpose", "x", perm=[0, 2, 3, 1]) if first else "x"
        for _ in range(self._draw(1, 4)):
            x = self._layer(x)
        if self._rng.random() < 0.3:
            x = self._net.node("Transpose", x, perm=[0, 3, 1, 2])
        if self._rng.random() < 0.5:
            x = self._net.node("Reshape", x, self._net.constant([1, -1], np.int64))
            self._net.node("MatMul", x, self._net.constant(self._signs(int(np.prod(self._image)), 3)))

    def model(self) -> onnx.ModelProto:
        model = self._net.model(self.shape, "y")
        for name in ("x", *(node.output[0] for node in model.graph.node)):
            # Of what Im2Col takes, qonnx asks whether it holds the padding.
            note = model.graph.quantization_annotation.add(tensor_name=name)
            note.quant_parameter_tensor_names.add(key="finn_datatype", value="INT8")
        return model

    def images(self, count: int) -> NDArray[np.int64]:
        return np.random.default_rng(1).integers(0, 4, (count, *self.shape))

    def _draw(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high))

    def _signs(self, *shape: int) -> NDArray[Any]:
        return self._rng.choice([-1.0, 1.0], shape)

    def _layer(self, x: str) -> str:
        rows, columns, channels = self._image
        kernel, stride, dilations = ([self._draw(1, most) for _ in "rc"] for most in (4, 3, 3))
        pads = self._rng.integers(0, 3, 4).tolist() if self._rng.random() < 0.6 else [0] * 4
        ends = [extent + pads[axis] + pads[axis + 2] for axis, extent in enumerate((rows, columns))]
        spans = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations, strict=True)]
        extents = [(end - span) // step + 1 for end, span, step in zip(ends, spans, stride, strict=True)]
        if min(extents) < 1 or 1 in (rows, columns):
            return x
        x = self._net.node(
            "Im2Col", x, domain=DOMAIN, kernel_size=kernel, stride=stride, dilations=dilations, pad_amount=pads,
            pad_value=self._draw(0, 2), input_shape=str((1, *self._image)), depthwise=self._draw(0, 2),
        )  # fmt: skip
        x, outputs = self._product(x, kernel, channels)
        self._image = [*extents, outputs]
        x = self._thresholds(x, outputs, max(2, int(np.prod(kernel)) * channels))
        if min(extents) >= 2 and self._rng.random() < 0.4:
            x = self._net.node("MaxPoolNHWC", x, domain=DOMAIN, kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4)
            self._image[:2] = [extent // 2 for extent in extents]
        return x

    def _product(self, x: str, kernel: list[int], channels: int) -> tuple[str, int]:
        taps, outputs = int(np.prod(kernel)) * channels, self._draw(1, 6)
        if self._rng.random() < 0.3:
            x = self._net.node("Mul", x, self._net.constant(float(self._rng.choice([0.5, 2, 4]))))
        if self._bits and self._rng.random() < 0.6:
            bits = self._rng.random((taps, outputs)) > 0.5
            return self._net.node("XnorPopcountMatMul", x, self._net.constant(bits), domain=DOMAIN), outputs
        if self._rng.random() < 0.3:
            weights = (np.eye(channels) * self._signs(*kernel, channels, 1)).reshape(taps, channels)
        elif self._rng.random() < 0.5:
            weights = self._signs(taps, outputs)
        else:
            weights = self._rng.integers(-3, 4, (taps, outputs))
        return self._net.node("MatMul", x, self._net.constant(weights)), weights.shape[1]

    def _thresholds(self, x: str, channels: int, reach: int) -> str:
        levels = int(self._rng.choice([1, 1, 3, 7]))
        self._bits = levels == 1
        rows = channels if self._rng.random() < 0.8 else 1
        points = np.sort(self._rng.integers(-reach, reach, (rows, levels)) + self._rng.choice([0, 0.5]), axis=1)
        bias = 0.0 if self._bits else float(self._rng.choice([0, -1]))
        return self._net.node(
            "MultiThreshold", x, self._net.constant(points), domain=DOMAIN, out_dtype="INT8", data_layout="NHWC",
            out_bias=bias,
        )  # fmt: skip


def run_lowered(model: onnx.ModelProto, images: NDArray[Any]) -> NDArray[Any]:
    """Node by node: FINN's operators by qonnx, which needs an array of a pool's shape beforehand; others by numpy."""
    return np.stack([_run(model, image[None].astype(np.float32)) for image in images])


def _run(model: onnx.ModelProto, x: NDArray[Any]) -> NDArray[Any]:
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    values["x"] = x
    for node in model.graph.node:
        read = [values[name] for name in node.input]
        if node.op_type in _BY_NUMPY:
            values[node.output[0]] = _BY_NUMPY[node.op_type](node, *read)
            continue
        if node.op_type == "MaxPoolNHWC":
            images, rows, columns, channels = read[0].shape
            values[node.output[0]] = np.zeros((images, rows // 2, columns // 2, channels), np.float32)
        getCustomOp(node, onnx_opset_version=17).execute_node(values, model.graph)
    result: NDArray[Any] = values[model.graph.output[0].name][0]
    return result


_BY_NUMPY = {
    "MatMul": lambda _, x, w: x @ w,
    "Mul": lambda _, x, factor: x * factor,
    "Reshape": lambda _, x, shape: x.reshape(shape),
    "Transpose": lambda node, x: x.transpose(list(node.attribute[0].ints)),
}
