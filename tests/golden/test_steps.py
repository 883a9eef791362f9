"""Every float32 operation in both its forms, numpy and ONNX: equal to the bit."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, numpy_helper

from bnnfpga.golden.onnx_form import step_to_onnx
from bnnfpga.numbers.arithmetic import BY_NUMPY, OPERATIONS, Step

CONSTANTS = np.array([0.1, -3.0, 2.5, 0.0, 1e-3, -0.75], np.float32)
WITHOUT_CONSTANT = ("round", "floor", "ceil", "sign", "absolute")


def _inputs() -> np.ndarray:
    """Numbers of all sizes, halves and their neighbours, both zeros, the smallest and the largest numbers."""
    rng = np.random.default_rng(0)
    halves = np.arange(-20, 21, dtype=np.float32) / 2
    special = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-38, 3e38, -3e38, 0.49999997, -0.49999997, 2**24 + 2], np.float32)
    x = [
        halves,
        np.nextafter(halves, np.float32(np.inf)),
        np.nextafter(halves, np.float32(-np.inf)),
        special,
        rng.standard_normal(500, dtype=np.float32) * np.float32(10) ** rng.integers(-6, 7, 500),
    ]
    return np.repeat(np.concatenate(x).astype(np.float32)[:, None], len(CONSTANTS), axis=1)


def _run_onnx(step: Step, x: np.ndarray) -> np.ndarray:
    initializers: list[onnx.TensorProto] = []

    def constant(value: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(value, f"c{len(initializers)}"))
        return initializers[-1].name

    nodes = step_to_onnx(step, "x", "y", constant)
    graph = onnx.helper.make_graph(
        nodes,
        "step",
        [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)],
        initializers,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    result: np.ndarray = session.run(None, {"x": x})[0]
    return result


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in BY_NUMPY])
def test_both_forms_are_equal(operation: str) -> None:
    constant: np.ndarray | None = CONSTANTS
    if operation.startswith(WITHOUT_CONSTANT):
        constant = None
    elif operation == "count":
        constant = np.sort(np.random.default_rng(1).normal(0, 3, (len(CONSTANTS), 9)), axis=1).astype(np.float32)
    step = Step(operation, constant)
    x = _inputs()
    with np.errstate(all="ignore"):
        expected = step.apply(x)
    got = _run_onnx(step, x)
    assert expected.dtype == np.float32
    # Compared as numbers: 0 / 0 is the only one that is none, and the sign of a zero decides nothing.
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in BY_NUMPY])
def test_slopes_are_true(operation: str) -> None:
    """Where a slope is claimed, sorted numbers stay sorted, rising or falling."""
    x = np.sort(_inputs()[np.abs(_inputs()[:, 0]) < 1e6], axis=0)
    constant = None if operation.startswith(WITHOUT_CONSTANT) else CONSTANTS.copy()
    if constant is not None and operation == "divide":
        constant[constant == 0] = 1
    if operation == "count":
        constant = np.sort(np.random.default_rng(1).normal(0, 3, (len(CONSTANTS), 9)), axis=1).astype(np.float32)
    step = Step(operation, constant)
    slope = step.slope()
    if slope is None:
        assert operation in ("divide_into", "multiply_below_zero", "absolute")
        return
    with np.errstate(all="ignore"):
        change = np.diff(step.apply(x), axis=0)
    assert np.all(change * slope >= 0)


def test_a_leak_that_rises_has_a_slope() -> None:
    assert Step("multiply_below_zero", np.float32(0.1)).slope() == 1
    assert Step("multiply_below_zero", np.float32(-0.1)).slope() is None
