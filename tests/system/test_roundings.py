"""Quantizers that a file writes as roundings between limits, and weights quantised in float32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.builds import images_for
from tests.support.nets import NetWriter
from tests.support.spelled import expected

SHAPE = (3, 6, 5)


def _of(net: NetWriter, kind: str, x: str, *numbers: float) -> str:
    return net.node(kind, x, *(net.constant(number) for number in numbers))


def _divided(net: NetWriter, x: str, n: int) -> str:
    return _of(net, "Div", net.node("Round", _of(net, "Mul", x, n)), n)


def _asymmetric(net: NetWriter, x: str, n: int) -> str:
    """By a scale and a zero point, as torch.fake_quantize writes it."""
    code = _of(net, "Add", net.node("Round", _of(net, "Div", x, 2 / n)), n // 2)
    return _of(net, "Mul", _of(net, "Sub", _of(net, "Clip", code, 0, n), n // 2), 2 / n)


def _straight_through(net: NetWriter, x: str, n: int) -> str:
    """x + (q - x), of which only the first term has a gradient."""
    return net.node("Add", x, net.node("Sub", _divided(net, x, n), x))


SPELLINGS: dict[str, Callable[[NetWriter, str, int], str]] = {
    "clip": lambda net, x, n: _divided(net, _of(net, "Clip", x, 0, 1), n),
    "relu and min": lambda net, x, n: _divided(net, _of(net, "Min", net.node("Relu", x), 1), n),
    "min and max": lambda net, x, n: _divided(net, _of(net, "Max", _of(net, "Min", x, 1), 0), n),
    "clip of the multiple": lambda net, x, n: _of(
        net, "Mul", net.node("Round", _of(net, "Clip", _of(net, "Mul", x, n), 0, n)), 1 / n
    ),
    "clip behind": lambda net, x, n: _of(
        net, "Div", _of(net, "Clip", net.node("Round", _of(net, "Mul", x, n)), 0, n), n
    ),
    "clip behind all": lambda net, x, n: _of(net, "Clip", _divided(net, x, n), 0, 1),
    "relu in front, min behind": lambda net, x, n: _of(net, "Min", _divided(net, net.node("Relu", x), n), 1),
    "floor of a half more": lambda net, x, n: _of(
        net, "Div", net.node("Floor", _of(net, "Add", _of(net, "Mul", _of(net, "Clip", x, 0, 1), n), 0.5)), n
    ),
    "ceil": lambda net, x, n: _of(net, "Div", net.node("Ceil", _of(net, "Mul", _of(net, "Clip", x, 0, 1), n)), n),
    "both signs": lambda net, x, n: _divided(net, _of(net, "Clip", x, -1, 1), n),
    "by a tanh": lambda net, x, n: _divided(net, net.node("Tanh", x), n),
    "by a sigmoid": lambda net, x, n: _divided(net, net.node("Sigmoid", x), n),
    "twice less 1": lambda net, x, n: _of(
        net, "Sub", _of(net, "Mul", _divided(net, _of(net, "Clip", x, 0, 1), n), 2), 1
    ),
    "by a scale": lambda net, x, n: _of(
        net, "Mul", _of(net, "Clip", net.node("Round", _of(net, "Div", x, 0.1)), 0, n), 0.1
    ),
    "with a zero point": _asymmetric,
    "straight through": lambda net, x, n: _straight_through(net, _of(net, "Clip", x, 0, 1), n),
}


class RoundedNet(NetWriter):
    """A layer, a quantizer of plain operators, a layer with weights of plain numbers, a pool, a dense layer."""

    def __init__(self, spelling: str, n: int, *, bits: int = 2, first: bool = False) -> None:
        super().__init__()
        rng = np.random.default_rng(n)
        x = SPELLINGS[spelling](self, "x", n) if first else self.bipolar("x")
        x = self._conv(x, rng.choice([-1, 1], (4, 3, 3, 3)))
        numbers = (rng.normal(0, 0.3, 4), rng.normal(0.3, 0.3, 4), rng.normal(0, 3, 4), rng.uniform(4, 30, 4))
        x = self.node("BatchNormalization", x, *map(self.constant, numbers))
        x = SPELLINGS[spelling](self, x, n)
        x = self._conv(x, dorefa(rng.normal(0, 1, (5, 4, 3, 3)), bits))
        x = self.node("Flatten", self.bipolar(x))
        self.node("MatMul", x, self.constant(dorefa(rng.normal(0, 1, (5 * 2, 3)), bits)))

    def _conv(self, x: str, weights: np.ndarray) -> str:
        return self.node("Conv", x, self.constant(weights), kernel_shape=[3, 3])


def dorefa(latent: np.ndarray, bits: int) -> np.ndarray:
    """Weights as DoReFa-Net quantises them, one float32 operation at a time.

    Source: Zhou et al., "DoReFa-Net: Training Low Bitwidth Convolutional Neural Networks with Low Bitwidth Gradients"
    (2016), equation 9.
    """
    levels = np.float32(2**bits - 1)
    t = np.tanh(latent.astype(np.float32))
    t = t / (np.float32(2) * np.abs(t).max()) + np.float32(0.5)
    return np.float32(2) * (np.rint(t * levels) / levels) - np.float32(1)


def _check(net: NetWriter, folder: Path) -> None:
    proto = net.model(SHAPE, net.nodes[-1].output[0])
    path = folder / "net.onnx"
    onnx.save(proto, path)
    project = bnnfpga.compile(path, folder / "project")
    x = images_for(project, 100)
    golden = GoldenModel(clean(proto))
    reading = check_file(proto, golden, x)
    assert reading.difference is None
    assert reading.unchecked == ()
    assert project.simulate(x, backend="emulator").mismatches == 0
    wanted = expected(proto, x)[0].reshape(len(x), -1)
    got = golden.run(x).outputs[0].reshape(len(x), -1)
    same = np.isclose(got, wanted, rtol=1e-5, atol=1e-5).all(axis=1)
    assert np.all(same | reading.tied)
    assert same.mean() > 0.3


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("n", [1, 3, 6, 15])
def test_roundings_are_quantizers(spelling: str, n: int, tmp_path: Path) -> None:
    _check(RoundedNet(spelling, n), tmp_path)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 7])
def test_weights_off_their_grid(bits: int, tmp_path: Path) -> None:
    _check(RoundedNet("clip", 255, bits=bits, first=True), tmp_path)


def test_weights_of_a_grid_of_9_bits_are_refused(tmp_path: Path) -> None:
    """2 * round(t * 255) / 255 - 1 has the odd multiples of 1 / 255 up to 255."""
    with pytest.raises(UserError, match="weights are not quantised") as caught:
        _check(RoundedNet("clip", 3, bits=8), tmp_path)
    assert "(Conv)" in str(caught.value.where)


def test_a_rounding_in_front_of_a_quantizer_is_a_step_of_its_chain(tmp_path: Path) -> None:
    """It makes no integers of its own, whose quantizer would be one more unit."""
    net = NetWriter()
    rng = np.random.default_rng(0)
    x = net.node("MatMul", net.bipolar("x"), net.constant(rng.choice([-1, 1], (6, 4))))
    x = net.quant(_of(net, "Add", _divided(net, _of(net, "Clip", x, -4, 4), 2), 0.25), 3, scale=0.5, signed=True)
    net.node("MatMul", x, net.constant(rng.choice([-1, 1], (4, 2))))
    path = tmp_path / "net.onnx"
    onnx.save(net.model((6,), net.nodes[-1].output[0]), path)
    project = bnnfpga.compile(path, tmp_path / "project")
    kinds = [layer["operator"] for layer in project.description["layers"]]
    assert kinds.count("matrix_vector") == 2
    assert not {"threshold", "lookup"} & set(kinds)
    assert project.simulate(images_for(project, 64), backend="emulator").mismatches == 0


def test_weights_that_the_file_computes_itself(tmp_path: Path) -> None:
    """DoReFa's formula in the file: functions of constants mean what they mean elsewhere."""
    rng = np.random.default_rng(0)
    net = NetWriter()
    latent = net.constant(rng.normal(0, 1, (12, 4)))
    t = net.node("Tanh", latent)
    largest = net.node("ReduceMax", net.node("Abs", t), keepdims=0)
    t = _of(net, "Add", net.node("Div", t, _of(net, "Mul", largest, 2)), 0.5)
    weights = _of(net, "Sub", _of(net, "Mul", _divided(net, t, 3), 2), 1)
    x = net.bipolar(_of(net, "Sub", net.node("MatMul", net.bipolar("x"), weights), 0.1))
    net.node("MatMul", x, net.constant(rng.choice([-1, 1], (4, 3))))
    proto = net.model((12,), net.nodes[-1].output[0])
    path = tmp_path / "net.onnx"
    onnx.save(proto, path)
    project = bnnfpga.compile(path, tmp_path / "project")
    x = images_for(project, 100)
    reading = check_file(proto, GoldenModel(clean(proto)), x)
    assert reading.difference is None
    assert reading.unchecked == ()
    assert project.simulate(x, backend="emulator").mismatches == 0
