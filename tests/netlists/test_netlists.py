"""Netlists compute what they say: evaluated, proven by a walk at any size, and as a tool reads what is written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.netlists.adders import add
from bnnfpga.netlists.compressors import BitHeap
from bnnfpga.netlists.cuts import staged
from bnnfpga.netlists.netlist import ONE, ZERO, CarryChain, Lut, Netlist, Signal, carry_chains, luts
from bnnfpga.netlists.shared_tables import packed
from bnnfpga.netlists.truth_tables import bits_of, truth_table
from bnnfpga.netlists.values import evaluate
from bnnfpga.netlists.verilog import body
from tests.support.netlist_proofs import all_values, check_sum, integers


def population_count(inputs: int, *, lut_inputs: int) -> tuple[Netlist, BitHeap]:
    netlist = Netlist()
    heap = BitHeap(netlist, lut_inputs)
    heap.add(0, *netlist.input("x", inputs))
    netlist.output("y", add(netlist, *heap.compress()))
    return netlist, heap


@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 5, 6, 7, 8, 13, 15])
@pytest.mark.parametrize("lut_inputs", [4, 6])
def test_small_counts_are_right_for_all_inputs(inputs: int, lut_inputs: int) -> None:
    netlist, _ = population_count(inputs, lut_inputs=lut_inputs)
    x = all_values(inputs)
    np.testing.assert_array_equal(integers(evaluate(netlist, {"x": x})["y"]), x.sum(axis=1))


@pytest.mark.parametrize("inputs", [31, 64, 196, 784])
@pytest.mark.parametrize("lut_inputs", [4, 6])
def test_large_counts_are_proven_by_a_walk(inputs: int, lut_inputs: int) -> None:
    netlist, heap = population_count(inputs, lut_inputs=lut_inputs)
    check_sum(heap, [[*netlist.inputs["x"]]])
    x = np.random.default_rng(0).integers(0, 2, (99, inputs), np.uint8)
    np.testing.assert_array_equal(integers(evaluate(netlist, {"x": x})["y"]), x.sum(axis=1))


def test_the_walk_finds_a_wrong_table_and_a_wrong_wire() -> None:
    netlist, heap = population_count(20, lut_inputs=4)
    bits = [[*netlist.inputs["x"]]]
    place = next(i for i, cell in enumerate(netlist.cells) if cell.outputs[0] == heap.counters[1].outputs[0])
    good = netlist.cells[place]
    assert not isinstance(good, CarryChain)
    netlist.cells[place] = type(good)(good.inputs, good.table ^ 4, good.output)
    with pytest.raises(AssertionError):
        check_sum(heap, bits)
    netlist.cells[place] = good
    check_sum(heap, bits)
    heap.columns[1].append(heap.columns[0].pop())
    with pytest.raises(AssertionError):
        check_sum(heap, bits)


def test_columns_of_any_weight_add_up() -> None:
    netlist = Netlist()
    heap = BitHeap(netlist)
    columns = [[*netlist.input(f"x{column}", height)] for column, height in enumerate((9, 0, 17, 3))]
    for column, bits in enumerate(columns):
        heap.add(column, ZERO, *bits)
    heap.add(1, ONE)
    heap.compress(3)
    check_sum(heap, [columns[0], [ONE], *columns[2:]])
    assert max(map(len, heap.columns)) <= 3


def test_a_table_of_little_is_no_cell() -> None:
    netlist = Netlist()
    a, b = netlist.input("x", 2)
    both = truth_table(lambda a, b: a & b, 2)
    assert netlist.lut(both, a, ZERO) == ZERO
    assert netlist.lut(both, a, ONE) == netlist.lut(both, a, a) == a
    assert netlist.lut(truth_table(lambda a, b: a ^ b, 2), a, a) == ZERO
    assert netlist.cells == []
    assert (
        netlist.lut(both, a, b)
        == netlist.lut(both, b, a)
        == netlist.lut(truth_table(lambda *x: x[0] & x[2], 3), a, a, b)
    )
    assert len(netlist.cells) == 1


def test_more_than_six_inputs_are_refused() -> None:
    netlist = Netlist()
    with pytest.raises(ValueError, match="a lookup table of 7 inputs"):
        netlist.lut(truth_table(lambda *bits: sum(bits) % 2, 7), *netlist.input("x", 7))


@pytest.mark.parametrize("inputs", [13, 64])
def test_packed_tables_are_the_tables(inputs: int) -> None:
    """Each function stands in one table, at either output."""
    netlist, _ = population_count(inputs, lut_inputs=6)
    cells = netlist.live_cells()
    tables = packed(cells)
    assert len(tables) < len([*luts(cells)])
    single = {lut.output: lut for lut in luts(cells)}
    seen = []
    for table in tables:
        ones = [signal for signal in table.inputs if signal != ONE]
        for output, upper in ((table.o6, True), (table.o5, False)):
            if output is None:
                continue
            seen.append(output)
            for bits in all_values(len(ones)).tolist():
                values = dict(zip(ones, bits, strict=True)) | {ONE: 1}
                entry = sum(values[signal] << place for place, signal in enumerate(table.inputs))
                assert table.table >> (entry if upper else entry & 31) & 1 == value(single, output, values)
    assert sorted(seen) == sorted(single)


def value(single: Mapping[Signal, Lut], output: Signal, values: Mapping[Signal, int]) -> int:
    """What a table makes of the values of signals that are tables' inputs, at once or behind further tables."""
    if output in values:
        return values[output]
    lut = single[output]
    return lut.table >> sum(value(single, signal, values) << place for place, signal in enumerate(lut.inputs)) & 1


