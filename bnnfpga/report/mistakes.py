"""A picture of misclassified images: a caption, and a grid of images with their true and predicted classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.numbers.integers import IntArray
from bnnfpga.report import font
from bnnfpga.report.png import encode_png

MAX_SHOWN = 100
"""Images in a picture at most."""
_TILE = 64
_MARGIN = 4
_ZOOM = 2
_LINE = font.HEIGHT * _ZOOM + 2 * _MARGIN
_MIN_WIDTH = 352
_INK, _TRUE, _PREDICTED = (0, 0, 0), (0, 128, 0), (200, 0, 0)
_GREY = 128


def sample(labels: IntArray, predicted: IntArray, most: int = MAX_SHOWN) -> IntArray:
    """Choose the images for a picture: the indices of up to `most` misclassified ones, evenly over the true classes.

    The first of each class are chosen; they are ordered by true class, then by predicted class.
    """
    wrong = np.flatnonzero(labels != predicted)
    # Each image's rank among the misclassified ones of its class.
    order = np.argsort(labels[wrong], kind="stable")
    _, starts, counts = np.unique(labels[wrong][order], return_index=True, return_counts=True)
    rank = np.empty(len(wrong), dtype=np.int64)
    rank[order] = np.arange(len(wrong)) - np.repeat(starts, counts)
    chosen = wrong[np.lexsort((labels[wrong], rank))[:most]]
    return chosen[np.lexsort((chosen, predicted[chosen], labels[chosen]))].astype(np.int64)


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse inputs that cannot be shown as a picture.

    Raises
    ------
    UserError
        If `shape`, that of one input, is not (H, W), (C, H, W) or (H, W, C) with one or three channels.
    """
    if not _is_picture(shape):
        size = " x ".join(map(str, shape))
        vector = len([extent for extent in shape if extent != 1]) < 2
        what = f"vectors of {math.prod(shape)} numbers" if vector else f"{size}, which is neither grey nor coloured"
        raise UserError(
            f"there is no picture of these inputs: they are {what}",
            where="--picture",
            hint="leave it out; --json lists the first mistakes"
            + ("" if not vector else ", and images in their own shape, rows and columns, can be shown"),
        )


def _is_picture(shape: tuple[int, ...]) -> bool:
    if len(shape) == 3:
        rows, columns = shape[:2] if shape[2] in (1, 3) else shape[1:]
        return (shape[2] in (1, 3) or shape[0] in (1, 3)) and rows > 1 and columns > 1
    return len(shape) == 2 and min(shape) > 1


def mistakes_png(
    images: Sequence[NDArray[Any]],
    labels: Sequence[int],
    predicted: Sequence[int],
    caption: str,
    names: Sequence[str] | None = None,
) -> bytes:
    """Render images as a PNG file, each with its contrast stretched to the full range.

    Parameters
    ----------
    images
        Each (H, W), (C, H, W) or (H, W, C) with one or three channels.
    labels, predicted
        The true and the predicted class of each image.
    caption
        Text at the top of the picture.
    names
        The names of the classes, by number.

    Raises
    ------
    UserError
        If they cannot be shown as images.
    """
    for image in images[:1]:
        check_shape(image.shape)
    columns = max(1, math.ceil(math.sqrt(len(images))))
    rows = -(-len(images) // columns)
    width, height = _TILE + 2 * _MARGIN, _TILE + _LINE + _MARGIN
    whole = max(columns * width, _MIN_WIDTH)
    header = [(line, _INK) for line in _wrapped(caption.split(" "), whole)]
    header += [("green: its class", _TRUE), ("red: what it was taken for", _PREDICTED)]
    if names is not None:
        used = [number for number in sorted({*labels, *predicted}) if number < len(names)]
        called = [f"{number}: {names[number]}" for number in used if names[number] != str(number)]
        header += [(line, _INK) for line in _wrapped(called, whole, between="   ")]
    head = len(header) * _LINE + _MARGIN
    page = np.full((head + rows * height, whole, 3), 255, dtype=np.uint8)
    for number, (line, colour) in enumerate(header):
        _write(page, number * _LINE + _MARGIN, _MARGIN, line, colour)
    for index, image in enumerate(images):
        top, left = head + index // columns * height, index % columns * width + _MARGIN
        end = _write(page, top + _MARGIN, left, str(labels[index]), _TRUE)
        _write(page, top + _MARGIN, end + 2 * _MARGIN, str(predicted[index]), _PREDICTED)
        tile = _fitted(_coloured(np.asarray(image)))
        y, x = top + _LINE + (_TILE - tile.shape[0]) // 2, left + (_TILE - tile.shape[1]) // 2
        page[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return encode_png(page)


def _coloured(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Stretch an image to uint8 (height, width, 3), from black at its minimum to white at its maximum."""
    if image.ndim == 3 and image.shape[2] not in (1, 3):
        image = np.moveaxis(image, 0, 2)
    values = image.astype(np.float64)
    low, high = values.min(), values.max()
    bright = np.rint((values - low) / (high - low) * 255) if high > low else np.full(image.shape, _GREY)
    return np.broadcast_to(bright if image.ndim == 3 else bright[:, :, None], (*image.shape[:2], 3)).astype(np.uint8)


def _fitted(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fit an image to a tile by repeating or dropping whole pixels, without interpolation."""
    longest = max(image.shape[:2])
    if longest > _TILE:
        step = -(-longest // _TILE)
        return image[::step, ::step]
    zoom = _TILE // longest
    return image.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _wrapped(parts: Sequence[str], width: int, between: str = " ") -> list[str]:
    """Wrap parts into lines of at most `width` pixels; a longer part gets a line of its own."""
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}{between}{part}" if lines else ""
        if lines and font.dots(longer).shape[1] * _ZOOM <= width - 2 * _MARGIN:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _write(page: NDArray[np.uint8], top: int, left: int, text: str, colour: tuple[int, int, int]) -> int:
    """Write as much of a line as fits; returns the column where the line ends."""
    mask = font.dots(text).repeat(_ZOOM, axis=0).repeat(_ZOOM, axis=1)
    area = page[top : top + mask.shape[0], left : left + mask.shape[1]]
    area[mask[: area.shape[0], : area.shape[1]]] = colour
    return left + int(mask.shape[1])
