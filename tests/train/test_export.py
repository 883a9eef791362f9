"""Exporting Brevitas models. Most of it needs the extra ``[train]`` and is skipped without."""

from __future__ import annotations

import getpass
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.compiler.export import export_qonnx

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and Brevitas warn of their own matters

SHAPE = (1, 6, 6)
EXPORTERS = pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "torchscript"])


@pytest.fixture
def torch() -> Any:
    pytest.importorskip("brevitas")
    pytest.importorskip("onnxoptimizer")
    pytest.importorskip("onnxscript")
    module = pytest.importorskip("torch")
    module.manual_seed(3)
    return module


@pytest.fixture
def model(torch: Any) -> Any:
    """A small convolutional net after one pass in training mode, one layer of it in eval mode."""
    import brevitas.nn as qnn
    from brevitas.quant import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst

    class Weight(SignedBinaryWeightPerTensorConst):
        scaling_init = 1.0

    class Activation(SignedBinaryActPerTensorConst):
        min_val = -1.0
        max_val = 1.0

    net = torch.nn.Sequential(
        qnn.QuantIdentity(act_quant=Activation),
        qnn.QuantConv2d(1, 5, 3, bias=False, weight_quant=Weight),
        torch.nn.BatchNorm2d(5),
        torch.nn.MaxPool2d(2),
        qnn.QuantIdentity(act_quant=Activation),
        torch.nn.Flatten(),
        qnn.QuantLinear(20, 7, bias=False, weight_quant=Weight),
        torch.nn.BatchNorm1d(7),
    )
    net.train()
    net(torch.randn(16, *SHAPE))
    net[2].eval()
    return net


def evaluate(path: Path, images: np.ndarray) -> np.ndarray:
    """What a file gives for some images, calculated by qonnx."""
    onnx_exec = pytest.importorskip("qonnx.core.onnx_exec")
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    wrapper = ModelWrapper(str(path)).transform(InferShapes())
    name, output = wrapper.graph.input[0].name, wrapper.graph.output[0].name
    return np.concatenate([onnx_exec.execute_onnx(wrapper, {name: image[None]})[output] for image in images])


@EXPORTERS
def test_file_means_what_the_model_means(torch: Any, model: Any, tmp_path: Path, dynamo: bool) -> None:
    images = torch.randn(8, *SHAPE)
    path = export_qonnx(model, SHAPE, tmp_path / "net.onnx", dynamo=dynamo)
    assert path == tmp_path / "net.onnx"
    onnx.checker.check_model(onnx.load(path))
    with torch.no_grad():
        expected = model.eval()(images).numpy()
    np.testing.assert_allclose(evaluate(path, images.numpy()), expected, rtol=1e-5, atol=1e-5)


@EXPORTERS
def test_model_is_left_alone(torch: Any, model: Any, tmp_path: Path, dynamo: bool) -> None:
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    export_qonnx(model, SHAPE, str(tmp_path / "net.onnx"), dynamo=dynamo)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    model(torch.randn(4, *SHAPE)).sum().backward()
    assert model[1].weight.grad is not None


@EXPORTERS
def test_only_the_whole_file_is_left(model: Any, tmp_path: Path, dynamo: bool) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"an older file")
    export_qonnx(model, SHAPE, path, dynamo=dynamo)
    assert list(tmp_path.iterdir()) == [path]
    assert not onnx.load(path, load_external_data=False).graph.initializer[0].external_data


@EXPORTERS
def test_file_tells_nothing_of_the_machine(model: Any, tmp_path: Path, dynamo: bool) -> None:
    path = export_qonnx(model, SHAPE, tmp_path / "net.onnx", dynamo=dynamo)
    data = path.read_bytes()
    places = [Path(__file__).parent, Path.cwd(), Path.home(), tmp_path, tempfile.gettempdir()]
    for word in [*map(str, places), sys.prefix, "site-packages", ".py", getpass.getuser()]:
        assert len(word) < 2 or word.encode() not in data, word


@EXPORTERS
def test_same_model_gives_same_bytes(model: Any, tmp_path: Path, dynamo: bool) -> None:
    first, second = (export_qonnx(model, SHAPE, tmp_path / name, dynamo=dynamo) for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the folder '.*nowhere' does not exist") as caught:
        export_qonnx(None, SHAPE, tmp_path / "nowhere" / "net.onnx")  # type: ignore[arg-type]
    assert caught.value.where == str(tmp_path / "nowhere" / "net.onnx")
    assert caught.value.hint == "create the folder first"


def test_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a folder, not a file"):
        export_qonnx(None, SHAPE, tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(), (1, 0, 6), (1, 6.5), 36, ("a",)])
def test_impossible_shape(tmp_path: Path, shape: Any) -> None:
    with pytest.raises(UserError, match="not a row of positive whole numbers"):
        export_qonnx(None, shape, tmp_path / "net.onnx")  # type: ignore[arg-type]


def test_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match=r"needs the Python package '(torch|brevitas)'") as caught:
        export_qonnx(None, SHAPE, tmp_path / "net.onnx")  # type: ignore[arg-type]
    assert caught.value.hint == "pip install 'bnnfpga[train]'"


