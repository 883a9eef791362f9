"""Comparing the golden model with an independent reading of the unmodified file."""

from __future__ import annotations

import numpy as np
import onnx

from bnnfpga.base.errors import ResultsDiffer
from bnnfpga.golden.check import Claims, FileReading, Scaled, joined, read_file
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.numbers.arithmetic import Floats

_FIRST = 16
_MAX_IMAGES, _MAX_ELEMENTS = 1024, 1 << 20
"""Maximum batch of images, after a first small one that shows how large the tensors are."""


def check_file(proto: onnx.ModelProto, golden: GoldenModel, x: Floats) -> FileReading:
    """Compare the golden model with the file that it was built from.

    Parameters
    ----------
    proto
        The unmodified model.
    golden
        The golden model of it.
    x
        float32 (images, *input shape): inputs of the golden model, codes if it takes integers.
    """
    input = golden.input_format
    if input.type is None and _takes_integers(proto):
        x = np.rint(x)
    readings = []
    start, images = 0, _FIRST
    while start < len(x):
        part = x[start : start + images]
        # The model's input is code * scale in float32.
        values = part if input.type is None else part * input.scale
        claims = _claims(golden, part)
        readings.append(read_file(proto, values, claims))
        start += images
        largest = max((tensor.integers[0].size for tensor in claims.integers.values()), default=1)
        images = min(_MAX_IMAGES, max(_FIRST, _MAX_ELEMENTS // max(1, largest, x[0].size)))
    return joined(readings)


def require_agreement(proto: onnx.ModelProto, golden: GoldenModel, x: Floats) -> FileReading:
    """Like `check_file`, before anything is written.

    Raises
    ------
    ResultsDiffer
        If they differ by more than a rounding tie.
    """
    reading = check_file(proto, golden, x)
    if reading.difference is not None:
        raise ResultsDiffer(
            f"the compiler reads this differently from what the file says: {reading.difference}",
            where=reading.difference.node,
            hint="nothing was written; please report it with the model",
        )
    return reading


def _takes_integers(proto: onnx.ModelProto) -> bool:
    """Whether the file declares an integer input."""
    constants = {tensor.name for tensor in proto.graph.initializer}
    kinds = [value.type.tensor_type.elem_type for value in proto.graph.input if value.name not in constants]
    return any(onnx.helper.tensor_dtype_to_np_dtype(kind).kind in "iu" for kind in kinds)


def _claims(golden: GoldenModel, x: Floats) -> Claims:
    result = golden.run(x, golden.integer_tensors)
    integers = {name: Scaled(array, golden.scales(name)) for name, array in result.integers.items()}
    for name in list(integers):
        if name in golden.turned:
            tensor, perm = golden.turned[name]
            integers.setdefault(tensor, integers[name].transposed(perm))
    ends = {name: result.end_values[value] for name, value in golden.end_tensors.items()}
    return Claims(integers, dict(zip(golden.output_tensors, result.outputs, strict=True)), ends)
