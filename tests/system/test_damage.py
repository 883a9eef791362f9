"""Files with random damage: every run ends with a project or with one clear error, and leaves nothing half made."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from tests.support.builds import images_for
from tests.support.damage import damaged_bytes, damaged_json, damaged_model, damaged_yaml
from tests.support.data import EXAMPLES, FIXTURES
from tests.support.nets import DenseNet

THOROUGH = "BNNFPGA_THOROUGH" in os.environ
SEEDS = range(20_000, 20_000 + (800 if THOROUGH else 60))
SMALL = sorted(FIXTURES.rglob("*.onnx"))
LARGE = sorted(EXAMPLES.rglob("mlp_64*.onnx"))
Check = Callable[..., int]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Run a command, which may succeed or refuse; nothing else may be there afterwards but a whole project."""

    def call(*arguments: object) -> int:
        before = {path.name for path in tmp_path.iterdir()}
        status = run(app, [*map(str, arguments), "--json", "--quiet"])
        out, err = capsys.readouterr()
        assert status in (0, 1, 2), out
        assert err == "", "nothing speaks but the command"
        said = json.loads(out)
        made = {path.name for path in tmp_path.iterdir()} - before
        if status == 2:
            assert set(said["error"]) == {"message", "where", "hint"}
            assert said["error"]["where"]
            assert not made
        elif made:
            assert made == {"project"}
            assert bnnfpga.Project.load(tmp_path / "project")
            shutil.rmtree(tmp_path / "project")
        return status

    return call


@cache
def parsed(path: Path) -> onnx.ModelProto:
    return onnx.load(path)


def options(seed: int) -> Sequence[str]:
    return [
        *(["--output", "class"] if seed % 5 == 0 else []),
        *(["--input", "uint4", "--input-scale", "0.25"] if seed % 7 == 0 else []),
    ]


def model_of(seed: int) -> Path:
    return LARGE[seed % len(LARGE)] if seed % 50 == 0 else SMALL[seed % len(SMALL)]


def test_models(check: Check, tmp_path: Path) -> None:
    """Damaged bytes mostly end the reading; damaged fields reach all that follows."""
    path = tmp_path / "net.onnx"
    refused = 0
    for seed in SEEDS:
        path.write_bytes(damaged_bytes(model_of(seed).read_bytes(), seed))
        refused += check("compile", path, "-o", tmp_path / "project", *options(seed)) == 2
        path.write_bytes(damaged_model(parsed(model_of(seed)), seed).SerializeToString())
        refused += check("compile", path, "-o", tmp_path / "project", *options(seed)) == 2
    assert len(SEEDS) / 4 < refused < 2 * len(SEEDS), "most damage shows, and some does not matter"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    model = DenseNet((8, 6, 4), activation_bits=2, bias=True, last_norm=True).write(tmp_path)
    return bnnfpga.compile(model, tmp_path / "source").folder


def test_foldings(check: Check, tmp_path: Path, project: Path) -> None:
    text = (project / "folding.yaml").read_text()
    path = tmp_path / "folding.yaml"
    for seed in SEEDS:
        for data in (damaged_bytes(text.encode(), seed), damaged_yaml(text, seed).encode()):
            path.write_bytes(data)
            check("compile", tmp_path / "net.onnx", "-o", tmp_path / "project", "--folding", path)


@pytest.mark.parametrize("name", ["project.json", "functions.json"])
def test_projects(check: Check, tmp_path: Path, project: Path, name: str) -> None:
    """What is damaged is refused where it is read, or gives other numbers, which the comparison finds."""
    np.save(tmp_path / "x.npy", images_for(bnnfpga.Project.load(project), 3))
    whole = (project / name).read_text()
    for seed in SEEDS:
        for data in (damaged_bytes(whole.encode(), seed), damaged_json(whole, seed).encode()):
            (project / name).write_bytes(data)
            if seed % 4:
                check("verify", project, "--images", tmp_path / "x.npy", "--stages", "source,folded")
            else:
                check("simulate", project, "--images", tmp_path / "x.npy")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".idx", ".idx.gz"])
def test_images(check: Check, tmp_path: Path, project: Path, suffix: str) -> None:
    x = images_for(bnnfpga.Project.load(project), 30)
    path = tmp_path / f"x{suffix}"
    if suffix == ".npy":
        np.save(path, x)
    elif suffix == ".npz":
        np.savez_compressed(path, x=x)
    else:
        header = b"\0\0\x0d\x02" + b"".join(size.to_bytes(4, "big") for size in x.shape)
        data = header + x.astype(">f4").tobytes()
        path.write_bytes(gzip.compress(data, mtime=0) if suffix.endswith(".gz") else data)
    whole = path.read_bytes()
    assert check("verify", project, "--images", path, "--stages", "source,folded") == 0
    for seed in SEEDS:
        path.write_bytes(damaged_bytes(whole, seed))
        check("verify", project, "--images", path, "--stages", "source,folded")
