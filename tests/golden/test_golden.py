"""The golden model: exact integers, rounding ties, equality with its numpy form and with independent evaluations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean, load
from bnnfpga.frontend.forms import quantizers
from bnnfpga.golden import onnx_form
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.golden.steps import Step, apply_steps
from tests.support.data import FIXTURES, mnist_test_set, shared
from tests.support.nets import DenseNet, NetWriter, dense_nets
from tests.support.readings import assert_confirmed, reading_of

BREVITAS = sorted((FIXTURES / "brevitas").glob("*.onnx"))


def _inputs(path: Path) -> tuple[np.ndarray, np.ndarray]:
    vectors = np.load(path.with_name(path.stem.removesuffix("_dynamo").removesuffix("_torchscript") + ".npz"))
    return vectors["inputs"], vectors["outputs"]


@pytest.mark.parametrize("path", [path for path in BREVITAS if "ties" not in path.stem], ids=lambda path: path.stem)
def test_equals_torch_where_there_are_no_ties(path: Path) -> None:
    x, expected = _inputs(path)
    np.testing.assert_allclose(GoldenModel(load(path)).run(x).outputs[0], expected, atol=2e-6, rtol=1e-6)


@pytest.mark.parametrize("path", BREVITAS, ids=lambda path: path.stem)
def test_files_confirm_their_golden_models(path: Path) -> None:
    x, _ = _inputs(path)
    found = assert_confirmed(path, x)
    # The nets with ties everywhere would prove nothing if there were none.
    share = found.on_tie / found.decisions
    assert share > 0.02 if "ties" in path.stem else share < 0.002


def test_ties_decide_for_plus_one() -> None:
    """A sum that is exactly zero has sign +1; a float run with scale 0.1 gets some of these wrong."""
    net = NetWriter()
    weights = np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]])
    net.bipolar(net.node("MatMul", net.bipolar("x"), net.bipolar(net.constant(weights), 0.1)))
    result = GoldenModel(clean(net.model((4,), "y"))).run(np.ones((1, 4), np.float32))
    np.testing.assert_array_equal(result.scores[0], [[1, 1]])


def test_negative_zero_is_plus_one() -> None:
    assert apply_steps([Step("sign")], np.array([-0.0, 0.0, -1e-45], np.float32)).tolist() == [1, 1, -1]


@settings(max_examples=40, deadline=None)
@given(net=dense_nets(), seed=st.integers(0, 1000))
def test_batches_do_not_matter(net: DenseNet, seed: int) -> None:
    golden = GoldenModel(clean(net.model()))
    x = np.random.default_rng(seed).standard_normal((5, net.widths[0]), dtype=np.float32)
    whole = golden.run(x)
    for index in range(len(x)):
        one = golden.run(x[index : index + 1])
        np.testing.assert_array_equal(one.outputs[0][0], whole.outputs[0][index])
        np.testing.assert_array_equal(one.scores[0][0], whole.scores[0][index])


@settings(max_examples=40, deadline=None)
@given(net=dense_nets(), seed=st.integers(0, 1000))
def test_files_confirm_random_nets(net: DenseNet, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = net.write(tmp_path_factory.mktemp("net"))
    x = np.random.default_rng(seed).standard_normal((8, net.widths[0]), dtype=np.float32)
    assert_confirmed(path, x)


def test_large_sums_stay_exact() -> None:
    """Sums beyond 2^24 are computed in float64: an 8-bit input of very many ones."""
    inputs = 150_000
    net = NetWriter()
    x = net.quant("x", 8, scale=1.0, signed=False)
    net.node("MatMul", x, net.bipolar(net.constant(np.ones((inputs, 1)))))
    golden = GoldenModel(clean(net.model((inputs,), "y")))
    x_value = np.full((1, inputs), 255, np.float32)
    x_value[0, 0] = 254
    assert golden.run(x_value).scores[0].tolist() == [[255 * inputs - 1]]


@pytest.mark.parametrize(
    ("side", "message"), [("weights", "weights are not quantised"), ("activations", "activations are not quantised")]
)
def test_float_layers_are_refused(side: str, message: str) -> None:
    net = NetWriter()
    weights = net.constant(np.random.default_rng(0).standard_normal((4, 2)))
    if side == "weights":
        net.node("MatMul", net.bipolar("x"), weights)
    else:
        net.node("MatMul", "x", net.bipolar(weights))
    with pytest.raises(UserError) as caught:
        GoldenModel(clean(net.model((4,), "y")))
    assert message in caught.value.message
    assert "(MatMul)" in str(caught.value.where)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "accuracy"), [("TFC_1W1A.onnx", 0.9296), ("TFC_1W2A.onnx", 0.9474), ("lfc_w1a1_mnist.onnx.gz", 0.9834)]
)
def test_published_accuracies(name: str, accuracy: float) -> None:
    images, labels = mnist_test_set()
    x = images.astype(np.float32) * np.float32(1 / 255)
    path = shared(f"models/{name}")
    classes = GoldenModel(load(path)).run(x).classes[0]
    assert (classes == labels).mean() == pytest.approx(accuracy, abs=1e-9)
    assert_confirmed(path, x[:1000])


@pytest.mark.parametrize("wrong", ["rounding", "sign", "grid"])
def test_a_wrong_reading_is_found_at_its_node(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quantizer read wrongly, a sign of zero, a bias lost: each is an error at the node, not a tie."""
    name = "int_quant_even"
    if wrong == "rounding":
        monkeypatch.setitem(quantizers.ROUNDING_MODES, "FLOOR", "ceil")
    elif wrong == "sign":
        name = "sign"
        monkeypatch.setitem(onnx_form._CASES, "sign_or_zero", onnx_form._CASES["sign"])
    else:
        name = "finn_multibit"
        grid = quantizers.output_grid
        monkeypatch.setattr(quantizers, "output_grid", lambda scale, bias: grid(scale, bias + scale))
    path = FIXTURES / "dialects" / f"{name}.onnx"
    x = np.random.default_rng(0).standard_normal((50, 36), dtype=np.float32) * (100 if wrong == "grid" else 1)
    found = reading_of(path, x).difference
    assert found is not None
    # Its weights are rounded as well, and are in use first.
    assert {"rounding": "(MatMul)", "sign": "(Sign)", "grid": "(MultiThreshold)"}[wrong] in found.node


def test_a_sign_with_a_zero_point_is_refused() -> None:
    net = NetWriter()
    net.node("MatMul", net.quant("x", 1, scale=1.0, signed=True, zero=1), net.bipolar(net.constant(np.ones((4, 2)))))
    with pytest.raises(UserError, match="zero point"):
        GoldenModel(clean(net.model((4,), "y")))
