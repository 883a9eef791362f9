"""Functions that onnxscript writes: numbers are cast like the tensors beside them, defaults are attributes of calls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import bnnfpga

pytest.importorskip("onnxscript")
from onnxscript import FLOAT, script
from onnxscript import opset17 as op
from onnxscript.values import Opset

OURS = Opset("blocks", 1)


@script(OURS, default_opset=op)
def Signs(x):  # noqa: N802
    return op.Where(op.Less(x, 0.0), op.Constant(value_float=-1.0), op.Constant(value_float=1.0))


@script(OURS, default_opset=op)
def Layer(x, w, slope: float = 0.1):  # noqa: N802
    return Signs(op.LeakyRelu(op.Add(op.MatMul(x, w), 0.5), alpha=slope))


@script(default_opset=op)
def net(x: FLOAT[1, 16], w: FLOAT[16, 5]) -> FLOAT[1, 5]:
    return Layer(Signs(x), w, slope=0.25)


def test_functions_of_onnxscript(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).choice(np.float32([-1, 1]), (16, 5))
    model = net.to_model_proto()
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    assert {node.op_type for function in model.functions for node in function.node} >= {"CastLike", "Signs"}
    onnx.save(model, tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    assert not project.warnings
    x = np.random.default_rng(1).standard_normal((40, 16)).astype(np.float32)
    sums = np.where(x < 0, -1, 1) @ weights + 0.5
    np.testing.assert_array_equal(project.simulate(x, backend="emulator").values, np.where(sums < 0, -1, 1))
