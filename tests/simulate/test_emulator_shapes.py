"""Units that read what others make as other rows and channels: the emulator gives what `Graph.execute` gives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.base.assets import asset
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.hardware import EmulatorKernel
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port
from bnnfpga.native.toolchain import find_compiler
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.simulate.runners import emulator_library
from bnnfpga.simulate.runners.emulator import Emulator, run_emulator
from bnnfpga.simulate.runners.emulator_library import paths_here
from tests.conftest import THOROUGH
from tests.support.deep_graphs import GraphWriter
from tests.support.graphs import random_integers
from tests.support.reshaped_graphs import UNITS, reshaped_graph

BIPOLAR = IntegerType.bipolar()
HERE = paths_here(find_compiler())
CASES = 500 if THOROUGH else 60
SEEDS = 20 if THOROUGH else 3


def check(graph: Graph, path: str, seed: int, frames: int = 3) -> None:
    """All streams, and the output where nobody asks for the others, which then may be read from elsewhere."""
    x = random_integers(graph.input.port, frames, seed)
    names = [stream.name for stream in graph.streams]
    expected = graph.execute(x, names)
    emulator = Emulator(graph, path)
    for wanted in (["output"], names):
        got = emulator.run(x, tensors=wanted, threads=1)
        for name in wanted:
            np.testing.assert_array_equal(got[name], expected[name], err_msg=f"{name} on {path}")


@pytest.mark.parametrize("path", HERE)
@pytest.mark.parametrize("before", UNITS)
def test_each_unit_behind_each(before: str, path: str) -> None:
    for after in UNITS:
        for seed in range(SEEDS):
            check(reshaped_graph((before, after), seed), path, seed)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(kinds=st.lists(st.sampled_from(list(UNITS)), min_size=2, max_size=6), seed=st.integers(0, 1 << 30))
def test_any_row_of_units(path: str, kinds: list[str], seed: int) -> None:
    check(reshaped_graph(tuple(kinds), seed), path, seed)


def pads_read_as_a_vector(channels: int, fill: int, type: IntegerType, *, sums: bool = True) -> Graph:
    """Quant, Pad, Flatten, dense: a window of single pixels, all of which are one vector to the unit behind."""
    writer = GraphWriter()
    port = writer.threshold(Port((3, 3, channels), IntegerType.interval(0, 255), 1), type)
    geometry = Geometry((3, 3), (1, 1), pads=(1, 1, 1, 1))
    port = writer.put(Window("window", geometry, channels, port.type, fill))
    weights = writer.rng.choice([-1, 1], (10, port.elements))
    unit = MatrixVector("dense", weights, port.type, padded=port.pads > 0)
    port = writer.put(unit)
    if not sums:
        writer.threshold(port, BIPOLAR)
    return writer.finished()


@pytest.mark.parametrize("path", HERE)
@pytest.mark.parametrize("channels", [1, 3, 64, 128])
@pytest.mark.parametrize("fill", [-1, 0, 1])
@pytest.mark.parametrize("type", [BIPOLAR, IntegerType.interval(-2, 1)], ids=str)
def test_padded_and_flattened(path: str, channels: int, fill: int, type: IntegerType) -> None:
    check(pads_read_as_a_vector(channels, fill, type), path, 0)
    check(pads_read_as_a_vector(channels, fill, type, sums=False), path, 0)


def test_a_kernel_refuses_shapes_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator that says of its kernel what is not so: the message names the unit, the kernel and the shapes."""
    writer = GraphWriter()
    port = writer.threshold(Port((4, 6), IntegerType.interval(0, 255), 1), BIPOLAR)
    writer.put(MatrixVector("unit", np.ones((5, 6), np.int64), port.type, (4,)))
    graph = writer.finished()
    right = MatrixVector.emulator
    monkeypatch.setattr(MatrixVector, "emulator", lambda self: Threshold.emulator(graph["threshold0"]))  # type: ignore[arg-type]
    message = r"emulator, unit: threshold: .* other shapes, with 4 x 6 bits to 4 x 5 int8"
    with pytest.raises(RuntimeError, match=message):
        Emulator(graph, HERE[-1])
    monkeypatch.setattr(MatrixVector, "emulator", right)
    check(graph, HERE[-1], 0)


