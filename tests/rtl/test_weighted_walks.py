"""Counters and sums of any size keep their weighted sums: shown by walks over what synthesis reads."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest

from tests.support.multilinear import Bit, Difference, Polynomial, either, of_bit, parity, plus, weighted
from tests.support.weighted_walk import Library, Walk, elaborate

pytest.importorskip("pyosys")

# Of any device, iCE40, ECP5, Gowin, 7-series and UltraScale+.
CARRY_CELLS = [0, *(pytest.param(cell, marks=pytest.mark.slow) for cell in (1, 3, 8)), 2, 4]
# All that fill a branch or leave one short, and those of the units of the published nets.
SIZES = [*range(1, 26), 32, 36, 49, 64, 66, 67, 68, 98, 112, 144, 202, 203, 288, 392, 607, 784, 1152]


def height(inputs: int) -> int:
    """Levels that so many inputs need."""
    return next(level for level, most in enumerate((1, 7, 23, 67, 202, 607, 1822)) if inputs <= most)


def counters(sizes: list[int], cell: int, stages: int, work: Path, changes: Mapping[str, str] | None = None) -> None:
    """Show that counters count, with registers behind so many of their levels."""
    ports, instances = [], []
    for n in sizes:
        levels = height(n) + 1
        ports += [f"input [{n - 1}:0] x{n}", f"output [{n.bit_length() - 1}:0] y{n}"]
        instances.append(
            f"bnn_counter #(.Inputs({n}), .Level({levels - 1}), .Levels({levels}), .Stages({min(stages, levels)}), "
            f".CarryCell({cell})) counter{n} (.clk_i, .bits_i(x{n}), .count_o(y{n}));"
        )
    text = f"module top(input clk_i, {', '.join(ports)});\n" + "\n".join(instances) + "\nendmodule\n"
    modules = elaborate(text, work, changes)
    library = Library(modules)
    for n in sizes:
        delay = library.counter_delay(modules["top"]["cells"][f"counter{n}"]["type"])
        levels, registers = height(n) + 1, min(stages, height(n) + 1)
        # As even as can be over the levels, of which the lowest makes the inputs.
        assert delay == registers - registers // levels, n


def xnor_sums(
    pe: int,
    simd: int,
    bits: int,
    cell: int,
    work: Path,
    *,
    stages: int = 1,
    one_step: int = 0,
    fixed: int = 0,
    loaded: int = 0,
    initial: int = 0,
    changes: Mapping[str, str] | None = None,
) -> None:
    """Show that a step adds the number of equal bits, of which the sum's lowest bit is the parity."""
    parameters = {
        "PE": pe,
        "SIMD": simd,
        "Bits": bits,
        "OneStep": one_step,
        "Stages": stages,
        "Fixed": fixed,
        "Loaded": loaded,
        "Initial": f"{bits}'d{initial % (1 << bits)}",
        "CarryCell": cell,
    }
    text = (
        f"module top(input clk_i, rst_ni, input [{simd - 1}:0] inputs_i, input [{stages}:0] valid_i, first_i, last_i, "
        f"input [{pe * simd - 1}:0] word_i, input [{pe - 1}:0] parities_i, "
        f"input [{pe * bits - 1}:0] initial_i, early_initial_i, "
        f"output [{pe * bits - 1}:0] sums_o);\nbnn_xnor_sums #("
        + ", ".join(f".{name}({value})" for name, value in parameters.items())
        + ") sums (.*);\nendmodule\n"
    )
    modules = elaborate(text, work, changes)
    plain = Walk(Library(modules), "top")
    # What a step joins: parities of inputs and weights up to each input, and the accumulator a few stages later.
    inputs = plain.net("sums.inputs")
    weights = [plain.net(f"sums.gen_pe[{p}].weights") for p in range(pe)]
    start: list[Bit] = [str(0 if loaded else initial >> place & 1) for place in range(1, bits)]
    if one_step:
        accumulators = [start] * pe
    else:
        path = "gen_accumulator.accumulator.gen_steps.stored"
        accumulators = [plain.net(f"sums.gen_pe[{p}].{path}") for p in range(pe)]
    loads = plain.port("initial_i") if loaded else ["0"] * (pe * bits)
    joined = {0: chain(inputs, *weights), stages: chain(loads, *accumulators)}
    known = {bit: delay for delay, nets in joined.items() for bit in nets if isinstance(bit, int)}
    walk = Walk(Library(modules), "top", known)
    outputs = walk.port("sums_o")
    assert walk.delay(outputs) == stages
    modulus = 1 << bits
    for p in range(pe):
        found = walk.expanded(weighted(outputs[p * bits : (p + 1) * bits]), modulus)
        wanted = parity(inputs[0], weights[p][0])
        x, w = inputs, weights[p]
        for i in range(0, simd, 2):
            # Bits of the inputs, and at even places parities of all up to there (bnn_parity_encoder).
            pair = i + 1 < simd
            wanted = plus(wanted, parity(x[i + 1], w[i + 1], w[i]) if pair else parity(x[i], w[i], x[i + 1], w[i + 1]))
            wanted = plus(wanted, parity(x[i], x[i + 1], x[i + 2], w[i + 1], w[i + 2]) if pair else {})
        for place in range(bits - 1):
            wanted = plus(wanted, either(accumulators[p][place], loads[p * bits + place + 1]), 2 << place)
        Walk.compare(found, wanted, modulus)


