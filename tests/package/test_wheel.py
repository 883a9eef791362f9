"""The built wheel, in an empty environment outside the checkout, does the whole job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "examples" / "mnist_mlp" / "mlp_64.onnx"
OFFLINE = ("Could not find a version that satisfies", "No matching distribution found", "Connection", "resolution")


def execute(command: Sequence[str | Path], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command; without a package index skip the test, except in CI, where there must be one."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    if "cwd" in options:
        # Nothing that the checkout has built before.
        environment["BNNFPGA_CACHE"] = f"{options['cwd']}/cache"
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **options)  # type: ignore[call-overload]
    offline = done.returncode != 0 and any(sign in done.stdout + done.stderr for sign in OFFLINE)
    if offline and not os.environ.get("CI"):
        pytest.skip("no package index")
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # By way of an sdist, so that what that leaves out is missed below.
    execute([sys.executable, "-m", "build", "--installer", "pip", "--outdir", folder, ROOT])
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_what_is_not_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for kind in ("flows", "hls", "rtl", "templates"):
        files = [path for path in (ROOT / kind).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert files
        for path in files:
            assert f"bnnfpga/_data/{path.relative_to(ROOT)}" in names
    assert "bnnfpga/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names} == {"bnnfpga", wheel.name.partition("-py3")[0] + ".dist-info"}


def test_compile_and_simulate_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python, bnnfpga = environment / "bin" / "python", environment / "bin" / "bnnfpga"
    constraints = ROOT / "constraints.txt"
    execute([python, "-m", "pip", "install", "--quiet", "--constraint", constraints, wheel], cwd=tmp_path)
    execute([python, "-m", "pip", "check"], cwd=tmp_path)
    where = execute([python, "-c", "import bnnfpga; print(bnnfpga.__file__)"], cwd=tmp_path).stdout
    assert Path(where.strip()).is_relative_to(environment)
    installed = execute([python, "-m", "pip", "list"], cwd=tmp_path).stdout
    assert "torch" not in installed
    assert "pytest" not in installed

    assert "compile" in execute([bnnfpga, "--help"], cwd=tmp_path).stdout
    assert json.loads(execute([bnnfpga, "doctor", "--json"], cwd=tmp_path).stdout)["ready"]

    shutil.copy(MODEL, tmp_path / "model.onnx")
    np.save(tmp_path / "x.npy", np.random.default_rng(1).integers(0, 256, (20, 1, 28, 28), dtype=np.uint8))
    options = ["--input", "uint8", "--input-scale", "1/255", "--cycles", "128", "--json"]
    execute([bnnfpga, "compile", "model.onnx", "-o", "project", *options], cwd=tmp_path)
    result = execute([bnnfpga, "simulate", "project", "--images", "x.npy", "--json"], cwd=tmp_path)
    data = json.loads(result.stdout)
    assert data["images"] == 20
    assert data["mismatches"] == 0
    assert data["initiation_interval"] == data["predicted_initiation_interval"]