_ROGUE = """
#include "kernel.h"
namespace bnn {
namespace {
struct Rogue : Kernel {
    explicit Rogue(const Unit& unit) : Kernel({{make_tensor(1, 24, -1, 1, true)}, unit.outputs}) {}
    void run(const void* const*, void* const*, std::size_t, void*) const override {}
};
std::unique_ptr<Kernel> make_rogue(const Unit& unit) { return std::make_unique<Rogue>(unit); }
const Registration rogue_registration("rogue", make_rogue);
}
}
"""


def test_a_kernel_is_not_handed_other_rows_than_it_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes what its unit does not: the graph refuses, whatever the kernel itself looked at."""
    shutil.copytree(asset("flows") / "emulator", tmp_path / "emulator")
    (tmp_path / "emulator" / "rogue.cpp").write_text(_ROGUE)
    monkeypatch.setattr(emulator_library, "asset", lambda name: tmp_path)
    monkeypatch.setattr(emulator_library, "_options", lambda path: ("-O0",))
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(MatrixVector, "emulator", lambda self: EmulatorKernel("rogue"))
    writer = GraphWriter()
    port = writer.threshold(Port((4, 6), IntegerType.interval(0, 255), 1), BIPOLAR)
    writer.put(MatrixVector("unit", np.ones((5, 6), np.int64), port.type, (4,)))
    emulator_library.load_library.cache_clear()
    try:
        message = "rogue: it works on 1 x 24 bits to 4 x 5 int8, but is handed 4 x 6 bits to 4 x 5 int8"
        with pytest.raises(RuntimeError, match=f"emulator, unit: {message}"):
            Emulator(writer.finished(), "portable")
    finally:
        emulator_library.load_library.cache_clear()


_SANITIZED = """
import sys
from bnnfpga.simulate.runners import emulator_library
options = emulator_library._options
flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1")
emulator_library._options = lambda path: (*options(path), *flags)
from tests.simulate import test_emulator_shapes as shapes
from tests.support.reshaped_graphs import UNITS, reshaped_graph
path = sys.argv[1]
for before in UNITS:
    for after in UNITS:
        shapes.check(reshaped_graph((before, after), 1), path, 1)
for seed in range(int(sys.argv[2])):
    kinds = shapes.np.random.default_rng(seed).choice(list(UNITS), 5)
    shapes.check(reshaped_graph(tuple(kinds), seed), path, seed)
for channels in (1, 3, 64):
    shapes.check(shapes.pads_read_as_a_vector(channels, 0, shapes.BIPOLAR), path, 0)
print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("path", HERE)
def test_nothing_outside_is_touched(path: str, tmp_path: Path) -> None:
    """The same with the compiler's own checks of every access and every operation."""
    command = [*find_compiler().command, "-print-file-name=libasan.so"]
    library = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(library).is_file():
        pytest.skip("this compiler has no libasan.so")
    undefined = library.replace("libasan", "libubsan")
    environment = {
        **os.environ,
        "LD_PRELOAD": f"{library} {undefined}",
        # Python keeps what it has until it ends.
        "ASAN_OPTIONS": "detect_leaks=0",
        "BNNFPGA_CACHE": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    run = [sys.executable, "-c", _SANITIZED, path, "300" if THOROUGH else "60"]
    result = subprocess.run(run, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.strip() == "done"


def test_run_emulator_without_frames_of_other_rows() -> None:
    graph = reshaped_graph(("window", "matrix_vector"), 0)
    empty = random_integers(graph.input.port, 0, 0)
    assert run_emulator(graph, empty)["output"].shape == (0, *graph.outputs[0].port.shape)
