"""A picture of wrongly classified images: a grid, each with its class in green and what it was taken for in red."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.report.png import encode_png

MOST = 100
"""Images in a picture."""
_TILE = 64
_MARGIN = 4
_ZOOM = 2
_LINE = 5 * _ZOOM + 2 * _MARGIN
_PAPER, _TRUE, _TAKEN = (255, 255, 255), (0, 128, 0), (200, 0, 0)
# Three by five dots a digit, a row after the other from the top.
_DIGITS = (
    "####.##.##.####",
    ".#.##..#..#.###",
    "###..#####..###",
    "###..####..####",
    "#.##.####..#..#",
    "####..###..####",
    "####..####.####",
    "###..#.#..#..#.",
    "####.#####.####",
    "####.####..####",
)


def mistakes_png(images: Sequence[NDArray[Any]], labels: Sequence[int], predicted: Sequence[int]) -> bytes:
    """The first images of those that are given, as a PNG file.

    Parameters
    ----------
    images
        Each (H, W), (C, H, W) or (H, W, C) with one or three channels, or a vector, which is shown as a square.
    labels, predicted
        The class of each, and the class that it was taken for.
    """
    count = min(len(images), MOST)
    columns = max(1, math.ceil(math.sqrt(count)))
    rows = max(1, -(-count // columns))
    width, height = _TILE + 2 * _MARGIN, _TILE + _LINE + _MARGIN
    page = np.full((rows * height, columns * width, 3), 255, dtype=np.uint8)
    low, high = _range(images[:count])
    for index in range(count):
        top, left = index // columns * height, index % columns * width + _MARGIN
        text = str(labels[index])
        _write(page, top + _MARGIN, left, text, _TRUE)
        _write(page, top + _MARGIN, left + 4 * _ZOOM * (len(text) + 1), str(predicted[index]), _TAKEN)
        tile = _fitted(_coloured(np.asarray(images[index]), low, high))
        y, x = top + _LINE + (_TILE - tile.shape[0]) // 2, left + (_TILE - tile.shape[1]) // 2
        page[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return encode_png(page)


def _range(images: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """What is black and what is white: for bytes 0 and 255, else the least and the greatest that there is."""
    if not images or images[0].dtype == np.uint8:
        return 0.0, 255.0
    low, high = min(float(image.min()) for image in images), max(float(image.max()) for image in images)
    return low, high if high > low else low + 1


def _coloured(image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """uint8 (height, width, 3)."""
    image = np.squeeze(image)
    if image.ndim == 3 and image.shape[0] == 3 and image.shape[2] != 3:
        image = np.moveaxis(image, 0, 2)
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        image = _square(image.ravel(), low)
    grey = np.clip((image.astype(np.float64) - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return grey if grey.ndim == 3 else np.repeat(grey[:, :, None], 3, axis=2)


def _square(values: NDArray[Any], filler: float) -> NDArray[np.float64]:
    side = math.ceil(math.sqrt(max(1, values.size)))
    padded = np.full(side * side, filler, dtype=np.float64)
    padded[: values.size] = values
    return padded.reshape(side, side)


def _fitted(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarged by a whole number or thinned out to a tile; no pixel is invented."""
    longest = max(image.shape[:2])
    if longest > _TILE:
        step = -(-longest // _TILE)
        return image[::step, ::step]
    zoom = _TILE // longest
    return image.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _write(page: NDArray[np.uint8], top: int, left: int, digits: str, colour: tuple[int, int, int]) -> None:
    for position, digit in enumerate(digits):
        dots = np.array([dot == "#" for dot in _DIGITS[int(digit)]]).reshape(5, 3)
        x = left + 4 * _ZOOM * position
        mask = dots.repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)
        area = page[top : top + mask.shape[0], x : x + mask.shape[1]]
        area[mask[: area.shape[0], : area.shape[1]]] = colour
