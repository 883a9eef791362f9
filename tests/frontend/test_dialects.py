"""Each dialect, from its file to integer operators: equal to the golden model, which the file itself confirms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnfpga.frontend.clean import load
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.lowering.lower import lower
from bnnfpga.numbers.arithmetic import apply_steps
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.transforms.fold import fold
from tests.fixtures.dialects.make_fixtures import MAKERS, make
from tests.support.data import FIXTURES, mnist_test_set, shared
from tests.support.final import final_operators
from tests.support.readings import assert_confirmed

DIALECTS = FIXTURES / "dialects"
IMAGES = 300


def _inputs(name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(0)
    if name.startswith("finn"):
        return rng.integers(0, 256, (IMAGES, *shape)).astype(np.float32)
    # Every other element on a grid of eighths, where ties and zeros are.
    x = rng.standard_normal((IMAGES, *shape), dtype=np.float32)
    return np.where(rng.random(x.shape) < 0.5, np.rint(x * 8) / 8, x).astype(np.float32)


def _check_folding(path: Path, x: np.ndarray) -> None:
    """Folded and lowered, with floats quantised by the host: the integers and the floats of the golden model."""
    model = load(path)
    golden = GoldenModel(model).run(x)
    folded = fold(model)
    assert folded.input_function is not None
    graph = lower(folded.model)
    codes = apply_steps(folded.input_function.steps, x.reshape(len(x), -1)).astype(np.int64)
    scores = graph.execute(codes)[graph.outputs[0].name]
    np.testing.assert_array_equal(scores, golden.scores[0].reshape(scores.shape))
    output = apply_steps(folded.output_functions[0].steps, scores.astype(np.float32))
    np.testing.assert_array_equal(output, golden.outputs[0].reshape(output.shape))


@pytest.mark.parametrize("name", MAKERS)
def test_committed_files_are_what_their_script_makes(name: str) -> None:
    assert (DIALECTS / f"{name}.onnx").read_bytes() == make(name)


@pytest.mark.parametrize("name", MAKERS)
def test_every_dialect_becomes_clean(name: str) -> None:
    model = load(DIALECTS / f"{name}.onnx")
    assert {node.domain for node in model.nodes} <= {"", "qonnx.custom_op.general"}
    # What makes codes has the file's tensor names; weights are all behind a quantizer.
    for node in model.nodes:
        if node.op_type == "MatMul":
            assert model.constant(node.input[1]) is None
    assert model.shape(model.outputs[0]) == [1, 10]
    assert any(traits_of(node).quantizes for node in model.nodes)


@pytest.mark.parametrize("name", MAKERS)
def test_every_dialect_folds_to_its_golden_integers(name: str) -> None:
    path = DIALECTS / f"{name}.onnx"
    x = _inputs(name, GoldenModel(load(path)).input_shape)
    _check_folding(path, x)
    # A net that always answers the same would prove nothing.
    golden = GoldenModel(load(path)).run(x)
    assert len(np.unique(golden.scores[0], axis=0)) > IMAGES // 5


@pytest.mark.parametrize("name", MAKERS)
def test_the_file_confirms_every_dialect(name: str) -> None:
    path = DIALECTS / f"{name}.onnx"
    found = assert_confirmed(path, _inputs(name, GoldenModel(load(path)).input_shape))
    assert found.decisions > IMAGES * 40


@pytest.mark.parametrize("name", MAKERS)
def test_every_dialect_takes_integer_inputs(name: str) -> None:
    path = DIALECTS / f"{name}.onnx"
    model = load(path)
    golden = GoldenModel(model)
    scale = np.float32(1 if name.startswith("finn") else 1 / 64)
    codes = np.random.default_rng(1).integers(0, 256, (IMAGES, *golden.input_shape))
    graph = lower(fold(model, IntegerType.interval(0, 255), scale).model)
    scores = graph.execute(codes.reshape(IMAGES, -1))[graph.outputs[0].name]
    expected = golden.run(codes.astype(np.float32) * scale).scores[0]
    np.testing.assert_array_equal(scores, expected.reshape(scores.shape))


@pytest.mark.parametrize(
    ("name", "operators", "is_class"),
    [
        ("finn_bipolar", ("TopK",), True),
        ("finn_multibit", ("ArgMax",), True),
        ("sign", ("Softmax",), False),
        ("qkeras", ("Softmax",), False),
        ("comparisons", ("LogSoftmax",), False),
        ("activations", (), False),
    ],
)
def test_the_end_of_a_model_is_cut_off_and_recorded(name: str, operators: tuple[str, ...], is_class: bool) -> None:
    model = load(DIALECTS / f"{name}.onnx")
    assert final_operators(model) == operators
    assert (GoldenModel(model).ends["classes"][0]["rule"] == "index") == is_class


def test_classes_are_onnxruntimes() -> None:
    """The file's own ArgMax, as onnxruntime runs it, on a net without custom operators: Softmax, then the largest."""
    import onnxruntime

    path = DIALECTS / "sign.onnx"
    x = _inputs("sign", (36,))
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    probabilities = np.concatenate([session.run(None, {"global_in": x[i : i + 1]})[0] for i in range(IMAGES)])
    result = GoldenModel(load(path)).run(x)
    np.testing.assert_array_equal(result.classes[0], probabilities.argmax(axis=1))
    np.testing.assert_allclose(probabilities, result.values[0], rtol=1e-5)


