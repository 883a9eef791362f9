"""Thermometer codes by broadcasting: constants with more channels, or one axis more, than what they meet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.builds import images_for
from tests.support.nets import NetWriter

LEVELS = np.linspace(-30, 200, 5).astype(np.float32) + np.float32(0.5)


def _shape(net: NetWriter, *extents: int) -> str:
    return net.constant(extents, np.int64)


def _codes(net: NetWriter, kind: str, x: str, levels: np.ndarray) -> str:
    if kind == "Sub":
        return net.bipolar(net.node("Sub", x, net.constant(levels)))
    if kind == "from":
        return net.bipolar(net.node("Sub", net.constant(levels), x), 0.5)
    compared = net.node(kind, x, net.constant(levels))
    return net.node("Cast", compared, to=onnx.TensorProto.FLOAT)


def _grey(net: NetWriter, kind: str) -> tuple[str, tuple[int, ...], int]:
    return _codes(net, kind, "x", LEVELS.reshape(1, 5, 1, 1)), (1, 4, 4), 5


def _signal(net: NetWriter, kind: str) -> tuple[str, tuple[int, ...], int]:
    return _codes(net, kind, "x", LEVELS.reshape(5, 1)), (1, 9), 5


def _number(net: NetWriter, kind: str) -> tuple[str, tuple[int, ...], int]:
    return _codes(net, kind, "x", LEVELS), (1,), 5


def _behind(net: NetWriter, kind: str) -> tuple[str, tuple[int, ...], int]:
    """Levels of each feature, behind it."""
    levels = LEVELS + np.arange(6, dtype=np.float32)[:, None]
    made = _codes(net, kind, net.node("Unsqueeze", "x", _shape(net, 2)), levels)
    return net.node("Flatten", made), (6,), 30


def _before(net: NetWriter, kind: str) -> tuple[str, tuple[int, ...], int]:
    """The same levels of all features, in front of them."""
    made = _codes(net, kind, net.node("Unsqueeze", "x", _shape(net, 1)), LEVELS[:, None])
    return net.node("Flatten", made), (6,), 30


def _colours(net: NetWriter, kind: str) -> tuple[str, tuple[int, ...], int]:
    levels = (LEVELS + np.arange(3, dtype=np.float32)[:, None]).reshape(1, 3, 5, 1, 1)
    made = _codes(net, kind, net.node("Reshape", "x", _shape(net, 1, 3, 1, 4, 4)), levels)
    return net.node("Reshape", made, _shape(net, 1, 15, 4, 4)), (3, 4, 4), 15


FORMS: dict[str, Callable[[NetWriter, str], tuple[str, tuple[int, ...], int]]] = {
    "grey image": _grey,
    "signal": _signal,
    "one number": _number,
    "levels behind features": _behind,
    "levels before features": _before,
    "colours": _colours,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["Sub", "from", "Greater", "LessOrEqual"])
def test_thermometer_codes(form: str, kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    net = NetWriter()
    x, shape, channels = FORMS[form](net, kind)
    if len(shape) > 1:
        kernel = [3] * (len(shape) - 1)
        weights = net.bipolar(net.constant(rng.normal(0, 1, (4, channels, *kernel))))
        x = net.node("Flatten", net.bipolar(net.node("Conv", x, weights, kernel_shape=kernel)))
        channels = 4 * int(np.prod([extent - 2 for extent in shape[1:]]))
    net.node("MatMul", x, net.bipolar(net.constant(rng.normal(0, 1, (channels, 3)))))
    proto = net.model(shape, net.nodes[-1].output[0])
    path = tmp_path / "net.onnx"
    onnx.save(proto, path)
    project = bnnfpga.compile(path, tmp_path / "project", input="uint8")
    codes = images_for(project, 60)
    reading = check_file(proto, GoldenModel(clean(proto), project.input_format), codes.astype(np.float32))
    assert reading.difference is None
    assert reading.unchecked == ()
    result = project.simulate(codes, backend="emulator")
    assert result.mismatches == 0
    assert len(np.unique(result.outputs)) > 1
