"""Functions in front of quantizers: the file = golden model = folded graph = emulator, and in both hardware forms."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.model import GoldenModel
from tests.support.builds import images_for
from tests.support.function_nets import FUNCTIONS, FunctionNet


def _compiled(proto: onnx.ModelProto, folder: Path, **options: object) -> bnnfpga.Project:
    path = folder / "net.onnx"
    onnx.save(proto, path)
    return bnnfpga.compile(path, folder / "project", **options)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("image", [False, True])
def test_file_golden_model_and_emulator_agree(function: str, image: bool, tmp_path: Path) -> None:
    """`compile` itself compares the first three on the frames of its self-check."""
    net = FunctionNet(sorted(FUNCTIONS).index(function), function, image=image)
    proto = net.proto()
    project = _compiled(proto, tmp_path)
    x = images_for(project, 200)
    reading = check_file(proto, GoldenModel(clean(proto)), x[:50])
    assert reading.difference is None
    assert reading.unchecked == ()
    assert project.simulate(x, backend="emulator").mismatches == 0
