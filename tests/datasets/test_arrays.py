"""Reading arrays: every format, and every way in which a file can be wrong."""

from __future__ import annotations

import contextlib
import gzip
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bnnfpga.base.errors import UserError
from bnnfpga.base.output_files import require_writable
from bnnfpga.datasets.arrays import load_array, save_npy
from bnnfpga.datasets.idx import parse_idx
from tests.support.data import to_idx

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def assert_same(got: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    assert np.array_equal(got, expected)


def write_pickled(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def test_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    assert_same(load_array(tmp_path / "x.npy"), IMAGES)


def test_npy_whatever_its_name(tmp_path: Path) -> None:
    with (tmp_path / "images").open("wb") as file:
        np.save(file, IMAGES)
    assert_same(load_array(str(tmp_path / "images")), IMAGES)


def test_npz_with_one_array(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", images=IMAGES)
    assert_same(load_array(tmp_path / "x.npz"), IMAGES)
    assert_same(load_array(f"{tmp_path}/x.npz:images"), IMAGES)


def test_npz_with_several_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=IMAGES, labels=np.array([3, 4]))
    assert_same(load_array(f"{tmp_path}/x.npz:labels"), np.array([3, 4]))
    with pytest.raises(UserError, match="which array of this file; it has 'images', 'labels'") as caught:
        load_array(tmp_path / "x.npz")
    assert caught.value.hint == f"write {tmp_path}/x.npz:NAME"
    with pytest.raises(UserError, match="no array 'pixels'; it has 'images', 'labels'"):
        load_array(f"{tmp_path}/x.npz:pixels")


def test_empty_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz")
    with pytest.raises(UserError):
        load_array(tmp_path / "x.npz")


def test_file_whose_name_looks_like_a_choice(tmp_path: Path) -> None:
    with (tmp_path / "x.npz:images").open("wb") as file:
        np.save(file, IMAGES)
    assert_same(load_array(f"{tmp_path}/x.npz:images"), IMAGES)


@given(npst.arrays(st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]), npst.array_shapes(max_dims=4, min_side=0)))
def test_idx_round_trip(array: np.ndarray[Any, Any]) -> None:
    got = parse_idx(to_idx(array), "x")
    assert got.dtype == array.dtype
    assert got.tobytes() == array.tobytes()


def test_idx_files(tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(to_idx(IMAGES))
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(gzip.compress(to_idx(IMAGES)))
    assert_same(load_array(tmp_path / "images-idx3-ubyte"), IMAGES)
    assert_same(load_array(tmp_path / "images-idx3-ubyte.gz"), IMAGES)


def test_compressed_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    (tmp_path / "x.npy.gz").write_bytes(gzip.compress((tmp_path / "x.npy").read_bytes()))
    assert_same(load_array(tmp_path / "x.npy.gz"), IMAGES)


@pytest.mark.parametrize(
    ("cut", "problem"), [(5, "header"), (15, "header"), (16, "holds 0"), (17, "holds 1"), (39, "holds 23")]
)
def test_truncated_idx(tmp_path: Path, cut: int, problem: str) -> None:
    (tmp_path / "x").write_bytes(to_idx(IMAGES)[:cut])
    with pytest.raises(UserError, match=problem) as caught:
        load_array(tmp_path / "x")
    assert caught.value.where == str(tmp_path / "x")


def test_idx_with_bytes_left_over(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(to_idx(IMAGES) + b"\0")
    with pytest.raises(UserError, match=r"announces 24 bytes of data, shape \(2, 3, 4\), but holds 25"):
        load_array(tmp_path / "x")


def test_damaged_idx_that_announces_petabytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes([0, 0, 0x0E, 4]) + b"\xff" * 16 + b"\0" * 8)
    with pytest.raises(UserError, match="announces"):
        load_array(tmp_path / "x")


def test_npy_header_that_announces_petabytes(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 16)
    with pytest.raises(UserError, match="damaged"):
        load_array(tmp_path / "x.npy")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    write_pickled(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", a=np.array([{"a": 1}], dtype=object))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(UserError, match="holds Python objects, which are never loaded"):
            load_array(tmp_path / name)


@pytest.mark.parametrize("keep", [6, 20, 130])
def test_truncated_npy(tmp_path: Path, keep: int) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:keep])
    with pytest.raises(UserError, match="damaged"):
        load_array(tmp_path / "x.npy")


def test_truncated_archives(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=IMAGES)
    (tmp_path / "x.npz").write_bytes((tmp_path / "x.npz").read_bytes()[:-30])
    (tmp_path / "x.gz").write_bytes(gzip.compress(to_idx(IMAGES))[:-10])
    for name in ("x.npz", "x.gz"):
        with pytest.raises(UserError, match="damaged"):
            load_array(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"\0", b"1,2,3\n", b"\x89PNG\r\n\x1a\n", b"\0\0\x07\x01\0\0\0\0"])
def test_what_is_no_array_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match="not an array file that can be read") as caught:
        load_array(tmp_path / "x")
    assert "IDX" in str(caught.value.hint)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load_array(tmp_path / "x.npy")
    with pytest.raises(UserError, match="folder"):
        load_array(tmp_path)
    np.save(tmp_path / "x.npy", IMAGES)
    with pytest.raises(UserError, match="no such file"):
        load_array(f"{tmp_path}/y.npz:images")


def test_a_choice_in_what_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    with pytest.raises(UserError, match=r"not a \.npz file, so there is no array 'images'"):
        load_array(f"{tmp_path}/x.npz:images")


@given(
    st.binary(max_size=200), st.sampled_from([b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x1f\x8b\x08", b"\0\0\x08\x02"])
)
def test_garbage_is_a_mistake_of_the_users_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / f"garbage-{os.getpid()}"
    path.write_bytes(start + garbage)
    with contextlib.suppress(UserError):
        load_array(path)


def test_save_and_load(tmp_path: Path) -> None:
    for name in ("x.npy", "scores"):
        save_npy(tmp_path / name, IMAGES)
        assert_same(load_array(tmp_path / name), IMAGES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores", "x.npy"]


def test_save_that_fails_keeps_the_older_file(tmp_path: Path) -> None:
    save_npy(tmp_path / "x.npy", IMAGES)
    with pytest.raises(ValueError, match="allow_pickle"):
        save_npy(tmp_path / "x.npy", np.array([object()], dtype=object))
    assert_same(load_array(tmp_path / "x.npy"), IMAGES)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_targets_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        require_writable(tmp_path / "no" / "x.npy")
    with pytest.raises(UserError, match="folder, not a file"):
        require_writable(tmp_path)
    require_writable(tmp_path / "x.npy")
