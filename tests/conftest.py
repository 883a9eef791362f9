"""Settings of the whole suite, and tools that several folders of it need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bnnfpga.base.errors import UserError
from bnnfpga.simulate.runners.hls_headers import fetch_headers, find_headers
from bnnfpga.simulate.runners.simulator import OPTIMIZE

# Thorough runs look at more cases; the test itself says how many it looks at otherwise.
settings.register_profile("default", print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

# Tests simulate a few frames of each of many nets.
os.environ.setdefault(OPTIMIZE, "1")

THOROUGH = os.environ.get("BNNFPGA_THOROUGH") == "1"


@pytest.fixture
def built_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of so few cycles that building the simulator takes nearly all of their time."""
    monkeypatch.setenv(OPTIMIZE, "0")


@pytest.fixture(scope="session")
def compiler() -> str:
    found = shutil.which("g++")
    if found is None:
        pytest.skip("there is no g++")
    return found


@pytest.fixture(scope="session", params=["g++", "clang++"])
def each_compiler(request: pytest.FixtureRequest) -> str:
    found = shutil.which(request.param)
    if found is None:
        pytest.skip(f"there is no {request.param}")
    return found


@pytest.fixture(scope="session")
def ap_headers() -> Path:
    """The folder with ap_int.h; fetched where there is none yet."""
    try:
        return find_headers()
    except UserError:
        try:
            return fetch_headers()
        except UserError as error:
            pytest.skip(f"no ap_int.h: {error.message}")
