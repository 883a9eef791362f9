"""Whole accelerators of committed foldings, as the sum of their units."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx

import bnnfpga
from benchmarks.area_row import AreaRow
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.synthesis.yosys import synthesize_area
from tests.support.bireal import BiReal
from tests.support.data import FIXTURES, SHARED
from tests.support.nets import DenseNet

FOLDINGS = Path(__file__).parent / "foldings"
PIXELS = {"input": "uint8", "input_scale": "1/255"}


@dataclass(frozen=True)
class Accelerator:
    """An accelerator and its bars.

    Parameters
    ----------
    name
        Its name.
    folding
        The file in `foldings`, without its ending.
    interval
        The most cycles per frame.
    bar, aim
        LUT, block RAM and DSP at most, and the aim in LUT.
    random
        A net of the same structure with random weights.
    published
        The published net in the folder `shared`.
    options
        Options of `bnnfpga.compile`.
    """

    name: str
    folding: str
    interval: int
    bar: tuple[int, int, int]
    aim: int
    random: Callable[[], onnx.ModelProto]
    published: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def compile(self, folder: Path, **options: Any) -> bnnfpga.Project:
        """The project, from the published net if that is there; `options` of `bnnfpga.compile` beside its own."""
        model = folder / "model.onnx"
        if self.published is not None and (SHARED / "models" / self.published).exists():
            model = SHARED / "models" / self.published
        else:
            onnx.save(self.random(), model)
        file = FOLDINGS / f"{self.folding}.yaml"
        return bnnfpga.compile(model, folder / "project", folding=file, **self.options, **options)


def _dense(*widths: int) -> Callable[[], onnx.ModelProto]:
    return DenseNet(widths, seed=1).model


def _cnv() -> onnx.ModelProto:
    return onnx.load(FIXTURES / "cnv" / "cnv_w1a1_random.onnx.gz")


_TFC, _LFC, _CNV = "TFC_1W1A.onnx", "lfc_w1a1_mnist.onnx.gz", "cnv_w1a1_cifar10.onnx.gz"
_SFC = _dense(784, 256, 256, 256, 10)
ACCELERATORS = (
    Accelerator("TFC at 64 cycles", "tfc_64", 64, (3300, 0, 0), 2800, _dense(784, 64, 64, 64, 10), _TFC, PIXELS),
    Accelerator("unfolded 64-64-64-10", "unfolded", 1, (4700, 0, 0), 3500, _dense(64, 64, 64, 10)),
    Accelerator("CNV at 33k cycles", "cnv_33k", 33_020, (10_000, 104, 0), 8000, _cnv, _CNV, PIXELS),
    Accelerator("CNV at 9,130 cycles", "cnv_9130", 9_130, (25_000, 142, 0), 20_000, _cnv, _CNV, PIXELS),
    Accelerator(
        "LFC at 128 cycles", "lfc_128", 128, (35_000, 635, 0), 28_000, _dense(784, 1024, 1024, 1024, 10), _LFC, PIXELS
    ),
    Accelerator("SFC at 16 cycles", "sfc_16", 16, (36_000, 0, 0), 32_000, _SFC),
    Accelerator("SFC at 8 cycles", "sfc_8", 8, (45_000, 0, 0), 32_000, _SFC),
    Accelerator(
        "Bi-Real ResNet-18, quarter width",
        "bireal",
        73_728,
        (25_000, 200, 120),
        25_000,
        BiReal(width=16, size=64, classes=10).model,
    ),
)


def accelerator_row(accelerator: Accelerator, jobs: int | None = None) -> AreaRow:
    """Measure one accelerator, after checking the interval of its folding."""
    with tempfile.TemporaryDirectory() as name:
        project = accelerator.compile(Path(name))
        interval = project.description["predicted_initiation_interval"]
        if interval > accelerator.interval:
            raise ValueError(f"{accelerator.name}: its folding takes {interval} cycles per frame")
        result = synthesize_area(project, Recompiled(project).graph, jobs=jobs)
    mappers = [unit.recipe for unit in result.units]
    details = (
        f"interval {interval:,}, {', '.join(f'{mapper} {mappers.count(mapper)}' for mapper in sorted(set(mappers)))}, "
        f"{result.logic_cells:,} LC, {result.ff:,} FF, {result.carry:,} carry, {result.logic_ns} ns"
    )
    measured = (result.lut, result.bram18, result.dsp)
    return AreaRow(accelerator.name, measured, accelerator.bar, accelerator.aim, details)
