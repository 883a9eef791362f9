"""Nets that others have published, built by their definitions with Brevitas: untrained, exported, compiled exactly."""

from __future__ import annotations

import configparser
import resource
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnfpga

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and Brevitas warn of their own matters
_MAX_CPU_SECONDS = 120
_MAX_KILOBYTES = 4 << 20


@pytest.fixture
def torch() -> Any:
    pytest.importorskip("brevitas_examples")
    pytest.importorskip("onnxoptimizer")
    pytest.importorskip("onnxscript")
    module = pytest.importorskip("torch")
    module.manual_seed(5)
    return module


def _mobilenet(torch: Any, width: float, size: int) -> Any:
    """Brevitas' MobileNetV1 W4A4, after a pass in training mode that sets its scales."""
    from brevitas_examples.imagenet_classification.models.mobilenetv1 import quant_mobilenet_v1

    config = configparser.ConfigParser()
    config.read_dict({"MODEL": {"WIDTH_SCALE": width}, "QUANT": {"BIT_WIDTH": 4, "ROUND_AVG_POOL": False}})
    net = quant_mobilenet_v1(config)
    net.final_pool.kernel_size = size // 32
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # averages of all batches, not of those and what it began with
    net.train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.rand(2, 3, size, size))
    return net.eval()


def _compile_mobilenet(torch: Any, width: float, size: int, folder: Path) -> bnnfpga.Project:
    path = bnnfpga.export_qonnx(_mobilenet(torch, width, size), (3, size, size), folder / "net.onnx", dynamo=False)
    return bnnfpga.compile(path, folder / "project", input="uint8", input_scale="1/255")


def test_mobilenet_scaled_down(torch: Any, tmp_path: Path) -> None:
    project = _compile_mobilenet(torch, 0.125, 32, tmp_path)
    x = np.random.default_rng(1).integers(0, 256, (4, 3, 32, 32)).astype(np.uint8)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert len(np.unique(result.outputs)) > 100


@pytest.mark.slow
def test_mobilenet(torch: Any, tmp_path: Path) -> None:
    path = bnnfpga.export_qonnx(_mobilenet(torch, 1, 224), (3, 224, 224), tmp_path / "net.onnx", dynamo=False)
    before = _cpu_seconds()
    project = bnnfpga.compile(path, tmp_path / "project", input="uint8", input_scale="1/255")
    assert _cpu_seconds() - before < _MAX_CPU_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < _MAX_KILOBYTES
    x = np.random.default_rng(1).integers(0, 256, (2, 3, 224, 224)).astype(np.uint8)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert len(np.unique(result.outputs)) > 100


def _cpu_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _intrusion_detector(torch: Any) -> Any:
    """The MLP for UNSW-NB15 of FINN's notebooks, as it is exported: inputs -1 and +1 become 0 and 1 in the model."""
    import brevitas.nn as qnn
    from brevitas.quant import SignedBinaryActPerTensorConst

    class Output(SignedBinaryActPerTensorConst):
        min_val = -1.0
        max_val = 1.0

    class ForExport(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, layers: Any) -> None:
            super().__init__()
            self.layers = layers
            self.output = qnn.QuantIdentity(act_quant=Output)

        def forward(self, x: Any) -> Any:
            return self.output(self.layers((x + torch.tensor([1.0])) / 2.0))

    layers: list[Any] = []
    widths = (600, 64, 64, 64)
    for inputs, outputs in pairwise(widths):
        layers.append(qnn.QuantLinear(inputs, outputs, bias=True, weight_bit_width=2))
        layers += [torch.nn.BatchNorm1d(outputs), torch.nn.Dropout(0.5), qnn.QuantReLU(bit_width=2)]
    layers.append(qnn.QuantLinear(64, 1, bias=True, weight_bit_width=2))
    net = torch.nn.Sequential(*layers).train()
    with torch.no_grad():
        for _ in range(8):
            net(torch.randint(0, 2, (64, 600)).float())
    return ForExport(net).eval()


@pytest.mark.parametrize("dynamo", [True, False], ids=["dynamo", "torchscript"])
def test_intrusion_detector(dynamo: bool, torch: Any, tmp_path: Path) -> None:
    path = bnnfpga.export_qonnx(_intrusion_detector(torch), (600,), tmp_path / "net.onnx", dynamo=dynamo)
    project = bnnfpga.compile(path, tmp_path / "project", input="bipolar")
    x = np.random.default_rng(2).choice([-1, 1], (64, 600)).astype(np.int8)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert set(np.unique(result.outputs)) <= {-1, 1}
