"""One thing is broken in a built project, and `verify` must name exactly the unit that has it.

What each fault changes is computed independently of what is tested (`tests/support/faults.py`): so is the answer that
`verify` must give, to the frame, the channel and the integers; and where a fault changes nothing on these images, that
all is equal.
"""

from __future__ import annotations

import copy
import dataclasses
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import bnnfpga
from bnnfpga.base.recently_used import RecentlyUsed
from bnnfpga.compiler import recompiled
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.token_model import predict
from bnnfpga.simulate.verify import stages
from tests.conftest import THOROUGH
from tests.support import faults
from tests.support.builds import images_for
from tests.support.nets import DenseNet, NetWriter

IMAGES = 40
CASES = 40 if THOROUGH else 6
KINDS = ("weights", "thresholds", "direction", "table", "affine")


def levels_net(folder: Path) -> Path:
    """An input of 4 bits, as a lookup unit; then 2-bit activations and 3-bit weights, and a class."""
    rng = np.random.default_rng(7)
    net = NetWriter()
    x = net.quant("x", 4, scale=3.0, signed=True)
    for index, (inputs, outputs) in enumerate([(12, 16), (16, 12), (12, 6)]):
        latent = net.constant(rng.standard_normal((inputs, outputs)))
        x = net.node("MatMul", x, net.quant(latent, 3, scale=0.5, signed=True, narrow=True))
        # Spread so that activations use all their levels and every class is the largest for some images.
        gamma, beta = rng.choice([-1, 1], outputs) * rng.uniform(0.7, 1.3, outputs), rng.normal(0.3, 0.3, outputs)
        variance = rng.uniform(100, 400, outputs) if index == 0 else rng.uniform(2, 6, outputs)
        parameters = (gamma, beta, rng.normal(0, 0.5, outputs), variance)
        x = net.node("BatchNormalization", x, *map(net.constant, parameters), epsilon=1e-5)
        if index < 2:
            x = net.quant(net.node("Relu", x), 2, scale=0.4, signed=False)
    onnx.save(net.model((12,), "y"), folder / "net.onnx")
    return folder / "net.onnx"


def layers(*foldings: tuple[int, int]) -> dict[str, dict[str, int]]:
    return {f"matrix_vector{index}": {"pe": pe, "simd": simd} for index, (pe, simd) in enumerate(foldings)}


NETS: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "one bit": (DenseNet((24, 16, 12, 10), seed=1).write, {"folding": layers((4, 6), (3, 4), (2, 3))}),
    "threshold unit": (
        DenseNet((18, 16, 10), seed=5, bias=True).write,
        {"folding": layers((4, 6), (5, 4)) | {"threshold0": {"pe": 3}}, "input": "int4"},
    ),
    "several bits": (
        DenseNet((24, 16, 12, 10), activation_bits=2, signed=True, weight_bits=4, bias=True, seed=3).write,
        {"folding": layers((4, 6), (3, 4), (2, 3))},
    ),
    "lookup and class": (
        levels_net,
        {"folding": layers((4, 3), (3, 4), (3, 2)) | {"lookup0": {"pe": 2}}, "input": "int6", "output_kind": "class"},
    ),
}


@dataclass(frozen=True)
class Subject:
    """A built project, images, and what its streams must carry."""

    project: bnnfpga.Project
    graph: Graph
    x: NDArray[Any]
    codes: NDArray[np.int64]

    def copy(self, folder: Path) -> bnnfpga.Project:
        shutil.copytree(self.project.folder, folder)
        return bnnfpga.Project.load(folder)


def some(values: Iterable[Any], quick: int = 1) -> list[Any]:
    """Parameters of a test that builds a simulator for each: the first few, and the others as slow ones."""
    return [pytest.param(value, marks=() if index < quick else pytest.mark.slow) for index, value in enumerate(values)]


def build(name: str, folder: Path) -> Subject:
    write, options = NETS[name]
    project = bnnfpga.compile(write(folder), folder / "project", **options)
    graph = Recompiled(project).graph
    x = images_for(project, IMAGES, seed=11)
    codes = project.read_images(x).codes.reshape(IMAGES, *graph.input.port.shape)
    return Subject(project, graph, x, codes)


