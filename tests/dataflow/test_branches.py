"""Fork, add, concat and select: integers, cycles and hardware, by themselves and where branches meet again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnfpga.codegen.rtl import render_rtl
from bnnfpga.compiler.project_folder import boundary, write_simulation
from bnnfpga.compiler.vectors import Vectors
from bnnfpga.dataflow.elementwise import Binary
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.multiply import Multiply
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.token_model import Cycles, Deadlock, predict
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.simulate.runners.simulator import build_simulator
from bnnfpga.simulate.runners.verilator import SimulationDeadlock, run_simulator
from tests.support.graphs import chain, check_in_verilator, joined, random_integers

BIPOLAR = IntegerType.bipolar()
BYTE = IntegerType.interval(0, 255)
SIGNED = IntegerType.interval(-5, 2)
TYPES = st.one_of(
    st.just(BIPOLAR),
    st.tuples(st.integers(-300, 300), st.integers(0, 300)).map(lambda ends: IntegerType.interval(ends[0], sum(ends))),
)


def function_of_bytes(name: str, shape: tuple[int, ...], type: IntegerType, pe: int, seed: int) -> Lookup:
    """Any integers of a type, so that two of these behind a fork make two streams that say nothing about each other."""
    values = np.random.default_rng(seed).integers(type.lo, type.hi + 1, 256)
    return Lookup(name, shape, BYTE, np.where(values < 0, -1, 1) if type.is_bipolar else values, type, pe=pe)


SHAPE = (3, 4)


def paired(unit: Binary, pe: int) -> Graph:
    """A unit that joins two streams of SHAPE, behind what makes them, `pe` elements a cycle."""
    first = function_of_bytes("first", SHAPE, unit.types[0], pe, 1)
    second = function_of_bytes("second", SHAPE, unit.types[1], pe, 2)
    units: list[Operator] = [Fork("fork0", first.inputs[0]), first, second, unit]
    return joined(units, [("fork0", "first"), ("fork0", "second"), ("first", unit.name), ("second", unit.name)])


ADDITIONS = {
    "two bits": ((BIPOLAR, BIPOLAR), (1, 1), 2, 2),
    "a shortcut of bits": ((SIGNED, BIPOLAR), (1, 3), 4, 2),
    "a difference": ((BYTE, IntegerType.interval(3, 9)), (1, -1), 1, 4),
    "both negative": ((SIGNED, IntegerType.interval(-90, 100)), (-6, -1), 4, 4),
    "a sum narrower than its terms": ((IntegerType.interval(100, 101), IntegerType.interval(-100, -99)), (1, 1), 1, 1),
    "a large factor": ((BIPOLAR, SIGNED), (-1000, 77), 4, 1),
}


@pytest.mark.parametrize("name", ADDITIONS)
def test_add_in_hardware(name: str, tmp_path: Path) -> None:
    types, factors, pe, add_pe = ADDITIONS[name]
    graph = paired(Add("add", SHAPE, types, factors, pe=add_pe), pe)
    cycles = check_in_verilator(graph, tmp_path, frames=40)
    assert cycles.initiation_interval == max(operator.interval() for operator in graph.operators)


MULTIPLICATIONS = {
    "two bits": ((BIPOLAR, BIPOLAR), 2, 2),
    "bits and a count": ((BIPOLAR, IntegerType.interval(0, 6)), 4, 2),
    "sums and bits": ((SIGNED, BIPOLAR), 1, 4),
    "bytes": ((BYTE, BYTE), 4, 4),
    "sums and a gate": ((IntegerType.interval(-145, 145), IntegerType.interval(0, 7)), 1, 1),
    "both below zero": ((IntegerType.interval(-128, -3), IntegerType.interval(-8, -1)), 2, 1),
    "with nothing but zero": ((IntegerType.interval(-300, 77), IntegerType.interval(0, 0)), 1, 2),
}


@pytest.mark.parametrize("name", MULTIPLICATIONS)
def test_multiply_in_hardware(name: str, tmp_path: Path) -> None:
    types, pe, own = MULTIPLICATIONS[name]
    graph = paired(Multiply("multiply", SHAPE, types, pe=own), pe)
    cycles = check_in_verilator(graph, tmp_path, frames=40)
    assert cycles.initiation_interval == max(operator.interval() for operator in graph.operators)


@given(types=st.tuples(TYPES, TYPES), seed=st.integers(0, 99))
def test_products_have_the_exact_interval(types: tuple[IntegerType, IntegerType], seed: int) -> None:
    multiply = Multiply("multiply", (5,), types)
    x, y = (random_integers(port, 8, seed + index) for index, port in enumerate(multiply.inputs))
    (result,) = multiply.execute(x, y)
    for place in np.ndindex(result.shape):
        assert result[place] == int(x[place]) * int(y[place])
    assert multiply.result_type.holds(result).all()
    products = [a * b for a in (types[0].lo, types[0].hi) for b in (types[1].lo, types[1].hi)]
    assert (multiply.result_type.lo, multiply.result_type.hi) == (min(products), max(products))


@given(types=st.tuples(TYPES, TYPES), factors=st.tuples(*[st.integers(-9, 9)] * 2), seed=st.integers(0, 99))
def test_sums_have_the_exact_interval(
    types: tuple[IntegerType, IntegerType], factors: tuple[int, int], seed: int
) -> None:
    add = Add("add", (5,), types, factors)
    x, y = (random_integers(port, 8, seed + index) for index, port in enumerate(add.inputs))
    (result,) = add.execute(x, y)
    for place in np.ndindex(result.shape):
        assert result[place] == factors[0] * int(x[place]) + factors[1] * int(y[place])
    assert add.result_type.holds(result).all()
    ends = [{factor * type.lo, factor * type.hi} for type, factor in zip(types, factors, strict=True)]
    sums = [a + b for a in ends[0] for b in ends[1]]
    assert (add.result_type.lo, add.result_type.hi) == (min(sums), max(sums))


def concatenated(channels: tuple[int, int], type: IntegerType, pe: int) -> Graph:
    """Both ends of a pixel, the second one first."""
    total = sum(channels)
    indices = [range(total - channels[0], total), range(channels[1])]
    branches = [
        Select(name, (2, 3), total, tuple(index), type, pixels=max(1, pe // total))
        for name, index in zip(("first", "second"), indices, strict=True)
    ]
    units = [Fork("fork0", branches[0].inputs[0]), *branches, Concat("concat", (2, 3), channels, type, pe)]
    return joined(units, [("fork0", "first"), ("fork0", "second"), ("first", "concat"), ("second", "concat")])


@pytest.mark.parametrize(
    ("channels", "type", "pe"),
    [((4, 6), BIPOLAR, 2), ((4, 4), BYTE, 4), ((5, 3), SIGNED, 1), ((5, 3), SIGNED, 8), ((1, 2), BIPOLAR, 9)],
)
def test_concat_in_hardware(channels: tuple[int, int], type: IntegerType, pe: int, tmp_path: Path) -> None:
    graph = concatenated(channels, type, pe)
    x = random_integers(graph.input.port, 2, 0)
    expected = np.concatenate([x[..., sum(channels) - channels[0] :], x[..., : channels[1]]], axis=-1)
    np.testing.assert_array_equal(graph.execute(x)["output"], expected)
    cycles = check_in_verilator(graph, tmp_path)
    # While one branch of a pixel goes through, the other one waits in its converter.
    assert cycles.initiation_interval == graph["concat"].interval() == 6 * sum(channels) // pe


@given(channels=st.integers(1, 9), data=st.data())
def test_selected_channels(channels: int, data: st.DataObject) -> None:
    index = tuple(data.draw(st.lists(st.integers(0, channels - 1), min_size=1, max_size=12)))
    select = Select("select", (2, 3), channels, index, SIGNED)
    x = random_integers(select.inputs[0], 2, 0)
    (result,) = select.execute(x)
    for to, of in enumerate(index):
        np.testing.assert_array_equal(result[..., to], x[..., of])


def test_select_in_hardware(tmp_path: Path) -> None:
    """A shuffle of many channels, every second one of the first half of those, one of them again and again, a split."""
    indices = [np.random.default_rng(0).permutation(300), np.arange(1, 150, 2), np.arange(90) // 30 * 7, [2], [0]]
    units: list[Operator] = []
    channels = 300
    for number, index in enumerate(indices):
        units.append(Select(f"select{number}", (2, 3), channels, tuple(int(i) for i in index), SIGNED))
        channels = len(index)
    assert check_in_verilator(chain(units), tmp_path).initiation_interval == 6


def test_selected_constants(tmp_path: Path) -> None:
    """Channels of a constant beside a pixel's own, of one and of several pixels a beat."""
    index = (3, 0, 1, 4, 2, 3)
    one = Select("select0", (2, 4), 3, index, SIGNED, constants=(-5, 2))
    several = Select("select1", (2, 4), 6, (1, 6, 5, 0), SIGNED, pixels=2, constants=(0,))
    x = random_integers(one.inputs[0], 2, 0)
    (made,) = one.execute(x)
    with_constants = np.concatenate([x, np.broadcast_to([-5, 2], (*x.shape[:-1], 2))], axis=-1)
    np.testing.assert_array_equal(made, with_constants[..., index])
    check_in_verilator(chain([one, WidthConverter("converter", (2, 4, 6), SIGNED, 6, 12), several]), tmp_path)


