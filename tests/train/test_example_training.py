"""The examples' training scripts and networks. Needs the extra ``[train]`` and is skipped without."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import bnnfpga
from tests.support.data import EXAMPLES, random_digits

CIFAR = EXAMPLES / "cifar_cnv"


def module(path: Path) -> ModuleType:
    """A module of an example, under a name of its own: each has one called `model`."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def torch() -> Any:
    for name in ("brevitas", "onnxoptimizer", "onnxscript"):
        pytest.importorskip(name)
    loaded = pytest.importorskip("torch")
    loaded.manual_seed(0)
    return loaded


@pytest.mark.filterwarnings("ignore")  # torch and Brevitas warn of their own matters
@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "torchscript"])
def test_residual_net_is_exact_before_training(torch: Any, tmp_path: Path, dynamo: bool) -> None:
    net = module(EXAMPLES / "mnist_cnn" / "model.py").BinaryCnn(channels=4, last_channels=6)
    digits = random_digits(10)
    images = torch.from_numpy(digits).float() / 255.0
    net.train()(images)
    file = bnnfpga.export_qonnx(net, (1, 28, 28), tmp_path / "net.onnx", dynamo=dynamo)
    project = bnnfpga.compile(file, tmp_path / "project", input="uint8", input_scale="1/255")
    result = project.simulate(digits, backend="emulator")
    assert result.mismatches == 0
    with torch.no_grad():
        expected = net.eval()(images).numpy() / float(net.scale)
    np.testing.assert_allclose(result.outputs.reshape(10, -1), expected, atol=0.01)


def test_cnv_is_trained_exported_and_compiled(torch: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data, file = tmp_path / "pictures.npz", tmp_path / "cnv.onnx"
    np.savez(data, x=rng.integers(0, 256, (120, 32, 32, 3), np.uint8), y=rng.integers(0, 10, 120))
    options = ["--data", data, "--test", data, "--epochs", "1", "--output", file]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", CIFAR / "train.py", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "108 images to learn from, 12 to validate with" in done.stdout
    assert "test " in done.stdout
    # Compiling compares the model, its folded graph and the emulator.
    project = bnnfpga.compile(file, tmp_path / "project", input="uint8", input_scale="1/255")
    layers = [layer["operator"] for layer in project.summary()["layers"]]
    assert layers.count("matrix_vector") == 9
    assert layers.count("pool") == 2


def batch(images: np.ndarray, labels: list[int]) -> bytes:
    """A batch that says where NumPy's functions are as those of CIFAR-10 do, which are older than that they moved."""
    data = pickle.dumps({b"data": images.reshape(len(images), -1), b"labels": labels}, protocol=3)
    return data.replace(b"numpy._core.", b"numpy.core.")


def test_cifar_from_batches_and_arrays(tmp_path: Path) -> None:
    cifar = module(CIFAR / "cifar.py")
    images = np.random.default_rng(0).integers(0, 256, (10, 3, 32, 32), np.uint8)
    labels = np.arange(10)
    for number in range(1, 6):
        part = slice(2 * number - 2, 2 * number)
        (tmp_path / f"data_batch_{number}").write_bytes(batch(images[part], labels[part].tolist()))
    np.savez(tmp_path / "train.npz", x=images.transpose(0, 2, 3, 1), y=labels)
    for path in (tmp_path, tmp_path / "train.npz"):
        found = cifar.read_cifar(path, "train")
        np.testing.assert_array_equal(found[0], images)
        np.testing.assert_array_equal(found[1], labels)
    with pytest.raises(SystemExit, match="test_batch is missing"):
        cifar.read_cifar(tmp_path, "test")


def test_cifar_batch_that_would_run_code(tmp_path: Path) -> None:
    (tmp_path / "test_batch").write_bytes(pickle.dumps({b"data": Path("x"), b"labels": []}, protocol=3))
    with pytest.raises(
        SystemExit, match=r"test_batch is not a batch of CIFAR-10: it asks for pathlib.*, which is not an array"
    ):
        module(CIFAR / "cifar.py").read_cifar(tmp_path, "test")
