"""`--output class`: the hardware's class is the model's, ties included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bnnfpga
from bnnfpga.errors import UserError
from bnnfpga.golden.steps import Step, apply_steps
from bnnfpga.transforms.class_scores import class_comparison
from bnnfpga.transforms.host_functions import HostFunction
from tests.support.builds import check_cycles, images_for
from tests.support.nets import DenseNet

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
)
def test_integer_comparison_equals_float_comparison(slopes: list[float], seed: int, lo: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    channels = len(slopes)
    steps = (
        Step("multiply", np.array(slopes, np.float32)),
        Step("add", rng.normal(0, 3, channels).astype(np.float32)),
    )
    values = range(lo, lo + 20, step)
    try:
        constants = class_comparison(HostFunction(steps, channels), values)
    except UserError:
        return  # refused, never wrong
    scores = rng.choice(values, (300, channels))
    floats = apply_steps(steps, scores.astype(np.float32))
    compared = scores if constants is None else scores * constants[0] + constants[1]
    np.testing.assert_array_equal(compared.argmax(axis=1), floats.argmax(axis=1))


def test_one_rising_function_needs_no_constants() -> None:
    steps = (Step("multiply", np.float32(0.3)), Step("add", np.float32(-2)))
    assert class_comparison(HostFunction(steps, 10), range(-9, 10)) is None
    falling = class_comparison(HostFunction((Step("multiply", np.float32(-1)),), 3), range(-9, 10))
    assert falling is not None
    assert np.all(falling[0] < 0)


def test_too_many_scores_to_compare() -> None:
    with pytest.raises(UserError, match="too many") as caught:
        class_comparison(HostFunction((), 10), range(-(2**31), 2**31))
    assert "--output scores" in str(caught.value.hint)


def test_unknown_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no output"):
        bnnfpga.compile(DenseNet((4, 2)).write(tmp_path), tmp_path / "p", output_kind="classes")
