"""One small convolutional net in the forms that it takes during FINN's streamlining and lowering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx

from tests.support.nets import DOMAIN, NetWriter

LAST, FIRST = [0, 2, 3, 1], [0, 3, 1, 2]


@dataclass(frozen=True)
class FinnForm:
    """How the net is written.

    Parameters
    ----------
    scaled
        Whether factors and addends, not yet absorbed, lie between its integers.
    lowered
        Whether convolutions are Im2Col and MatMul between Transposes.
    pools_last
        Whether pools are MaxPoolNHWC.
    absorbed
        Whether thresholds work with channels last, so that the Transposes between layers have gone.
    bits
        Layers of signs as XnorPopcountMatMul: `scaled` before thresholds, or `absorbed` into them; empty for none.
    ends_in_class
        Whether a TopK finds the class.
    """

    scaled: bool = False
    lowered: bool = False
    pools_last: bool = False
    absorbed: bool = False
    bits: str = ""
    ends_in_class: bool = False


PLAIN = FinnForm()
STEPS = {
    "scaled": FinnForm(scaled=True),
    "lowered": FinnForm(lowered=True),
    "lowered, scaled": FinnForm(scaled=True, lowered=True),
    "pools last": FinnForm(lowered=True, pools_last=True),
    "absorbed": FinnForm(lowered=True, pools_last=True, absorbed=True),
    "popcounts, scaled": FinnForm(lowered=True, pools_last=True, absorbed=True, bits="scaled"),
    "popcounts": FinnForm(lowered=True, pools_last=True, absorbed=True, bits="absorbed"),
    "popcounts of signs": FinnForm(lowered=True, bits="absorbed"),
    "class": FinnForm(lowered=True, pools_last=True, absorbed=True, bits="absorbed", ends_in_class=True),
}
INPUT_SHAPE = (2, 8, 8)


def finn_net(form: FinnForm, seed: int = 0) -> onnx.ModelProto:
    """The net: thresholds, a padded convolution, a pool, one of signs, a depthwise one, a dense layer.

    Its input are images (2, 8, 8) of any floats, its output 3 scores.
    """
    return _Net(form, np.random.default_rng(seed)).model()


class _Net:
    def __init__(self, form: FinnForm, rng: np.random.Generator) -> None:
        self._form, self._rng, self._net = form, rng, NetWriter()
        self._last = False

    def model(self) -> onnx.ModelProto:
        form, net = self._form, self._net
        x = net.node("Mul", "x", net.constant(0.5)) if form.scaled else "x"
        points = np.arange(1, 8)[None] * (1.0 if form.scaled else 2.0)
        x = self._thresholds(x, points, scale=0.25 if form.scaled else 1.0)
        x = self._conv(x, self._signs(4, 2, 3, 3), pads=1)
        x = self._to_signs(self._factor(x, 4.0), 4, 40)
        x = self._pool(x)
        x = self._conv(x, self._signs(5, 4, 3, 3), of_signs=True)
        x = self._thresholds(x, np.sort(self._half(5, 3, 12), axis=1), signs=36)
        x = self._conv(x, self._depthwise(5))
        x = self._to_signs(x, 5, 5)
        x = self._first(x)
        x = net.node("Reshape", x, net.constant([1, -1], np.int64))
        x = self._dense(x, self._signs(5, 3))
        if form.ends_in_class:
            scores = x
            x = net.node("TopK", scores, net.constant([1], np.int64), axis=-1, largest=1, sorted=1)
            net.nodes[-1].output[:] = ["largest", x]
            model = net.model(INPUT_SHAPE, "largest")
            model.graph.output[0].name = x
            model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
            return model
        return net.model(INPUT_SHAPE, "y")

    # -- integers ------------------------------------------------------------------------------------------------------

    def _signs(self, *shape: int) -> np.ndarray:
        return self._rng.choice([-1.0, 1.0], shape)

    def _half(self, channels: int, levels: int, reach: int) -> np.ndarray:
        """Thresholds between integers."""
        return self._rng.integers(-reach, reach, (channels, levels)) + 0.5

    def _depthwise(self, channels: int) -> np.ndarray:
        """A 2 x 2 kernel per channel, as lowered by FINN, with zeros for the other channels."""
        blocks = self._signs(channels, 1, 2, 2)
        if not self._form.lowered:
            return blocks
        return np.where(np.eye(channels)[:, :, None, None] > 0, blocks, 0.0)

    # -- layers --------------------------------------------------------------------------------------------------------

    def _conv(self, x: str, weights: np.ndarray, *, pads: int = 0, of_signs: bool = False) -> str:
        kernel = list(weights.shape[2:])
        if not self._form.lowered:
            groups = 5 if weights.shape[1] == 1 else 1
            sliding = {"kernel_shape": kernel, "pads": [pads] * 4, "strides": [1, 1], "group": groups}
            return self._halved(self._net.node("Conv", self._doubled(x), self._net.constant(weights), **sliding))
        size = {3: {1: 8, 0: 4}[pads], 2: 2}[kernel[0]]
        x = self._net.node(
            "Im2Col", self._turned(x), domain=DOMAIN, kernel_size=kernel, stride=[1, 1], pad_amount=[pads] * 4,
            dilations=[1, 1], input_shape=str((1, size, size, weights.shape[1])), depthwise=int(kernel[0] == 2),
        )  # fmt: skip
        rows = weights.transpose(0, 2, 3, 1).reshape(len(weights), -1).T
        x = self._product(x, rows, of_signs=of_signs)
        self._last = self._form.absorbed
        if self._last:
            return x
        return self._net.node("Transpose", x, perm=FIRST)

    def _product(self, x: str, rows: np.ndarray, *, of_signs: bool) -> str:
        if of_signs and self._form.bits:
            x = self._net.node("XnorPopcountMatMul", x, self._net.constant(rows > 0), domain=DOMAIN)
            return self._of_bits(x, len(rows)) if self._form.bits == "scaled" else x
        return self._halved(self._net.node("MatMul", self._doubled(x), self._net.constant(rows)))

    def _of_bits(self, x: str, inputs: int) -> str:
        """The product of signs, from the number of equal bits."""
        x = self._net.node("Mul", x, self._net.constant(2.0))
        return self._net.node("Add", x, self._net.constant([-float(inputs)]))

    def _dense(self, x: str, rows: np.ndarray) -> str:
        x = self._product(x, rows, of_signs=True)
        return self._of_bits(x, len(rows)) if self._form.bits == "absorbed" else x

    def _doubled(self, x: str) -> str:
        return self._factor(x, 2.0)

    def _halved(self, x: str) -> str:
        return self._factor(x, 0.5)

    def _to_signs(self, x: str, channels: int, reach: int) -> str:
        points = self._half(channels, 1, reach)
        return self._thresholds(x, points) if self._form.bits else self._thresholds(x, points, scale=2.0, bias=-1.0)

    def _thresholds(self, x: str, points: np.ndarray, *, scale: float = 1.0, bias: float = 0.0, signs: int = 0) -> str:
        """Thresholds of numbers, or of the product of so many signs."""
        if signs and self._form.bits == "absorbed":
            points = (points + signs) / 2
        return self._net.node(
            "MultiThreshold", x, self._net.constant(points), domain=DOMAIN, out_dtype="INT32", out_scale=scale,
            out_bias=bias, data_layout="NHWC" if self._last else "NCHW",
        )  # fmt: skip

    def _factor(self, x: str, factor: float) -> str:
        return self._net.node("Mul", x, self._net.constant(factor)) if self._form.scaled else x

    def _pool(self, x: str) -> str:
        if not self._form.pools_last:
            return self._net.node("MaxPool", self._first(x), kernel_shape=[2, 2], strides=[2, 2])
        x = self._net.node(
            "MaxPoolNHWC", self._turned(x), domain=DOMAIN, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0]
        )
        self._last = True
        return x

    def _turned(self, x: str) -> str:
        return x if self._last else self._net.node("Transpose", x, perm=LAST)

    def _first(self, x: str) -> str:
        x = self._net.node("Transpose", x, perm=FIRST) if self._last else x
        self._last = False
        return x
