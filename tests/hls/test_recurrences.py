"""No turn of a unit's loop waits for more of the turn before than a cycle has time for, and no loop divides."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from test_hls_units import BIPOLAR, INT8, UINT2, matrix_vector, threshold, vector_vector, with_even_table

from bnnfpga.codegen.hls import literal, operator_tables
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.crop import Crop
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.stream import Port
from tests.support.recurrences import compile_to_llvm

MOST = 2
"""A comparison and an addition: less than the 5 ns of 200 MHz in every family."""

# Beats of at most 64 bits, and frames so long that their loops stay loops.
UNITS: list[Operator] = [
    matrix_vector(6, 64, 2, 32, result_type=BIPOLAR, positions=(90, 90)),
    matrix_vector(12, 60, 4, 5, INT8, positions=(90, 90)),
    matrix_vector(8, 36, 2, 12, BIPOLAR, UINT2, positions=(90, 90), kernel=(3, 3)),
    *with_even_table(matrix_vector(12, 20, 4, 10, positions=(90, 90)), 12),
    vector_vector(INT8, INT8, UINT2, True, 4, windows=(90, 90)),
    vector_vector(BIPOLAR, BIPOLAR, None, False, 12, windows=(90, 90), simd=3),
    *(threshold((90, 90, 12), pe, INT8, UINT2) for pe in (1, 4)),
    Lookup("lookup", (90, 90, 12), UINT2, np.arange(48).reshape(12, 4) * 7 % 19 - 9, INT8, pe=4),
    Window("window", Geometry((90, 96), (3, 3), pads=(1, 1, 1, 1)), 4, BIPOLAR, lanes=2),
    Window("window", Geometry((90, 96), (3, 3), (2, 2), pads=(1, 0, 0, 1)), 4, BIPOLAR, lanes=36),
    Window("window", Geometry((90, 96), (3, 3), (2, 1), (2, 3), pads=(1, 1, 0, 1)), 1, INT8, lanes=3, units=4),
    Window("window", Geometry((90, 96), (2, 2), (2, 2)), 3, INT8, lanes=6, units=2),
    Pool("pool", (90, 90), (3, 3), 4, BIPOLAR, "extremum", np.arange(4) % 2 == 0, True, 4, 9),
    Pool("pool", (90, 90), (2, 2), 4, INT8, "sum", np.zeros(4, dtype=bool), False, 2),
    Upsample("upsample", (90, 90), 6, INT8, (2, 3), 2),
    Upsample("upsample", (90, 4), 6, UINT2, ((1, 3, 2) * 30, (2, 1, 1, 4)), 6),
    Crop("crop", (90, 90), 6, INT8, tuple(range(0, 80, 2)), tuple(range(3, 77)), 2),
    Add("add", (90, 90, 4), (INT8, UINT2), (2, -3), pe=4),
    Concat("concat", (90, 90), (4, 6), INT8, pe=2),
    ArgMax("arg_max", Port((9000,), INT8, 5)),
    ArgMax("arg_max", Port((9000,), INT8, 4), np.arange(9000) * 7 - 40, 100 - np.arange(9000)),
    WidthConverter("converter", (90, 90, 12), BIPOLAR, 3, 4),
    WidthConverter("converter", (90, 90, 12), BIPOLAR, 12, 60),
    WidthConverter("converter", (90, 90, 12), BIPOLAR, 60, 4),
]

PLANTED = """
#include "bnn/window.hpp"
extern "C" void chained(hls::stream<ap_uint<32>>& in, hls::stream<ap_uint<32>>& out) {
    unsigned best = 0;
    for (unsigned beat = 0; beat < 100000; ++beat) {
        const unsigned x = in.read();
        for (unsigned i = 0; i < 4; ++i) best = (x >> 8 * i & 255) > (best & 255) ? x >> 8 * i : best;
        out.write(best);
    }
}
extern "C" void kept(hls::stream<ap_uint<32>>& in, hls::stream<ap_uint<32>>& out) {
    unsigned sums[12] = {};
    for (unsigned beat = 0; beat < 100000; ++beat) {
        sums[beat % 12] += in.read();
        out.write(sums[5]);
    }
}
extern "C" void placed(hls::stream<ap_uint<32>>& in, hls::stream<ap_uint<32>>& out) {
    unsigned place = 0;
    for (unsigned beat = 0; beat < 100000; ++beat) {
        const unsigned x = in.read();
        place = place * x + 1;
        out.write(place);
    }
}
"""


def source(units: list[Operator]) -> str:
    lines = [f'#include "bnn/{name}.hpp"' for name in sorted({unit.hls().function for unit in units})]
    for index, unit in enumerate(units):
        lines.append(f"namespace case_{index} {{")
        tables = operator_tables(unit)
        lines += [f"const bnn::{one.type}<{one.bits}> {one.name}{one.brackets} = {one.initializer};" for one in tables]
        ports = [*(("in", port) for port in unit.inputs), *(("out", port) for port in unit.outputs)]
        names = [f"{kind}_{number}" for number, (kind, _) in enumerate(ports)]
        streams = ", ".join(
            f"hls::stream<bnn::word<{port.width}>>& {name}" for name, (_, port) in zip(names, ports, strict=True)
        )
        arguments = ", ".join(map(literal, unit.hls().parameters.values()))
        operands = ", ".join([*names, *(one.name for one in tables)])
        lines.append(f'extern "C" [[gnu::flatten]] void unit_{index}({streams}) {{')
        lines.append(f"bnn::{unit.hls().function}<{arguments}>({operands}); }}")
        lines.append("}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def clang() -> str:
    found = shutil.which("clang++")
    if found is None:
        pytest.skip("there is no clang++")
    return found


def test_units(tmp_path: Path, clang: str, ap_headers: Path) -> None:
    found = compile_to_llvm(source(UNITS), tmp_path, clang, ap_headers)
    for index, unit in enumerate(UNITS):
        loops = found[f"unit_{index}"].loops()
        assert loops, unit
        for loop in loops:
            assert not loop.refused, unit
            assert loop.recurrence <= MOST, unit


def test_the_measure(tmp_path: Path, clang: str, ap_headers: Path) -> None:
    """Four comparisons in a chain, a product and a remainder are seen, and a sum read back from memory is."""
    found = compile_to_llvm(PLANTED, tmp_path, clang, ap_headers)
    [chained], [kept] = found["chained"].loops(), found["kept"].loops()
    assert (chained.recurrence, chained.refused) == (4, set())
    assert kept.refused == {"urem"}
    assert kept.recurrence == 2
    [placed] = found["placed"].loops()
    assert placed.recurrence == 4
