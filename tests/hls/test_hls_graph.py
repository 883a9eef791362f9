"""Whole accelerators: a graph through render_hls and C simulation gives what Graph.execute says."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.hls import render_hls
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.stream import Port, divisors
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.simulate.runners.csim import CSimulator, build_csim, run_csim
from tests.support.hls_cases import AP_AXIU, STRICT, pack, random_integers, random_table, synthesis_form

BIPOLAR = IntegerType.bipolar()


def chain(operators: list[Operator]) -> Graph:
    """The operators in a row, with width converters where lanes differ."""
    graph = Graph()
    previous: Operator | None = None
    for operator in operators:
        if previous is not None and previous.outputs[0].lanes != operator.inputs[0].lanes:
            made = previous.outputs[0]
            name = f"converter_before_{operator.name}"
            converter = WidthConverter(name, made.shape, made.type, made.lanes, operator.inputs[0].lanes)
            graph.add(converter)
            graph.connect(previous.name, name)
            previous = converter
        graph.add(operator)
        if previous is not None:
            graph.connect(previous.name, operator.name)
        previous = operator
    graph.set_boundary(operators[0].name, [operators[-1].name])
    return graph


def random_net(seed: int, *, wide: bool = False) -> Graph:
    """Three layers with random shapes, types and folding; `wide` has words of more than 1,024 bits."""
    rng = np.random.default_rng(seed)
    sizes = [1040, 1056, 2112, 7] if wide else rng.integers(1, 50, 4).tolist()
    taken = BIPOLAR if wide else [BIPOLAR, IntegerType(0, 255, "unsigned"), IntegerType(-8, 7, "signed")][seed % 3]
    operators: list[Operator] = []
    if seed % 2:
        table = random_table(taken, sizes[0], 3, IntegerType(-2, 1, "signed"), rng)
        pe = sizes[0] if wide else int(rng.choice(divisors(sizes[0])))
        operators.append(Threshold("threshold_0", (sizes[0],), taken, table, pe=pe))
        taken = table.output
    for index, (mw, mh) in enumerate(pairwise(sizes)):
        weights = 2 * rng.integers(0, 2, (mh, mw)) - 1
        pe = mh if wide else int(rng.choice(divisors(mh)))
        simd = mw if wide else int(rng.choice(divisors(mw)))
        raw = MatrixVector(f"matrix_vector_{index}", weights, taken, (), None, pe, simd)
        made = BIPOLAR if index or wide else IntegerType(0, 3, "unsigned")
        table = random_table(raw.accumulator, mh, 1 if made.is_bipolar else 3, made, rng)
        layer = raw if index == 2 else MatrixVector(raw.name, weights, taken, (), table, pe, simd)
        if index and layer.passes > 1:
            operators.append(Fifo(f"fifo_{index}", layer.inputs[0], max(2, layer.steps)))
        operators.append(layer)
        taken = layer.outputs[0].type
    return chain([*operators, ScoreOutput("score_output", operators[-1].outputs[0])])


def branches() -> Graph:
    """A convolution with a shortcut around it, joined by channels; a choice of those added to others; a pool."""
    rng = np.random.default_rng(0)
    image, pixel = (5, 6), (5, 6, 4)
    window = Window("window", Geometry(image, (3, 3), pads=(1, 1, 1, 1)), 4, BIPOLAR, lanes=4)
    conv = MatrixVector(
        "conv", random_integers(BIPOLAR, (4, 36), rng), BIPOLAR, image, None, 2, 4, kernel=(3, 3), padded=True
    )
    conv = replace(conv, table=random_table(conv.accumulator, 4, 1, BIPOLAR, rng))
    both = Concat("both", image, (4, 4), BIPOLAR, pe=2)
    select = Select("select", image, 8, (7, 0, 0, 2), BIPOLAR)
    other = Select("other", image, 8, (1, 2, 3, 4), BIPOLAR)
    total = Add("total", pixel, (BIPOLAR, BIPOLAR), (2, -3), pe=4)
    pool = Pool("pool", (), (5, 6), 4, total.result_type, "sum", np.zeros(4, dtype=bool), pe=4)
    graph = Graph()
    for unit in (
        Fork("fork", Port(pixel, BIPOLAR, 4)),
        window,
        conv,
        Fifo("shortcut", Port(pixel, BIPOLAR, 4), 40),
        WidthConverter("narrow", pixel, BIPOLAR, 4, 2),
        both,
        WidthConverter("whole", (*image, 8), BIPOLAR, 2, 8),
        Fork("again", Port((*image, 8), BIPOLAR, 8)),
        select,
        other,
        total,
        pool,
        ScoreOutput("score_output", pool.outputs[0]),
    ):
        graph.add(unit)
    for before, after in (("fork", "window"), ("window", "conv"), ("conv", "both"), ("shortcut", "narrow")):
        graph.connect(before, after)
    graph.connect("fork", "shortcut", output=1)
    graph.connect("narrow", "both", input=1)
    for before, after in (("both", "whole"), ("whole", "again"), ("again", "select"), ("select", "total")):
        graph.connect(before, after)
    graph.connect("again", "other", output=1)
    graph.connect("other", "total", input=1)
    graph.connect("total", "pool")
    graph.connect("pool", "score_output")
    graph.set_boundary("fork", ["score_output"])
    return graph


def expected_bytes(graph: Graph, frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    port = graph.input.port
    x = random_integers(port.type, (frames, *port.shape), np.random.default_rng(seed))
    return pack(port, x), pack(graph.outputs[0].port, graph.execute(x)["output"])


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory, compiler: str, ap_headers: Path) -> tuple[CSimulator, Graph]:
    folder = tmp_path_factory.mktemp("project")
    graph = random_net(1)
    render_hls(graph, folder)
    return build_csim(folder), graph


@pytest.mark.parametrize(("seed", "wide"), [(2, False), (3, False), (5, True)])
def test_random_nets(seed: int, wide: bool, tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    graph = random_net(seed, wide=wide)
    render_hls(graph, tmp_path)
    taken, made = expected_bytes(graph, 5, seed)
    np.testing.assert_array_equal(run_csim(build_csim(tmp_path), taken, 5), made)


def test_branches(tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    graph = branches()
    render_hls(graph, tmp_path)
    top = (tmp_path / "hls" / "top.cpp").read_text()
    assert "units::fork(input, fork_to_window, fork_to_shortcut);\n" in top
    assert "    units::total(select_to_total_0, other_to_total_1, total_to_pool);\n" in top
    assert "// total: 5 x 6 x 4 bipolar to 5 x 6 x 4 int4[-5, 5], PE 4, interval 30\n" in top
    taken, made = expected_bytes(graph, 5, 0)
    np.testing.assert_array_equal(run_csim(build_csim(tmp_path), taken, 5), made)


@pytest.mark.parametrize("graph", [random_net(3), random_net(5, wide=True), branches()], ids=["dense", "wide", "image"])
def test_no_warning(graph: Graph, tmp_path: Path, each_compiler: str, ap_headers: Path) -> None:
    """As C++17, which is what projects ask for, and as C++14, all that the documentation of Vitis HLS promises."""
    render_hls(graph, tmp_path)
    for standard in ("c++17", "c++14"):
        for name in ("top.cpp", "testbench.cpp"):
            command = [each_compiler, f"-std={standard}", *STRICT, "-O1", "-isystem", str(ap_headers)]
            command += ["-c", str(tmp_path / "hls" / name), "-o", str(tmp_path / "object.o")]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stderr


def test_the_form_that_vitis_sees(
    simulator: tuple[CSimulator, Graph], tmp_path: Path, compiler: str, ap_headers: Path
) -> None:
    render_hls(simulator[1], tmp_path)
    (tmp_path / "vitis").mkdir()
    (tmp_path / "vitis" / "ap_axi_sdata.h").write_text(AP_AXIU)
    sources = [str(tmp_path / "hls" / name) for name in ("top.cpp", "testbench.cpp")]
    headers = ["-isystem", str(ap_headers), "-isystem", str(tmp_path / "vitis")]
    command = [compiler, "-std=c++17", *synthesis_form(tmp_path), *headers, *sources]
    subprocess.run([*command, "-o", str(tmp_path / "testbench")], check=True)
    taken, made = expected_bytes(simulator[1], 3, 0)
    np.testing.assert_array_equal(run_csim(CSimulator(tmp_path / "testbench", 0), taken, 3), made)


def test_bytes_and_arrays_are_the_same_to_it(simulator: tuple[CSimulator, Graph]) -> None:
    taken, made = expected_bytes(simulator[1], 4, 0)
    np.testing.assert_array_equal(run_csim(simulator[0], taken.tobytes(), 4), made)
    np.testing.assert_array_equal(run_csim(simulator[0], taken, 4), made)


@pytest.mark.parametrize("processes", [1, 3, 64])
def test_several_processes_share_the_frames(simulator: tuple[CSimulator, Graph], processes: int) -> None:
    taken, made = expected_bytes(simulator[1], 37, 0)
    np.testing.assert_array_equal(run_csim(simulator[0], taken, 37, processes=processes), made)


def test_wrong_input_is_refused(simulator: tuple[CSimulator, Graph]) -> None:
    taken, _ = expected_bytes(simulator[1], 1, 0)
    with pytest.raises(UserError, match="no whole number of frames"):
        run_csim(simulator[0], taken[:, :-1], 1)


def test_the_test_bench_compares(simulator: tuple[CSimulator, Graph], tmp_path: Path) -> None:
    taken, made = expected_bytes(simulator[1], 3, 0)
    (tmp_path / "in.bin").write_bytes(taken.tobytes())
    (tmp_path / "good.bin").write_bytes(made.tobytes())
    (tmp_path / "short.bin").write_bytes(made[:2].tobytes())
    made[2, -1] ^= 1
    (tmp_path / "bad.bin").write_bytes(made.tobytes())

    def bench(*arguments: str) -> tuple[int, str]:
        command = [str(simulator[0].program), *arguments]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr

    assert bench("--input", "in.bin", "--expected", "good.bin") == (0, "3 frames, output equals the expectation\n")
    status, said = bench("--input", "in.bin", "--expected", "bad.bin")
    port = simulator[1].outputs[0].port
    place = f"frame 2, m_axis, beat {port.beats - 1}, byte {port.boundary_bytes - 1}: expected 0x{made[2, -1]:02x}, got"
    assert status == 1
    assert said.startswith(place)
    assert bench("--input", "in.bin", "--expected", "short.bin")[0] == 1
    for wrong in ([], ["--input"], ["--input", "none.bin"], ["--in", "in.bin"], ["--input", "in.bin", "--output", "/"]):
        assert bench(*wrong)[0] == 2


def test_a_second_build_is_found_in_the_cache(tmp_path: Path, simulator: tuple[CSimulator, Graph]) -> None:
    render_hls(random_net(1), tmp_path)
    again = build_csim(tmp_path)
    assert again.program == simulator[0].program
    assert again.build_seconds < 1


def test_a_project_without_hls(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no HLS sources"):
        build_csim(tmp_path)


def test_rendering_is_deterministic_and_complete(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        written = render_hls(random_net(3), tmp_path / name, "a net")
        files = {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in written}
        found = {path for path in (tmp_path / name).rglob("*") if path.is_file()}
        assert found == set(written)
        texts.append(files)
    assert texts[0] == texts[1]
    assert max(len(line) for text in texts[0].values() for line in text.splitlines()) <= 120


def test_only_the_headers_that_are_needed(tmp_path: Path) -> None:
    layer = MatrixVector("fc", np.ones((2, 4), dtype=np.int64), BIPOLAR, (), None, 2, 4)
    render_hls(chain([layer, ScoreOutput("score_output", layer.outputs[0])]), tmp_path)
    names = {path.name for path in (tmp_path / "hls" / "bnn").iterdir()}
    assert {"matrix_vector.hpp", "popcount.hpp", "word.hpp", "stream_input.hpp", "axis_word.hpp"} <= names
    assert not {"window.hpp", "pool.hpp", "arg_max.hpp", "lookup.hpp"} & names


def test_weights_and_thresholds_can_be_read(tmp_path: Path) -> None:
    weights = np.array([[1, -1, -1, -1], [-1, 1, 1, 1]])
    raw = MatrixVector("fc", weights, BIPOLAR, (), None, 2, 4)
    table = random_table(raw.accumulator, 2, 1, BIPOLAR, np.random.default_rng(0))
    values, directions = table.values, table.decreasing
    values[:, 0] = [-2, 5]  # on the sum; at least one bit equal, and never
    directions[:] = [False, True]
    layer = MatrixVector("fc", weights, BIPOLAR, (), table, 2, 4)
    render_hls(chain([layer, ScoreOutput("score_output", layer.outputs[0])]), tmp_path)
    text = (tmp_path / "hls" / "weights" / "fc.hpp").read_text()
    assert "const bnn::rom_bits<4> fc_weights[1][2] = {\n    {0x1u, 0xeu},\n};" in text
    assert "const bnn::rom_integer<4> fc_thresholds[1][2][1] = {\n    {{1}, {5}},\n};" in text
    assert "const bnn::rom_bits<1> fc_decreasing[1][2] = {\n    {0, 1},\n};" in text
    top = (tmp_path / "hls" / "top.cpp").read_text()
    assert "// fc: 4 bipolar to 2 bipolar, PE 2, SIMD 4, interval 1\nvoid fc(" in top
    params = (tmp_path / "hls" / "params.hpp").read_text()
    assert "namespace fc {\nconstexpr unsigned MW = 4;\nconstexpr unsigned MH = 2;\n" in params
