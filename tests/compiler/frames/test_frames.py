"""The frames of the self-check: of which kinds they are, how many, and that they do what they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.compiler import frames as package
from bnnfpga.compiler.design import make_design
from bnnfpga.compiler.frames import Frames, self_check_frames
from bnnfpga.compiler.frames.floats import floats_of
from bnnfpga.compiler.frames.patterns import draw, patterns
from bnnfpga.compiler.frames.sight import Looker
from bnnfpga.compiler.frames.solve import solve
from bnnfpga.compiler.frames.units import FirstUnits
from bnnfpga.compiler.model_file import open_model
from bnnfpga.dataflow.graph import Graph
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.arithmetic import Step, apply_steps
from bnnfpga.numbers.integers import IntArray, IntegerType
from tests.compiler.frames.test_mutations import NETS
from tests.support.conv_nets import ConvNet
from tests.support.nets import DenseNet, NetWriter

BYTE, SIGNED, BIPOLAR = IntegerType(0, 255, "unsigned"), IntegerType(-8, 7, "signed"), IntegerType.bipolar()


def frames_of(
    model: onnx.ModelProto, folder: Path, name: str | None = None, scale: str | None = None
) -> tuple[Frames, Graph, IntArray]:
    """The frames of a model, its graph, and the frames as they stream."""
    onnx.save(model, folder / "net.onnx")
    input = InputFormat.parse(name, scale)
    design = make_design(open_model(folder / "net.onnx", input), folding=None, cycles=None)
    frames = self_check_frames(design.file.golden, design.folded, design.graph, input, design.input_order)
    x = frames.x.reshape(len(frames.x), -1)
    codes = x if design.folded.input_function is None else apply_steps(design.folded.input_function.steps, x)
    return frames, design.graph, design.input_order.to_stream(codes.astype(np.int64))


@pytest.mark.parametrize("net", ["image", "skewed", "signs", "thresholds first", "signal", "normalised", "dense"])
def test_they_are_few_and_legal_and_always_the_same(net: str, tmp_path: Path) -> None:
    model, options = NETS[net]
    arguments = options.get("input"), options.get("input_scale")
    frames, graph, codes = frames_of(model(), tmp_path, *arguments)
    again = frames_of(model(), tmp_path, *arguments)[0]
    np.testing.assert_array_equal(frames.x, again.x)
    assert frames.kinds == again.kinds
    assert frames.x.dtype == np.float32
    assert len(frames.x) == len(frames.kinds) == 32
    assert frames.for_file == (0, 1, 2, 3, 4, 5)
    assert np.all(graph.input.port.type.holds(codes))
    assert "random" in frames.kinds
    assert {"all at the lowest value", "all at the highest value"} <= set(frames.kinds)


def test_few_frames_where_one_costs_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "_COSTLY", 1000)
    frames, _, _ = frames_of(NETS["image"][0](), tmp_path, "uint8")
    assert len(frames.x) == 4
    assert frames.for_file == (0, 1)
    assert frames.kinds == (
        "another level for each channel, row and column",
        "sums at thresholds",
        "random",
        "channel 0 lit",
    )


def test_what_all_of_them_cost_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = NETS["signs"][0]()
    products = 36 * 6 * 9 * (4 + 6) + 6 * 36 * 4
    monkeypatch.setattr(package, "_PRODUCTS", 10 * products)
    assert len(frames_of(net, tmp_path, "bipolar")[0].x) == 10


def kinds_of(type: IntegerType, shape: tuple[int, ...]) -> dict[str, IntArray]:
    return {pattern.kind: pattern.codes for pattern in patterns(type, shape, np.random.default_rng(0))}


@pytest.mark.parametrize("type", [BYTE, SIGNED, BIPOLAR], ids=str)
def test_an_image(type: IntegerType) -> None:
    found = kinds_of(type, (5, 6, 6))
    for axis, name in enumerate(("channel", "row", "column")):
        extent = (5, 6, 6)[axis]
        lit, dark = found[f"{name} 0 lit"], found[f"all but {name} {extent - 1} lit"]
        assert np.all(np.take(lit, 0, axis) == type.hi)
        assert np.all(np.delete(lit, 0, axis) == type.lo)
        assert np.all(np.take(dark, -1, axis) == type.lo)
        assert np.all(np.delete(dark, -1, axis) == type.hi)
        for kind in (f"a random level for each {name}", f"rising by {name}"):
            lines = np.moveaxis(found[kind], axis, 0).reshape(extent, -1)
            assert np.all(lines == lines[:, :1])
            assert len(np.unique(lines)) == min(extent, type.hi - type.lo + 1) if not type.is_bipolar else 2
    last = found["the last pixel lit"]
    assert np.all(last[:, -1, -1] == type.hi)
    assert np.count_nonzero(last == type.hi) == 5
    mixed = found["another level for each channel, row and column"]
    for turned in (mixed[::-1], mixed[:, ::-1], mixed[..., ::-1], mixed.swapaxes(1, 2)):
        assert not np.array_equal(mixed, turned)
    assert ("all 0" in found) == (type == SIGNED)
    assert all(np.all(type.holds(codes)) for codes in found.values())


@pytest.mark.parametrize(
    ("shape", "kinds"),
    [
        ((40,), {"element 0 lit", "all but element 39 lit"}),
        ((3, 9), {"channel 0 lit", "sample 0 lit", "rising by sample"}),
        ((1, 9), {"sample 0 lit"}),
        ((1, 8, 8), {"row 0 lit", "the last pixel lit"}),
        ((8, 8, 3), {"row 0 lit", "channel 0 lit"}),
        ((2, 3, 4, 5), {"index of axis 4 0 lit"}),
        ((1,), {"random"}),
    ],
)
def test_inputs_of_any_shape(shape: tuple[int, ...], kinds: set[str]) -> None:
    found = kinds_of(BYTE, shape)
    assert kinds <= set(found)
    assert all(codes.shape == shape for codes in found.values())
    assert ("channel 0 lit" in found) == ("channel 0 lit" in kinds or shape[0] == 3)


# -- floats ------------------------------------------------------------------------------------------------------------


def quantizer(scale: float, type: IntegerType) -> list[Step]:
    steps = [("divide", scale), ("maximum", type.lo), ("minimum", type.hi)]
    return [*(Step(name, np.array([number], np.float32)) for name, number in steps), Step("round")]


def norm(rng: np.random.Generator, elements: int) -> list[Step]:
    """Some elements fall."""
    factors = rng.uniform(0.2, 3, elements) * rng.choice([-1, 1], elements)
    return [
        Step("subtract", rng.normal(0, 1, (1, elements)).astype(np.float32)),
        Step("multiply", factors.astype(np.float32)[None]),
    ]


@pytest.mark.parametrize("place", ["inside", "ends"])
@pytest.mark.parametrize("type", [BYTE, SIGNED], ids=str)
@pytest.mark.parametrize("normalised", [False, True])
def test_floats_of_codes(normalised: bool, type: IntegerType, place: Any) -> None:
    rng = np.random.default_rng(1)
    codes = draw(type, (6, 50), rng)
    steps = [*(norm(rng, 50) if normalised else []), *quantizer(0.1, type)]
    x = floats_of(steps, codes, type, place, rng)
    np.testing.assert_array_equal(apply_steps(steps, x), codes)
    if place == "ends":
        # The next float on one side is another code's, but where the range has no end.
        sides = [apply_steps(steps, np.nextafter(x, np.float32(end))) != codes for end in (-np.inf, np.inf)]
        inner = (codes > type.lo) & (codes < type.hi)
        assert np.all((sides[0] | sides[1])[inner])
        assert np.any(sides[0])
        assert np.any(sides[1])


def test_floats_of_signs() -> None:
    rng = np.random.default_rng(2)
    steps = [Step("subtract", np.array([0.7], np.float32)), Step("sign")]
    codes = draw(BIPOLAR, (4, 30), rng)
    x = floats_of(steps, codes, BIPOLAR, "ends", rng)
    np.testing.assert_array_equal(apply_steps(steps, x), codes)
    assert np.float32(0.7) in x
    assert np.nextafter(np.float32(0.7), np.float32(0)) in x


def test_no_float_is_denormal() -> None:
    rng = np.random.default_rng(3)
    x = floats_of([Step("sign")], draw(BIPOLAR, (4, 30), rng), BIPOLAR, "ends", rng)
    assert np.all((x == 0) | (np.abs(x) >= np.finfo(np.float32).tiny))
    assert np.any(x == 0)
    assert np.any((x < 0) & (x > -1e-30))


def test_a_function_that_turns_around_gives_some_floats() -> None:
    rng = np.random.default_rng(4)
    steps = [Step("multiply_below_zero", np.array([-1], np.float32)), *quantizer(0.1, BYTE)]
    x = floats_of(steps, draw(BYTE, (2, 9), rng), BYTE, "inside", rng)
    assert np.all(np.isfinite(x))


# -- sums at thresholds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", [BYTE, SIGNED, BIPOLAR], ids=str)
@pytest.mark.parametrize("largest", [1, 7])
def test_one_sum(largest: int, type: IntegerType) -> None:
    rng = np.random.default_rng(5)
    for below in (False, True):
        weights = rng.integers(-largest, largest + 1, (1, 40))
        weights[0, :4] = 1
        # As many operands are odd as there are odd weights.
        step = 2 if type.is_bipolar else 1
        x, reached = solve(weights, type, np.array([9]), np.array([below]), rng)
        above = int(weights[0] @ x) - 9
        assert reached[0]
        assert -step <= above < 0 if below else 0 <= above < step
        assert np.all(type.holds(x))


def test_several_sums() -> None:
    rng = np.random.default_rng(6)
    weights = rng.choice([-1, 1], (6, 200))
    x, reached = solve(weights, BIPOLAR, rng.integers(-20, 20, 6), rng.random(6) < 0.5, rng)
    assert np.all(np.abs(x) == 1)
    assert np.count_nonzero(reached) >= 4


def test_what_no_sum_can_be() -> None:
    rng = np.random.default_rng(7)
    _, reached = solve(np.array([[0, 0], [1, 1]]), BYTE, np.array([5, 1000]), np.array([False, False]), rng)
    assert not np.any(reached)


@pytest.mark.parametrize(
    ("net", "least", "random"),
    [("image", 1.0, 0.1), ("skewed", 1.0, 0.1), ("signal", 1.0, 0.2), ("normalised", 0.9, 0.4), ("dense", 0.8, 0.6)],
)
def test_sums_come_to_thresholds(net: str, least: float, random: float, tmp_path: Path) -> None:
    """And to the values below: to nearly all that there are, which random frames do not."""
    model, options = NETS[net]
    _, graph, codes = frames_of(model(), tmp_path, options.get("input"))
    (layer,) = FirstUnits(graph).receptive
    sums = layer.sums.weights * np.array([[[layer.sums.input_type.lo]], [[layer.sums.input_type.hi]]])
    lowest, highest = sums.min(axis=0).sum(axis=1)[:, None], sums.max(axis=0).sum(axis=1)[:, None]
    step = 2 if layer.sums.input_type.is_bipolar else 1
    thresholds = layer.table.values
    can_be = np.stack(
        [
            (thresholds > lowest - step) & (thresholds <= highest),
            (thresholds > lowest) & (thresholds <= highest + step),
        ]
    )
    looker = Looker(FirstUnits(graph))

    def share(frames: IntArray) -> float:
        return float(np.mean(np.any(looker.look(frames, 1).seen[layer.decider], axis=0)[can_be]))

    assert share(codes) >= least
    assert share(draw(graph.input.port.type, (16, codes.shape[1]), np.random.default_rng(8))) <= random


def test_thresholds_behind_a_function_of_the_input(tmp_path: Path) -> None:
    """Bytes become signs in a unit of their own; the sums of those come to their thresholds."""
    _, graph, codes = frames_of(DenseNet((36, 24, 4), seed=5).model(), tmp_path, "int8", "1/128")
    units = FirstUnits(graph)
    assert [unit.name for unit in units.on_input] == [graph.operators[0].name]
    assert [layer.between for layer in units.receptive] == [units.on_input[0]]
    layer = units.receptive[0]
    assert np.mean(np.any(Looker(units).look(codes, 1).seen[layer.decider], axis=0)) > 0.5


@pytest.mark.parametrize("seed", range(18))
def test_any_graph(seed: int, tmp_path: Path) -> None:
    """Forks, sums, pools and reshapes in front of the first thresholds are no obstacle."""
    model = ConvNet.random(seed).model()
    for name in (None, "uint8", "int4", "bipolar"):
        frames, graph, codes = frames_of(model, tmp_path, name)
        assert len(frames.x) == 32
        assert np.all(np.isfinite(frames.x))
        assert np.all(graph.input.port.type.holds(codes))


# -- projects ----------------------------------------------------------------------------------------------------------


def test_a_project_keeps_the_first_sixteen(tmp_path: Path) -> None:
    net = NetWriter()
    net.node("MatMul", "x", net.constant(np.eye(16, 8)))
    onnx.save(net.model((16,), "y"), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project", input="uint8")
    frames, _, codes = frames_of(net.model((16,), "y"), tmp_path, "uint8")
    kept = np.fromfile(project.folder / "vectors" / "input.bin", np.uint8).reshape(-1, 16)
    np.testing.assert_array_equal(kept, codes[:16])
    assert project.summary()["checked"]["images"] == len(frames.x) == 32
