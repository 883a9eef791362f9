"""Model files that are cut, flipped or spread over several files."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.external_data_helper import set_external_data

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import load
from bnnfpga.frontend.reading.read import read_source
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.nets import DenseNet

NET = DenseNet((8, 6, 4), activation_bits=2, bias=True)


def _attempt(path: Path, data: bytes) -> str:
    """Load a model; what the refusal says, '' where there is none."""
    path.write_bytes(data)
    try:
        load(path)
    except UserError as error:
        return error.message if str(error.where).startswith(str(path)) else "the file is not named"
    return ""


def test_cut_anywhere(tmp_path: Path) -> None:
    data = NET.model().SerializeToString()
    whole = [size for size in range(len(data)) if not _attempt(tmp_path / "net.onnx", data[:size])]
    # A file that lacks nothing but its last field, the version of the quantizers, is complete.
    assert whole == [data.rindex(bytes([8 << 3 | 2]))]
    packed = gzip.compress(data, mtime=0)
    assert all(_attempt(tmp_path / "net.onnx", packed[:size]) for size in range(0, len(packed), 50))


def test_flipped_anywhere(tmp_path: Path) -> None:
    """Whatever a damaged file holds, it is refused by a sentence, or is another model."""
    data = NET.model().SerializeToString()
    rng = np.random.default_rng(0)
    for _ in range(1000):
        damaged = bytearray(data)
        damaged[rng.integers(len(data))] = rng.integers(256)
        assert _attempt(tmp_path / "net.onnx", bytes(damaged)) != "the file is not named"


def test_a_damaged_gzip_file(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(NET.model().SerializeToString(), mtime=0))
    packed[40] ^= 0xFF
    assert "damaged gzip" in _attempt(tmp_path / "net.onnx.gz", bytes(packed))


# -- tensors in other files --------------------------------------------------------------------------------------------


def spread(folder: Path, location: str = "net.data", *, attributes: bool = False) -> Path:
    """Write the net with all numbers in `location`, which may be anything, and the file itself where that is legal."""
    folder.mkdir(exist_ok=True)
    model = NET.model()
    if attributes:
        moved = model.graph.initializer.pop(0)
        model.graph.node.insert(0, onnx.helper.make_node("Constant", [], [moved.name], value=moved))
    path = folder / "net.onnx"
    tensors = [*model.graph.initializer, *([model.graph.node[0].attribute[0].t] if attributes else [])]
    data = b""
    for tensor in tensors:
        set_external_data(tensor, location, len(data), len(tensor.raw_data))
        data += tensor.raw_data
        tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())
    (folder / "net.data").write_bytes(data)
    return path


@pytest.mark.parametrize("attributes", [False, True])
def test_data_beside_the_model(tmp_path: Path, attributes: bool) -> None:
    path = spread(tmp_path / "a", attributes=attributes)
    source = read_source(path)
    # The source alone is the whole model, so that a project needs nothing else.
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(source.data)
    assert read_source(alone).proto == source.proto
    x = np.random.default_rng(0).standard_normal((16, 8), dtype=np.float32)
    whole = NET.write(tmp_path)
    for file in (path, alone):
        np.testing.assert_array_equal(
            GoldenModel(load(file)).run(x).outputs[0], GoldenModel(load(whole)).run(x).outputs[0]
        )


def test_data_below_the_model(tmp_path: Path) -> None:
    name = 'sub/two words $(touch pwned) "q"\n'
    path = spread(tmp_path, name)
    (tmp_path / "sub").mkdir()
    (tmp_path / "net.data").rename(tmp_path / name)
    assert load(path).nodes
    assert read_source(path).data != path.read_bytes()


def test_a_model_in_one_file_is_kept_byte_by_byte(tmp_path: Path) -> None:
    path = NET.write(tmp_path)
    assert read_source(path).data == path.read_bytes()


def _link(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent / "outside.data")


@pytest.mark.parametrize(
    ("location", "prepare", "message"),
    [
        ("net.data", lambda folder: (folder / "net.data").unlink(), "'net.data' is missing"),
        ("net.data", lambda folder: (folder / "net.data").write_bytes(b"cut"), "cannot be read"),
        ("net.data", lambda folder: (folder / "net.data").write_bytes(b""), "cannot be read"),
        ("nothing", None, "'nothing' is missing"),
        ("", None, "is missing"),
        (".", None, "is missing"),
        ("../outside.data", None, "'../outside.data' lies outside"),
        ("sub/../../outside.data", None, "lies outside"),
        ("/etc/passwd", None, "'/etc/passwd' lies outside"),
        ("link", _link, "'link' lies outside"),
        ("n" * 300, None, "cannot be read"),
        ("a\0b", None, "cannot be read"),
    ],
)
def test_data_that_is_not_there_or_not_the_models(
    tmp_path: Path, location: str, prepare: Callable[[Path], object] | None, message: str
) -> None:
    path = spread(tmp_path / "model", location)
    shutil.copy(path.with_name("net.data"), tmp_path / "outside.data")
    if prepare:
        prepare(path.parent)
    with pytest.raises(UserError) as caught:
        load(path)
    assert message in caught.value.message
    assert caught.value.where == f"{path}, tensor 'c0'"
    assert "onnx.save" in str(caught.value.hint)
