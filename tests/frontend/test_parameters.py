"""Weights without a quantizer, and quantised parameters that are no weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.forms.scaled_integers import as_scaled_integers
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.nets import NetWriter


@settings(max_examples=200, deadline=None)
@given(
    bits=st.integers(1, 8),
    scale=st.floats(2.0**-13, 10, width=32),
    by_channel=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_scaled_integers_are_found(bits: int, scale: float, by_channel: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (12, 5))
    if bits == 1:
        codes = rng.choice([-1, 1], (12, 5))
    scales = np.float32(scale) * (rng.uniform(0.1, 1, (1, 5)).astype(np.float32) if by_channel else np.float32(1))
    values = codes.astype(np.float32) * scales
    found = as_scaled_integers(values)
    assert found is not None
    integers, factors = found
    np.testing.assert_array_equal(integers * factors, values)
    assert np.abs(integers).max() <= 2**7
    assert factors.shape in ((), (1, 5))
    # What is found is no larger than what was hidden.
    assert np.all(np.abs(integers) <= np.abs(codes))


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).standard_normal((20, 3)).astype(np.float32),
        np.arange(1, 301, dtype=np.float32).reshape(100, 3),
        np.array([[np.nan, 1.0]], np.float32),
        np.ones(2, np.float32),
    ],
    ids=["floats", "9 bits", "nan", "a vector"],
)
def test_others_are_not(values: np.ndarray) -> None:
    assert as_scaled_integers(values) is None


@pytest.mark.parametrize("scales", [[0.1], [0.1, 0.37, 2.2, 0.04]])
def test_plain_weights_of_a_convolution_have_a_scale_for_each_output(scales: list[float]) -> None:
    factors = np.array(scales, np.float32).reshape(-1, 1, 1, 1)
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.float32), (4, 2, 3, 3))
    found = as_scaled_integers(signs * factors, outputs=0)
    assert found is not None
    np.testing.assert_array_equal(found[0], signs)
    np.testing.assert_array_equal(found[1], factors if len(scales) > 1 else factors.item())
    net = NetWriter()
    net.node("Conv", net.bipolar("x"), net.constant(signs * factors))
    golden = GoldenModel(clean(net.model((2, 4, 4), "y")))
    x = np.random.default_rng(1).standard_normal((3, 2, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(np.unique(golden.run(x).scores[0] % 2), [0])


def test_zeros_are_integers() -> None:
    found = as_scaled_integers(np.zeros((3, 2), np.float32))
    assert found is not None
    assert found[1] == 1


def _weight_quantizer(weights: object) -> tuple[str, np.ndarray, int, int]:
    net = NetWriter()
    net.node("MatMul", net.bipolar("x"), net.constant(weights))
    model = clean(net.model((len(np.asarray(weights)),), "y"))
    node = model.producer(model.nodes[-1].input[1])
    quantizer = quantizer_of(model, node)
    return node.op_type, quantizer.scale, quantizer.lo, quantizer.hi


def test_plain_weights_get_the_smallest_quantizer() -> None:
    assert _weight_quantizer([[0.5, -0.5], [-0.5, 0.5]])[0] == "BipolarQuant"
    assert _weight_quantizer([[1, -1], [0, 1]])[2:] == (-2, 1)
    assert _weight_quantizer([[0, -1], [-1, -1]])[2:] == (-2, 1)  # one bit would be -1 and +1
    assert _weight_quantizer([[0, 0], [0, 0]])[2:] == (-2, 1)
    assert _weight_quantizer([[3, -1], [0, 1]])[2:] == (-4, 3)
    assert _weight_quantizer([[1, -4], [0, 1]])[2:] == (-4, 3)
    kind, scale, _, _ = _weight_quantizer([[0.25, 0.5], [-0.25, 0.5]])
    assert kind == "Quant"  # 1 and 2 quarters
    assert scale == np.float32(0.25)
    kind, scale, _, _ = _weight_quantizer(np.array([[0.1, 0.77], [-0.1, 0.77]]))
    assert kind == "BipolarQuant"
    np.testing.assert_array_equal(scale, np.array([[0.1, 0.77]], np.float32))


def test_quantised_biases_are_numbers() -> None:
    """A bias of 16 bits behind a Quant, which as a weight would be refused."""
    net = NetWriter()
    product = net.node("MatMul", net.bipolar("x"), net.bipolar(net.constant([[1, -1], [1, 1]])))
    net.node("Add", product, net.quant(net.constant([100.06, -0.07]), 16, scale=0.125, signed=True))
    model = clean(net.model((2,), "y"))
    assert [node.op_type for node in model.nodes].count("Quant") == 0
    np.testing.assert_array_equal(model.constant(model.nodes[-1].input[1]), [100.0, -0.125])


def test_a_shared_tensor_can_be_weights_and_numbers() -> None:
    """Scaled signs in the graph (XNOR-Net), and reshaped weights behind a quantizer."""
    net = NetWriter()
    latent = net.constant(np.random.default_rng(0).standard_normal((6, 4)))
    scaled = net.node("Mul", net.bipolar(latent), net.constant(0.3))
    x = net.bipolar(net.node("MatMul", net.bipolar("x"), scaled))
    flat = net.quant(net.constant(np.random.default_rng(1).standard_normal(12)), 3, scale=0.5, signed=True)
    net.node("MatMul", x, net.node("Reshape", flat, net.constant([4, 3], np.int64)))
    model = clean(net.model((6,), "y"))
    golden = GoldenModel(model)
    x_value = np.random.default_rng(2).standard_normal((9, 6)).astype(np.float32)
    assert golden.run(x_value).outputs[0].shape == (9, 3)
