"""Sums whose parts may lie outside the image keep their weighted sums, of any size: shown by walks over netlists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pytest

from tests.support.multilinear import Bit, Difference, Polynomial, either, of_bit, parity, plus, times, weighted
from tests.support.weighted_walk import Library, Walk, elaborate

pytest.importorskip("pyosys")


def padded_sums(
    pe: int,
    simd: int,
    flags: int,
    bits: int,
    cell: int,
    work: Path,
    *,
    stages: int = 2,
    one_step: int = 0,
    fixed: int = 0,
    loaded: int = 0,
    initial: int = 0,
    changes: Mapping[str, str] | None = None,
) -> None:
    """Show that a step adds the equal bits of each part, or half of its inputs where it is outside."""
    parameters = {
        "PE": pe,
        "SIMD": simd,
        "Flags": flags,
        "Bits": bits,
        "OneStep": one_step,
        "Stages": stages,
        "Fixed": fixed,
        "Loaded": loaded,
        "Initial": f"{bits}'d{initial % (1 << bits)}",
        "CarryCell": cell,
    }
    text = (
        f"module top(input clk_i, rst_ni, valid_i, last_i, input [{simd - 1}:0] inputs_i, "
        f"input [{flags - 1}:0] outside_i, input [{pe * simd - 1}:0] word_i, input [{pe * bits - 1}:0] initial_i, "
        f"output [{pe * bits - 1}:0] sums_o);\nbnn_padded_xnor_sums #("
        + ", ".join(f".{name}({value})" for name, value in parameters.items())
        + ") sums (.*);\nendmodule\n"
    )
    library = Library(elaborate(text, work, changes))
    plain = Walk(library, "top")
    inputs, outside, weights = plain.net("sums.inputs"), plain.net("sums.outside"), plain.port("word_i")
    start: list[Bit] = [str(0 if loaded else initial >> place & 1) for place in range(bits)]
    stored = [[*start] if one_step else plain.net(f"sums.gen_pe[{p}].accumulator.gen_steps.stored") for p in range(pe)]
    loads = plain.port("initial_i") if loaded else ["0"] * (pe * bits)
    joined = {0: chain(inputs, outside, weights), stages: chain(loads, *stored)}
    walk = Walk(library, "top", {bit: at for at, nets in joined.items() for bit in nets if isinstance(bit, int)})
    outputs = walk.port("sums_o")
    assert walk.delay(outputs) == stages
    modulus, part = 1 << bits, simd // flags
    for p in range(pe):
        wanted: Polynomial = {}
        for place in range(bits):
            wanted = plus(wanted, either(stored[p][place], loads[p * bits + place]), 1 << place)
        for flag, first in enumerate(range(0, simd, part)):
            word = weights[p * simd + first :][:part]
            wanted = plus(wanted, of_part(inputs[first:][:part], word, outside[flag]))
        Walk.compare(walk.expanded(weighted(outputs[p * bits :][:bits]), modulus), wanted, modulus)


def of_part(inputs: Sequence[Bit], weights: Sequence[Bit], outside: Bit) -> Polynomial:
    """What a part counts: its equal bits or, outside, half of all; twice as much where that is no integer."""
    size = len(inputs)
    # Bits of the inputs, and from an odd part's first one on at every second place the parity of all up to there.
    a, w = ([*inputs], [*weights]) if size % 2 else (["0", *inputs], ["0", *weights])
    equal = parity(a[0], w[0]) if size % 2 else {}
    for place in range(1, len(a), 2):
        equal = plus(equal, parity(a[place], w[place], w[place - 1]))
        equal = plus(equal, parity(a[place - 1], a[place], a[place + 1], w[place], w[place + 1]))
    scale = 1 + size % 2
    counted = plus(equal, times(equal, of_bit(outside)), -1)
    return plus(plus({}, counted, scale), of_bit(outside), scale * size // 2)


@pytest.mark.parametrize("cell", [*(pytest.param(cell, marks=pytest.mark.slow) for cell in (0, 1, 3, 8)), 2, 4])
def test_parts_count_or_half_of_them(cell: int, tmp_path: Path) -> None:
    padded_sums(2, 9, 9, 6, cell, tmp_path)
    padded_sums(1, 36, 9, 8, cell, tmp_path, stages=3, loaded=1)
    padded_sums(2, 15, 3, 7, cell, tmp_path, one_step=1, initial=-15)
    padded_sums(1, 64, 1, 9, cell, tmp_path, initial=-288)
    padded_sums(1, 6, 1, 5, cell, tmp_path, loaded=1)
    padded_sums(1, 27, 9, 8, cell, tmp_path, loaded=1)


@pytest.mark.slow
@pytest.mark.parametrize("cell", [0, 1, 2, 3, 4, 8])
def test_wide_parts_count(cell: int, tmp_path: Path) -> None:
    """The widths of published nets, weights that are constants for synthesis, and many parts of an odd size."""
    padded_sums(1, 576, 9, 12, cell, tmp_path, stages=4, loaded=1)
    padded_sums(1, 192, 3, 11, cell, tmp_path, stages=2, initial=-288)
    padded_sums(2, 63, 9, 8, cell, tmp_path, stages=3, loaded=1)
    padded_sums(2, 16, 2, 7, cell, tmp_path, fixed=1)
    padded_sums(1, 225, 25, 10, cell, tmp_path, stages=3)


FAULTS = {
    "a bit of the table of carries": ("64'he77e42244224e77e", "64'he77e42244224e77f"),
    "a carry too many of a part outside": ("Set = Part / 4", "Set = Part / 4 + 1"),
    "the flag of another part": ("if (outside[f]) stored", "if (outside[0]) stored"),
    "a last parity that counts outside": ("outside[f] ? Half : a", "1'b0 ? Half : a"),
    "weights one place too high": ("word_i[p*SIMD+f*Part+:Part], 1'b0} >> Odd", "word_i[p*SIMD+f*Part+:Part], 1'b0}"),
    "half bits as whole ones": (".Place(1 + Odd)", ".Place(1)"),
    "no carries of full adders": ("stored <= ones_carries", "stored <= '0"),
    "a lone bit too early": ("always @(posedge clk_i) lone <= 3'(kept);", "always @* lone = 3'(kept);"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_planted_faults_are_found(fault: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(Difference):
        padded_sums(1, 45, 9, 8, 4, tmp_path, changes=dict([fault]))
