"""The golden model, compared with an independent reading of the unmodified file."""

from __future__ import annotations

import onnx

from bnnfpga.arithmetic import Floats
from bnnfpga.golden.check import Claims, FileReading, Scaled, joined, read_file
from bnnfpga.golden.model import GoldenModel

_FIRST = 16
_MOST_IMAGES, _MOST_ELEMENTS = 1024, 1 << 20
"""Images that are read at once: the first ones show how large the tensors are."""


def check_file(proto: onnx.ModelProto, golden: GoldenModel, x: Floats, values: Floats | None = None) -> FileReading:
    """Compare the golden model with the file that it was made of.

    Parameters
    ----------
    proto
        The unmodified model.
    golden
        The golden model of it.
    x
        float32 (images, *input shape): what the golden model takes, codes where its input is integers.
    values
        The model's input for these images, where that is something else.
    """
    values = x if values is None else values
    readings = []
    start, images = 0, _FIRST
    while start < len(x):
        part = slice(start, start + images)
        claims = _claims(golden, x[part])
        readings.append(read_file(proto, values[part], claims))
        start += images
        largest = max((tensor.integers[0].size for tensor in claims.integers.values()), default=1)
        images = min(_MOST_IMAGES, max(_FIRST, _MOST_ELEMENTS // max(1, largest, x[0].size)))
    return joined(readings)


def _claims(golden: GoldenModel, x: Floats) -> Claims:
    result = golden.run(x, golden.integer_tensors)
    integers = {name: Scaled(array, golden.scales(name)) for name, array in result.integers.items()}
    return Claims(integers, {golden.output_tensor: result.output}, result.classes)
