"""Layers that read a part of the channels of several pixels of a window in a cycle, in random nets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.dataflow.folding import LayerFolding, apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.simulate.verify.beats import from_tensors
from bnnfpga.simulate.verify.locate import locate_value
from tests.support.deep_graphs import GraphWriter
from tests.support.graphs import check_in_verilator, random_integers

BIPOLAR = IntegerType.bipolar()
COUNTS = IntegerType.interval(0, 3)


def random_net(seed: int, layers: int) -> tuple[Graph, dict[str, LayerFolding]]:
    """Convolutions of any kernel, stride, dilation and pads, unfolded; and a folding with parts of several pixels."""
    writer = GraphWriter(seed)
    rng = writer.rng
    port = Port((*rng.integers(5, 9, 2).tolist(), int(rng.choice([2, 4, 6, 12]))), _type(rng), 1)
    folding = {}
    for _ in range(layers):
        window = Window(writer.name("window"), _geometry(rng, port), port.shape[-1], port.type)
        writer.put(window)
        unit = _layer(writer, window)
        port = writer.put(unit)
        folding[unit.name] = _folding(rng, unit)
    return writer.finished(), folding


def _type(rng: np.random.Generator) -> IntegerType:
    return BIPOLAR if rng.random() < 0.7 else COUNTS


def _geometry(rng: np.random.Generator, port: Port) -> Geometry:
    while True:
        kernel, stride, dilation = (
            tuple(rng.choice(values, 2).tolist()) for values in ((1, 2, 3, 3, 4, 5), (1, 1, 2), (1, 1, 2))
        )
        pads = tuple(rng.integers(0, 3, 4).tolist()) if rng.random() < 0.6 else (0, 0, 0, 0)
        geometry = Geometry(port.shape[:2], kernel, stride, dilation, pads)  # type: ignore[arg-type]
        if min(geometry.windows) >= 2 and not geometry.is_identity:
            return geometry


def _layer(writer: GraphWriter, window: Window) -> MatrixVector:
    rng, geometry, outputs = writer.rng, window.geometry, int(writer.rng.choice([2, 4, 6, 8]))
    shape = (outputs, geometry.taps * window.channels)
    weights = rng.choice([-1, 1], shape) if rng.random() < 0.7 else rng.integers(-2, 3, shape)
    unit = MatrixVector(
        writer.name("matrix_vector"),
        weights,
        window.type,
        geometry.windows,
        kernel=geometry.kernel,
        padded=window.flagged,
    )
    return replace(unit, table=writer.table(unit.accumulator, outputs, _type(rng)))


def _folding(rng: np.random.Generator, unit: MatrixVector) -> LayerFolding:
    """With a part of several pixels where that is legal, in one of the kinds of memory."""
    pe = int(rng.choice(unit.legal_pe()))
    pairs = [(simd, pixels) for simd in unit.legal_simd(pe) for pixels in unit.legal_kernel_pixels(simd)]
    partial = [(simd, pixels) for simd, pixels in pairs if pixels > 1 and simd < pixels * unit.channels]
    simd, pixels = (partial or pairs)[int(rng.integers(len(partial or pairs)))]
    kinds = unit.refolded(pe=pe, simd=simd, kernel_pixels=pixels).memory_kinds
    return LayerFolding(pe, simd, kernel_pixels=pixels, memory=kinds[int(rng.integers(len(kinds)))])


@pytest.mark.parametrize("seed", [0, 10, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(100, 140))])
def test_integers_and_cycles(seed: int, tmp_path: Path) -> None:
    graph, folding = random_net(seed, 3)
    check_in_verilator(apply_folding(graph, folding), tmp_path, frames=3, seed=seed)


def test_the_weights_of_a_step_are_those_of_its_inputs() -> None:
    """By a slow definition: step after step, the parts of the pixels that stand side by side."""
    weights = np.arange(9 * 4).reshape(1, -1) + 100
    unit = MatrixVector("unit", weights, COUNTS, kernel=(3, 3), simd=6, kernel_pixels=3)
    expected = [
        [100 + 4 * (3 * row + column) + channel for column in range(3) for channel in (part, part + 1)]
        for row in range(3)
        for part in (0, 2)
    ]
    np.testing.assert_array_equal(unit.stored_weights.in_order.reshape(6, 6), expected)


def test_all_foldings_of_a_kernel_of_thirds() -> None:
    """Every number that divides the inputs of a layer is a SIMD; with several forms, the one of fewest pixels."""
    unit = MatrixVector("unit", np.ones((2, 9 * 64), dtype=np.int64), BIPOLAR, kernel=(3, 3))
    assert unit.legal_simd(1) == tuple(n for n in range(1, 577) if 576 % n == 0)
    assert unit.legal_kernel_pixels(36) == (9,)
    forms = MatrixVector("unit", np.ones((2, 9 * 18), dtype=np.int64), BIPOLAR, kernel=(3, 3), simd=18)
    assert forms.legal_kernel_pixels(18) == (1, 3, 9)
    assert forms.abreast == 1


def test_a_wrong_element_is_named_where_it_is() -> None:
    """In the stream between a window and its layer, whose beats have another order than the tensor."""
    graph, folding = random_net(5, 3)
    folded = apply_folding(graph, folding)
    stream = next(stream for stream in folded.streams if stream.port.parts is not None)
    streams = folded.execute(random_integers(folded.input.port, 2, 0), {each.name for each in folded.streams})
    tensor = streams[stream.name].astype(np.int64)
    np.testing.assert_array_equal(from_tensors(folded, {stream.name: tensor})[stream.name].tensor(stream), tensor)
    wrong = tensor.copy()
    place = (1, 1, 0, tensor.shape[-1] // 2 + 1)
    wrong[place] = stream.port.type.lo + stream.port.type.hi - wrong[place]
    fault = locate_value(folded, streams, from_tensors(folded, {stream.name: wrong}))
    assert fault is not None
    assert (fault.frame, fault.pixel, fault.channel) == (place[0], place[1:3], place[3])


def test_the_folding_survives_its_file() -> None:
    graph, folding = random_net(5, 3)
    folded = apply_folding(graph, folding)
    again = apply_folding(graph, parse_folding(folding_of(folded), "file"))
    assert [unit.inputs for unit in again.operators] == [unit.inputs for unit in folded.operators]
