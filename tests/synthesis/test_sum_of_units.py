"""What the units of an accelerator take one by one is near to what they take together."""

from __future__ import annotations

from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.codegen.out_of_context import UnitSources
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.synthesis.yosys import measure_units, synthesize_area
from tests.support.data import EXAMPLES

pytest.importorskip("pyosys")


def whole(folder: Path) -> UnitSources:
    """All of a project as a single unit."""
    modules = {path.name: path.read_text() for path in sorted((folder / "rtl").glob("*.sv"))}
    top = modules.pop("accelerator.sv").replace("module accelerator ", "module unit ").replace('"../memories/"', '""')
    memories = {path.name: path.read_text() for path in sorted((folder / "memories").iterdir())}
    return UnitSources("accelerator", "accelerator", {"unit.sv": top, **modules}, memories)


@pytest.mark.slow
def test_the_sum_is_that_of_a_flat_run(tmp_path: Path) -> None:
    """TFC's layers at 64 cycles."""
    model = EXAMPLES / "mnist_mlp" / "mlp_64.onnx"
    project = bnnfpga.compile(model, tmp_path / "project", input="uint8", input_scale="1/255", cycles=64)
    result = synthesize_area(project, Recompiled(project).graph)
    (flat,) = measure_units([whole(project.folder)], "xc7")
    print(f"sum {result.lut} LUT, {result.ff} FF; flat {flat.counts.lut} LUT, {flat.counts.ff} FF")
    assert abs(result.lut - flat.counts.lut) <= 0.05 * flat.counts.lut
