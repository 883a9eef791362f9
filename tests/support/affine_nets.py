"""Random nets whose layers take affine functions of integers: channels' scales and zero points, shifts, factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from tests.support.nets import DOMAIN, NetWriter

INPUTS = ("float", "uint8", "int4", "bipolar")


@dataclass(frozen=True)
class AffineNet:
    """Recipe of a random net; the same seed gives the same model.

    Its input is an image or a vector: codes, or floats that a quantizer with a scale, and possibly a zero point, per
    channel turns into codes. Before each layer there are steps that the layer supports.
    """

    seed: int

    @property
    def _rng(self) -> np.random.Generator:
        return np.random.default_rng((self.seed, 7))

    @property
    def input(self) -> str:
        """Its input type, in the words of `--input`."""
        return str(self._rng.choice(INPUTS))

    @property
    def options(self) -> dict[str, object]:
        """Its compile options."""
        if self.input == "float":
            return {}
        return {"input": self.input, **({"input_scale": "1/255"} if self.input == "uint8" and self.seed % 2 else {})}

    def images(self, count: int, shape: tuple[int, ...]) -> NDArray[np.generic]:
        """Inputs: codes, or floats."""
        rng = np.random.default_rng(self.seed)
        if self.input == "float":
            return rng.normal(0, 2, (count, *shape)).astype(np.float32)
        if self.input == "bipolar":
            return rng.choice([-1, 1], (count, *shape)).astype(np.int8)
        return rng.integers(*((0, 256) if self.input == "uint8" else (-8, 8)), (count, *shape))

    def model(self) -> onnx.ModelProto:
        return _Writer(self).model()


class _Writer:
    def __init__(self, recipe: AffineNet) -> None:
        self._recipe = recipe
        self._rng = recipe._rng
        self._rng.choice(INPUTS)
        self._net = NetWriter()
        self._channels = int(self._rng.integers(2, 5))
        self._pixels: tuple[int, ...] = ((), (6,), (5, 4))[int(self._rng.integers(3))]
        self._unit = 1.0  # the size of one step of the integers, if it is the same for all channels

    def model(self) -> onnx.ModelProto:
        shape = (self._channels, *self._pixels)
        x = "x"
        if self._recipe.input == "float":
            x = self._quantizer(x)
        elif "input_scale" in self._recipe.options:
            self._unit = 1 / 255
        for _ in range(int(self._rng.integers(1, 4))):
            if self._pixels and min(self._pixels) < 2:
                break
            x = self._quantizer(self._layer(x))
        if self._pixels:
            x = self._net.node("Flatten", self._affine(x, padded=False, whole=True))
            self._channels, self._pixels = self._channels * int(np.prod(self._pixels)), ()
        x = self._dense(self._affine(x, padded=False, whole=True))
        self._net.node("Add", x, self._net.constant(0.25))
        return self._net.model(shape, "y")

    def _per_channel(self, values: object) -> str:
        array = np.asarray(values, dtype=np.float32)
        return self._net.constant(array.reshape(-1, *[1] * len(self._pixels)) if array.size > 1 else array)

    def _quantizer(self, x: str) -> str:
        """Codes of 1 to 4 bits with one scale, or with that scale times powers of two; possibly zero points."""
        self._unit = float(self._rng.choice([0.5, 0.3, 1.7]))
        self._powers = self._rng.random() < 0.5
        if self._rng.random() < 0.2:
            return self._net.bipolar(x, self._unit)
        scale = np.float32(self._unit) * 2.0 ** self._rng.integers(-1, 2, self._channels if self._powers else 1)
        zero = self._rng.integers(-2, 3, self._channels) if self._rng.random() < 0.3 else 0
        names = [self._per_channel(scale), self._per_channel(zero), self._net.constant(self._rng.integers(2, 5))]
        options = {"signed": int(self._rng.random() < 0.5), "narrow": 0, "rounding_mode": "ROUND"}
        return self._net.node("Quant", x, *names, domain=DOMAIN, **options)

    def _affine(self, x: str, *, padded: bool, whole: bool) -> str:
        """Steps that the next layer supports; before pads, their constants are fractions of a step."""
        for _ in range(int(self._rng.integers(0, 3))):
            kind = str(self._rng.choice(["Mul", "Div", "Add", "Sub"]))
            some = self._channels if self._rng.random() < 0.5 else 1
            if kind in ("Mul", "Div"):
                value = self._rng.choice([0.5, 2, 0.25, -1], some) if whole else self._rng.choice([0.7, 3, -1.3], some)
                self._unit = float("nan") if some > 1 else self._unit * float(value[0]) ** (1 if kind == "Mul" else -1)
            elif padded and np.isnan(self._unit):
                continue
            elif padded:
                value = self._unit * self._rng.choice([-2, -0.5, 0.25, 1, 3], some)
            else:
                value = self._rng.normal(0, 1, some)
            names = [x, self._per_channel(value)]
            x = self._net.node(kind, *(names[::-1] if kind == "Add" else names))
        return x

    def _layer(self, x: str) -> str:
        if self._pixels and min(self._pixels) > 3 and self._rng.random() < 0.3:
            x = self._pool(x)
        if not self._pixels:
            return self._dense(self._affine(x, padded=False, whole=False))
        return self._conv(x) if self._rng.random() < 0.6 else self._depthwise(x)

    def _weights(self, *shape: int) -> str:
        scale = self._rng.choice([0.5, 0.1, 1.0], (shape[0], *[1] * (len(shape) - 1)))
        return self._net.constant(self._rng.integers(-3, 4, shape) * scale.astype(np.float32))

    def _dense(self, x: str) -> str:
        outputs = int(self._rng.integers(2, 6))
        weights = self._weights(outputs, self._channels)
        self._channels, self._unit = outputs, float("nan")
        return self._net.node("Gemm", x, weights, transB=1)

    def _slide(self, x: str, outputs: int, inputs: int, group: int, *, pads: int) -> str:
        axes = len(self._pixels)
        weights = self._weights(outputs, inputs, *[2] * axes)
        self._pixels = tuple(extent - 1 + 2 * pads for extent in self._pixels)
        self._channels, self._unit = outputs, float("nan")
        return self._net.node("Conv", x, weights, kernel_shape=[2] * axes, group=group, pads=[pads] * 2 * axes)

    def _conv(self, x: str) -> str:
        pads = int((self._rng.random() < 0.5 or min(self._pixels) < 3) and not np.isnan(self._unit))
        x = self._affine(x, padded=bool(pads), whole=True)
        return self._slide(x, int(self._rng.integers(2, 5)), self._channels, 1, pads=pads)

    def _depthwise(self, x: str) -> str:
        pads = int((self._rng.random() < 0.5 or min(self._pixels) < 3) and not np.isnan(self._unit))
        x = self._affine(x, padded=bool(pads), whole=False)
        return self._slide(x, self._channels * int(self._rng.integers(1, 3)), 1, self._channels, pads=pads)

    def _pool(self, x: str) -> str:
        kind = str(self._rng.choice(["MaxPool", "AveragePool"]))
        if kind == "AveragePool":
            x = self._affine(x, padded=False, whole=True)
        self._pixels, self._unit = tuple(extent - 1 for extent in self._pixels), float("nan")
        return self._net.node(kind, x, kernel_shape=[2] * len(self._pixels))
