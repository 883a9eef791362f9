"""Whether a batch of images uses the input range of its accelerator."""

from __future__ import annotations

import numpy as np

from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.integers import IntArray, IntegerType

_MIN_SPAN, _MIN_LEVELS = 1 / 8, 1 / 16
"""The smallest plausible share of the input's range, and of the levels that a batch of its size could hold."""


def image_warnings(codes: IntArray, type: IntegerType, format: InputFormat) -> list[str]:
    """Warn, in a sentence, about images that are probably not scaled as the accelerator expects.

    Parameters
    ----------
    codes
        The accelerator's input integers, of any shape: the images themselves, or floats as quantised by the host.
    type
        The type of the accelerator's input.
    format
        The format of the images.
    """
    low, high = int(codes.min()), int(codes.max())
    if type.is_bipolar:
        if low < high or codes.size < 2:
            return []
        return [f"every element of the images is {low:+d} to the accelerator: {_advice(format)}"]
    used, levels = len(np.unique(codes)), min(type.hi - type.lo + 1, codes.size)
    if high - low >= _MIN_SPAN * (type.hi - type.lo) and used > _MIN_LEVELS * levels:
        return []
    opening = "the images hold" if format.type is not None else "the host quantises the images to"
    return [
        f"{opening} {used:,} different integer{'' if used == 1 else 's'}, from {low:,} to {high:,}, "
        f"where the accelerator takes {type.lo:,} to {type.hi:,}: {_advice(format)}"
    ]


def _advice(format: InputFormat) -> str:
    if format.type is None:
        return "give them as the model was trained, like pixels from 0 to 1 instead of 0 to 255"
    return f"they are taken as {format}; give raw integers, like pixels from 0 to 255, or compile with another --input"
