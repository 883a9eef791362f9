"""Optional data and models: in the folder `shared` beside the checkout, or in `BNNFPGA_SHARED`."""

from __future__ import annotations

import os
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bnnfpga.datasets.arrays import load_array
from bnnfpga.datasets.idx import ELEMENT_TYPES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
FIXTURES = ROOT / "tests" / "fixtures"
SHARED = Path(os.environ.get("BNNFPGA_SHARED", ROOT.parent / "shared"))


def shared(name: str) -> Path:
    """A file of the shared folder; skips the test if it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs {name} (set BNNFPGA_SHARED)")
    return path


@cache
def mnist_test_set() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """uint8 (10000, 1, 28, 28) and its labels."""
    folder = shared("data/mnist")
    images = load_array(str(folder / "t10k-images-idx3-ubyte.gz")).reshape(-1, 1, 28, 28)
    return images, load_array(str(folder / "t10k-labels-idx1-ubyte.gz"))


def random_digits(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """uint8 (count, 1, 28, 28) with the contrast of digits, for tests that need pixels but no meaning."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((count, 1, 28, 28)) < 0.2, rng.integers(0, 256, (count, 1, 28, 28)), 0).astype(np.uint8)


def to_idx(array: np.ndarray[Any, Any]) -> bytes:
    """The bytes of an IDX file with this array."""
    code = {np.dtype(name).newbyteorder("=").str: code for code, name in ELEMENT_TYPES.items()}[array.dtype.str]
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()