@pytest.fixture(scope="session", params=NETS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return build(request.param, tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="session", params=some(NETS))
def rebuilt(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A subject of tests that build a simulator for each fault."""
    return build(request.param, tmp_path_factory.mktemp("rebuilt"))


def with_operator(graph: Graph, operator: Operator) -> Graph:
    """The graph with another unit in the place of that of the same name."""
    result = Graph()
    for unit in graph.operators:
        result.add(operator if unit.name == operator.name else unit)
    for stream in graph.streams:
        if stream.producer is not None and stream.consumer is not None:
            result.connect(stream.producer, stream.consumer, output=stream.output, input=stream.input)
    assert graph.input.consumer is not None
    assert graph.outputs[0].producer is not None
    result.set_boundary(graph.input.consumer, [graph.outputs[0].producer])
    result.tensors = dict(graph.tensors)
    return result


def with_property(operator: Operator, name: str, value: object) -> Operator:
    """The same unit with one figure of its hardware changed."""
    result = copy.copy(operator)
    changed = type("Changed", (type(operator),), {name: property(lambda self: value)})
    object.__setattr__(result, "__class__", changed)
    return result


def first_difference(graph: Graph, right: dict[str, Any], wrong: dict[str, Any], unit: str) -> dict[str, Any] | None:
    """What `verify` must say of a unit whose output is `wrong`."""
    (stream,) = graph.outputs_of(unit)
    differ = np.argwhere(right[stream.name] != wrong[stream.name])
    if not len(differ):
        return None
    frame, *pixel, channel = (int(axis) for axis in differ[0])
    return {
        "kind": "value",
        "unit": unit,
        "stream": stream.name,
        "frame": frame,
        "pixel": pixel or None,
        "channel": channel,
        "expected": int(right[stream.name][tuple(differ[0])]),
        "got": int(wrong[stream.name][tuple(differ[0])]),
    }


def check(subject: Subject, broken: bnnfpga.Project, fault: faults.Fault, stage: str) -> str:
    """Compare what `verify` says with what it must say; `found`, `inside` (not at the output) or `dead`."""
    right = faults.execute(subject.graph, subject.codes)
    wrong = faults.execute(subject.graph, subject.codes, fault)
    must = first_difference(subject.graph, right, wrong, fault.unit)
    output = subject.graph.outputs[0].name
    visible = not np.array_equal(right[output], wrong[output])
    result = broken.verify(subject.x, ["folded", stage])
    assert result.equal == (not visible), fault.what
    if not visible:
        result = broken.verify(subject.x, ["folded", stage], streams=True)
        assert result.equal == (must is None), fault.what
    if must is None:
        assert result.first_difference is None
        return "dead"
    said = result.first_difference
    assert said is not None
    assert {key: said[key] for key in must} == must, fault.what
    assert said["stages"] == ["folded", stage]
    assert (said["cycle"] is not None) == (stage == "rtl")
    check_decision(subject, said, right)
    return "found" if visible else "inside"


def check_decision(subject: Subject, said: dict[str, Any], right: dict[str, Any]) -> None:
    """The accumulator is what the unit sums, and the threshold lies between it and what came out."""
    operator = subject.graph[said["unit"]]
    (taken,) = subject.graph.inputs_of(operator.name)
    x = right[taken.name][said["frame"]]
    table = getattr(operator, "table", None)
    if operator.kind == "matrix_vector":
        assert said["accumulator"] == x @ operator.weights[said["channel"]]  # type: ignore[attr-defined]
    elif operator.kind in ("threshold", "lookup"):
        assert said["accumulator"] == x[said["channel"]]
    else:
        assert said["accumulator"] is None
    if operator.kind == "lookup" or table is None:
        assert said["threshold"] is None
        return
    row = min(said["channel"], len(table.values) - 1)
    assert said["threshold"] in table.values[row]
    reached = said["accumulator"] >= said["threshold"]
    more = said["got"] > said["expected"]
    assert more == (reached == bool(table.decreasing[row]))


def test_the_subjects_have_all_units(tmp_path: Path) -> None:
    kinds: set[str] = set()
    for index, name in enumerate(NETS):
        folder = tmp_path / str(index)
        folder.mkdir()
        kinds |= {operator.kind for operator in build(name, folder).graph.operators}
    assert kinds == {"matrix_vector", "threshold", "lookup", "arg_max", "width_converter", "score_output"}


def test_what_is_right_is_equal(subject: Subject) -> None:
    np.testing.assert_array_equal(
        faults.execute(subject.graph, subject.codes)[subject.graph.outputs[0].name],
        subject.graph.execute(subject.codes)[subject.graph.outputs[0].name],
    )
    result = subject.project.verify(subject.x, streams=True)
    assert result.equal
    assert [stage["name"] for stage in result.stages] == ["file", "source", "folded", "emulator", "hls", "rtl"]


def test_every_stage_shows_every_stream(subject: Subject, ap_headers: Path) -> None:
    """What is not seen counts as right, so all must be seen."""
    watched = stages.Subject(Recompiled(subject.project), subject.project.read_images(subject.x))
    names = {stream.name for stream in subject.graph.streams}
    for kind in stages.ALL:
        observed, _ = kind().watch(watched)
        if kind is stages.FileStage:
            assert not observed  # the file's tensors are no streams
        elif kind is stages.SourceStage:
            # The model has the layers, and nothing of converters, queues and the boundary.
            assert {name.partition("_to_")[0] for name in observed} == {
                unit.name for unit in subject.graph.operators if unit.kind in ("matrix_vector", "threshold", "lookup")
            }
        else:
            assert set(observed) == names
        for stream in subject.graph.streams:
            if stream.name in observed:
                assert observed[stream.name].tensor(stream).shape == (IMAGES, *stream.shape)


def test_a_bit_of_a_memory(subject: Subject, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """Bits of weights, thresholds, directions, tables and constants, each drawn from a seed."""
    counts: Counter[tuple[str, str]] = Counter()
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        for kind in KINDS if seed % 2 else KINDS[:2]:
            folder = tmp_path / f"{seed}_{kind}"
            broken = subject.copy(folder)
            fault = faults.flip_memory_bit(folder, subject.graph, rng, kind)
            if fault is not None:
                counts[kind, check(subject, broken, fault, "rtl")] += 1
            shutil.rmtree(folder)
    record_property("counts", str(dict(counts)))
    # Most must be visible, or little is proven.
    shown = sum(number for (_, outcome), number in counts.items() if outcome != "dead")
    assert shown > 0.6 * counts.total()
    assert counts["weights", "found"] > 0


# -- a compiler that folds wrongly -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_a_weight_that_the_compiler_gets_wrong(subject: Subject, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph differs from its source: the layer is named, between the source and the folded graph."""
    rng = np.random.default_rng(seed)
    products = [unit for unit in subject.graph.operators if isinstance(unit, MatrixVector)]
    unit = products[rng.integers(len(products))]
    # Two weights of a channel change places, which leaves the range of its sums as it is.
    row = int(rng.integers(unit.mh))
    first, second = rng.choice(unit.mw, 2, replace=False)
    while unit.weights[row, first] == unit.weights[row, second]:
        first, second = rng.choice(unit.mw, 2, replace=False)
    weights = unit.weights.copy()
    weights[row, [first, second]] = weights[row, [second, first]]
    wrong = dataclasses.replace(unit, weights=weights)
    graph = with_operator(subject.graph, wrong)
    design = Recompiled(subject.project).design
    design = dataclasses.replace(design, units=dataclasses.replace(design.units, graph=graph))
    monkeypatch.setattr(recompiled, "make_design", lambda *arguments, **options: design)
    monkeypatch.setattr(recompiled, "_remembered", RecentlyUsed(4))
    names = [stream.name for stream in graph.streams]
    right, made = subject.graph.execute(subject.codes, names), graph.execute(subject.codes, names)
    output = subject.graph.outputs[0].name
    result = subject.project.verify(subject.x, ["source", "folded", "emulator"])
    assert [stage["equal"] for stage in result.stages] == [True, np.array_equal(right[output], made[output]), True]
    if not result.equal:
        said = result.first_difference
        assert said is not None
        must = first_difference(subject.graph, right, made, unit.name)
        assert must is not None
        assert {key: said[key] for key in must} == must


def test_the_source_dumps_its_layers(subject: Subject, tmp_path: Path) -> None:
    layers = [unit.name for unit in subject.graph.operators if hasattr(unit, "table")]
    subject.project.verify(subject.x, ["source", "folded"], dump=layers, dump_to=tmp_path)
    for layer in layers:
        source, folded = (np.load(tmp_path / f"{layer}.{stage}.npy") for stage in ("source", "folded"))
        np.testing.assert_array_equal(source, folded)


SEEDS = 4


@pytest.mark.parametrize("seed", some(range(SEEDS)))
def test_an_entry_of_an_hls_table(rebuilt: Subject, seed: int, tmp_path: Path, ap_headers: Path) -> None:
    broken = rebuilt.copy(tmp_path / "broken")
    check(rebuilt, broken, faults.change_hls_entry(broken.folder, rebuilt.graph, np.random.default_rng(seed)), "hls")


@pytest.mark.parametrize("seed", some(range(SEEDS)))
@pytest.mark.parametrize("side", some(["input", "output"]))
def test_lanes_in_another_order(rebuilt: Subject, side: str, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    broken = rebuilt.copy(tmp_path / "broken")
    wide = [
        operator.name
        for operator in rebuilt.graph.operators
        if (operator.inputs if side == "input" else operator.outputs)[0].lanes > 1 and operator.kind != "score_output"
    ]
    fault = faults.swap_lanes(broken.folder, rebuilt.graph, str(rng.choice(wide)), side, rng)
    check(rebuilt, broken, fault, "rtl")


# -- what changes no integer, but cycles -------------------------------------------------------------------------------


def smaller_queues(graph: Graph) -> list[tuple[str, str, int, Operator]]:
    """Every way to make one queue smaller: unit, parameter, its value, and the unit with it."""
    ways = []
    for operator in graph.operators:
        if operator.rtl().rendered is not None:
            continue  # A module of its own, without parameters.
        if isinstance(operator, Fifo):
            ways += [
                (operator.name, "Depth", depth, dataclasses.replace(operator, depth=depth))
                for depth in range(operator.stages + 1, operator.depth)
            ]
        elif hasattr(operator, "queue"):
            ways += [
                (operator.name, "QueueDepth", depth, with_property(operator, "queue", depth))
                for depth in range(2, operator.queue)
            ]
        buffer = operator.buffer if isinstance(operator, MatrixVector) else None
        if buffer is not None and buffer.banks == 2:
            smaller = with_property(operator, "buffer", dataclasses.replace(buffer, banks=1))
            ways.append((operator.name, "InputBanks", 1, smaller))
    return ways


@pytest.mark.parametrize("seed", some(range(SEEDS), 2))
def test_a_queue_that_is_too_small(rebuilt: Subject, seed: int, tmp_path: Path) -> None:
    """It must show where, and only where, the token model says that it changes a frame's end."""
    ways = smaller_queues(rebuilt.graph)
    if not ways:
        pytest.skip("no queue can be smaller")
    unit, parameter, value, operator = ways[np.random.default_rng(seed).integers(len(ways))]
    broken = rebuilt.copy(tmp_path / "broken")
    right = faults.rtl_parameters(broken.folder, unit)[parameter]
    faults.edit_instance(broken.folder, unit, f".{parameter}({right})", f".{parameter}({value})")
    ends = [predict(graph).done(IMAGES) for graph in (rebuilt.graph, with_operator(rebuilt.graph, operator))]
    result = broken.verify(rebuilt.x, ["folded", "rtl"])
    assert result.equal == (ends[0] == ends[1])
    if not result.equal:
        said = result.first_difference
        assert said is not None
        late = next(frame for frame in range(IMAGES) if ends[0][frame] != ends[1][frame])
        assert (said["kind"], said["unit"]) == ("cycles", unit)
        assert f"image {late} is done {ends[1][late]:,} cycles after the first beat" in said["message"]
        assert said["got"] is None or said["got"] > said["expected"]


WIRES = {
    "takes nothing": (".s_tvalid_i({input}_valid)", ".s_tvalid_i(1'b0)"),
    "is never ready": (".s_tready_o({input}_ready)", ".s_tready_o()"),
    "offers nothing": (".m_tvalid_o({output}_valid)", ".m_tvalid_o()"),
}


@pytest.mark.parametrize("wire", some(WIRES))
@pytest.mark.parametrize("seed", some(range(SEEDS)))
def test_a_unit_that_is_stuck(rebuilt: Subject, wire: str, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    unit = str(rng.choice([operator.name for operator in rebuilt.graph.operators]))
    (taken,), (made,) = rebuilt.graph.inputs_of(unit), rebuilt.graph.outputs_of(unit)
    broken = rebuilt.copy(tmp_path / "broken")
    names = {"input": taken.name, "output": made.name}
    faults.edit_instance(broken.folder, unit, *(text.format(**names) for text in WIRES[wire]))
    started = time.monotonic()
    said = broken.verify(rebuilt.x, ["folded", "rtl"]).first_difference
    assert time.monotonic() - started < 120
    assert said is not None
    # Cut off on one side, a unit may also take or make too much on the other, and that can come first.
    assert said["unit"] == unit
    assert said["stream"] in (taken.name, made.name)


@pytest.mark.slow
def test_a_frame_that_ends_too_early(rebuilt: Subject, tmp_path: Path) -> None:
    beats = rebuilt.graph.outputs[0].port.beats
    broken = rebuilt.copy(tmp_path / "broken")
    faults.edit_instance(broken.folder, "score_output", f".Beats({beats})", f".Beats({beats + 1})")
    said = broken.verify(rebuilt.x, ["folded", "rtl"]).first_difference
    assert said is not None
    assert (said["kind"], said["unit"]) == ("last", "score_output")
