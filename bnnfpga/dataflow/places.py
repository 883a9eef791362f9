"""Places of pixels in a frame, from which follows how long beats wait where branches meet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bnnfpga.numbers.integers import IntArray


def displacement(needed: Sequence[IntArray], image: tuple[int, int]) -> float:
    """The most, in frames, by which the end of a pixel is behind that of the last input pixel that it needs, or before.

    Parameters
    ----------
    needed
        For each row and for each column of the output, that of the input.
    image
        Rows and columns of the input.
    """
    rows, columns = needed
    ends = (rows[:, None] * image[1] + columns + 1).reshape(-1) / (image[0] * image[1])
    starts = np.arange(ends.size) / ends.size
    return float(np.abs(ends - starts).max()) + 1 / ends.size
