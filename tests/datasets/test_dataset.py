"""Data sets in every form that people keep them in, and every way in which one can be wrong."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.datasets.dataset import load_dataset
from bnnfpga.host.images import fit_images
from tests.support.data import to_idx

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 5, 4), dtype=np.uint8)
LABELS = (np.arange(12) % 3).astype(np.uint8)


def write_idx(folder: Path, *names: str) -> None:
    for name, array in zip(names, (IMAGES, LABELS), strict=True):
        data = to_idx(array)
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def same(path: Path | str, *arguments: str | None) -> None:
    found = load_dataset(path, *arguments)
    np.testing.assert_array_equal(found.images, IMAGES)
    assert found.images.dtype == IMAGES.dtype
    np.testing.assert_array_equal(found.labels, LABELS)
    assert found.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
    ],
)
def test_folder_of_idx_files(tmp_path: Path, images: str, labels: str) -> None:
    write_idx(tmp_path, images, labels)
    same(tmp_path)


def test_split(tmp_path: Path) -> None:
    write_idx(tmp_path, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    with pytest.raises(UserError, match="no data set with train images"):
        load_dataset(tmp_path, split="train")
    write_idx(tmp_path, "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(to_idx(IMAGES[:, :2]))
    same(tmp_path)
    assert load_dataset(tmp_path, split="train").images.shape == (12, 2, 4)
    with pytest.raises(UserError, match="no split 'valid'"):
        load_dataset(tmp_path, split="valid")


@pytest.mark.parametrize("names", [("images", "labels"), ("x_test", "y_test"), ("X", "y"), ("data", "target")])
@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_numpy_files(tmp_path: Path, names: tuple[str, str], shape: tuple[int, ...]) -> None:
    np.savez(tmp_path / "d.npz", **dict(zip(names, (IMAGES, LABELS.reshape(shape)), strict=True)), more=np.zeros(3))
    same(tmp_path / "d.npz")
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(folder / f"{names[0]}.npy", IMAGES)
    np.save(folder / f"{names[1]}.npy", LABELS.reshape(shape))
    same(folder)
    same(folder / f"{names[0]}.npy", str(folder / f"{names[1]}.npy"))
    same(f"{tmp_path / 'd.npz'}:{names[0]}", f"{tmp_path / 'd.npz'}:{names[1]}")


def test_one_hot_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=IMAGES, labels=np.eye(3, dtype=np.float32)[LABELS])
    same(tmp_path / "d.npz")


def save(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "d.npz", **arrays)
    return folder / "d.npz"


def test_what_is_refused(tmp_path: Path) -> None:
    def refused(path: Path | str, match: str, *arguments: str) -> UserError:
        with pytest.raises(UserError, match=match) as caught:
            load_dataset(path, *arguments)
        return caught.value

    refused(tmp_path / "nothing", "no such file")
    assert "IDX" in str(refused(tmp_path, "no data set in this folder").hint)
    np.save(tmp_path / "x.npy", IMAGES)
    assert "--labels" in str(refused(tmp_path / "x.npy", "labels of these images are missing").hint)
    refused(tmp_path, r"labels of x\.npy are missing")
    unclear = refused(save(tmp_path, pictures=IMAGES, kinds=LABELS), "not clear which.*'kinds', 'pictures'")
    assert "d.npz:IMAGES" in str(unclear.hint)
    refused(save(tmp_path, images=IMAGES, labels=LABELS[:5]), "12 images, but 5 labels")
    refused(save(tmp_path, images=IMAGES, labels=LABELS.astype(np.float32)), r"labels are float32 of shape \(12,\)")
    refused(save(tmp_path, images=IMAGES, labels=np.ones((12, 3), np.uint8)), "not one-hot rows")
    refused(save(tmp_path, images=LABELS, labels=LABELS), r"images have shape \(12,\)")
    refused(save(tmp_path, images=IMAGES[:0], labels=LABELS[:0]), "no images")
    (tmp_path / "text.txt").write_text("hello")
    refused(tmp_path / "text.txt", "not an array file")


# -- folders of images -------------------------------------------------------------------------------------------------


def draw(path: Path, pixels: Any, **options: Any) -> None:
    image = pytest.importorskip("PIL.Image")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.fromarray(pixels).save(path, **options)


@pytest.mark.parametrize("suffix", ["png", "pgm", "bmp"])
def test_folders_of_images(tmp_path: Path, suffix: str) -> None:
    for index, (pixels, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        draw(tmp_path / f"{label}" / f"{index:02}.{suffix}", pixels)
    (tmp_path / "0" / "notes.txt").write_text("not an image")
    same(tmp_path)  # classes take turns, as they do in LABELS
    assert load_dataset(tmp_path).names == ("0", "1", "2")


def test_colours_names_and_numbers(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (2, 6, 7, 3), dtype=np.uint8)
    draw(tmp_path / "names" / "test" / "dog" / "1.ppm", colours[0])
    draw(tmp_path / "names" / "test" / "cat" / "1.png", colours[1])
    found = load_dataset(tmp_path / "names")
    np.testing.assert_array_equal(found.images, colours[::-1])
    assert found.names == ("cat", "dog")
    assert found.labels.tolist() == [0, 1]
    draw(tmp_path / "numbers" / "10" / "1.png", colours[0])
    draw(tmp_path / "numbers" / "2" / "1.png", colours[1])
    found = load_dataset(tmp_path / "numbers")
    assert found.labels.tolist() == [2, 10]
    assert found.names is not None
    assert found.names[10] == "10"
    draw(tmp_path / "lossy" / "a" / "1.jpg", np.full((8, 8, 3), 77, np.uint8))
    assert load_dataset(tmp_path / "lossy").images.shape == (1, 8, 8, 3)


def test_images_that_are_refused(tmp_path: Path) -> None:
    draw(tmp_path / "a" / "1.png", IMAGES[0])
    draw(tmp_path / "a" / "2.png", IMAGES[0, :3])
    with pytest.raises(UserError, match=r"the image is 4 x 3 grey, but .*1\.png is 4 x 5 grey"):
        load_dataset(tmp_path)
    (tmp_path / "a" / "2.png").write_bytes((tmp_path / "a" / "1.png").read_bytes()[:40])
    with pytest.raises(UserError, match="cannot be read") as caught:
        load_dataset(tmp_path)
    assert str(caught.value.where).endswith("2.png")
    (tmp_path / "a" / "2.png").unlink()
    draw(tmp_path / "a" / "3.png", np.zeros((5, 4, 4), np.uint8))
    with pytest.raises(UserError, match="colour mode RGBA"):
        load_dataset(tmp_path)
    (tmp_path / "a" / "3.png").unlink()
    for name in ("1", "01"):
        draw(tmp_path / "twice" / name / "1.png", IMAGES[0])
    with pytest.raises(UserError, match="same class number"):
        load_dataset(tmp_path / "twice")


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(UserError, match="needs Pillow") as caught:
        load_dataset(tmp_path)
    assert "bnnfpga[images]" in str(caught.value.hint)


# -- shapes ------------------------------------------------------------------------------------------------------------


def test_shapes_that_fit() -> None:
    flat = np.arange(2 * 60).reshape(2, 60)
    for given, wanted in [((60,), (60,)), ((6, 10), (1, 6, 10)), ((6, 10, 1), (1, 6, 10)), ((1, 6, 10), (60,))]:
        np.testing.assert_array_equal(fit_images(flat.reshape(2, *given), wanted), flat.reshape(2, *wanted))
    np.testing.assert_array_equal(fit_images(flat, (1, 6, 10)), flat.reshape(2, 1, 6, 10))
    last = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3)
    first = np.moveaxis(last, -1, 1)
    np.testing.assert_array_equal(fit_images(last, (3, 4, 5)), first)
    np.testing.assert_array_equal(fit_images(first, (3, 4, 5)), first)
    np.testing.assert_array_equal(fit_images(last, (60,), "nhwc"), first.reshape(2, 60))
    np.testing.assert_array_equal(fit_images(first, (60,), "nchw"), first.reshape(2, 60))
    cube = np.arange(2 * 27).reshape(2, 3, 3, 3)
    np.testing.assert_array_equal(fit_images(cube, (3, 3, 3)), cube)
    np.testing.assert_array_equal(fit_images(cube, (3, 3, 3), "nhwc"), np.moveaxis(cube, -1, 1))


@pytest.mark.parametrize(
    ("given", "wanted", "layout", "match"),
    [
        ((6, 10), (1, 10, 6), None, r"the array has shape \(2, 6, 10\), expected \(images, 1, 10, 6\)"),
        ((6, 10), (61,), None, r"expected \(images, 61\)"),
        ((4, 5, 3), (60,), None, "order is not clear"),
        ((4, 5, 3), (3, 5, 4), None, "expected"),
        ((4, 5, 3), (3, 4, 5), "nchw", "expected"),
        ((4, 5, 3), (3, 4, 5), "chwn", "not a layout"),
    ],
)
def test_shapes_that_do_not_fit(
    given: tuple[int, ...], wanted: tuple[int, ...], layout: str | None, match: str
) -> None:
    with pytest.raises(UserError, match=match):
        fit_images(np.zeros((2, *given)), wanted, layout)