def test_no_pair_of_tables_reads_what_it_makes() -> None:
    """Tools see a path from each input of a table to each of its outputs: a loop there has no timing."""
    netlist = Netlist()
    a, b, c, d = netlist.input("x", 4)
    both = truth_table(lambda *x: x[0] & x[1], 2)
    one_of = truth_table(lambda *x: x[0] ^ x[1], 2)
    inner = netlist.lut(both, a, b)
    other = netlist.lut(both, c, d)
    # One reads another directly; two pairs would read each other: (behind, inner or other) and (far, the other one).
    netlist.output("y", [netlist.lut(one_of, inner, a), netlist.lut(one_of, netlist.lut(both, inner, c), other), other])
    for cells in (netlist.live_cells(), population_count(64, lut_inputs=6)[0].live_cells()):
        tables = packed(cells)
        assert any(table.o5 is not None for table in tables)
        owners = {signal: table.o6 for table in tables for signal in table.outputs}
        reads = {table.o6: table.inputs for table in tables}
        reads |= {signal: chain.inputs for chain in carry_chains(cells) for signal in chain.outputs}
        TopologicalSorter({own: [owners.get(read, read) for read in ins] for own, ins in reads.items()}).prepare()


@pytest.mark.parametrize("stages", [1, 2, 3, 5])
def test_stages_are_met_in_order(stages: int) -> None:
    """Every way from an input to an output meets the same registers, and a chain's tables stand beside it."""
    netlist, _ = population_count(100, lut_inputs=6)
    cut = staged(netlist, stages)
    assert all(cut.made[signal] == 0 for signal in netlist.inputs["x"])
    drivers = {cell.outputs[0]: cell for cell in netlist.cells}
    for cell in netlist.live_cells():
        assert len({cut.made[signal] for signal in cell.outputs}) == 1
        assert all(cut.made[signal] <= cut.made[cell.outputs[0]] < stages for signal in cell.inputs)
        if isinstance(cell, CarryChain):
            tables = [s for s in (*cell.select, *cell.data) if s in drivers and not isinstance(drivers[s], CarryChain)]
            assert all(cut.made[signal] == cut.made[cell.carry] for signal in tables)
    assert (max(cut.registers.values(), default=0) > 0) == (stages > 1)


FAMILIES = {"xc7": ("LUT6_2", "CARRY4"), "xcup": ("LUT6_2", "CARRY8"), "ecp5": ()}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_text_is_the_netlist(family: str, tmp_path: Path) -> None:
    """Yosys proves what is written equal to the count that it stands for."""
    netlist, _ = population_count(10, lut_inputs=6)
    text = body(staged(netlist, 1), family)
    assert all(primitive in text for primitive in FAMILIES[family])
    width = len(netlist.outputs["y"])
    sums = " + ".join(f"x[{place}]" for place in range(10))
    prove(tmp_path, ("[9:0]", f"[{width - 1}:0]"), text, f"  assign y = {sums};")


def test_expressions_of_tables(tmp_path: Path) -> None:
    """Every form that an expression has, as Yosys reads it."""
    rng = np.random.default_rng(1)
    tables = [*range(16), 0x96, 0xE8, 0x6996, *(int(table) for table in rng.integers(0, 1 << 62, 20))]
    netlist = Netlist()
    x = netlist.input("x", 6)
    netlist.output("y", [netlist.lut(table, *x) for table in tables])
    entries = "".join(f"  assign y[{place}] = |(64'd{table} & (64'd1 << x));\n" for place, table in enumerate(tables))
    text = body(staged(netlist, 1), "ice40")
    prove(tmp_path, ("[5:0]", f"[{len(tables) - 1}:0]"), text, entries)


def prove(folder: Path, ports: tuple[str, str], one: str, two: str) -> None:
    """Modules `one` and `two`, with these ports, are equal."""
    pytest.importorskip("pyosys")
    inputs, outputs = ports
    (folder / "both.sv").write_text(
        f"module one (input wire {inputs} x, output wire {outputs} y);\n{one}\nendmodule\n"
        f"module two (input wire {inputs} x, output wire {outputs} y);\n{two}\nendmodule\n"
        f"module both (input wire {inputs} x, output wire equal);\n  wire {outputs} y1;\n  wire {outputs} y2;\n"
        "  one first (.x(x), .y(y1));\n  two second (.x(x), .y(y2));\n  assign equal = y1 == y2;\nendmodule\n"
    )
    commands = (
        f"read_verilog -sv {folder / 'both.sv'}",
        "read_verilog -lib +/xilinx/cells_xtra.v",
        "read_verilog -overwrite +/xilinx/cells_sim.v",
        "hierarchy -check -top both",
        "proc",
        "flatten",
        "opt_clean",
        "sat -verify -prove equal 1 both",
    )
    script = "from pyosys import libyosys\ndesign = libyosys.Design()\n" + "".join(
        f"libyosys.run_pass({command!r}, design)\n" for command in commands
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr


def test_bits_of_a_number() -> None:
    assert bits_of(0b0110, 5) == (0, 1, 1, 0, 0)
