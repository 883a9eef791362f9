"""Tuning from the command line and from Python."""

from __future__ import annotations

import json
import math
import re
from html import unescape
from pathlib import Path
from typing import Any

import onnx
import pytest
import yaml

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.compiler.planner import Planner
from bnnfpga.dataflow.folding import parse_folding
from bnnfpga.dataflow.resources import LUTS_PER_BRAM18, add_resources, area
from bnnfpga.dataflow.target import Target
from bnnfpga.tuning.budgets import largest_share
from tests.support.conv_nets import ConvNet
from tests.support.data import EXAMPLES
from tests.support.nets import DenseNet
from tests.tuning.small_nets import with_deepest_fifos

CNN = EXAMPLES / "mnist_cnn" / "cnn.onnx"
PIXELS = {"input": "uint8", "input_scale": "1/255"}


def tuned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(app, ["tune", *arguments, "--json"]) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


def test_tune_writes_what_compile_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    files = {name: tmp_path / name for name in ("folding.yaml", "finn.json", "front.html")}
    options = ["-o", str(files["folding.yaml"]), "--finn-json", str(files["finn.json"])]
    data = tuned(capsys, str(model), "--cycles", "24", *options, "--pareto", str(files["front.html"]))
    assert data["optimal"]
    assert data["bound"] == pytest.approx(data["cost"])
    assert data["predicted_initiation_interval"] <= 24
    assert data["folding"] == yaml.safe_load(files["folding.yaml"].read_text())
    assert any(layer["bottleneck"] for layer in data["layers"])
    plan = bnnfpga.plan(model, folding=files["folding.yaml"])
    assert plan.initiation_interval == data["predicted_initiation_interval"]
    assert plan.resources == data["resources"]
    delay = data["cost"] - area(plan.resources, LUTS_PER_BRAM18)
    # 1/32 LUT a cycle, and each unit at most a frame's interval.
    assert 0 < delay < len(data["layers"]) * 24 / 32
    free = tuned(capsys, str(model), "--cycles", "24", "--latency-weight", "0")
    assert free["cost"] == area(free["resources"], LUTS_PER_BRAM18)
    # Compile chooses by the same search.
    assert bnnfpga.plan(model, cycles=24).resources == data["resources"]
    costs = [point["cost"] for point in data["pareto"]]
    assert costs == sorted(costs)
    assert [point["interval"] for point in data["pareto"]] == sorted(
        (point["interval"] for point in data["pareto"]), reverse=True
    )
    assert files["front.html"].read_text().count("<circle") == len(costs)
    # FINN's file is read as it was written, but for weights in logic, which it leaves to the tool.
    again = bnnfpga.plan(model, folding=files["finn.json"])
    for name, entry in again.folding.items():
        assert {key: entry[key] for key in ("pe", "simd") if key in entry} == {
            key: data["folding"][name][key] for key in ("pe", "simd") if key in data["folding"][name]
        }


def test_files_of_one_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    for other in (tmp_path / "one.json", tmp_path / "link" / "one.json"):
        options = ["-o", str(tmp_path / "one.json"), "--finn-json", str(other), "--json"]
        assert run(app, ["tune", str(model), *options]) == 2
        assert "-o and --finn-json name the same file" in capsys.readouterr().out
    assert not (tmp_path / "one.json").exists()


def test_cost_never_rises_with_cycles() -> None:
    planner = Planner(CNN, **PIXELS)
    costs = []
    for cycles in (784, 1000, 1568, 3136, 7000, 65536):
        # FIFOs in front of joins are sized when the folding is known.
        units = [unit for unit in planner.plan(cycles=cycles).units if unit.operator != "fifo"]
        resources = add_resources(*(unit.resources for unit in units))
        costs.append(area(resources, LUTS_PER_BRAM18))
    assert costs == sorted(costs, reverse=True)


