"""Kernels on images: which pixels each window covers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Geometry:
    """How a kernel slides over an image; pairs are (vertical, horizontal).

    Parameters
    ----------
    image
        Rows and columns; a 1-D signal has one row.
    kernel, stride, dilation
        As ONNX has them.
    pads
        Rows and columns added: top, left, bottom, right.
    """

    image: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def taps(self) -> int:
        """Pixels under the kernel."""
        return math.prod(self.kernel)

    @property
    def windows(self) -> tuple[int, int]:
        """Rows and columns of windows."""
        rows, columns = (
            (
                self.image[axis]
                + self.pads[axis]
                + self.pads[axis + 2]
                - self.dilation[axis] * (self.kernel[axis] - 1)
                - 1
            )
            // self.stride[axis]
            + 1
            for axis in (0, 1)
        )
        return rows, columns

    @property
    def is_identity(self) -> bool:
        """Whether each pixel is its own window."""
        return self.taps == 1 and self.stride == (1, 1) and not any(self.pads)

    @property
    def touches_pads(self) -> bool:
        """Whether any window reaches outside the image."""
        return any(
            index < 0 or index >= self.image[axis] for axis in (0, 1) for index in (self._at(axis, 0), self._last(axis))
        )

    @property
    def misses_image(self) -> bool:
        """Whether any window lies outside the image as a whole."""
        for axis in (0, 1):
            first = np.arange(self.windows[axis], dtype=np.int64) * self.stride[axis] - self.pads[axis]
            # The first pixel under the kernel that does not lie before the image.
            tap = np.maximum(0, -(first // self.dilation[axis]))
            if np.any((tap >= self.kernel[axis]) | (first + tap * self.dilation[axis] >= self.image[axis])):
                return True
        return False

    def _at(self, axis: int, window: int) -> int:
        """First row or column of a window."""
        return window * self.stride[axis] - self.pads[axis]

    def _last(self, axis: int) -> int:
        """Last row or column of the last window."""
        return self._at(axis, self.windows[axis] - 1) + self.dilation[axis] * (self.kernel[axis] - 1)

    def oldest(self) -> NDArray[np.int64]:
        """For each window in order, and after the last, how many pixels of the frame are no longer needed.

        These are the pixels before the window's first, but row 0 stays while a later row of windows overlaps it.
        """
        rows, columns = self.image
        top = np.arange(self.windows[0]) * self.stride[0] - self.pads[0]
        left = np.arange(self.windows[1]) * self.stride[1] - self.pads[1]
        first = np.clip(top, 0, rows)[:, None] * columns + np.clip(left, 0, columns)
        pixels = np.where((top + self.stride[0] <= 0)[:, None], 0, first).reshape(-1)
        return np.append(np.minimum(pixels, rows * columns), rows * columns)

    def newest(self) -> NDArray[np.int64]:
        """For each window in order, how many pixels of the frame must have arrived: all up to its last one inside."""
        rows, columns = self.image
        bottom = np.arange(self.windows[0]) * self.stride[0] - self.pads[0] + self.dilation[0] * (self.kernel[0] - 1)
        right = np.arange(self.windows[1]) * self.stride[1] - self.pads[1] + self.dilation[1] * (self.kernel[1] - 1)
        pixels = np.clip(bottom, 0, rows - 1)[:, None] * columns + np.clip(right, 0, columns - 1) + 1
        return pixels.reshape(-1)
