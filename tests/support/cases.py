"""Test cases for the whole chain as folders: a net, its folding, and its inputs.

A folder holds `net.onnx`, `folding.yaml` and `case.yaml`, with the type of the input (`input`), the seed of images and
stalls (`seed`), and a description (`about`). Every test run includes the folders below `tests/fixtures/regressions/`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import yaml

import bnnfpga
from tests.support.builds import check_cycles, images_for, random_folding_of
from tests.support.conv_nets import ConvNet
from tests.support.readings import assert_confirmed

REGRESSIONS = Path(__file__).parents[1] / "fixtures" / "regressions"
_INPUTS = ("int4", "uint8", "bipolar", None)


@dataclass(frozen=True)
class Case:
    """A random net with its input's type and a random folding, or no folding if it is not `parallel`."""

    net: ConvNet
    input: str | None
    parallel: bool = True

    @classmethod
    def random(cls, seed: int) -> Case:
        return cls(ConvNet.random(seed), _INPUTS[seed % len(_INPUTS)])

    def write(self, folder: Path) -> None:
        write_case(folder, self.net.model(), self.input, self.net.seed, self.parallel, str(self))


def write_case(folder: Path, model: onnx.ModelProto, input: str | None, seed: int, parallel: bool, about: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "net.onnx"
    onnx.save(model, path)
    (folder / "case.yaml").write_text(yaml.safe_dump({"about": about, "input": input, "seed": seed}, width=110))
    folding = random_folding_of(path, seed, input) if parallel else {}
    (folder / "folding.yaml").write_text(yaml.safe_dump(folding))


def check_case(folder: Path, work: Path, damage: Callable[[Path], None] = lambda project: None) -> None:
    """Check floats = golden model = emulator = Verilator, stalled or not, with exactly the predicted cycles.

    `damage` may change the compiled project before it is simulated.
    """
    work.mkdir(parents=True, exist_ok=True)
    model = folder / "net.onnx"
    case = yaml.safe_load((folder / "case.yaml").read_text())
    seed = case["seed"]
    project = bnnfpga.compile(model, work / "project", folding=folder / "folding.yaml", input=case["input"])
    floats = np.random.default_rng(seed).standard_normal((8, *project.input_shape), dtype=np.float32)
    assert_confirmed(model, floats)
    assert project.simulate(images_for(project, 100, seed + 1), backend="emulator").mismatches == 0
    damage(project.folder)
    check_cycles(project, frames=16, seed=seed)
    assert project.simulate(images_for(project, 6, seed), stall_seed=seed).mismatches == 0
