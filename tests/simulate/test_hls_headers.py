"""Where ap_int.h is looked for, and how it is fetched."""

from __future__ import annotations

import importlib.metadata
import subprocess
import zipfile
from pathlib import Path

import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.simulate.runners import hls_headers
from bnnfpga.simulate.runners.hls_headers import fetch_headers, find_headers, open_headers


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("BNNFPGA_HLS_INCLUDE", "XILINX_HLS", "XILINX_VITIS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(importlib.metadata, "distribution", _no_distribution)


def _no_distribution(name: str) -> importlib.metadata.Distribution:
    raise importlib.metadata.PackageNotFoundError(name)


def _headers(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("ap_int.h", "hls_stream.h"):
        (folder / name).write_text("// nothing\n")
    return folder


def _wheel(folder: Path, *names: str) -> Path:
    path = folder / "hls4ml-1.3.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)
    return path


IN_WHEEL = "hls4ml/templates/vivado/ap_types/"
WHOLE = (
    f"{IN_WHEEL}ap_int.h",
    f"{IN_WHEEL}hls_stream.h",
    f"{IN_WHEEL}etc/ap_private.h",
    "hls4ml/__init__.py",
    "hls4ml-1.3.0.dist-info/licenses/LICENSE",
)


def test_nothing_found_says_how_to_get_them() -> None:
    with pytest.raises(UserError, match=r"there is no ap_int\.h") as caught:
        find_headers()
    assert "bnnfpga doctor --fetch-hls-headers" in str(caught.value.hint)


def test_the_chosen_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = _headers(tmp_path / "chosen")
    monkeypatch.setenv("XILINX_HLS", str(_headers(tmp_path / "vitis" / "include").parent))
    monkeypatch.setenv("BNNFPGA_HLS_INCLUDE", str(chosen))
    assert find_headers() == chosen


def test_those_of_a_project_come_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _headers(tmp_path / "cache" / "hls-headers-1.3.0")
    own = _headers(tmp_path / "project" / "hls" / "ap_types")
    assert find_headers(tmp_path / "nothing", own) == own
    monkeypatch.setenv("XILINX_HLS", str(_headers(tmp_path / "vitis" / "include").parent))
    assert find_headers(own) == tmp_path / "vitis" / "include"


def test_a_chosen_folder_without_headers_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _headers(tmp_path / "cache" / "hls-headers-1.3.0")
    monkeypatch.setenv("BNNFPGA_HLS_INCLUDE", str(tmp_path))
    with pytest.raises(UserError, match="BNNFPGA_HLS_INCLUDE names has no"):
        find_headers()


@pytest.mark.parametrize("name", ["XILINX_HLS", "XILINX_VITIS"])
def test_vitis(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    include = _headers(tmp_path / "vitis" / "include")
    monkeypatch.setenv(name, str(include.parent))
    assert find_headers() == include


def test_an_installed_hls4ml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Installed(importlib.metadata.Distribution):
        def read_text(self, filename: str) -> str | None:
            return None

        def locate_file(self, path: object) -> Path:
            return tmp_path / str(path)

    folder = _headers(tmp_path / IN_WHEEL)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Installed())
    assert find_headers() == folder


def test_fetching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hls_headers, "_download", lambda folder: _wheel(folder, *WHOLE))
    folder = fetch_headers()
    assert folder == tmp_path / "cache" / "hls-headers-1.3.0" == find_headers()
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == ["LICENSE", "ap_int.h", "etc/ap_private.h", "hls_stream.h"]
    assert list(folder.parent.iterdir()) == [folder]
    monkeypatch.setattr(hls_headers, "_download", lambda _: pytest.fail("fetched twice"))
    assert fetch_headers() == folder


def test_a_project_gets_the_open_headers_with_their_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_headers() == {}
    monkeypatch.setenv("XILINX_HLS", str(_headers(tmp_path / "vitis" / "include").parent))
    assert open_headers() == {}  # the vendor's are not passed on
    monkeypatch.setattr(hls_headers, "_download", lambda folder: _wheel(folder, *WHOLE))
    folder = fetch_headers()
    found = open_headers()
    assert sorted(found) == ["LICENSE", "ap_int.h", "etc/ap_private.h", "hls_stream.h"]
    assert all(data == (folder / name).read_bytes() for name, data in found.items())
    (folder / "LICENSE").unlink()
    assert open_headers() == {}


def test_fetching_mends_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = tmp_path / "cache" / "hls-headers-1.3.0"
    part.mkdir(parents=True)
    (part / "ap_int.h").write_text("")
    monkeypatch.setattr(hls_headers, "_download", lambda folder: _wheel(folder, *WHOLE))
    assert (fetch_headers() / "hls_stream.h").is_file()


def test_a_wheel_without_headers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hls_headers, "_download", lambda folder: _wheel(folder, "hls4ml/__init__.py"))
    with pytest.raises(UserError, match="holds no ap_int"):
        fetch_headers()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_wheel_that_climbs_out_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hls_headers, "_download", lambda folder: _wheel(folder, f"{IN_WHEEL}../../../evil"))
    with pytest.raises(UserError, match="outside its folder"):
        fetch_headers()


def test_pip_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert "hls4ml==1.3.0" in command
        assert "--no-deps" in command
        return subprocess.CompletedProcess(command, 1, "", "warning\nERROR: no such host\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(UserError, match="ERROR: no such host") as caught:
        fetch_headers()
    assert "BNNFPGA_HLS_INCLUDE" in str(caught.value.hint)
