"""Matrix-vector modules alone, as projects instantiate them; sums out where a row does not say otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.area_row import AreaRow
from bnnfpga.base.assets import asset
from bnnfpga.codegen.out_of_context import UnitSources, library_of, unit_sources
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from bnnfpga.synthesis.unit_area import UnitArea
from bnnfpga.synthesis.yosys import measure_units

FAMILY = "xc7"
WEIGHT_MEMORY = "bnn_rom"
OPEN_MEMORY = f"""
(* blackbox *)
module {WEIGHT_MEMORY} #(
  parameter int unsigned Width       = 8,
  parameter int unsigned Words       = 1,
  parameter int unsigned AddressBits = 1,
  parameter              Kind        = "block",
  parameter int unsigned Stages      = 1,
  parameter              File        = "",
  parameter              Luts        = 1'b0
) (
  input  wire                   clk_i,
  input  wire [AddressBits-1:0] address_i,
  output wire [Width-1:0]       data_o
);
endmodule
"""
"""The read-only memory as a module that is not there: its words come from outside, and nothing of it is counted."""


def module(mh: int, mw: int, pe: int, simd: int, *, memory: str = "distributed", padded: bool = False) -> MatrixVector:
    """A unit of binary weights and inputs, with random weights; padded, of 3 x 3 pixels."""
    weights = np.random.default_rng(1).choice([-1, 1], (mh, mw))
    kernel = (3, 3) if mw % 9 == 0 else (1, 1)
    return MatrixVector(
        "matrix_vector0", weights, IntegerType.bipolar(), pe=pe, simd=simd, memory=memory, kernel=kernel, padded=padded
    )


def alone(name: str, operator: Operator, *, with_memory: bool = True) -> UnitSources:
    """The sources of a unit in front of an output; without its memory, the words of that come from outside."""
    end = ScoreOutput("score_output", operator.outputs[0])
    graph = Graph()
    graph.add(operator)
    graph.add(end)
    graph.connect(operator.name, end.name)
    graph.set_boundary(operator.name, [end.name])
    library = library_of(asset("rtl"))
    if not with_memory:
        library[WEIGHT_MEMORY] = OPEN_MEMORY
    return replace(unit_sources(graph, operator, library), name=name)


STREAMED = {
    "256 x 256, PE 16, SIMD 64": (module(256, 256, 16, 64), 1250, 1150),
    "256 x 256, PE 32, SIMD 32": (module(256, 256, 32, 32), 1300, 1150),
    "64 x 64, PE 8, SIMD 8": (module(64, 64, 8, 8), 150, 115),
    "the same with sums in DSP slices": (replace(module(64, 64, 8, 8), accumulators="dsp"), 150, 115),
}
"""Units whose weight words come from outside, with bar and aim in LUT."""
PADDED = {
    folding: (module(64, 576, *folding, padded=True), module(64, 576, *folding)) for folding in ((4, 64), (8, 192))
}
"""Padded and unpadded units of 64 to 64 channels by PE and SIMD."""
PADDED_RATIO = 1.15
FOLDED = {8: (60, 57), 4: (43, 43)}
"""By the number of weight words: bar and aim in LUT per PE of 64 synapses."""


def _folded(words: int, pe: int) -> MatrixVector:
    """A unit of this many weight words, all of them folded into its logic, up to the accumulators.

    Its results are their signs, so that wide sums in the output queue are not counted.
    """
    unit = module(pe * words // 4, 256, pe, 64, memory="logic")
    values = np.random.default_rng(2).integers(-16, 17, (unit.mh, 1))
    table = ThresholdTable(values, np.zeros(unit.mh, dtype=bool), IntegerType.bipolar())
    return replace(unit, table=table)


def module_rows(jobs: int | None) -> list[AreaRow]:
    """All rows of modules alone."""
    units = {name: alone(name, unit, with_memory=False) for name, (unit, _, _) in STREAMED.items()}
    for (pe, simd), pair in PADDED.items():
        for unit in pair:
            name = f"padded {unit.padded} {pe} {simd}"
            units[name] = alone(name, unit)
    for words in FOLDED:
        for pe in (16, 8):
            units[f"folded {words} {pe}"] = alone(f"folded {words} {pe}", _folded(words, pe))
    found = {area.name: area for area in measure_units(list(units.values()), FAMILY, jobs=jobs)}
    rows = [_streamed(name, found[name], bar, aim) for name, (_, bar, aim) in STREAMED.items()]
    for pe, simd in PADDED:
        padded, plain = (found[f"padded {flag} {pe} {simd}"] for flag in (True, False))
        ratio = padded.counts.lut / plain.counts.lut
        details = f"{padded.counts.lut:,} / {plain.counts.lut:,} LUT, {padded.recipe} / {plain.recipe}"
        rows.append(AreaRow(f"padded, PE {pe}, SIMD {simd}", (ratio,), (PADDED_RATIO,), 1.0, details))
    for words, (bar, aim) in FOLDED.items():
        large, small = found[f"folded {words} 16"], found[f"folded {words} 8"]
        details = f"({large.counts.lut:,} - {small.counts.lut:,}) / 8 LUT, {large.recipe} / {small.recipe}"
        per_pe = (large.counts.lut - small.counts.lut) / 8
        rows.append(AreaRow(f"a PE of 64 synapses, {words} folded words", (per_pe,), (bar,), aim, details))
    return rows


def _streamed(name: str, area: UnitArea, bar: int, aim: int) -> AreaRow:
    counts = area.counts
    details = f"{area.recipe}, {counts.logic_cells:,} LC, {counts.ff:,} FF, {counts.dsp} DSP, {area.logic_ns} ns"
    return AreaRow(f"module {name}", (counts.lut,), (bar,), aim, details)
