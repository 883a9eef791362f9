"""Reading CIFAR-10 as arrays from its usual files. No training, no torch."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.datasets.dataset import load_dataset

IMAGE_SHAPE = (3, 32, 32)
BATCHES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def read_cifar(path: Path, split: str) -> tuple[Images, Labels]:
    """Images, uint8 of shape (N, 3, 32, 32), and labels, int64 of shape (N,).

    Parameters
    ----------
    path
        The folder of the Python batches as CIFAR-10 is published (``data_batch_1`` and so on), or a
        .npz file with the arrays `x`, images of shape (N, 3, 32, 32) or (N, 32, 32, 3), and `y`, labels.
    split
        Which batches to read, "train" or "test"; ignored for a .npz file.
    """
    if path.is_dir():
        parts = [_read_batch(path / name) for name in BATCHES[split]]
        images = np.concatenate([part[0] for part in parts])
        labels = np.concatenate([part[1] for part in parts])
    else:
        dataset = load_dataset(f"{path}:x", f"{path}:y")
        images, labels = dataset.images, dataset.labels
    if images.ndim == 4 and images.shape[1:] == (32, 32, 3):
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if images.shape[1:] != IMAGE_SHAPE or images.dtype != np.uint8:
        raise SystemExit(
            f"{path} has images of shape {images.shape[1:]} and type {images.dtype}, not uint8 (3, 32, 32)"
        )
    return images, labels


class _ArraysOnly(pickle.Unpickler):
    """Unpickles dictionaries of arrays and nothing else, since a pickle may call any function."""

    _KNOWN = {"ndarray": np.ndarray, "dtype": np.dtype, "_reconstruct": np.zeros(0).__reduce__()[0]}  # noqa: RUF012

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name in self._KNOWN:
            return self._KNOWN[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not an array")


def _read_batch(path: Path) -> tuple[Images, Labels]:
    try:
        with path.open("rb") as file:
            batch = _ArraysOnly(file, encoding="bytes").load()
        return batch[b"data"].reshape(-1, *IMAGE_SHAPE), np.array(batch[b"labels"], np.int64)
    except FileNotFoundError:
        raise SystemExit(f"{path} is missing; give the folder with {BATCHES['train'][0]} and the others") from None
    except (pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise SystemExit(f"{path} is not a batch of CIFAR-10: {error}") from None
