"""Reading a folder with a subfolder of images per class: `folder/cat/1.png`, `folder/dog/7.jpg`.

Images are decoded by Pillow, which comes with the extra `images`.
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.numbers.integers import IntArray

SUFFIXES = (".png", ".ppm", ".pgm", ".jpg", ".jpeg", ".bmp")
_FORMATS = ("PNG", "PPM", "JPEG", "BMP")
_INSTALL = "pip install 'bnnfpga[images]' (or pip install pillow)"


def class_folders(folder: Path) -> list[Path]:
    """The subfolders that hold images, in the order of their classes; may be empty.

    If all names are whole numbers, they are ordered as such; otherwise as text.
    """
    if not folder.is_dir():
        return []
    folders = [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and _images_in(entry)]
    if folders and all(entry.name.isdecimal() for entry in folders):
        return sorted(folders, key=lambda entry: int(entry.name))
    return folders


def read_image_folder(folder: Path) -> tuple[NDArray[Any], IntArray, tuple[str, ...]]:
    """Read images, labels and the names of the classes.

    Classes are interleaved, so that any number of first images covers them evenly. A folder whose name is a number
    holds that class; otherwise classes are numbered in the order of their names.

    Returns
    -------
    tuple
        Images, uint8 (images, H, W) or, in colour, (images, H, W, 3); labels, int64 (images,); class names by number.

    Raises
    ------
    UserError
        If Pillow is missing, or an image is damaged, differs in size from the first, or is neither grey nor RGB.
    """
    folders = class_folders(folder)
    numbers = _numbers(folders)
    by_class = [[(path, number) for path in _images_in(item)] for item, number in zip(folders, numbers, strict=True)]
    turns = zip_longest(*by_class)
    chosen = [entry for turn in turns for entry in turn if entry is not None]
    images: list[NDArray[np.uint8]] = []
    for path, _ in chosen:
        image = _read_image(path)
        if images and image.shape != images[0].shape:
            raise UserError(
                f"the image is {_size(image)}, but {chosen[0][0]} is {_size(images[0])}",
                where=str(path),
                hint="convert all images to the size and the colours that the model takes",
            )
        images.append(image)
    names = ["" for _ in range(max(numbers) + 1)]
    for item, number in zip(folders, numbers, strict=True):
        names[number] = item.name
    labels = np.array([number for _, number in chosen], dtype=np.int64)
    return np.stack(images), labels, tuple(names)


def _numbers(folders: list[Path]) -> list[int]:
    if not all(item.name.isdecimal() for item in folders):
        return list(range(len(folders)))
    numbers = [int(item.name) for item in folders]
    if len(set(numbers)) < len(numbers) or max(numbers) > 1 << 16:
        raise UserError(
            "two folders have the same class number, or one is far too large",
            where=str(folders[0].parent),
            hint="name the folders 0, 1, 2 and so on",
        )
    return numbers


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def _read_image(path: Path) -> NDArray[np.uint8]:
    try:
        from PIL import Image
    except ImportError as error:
        raise UserError("reading images needs Pillow", where=str(path), hint=_INSTALL) from error
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.mode not in ("1", "L", "RGB", "P"):
                raise UserError(
                    f"the image has the colour mode {image.mode}",
                    where=str(path),
                    hint="convert it to 8-bit grey or RGB",
                )
            mode = {"1": "L", "P": "RGB"}.get(image.mode, image.mode)
            return np.asarray(image.convert(mode), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"the image cannot be read: {error}", where=str(path), hint="write the file again") from error


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]} x {image.shape[0]} {'RGB' if image.ndim == 3 else 'grey'}"