def accumulator(
    bits: int,
    counted: int,
    place: int,
    cell: int,
    work: Path,
    *,
    stages: int = 1,
    one_step: int = 0,
    loaded: int = 0,
    initial: int = 0,
) -> None:
    """Show that a step adds the counted bits and those of lower weights."""
    lows = max(1, place)
    text = (
        f"module top(input clk_i, rst_ni, valid_i, last_i, lowest_i, input [{counted - 1}:0] bits_i, "
        f"input [{lows - 1}:0] low_i, other_low_i, input [{bits - 1}:0] initial_i, output [{bits - 1}:0] sum_o);\n"
        f"bnn_accumulator #(.Bits({bits}), .Counted({counted}), .Place({place}), .OneStep({one_step}), "
        f".Stages({stages}), .Loaded({loaded}), .Initial({bits}'d{initial % (1 << bits)}), .CarryCell({cell})) sum (.*"
        + (");" if place else ", .low_i(1'b0), .other_low_i(1'b0), .lowest_i(1'b0));")
        + "\nendmodule\n"
    )
    library = Library(elaborate(text, work))
    plain = Walk(library, "top")
    constant: list[Bit] = [str(0 if loaded else initial >> one & 1) for one in range(bits)]
    earlier = constant if one_step else plain.net("sum.gen_steps.stored")
    loads = plain.port("initial_i") if loaded else ["0"] * bits
    walk = Walk(library, "top", {bit: stages for bit in chain(earlier, loads) if isinstance(bit, int)})
    outputs = walk.port("sum_o")
    assert walk.delay(outputs) == stages
    wanted: Polynomial = {}
    for one in range(bits):
        wanted = plus(wanted, either(earlier[one], loads[one]), 1 << one)
    for bit in walk.port("bits_i"):
        wanted = plus(wanted, of_bit(bit), 1 << place)
    if place:
        for low in (walk.port("low_i"), walk.port("other_low_i"), walk.port("lowest_i")):
            wanted = plus(wanted, weighted(low))
    Walk.compare(walk.expanded(weighted(outputs), 1 << bits), wanted, 1 << bits)


@pytest.mark.parametrize("cell", CARRY_CELLS)
@pytest.mark.parametrize("stages", [1, *(pytest.param(stages, marks=pytest.mark.slow) for stages in (0, 9))])
def test_counters_count(cell: int, stages: int, tmp_path: Path) -> None:
    counters(SIZES, cell, stages, tmp_path)


@pytest.mark.parametrize("cell", [*(pytest.param(cell, marks=pytest.mark.slow) for cell in (0, 1, 3, 8)), 2, 4])
def test_sums_add_equal_bits(cell: int, tmp_path: Path) -> None:
    xnor_sums(2, 16, 8, cell, tmp_path)
    xnor_sums(3, 9, 5, cell, tmp_path, initial=-3)
    xnor_sums(1, 64, 11, cell, tmp_path, stages=2, loaded=1)
    xnor_sums(2, 49, 7, cell, tmp_path, one_step=1, initial=-25)
    xnor_sums(2, 1, 4, cell, tmp_path, loaded=1)
    xnor_sums(1, 400, 12, cell, tmp_path, stages=3)


@pytest.mark.parametrize("cell", [0, 4])
def test_accumulators_add_weighted_bits(cell: int, tmp_path: Path) -> None:
    accumulator(9, 20, 2, cell, tmp_path, loaded=1)
    accumulator(12, 150, 3, cell, tmp_path, stages=2)
    accumulator(7, 32, 0, cell, tmp_path, one_step=1, initial=-5)
    accumulator(6, 1, 4, cell, tmp_path)


FAULTS = {
    "a bit of a truth table": ("64'h6996966996696996", "64'h6996966996696997"),
    "the lower half of a table": ("64'h177e7ee8e8808000", "64'h177e7ee8e8808001"),
    "a number in the wrong column": (".b_i      (Width'(b))", ".b_i      (Width'(b) << 1)"),
    "a lost carry": (".carry_i    (carries_i[0])", ".carry_i    (1'b0)"),
    "a chain that generates where it propagates": (".generate_i (generated)", ".generate_i (propagate)"),
    "an input left out": (".bits_i (bits_i[InputsA-1:0])", ".bits_i (InputsA'(bits_i[InputsA-1:1]))"),
    "a direct carry without its register": (
        ".bits_i (bits_i[Inputs-1-i]),\n          .count_o(carries[i])",
        ".bits_i (bits_i[Inputs-1-i]));\n        assign carries[i] = (bits_i[Inputs-1-i]",
    ),
}
SUM_FAULTS = {
    "a bit of the table of carries": ("64'he77e42244224e77e", "64'he77e42244224e77f"),
    "equal bits of the wrong inputs": ("weights_i[2*k+1], inputs_i[2*k+1]", "weights_i[2*k+1], inputs_i[2*k]"),
    "a parity of the step before": ("inputs[SIMD] ^ weights[SIMD]}", "inputs[SIMD] ^ weights[0]}"),
    "a count twice as large": ("assign c = (Bits'(count) << Place)", "assign c = (Bits'(count) << (Place + 1))"),
    "a parity a stage too early": ("parity[Stages-1]}", "parity[0]}"),
    "no initial value": (".initial_i(Loaded != 0 ? initial_i : '0)", ".initial_i('0)"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faults_of_counters_are_found(fault: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(Difference):
        counters([64], 4, 2, tmp_path, dict([fault]))


@pytest.mark.parametrize("fault", SUM_FAULTS.values(), ids=SUM_FAULTS)
def test_faults_of_sums_are_found(fault: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(Difference):
        xnor_sums(2, 64, 9, 4, tmp_path, stages=2, loaded=1, changes=dict([fault]))
