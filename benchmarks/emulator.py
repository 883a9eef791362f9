"""The emulator compared with onnxruntime on one thread, and the time to a new net's first result.

Both get the same images and return classes. The emulator starts from unpacked uint8 images: its time includes packing.
The float graph is the net as trained, Conv or MatMul, BatchNormalization, Sign and MaxPool with weights of -1 and +1;
it starts from float32 images, so that its time does not include a cast, and runs with its best batch size. The two are
measured alternately, several times, and the best of each counts; thread time is measured, so that other work on the
machine disturbs it less. The bar applies to the ratio.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.table import Row
from bnnfpga.compiler.design import make_design
from bnnfpga.compiler.model_file import open_model
from bnnfpga.dataflow.graph import Graph
from bnnfpga.host.input_format import InputFormat
from bnnfpga.native.toolchain import find_compiler
from bnnfpga.simulate.runners.emulator import Emulator
from bnnfpga.simulate.runners.emulator_library import paths_here
from tests.support.data import FIXTURES
from tests.support.nets import DenseNet

BATCHES = (1, 4, 8, 16, 64, 256, 1024, 4096, 20_000)
ROUNDS = 7
LARGE, SMALL = (784, 1024, 1024, 1024, 10), (64, 64, 64, 10)
CNV = FIXTURES / "cnv" / "cnv_w1a1_random.onnx.gz"
FIRST_RESULT = """
import sys, numpy, bnnfpga
project = bnnfpga.compile(sys.argv[1], sys.argv[2], input="uint8", input_scale="1/255", force=True)
x = numpy.zeros((16, *project.input_shape), numpy.uint8)
assert project.simulate(x, backend="emulator").mismatches == 0
"""


@dataclass(frozen=True)
class Net:
    """A W1A1 net on pixels, the number of images to run, and the least ratio for each path."""

    name: str
    model: onnx.ModelProto
    images: int
    bars: dict[str, float]


def emulator_rows(folder: Path) -> list[Row]:
    """All rows, in order; files are written to `folder`."""
    cnv = onnx.load_from_string(gzip.decompress(CNV.read_bytes()))
    nets = (
        Net("784-1024-1024-1024-10", _dense(LARGE), 20_000, {"avx512": 12, "portable": 2}),
        Net("64-64-64-10", _dense(SMALL), 200_000, {"avx512": 2.4, "portable": 2}),
        Net("the CNV", cnv, 1_000, {"avx512": 8, "portable": 1}),
    )
    return [*(row for net in nets for row in _speed_rows(folder, net)), *_first_result_rows(folder)]


def _speed_rows(folder: Path, net: Net) -> list[Row]:
    graph, session = _graph(folder, net), _float_session(net.model)
    shape = graph.input.port.shape
    images = np.random.default_rng(0).integers(0, 256, (net.images, *shape), dtype=np.uint8)
    # Channels come last in streams, and first in models.
    floats = np.ascontiguousarray(np.moveaxis(images, -1, 1)).astype(np.float32) / np.float32(255)
    paths = paths_here(find_compiler())
    emulators = {path: Emulator(graph, path) for path in paths}
    checked = images[:50]
    expected = graph.execute(checked.astype(np.int64))[graph.outputs[0].name].reshape(len(checked), -1)
    seconds: dict[str | int, float] = {}

    def measure(key: str | int, work: Callable[[], object]) -> None:
        started = time.thread_time()
        work()
        seconds[key] = min(seconds.get(key, 1e9), time.thread_time() - started)

    part = floats[: net.images // 10]
    for batch in BATCHES:
        measure(batch, lambda batch=batch: _run_floats(session, part, batch))  # type: ignore[misc]
    best = min(BATCHES, key=lambda batch: seconds[batch])
    for _ in range(ROUNDS):
        measure("float", lambda: _run_floats(session, floats, best))
        for path in paths:
            measure(path, lambda path=path: emulators[path].scores(images, threads=1)[0])  # type: ignore[misc]
    speed = f"{net.images / seconds['float']:,.0f} images/s"
    rows = [Row(f"onnxruntime {net.name}, one thread, batch {best:,}", speed, "", True)]
    for path in paths:
        exact = np.array_equal(emulators[path].scores(checked)[0], expected)
        ratio, bar = seconds["float"] / seconds[path], net.bars.get(path, 0.0)
        measured = f"{net.images / seconds[path]:,.0f} images/s, {ratio:.1f} times" if exact else "DIFFERS"
        rows.append(
            Row(f"  emulator, {path}", measured, f"{bar:g} times at least" if bar else "", exact and ratio >= bar)
        )
    if len(shape) > 1:
        rows.append(_set_row(emulators[paths[0]], images))
    return rows


def _set_row(emulator: Emulator, images: NDArray[np.uint8]) -> Row:
    """A whole test set as a user experiences it: wall time, on two threads."""
    images = np.resize(images, (10_000, *images.shape[1:]))
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        emulator.scores(images, threads=2)
        seconds.append(time.perf_counter() - started)
    return Row("  10,000 images on two threads", f"{min(seconds):.2f} s", "2 s at most", min(seconds) <= 2)


def _first_result_rows(folder: Path) -> list[Row]:
    """A process that compiles and emulates a new net, once with building the native library, once with it cached."""
    model = DenseNet(LARGE, seed=5).write(_new_folder(folder / "first"))
    command = [sys.executable, "-c", FIRST_RESULT, str(model), str(folder / "first_project")]
    rows = []
    for what in ("and the emulator itself", "with the emulator there"):
        environment = {**os.environ, "BNNFPGA_CACHE": str(folder / "first_cache")}
        started, before = time.perf_counter(), os.times()
        subprocess.run(command, check=True, env=environment)
        seconds, after = time.perf_counter() - started, os.times()
        busy = after.children_user + after.children_system - before.children_user - before.children_system
        measured = f"{seconds:.1f} s, {busy:.1f} s of processors"
        rows.append(Row(f"first result, new net {what}", measured, "6 s at most", seconds <= 6))
    return rows


def _dense(widths: tuple[int, ...]) -> onnx.ModelProto:
    """A net that first binarises its pixels at middle grey."""
    model = DenseNet(widths, seed=1).model()
    model.graph.initializer.append(numpy_helper.from_array(np.float32(0.5), "grey"))
    model.graph.node[0].input[0] = "centred"
    model.graph.node.insert(0, helper.make_node("Sub", ["x", "grey"], ["centred"], name="centre"))
    return model


def _graph(folder: Path, net: Net) -> Graph:
    path = folder / f"{net.name}.onnx"
    onnx.save(net.model, path)
    file = open_model(path, InputFormat.parse("uint8", "1/255"))
    return make_design(file, folding=None, cycles=None, output_kind="class").graph


def _float_session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """The same layers for onnxruntime, as after training: weights and activations are signs."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes, same = [], {}
    for source in model.graph.node:
        node = onnx.NodeProto()
        node.CopyFrom(source)
        node.input[:] = [same.get(name, name) for name in source.input]
        if node.op_type == "Quant":
            same[node.output[0]] = node.input[0]
        elif node.op_type == "BipolarQuant" and node.input[0] in constants:
            signs = np.where(numpy_helper.to_array(constants[node.input[0]]) >= 0, np.float32(1), np.float32(-1))
            constants[node.output[0]] = numpy_helper.from_array(signs, node.output[0])
        elif node.op_type == "BipolarQuant":
            nodes.append(helper.make_node("Sign", node.input[:1], node.output))
        else:
            nodes.append(node)
    nodes.append(helper.make_node("ArgMax", [model.graph.output[0].name], ["class"], axis=1, keepdims=0))
    _, *shape = (dimension.dim_value for dimension in model.graph.input[0].type.tensor_type.shape.dim)
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "float",
        [helper.make_tensor_value_info(model.graph.input[0].name, TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info("class", TensorProto.INT64, ["n"])],
        [tensor for name, tensor in constants.items() if name in used],
    )
    standard = [opset for opset in model.opset_import if opset.domain == ""]
    floats = helper.make_model(graph, opset_imports=standard, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(floats.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _run_floats(session: onnxruntime.InferenceSession, images: NDArray[np.float32], batch: int) -> None:
    for start in range(0, len(images), batch):
        session.run(None, {session.get_inputs()[0].name: images[start : start + batch]})


def _new_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder
