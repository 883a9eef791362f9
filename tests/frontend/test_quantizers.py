"""What quantizers mean: qonnx's own functions, on numbers where float32 is exact, and FINN's count of thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.custom_op.general.multithreshold import multithreshold
from qonnx.custom_op.general.quant import quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.forms.multithreshold import output_grid
from bnnfpga.frontend.forms.quantizers import ROUNDING_MODES, Quantizer, quantizer_of
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.numbers.arithmetic import apply_steps
from tests.conftest import THOROUGH
from tests.support.nets import DOMAIN, NetWriter

CASES = 2000 if THOROUGH else 200
GRID = np.arange(-160, 161, dtype=np.float32) / 16
"""Multiples of a sixteenth: whole codes, halves and quarters of every scale below, and both zeros."""
VALUES = np.append(GRID, np.float32(-0.0))


def _only_quantizer(net: NetWriter, elements: int, qonnx: int = 1) -> Quantizer:
    model = clean(net.model((elements,), "y", qonnx=qonnx))
    return quantizer_of(model, model.nodes[0])


@settings(max_examples=CASES, deadline=None)
@given(
    mode=st.sampled_from(sorted(set(ROUNDING_MODES) - {"ROUND_TO_ZERO"})),
    bits=st.integers(1, 8),
    signed=st.booleans(),
    narrow=st.booleans(),
    zero=st.integers(-9, 9),
    scale=st.sampled_from([2.0**exponent for exponent in range(-4, 3)]),
    lower_case=st.booleans(),
)
def test_quant_is_that_of_qonnx(
    mode: str, bits: int, signed: bool, narrow: bool, zero: int, scale: float, lower_case: bool
) -> None:
    if signed and bits == 1:
        zero = 0
    net = NetWriter()
    name = mode.lower() if lower_case else mode
    net.quant("x", bits, scale=scale, signed=signed, narrow=narrow, zero=zero, mode=name)
    numbers = (np.float32(scale), np.float32(zero), np.array(bits, np.float32))
    expected = quant(VALUES, *numbers, signed, narrow, mode)
    quantizer = _only_quantizer(net, len(VALUES))
    codes = apply_steps(quantizer.steps, VALUES)
    np.testing.assert_array_equal(codes * quantizer.scale, expected)
    assert codes.min() >= quantizer.lo
    assert codes.max() <= quantizer.hi
    # The same through onnxruntime.
    golden = GoldenModel(clean(net.model((len(VALUES),), "y"))).run(VALUES[None])
    np.testing.assert_array_equal(golden.outputs[0][0], expected)
    np.testing.assert_array_equal(golden.scores[0][0], codes)


def test_round_to_zero_is_down() -> None:
    assert ROUNDING_MODES["ROUND_TO_ZERO"] == ROUNDING_MODES["DOWN"]


@settings(max_examples=CASES // 2, deadline=None)
@given(
    mode=st.sampled_from(sorted(set(ROUNDING_MODES) - {"ROUND_TO_ZERO"})),
    bits=st.integers(2, 8),
    shift=st.integers(0, 4),
    signed=st.booleans(),
    narrow=st.booleans(),
    zero=st.integers(-3, 3),
    scale=st.sampled_from([0.125, 0.25, 1.0]),
)
def test_trunc_is_that_of_qonnx(
    mode: str, bits: int, shift: int, signed: bool, narrow: bool, zero: int, scale: float
) -> None:
    zero_point = np.float32(zero * 2**shift)
    net = NetWriter()
    numbers = (np.float32(scale), zero_point, np.float32(bits + shift))
    output = (np.float32(scale * 2**shift), np.array(bits, np.float32))
    attributes = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": mode}
    net.node("Trunc", "x", *(net.constant(value) for value in (*numbers, *output)), domain=DOMAIN, **attributes)
    golden = GoldenModel(clean(net.model((len(VALUES),), "y", qonnx=2))).run(VALUES[None])
    np.testing.assert_array_equal(golden.outputs[0][0], trunc_v2(VALUES, *numbers, narrow, signed, *output, mode))


@settings(max_examples=CASES // 4, deadline=None)
@given(
    mode=st.sampled_from(["FLOOR", "ROUND", "CEIL", "HALF_UP"]),
    bits=st.integers(2, 6),
    shift=st.integers(0, 4),
    signed=st.booleans(),
)
def test_trunc_of_version_1_is_that_of_qonnx(mode: str, bits: int, shift: int, signed: bool) -> None:
    """On values of the input's bits, as the operator's definition asks."""
    lo = -(2 ** (bits + shift - 1)) if signed else 0
    values = np.arange(lo, lo + 2 ** (bits + shift), dtype=np.float32) * np.float32(0.125)
    numbers = (np.float32(0.125), np.float32(0), np.float32(bits + shift), np.float32(bits))
    net = NetWriter()
    net.node("Trunc", "x", *(net.constant(value) for value in numbers), domain=DOMAIN, rounding_mode=mode)
    golden = GoldenModel(clean(net.model((len(values),), "y"))).run(values[None])
    np.testing.assert_array_equal(golden.outputs[0][0], trunc_v1(values, *numbers, mode))


@settings(max_examples=CASES // 2, deadline=None)
@given(
    levels=st.integers(1, 20),
    channels=st.sampled_from([1, 7]),
    scale=st.sampled_from([1.0, 2.0, 0.25, -1.0, -0.5]),
    halves=st.integers(-40, 40),
    layout=st.sampled_from(["", "NC", "NCHW", "NHWC"]),
    seed=st.integers(0, 1000),
)
def test_multithreshold_is_that_of_qonnx(
    levels: int, channels: int, scale: float, halves: int, layout: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.choice(GRID, (channels, levels)), axis=1)
    shape = {"": (7,), "NC": (7,), "NCHW": (7, 2, 3), "NHWC": (2, 3, 7)}[layout]
    bias = halves * scale / 2
    net = NetWriter()
    attributes = {"out_scale": scale, "out_bias": bias, "out_dtype": "INT8", "data_layout": layout}
    net.node("MultiThreshold", "x", net.constant(thresholds), domain=DOMAIN, **attributes)
    x = rng.choice(VALUES, (5, *shape)).astype(np.float32)
    expected = multithreshold(x, thresholds, scale, bias, channels_last=layout == "NHWC")
    golden = GoldenModel(clean(net.model(shape, "y"))).run(x)
    np.testing.assert_array_equal(golden.outputs[0], expected)
    # Integers, as few as the output allows.
    assert np.abs(np.diff(np.unique(golden.scores[0]))).max(initial=1) <= (2 * levels if halves % 2 else levels)


@given(scale=st.floats(-8, 8, width=32).filter(lambda x: abs(x) > 1e-3), offset=st.integers(-300, 300))
def test_output_grids(scale: float, offset: int) -> None:
    """Whole and half steps are found from float32 attributes; the grid gives scale * count + bias back."""
    for parts in (1, 2):
        bias = float(np.float32(scale) * np.float32(offset / parts))
        grid = output_grid(scale, bias)
        assert grid is not None
        for count in (0, 1, 7):
            value = grid.unit * (grid.factor * count + grid.offset)
            assert value == pytest.approx(scale * count + bias, rel=1e-5, abs=abs(scale) * 1e-5)
    assert output_grid(scale, scale * 0.3) is None
    assert output_grid(0.0, 1.0) is None


def test_parameters_written_once_for_each_channel() -> None:
    """The same scale, zero point and bit width for all channels is one for the tensor."""
    net = NetWriter()
    numbers = (np.full((1, 4), 0.5), np.full((1, 4), 3), np.full((1, 4), 5))
    net.node("Quant", "x", *(net.constant(value) for value in numbers), domain=DOMAIN, signed=1, rounding_mode="ROUND")
    quantizer = _only_quantizer(net, 4)
    assert quantizer.scale.shape == ()
    assert (quantizer.lo, quantizer.hi) == (-19, 12)


def test_one_bit_of_a_trunc_is_no_sign() -> None:
    net = NetWriter()
    numbers = (0.5, 0.0, 4.0, 4.0, 1.0)
    net.node("Trunc", "x", *(net.constant(value) for value in numbers), domain=DOMAIN, signed=1, rounding_mode="FLOOR")
    assert "one bit, -1 or 0" in _refused(net, qonnx=2).message


def test_thresholds_in_double_precision_are_rounded_up() -> None:
    """A float32 number reaches a float64 threshold where it reaches the next float32 from that on."""
    net = NetWriter()
    thresholds = np.array([[0.1, 0.3, 0.7, 0.9]])
    net.node("MultiThreshold", "x", net.constant(thresholds, np.float64), domain=DOMAIN, out_dtype="UINT3")
    near = thresholds.astype(np.float32)[0]
    x = np.stack([np.nextafter(near, np.float32(0)), near, np.nextafter(near, np.float32(1))]).astype(np.float32)
    codes = apply_steps(_only_quantizer(net, 4).steps, x)
    np.testing.assert_array_equal(codes, (x[..., None] >= thresholds[0]).sum(axis=-1))


def _refused(net: NetWriter, qonnx: int = 1) -> UserError:
    with pytest.raises(UserError) as caught:
        _only_quantizer(net, 4, qonnx)
    assert caught.value.where
    return caught.value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "STOCHASTIC"}, "'rounding_mode' is 'STOCHASTIC'"),
        ({"bits": 17}, "1 to 16 bits"),
        ({"bits": 2.5}, "1 to 8 bits"),
        ({"zero": 0.5}, "is not an integer"),
        ({"scale": 0.0}, "not a positive number"),
        ({"scale": -1.0}, "not a positive number"),
        ({"bits": 1, "zero": 1}, "signed, of one bit, with a zero point"),
    ],
)
def test_quant_is_refused(change: dict[str, object], message: str) -> None:
    net = NetWriter()
    arguments: dict[str, object] = {"bits": 3, "scale": 1.0, "signed": True, **change}
    net.quant("x", **arguments)  # type: ignore[arg-type]
    assert message in _refused(net).message


def test_only_the_input_has_wide_quantizers() -> None:
    net = NetWriter()
    x = net.node("MatMul", net.bipolar("x"), net.constant(np.ones((3, 3))))
    net.quant(x, 9, scale=1.0, signed=True)
    model = clean(net.model((3,), "y"))
    with pytest.raises(UserError, match="its bit width is 9; 1 to 8 bits"):
        quantizer_of(model, model.nodes[-1])


@pytest.mark.parametrize(
    ("thresholds", "attributes", "message"),
    [
        (np.zeros((1, 3)), {"out_scale": 1.0, "out_bias": 0.3}, "not an integer grid"),
        (np.zeros((3, 3)), {}, "does not fit"),
        (np.zeros((1, 256)), {}, "256 thresholds"),
    ],
)
def test_multithreshold_is_refused(thresholds: np.ndarray, attributes: dict[str, float], message: str) -> None:
    net = NetWriter()
    net.node("MultiThreshold", "x", net.constant(thresholds), domain=DOMAIN, out_dtype="UINT8", **attributes)
    error = _refused(net)
    assert message in error.message
    assert "(MultiThreshold)" in str(error.where)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0.5, 0.0, 8.0, 0.7, 4.0), "power of two"),
        ((0.5, 0.0, 8.0, 0.25, 4.0), "power of two"),
        ((0.5, 3.0, 8.0, 2.0, 4.0), "zero point 3"),
        ((0.5, 4.0, 8.0, 4.0), "power of two"),
        ((0.5, 0.0, 8.0, 7.0), "at most 6 bits"),
    ],
)
def test_trunc_is_refused(numbers: tuple[float, ...], message: str) -> None:
    net = NetWriter()
    net.node("Trunc", "x", *(net.constant(value) for value in numbers), domain=DOMAIN, rounding_mode="FLOOR")
    error = _refused(net, qonnx=len(numbers) - 3)
    assert message in error.message
    assert "(Trunc)" in str(error.where)
