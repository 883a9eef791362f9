"""Models with several outputs: each is a stream, exact and at its own pace, and all are compared.

Any tensors of random nets are outputs; a few nets go through Verilator, each output stalling on its own.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.compiler.recompiled import Recompiled
from tests.support.any_nets import AnyNet
from tests.support.builds import check_cycles, check_streams, images_for, random_folding_of
from tests.support.heads import SHAPE, data_tensors, heads_net, with_outputs
from tests.support.independent import run_file
from tests.support.seeds import seeds

IMAGES = 6
ORDERS = {
    "the last comes first": ("scores", "features", "codes"),
    "one tensor twice, another inside the net": ("same", "cells", "sums"),
    "all": ("codes", "sums", "features", "cells", "same", "scores"),
}


def write(folder: Path, *outputs: str) -> Path:
    path = folder / "net.onnx"
    onnx.save(heads_net(*outputs), path)
    return path


def compiles(model: onnx.ModelProto, net: AnyNet, folder: Path) -> bnnfpga.Project | None:
    """The project of a net, None where it is refused."""
    onnx.save(model, folder / "net.onnx")
    options = {} if net.input == "float" else {"input": net.input}
    try:
        return bnnfpga.compile(folder / "net.onnx", folder / "project", force=True, **options)
    except UserError:
        return None


@pytest.mark.parametrize("seed", seeds(200, quick=20))
def test_outputs_that_compile_alone_compile_together(seed: int, tmp_path: Path) -> None:
    net = AnyNet.random(seed)
    model, rng = net.model(), np.random.default_rng((seed, 9))
    tensors = data_tensors(model)
    chosen = [str(name) for name in rng.choice(tensors, min(len(tensors), int(rng.integers(2, 5))), replace=False)]
    outputs = [name for name in chosen if compiles(with_outputs(model, [name]), net, tmp_path)]
    if len(outputs) < 2:
        return
    project = compiles(with_outputs(model, outputs), net, tmp_path)
    assert project is not None
    x = net.images(IMAGES)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    assert isinstance(result.values, tuple)
    for name, values in zip(outputs, result.values, strict=True):
        expected = run_file(with_outputs(model, [name]), x)
        np.testing.assert_allclose(values.reshape(IMAGES, -1), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("name", ORDERS)
def test_streams_of_their_own(name: str, tmp_path: Path) -> None:
    model = write(tmp_path, *ORDERS[name])
    project = bnnfpga.compile(model, tmp_path / "project", folding=random_folding_of(model, len(name)))
    check_cycles(project)
    x = images_for(project, 12)
    free = project.simulate(x, streams=True)
    outputs = [stream["name"] for stream in free.streams or () if stream["name"].startswith("output")]
    assert outputs == [f"output{number}" for number in range(len(ORDERS[name]))]
    for seed in range(3):
        stalled = project.simulate(x, stall_seed=seed)
        assert stalled.mismatches == 0
        assert (stalled.cycles or 0) > (free.cycles or 0)
        for one, other in zip(stalled.outputs, free.outputs, strict=True):
            np.testing.assert_array_equal(one, other)
    check_streams(project, images_for(project, 40))


@pytest.mark.usefixtures("built_soon")
def test_every_stage_gives_every_output(tmp_path: Path) -> None:
    project = bnnfpga.compile(write(tmp_path, "scores", "cells", "sums"), tmp_path / "project")
    x = images_for(project, IMAGES)
    assert project.verify(x, streams=True).equal
    result = project.simulate(x, backend="hls")
    assert result.mismatches == 0
    assert isinstance(result.classes, tuple)
    assert [array.shape for array in result.classes] == [(IMAGES,), (IMAGES, *SHAPE[1:]), (IMAGES, *SHAPE[1:])]


@pytest.mark.usefixtures("built_soon")
def test_a_difference_is_found_at_its_output(tmp_path: Path) -> None:
    project = bnnfpga.compile(write(tmp_path, "scores", "cells"), tmp_path / "project")
    x = images_for(project, IMAGES)
    right = project.simulate(x, backend="emulator").outputs[1].reshape(IMAGES, -1)
    graph = Recompiled(project).graph
    unit = graph.inputs_of("score_output1")[0].producer
    assert unit is not None
    memory = project.folder / "memories" / f"{unit}_weights.mem"
    text = memory.read_text()
    memory.write_text(format(int(text[0], 16) ^ 1, "x") + text[1:])
    found = project.verify(x, ["folded", "rtl"]).first_difference
    assert found is not None
    assert (found["kind"], found["unit"]) == ("value", unit)
    assert f"of output {project.outputs[1].name!r} of image {found['frame']}" in found["message"]
    assert found["expected"] in right[found["frame"]]
    memory.write_text(text)

    top = project.folder / "rtl" / "accelerator.sv"
    beats = graph["score_output1"].inputs[0].beats
    text = top.read_text()
    at = text.rindex(f".Beats({beats})", 0, text.index(") score_output1 ("))
    top.write_text(text[:at] + text[at:].replace(f".Beats({beats})", f".Beats({beats + 1})", 1))
    found = project.verify(x, ["folded", "rtl"]).first_difference
    assert found is not None
    assert (found["kind"], found["unit"], found["stream"]) == ("last", "score_output1", "output1")
    assert "m1_axis_tlast is missing" in found["message"]


def test_the_class_of_each_output(tmp_path: Path) -> None:
    """Of each, for an image as well as for each pixel."""
    _check_classes(write(tmp_path, "votes", "scores"), tmp_path)


def test_the_classes_of_pixels_beside_that_of_the_image(tmp_path: Path) -> None:
    _check_classes(write(tmp_path, "scores", "cells"), tmp_path)


def _check_classes(model: Path, folder: Path) -> None:
    scores = bnnfpga.compile(model, folder / "scores")
    classes = bnnfpga.compile(model, folder / "class", output_kind="class")
    assert [operator.name for operator in Recompiled(classes).graph.operators if operator.kind == "arg_max"] == [
        "arg_max0",
        "arg_max1",
    ]
    x = images_for(scores, 50)
    wanted, found = (project.simulate(x, backend="emulator").classes for project in (scores, classes))
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write(tmp_path, "scores", "cells")
    assert run(app, ["compile", str(model), "-o", str(tmp_path / "p")]) == 0
    project = bnnfpga.Project.load(tmp_path / "p")
    x = images_for(project, IMAGES)
    np.save(tmp_path / "x.npy", x)
    command = ["simulate", str(tmp_path / "p"), "--images", str(tmp_path / "x.npy"), "--backend", "emulator"]
    saved = ["--save-outputs", str(tmp_path / "scores"), "--save-classes", str(tmp_path / "classes")]
    assert run(app, [*command, *saved]) == 0
    result = project.simulate(x, backend="emulator")
    for folder, arrays in (("scores", result.outputs), ("classes", result.classes)):
        assert len(list((tmp_path / folder).iterdir())) == 2
        for output, array in zip(project.outputs, arrays, strict=True):
            np.testing.assert_array_equal(np.load(tmp_path / folder / f"{output.name}.npy"), array)
    capsys.readouterr()
    assert run(app, [*command, "--save-outputs", str(tmp_path / "y.npy"), "--json"]) == 2
    assert "2 outputs, which are written to a folder" in json.loads(capsys.readouterr().out)["error"]["message"]
    np.save(tmp_path / "labels.npy", np.zeros(IMAGES, np.int64))
    assert run(app, [*command, "--labels", str(tmp_path / "labels.npy"), "--json"]) == 2
    assert "no single class" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert run(app, ["inspect", str(model), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [output["name"] for output in found["outputs"]] == [output.name for output in project.outputs]


def test_files_are_named_after_the_outputs(tmp_path: Path) -> None:
    """Whatever they are called."""
    model = heads_net("scores", "cells", "sums")
    names = {"scores": "../a/b", "cells": ".._a_b", "sums": "_A_b"}
    for output, name in zip(model.graph.output, names.values(), strict=True):
        for node in model.graph.node:
            node.input[:] = [name if tensor == output.name else tensor for tensor in node.input]
            node.output[:] = [name if tensor == output.name else tensor for tensor in node.output]
        output.name = name
    onnx.save(model, tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "p")
    np.save(tmp_path / "x.npy", images_for(project, 2))
    command = ["simulate", str(tmp_path / "p"), "--images", str(tmp_path / "x.npy"), "--backend", "emulator"]
    assert run(app, [*command, "--save-outputs", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["A_b_2.npy", "a_b.npy", "a_b_1.npy"]
