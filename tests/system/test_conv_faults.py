"""Faults at the borders of windows, in pools and where branches meet: `verify` names the unit that was broken."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import bnnfpga
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from tests.support import faults
from tests.support.builds import images_for
from tests.support.conv_nets import ConvNet

NET = ConvNet(("residual", "pool_after", "grouped"), (2, 6, 6), seed=4)
FAULTS = {
    "the left border": ("window0", "PadLeft"),
    "the top border": ("window1", "PadTop"),
    "what stands outside": ("window0", "Fill"),
    "a queue where branches meet": ("add0_1_fifo", "Depth"),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> bnnfpga.Project:
    folder = tmp_path_factory.mktemp("branches")
    return bnnfpga.compile(NET.write(folder), folder / "project", cycles=400)


def broken_by(project: bnnfpga.Project, folder: Path) -> bnnfpga.Project:
    shutil.copytree(project.folder, folder)
    return bnnfpga.Project.load(folder)


def verified(project: bnnfpga.Project) -> dict[str, Any] | None:
    """The first difference, in any stream: not every fault reaches the output on a few images."""
    return project.verify(images_for(project, 6), ["folded", "rtl"], streams=True).first_difference


def test_what_is_right_is_equal(project: bnnfpga.Project) -> None:
    assert verified(project) is None


@pytest.mark.parametrize("name", FAULTS)
def test_a_parameter(name: str, project: bnnfpga.Project, tmp_path: Path) -> None:
    unit, parameter = FAULTS[name]
    broken = broken_by(project, tmp_path / "broken")
    text = (broken.folder / "rtl" / "accelerator.sv").read_text()
    instance = re.search(rf"#\(([^;]*?)\) {unit} \(", text)
    assert instance is not None
    old = re.findall(rf"\.{parameter}\((\d+)\)", instance.group(1))[-1]
    new = 2 if parameter == "Depth" else int(old) - 1 if int(old) else 1
    faults.edit_instance(broken.folder, unit, f".{parameter}({old})", f".{parameter}({new})")
    said = verified(broken)
    assert said is not None
    assert said["unit"] == unit


@pytest.mark.parametrize(
    "memory", ["matrix_vector0_weights", "matrix_vector1_thresholds", "pool0_smallest", "vector_vector0_thresholds"]
)
def test_bits_of_a_memory(memory: str, project: bnnfpga.Project, tmp_path: Path) -> None:
    broken = broken_by(project, tmp_path / "broken")
    path = broken.folder / "memories" / f"{memory}.mem"
    # The highest digit of a word may be padding, and the lowest the fraction of a fixed-point number.
    words = path.read_text().split()
    changed = [int(word, 16) ^ (16 ** max(1, len(word) - 1) - 1) for word in words]
    path.write_text("".join(f"{value:0{len(word)}x}\n" for word, value in zip(words, changed, strict=True)))
    said = verified(broken)
    assert said is not None
    assert said["unit"] == memory.rsplit("_", 1)[0]
    unit = Recompiled(project).graph[said["unit"]]
    if isinstance(unit, VectorVector):
        # A depthwise layer says what it decides from, too.
        assert unit.table is not None
        assert said["threshold"] in unit.table.values[said["channel"]]
        reached = said["accumulator"] >= said["threshold"]
        assert (said["got"] > said["expected"]) == (reached == unit.table.decreasing[said["channel"]])
        assert f"the threshold {said['threshold']}" in said["message"]
