"""One thing is broken in a built project, and `verify` must name exactly the unit that has it.

What each fault changes is computed independently of what is tested (`tests/support/faults.py`): so is the answer that
`verify` must give, to the frame, the channel and the integers; and where a fault changes nothing on these images, that
all is equal.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import bnnfpga
from bnnfpga.dataflow.graph import Graph
from bnnfpga.plan import make_plan
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


def build(name: str, folder: Path) -> Subject:
    write, options = NETS[name]
    project = bnnfpga.compile(write(folder), folder / "project", **options)
    plan = make_plan(
        project.model,
        project.input_format,
        folding=project.folder / "folding.yaml",
        cycles=None,
        output_kind=project.output_kind,
    )
    x = images_for(project, IMAGES, seed=11)
    codes = project.read_images(x).codes.reshape(IMAGES, *plan.graph.input.port.shape)
    return Subject(project, plan.graph, x, codes)


@pytest.fixture(scope="session", params=NETS)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return build(request.param, tmp_path_factory.mktemp("faults"))


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
    output = subject.graph.output.name
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
    assert kinds == {"matrix_vector", "threshold", "lookup", "arg_max", "width_converter", "fifo", "score_output"}


def test_what_is_right_is_equal(subject: Subject) -> None:
    np.testing.assert_array_equal(
        faults.execute(subject.graph, subject.codes)[subject.graph.output.name],
        subject.graph.execute(subject.codes)[subject.graph.output.name],
    )
    result = subject.project.verify(subject.x, streams=True)
    assert result.equal
    assert [stage["name"] for stage in result.stages] == ["source", "folded", "emulator", "hls", "rtl"]


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