def test_select_refuses_what_is_no_channel() -> None:
    with pytest.raises(ValueError, match=r"select: \(0, 3\) are not channels of 3"):
        Select("select", (), 3, (0, 3), BIPOLAR)
    with pytest.raises(ValueError, match=r"select: \(0,\) are not all of bipolar"):
        Select("select", (), 3, (0, 3), BIPOLAR, constants=(0,))


def test_flags_go_along_with_the_selected_channels(tmp_path: Path) -> None:
    """Pixels outside an image stay zeros when their channels are repeated."""
    geometry = Geometry((4, 5), (3, 3), pads=(1, 1, 1, 1))
    window = Window("window", geometry, 2, BIPOLAR, lanes=2)
    select = Select("select", (*geometry.windows, 9), 2, (1, 0, 1), BIPOLAR, padded=True)
    weights = np.random.default_rng(0).choice([-1, 1], (2, 27))
    unit = MatrixVector("matrix_vector", weights, BIPOLAR, geometry.windows, simd=3, kernel=(3, 3), padded=True)
    check_in_verilator(chain([window, select, unit]), tmp_path)


def residual(depth: int) -> Graph:
    """x + a 3x3 convolution of x, as in a residual block; the shortcut waits in a FIFO of so many beats."""
    geometry = Geometry((6, 7), (3, 3), pads=(1, 1, 1, 1))
    window = Window("window", geometry, 4, BIPOLAR, lanes=4)
    weights = np.random.default_rng(0).choice([-1, 1], (4, 36))
    unit = MatrixVector(
        "convolution", weights, BIPOLAR, geometry.windows, pe=4, simd=4, kernel=geometry.kernel, padded=True
    )
    image = window.inputs[0]
    units: list[Operator] = [
        Fork("fork0", image),
        window,
        unit,
        Fifo("shortcut", image, depth),
        Add("add", image.shape, (unit.outputs[0].type, BIPOLAR), (1, 5), pe=4),
    ]
    connections = [("fork0", "window"), ("fork0", "shortcut"), ("window", "convolution")]
    return joined(units, [*connections, ("convolution", "add"), ("shortcut", "add")])