def test_a_part_is_filled_to_its_share() -> None:
    fastest = bnnfpga.tune(CNN, part="xc7a35t", **PIXELS)
    summary = fastest.summary()
    assert fastest.optimal
    # In the cost, FIFOs where branches meet have the depth that no folding exceeds.
    assert max(share for share in summary["shares"].values() if share is not None) <= fastest.cost <= 1
    slower = bnnfpga.tune(CNN, part="xc7a35t", target_fps=fastest.plan.frames_per_second / 4, **PIXELS)
    assert slower.cost < fastest.cost
    assert slower.plan.frames_per_second >= fastest.plan.frames_per_second / 4
    text = str(slower)
    for words in ("<- slowest", "lower bound", "so no folding is better", "share of budget", "xc7a35t"):
        assert words in text


def test_a_clock_below_a_tenth_of_a_megahertz(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    assert bnnfpga.tune(model, part="hx1k", clock_mhz=0.001).plan.supported_mhz == 0.001


def test_layers_may_be_fixed(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    free = bnnfpga.tune(model, cycles=12)
    name = next(name for name, entry in free.folding.items() if "simd" in entry)
    fixed = bnnfpga.tune(model, cycles=1000, folding={name: {"pe": 1, "simd": 1}})
    assert (fixed.folding[name]["pe"], fixed.folding[name]["simd"]) == (1, 1)


def test_kernel_pixels_stand_in_the_table(tmp_path: Path) -> None:
    onnx.save(ConvNet.random(16).model(), tmp_path / "net.onnx")
    tuned = bnnfpga.tune(tmp_path / "net.onnx", input="uint4")
    assert ("kernel pixels" in str(tuned)) == any("kernel_pixels" in entry for entry in tuned.folding.values())


def test_a_folding_file_is_named_in_messages(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    file = tmp_path / "fixed.yaml"
    for text in ("matrix_vector0: {pe: 7}", "fc: {pe: 1}", "matrix_vector0: {memory: far}"):
        file.write_text(text)
        for options in ({"cycles": 64}, {"target_latency_us": 1.0}, {"target_fps": 1000.0}, {}):
            with pytest.raises(UserError) as caught:
                bnnfpga.tune(model, folding=file, **options)
            assert str(caught.value).startswith(str(file))


def test_a_front_with_slices_that_a_part_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Such points do not fit, and their share is no number, which JSON would not have."""
    model = DenseNet((8, 6, 4), activation_bits=4, weight_bits=4, seed=3).write(tmp_path)
    front = tmp_path / "front.json"
    data = tuned(capsys, str(model), "--part", "gw1n-1", "--weights", "lut=1", "--pareto", str(front))
    lacking = [point for point in data["pareto"] if point["resources"]["dsp"]]
    assert lacking
    assert all((point["share"], point["fits"]) == (None, False) for point in lacking)
    assert "Infinity" not in front.read_text()
    # The front of shares has none of them.
    shares = tuned(capsys, str(model), "--part", "gw1n-1", "--pareto", str(front))
    assert (data["cost_unit"], shares["cost_unit"]) == ("LUT", "share")
    assert all(point["cost"] == pytest.approx(point["share"], abs=1e-4) for point in shares["pareto"])
    assert not any(point["resources"]["dsp"] for point in shares["pareto"])
    page = tmp_path / "front.html"
    assert run(app, ["tune", str(model), "--part", "gw1n-1", "--pareto", str(page)]) == 0
    assert "largest share of the part's budget (%)" in unescape(page.read_text())
    assert "with less of the part" in capsys.readouterr().out


def test_accumulators_that_are_fixed_are_in_the_cost(tmp_path: Path) -> None:
    """A slice counts where it is, and forms without one are not chosen."""
    model = DenseNet((64, 64, 10), seed=4).write(tmp_path)
    for cycles in (64, 4096):
        pinned = {"matrix_vector0": {"accumulators": "dsp"}}
        fixed = bnnfpga.tune(model, cycles=cycles, folding=pinned, latency_weight=0)
        resources = fixed.plan.resources
        assert resources["dsp"] > 0
        assert fixed.plan.initiation_interval <= cycles
        assert fixed.cost == area(resources, LUTS_PER_BRAM18)


def test_a_plan_keeps_the_requantizers_that_were_chosen(tmp_path: Path) -> None:
    """It takes the share that was found, though another form has the smaller area."""
    onnx.save(ConvNet.random(16).model(), tmp_path / "net.onnx")
    options = {"input": "uint4", "clock_mhz": 200}
    tuned = bnnfpga.tune(tmp_path / "net.onnx", target_fps=716_845, part="up5k", **options)
    assert tuned.budget is not None
    # In the cost, FIFOs where branches meet have the depth that no folding exceeds.
    graph = Planner(tmp_path / "net.onnx", input="uint4").graph.built_for(Target(200, "ice40"))
    layers = {name: entry for name, entry in tuned.folding.items() if "depth" not in entry}
    deepest = with_deepest_fifos(graph, parse_folding(layers, "test"))
    assert tuned.cost == largest_share(add_resources(*(unit.resources() for unit in deepest.operators)), tuned.budget)
    again = bnnfpga.plan(tmp_path / "net.onnx", folding=tuned.folding, family="ice40", **options)
    assert again.units == tuned.plan.units


def test_the_least_area_with_a_latency_on_a_part(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    tuned = bnnfpga.tune(model, part="hx1k", target_latency_us=1.0)
    assert tuned.cost == pytest.approx(area(tuned.plan.resources, LUTS_PER_BRAM18))
    assert tuned.objective.startswith("lut + ")


def test_latency_is_kept(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    slow = bnnfpga.tune(model, latency_weight=0)
    wanted = slow.plan.latency_cycles / 2 / 100
    fast = bnnfpga.tune(model, target_latency_us=wanted)
    assert fast.plan.latency_cycles / fast.plan.supported_mhz <= wanted
    assert fast.optimal
    assert fast.cost == area(fast.plan.resources, LUTS_PER_BRAM18) >= slow.cost
    assert "lower bound" in str(fast)


def test_a_latency_that_a_fixed_layer_prevents(tmp_path: Path) -> None:
    model = DenseNet((64, 64, 6), seed=4).write(tmp_path)
    with pytest.raises(UserError) as caught:
        bnnfpga.tune(model, target_latency_us=1, folding={"matrix_vector0": {"pe": 1, "simd": 1}})
    message = str(caught.value)
    assert re.search(
        r"no folding has a latency of 1 µs at 100 MHz: 4\d\.\d+ µs \(4,\d{3} cycles\) is the lowest", message
    )
    assert re.search(
        r"layer 'matrix_vector0' takes 4,\d{3} of its cycles with the folding that is fixed for it", message
    )
    assert "free its pe and simd" in message


def test_a_latency_that_the_clock_prevents(tmp_path: Path) -> None:
    model = DenseNet((64, 64, 6), seed=4).write(tmp_path)
    with pytest.raises(UserError) as caught:
        bnnfpga.tune(model, target_latency_us=1e-6, clock_mhz=900.0)
    message = str(caught.value)
    stated = re.search(r"900 MHz: ([\d.]+) µs \((\d+) cycles at the ([\d.]+) MHz that it reaches\)", message)
    assert stated is not None
    latency, cycles, clock = map(float, stated.groups())
    assert latency == pytest.approx(cycles / clock, rel=0.01)
    assert "clock-mhz" not in message.splitlines()[-1]


def test_no_part_is_too_small_for_a_latency_unnoticed(tmp_path: Path) -> None:
    model = DenseNet((64, 64, 6), seed=4).write(tmp_path)
    with pytest.raises(UserError, match=r"no folding was found with a latency of 0\.12 µs that fits the part"):
        bnnfpga.tune(model, target_latency_us=0.12, part="gw1n-1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"part": "xc7z99"}, ["is not a known part", "did you mean"]),
        ({"cycles": 5, "target_fps": 100}, ["--target-fps and --cycles exclude each other"]),
        ({"part": "xck26", "family": "ecp5"}, ["xck26 is of the family xcup"]),
        ({"part": "gw1n-1", "target_fps": 1e8}, ["no folding fits the part", "LUT of"]),
        ({"cycles": 0}, ["0 cycles"]),
        ({"weights": "luts=1"}, ["'luts=1' is not a weight"]),
        ({"weights": "lut=0"}, ["all weights are 0"]),
        ({"target_latency_us": 1e-6}, ["no folding has a latency of 1e-06 µs", "0.11 µs (11 cycles) is the lowest"]),
        ({"target_latency_us": math.inf}, ["inf µs is not a latency"]),
        ({"target_latency_us": 1.0, "latency_weight": 2.0}, ["exclude each other"]),
        ({"latency_weight": -1.0}, ["-1 is not a weight"]),
        ({"latency_weight": math.inf}, ["inf is not a weight"]),
        ({"weights": "lut=1e300"}, ["'lut=1e300' is not a weight"]),
        ({"weights": "lut=1, lut=2"}, ["lut is there twice"]),
        ({"family": ""}, ["'' is not a family"]),
        ({"cycles": 64, "folding": {"matrix_vector0": {"pe": 7}}}, ["layer 'matrix_vector0': pe: 7 is not legal"]),
        ({"utilization": 2.0, "part": "hx8k"}, ["2 is not a share"]),
        ({"utilization": 0.8}, ["a utilization is a share of a part", "--part"]),
        ({"cycles": 64, "folding": {"fc1": {"pe": 1}}}, ["no layer is called 'fc1'", "matrix_vector0"]),
        ({"cycles": 64, "folding": {"matrix_vector0": {"memory": "lutram"}}}, ["memory: 'lutram'", "distributed"]),
        (
            {"cycles": 64, "folding": {"matrix_vector0": {"pe": 1, "memory": "logic"}}},
            ["memory: 'logic' is not legal", "block, distributed"],
        ),
        ({"cycles": 64, "folding": {"matrix_vector0": {"depth": 4}}}, ["a layer has no depth"]),
        (
            {"cycles": 12, "folding": {"matrix_vector0": {"pe": 1, "simd": 1}}},
            ["4096 cycles per frame with the folding that is fixed for it", "free its pe and simd"],
        ),
        ({"folding": {"matrix_vector0": {"PE": 4}}}, ["is a layer here", "pe, simd and memory"]),
    ],
)
def test_mistakes(options: dict[str, Any], words: list[str], tmp_path: Path) -> None:
    model = DenseNet((64, 64, 6), seed=4).write(tmp_path)
    with pytest.raises(UserError) as caught:
        bnnfpga.tune(model, **options)
    for word in words:
        assert word in str(caught.value)


def test_finn_files_for_other_models(tmp_path: Path) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    for entry, words in (
        ({"MVAU_hls_7": {"PE": 1}}, "layers of the kind matrix_vector, so none for 'MVAU_hls_7'"),
        ({"MVAU_hls_0": {"PE": 1, "ram_style": "ultra"}}, "ram_style 'ultra' is not here"),
        ({"MVAU_hls_0": {"PE": 5}}, "pe: 5 is not legal"),
        ({"MVAU_hls_0": {"PE": 1, "ram_style": ["block"]}}, "ram_style \\['block'\\] is not here"),
        ({"MVAU_hls_0": {"PE": 1, "mem_mode": "external"}}, "weights come from outside"),
        ({"MVAU_hls_0": {"PE": 1}, "MVAU_rtl_0": {"PE": 2}}, "'MVAU_rtl_0' is layer 'matrix_vector0' here"),
        ({"MVAU_hls_0": [1, 2]}, "maps nothing to values"),
        ({"MatrixVector_0": {"PE": 1}}, "no entry is a layer"),
        ({}, "no entry is a layer"),
    ):
        path = tmp_path / "finn.json"
        path.write_text(json.dumps({"Defaults": {}, **entry}))
        with pytest.raises(UserError, match=words):
            bnnfpga.plan(model, folding=path)


def test_what_is_chosen_for_a_part_is_on_its_front(tmp_path: Path) -> None:
    model = DenseNet((24, 16, 16, 4), seed=4).write(tmp_path)
    found = bnnfpga.tune(model, part="hx1k", cycles=64, pareto=True)
    points = [(point["interval"], point["cost"]) for point in found.summary()["pareto"]]
    slowest_first = sorted(points, reverse=True)
    assert points == slowest_first
    assert [cost for _, cost in points] == sorted(cost for _, cost in points)
    assert min(cost for interval, cost in points if interval <= 64) == pytest.approx(found.cost, abs=1e-4)
