"""`--output class`: the hardware's class is the model's, ties included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import load
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.numbers.arithmetic import Step, apply_steps
from bnnfpga.transforms.class_scores import AffineScores, ClassFunction, RankedScores, class_comparison
from bnnfpga.transforms.host_functions import HostFunction
from tests.support.builds import check_cycles, images_for
from tests.support.nets import DenseNet, NetWriter

NETS = {
    "raw scores": (DenseNet((20, 12, 10), seed=1), 30),
    "raw scores, one beat": (DenseNet((20, 12, 10), seed=1), 1),
    "affine": (DenseNet((20, 12, 10), last_norm=True, seed=2), 40),
    "affine, two bits": (DenseNet((20, 12, 6), last_norm=True, activation_bits=2, seed=3), 24),
}


@pytest.mark.parametrize("name", NETS)
def test_classes_are_the_models(name: str, tmp_path: Path) -> None:
    net, cycles = NETS[name]
    model = net.write(tmp_path)
    scores = bnnfpga.compile(model, tmp_path / "scores", cycles=cycles)
    classes = bnnfpga.compile(model, tmp_path / "class", cycles=cycles, output_kind="class")
    check_cycles(classes, frames=50)
    x = images_for(scores, 200)
    expected = scores.simulate(x).classes
    result = classes.simulate(x, expected)
    assert result.mismatches == 0
    assert result.accuracy == 1
    np.testing.assert_array_equal(result.classes, expected)
    assert classes.verify(x).equal


@settings(max_examples=200, deadline=None)
@given(
    slopes=st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=5),
    seed=st.integers(0, 1000),
    lo=st.integers(-20, 0),
    step=st.sampled_from([1, 2]),
    kink=st.booleans(),
)
def test_integer_comparison_equals_float_comparison(
    slopes: list[float], seed: int, lo: int, step: int, kink: bool
) -> None:
    rng = np.random.default_rng(seed)
    channels = len(slopes)
    steps = (
        Step("multiply", np.array(slopes, np.float32)),
        Step("add", rng.normal(0, 3, channels).astype(np.float32)),
    )
    values = range(lo, lo + 20, step)
    if kink:
        steps = (*steps, Step("maximum", np.float32(0)), Step("minimum", np.float32(6)))
    comparison = class_comparison(ClassFunction(HostFunction(steps, channels)), values)
    scores = rng.choice(values, (300, channels))
    floats = apply_steps(steps, scores.astype(np.float32))
    compared = scores
    if isinstance(comparison, AffineScores):
        compared = scores * comparison.factors + comparison.offsets
    elif isinstance(comparison, RankedScores):
        compared = comparison.ranks[np.arange(channels), (scores - values.start) // values.step]
    np.testing.assert_array_equal(compared.argmax(axis=1), floats.argmax(axis=1))


def test_one_rising_function_needs_no_constants() -> None:
    steps = (Step("multiply", np.float32(0.3)), Step("add", np.float32(-2)))
    assert class_comparison(ClassFunction(HostFunction(steps, 10)), range(-9, 10)) is None
    falling = class_comparison(ClassFunction(HostFunction((Step("multiply", np.float32(-1)),), 3)), range(-9, 10))
    assert isinstance(falling, AffineScores)
    assert np.all(falling.factors < 0)


def _ends_in(final: Callable[[NetWriter, str], str], folder: Path) -> Path:
    net = NetWriter()
    rng = np.random.default_rng(0)
    x = net.bipolar(net.node("MatMul", net.bipolar("x"), net.bipolar(net.constant(rng.normal(size=(14, 12))))))
    final(net, net.node("MatMul", x, net.bipolar(net.constant(rng.normal(size=(12, 6))))))
    path = folder / "net.onnx"
    onnx.save(net.model((14,), "y"), path)
    return path


SCALES = [0.3, -0.7, 1.1, 0.9, -0.2, 0.5]
KINKED: dict[str, Callable[[NetWriter, str], str]] = {
    "clipped by channel": lambda net, x: net.node(
        "Clip", net.node("Mul", x, net.constant(SCALES)), net.constant(-1), net.constant(2.5)
    ),
    "quantised, scaled by channel": lambda net, x: net.node(
        "Relu", net.node("Mul", net.quant(x, 4, scale=1, signed=True), net.constant(SCALES))
    ),
}


@pytest.mark.parametrize("cycles", [1, 6, 30])
@pytest.mark.parametrize("name", KINKED)
def test_ranks(name: str, cycles: int, tmp_path: Path, ap_headers: Path) -> None:
    """Functions that no affine one stands for: a lane, several, and all classes at once, in RTL and C++."""
    model = _ends_in(KINKED[name], tmp_path)
    project = bnnfpga.compile(model, tmp_path / "p", cycles=cycles, output_kind="class")
    assert list((project.folder / "memories").glob("arg_max_ranks_*.mem"))
    check_cycles(project)
    x = images_for(project, 500)
    result = project.simulate(x)
    assert result.mismatches == 0
    np.testing.assert_array_equal(result.classes, GoldenModel(load(model)).run(x).classes[0])
    assert len(np.unique(result.classes)) > 1
    if cycles == 6:
        assert project.simulate(x, backend="hls").mismatches == 0


def test_ties_of_many_classes_are_ranked(tmp_path: Path, ap_headers: Path) -> None:
    """48 classes behind a batch norm: float32 makes ties that no integer constants do. The table is in block RAM."""
    model = DenseNet((20, 64, 48), last_norm=True).write(tmp_path)
    project = bnnfpga.compile(model, tmp_path / "p", cycles=200, output_kind="class")
    assert project.description["resources"]["bram18"] >= 4
    assert project.description["resources"]["dsp"] == 0
    check_cycles(project)
    x = images_for(project, 2000)
    assert project.simulate(x).mismatches == 0
    for backend in ("hls", "emulator"):
        assert project.simulate(x[:300], backend=backend).mismatches == 0


def test_a_table_that_is_too_large() -> None:
    steps = (Step("multiply", np.linspace(0.1, 2, 64, dtype=np.float32)), Step("maximum", np.float32(0)))
    with pytest.raises(UserError, match="a table of what it gives for 4,000 scores of 64 classes would take") as caught:
        class_comparison(ClassFunction(HostFunction(steps, 64)), range(4000))
    assert "1,048,576 can be built" in caught.value.message
    assert "--output scores" in str(caught.value.hint)


def test_too_many_scores_to_compare() -> None:
    with pytest.raises(UserError, match="too many") as caught:
        class_comparison(ClassFunction(HostFunction((), 10)), range(-(2**31), 2**31))
    assert "--output scores" in str(caught.value.hint)


def test_unknown_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not an output"):
        bnnfpga.compile(DenseNet((4, 2)).write(tmp_path), tmp_path / "p", output_kind="classes")
