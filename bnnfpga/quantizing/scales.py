"""Scales of missing quantizers, from what their tensors are on calibration images."""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.golden.check import file_values
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.quantizing.file_operators import outputs_axis
from bnnfpga.quantizing.net_file import MissingQuantizer, levels_of
from bnnfpga.quantizing.placement import Placement, source

_PERCENTILE, _BINS = 99.99, 2048
"""The share of a tensor's numbers that its codes must hold, and the bins of its histogram."""
_FINEST = 16
"""The most by which the scale of a stream may be below that of others in the same sum."""
_TINY = np.float32(2.0**-100)
"""Smaller numbers count as zero: a histogram's bins and scales must be normal numbers."""
BATCH = 32


@dataclass(frozen=True)
class Span:
    """How large the numbers of a tensor are, without the largest few, and whether any is negative."""

    largest: float
    signed: bool


def batches(x: Floats) -> Iterator[Floats]:
    """Images in batches that fit into memory with all tensors of a net."""
    for start in range(0, len(x), BATCH):
        yield x[start : start + BATCH]


def measured_spans(proto: onnx.ModelProto, x: Floats, tensors: Collection[str]) -> dict[str, Span]:
    """The spans of tensors on images, by the percentiles of onnxruntime's calibrator.

    Raises
    ------
    UserError
        If a tensor cannot be evaluated.
    """
    from onnxruntime.quantization.calibrate import HistogramCollector

    if not tensors:
        return {}
    collector = HistogramCollector(
        method="percentile",
        symmetric=True,
        num_bins=_BINS,
        num_quantized_bins=levels_of(8, signed=True) + 1,
        percentile=_PERCENTILE,
        scenario="same",
    )
    lowest = dict.fromkeys(tensors, math.inf)
    with redirect_stdout(io.StringIO()):  # the calibrator prints
        for part in batches(x):
            values = file_values(proto, part, tensors)
            for name in tensors:
                if name not in values:
                    raise UserError(
                        "it cannot be evaluated, so its range is not known",
                        where=f"tensor {name!r}",
                        hint="put a quantizer there when you train",
                    )
                lowest[name] = min(lowest[name], float(values[name].min()))
            collector.collect({name: _measurable(values[name]) for name in tensors})
        found = collector.compute_collection_result()
    return {name: Span(float(np.abs(found[name][:2]).max()), lowest[name] < 0) for name in tensors}


def _measurable(values: NDArray[np.generic]) -> Floats:
    """Numbers as the calibrator takes them."""
    found = np.asarray(values, dtype=np.float32)
    return np.where(np.abs(found) < _TINY, np.float32(0), found)


def quantizers(placement: Placement, spans: Mapping[str, Span], bits: int) -> list[MissingQuantizer]:
    """The quantizers of a placement; where a tensor's span is not known, its scale is provisional."""
    steps = {tensor: _step(spans.get(tensor), bits) for tensor in placement.streams}
    groups = {tensor: placement.group(source(placement.file, tensor)) for tensor in placement.streams}
    largest: dict[str, float] = {}
    for tensor, group in groups.items():
        largest[group] = max(largest.get(group, 0.0), steps[tensor])
    grids: dict[str, float] = {}
    for tensor, scale in placement.grids.items():
        grids.setdefault(placement.group(tensor), scale)
    found = []
    for tensor, readers in placement.streams.items():
        group = groups[tensor]
        # The largest numbers of a group determine its grid; smaller ones get parts of its scale.
        common = largest[group] if group not in grids else _power(largest[group], grids[group])
        scale = max(_power(steps[tensor], common), common / _FINEST) if tensor in spans else grids.get(group, 1.0)
        signed = spans[tensor].signed if tensor in spans else True
        found.append(MissingQuantizer(tensor, tuple(readers), bits, signed, np.asarray(scale, dtype=np.float32)))
    for edge, weights in placement.weights.items():
        node = placement.file.node(edge[0])
        assert node is not None
        scales = weight_scales(weights, outputs_axis(node, weights), levels_of(bits, signed=True))
        found.append(MissingQuantizer(placement.file.tensor(edge), (edge,), bits, True, scales, weights=True))
    return found


def _step(span: Span | None, bits: int) -> float:
    """The smallest scale with which a tensor's codes hold its numbers."""
    return span.largest / levels_of(bits, signed=span.signed) if span is not None and span.largest else 1.0


def _power(step: float, grid: float) -> float:
    """The smallest power of two times the scale of a grid that is not below `step`."""
    return float(grid * 2.0 ** math.ceil(math.log2(step / grid)))


def weight_scales(weights: Floats, axis: int, levels: int) -> Floats:
    """The scale of each output's weights, float32 with as many axes as the weights; 1 where all are 0.

    That with the least squared error, of those with which the largest weight has a code from `levels` / 2 on.
    """
    others = tuple(at for at in range(weights.ndim) if at != axis)
    largest = np.abs(weights).max(axis=others, keepdims=True)
    best = np.ones_like(largest)
    least = np.full(largest.shape, np.inf)
    for level in range(levels, levels // 2, -1):
        scale = np.where(largest > 0, largest / np.float32(level), np.float32(1)).astype(np.float32)
        error = np.sum((np.rint(weights / scale) * scale - weights) ** 2, axis=others, keepdims=True)
        best, least = np.where(error < least, scale, best), np.minimum(error, least)
    return np.asarray(best, dtype=np.float32)
