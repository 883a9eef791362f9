"""Transposed convolutions as ONNX defines them: each pixel adds the kernel, times its value, to the output.

The reference implementation of onnx 1.22 does not run those with groups or with dilations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import onnx

from bnnfpga.golden.check.libraries import Unknown, attribute
from bnnfpga.golden.check.number import Array


def run_transposed(node: onnx.NodeProto, operands: Sequence[Array | None], opset: int) -> list[Array]:
    """Run a ConvTranspose on images (images, channels, ...) and weights (channels, outputs of a group, ...)."""
    del opset
    x, weights, bias = (*operands, None)[:3]
    assert x is not None
    assert weights is not None
    if attribute(node, "output_shape", None):
        raise Unknown("its output_shape determines its pads")
    axes, groups = x.ndim - 2, attribute(node, "group", 1)
    strides, dilations, more = (
        attribute(node, name, [default] * axes)
        for name, default in (("strides", 1), ("dilations", 1), ("output_padding", 0))
    )
    pads = attribute(node, "pads", [0] * 2 * axes)
    images, channels, *pixels = x.shape
    outputs, *kernel = weights.shape[1:]
    shape = [
        stride * (extent - 1) + (size - 1) * dilation + 1 + extra
        for extent, stride, size, dilation, extra in zip(pixels, strides, kernel, dilations, more, strict=True)
    ]
    whole = np.zeros((images, groups, outputs, *shape), dtype=np.result_type(x, weights))
    own, kernels = (
        x.reshape(images, groups, channels // groups, -1),
        weights.reshape(groups, -1, outputs, math.prod(kernel)),
    )
    for number, tap in enumerate(product(*map(range, kernel))):
        added = np.einsum("ngcp,gco->ngop", own, kernels[..., number]).reshape(images, groups, outputs, *pixels)
        reached = (
            slice(place * dilation, place * dilation + stride * (extent - 1) + 1, stride)
            for place, dilation, stride, extent in zip(tap, dilations, strides, pixels, strict=True)
        )
        whole[:, :, :, *reached] += added
    kept = (slice(pads[axis], shape[axis] - pads[axes + axis]) for axis in range(axes))
    result = whole.reshape(images, groups * outputs, *shape)[:, :, *kept]
    return [result if bias is None else result + bias.reshape(-1, *[1] * axes)]
