"""`bnnfpga eval`: its figures are those that a plain count gives, whatever form the data have."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.report.mistakes import MAX_SHOWN, mistakes_png, sample
from tests.support.data import EXAMPLES, random_digits, shared, to_idx

COUNT = 120


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> bnnfpga.Project:
    folder = tmp_path_factory.mktemp("eval") / "project"
    return bnnfpga.compile(
        EXAMPLES / "mnist_mlp" / "mlp_64.onnx", folder, input="uint8", input_scale="1/255", cycles=128
    )


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with IDX files, as MNIST has them; the labels are random."""
    folder = tmp_path_factory.mktemp("digits")
    labels = np.random.default_rng(3).integers(0, 10, COUNT, dtype=np.uint8)
    (folder / "t10k-images-idx3-ubyte").write_bytes(to_idx(random_digits(COUNT)[:, 0]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(to_idx(labels))
    return folder


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = run(app, [str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def decode_png(data: bytes) -> NDArray[np.uint8]:
    """The pixels of a PNG file as this project writes them; every checksum is checked."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(body)
        chunks[body[:4]] = body[4:]
        at += 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, kind, rest) == (8, 2, [0, 0, 0])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 3)


@pytest.mark.parametrize("backend", ["rtl", "hls", "emulator"])
def test_figures(
    project: bnnfpga.Project, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], backend: str
) -> None:
    picture = tmp_path / "wrong.png"
    options = ["--backend", backend, "--limit", 100, "--picture", picture, "--json"]
    status, out, err = call(capsys, "eval", project.folder, "--dataset", digits, *options)
    assert status == 0, err
    found = json.loads(out)
    labels = np.frombuffer((digits / "t10k-labels-idx1-ubyte").read_bytes()[8:], np.uint8)[:100].astype(int)
    images = random_digits(COUNT)[:100]
    predicted = project.simulate(images).classes
    assert found["images"] == 100
    assert found["accuracy"] == (labels == predicted).mean()
    assert found["images_per_second"] > 0
    confusion = np.zeros((10, 10), int)
    for label, taken in zip(labels, predicted, strict=True):
        confusion[label, taken] += 1
    assert found["confusion"] == confusion.tolist()
    for number, item in enumerate(found["classes"]):
        right = ((labels == number) & (predicted == number)).sum()
        assert item["support"] == (labels == number).sum()
        assert item["recall"] == pytest.approx(right / (labels == number).sum())
        taken = (predicted == number).sum()
        assert item["precision"] == (pytest.approx(right / taken) if taken else None)
    wrong = np.flatnonzero(labels != predicted)
    assert found["mistakes"] == len(wrong)
    expected = [{"image": i, "label": labels[i], "predicted": predicted[i]} for i in wrong.tolist()]
    assert found["first_mistakes"] == expected[:100]
    assert found["picture"] == str(picture)
    pixels = decode_png(picture.read_bytes())
    for index in (wrong[0], wrong[-1]):
        line = brightest(images[index, 0])[0].repeat(2)
        assert (np.lib.stride_tricks.sliding_window_view(pixels[:, :, 0], 56, axis=1) == line).all(axis=2).any()


def test_tables_and_notebook(project: bnnfpga.Project, digits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, "eval", project.folder, "--dataset", digits)
    assert status == 0, err
    assert re.search(r"accuracy +\d+\.\d\d %, \d+ wrong", out)
    assert "confusion" in out
    assert call(capsys, "eval", project.folder, "--dataset", digits, "--quiet") == (0, "", "")
    names = [f"digit {number}" for number in range(10)]
    told: list[tuple[int, int]] = []
    result = project.evaluate(
        random_digits(40), np.arange(40) % 10, names=names, progress=lambda *state: told.append(state)
    )
    assert told[0] == (0, 40)
    assert told[-1] == (40, 40)
    assert str(result).count("digit 7") == 2
    html = result._repr_html_()
    assert html.count("<pre>") == 1
    assert "data:image/png;base64," in html


def test_bar_only_on_a_terminal(
    project: bnnfpga.Project, digits: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, err = call(capsys, "eval", project.folder, "--dataset", digits)
    assert err.splitlines() == [f"evaluating {project.folder} (emulator) ..."]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    _, _, err = call(capsys, "eval", project.folder, "--dataset", digits)
    assert f"{COUNT}/{COUNT}" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", err)
    assert call(capsys, "eval", project.folder, "--dataset", digits, "--quiet") == (0, "", "")


def test_shapes(project: bnnfpga.Project) -> None:
    images, labels = random_digits(30), np.arange(30) % 10
    expected = project.evaluate(images, labels).predicted
    for shape in [(30, 28, 28), (30, 28, 28, 1), (30, 784)]:
        np.testing.assert_array_equal(project.evaluate(images.reshape(shape), labels).predicted, expected)


def test_what_is_refused(
    project: bnnfpga.Project, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*options: object, dataset: Path = digits) -> dict[str, str]:
        status, out, _ = call(capsys, "eval", project.folder, "--dataset", dataset, *options, "--json")
        assert status == 2
        error: dict[str, str] = json.loads(out)["error"]
        return error

    assert "no such file" in refused(dataset=tmp_path / "no")["message"]
    assert "at least 1" in refused("--limit", 0)["hint"]
    assert "PNG" in refused("--picture", tmp_path / "x.jpg")["message"]
    assert "does not exist" in refused("--picture", tmp_path / "no" / "x.png")["message"]
    np.savez(tmp_path / "labels.npz", images=random_digits(3), labels=np.array([1, 2, 10]))
    assert refused(dataset=tmp_path / "labels.npz")["message"] == "the array holds 1 to 10, expected 0 to 9"
    np.savez(tmp_path / "floats.npz", images=random_digits(3) / 255, labels=np.arange(3))
    assert "expected integers (uint8)" in refused(dataset=tmp_path / "floats.npz")["message"]
    np.savez(tmp_path / "small.npz", images=random_digits(3)[:, :, 4:], labels=np.arange(3))
    assert "expected (images, 1, 28, 28)" in refused(dataset=tmp_path / "small.npz")["message"]
    with pytest.raises(UserError, match="no backend 'silicon'"):
        project.evaluate(random_digits(2), np.arange(2), "silicon")
    assert list(tmp_path.glob("*.png")) == []


def brightest(image: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = float(image.min()), float(image.max())
    return np.rint((image - low) / (high - low) * 255).astype(np.uint8)


def test_a_picture_shows_all_classes() -> None:
    """Also where nearly all mistakes are of one class, and that comes first."""
    labels = np.array([0] * 300 + [2] * 5 + [1] * 60 + [0] * 10)
    predicted = np.array([3] * 150 + [1] * 150 + [0] * 5 + [2] * 60 + [0] * 10)
    shown = sample(labels, predicted)
    assert len(shown) == len(set(shown.tolist())) == MAX_SHOWN
    assert not np.any(labels[shown] == predicted[shown])
    assert np.bincount(labels[shown]).tolist() == [48, 47, 5]
    places = list(zip(labels[shown].tolist(), predicted[shown].tolist(), shown.tolist(), strict=True))
    assert sorted(places) == places
    # The first of each class.
    for number in range(3):
        chosen = shown[labels[shown] == number]
        np.testing.assert_array_equal(np.sort(chosen), np.flatnonzero(labels == number)[: len(chosen)])
    assert sample(labels, labels).tolist() == []
    assert sample(labels[:7], predicted[:7], 3).tolist() == [0, 1, 2]


def test_pictures_of_any_images() -> None:
    rng = np.random.default_rng(0)
    blank = decode_png(mistakes_png([], [], [], "nothing is wrong"))
    assert (blank == 255).all(axis=2).mean() > 0.8
    assert (blank == 0).any()  # the caption
    colours = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    last = decode_png(mistakes_png(list(colours), [1, 2, 3], [4, 5, 106], "x"))
    first = decode_png(mistakes_png(list(np.moveaxis(colours, 3, 1)), [1, 2, 3], [4, 5, 106], "x"))
    np.testing.assert_array_equal(first, last)
    many: list[NDArray[Any]] = [rng.normal(size=(5, 8)) for _ in range(100)]
    assert decode_png(mistakes_png(many, [0] * 100, [1] * 100, "x")).shape[1] == 10 * 72
    wide = decode_png(mistakes_png([rng.normal(size=(200, 300))], [0], [1], "a long caption " * 20))
    assert wide.shape[1] < 400
    # A name that nobody can draw, and one that is wider than the picture.
    named = mistakes_png(many[:1], [0], [1], "x", ["\N{SNOWMAN}", "a long name" * 50])
    assert decode_png(named).shape[0] > decode_png(mistakes_png(many[:1], [0], [1], "x")).shape[0]


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.float32])
def test_pictures_are_as_bright_as_they_can_be(kind: type[np.generic]) -> None:
    """Each by itself: dark ones beside bright ones, and such as use little of what their type can hold."""
    rng = np.random.default_rng(1)
    dark, bright = rng.integers(3, 6, (28, 28)).astype(kind), rng.integers(90, 120, (28, 28)).astype(kind)
    pixels = decode_png(mistakes_png([dark, bright], [1, 2], [3, 4], "x"))
    head = pixels.shape[0] - (64 + 18 + 4)
    for column, image in enumerate((dark, bright)):
        top, left = head + 18 + 4, column * 72 + 4 + 4
        tile = pixels[top : top + 56 : 2, left : left + 56 : 2]
        np.testing.assert_array_equal(tile, np.repeat(brightest(image)[:, :, None], 3, axis=2))
    constant = decode_png(mistakes_png([np.full((28, 28), 7, kind)], [1], [3], "x"))
    assert (constant == 128).all(axis=2).sum() == 56 * 56


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((784,), "vectors of 784 numbers"),
        ((1, 1, 784), "vectors of 784 numbers"),
        ((1, 784), "vectors of 784 numbers"),
        ((16, 4, 4), "16 x 4 x 4, which is neither grey nor coloured"),
        ((2, 8, 8), "2 x 8 x 8"),
        ((3, 2, 8, 8), "3 x 2 x 8 x 8"),
    ],
)
def test_there_is_no_picture_of_other_inputs(shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        mistakes_png([np.zeros(shape)], [0], [1], "x")
    assert caught.value.where == "--picture"


def test_vectors_are_evaluated_without_a_picture(
    project: bnnfpga.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = random_digits(30).reshape(30, 784), np.arange(30) % 10
    np.savez(tmp_path / "vectors.npz", images=images, labels=labels)
    options = ["eval", project.folder, "--dataset", tmp_path / "vectors.npz", "--json"]
    status, out, _ = call(capsys, *options, "--picture", tmp_path / "x.png")
    assert status == 2
    assert "vectors of 784 numbers" in json.loads(out)["error"]["message"]
    assert not (tmp_path / "x.png").exists()
    assert call(capsys, *options)[0] == 0
    assert "<img" not in project.evaluate(images, labels)._repr_html_()


def test_published_net_on_mnist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, data = shared("models/TFC_1W1A.onnx"), shared("data/mnist")
    bnnfpga.compile(model, tmp_path / "tfc", input="uint8", input_scale="1/255", cycles=64)
    status, out, _ = call(capsys, "eval", tmp_path / "tfc", "--dataset", data, "--json")
    assert status == 0
    found = json.loads(out)
    assert (found["images"], found["accuracy"]) == (10_000, 0.9296)
