"""Inputs that never change: found where channels are constant, and true of whatever is sent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from bnnfpga.dataflow.element_ranges import with_constant_inputs
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.unfolded_layer import unfolded_layer
from bnnfpga.frontend.clean import clean
from bnnfpga.lowering.lower import lower
from bnnfpga.netlists.netlist import Netlist
from bnnfpga.netlists.values import evaluate
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.transforms.fold import fold
from tests.dataflow.chains import random_chain
from tests.support.lowered_nets import LoweredNet
from tests.support.nets import NetWriter

BIPOLAR = IntegerType.bipolar()


def units_of(graph: Graph) -> list[MatrixVector]:
    return [unit for unit in graph.operators if isinstance(unit, MatrixVector)]


def lowered(model: onnx.ModelProto, input: IntegerType | None = None) -> Graph:
    return lower(fold(clean(model), input).model)


def inputs_of(graph: Graph, images: IntArray) -> dict[str, IntArray]:
    """What each matrix-vector unit reads, as vectors, by its name."""
    streams = {unit.name: graph.inputs_of(unit.name)[0].name for unit in units_of(graph)}
    sent = graph.execute(images, set(streams.values()))
    return {unit.name: sent[streams[unit.name]].reshape(-1, unit.mw) for unit in units_of(graph)}


def whole(unit: MatrixVector) -> Netlist:
    return unfolded_layer(unit.weights, unit.input_type, 0, unit.table, unit.outputs[0].type)


def assert_true(graph: Graph, images: IntArray) -> int:
    """Constants hold for all vectors, but where they lie outside an image; returns how many there are."""
    vectors = inputs_of(graph, images)
    for unit in units_of(graph):
        for place, value in unit.constants:
            found = vectors[unit.name][:, place]
            assert set(found[unit.input_type.holds(found)]) <= {value}
    return sum(len(unit.constants) for unit in units_of(graph))


@pytest.mark.parametrize("bits", [1, 2])
def test_chains_of_layers(bits: int) -> None:
    """Netlists that leave the constants out give the integers of the unit."""
    found = 0
    for seed in range(12):
        graph = with_constant_inputs(random_chain(seed, (3, 6, 5, 7), bits))
        images = np.random.default_rng(seed).integers(0, 256, (200, 3))
        found += assert_true(graph, images)
        for unit, vectors in zip(units_of(graph), inputs_of(graph, images).values(), strict=True):
            output = unit.outputs[0].type
            codes = to_bits(unit.input_type.encode(vectors), unit.input_type.bits).reshape(len(vectors), -1)
            netlist = unfolded_layer(unit.weights, unit.input_type, 0, unit.table, output, unit.constants)
            (expected,) = unit.execute(vectors)
            wanted = to_bits(output.encode(expected.astype(np.int64)), output.bits).reshape(len(vectors), -1)
            np.testing.assert_array_equal(evaluate(netlist, {"x": codes})["y"], wanted)
    assert found > 10


def test_all_of_a_channel_that_no_sum_reaches() -> None:
    """The last layer's first input is 1 whatever comes, its third -1; the second decides."""
    graph = random_chain(0, (3, 3, 2))
    first, second = units_of(graph)
    table = ThresholdTable(np.array([[-3], [1], [-3]]), np.array([False, False, True]), BIPOLAR)
    graph = graph.changed(lambda unit: replace(first, table=table) if unit.name == first.name else unit)
    told = with_constant_inputs(graph)[second.name]
    assert isinstance(told, MatrixVector)
    assert told.constants == ((0, 1), (2, -1))
    netlist = unfolded_layer(told.weights, BIPOLAR, 0, None, told.outputs[0].type, told.constants)
    with_any = evaluate(netlist, {"x": np.array([[0, 0, 0], [1, 0, 1], [0, 1, 1], [1, 1, 0]], np.uint8)})["y"]
    assert (with_any[0] == with_any[1]).all()
    assert (with_any[2] == with_any[3]).all()
    np.testing.assert_array_equal(with_any[1], evaluate(whole(told), {"x": np.array([[1, 0, 0]], np.uint8)})["y"][0])


def test_images_with_pads_pools_and_strides() -> None:
    found = 0
    for seed in range(30):
        net = LoweredNet(seed)
        graph = lowered(net.model(), IntegerType.interval(0, 3))
        order = graph.input_frame.order
        found += assert_true(graph, net.images(20).reshape(20, -1)[:, order].reshape(20, *graph.input.shape))
    assert found > 10


def layer(net: NetWriter, rng: np.random.Generator, x: str, channels: int, pad: int) -> str:
    """A convolution to 3 channels with their signs, of which the first is always +1."""
    weights = net.bipolar(net.constant(rng.choice([-1.0, 1.0], (3, channels, 3, 3))))
    sums = net.node("Conv", x, weights, kernel_shape=[3, 3], pads=[pad] * 4)
    return net.bipolar(net.node("Add", sums, net.constant(np.array([100.0, 0, 1]).reshape(3, 1, 1))))


@pytest.mark.parametrize("join", ["Add", "Mul"])
def test_a_dead_channel_of_two_streams_that_are_joined(join: str) -> None:
    net, rng = NetWriter(), np.random.default_rng(0)
    x = net.bipolar("x")
    both = net.node(join, layer(net, rng, x, 2, 1), layer(net, rng, x, 2, 1))
    net.node("Conv", net.bipolar(both), net.bipolar(net.constant(rng.choice([-1.0, 1.0], (2, 3, 3, 3)))))
    graph = lowered(net.model((2, 6, 6), "y"))
    assert {place % 3 for place, _ in units_of(graph)[-1].constants} == {0}
    assert assert_true(graph, np.random.default_rng(1).choice([-1, 1], (30, *graph.input.shape))) == 9


@pytest.mark.parametrize("pads", [0, 1])
def test_a_dead_channel_behind_pads_joins_and_pools(pads: int) -> None:
    """Channel 0 is +1, behind a zero pad too but where flags say otherwise, and in both branches."""
    net, rng = NetWriter(), np.random.default_rng(0)
    x = net.node("MaxPool", layer(net, rng, net.bipolar("x"), 2, 1), kernel_shape=[2, 2], strides=[2, 2])
    both = net.node("Concat", x, x, axis=1)
    net.node("Conv", both, net.bipolar(net.constant(rng.choice([-1.0, 1.0], (2, 6, 3, 3)))), pads=[pads] * 4)
    graph = lowered(net.model((2, 8, 8), "y"))
    unit = units_of(graph)[-1]
    assert {place % 6: value for place, value in unit.constants} == {0: 1, 3: 1}
    assert len(unit.constants) == 18
    images = np.random.default_rng(1).choice([-1, 1], (30, *graph.input.shape))
    assert assert_true(graph, images) == 18
