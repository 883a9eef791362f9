"""`Graph.execute`: what is asked for, in bounded memory, exact whatever the numbers' size."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from bnnfpga.dataflow import graph as graph_module
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.stream import Port
from bnnfpga.numbers import exact_arrays as arrays
from bnnfpga.numbers.exact_arrays import narrowest, sum_type
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from tests.dataflow.chains import random_chain
from tests.support.deep_graphs import CODES, PIXEL, GraphWriter, residual_net
from tests.support.graphs import chain, random_integers

BIPOLAR = IntegerType.bipolar()


def names(graph: Graph) -> list[str]:
    return [stream.name for stream in graph.streams]


def test_the_output_alone_or_what_is_asked_for() -> None:
    graph = residual_net(16, (4, 6), 5)
    x = random_integers(graph.input.port, 3, 0)
    every = graph.execute(x, names(graph))
    assert list(every) == names(graph)
    assert list(graph.execute(x)) == ["output"]
    for stream in graph.streams:
        (values,) = graph.execute(x, [stream.name]).values()
        assert values.dtype == np.int64
        assert values.shape == (3, *stream.port.shape)
        np.testing.assert_array_equal(values, every[stream.name], err_msg=stream.name)
    with pytest.raises(ValueError, match="no stream is called 'middle'; there are input, "):
        graph.execute(x, ["middle"])
    assert graph.execute(x[:0])["output"].shape == (0, 5)


def test_what_nobody_needs_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = random_chain(0, (8, 6, 4))
    monkeypatch.setattr(ScoreOutput, "execute", lambda *_: pytest.fail("it was run"))
    graph.execute(random_integers(graph.input.port, 2, 0), [graph.streams[1].name])


@pytest.mark.parametrize("elements", [1, 100, 5000])
def test_frames_in_parts(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = residual_net(16, (4, 6), 5)
    x = random_integers(graph.input.port, 7, 1)
    expected = graph.execute(x, names(graph))
    monkeypatch.setattr(graph_module, "_CHUNK_ELEMENTS", elements)
    monkeypatch.setattr(arrays, "_BLOCK", elements)
    for name, values in graph.execute(x.reshape(7, -1), names(graph)).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_memory_of_a_large_convolution() -> None:
    """Of windows on 224 x 224 pixels: an array of int64 with all of them would take 900 MiB a frame."""
    writer = GraphWriter()
    port = writer.threshold(Port((224, 224, 32), PIXEL, 1), CODES)
    writer.convolution(port, 4, 7, output=BIPOLAR)
    graph = writer.finished()
    x = random_integers(graph.input.port, 1, 0).repeat(2, axis=0)
    tracemalloc.start()
    graph.execute(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 * 2**20


def test_memory_does_not_grow_with_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = residual_net(64, (8, 8), 5)
    monkeypatch.setattr(graph_module, "_CHUNK_ELEMENTS", 1 << 19)
    peaks = []
    for frames in (16, 80):
        x = random_integers(graph.input.port, frames, 0)
        tracemalloc.start()
        graph.execute(x)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


@pytest.mark.parametrize("largest", [1 << 23, (1 << 24) - 1, 1 << 24, (1 << 53) - 1, 1 << 53, 1 << 61])
def test_sums_near_what_floats_hold(largest: int) -> None:
    """Sums of which one is as large as the interval says, and its neighbours."""
    taken = IntegerType.interval(0, largest // 2)
    weights = np.array([[1, 1], [1, -1], [-1, -1], [2, 0]])
    unit = MatrixVector("unit", weights, taken)
    half = largest // 2
    x = np.array([[half, half], [half, half - 1], [half - 1, half - 1], [half, 0], [0, half - 1]])
    expected = x @ weights.T
    (sums,) = unit.execute(x)
    np.testing.assert_array_equal(sums, expected)
    limits = np.stack([expected[0] - 1, expected[0], expected[0] + 1], axis=1)
    table = ThresholdTable(limits, np.array([False, True, False, True]), IntegerType.interval(-2, 1))
    counts = (expected[..., None] >= limits).sum(axis=-1)
    (codes,) = replace(unit, table=table).execute(x)
    np.testing.assert_array_equal(codes, np.where(table.decreasing, 3 - counts, counts) - 2)
    depthwise = VectorVector("unit", weights.T.copy(), taken)
    pixels = x[:, :, None].repeat(4, axis=2)
    (sums,) = depthwise.execute(pixels.reshape(5, -1))
    np.testing.assert_array_equal(sums, expected)


@pytest.mark.parametrize("levels", [1, 3, 15, 16, 255])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.int64, np.float32])
@pytest.mark.parametrize("rows", [1, 5])
def test_thresholds_of_any_size_on_integers_of_any_type(levels: int, dtype: type, rows: int) -> None:
    """Limits that the type of the integers does not hold are always or never reached."""
    rng = np.random.default_rng(levels)
    low, high = (-(1 << 24) + 1, (1 << 24) - 1) if dtype is np.float32 else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    x = rng.integers(max(low, -(1 << 40)), min(high, 1 << 40), (9, 5), endpoint=True)
    x[0], x[1] = max(low, -(1 << 40)), min(high, 1 << 40)
    around = np.concatenate([x.reshape(-1), x.reshape(-1) + 1, [1 << 45, -(1 << 45)]])
    values = np.sort(rng.choice(around, (rows, levels)), axis=1)
    made = BIPOLAR if levels == 1 else IntegerType.interval(-3, levels - 3)
    table = ThresholdTable(values, rng.random(rows) < 0.5, made)
    counts = ((x[..., None] >= values) != table.decreasing[:, None]).sum(axis=-1)
    expected = 2 * counts - 1 if levels == 1 else counts - 3
    np.testing.assert_array_equal(table.execute(x.astype(dtype)), expected)


@pytest.mark.parametrize("factors", [(1, 1), (200, -200), (-3, 5), (0, 1), (1 << 35, 1)])
def test_multiples_that_do_not_fit_their_sum(factors: tuple[int, int]) -> None:
    types = (IntegerType.interval(100, 127), PIXEL)
    unit = Add("add", (2,), types, factors)
    x, y = (np.array([[type.lo, type.hi], [type.hi, type.lo]]) for type in types)
    for first, second in ((x, y), (x.astype(np.int8), y.astype(np.uint8))):
        (sums,) = unit.execute(first, second)
        np.testing.assert_array_equal(sums, factors[0] * x + factors[1] * y)


def test_types_that_hold_integers() -> None:
    assert narrowest(-128, 127) == np.int8
    assert narrowest(0, 128) == np.uint8
    assert narrowest(-1, 128) == np.int16
    assert narrowest(1 << 40) == np.int64
    assert [sum_type((1 << bits) - 1) for bits in (24, 53)] == [np.float32, np.float64]
    assert [sum_type(1 << bits) for bits in (24, 53)] == [np.float64, np.int64]


def test_a_port_has_one_stream() -> None:
    graph = Graph()
    units: list[Operator] = [ScoreOutput(name, Port((4,), BIPOLAR, 1)) for name in ("first", "second", "third")]
    for unit in units:
        graph.add(unit)
    graph.connect("first", "second")
    for ends in (("first", "third"), ("third", "second")):
        with pytest.raises(ValueError, match="has a stream already"):
            graph.connect(*ends)
    graph.connect("second", "first")
    graph.set_boundary("first", ["third"])
    with pytest.raises(ValueError, match="first, second form a cycle"):
        _ = graph.operators
    assert chain([units[0]]).operators[0] == units[0]
