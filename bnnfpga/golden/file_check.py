"""The golden model, compared with an independent reading of the unmodified file."""

from __future__ import annotations

import onnx

from bnnfpga.arithmetic import Floats
from bnnfpga.golden.check import Claims, FileReading, Scaled, joined, read_file
from bnnfpga.golden.model import GoldenModel

_CHUNK = 16
"""Images that are read at once."""


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
    for start in range(0, len(x), _CHUNK):
        part = slice(start, start + _CHUNK)
        readings.append(read_file(proto, values[part], _claims(golden, x[part])))
    return joined(readings)


def _claims(golden: GoldenModel, x: Floats) -> Claims:
    result = golden.run(x, golden.integer_tensors)
    integers = {name: Scaled(array, golden.scales(name)) for name, array in result.integers.items()}
    return Claims(integers, {golden.output_tensor: result.output}, result.classes)