def test_wrong_shape(model: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"does not run on an input of shape \(1, 1, 28, 28\)"):
        export_qonnx(model, (1, 28, 28), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_failed_export_leaves_file_and_model(torch: Any, model: Any, tmp_path: Path) -> None:
    class Undecided(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, images: Any) -> Any:
            return self.net(images) if images.sum() > 0 else self.net(-images)

    path = tmp_path / "net.onnx"
    path.write_bytes(b"an older file")
    modes = [module.training for module in model.modules()]
    with pytest.raises(UserError, match="Brevitas cannot export this model") as caught:
        export_qonnx(Undecided(), SHAPE, path)
    assert "dynamo=False" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"an older file"
    assert [module.training for module in model.modules()] == modes


def test_integer_quantizers_at_one_bit(torch: Any, tmp_path: Path) -> None:
    import brevitas.nn as qnn
    from brevitas.quant import Int8WeightPerTensorFloat

    linear = {"bias": False, "weight_quant": Int8WeightPerTensorFloat, "weight_bit_width": 1}
    false_bipolar = {
        "0.act_quant": qnn.QuantReLU(bit_width=1),
        "0.weight_quant": qnn.QuantLinear(36, 4, weight_narrow_range=False, **linear),
    }
    for where, layer in false_bipolar.items():
        layer(torch.rand(2, 36))
        with pytest.raises(UserError, match="Brevitas would write it as BipolarQuant") as caught:
            export_qonnx(torch.nn.Sequential(layer), (36,), tmp_path / "net.onnx")
        assert caught.value.where == where


def test_a_model_that_changes_when_it_is_run_is_refused(torch: Any, tmp_path: Path) -> None:
    """Statistics of clamped latents clamp them, and so change what the next ones are of."""
    import brevitas.nn as qnn
    from brevitas.quant import SignedBinaryWeightPerTensorConst

    class Drifting(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.dense = qnn.QuantLinear(36, 4, bias=False, weight_quant=SignedBinaryWeightPerTensorConst)

        def forward(self, images: Any) -> Any:
            with torch.no_grad():
                self.dense.weight.mul_(0.5)
            return self.dense(images)

    with pytest.raises(UserError, match="changes whenever it is run") as caught:
        export_qonnx(Drifting(), (36,), tmp_path / "net.onnx")
    assert caught.value.where == "dense.weight"
    assert not list(tmp_path.iterdir())


def test_brevitas_own_statistics_of_weights_are_refused(torch: Any, tmp_path: Path) -> None:
    import brevitas.nn as qnn
    from brevitas.core.quant import ClampedBinaryQuant
    from brevitas.core.scaling import ScalingImplType
    from brevitas.inject.enum import StatsOp
    from brevitas.quant import SignedBinaryWeightPerTensorConst

    class Statistics(SignedBinaryWeightPerTensorConst):
        tensor_quant = ClampedBinaryQuant
        scaling_impl_type = ScalingImplType.STATS
        scaling_stats_op = StatsOp.AVE

    dense = qnn.QuantLinear(36, 4, bias=False, weight_quant=Statistics)
    before = dense.weight.detach().clone()
    with pytest.raises(UserError, match="changes whenever it is run"):
        export_qonnx(torch.nn.Sequential(qnn.QuantIdentity(), dense), (36,), tmp_path / "net.onnx")
    assert torch.equal(dense.weight, before)


@EXPORTERS
def test_a_file_that_means_something_else_is_refused(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dynamo: bool
) -> None:
    """An exporter that gets a weight's sign wrong."""
    import brevitas.export

    right = brevitas.export.export_qonnx

    def wrong(*args: Any, **options: Any) -> onnx.ModelProto:
        exported = right(*args, **options)
        for tensor in exported.graph.initializer:
            values = onnx.numpy_helper.to_array(tensor)
            if values.shape in ((7, 20), (5, 1, 3, 3)):
                values = values.copy()
                values.flat[0] *= -1
                tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
        return exported

    monkeypatch.setattr(brevitas.export, "export_qonnx", wrong)
    with pytest.raises(UserError, match="means something else than the model: output") as caught:
        export_qonnx(model, SHAPE, tmp_path / "net.onnx", dynamo=dynamo)
    assert caught.value.where == "export_qonnx"
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("default")
def test_ties_everywhere_leave_nothing_to_compare(torch: Any, tmp_path: Path) -> None:
    """Sums of +0.1 and -0.1, of which every other is 0 where float32 does not round."""
    import brevitas.nn as qnn
    from brevitas.quant import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst

    def layer(inputs: int, outputs: int) -> list[Any]:
        dense = qnn.QuantLinear(inputs, outputs, bias=False, weight_quant=SignedBinaryWeightPerTensorConst)
        return [qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst), dense]

    net = torch.nn.Sequential(*layer(4, 64), *layer(64, 3))
    with pytest.warns(UserWarning, match="each of 64 random images lies on a rounding tie"):
        assert export_qonnx(net, (4,), tmp_path / "net.onnx").exists()


@pytest.mark.filterwarnings("default")
def test_a_file_that_cannot_be_compiled_is_written_with_a_warning(torch: Any, tmp_path: Path) -> None:
    import brevitas.nn as qnn
    from brevitas.quant import SignedBinaryWeightPerTensorConst

    net = torch.nn.Sequential(qnn.QuantLinear(4, 3, bias=False, weight_quant=SignedBinaryWeightPerTensorConst))
    with pytest.warns(UserWarning, match="the file cannot be compiled as it is"):
        assert export_qonnx(net, (4,), tmp_path / "net.onnx").exists()
