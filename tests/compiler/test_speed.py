"""Frames per second are those at the clock that the units reach, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.report.tables import compile_table
from bnnfpga.report.text import as_text
from tests.support.data import EXAMPLES
from tests.support.nets import DenseNet

CNN = EXAMPLES / "mnist_cnn" / "cnn.onnx"


@pytest.mark.parametrize(("clock_mhz", "fps", "family"), [(300, 10_000, "xc7"), (250, 2_000, "ecp5")])
def test_frames_per_second_at_a_clock_that_is_not_reached(
    tmp_path: Path, clock_mhz: float, fps: float, family: str
) -> None:
    """The cycles that the clock as asked for would allow are too many."""
    options = {"clock_mhz": clock_mhz, "family": family, "input": "uint8", "input_scale": "1/255"}
    slow = bnnfpga.compile(CNN, tmp_path / "slow", cycles=int(clock_mhz * 1e6 / fps), **options)
    assert slow.frames_per_second < fps
    project = bnnfpga.compile(CNN, tmp_path / "project", target_fps=fps, **options)
    summary = project.summary()
    assert summary["supported_mhz"] < clock_mhz
    assert fps <= summary["frames_per_second"] < 2 * fps
    interval = summary["predicted_initiation_interval"]
    assert summary["frames_per_second"] == summary["supported_mhz"] * 1e6 / interval
    about_speed = [text for text in summary["warnings"] if "MHz" in text]
    unit, mhz = summary["estimated_clock"]["unit"], summary["estimated_clock"]["mhz"]
    assert about_speed == [
        f"unit {unit!r} reaches {mhz:g} MHz by estimate, less than the {clock_mhz:g} MHz asked for; "
        "speeds are stated for what it reaches"
    ]


def test_frames_per_second_through_a_dma(tmp_path: Path) -> None:
    """Beats of 13 bytes are two words of 8 bytes; the accelerator takes one of them per cycle."""
    model = DenseNet((104, 8, 6), seed=4).write(tmp_path)
    wide = {"threshold0": {"pe": 13}, "matrix_vector0": {"pe": 8, "simd": 13}, "matrix_vector1": {"pe": 6, "simd": 1}}
    pixels = {"input": "uint8", "input_scale": "1/255"}
    summary = bnnfpga.compile(model, tmp_path / "wide", folding=wide, **pixels).summary()
    assert summary["predicted_initiation_interval"] == 8
    assert summary["frames_per_second"] == 100e6 / 8
    assert summary["boundary_frames_per_second"] == 100e6 / 16
    narrow = bnnfpga.compile(model, tmp_path / "narrow", cycles=104, **pixels).summary()
    assert narrow["boundary_frames_per_second"] == narrow["frames_per_second"]


def test_frames_per_second_that_no_folding_reaches(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    project = bnnfpga.compile(model, tmp_path / "project", clock_mhz=1000, target_fps=4e8, family="ice40")
    assert project.frames_per_second < 4e8
    slow, missed = project.warnings[:2]
    unit = project.estimated_clock["unit"]
    assert slow.startswith(f"unit {unit!r} reaches ")
    assert missed.startswith(f"{int(project.frames_per_second):,} frames/s are reached, 400,000,000 were asked for")
    for part in (f"unit {unit!r} limits the clock", "--folding", "--family", "fewer frames/s"):
        assert part in missed
    # No folding is faster at its own clock.
    for cycles in (2, 3, 4, 8, 16):
        other = bnnfpga.compile(model, tmp_path / "other", clock_mhz=1000, cycles=cycles, family="ice40", force=True)
        assert other.frames_per_second <= project.frames_per_second
    assert "were asked for" in as_text(compile_table(project.summary()))


def test_a_clock_that_is_reached_needs_no_word(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    asked = bnnfpga.compile(model, tmp_path / "fps", target_fps=5e6)
    same = bnnfpga.compile(model, tmp_path / "cycles", cycles=20)
    assert asked.estimated_clock["mhz"] >= asked.clock_mhz
    assert asked.warnings == same.warnings == ()
    assert (asked.folder / "folding.yaml").read_text() == (same.folder / "folding.yaml").read_text()
    assert asked.frames_per_second >= 5e6
