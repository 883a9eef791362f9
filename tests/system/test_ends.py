"""What only the host computes behind the last layers: ends at random, in Python, in projects and on boards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.host_joins import leave_joins
from bnnfpga.golden.model import GoldenModel
from bnnfpga.input_format import InputFormat
from tests.support.end_nets import OPERATORS, EndNet
from tests.support.spelled import expected

NETS = 60
COMPILED = 12
IMAGES = 12


def _close(got: np.ndarray, wanted: np.ndarray) -> None:
    assert (got.dtype.kind == "i") == (wanted.dtype.kind == "i")
    np.testing.assert_allclose(got.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-5)


def _golden(net: EndNet) -> GoldenModel:
    model = clean(net.model())
    leave_joins(model, InputFormat.parse(None, None))
    return GoldenModel(model)


@pytest.mark.parametrize("seed", range(NETS))
def test_values_are_the_files(seed: int) -> None:
    """Random ends of one to three heads: the host's values are onnxruntime's, and the file's reading agrees."""
    net = EndNet(seed)
    proto, x = net.model(), net.inputs(IMAGES)
    model = _golden(net)
    golden = model.run(x)
    reading = check_file(proto, model, x)
    assert reading.difference is None
    assert reading.unchecked == ()
    # Libraries decide ties otherwise.
    clear = ~reading.tied
    for got, wanted in zip(golden.values, expected(proto, x[clear]), strict=True):
        _close(got[clear], wanted)


def test_the_ends_have_every_operator() -> None:
    used = {node.op_type for seed in range(NETS) for node in EndNet(seed).nodes}
    assert set(OPERATORS) <= used


@pytest.mark.parametrize("seed", range(COMPILED))
def test_projects_give_the_same(seed: int, tmp_path: Path) -> None:
    """Compiled, loaded again, and simulated: the values are the golden model's to the bit, in the file's shapes."""
    net = EndNet(seed)
    path = tmp_path / "net.onnx"
    onnx.save(net.model(), path)
    x = net.inputs(IMAGES)
    bnnfpga.compile(path, tmp_path / "project")
    result = bnnfpga.Project.load(tmp_path / "project").simulate(x, backend="emulator")
    golden = _golden(net).run(x)
    assert result.mismatches == 0
    values = result.values if isinstance(result.values, tuple) else (result.values,)
    for got, wanted in zip(values, golden.values, strict=True):
        assert got is not None
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)
