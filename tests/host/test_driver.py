"""The driver that a project carries: in a Python without bnnfpga, against a DMA that behaves as pynq's."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.codegen.driver import driver, driver_modules
from bnnfpga.host.dma_words import DmaWords
from bnnfpga.host.pynq import Accelerator
from tests.host.fake_pynq import Dma, Overlay, allocate
from tests.support.builds import images_for
from tests.support.conv_nets import ConvNet
from tests.support.data import EXAMPLES
from tests.support.end_nets import EndNet
from tests.support.heads import heads_net
from tests.support.nets import DenseNet

ROOT = Path(__file__).parents[2]


def compile_net(name: str, folder: Path) -> bnnfpga.Project:
    if name.startswith("conv"):
        model = ConvNet(("pool_after", "conv"), flatten=name == "conv", seed=3).write(folder)
        return bnnfpga.compile(model, folder / "project", input="uint8", input_scale="1/255")
    options: dict[str, Any] = {
        "float": {"cycles": 20},
        "bytes": {"cycles": 1, "input": "uint8", "input_scale": "1/255"},
        "class": {"cycles": 20, "output_kind": "class"},
    }[name]
    return bnnfpga.compile(DenseNet((39, 16, 25), seed=5).write(folder), folder / "project", **options)


def overlay(project: bnnfpga.Project, **faults: Any) -> Overlay:
    """An overlay whose accelerator is the project's emulator behind the boundary's words."""
    given, made = project.input_stream, [output.stream for output in project.outputs]
    (given_words,), made_words = DmaWords.of(given), DmaWords.of(*made)

    def compute(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
        frames = data.reshape(-1, given.beats * given_words.bytes)
        from bnnfpga.compiler.recompiled import Recompiled
        from bnnfpga.simulate.runners.emulator import run_emulator

        graph = Recompiled(project).graph
        codes = given.unpack(given_words.gather(frames))
        scores = run_emulator(graph, codes)
        # One output of a frame behind the other.
        parts = [
            words.spread(format.pack(scores[stream.name].reshape(len(codes), -1)))
            for words, format, stream in zip(made_words, made, graph.outputs, strict=True)
        ]
        return np.concatenate(parts, axis=1).reshape(-1)

    return Overlay(Dma(compute, **faults))


@pytest.mark.parametrize("name", ["float", "bytes", "class", "conv", "conv without flatten"])
def test_images_give_what_the_simulation_gives(name: str, tmp_path: Path) -> None:
    project = compile_net(name, tmp_path)
    x = images_for(project, 23, seed=7)
    expected = project.simulate(x, backend="emulator")
    has_labels = expected.classes.ndim == 1  # else each pixel has a class
    labels = (
        np.where(np.arange(23) < 20, expected.classes, (expected.classes + 1) % project.classes) if has_labels else None
    )
    for batch in (1, 5, 23, None):
        system = overlay(project)
        with Accelerator(project=project.folder, batch=batch, overlay=system, allocate=allocate) as accelerator:
            np.testing.assert_array_equal(accelerator.run(x), expected.outputs.reshape(23, -1))
            np.testing.assert_array_equal(accelerator.classify(x), expected.classes)
            assert accelerator.check() == 0
            measured = accelerator.validate(x, labels)
            assert measured["images"] == 23
            assert measured["accuracy"] == (20 / 23 if has_labels else None)
            assert measured["images_per_second"] >= measured["images_per_second_with_host"] > 0
            if x.ndim == 4:
                turned = accelerator.run(np.moveaxis(x, 1, -1), "nhwc")
                np.testing.assert_array_equal(turned, expected.outputs.reshape(23, -1))
        assert all(buffer.freed for buffer in system.dma.buffers)


def test_several_outputs(tmp_path: Path) -> None:
    """They come behind each other in each frame, and are told apart."""
    onnx.save(heads_net("scores", "sums", "cells"), tmp_path / "heads.onnx")
    project = bnnfpga.compile(tmp_path / "heads.onnx", tmp_path / "project")
    x = images_for(project, 23, seed=7)
    expected = project.simulate(x, backend="emulator")
    for batch in (1, 5, None):
        with Accelerator(
            project=project.folder, batch=batch, overlay=overlay(project), allocate=allocate
        ) as accelerator:
            scores = accelerator.run(x)
            assert isinstance(scores, tuple)
            for made, wanted in zip(scores, expected.outputs, strict=True):
                np.testing.assert_array_equal(made, wanted.reshape(23, -1))
            for made, wanted in zip(accelerator.classify(x), expected.classes, strict=True):
                np.testing.assert_array_equal(made, wanted)
            for made, wanted in zip(accelerator.outputs(scores), expected.values or (), strict=True):
                np.testing.assert_array_equal(made.reshape(23, -1), wanted.reshape(23, -1))
            assert accelerator.check() == 0
            assert accelerator.validate(x)["accuracy"] is None
            with pytest.raises(UserError, match="no single class"):
                accelerator.validate(x, np.zeros(23, np.int64))


@pytest.mark.parametrize("seed", [1, 4, 7, 20])
def test_ends_are_computed_on_the_board(seed: int, tmp_path: Path) -> None:
    """What only a host computes behind one or several streams, which the DMA brings in one packet."""
    net = EndNet(seed)
    onnx.save(net.model(), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    x = net.inputs(9)
    expected = project.simulate(x, backend="emulator")
    with Accelerator(project=project.folder, overlay=overlay(project), allocate=allocate) as accelerator:
        values, classes = accelerator.outputs(accelerator.run(x)), accelerator.classify(x)
    for got, wanted in ((values, expected.values), (classes, expected.classes)):
        assert isinstance(got, tuple) == isinstance(wanted, tuple)
        pairs = zip(got, wanted, strict=True) if isinstance(got, tuple) else [(got, wanted)]
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)


def test_the_words_are_those_of_the_vectors(tmp_path: Path) -> None:
    """What the DMA reads is input.bin, beat by beat, and what it writes is expected.bin."""
    project = compile_net("bytes", tmp_path)
    system = overlay(project)
    with Accelerator(project=project.folder, overlay=system, allocate=allocate) as accelerator:
        assert accelerator.check() == 0
        for stream, file, seen in (
            (project.input_stream, "input.bin", system.dma.sent),
            (project.outputs[0].stream, "expected.bin", system.dma.received),
        ):
            beats = np.fromfile(project.folder / "vectors" / file, np.uint8).reshape(-1, stream.beat_bytes)
            words = np.concatenate(seen).reshape(len(beats), -1)
            assert words.shape[1] % DmaWords.of(stream)[0].word_bytes == 0
            np.testing.assert_array_equal(words[:, : stream.beat_bytes], beats)
            assert not words[:, stream.beat_bytes :].any()


def test_a_wrong_vector_is_found(tmp_path: Path) -> None:
    project = compile_net("float", tmp_path)
    path = project.folder / "vectors" / "expected.bin"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with Accelerator(project=project.folder, overlay=overlay(project), allocate=allocate) as accelerator:
        assert accelerator.check() == 1


def test_mistakes(tmp_path: Path) -> None:
    project = compile_net("bytes", tmp_path)
    with pytest.raises(UserError, match="0 frames is not a batch size"):
        Accelerator(project=project.folder, batch=0, overlay=overlay(project), allocate=allocate)
    with pytest.raises(UserError, match="has no 'dma'"):
        Accelerator(project=project.folder, overlay=object(), allocate=allocate)
    with pytest.raises(UserError, match="cannot be read"):
        Accelerator(project=tmp_path, overlay=overlay(project), allocate=allocate)
    with pytest.raises(UserError, match="pynq cannot be imported"):
        Accelerator("accelerator.bit", project=project.folder)
    x = images_for(project, 7)
    with Accelerator(project=project.folder, batch=3, overlay=overlay(project), allocate=allocate) as accelerator:
        with pytest.raises(UserError, match="float64, expected integers"):
            accelerator.run(x.astype(np.float64))
        with pytest.raises(UserError, match="the array has shape"):
            accelerator.run(x[:, :-1])
        with pytest.raises(UserError, match="there are no images"):
            accelerator.run(x[:0])
        with pytest.raises(UserError, match="the array holds 25 to 25, expected 0 to 24"):
            accelerator.validate(x, np.full(7, 25))
    short = Accelerator(project=project.folder, overlay=overlay(project, loses=1), allocate=allocate)
    with pytest.raises(UserError, match="bytes came from the accelerator"):
        short.run(x)


def test_it_is_one_file_of_old_python_without_double_names() -> None:
    text = driver()
    tree = ast.parse(text, feature_version=(3, 8))
    defined: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.append(node.name)
        elif isinstance(node, ast.Assign):
            defined += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined.append(node.target.id)
    assert len(defined) == len(set(defined)), sorted(name for name in defined if defined.count(name) > 1)
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in modules} <= sys.stdlib_module_names | {"numpy"}
    # What stands in the room of the host is all that a board needs, and is in.
    host = {f"bnnfpga.host.{path.stem}" for path in (ROOT / "bnnfpga" / "host").glob("[a-z]*.py")}
    others = driver_modules().keys() - host
    assert host <= driver_modules().keys()
    assert {name.split(".")[1] for name in others} <= {"base", "numbers"}


def test_without_bnnfpga(tmp_path: Path) -> None:
    """On a board: the file by itself, a pynq, and the project's data; from its command line."""
    folder = tmp_path / "a board"
    options: dict[str, Any] = {"input": "uint8", "input_scale": "1/255", "cycles": 64}
    project = bnnfpga.compile(EXAMPLES / "mnist_mlp" / "mlp_64.onnx", folder, **options)
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "bnnfpga.py").write_text("raise ImportError('the driver stands alone')\n")
    expected = tmp_path / "answers.npz"
    (modules / "pynq.py").write_text(
        (Path(__file__).parent / "fake_pynq.py").read_text()
        + f"\n\ndef answer(data):\n    known = np.load({str(expected)!r})\n"
        + "    return known['vectors' if data.size == known['vector_bytes'] else 'images']\n"
        + "\n\ndef Overlay(path):\n    made = lambda: None\n    made.dma = Dma(answer)\n    return made\n"
    )
    x = images_for(project, 40, seed=2)
    result = project.simulate(x, backend="emulator")
    made, given = project.outputs[0].stream, project.input_stream
    (made_words,), (given_words,) = DmaWords.of(made), DmaWords.of(given)
    vectors = np.fromfile(folder / "vectors" / "expected.bin", np.uint8).reshape(16, -1)
    np.savez(
        expected,
        vectors=made_words.spread(vectors).reshape(-1),
        vector_bytes=16 * given.beats * given_words.bytes,
        images=made_words.spread(made.pack(result.outputs)).reshape(-1),
    )
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", result.classes)
    (tmp_path / "accelerator.bit").touch()
    command = [sys.executable, "accelerator.py", str(tmp_path / "accelerator.bit")]
    command += ["--images", str(tmp_path / "x.npy"), "--labels", str(tmp_path / "y.npy")]

    def execute() -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(modules)}
        return subprocess.run(
            command, cwd=folder / "driver", env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    done = execute()
    assert done.returncode == 2
    assert "accelerator.hwh: there is no such file" in done.stderr
    (tmp_path / "accelerator.hwh").touch()
    done = execute()
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["wrong_vectors"], told["images"], told["accuracy"]) == (0, 40, 1.0)
