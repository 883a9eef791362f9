"""Finding `ap_int.h` and `hls_stream.h`, against which the HLS library is compiled.

They come with Vitis HLS. Xilinx has also published them under the Apache licence, and hls4ml's wheel contains that
copy; it is fetched on request (`bnnfpga doctor --fetch-hls-headers`), and never kept in this project.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.constants import FETCHED_HEADERS
from bnnfpga.native.cache import cache_folder

WHEEL = "hls4ml==1.3.0"
_NEEDED = ("ap_int.h", "hls_stream.h")
_IN_WHEEL = "hls4ml/templates/vivado/ap_types/"
_HINT = "bnnfpga doctor --fetch-hls-headers"


def find_headers(*more: Path) -> Path:
    """Find the include folder with the headers.

    Searched in this order: `BNNFPGA_HLS_INCLUDE`; a Vitis installation (`XILINX_HLS`, `XILINX_VITIS`); the folders
    `more`; an installed hls4ml; the copy of `fetch_headers` in the cache.

    Raises
    ------
    UserError
        If there are none, or `BNNFPGA_HLS_INCLUDE` names a folder without them.
    """
    chosen = os.environ.get("BNNFPGA_HLS_INCLUDE")
    if chosen:
        if not _complete(Path(chosen)):
            raise UserError(
                "the folder that BNNFPGA_HLS_INCLUDE names has no ap_int.h and hls_stream.h", where=chosen, hint=_HINT
            )
        return Path(chosen)
    for folder in (*_vitis(), *more, *_installed_hls4ml(), _fetched()):
        if _complete(folder):
            return folder
    raise UserError(
        "there is no ap_int.h, which C simulation of the HLS needs",
        hint=f"fetch the open headers with `{_HINT}`, or name a folder in BNNFPGA_HLS_INCLUDE",
    )


def open_headers() -> dict[str, bytes]:
    """The open headers by name, with the `LICENSE` that must accompany them; empty if they have not been fetched.

    Those of Vitis belong to the vendor and are never copied.
    """
    folder = _fetched()
    if not _complete(folder) or not (folder / "LICENSE").is_file():
        return {}
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def fetch_headers() -> Path:
    """Download the open headers and their licence into the cache, and return their folder.

    Raises
    ------
    UserError
        If pip cannot download them.
    """
    target = _fetched()
    if _complete(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".hls-headers-") as work:
        wheel = _download(Path(work))
        unpacked = Path(work) / "headers"
        _unpack(wheel, unpacked)
        if not _complete(unpacked):
            raise UserError(
                f"{WHEEL} holds no ap_int.h",
                where=wheel.name,
                hint="name a folder with ap_int.h in BNNFPGA_HLS_INCLUDE",
            )
        unpacked.chmod(0o755)
        try:
            unpacked.rename(target)
        except OSError:
            # Another process was faster, or an interrupted attempt left a part.
            if not _complete(target):
                shutil.rmtree(target)
                unpacked.rename(target)
    return target


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _NEEDED)


def _vitis() -> list[Path]:
    roots = [os.environ.get(name) for name in ("XILINX_HLS", "XILINX_VITIS")]
    return [Path(root) / "include" for root in roots if root]


def _installed_hls4ml() -> list[Path]:
    """The headers of an installed hls4ml, located without importing it, which takes seconds."""
    try:
        distribution = importlib.metadata.distribution("hls4ml")
    except importlib.metadata.PackageNotFoundError:
        return []
    return [Path(str(distribution.locate_file(_IN_WHEEL)))]


def _fetched() -> Path:
    return cache_folder() / FETCHED_HEADERS


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", WHEEL]
    command += ["--disable-pip-version-check", "--dest", str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if result.returncode != 0 or not wheels:
        last = (result.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise UserError(
            f"pip cannot download {WHEEL}: {last}",
            hint="check the connection to the package index, or name a folder with ap_int.h in BNNFPGA_HLS_INCLUDE",
        )
    return wheels[0]


def _unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith("/"):
                continue
            if name.startswith(_IN_WHEEL):
                path = folder / name.removeprefix(_IN_WHEEL)
            elif ".dist-info/" in name and Path(name).name.startswith("LICENSE"):
                path = folder / "LICENSE"
            else:
                continue
            if not path.resolve().is_relative_to(folder.resolve()):
                raise UserError(
                    f"the file {name!r} would lie outside its folder",
                    where=wheel.name,
                    hint="name a folder with ap_int.h in BNNFPGA_HLS_INCLUDE",
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))
