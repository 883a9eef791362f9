"""Reading labelled images in the forms in which data sets are usually stored.

A data set is a folder or a file: a folder with IDX or NumPy files under their usual names, a folder with a subfolder of
images per class, a .npz file with both arrays, or a file of images and a file of labels.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.datasets.arrays import load_array
from bnnfpga.datasets.image_folder import class_folders, read_image_folder
from bnnfpga.numbers.integers import IntArray

SPLITS = ("test", "train")
_IDX_PREFIXES = {"test": ("t10k", "test"), "train": ("train",)}
_PAIRS = {
    "test": (("x_test", "y_test"), ("X_test", "y_test"), ("test_images", "test_labels"), ("test_x", "test_y")),
    "train": (("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"), ("train_x", "train_y")),
}
_PLAIN_PAIRS = (
    ("x", "y"),
    ("X", "y"),
    ("X", "Y"),
    ("images", "labels"),
    ("data", "labels"),
    ("data", "target"),
    ("data", "targets"),
    ("image", "label"),
    ("arr_0", "arr_1"),
)
_HINT = (
    "give a folder with IDX files (t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, also .gz) or images.npy and "
    "labels.npy, a folder with a subfolder of images for each class, a .npz file with both arrays, or a file of images "
    "with --labels"
)


@dataclass(frozen=True)
class Dataset:
    """Images and their classes.

    Parameters
    ----------
    images
        The images as stored, along the first axis.
    labels
        The class of each image, int64 (images,).
    names
        The names of the classes, by number; None if the data do not contain them.
    """

    images: NDArray[Any]
    labels: IntArray
    names: tuple[str, ...] | None = None

    def first(self, count: int | None) -> Dataset:
        """The first `count` images, or all of them."""
        return self if count is None else Dataset(self.images[:count], self.labels[:count], self.names)


def load_dataset(
    path: str | os.PathLike[str], labels: str | os.PathLike[str] | None = None, split: str | None = None
) -> Dataset:
    """Read a data set.

    Parameters
    ----------
    path
        A folder or a file, see this module's docstring.
    labels
        A file of labels; `path` must then be a file of images.
    split
        `test` or `train`, if the data have both; None prefers the test images.

    Raises
    ------
    UserError
        If there is no data set, it is ambiguous or damaged, or images and labels do not match.
    """
    if split is not None and split not in SPLITS:
        raise UserError(f"there is no split {split!r}", where="--split", hint=f"give {' or '.join(SPLITS)}")
    where = os.fspath(path)
    if labels is not None:
        return _checked(load_array(path), load_array(labels), where)
    if Path(path).is_dir():
        return _from_folder(Path(path), split)
    if (pair := _npz_pair(where, split)) is not None:
        return _checked(load_array(f"{where}:{pair[0]}"), load_array(f"{where}:{pair[1]}"), where)
    load_array(path)  # A file that is not an array gets its own error.
    raise UserError("the labels of these images are missing", where=where, hint="name their file with --labels")


def _from_folder(folder: Path, split: str | None) -> Dataset:
    try:
        files = {entry.name: entry for entry in folder.iterdir() if entry.is_file()}
    except OSError as error:
        raise UserError(
            f"cannot read the folder: {error.strerror}", where=str(folder), hint="give a folder that you may read"
        ) from error
    lone: tuple[Path, str] | None = None
    splits = SPLITS if split is None else (split,)
    for candidate in splits:
        for images, labels in _file_pairs(candidate, plain=split is None):
            x, y = (next((files[name] for name in names if name in files), None) for names in (images, labels))
            if x is not None and y is not None:
                return _checked(load_array(x), load_array(y), str(folder))
            if x is not None:
                lone = lone or (x, labels[0])
    if lone is not None:
        raise UserError(
            f"the labels of {lone[0].name} are missing",
            where=str(folder),
            hint=f"put {lone[1]} beside it, or name their file with --labels",
        )
    for candidate in splits:
        if class_folders(folder / candidate):
            return _from_images(folder / candidate)
    if split is None and class_folders(folder):
        return _from_images(folder)
    what = "" if split is None else f" with {split} images"
    raise UserError(f"there is no data set{what} in this folder", where=str(folder), hint=_HINT)


def _from_images(folder: Path) -> Dataset:
    images, labels, names = read_image_folder(folder)
    return Dataset(images, labels, names)


def _file_pairs(split: str, *, plain: bool) -> list[tuple[list[str], list[str]]]:
    """Pairs of possible names for the image file and for the label file, the most usual first."""
    pairs = []
    for prefix in _IDX_PREFIXES[split]:
        stems = [(f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte")]
        stems.append((f"{prefix}-images.idx3-ubyte", f"{prefix}-labels.idx1-ubyte"))
        pairs += [tuple([stem, f"{stem}.gz"] for stem in both) for both in stems]
    pairs += [([f"{x}.npy"], [f"{y}.npy"]) for x, y in _PAIRS[split]]
    if plain:
        pairs += [([f"{x}.npy"], [f"{y}.npy"]) for x, y in _PLAIN_PAIRS]
    return pairs  # type: ignore[return-value]


def _npz_pair(where: str, split: str | None) -> tuple[str, str] | None:
    """The names of a .npz file's arrays of images and of labels; None if it is not a .npz file."""
    try:
        with zipfile.ZipFile(where) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        return None
    splits = SPLITS if split is None else (split,)
    candidates = [pair for name in splits for pair in _PAIRS[name]]
    pair = _first_pair(candidates, names) or (_first_pair(_PLAIN_PAIRS, names) if split is None else None)
    if pair is None:
        listed = ", ".join(f"'{name}'" for name in sorted(names)) or "nothing"
        what = "images and labels" if split is None else f"{split} images and labels"
        raise UserError(
            f"it is not clear which of its arrays are {what}; it has {listed}",
            where=where,
            hint=f"name both: --dataset {where}:IMAGES --labels {where}:LABELS",
        )
    return pair


def _first_pair(pairs: Sequence[tuple[str, str]], names: set[str]) -> tuple[str, str] | None:
    return next((pair for pair in pairs if names.issuperset(pair)), None)


def _checked(images: NDArray[Any], labels: NDArray[Any], where: str) -> Dataset:
    if images.ndim < 2:
        raise UserError(
            f"the images have shape {images.shape}; the first axis must be the image, and others follow",
            where=where,
            hint="store them as (images, ...)",
        )
    labels = _class_numbers(labels, where)
    if len(images) != len(labels):
        raise UserError(
            f"there are {len(images)} images, but {len(labels)} labels",
            where=where,
            hint="give the labels of these images",
        )
    if len(images) == 0:
        raise UserError("there are no images in it", where=where, hint="give at least one")
    return Dataset(images, labels)


def _class_numbers(labels: NDArray[Any], where: str) -> IntArray:
    """Labels as int64 (images,), from class numbers or one-hot rows."""
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind in "iufb":
        if not (np.all((labels == 0) | (labels == 1)) and np.all(labels.sum(axis=1) == 1)):
            raise UserError(
                f"the labels have shape {labels.shape}, but are not one-hot rows",
                where=where,
                hint="give a class number for each image, or one-hot rows",
            )
        return np.asarray(labels.argmax(axis=1), dtype=np.int64)
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if flat.ndim != 1 or flat.dtype.kind not in "iu":
        raise UserError(
            f"the labels are {labels.dtype} of shape {labels.shape}",
            where=where,
            hint="give a whole number for each image: its class, from 0 on",
        )
    return flat.astype(np.int64)
