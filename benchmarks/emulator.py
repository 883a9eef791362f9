"""The emulator beside onnxruntime, image by image on one thread, and the time to a new net's first result.

Both get the same images and give classes. The emulator starts from unpacked uint8 images: packing them is in its time.
The float graph is the net as it was trained, a MatMul, a BatchNormalization and a Sign a layer with weights of -1 and
+1; it starts from float32 images, so that a cast is not in its time, and runs with the batch size that suits it best.
The two are measured in turn, several times, and the best of each counts; the time is the thread's own, so that other
work on the machine disturbs it less.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.table import Row
from bnnfpga.dataflow.graph import Graph
from bnnfpga.input_format import InputFormat
from bnnfpga.plan import make_plan
from bnnfpga.simulate.emulator import Emulator
from bnnfpga.simulate.emulator_library import paths_here
from bnnfpga.simulate.toolchain import find_compiler
from tests.support.nets import DenseNet

BATCHES = (1, 16, 64, 256, 1024, 4096, 20_000)
ROUNDS = 7
LARGE, SMALL = (784, 1024, 1024, 1024, 10), (64, 64, 64, 10)
BARS = {("avx512", LARGE): 12.0, ("avx512", SMALL): 2.4, ("portable", LARGE): 2.0, ("portable", SMALL): 2.0}
FIRST_RESULT = """
import sys, numpy, bnnfpga
project = bnnfpga.compile(sys.argv[1], sys.argv[2], input="uint8", input_scale="1/255", force=True)
x = numpy.zeros((16, *project.input_shape), numpy.uint8)
assert project.simulate(x, backend="emulator").mismatches == 0
"""


def emulator_rows(folder: Path) -> list[Row]:
    """All rows, in order; `folder` takes files."""
    return [*_speed_rows(folder, LARGE, 20_000), *_speed_rows(folder, SMALL, 200_000), *_first_result_rows(folder)]


def _speed_rows(folder: Path, widths: tuple[int, ...], count: int) -> list[Row]:
    name = "-".join(map(str, widths))
    images = np.random.default_rng(0).integers(0, 256, (count, widths[0]), dtype=np.uint8)
    graph = _graph(folder / f"{name}.onnx", widths)
    session = _float_session(widths)
    floats = images.astype(np.float32) / np.float32(255)
    paths = paths_here(find_compiler())
    emulators = {path: Emulator(graph, path) for path in paths}
    expected = graph.execute(images[:500].astype(np.int64))[graph.output.name]
    seconds: dict[str | int, float] = {}

    def measure(key: str | int, work: Callable[[], object]) -> None:
        started = time.thread_time()
        work()
        seconds[key] = min(seconds.get(key, 1e9), time.thread_time() - started)

    part = floats[: count // 10]
    for batch in BATCHES:
        measure(batch, lambda batch=batch: _run_floats(session, part, batch))  # type: ignore[misc]
    best = min(BATCHES, key=lambda batch: seconds[batch])
    for _ in range(ROUNDS):
        measure("float", lambda: _run_floats(session, floats, best))
        for path in paths:
            measure(path, lambda path=path: emulators[path].scores(images, threads=1))  # type: ignore[misc]
    rows = [
        Row(f"onnxruntime {name}, one thread, batch {best:,}", f"{count / seconds['float']:,.0f} images/s", "", True)
    ]
    for path in paths:
        exact = np.array_equal(emulators[path].scores(images[:500]), expected)
        ratio, bar = seconds["float"] / seconds[path], BARS.get((path, widths))
        measured = f"{count / seconds[path]:,.0f} images/s, {ratio:.1f} times" if exact else "DIFFERS"
        rows.append(
            Row(f"  emulator, {path}", measured, f"{bar:g} times" if bar else "", exact and (not bar or ratio >= bar))
        )
    return rows


def _first_result_rows(folder: Path) -> list[Row]:
    """A process that compiles a new net and emulates it, with the native library built in it and with it there."""
    model = DenseNet(LARGE, seed=5).write(_made(folder / "first"))
    command = [sys.executable, "-c", FIRST_RESULT, str(model), str(folder / "first_project")]
    rows = []
    for what in ("and the emulator itself", "with the emulator there"):
        environment = {**os.environ, "BNNFPGA_CACHE": str(folder / "first_cache")}
        started = time.perf_counter()
        subprocess.run(command, check=True, env=environment)
        seconds = time.perf_counter() - started
        rows.append(Row(f"first result, new net {what}", f"{seconds:.1f} s", "6 s at most", seconds <= 6))
    return rows


def _graph(path: Path, widths: tuple[int, ...]) -> Graph:
    """A W1A1 net that takes pixels, makes bits of them around the middle grey, and gives classes."""
    model = DenseNet(widths, seed=1).model()
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0.5), "grey"))
    model.graph.node[0].input[0] = "centred"
    model.graph.node.insert(0, helper.make_node("Sub", ["x", "grey"], ["centred"], name="centre"))
    onnx.save(model, path)
    plan = make_plan(path, InputFormat.parse("uint8", "1/255"), folding=None, cycles=None, output_kind="class")
    return plan.graph


def _float_session(widths: tuple[int, ...]) -> onnxruntime.InferenceSession:
    """The same layers as onnxruntime would run them after training."""
    rng = np.random.default_rng(1)
    constants = [numpy_helper.from_array(np.float32(0.5), "grey")]
    nodes = [helper.make_node("Sub", ["x", "grey"], ["centred"]), helper.make_node("Sign", ["centred"], ["a0"])]
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        weights = rng.choice(np.array([-1, 1], np.float32), (inputs, outputs))
        constants.append(numpy_helper.from_array(weights, f"w{layer}"))
        last = layer == len(widths) - 2
        nodes.append(helper.make_node("MatMul", [f"a{layer}", f"w{layer}"], ["scores" if last else f"s{layer}"]))
        if not last:
            norm = [f"{name}{layer}" for name in ("gamma", "beta", "mean", "variance")]
            values = (np.ones(outputs), rng.normal(0, 1, outputs), np.zeros(outputs), np.full(outputs, inputs))
            constants += [numpy_helper.from_array(v.astype(np.float32), n) for n, v in zip(norm, values, strict=True)]
            nodes.append(helper.make_node("BatchNormalization", [f"s{layer}", *norm], [f"n{layer}"]))
            nodes.append(helper.make_node("Sign", [f"n{layer}"], [f"a{layer + 1}"]))
    nodes.append(helper.make_node("ArgMax", ["scores"], ["class"], axis=1, keepdims=0))
    graph = helper.make_graph(
        nodes,
        "float",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", widths[0]])],
        [helper.make_tensor_value_info("class", TensorProto.INT64, ["n"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _run_floats(session: onnxruntime.InferenceSession, images: NDArray[np.float32], batch: int) -> None:
    for start in range(0, len(images), batch):
        session.run(None, {"x": images[start : start + batch]})


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
