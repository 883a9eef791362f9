"""Accelerators built by hand as graphs of operators, for tests below the compiler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from bnnfpga.codegen.rtl import render_rtl
from bnnfpga.compiler.project_folder import boundary, write_simulation
from bnnfpga.compiler.vectors import Vectors
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.token_model import Cycles, predict, steady_interval
from bnnfpga.host.words import unpack_frames
from bnnfpga.numbers.integers import IntArray
from bnnfpga.simulate.runners.simulator import build_simulator
from bnnfpga.simulate.runners.verilator import run_simulator

_MODELS = Path(__file__).with_name("xilinx_cells.sv")


def chain(operators: Sequence[Operator]) -> Graph:
    """The operators in a row, and the output boundary."""
    return joined(operators, [(before.name, after.name) for before, after in pairwise(operators)])


def joined(operators: Sequence[Operator], connections: Sequence[tuple[str, str]]) -> Graph:
    """The operators, connected by name, from the first one to the last one and the output boundary.

    A unit's ports are used in the order of its connections. If two units' lanes differ, a converter is inserted.
    """
    graph = Graph()
    last = ScoreOutput("score_output", operators[-1].outputs[0])
    for unit in (*operators, last):
        graph.add(unit)
    used_outputs: Counter[str] = Counter()
    used_inputs: Counter[str] = Counter()
    for before, after in (*connections, (operators[-1].name, last.name)):
        output, input = used_outputs[before], used_inputs[after]
        used_outputs[before] += 1
        used_inputs[after] += 1
        source, port, target = before, graph[before].outputs[output], graph[after].inputs[input]
        if port.lanes != target.lanes:
            converter = WidthConverter(f"{after}_converter{input}", target.shape, target.type, port.lanes, target.lanes)
            graph.add(converter)
            graph.connect(before, converter.name, output=output)
            source, output = converter.name, 0
        graph.connect(source, after, output=output, input=input)
    graph.set_boundary(operators[0].name, [last.name])
    return graph


def random_integers(port: Port, frames: int, seed: int) -> IntArray:
    """Frames of random integers of a stream's element type, int64 (frames, *shape)."""
    rng = np.random.default_rng(seed)
    values = rng.integers(port.type.lo, port.type.hi + 1, (frames, *port.shape))
    return np.where(values < 0, -1, 1) if port.type.is_bipolar else values


def check_in_verilator(
    graph: Graph,
    folder: Path,
    *,
    frames: int = 6,
    seed: int = 0,
    stall_seeds: Sequence[int] = (),
    change_rtl: Callable[[Path], None] = lambda rtl: None,
) -> Cycles:
    """Check that the Verilated graph gives the integers of `execute` and the cycles of the token model, stalled or not.

    It is stalled by `stall_seeds`, or by `seed` without them; `change_rtl` may change the folder `rtl` before that.
    """
    folder.mkdir(exist_ok=True)
    x = random_integers(graph.input.port, frames, seed)
    codes = graph.input.port.in_beats(x).reshape(frames, -1)
    streams = graph.execute(x)
    expected = tuple(streams[stream.name].reshape(frames, -1) for stream in graph.outputs)
    cycles = predict(graph)
    render_rtl(graph, folder)
    change_rtl(folder / "rtl")
    write_simulation(folder, graph, cycles, Vectors(codes, expected, ("random",) * len(codes)))
    simulator = build_simulator(folder)
    data = boundary(graph.input.port).pack(codes)
    for stall_seed in (None, *(stall_seeds or (seed,))):
        run = run_simulator(simulator, folder / "memories", data, frames, stall_seed=stall_seed)
        got = unpack_frames([boundary(stream.port) for stream in graph.outputs], run.output)
        for array, scores in zip(got, expected, strict=True):
            np.testing.assert_array_equal(array, scores)
        if stall_seed is None:
            done = run.frame_done.tolist()
            latency = done[0] - run.first_input_cycle
            assert latency == cycles.latency
            assert steady_interval(done, latency) == (cycles.initiation_interval, True)
    return cycles


def synthesised(rtl: Path) -> None:
    """Let Verilator read what synthesis reads."""
    (rtl / _MODELS.name).write_text(_MODELS.read_text())
    for module in rtl.glob("*_logic.sv"):
        module.write_text(f"`define SYNTHESIS\n{module.read_text()}`undef SYNTHESIS\n")
