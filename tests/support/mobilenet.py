"""MobileNetV1 as defined and exported by Brevitas, with random weights and without torch."""

from __future__ import annotations

import numpy as np
import onnx

from tests.support.nets import DOMAIN, NetWriter

_STAGES = ([64], [128, 128], [256, 256], [512] * 6, [1024] * 2)
_STEPS = 15
"""The largest code of the activations, which have 4 bits."""


def mobilenet(width: float = 1.0, size: int = 224, classes: int = 1000, seed: int = 0) -> onnx.ModelProto:
    """Pixels over 255 to scores; weights and activations of 4 bits, those of the first layer of 8.

    Activations before depthwise layers have a scale per channel, except in the last stage; the final average is
    truncated.
    """
    rng = np.random.default_rng(seed)
    net = NetWriter()
    channels = int(32 * width)
    x, unit = _block(net, rng, "x", (channels, 3, 3, 3), bits=8, strides=2, first=True, each=True)
    for number, stage in enumerate(_STAGES):
        for place, outputs in enumerate(int(count * width) for count in stage):
            stride = 2 if number and not place else 1
            x, unit = _block(net, rng, x, (channels, 1, 3, 3), strides=stride, pads=1)
            each = number < len(_STAGES) - 1
            x, unit = _block(net, rng, x, (outputs, channels, 1, 1), each=each)
            channels = outputs
    kernel = size // 32
    x = net.node("AveragePool", x, kernel_shape=[kernel, kernel])
    bits = 4 + int(np.ceil(np.log2(kernel * kernel)))
    operands = (unit / 2 ** (bits - 4), 0, bits, unit, 4)
    options = {"rounding_mode": "FLOOR", "signed": 0, "narrow": 0}
    x = net.node("Trunc", x, *map(net.constant, operands), domain=DOMAIN, **options)
    x = net.node("Reshape", x, net.constant([1, -1], np.int64))
    weights = net.quant(net.constant(rng.normal(0, 0.3, (classes, channels))), 4, scale=0.1, signed=True, narrow=True)
    bias = net.quant(net.constant(rng.normal(0, 1, classes)), 32, scale=float(np.float32(unit) * 0.1), signed=True)
    net.node("Gemm", x, weights, bias, transB=1)
    return net.model((3, size, size), "y", qonnx=2)


def _block(
    net: NetWriter,
    rng: np.random.Generator,
    x: str,
    shape: tuple[int, ...],
    *,
    first: bool = False,
    bits: int = 4,
    strides: int = 1,
    pads: int = 0,
    each: bool = False,
) -> tuple[str, float]:
    """Convolution, batch norm, Relu and quantizer; also returns the step of the result if all channels share one."""
    outputs, group = shape[0], shape[0] if shape[1] == 1 and shape[2] > 1 else 1
    scale = rng.uniform(0.5, 1.5, (outputs, 1, 1, 1)) / 2 ** (bits - 1)
    latent = rng.normal(0, 0.5, shape)
    operands = map(net.constant, (latent, scale, 0, bits))
    weights = net.node("Quant", *operands, domain=DOMAIN, signed=1, narrow=1, rounding_mode="ROUND")
    x = net.node("Conv", x, weights, strides=[strides] * 2, pads=[pads] * 4, group=group, kernel_shape=shape[2:])
    # Approximately the statistics after training: of pixels, or of a rectified normal distribution.
    mean, variance = (0.5, 1 / 12) if first else (0.4, 0.34)
    most = 2 ** (bits - 1) - 1
    rows = (np.clip(np.rint(latent / scale), -most, most) * scale).reshape(outputs, -1)
    statistics = rows.sum(axis=1) * mean, np.square(rows).sum(axis=1) * variance + 0.01
    numbers = rng.uniform(0.5, 1.5, outputs), rng.normal(0, 0.3, outputs), *statistics
    x = net.node("BatchNormalization", x, *map(net.constant, numbers), epsilon=1e-5)
    unit = float(np.float32(2.5 / _STEPS))
    scales = np.float32(unit) * rng.uniform(0.6, 1.4, (1, outputs, 1, 1)) if each else np.float32(unit)
    options = {"signed": 0, "narrow": 0, "rounding_mode": "ROUND"}
    x = net.node("Quant", net.node("Relu", x), *map(net.constant, (scales, 0, 4)), domain=DOMAIN, **options)
    return x, unit
