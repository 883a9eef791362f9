from __future__ import annotations

from pathlib import Path

import pytest

from bnnfpga.base import assets
from bnnfpga.base.assets import KINDS, asset
from bnnfpga.base.errors import UserError


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_here(kind: str) -> None:
    assert asset(kind).is_dir()
    assert asset(kind).name == kind


def test_a_wheel_has_them_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "bnnfpga"
    (package / "_data" / "hls").mkdir(parents=True)
    (tmp_path / "hls").mkdir()  # someone else's, in site-packages
    monkeypatch.setattr(assets, "PACKAGE", package)
    assert asset("hls") == package / "_data" / "hls"
    with pytest.raises(UserError, match="no folder 'rtl'"):
        asset("rtl")


def test_an_unknown_kind_is_a_bug() -> None:
    with pytest.raises(ValueError, match="'models' is not one of"):
        asset("models")


@pytest.mark.parametrize("kind", ["flows", "hls", "rtl"])
def test_every_library_file_names_its_licence(kind: str) -> None:
    files = [path for path in asset(kind).rglob("*") if path.is_file()]
    assert files
    assert [
        path for path in files if "SPDX-License-Identifier: Apache-2.0" not in path.read_text().splitlines()[0]
    ] == []
