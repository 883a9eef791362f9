from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bnnfpga.errors import UserError
from bnnfpga.simulate.hls_headers import fetch_headers, find_headers


@pytest.fixture(scope="session")
def compiler() -> str:
    found = shutil.which("g++")
    if found is None:
        pytest.skip("there is no g++")
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