def test_ternary_signs_stay_ternary_where_zero_occurs() -> None:
    graph = lower(fold(load(DIALECTS / "sign.onnx")).model)
    first, second = graph.operators[:2]
    # Even sums can be 0, and with a ternary input odd widths can too; a bias that is no integer excludes it.
    assert (first.outputs[0].type.lo, first.outputs[0].type.hi) == (-1, 1)
    assert not first.outputs[0].type.is_bipolar
    assert second.outputs[0].type.is_bipolar


@pytest.mark.parametrize("name", ["TFC_1W1A.onnx", "TFC_1W2A.onnx", "TFC_2W2A.onnx"])
def test_published_nets(name: str) -> None:
    path = shared(f"models/{name}")
    x = mnist_test_set()[0][:500].astype(np.float32) * np.float32(1 / 255)
    _check_folding(path, x)
    assert_confirmed(path, x)


def test_finn_tutorial_net_gives_its_golden_vectors() -> None:
    folder = shared("models/finn_tutorial_tfc")
    path = folder / "model.onnx"
    golden = GoldenModel(load(path))
    for prefix in ("", "bd_"):
        x, expected = np.load(folder / f"{prefix}input.npy"), np.load(folder / f"{prefix}expected_output.npy")
        np.testing.assert_array_equal(golden.run(x).classes[0], expected)
        _check_folding(path, x)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scale", "accuracy"), [("finn_tutorial_tfc/model.onnx", 1, 0.9296), ("TFC_2W2A.onnx", 1 / 255, 0.9660)]
)
def test_published_accuracies(name: str, scale: float, accuracy: float) -> None:
    images, labels = mnist_test_set()
    path = shared(f"models/{name}")
    model = load(path)
    x = images.astype(np.float32) * np.float32(scale)
    result = GoldenModel(model).run(x)
    assert (result.classes == labels).mean() == pytest.approx(accuracy, abs=1e-9)
    graph = lower(fold(model, IntegerType.interval(0, 255), np.float32(scale)).model)
    scores = graph.execute(images.reshape(len(images), -1).astype(np.int64))[graph.outputs[0].name]
    np.testing.assert_array_equal(scores, result.scores[0].reshape(scores.shape))
    assert_confirmed(path, x[:1000])


def test_files_of_a_dialect_are_left_as_they_are() -> None:
    path = DIALECTS / "finn_bipolar.onnx"
    before = path.read_bytes()
    load(path)
    assert path.read_bytes() == before
    assert onnx.load(path).graph.node[-1].op_type == "TopK"