def test_branches_of_a_residual_block_meet_again(tmp_path: Path) -> None:
    graph = residual(9)
    x = random_integers(graph.input.port, 2, 0)
    values = graph.execute(x, ["convolution_to_add_0", "output"])
    np.testing.assert_array_equal(values["output"], values["convolution_to_add_0"] + 5 * x)
    cycles = check_in_verilator(graph, tmp_path)
    assert cycles.initiation_interval == graph["convolution"].interval() == 6 * 7 * 9


def test_a_shortcut_holds_what_the_other_branch_is_behind() -> None:
    """A beat less costs cycles; with fewer than the pixels that a first window needs, nothing moves any more."""
    alone = residual(2)["convolution"].interval()
    assert predict(residual(9)).initiation_interval == alone
    assert predict(residual(8)).initiation_interval > alone
    with pytest.raises(Deadlock, match="fork0_to_shortcut, shortcut_to_add_1"):
        predict(residual(6))


def test_the_hardware_sticks_where_the_model_says_so(tmp_path: Path) -> None:
    graph = residual(6)
    with pytest.raises(Deadlock) as caught:
        predict(graph)
    x = random_integers(graph.input.port, 3, 0).reshape(3, -1)
    render_rtl(graph, tmp_path)
    write_simulation(tmp_path, graph, Cycles(500, 900), Vectors(x, (x,), ("random",) * len(x)))
    with pytest.raises(SimulationDeadlock) as stopped:
        run_simulator(build_simulator(tmp_path), tmp_path / "memories", boundary(graph.input.port).pack(x), 3)
    assert stopped.value.stuck == ["input", *caught.value.streams]
    assert "convolution_to_add_0" in stopped.value.starved


def test_a_fork_takes_the_lanes_of_its_producer() -> None:
    window = Window("window", Geometry((6, 7), (3, 3), pads=(1, 1, 1, 1)), 4, BIPOLAR, lanes=4)
    port = window.outputs[0]
    assert Fork("fork0", replace(port, lanes=2, pads=0)).with_inputs(port).outputs == (port, port)


HARDWARE_TESTS = {
    "add": test_add_in_hardware,
    "concat": test_concat_in_hardware,
    "multiply": test_multiply_in_hardware,
    "select": test_select_in_hardware,
}
