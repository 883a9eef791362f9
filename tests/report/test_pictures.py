"""Pictures are drawn whole, and looked at in parts: their texts and bars."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.report.pictures import require_pictures, units_picture
from tests.support.nets import DenseNet


def test_tune_and_compile_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    model = str(DenseNet((12, 8, 6), seed=4).write(tmp_path))
    files = [str(tmp_path / name) for name in ("front.png", "tuned.png", "compiled.png")]
    assert run(app, ["tune", model, "--cycles", "24", "--pareto", files[0], "--picture", files[1], "--json"]) == 0
    folding = tmp_path / "folding.yaml"
    folding.write_text(json.dumps(json.loads(capsys.readouterr().out)["folding"]))
    assert (
        run(app, ["compile", model, "-o", str(tmp_path / "p"), "--folding", str(folding), "--picture", files[2]]) == 0
    )
    pictures = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    # The same units do the same.
    assert np.array_equal(pictures[1], pictures[2])
    for picture in pictures:
        # Light, and neither empty nor full.
        assert 0.3 < np.mean(np.all(picture > 230, axis=2)) < 0.98


def test_each_kind_of_activity_has_its_colour() -> None:
    pytest.importorskip("matplotlib")
    layer = {"name": "unit0", "cycles": 10, "resources": {"lut": 5}}
    counts = []
    for kind in range(3):
        shares = np.zeros((1, 10, 3))
        shares[:, :, kind] = 1
        data = units_picture([layer], shares, 10, [9], "a title")
        picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
        orange = np.abs(picture - np.array([0xF0, 0xA3, 0x5E])).sum(axis=2) < 6
        blue = np.abs(picture - np.array([0x2C, 0x7F, 0xB8])).sum(axis=2) < 6
        counts.append((int(blue.sum()), int(orange.sum())))
    (blue, _), (_, orange), (none, neither) = counts
    assert blue > 10 * none
    assert orange > 10 * neither


def test_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match="not installed") as caught:
        require_pictures()
    assert "bnnfpga[report]" in str(caught.value.hint)
    tuned = bnnfpga.tune(DenseNet((12, 8, 6), seed=4).write(tmp_path), cycles=24)
    with pytest.raises(UserError, match=r"written as \.png"):
        tuned.write_picture(tmp_path / "a.jpg")
