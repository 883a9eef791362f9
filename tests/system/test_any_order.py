"""Every operator as the first one, at the first fork and as the last one: file = golden = folded = emulator.

Compiling compares the folded graph and the emulator with the golden model; here all are compared with an answer from
the file alone. A few nets go through Verilator.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from tests.support.any_nets import EVERYWHERE, INPUTS, ON_IMAGES, ON_VECTORS, AnyNet
from tests.support.builds import check_cycles
from tests.support.independent import run_file
from tests.support.nets import NetWriter
from tests.support.seeds import seeds

IMAGES = 6
SHAPES = {"vectors": (6,), "signals": (4, 6), "images": (2, 3, 4)}
KINDS = sorted({*ON_IMAGES, *ON_VECTORS, *EVERYWHERE})
_CASES = [(kind, where) for where in SHAPES for kind in (ON_VECTORS if where == "vectors" else ON_IMAGES)]
ENDING = {"vectors": ("dense",), "signals": ("conv", "quantizer"), "images": ("conv", "quantizer")}


def check(net: AnyNet, folder: Path) -> bnnfpga.Project:
    """Compile a net, and compare the emulator's outputs with those of the file.

    Raises
    ------
    UserError
        If it is refused.
    """
    model = net.model()
    onnx.save(model, folder / "net.onnx")
    options = {} if net.input == "float" else {"input": net.input}
    project = bnnfpga.compile(folder / "net.onnx", folder / "project", force=True, **options)
    x = net.images(IMAGES)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert result.values is not None
    expected = run_file(model, x)
    np.testing.assert_allclose(result.values.reshape(IMAGES, -1), expected, rtol=1e-5, atol=1e-5)
    return project


def compiles(net: AnyNet, folder: Path) -> bool:
    """Check a net where it is not refused by one of its nodes."""
    try:
        check(net, folder)
    except UserError as error:
        refusal = error
    else:
        return True
    assert refusal.hint
    assert any(word in str(refusal.where) for word in ("node", "graph", "output")), refusal
    return False


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize(("kind", "where"), _CASES)
def test_first(kind: str, where: str, input: str, tmp_path: Path) -> None:
    between = ("quantizer",) if kind == "elementwise" else ()
    nets = [AnyNet((kind, *between, *ENDING[where]), SHAPES[where], input, seed) for seed in range(4)]
    found = [compiles(net, tmp_path) for net in nets]
    assert any(found) or kind in ("flatten", "reshape", "unsqueeze")


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize(("kind", "where"), _CASES)
def test_last(kind: str, where: str, input: str, tmp_path: Path) -> None:
    found = [compiles(AnyNet((*ENDING[where][:1], kind), SHAPES[where], input, seed), tmp_path) for seed in range(2)]
    assert any(found)


@pytest.mark.parametrize("input", ["int4", "float"])
@pytest.mark.parametrize(("kind", "where"), _CASES)
def test_alone(kind: str, where: str, input: str, tmp_path: Path) -> None:
    """First and last: there is nothing but the operator, whose output may be that of the file."""
    compiles(AnyNet((kind,), SHAPES[where], input, 1), tmp_path)


@pytest.mark.parametrize("input", ["bipolar", "float"])
@pytest.mark.parametrize(("kind", "where"), _CASES)
def test_at_the_first_fork(kind: str, where: str, input: str, tmp_path: Path) -> None:
    """The input is read twice, and both ways meet again in front of the operator or behind it."""
    before = AnyNet((kind, "add"), SHAPES[where], input, 2)
    behind = AnyNet(("concat", kind), SHAPES[where], input, 3)
    compiles(before, tmp_path)
    compiles(behind, tmp_path)


@pytest.mark.parametrize("seed", seeds(400, quick=60))
def test_random_nets(seed: int, tmp_path: Path) -> None:
    compiles(AnyNet.random(seed), tmp_path)


def test_most_random_nets_compile(tmp_path: Path) -> None:
    """Else they would say little."""
    assert sum(compiles(AnyNet.random(seed), tmp_path) for seed in range(1000, 1060)) >= 35


@pytest.mark.parametrize("kind", KINDS)
def test_random_nets_have_everything(kind: str) -> None:
    nets = [AnyNet.random(seed) for seed in range(100)]
    assert any(net.operators[0] == kind for net in nets) or any(kind in net.operators[1:] for net in nets)


RTL = {
    "a global pool of an image": AnyNet(("global_max",), (2, 3, 4), "bipolar"),
    "a sum of all pixels": AnyNet(("sum_whole", "flatten", "dense"), (3, 2, 4), "int4"),
    "a convolution of the whole image": AnyNet(("conv_whole", "quantizer"), (4, 2, 3), "uint8"),
    "a pool of a whole signal": AnyNet(("max_whole", "flatten", "dense"), (2, 5), "int4"),
    "a fork of images": AnyNet(("concat", "conv"), (2, 3, 3), "int4", 5),
    "tokens": AnyNet(("tokens", "quantizer", "mixing", "quantizer", "tokens"), (3, 4), "int4"),
    "channels last inside": AnyNet(("channels_last", "conv"), (2, 3, 3), "int4", 2),
}


def test_elements_of_a_vector_that_are_an_image_to_their_reader(tmp_path: Path) -> None:
    """Two elements a beat, from thresholds for each element, to an image with one pixel in a row."""
    net = NetWriter()
    x = net.bipolar(net.node("Add", net.bipolar("x"), net.constant(np.array([-2, 1]).reshape(1, 2, 1))))
    net.node("Add", net.bipolar(x), net.quant(x, 4, scale=1.0, signed=True))
    onnx.save(net.model((1, 2, 1), "y"), tmp_path / "net.onnx")
    folding = {"threshold0": {"pe": 2}}
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", folding=folding)
    assert project.simulate(np.ones((2, 1, 2, 1), np.float32), backend="emulator").mismatches == 0


@pytest.mark.parametrize("shape", [(5, 5), (3, 4)])
def test_a_turned_tensor_and_a_layer_of_it(shape: tuple[int, int], tmp_path: Path) -> None:
    """What is turned twice is as the file has it, and the other operand is not."""
    rng = np.random.default_rng(0)
    net = NetWriter()

    def layer(x: str, width: int) -> str:
        weights = net.constant(rng.choice([-1, 1], (width, width)))
        return net.quant(net.node("MatMul", x, net.bipolar(weights)), 4, scale=1, signed=True)

    turned = layer(net.node("Transpose", net.quant("x", 3, scale=1, signed=True), perm=[0, 2, 1]), shape[0])
    back = net.node("Transpose", turned, perm=[0, 2, 1])
    net.node("Add", back, layer(back, shape[1]))
    model = net.model(shape, "y")
    onnx.save(model, tmp_path / "net.onnx")
    x = rng.integers(-4, 4, (20, *shape)).astype(np.float32)
    result = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project").simulate(x, backend="emulator")
    np.testing.assert_array_equal(result.values.reshape(len(x), -1), run_file(model, x))


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("name", RTL)
def test_in_verilator(name: str, tmp_path: Path) -> None:
    project = check(RTL[name], tmp_path)
    check_cycles(project)
    assert project.verify(RTL[name].images(2), ["source", "folded", "emulator", "rtl"]).equal
