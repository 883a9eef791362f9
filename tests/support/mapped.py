"""Projects whose units are the netlists that synthesis made of them."""

from __future__ import annotations

import copy
import importlib.util
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bnnfpga.codegen.out_of_context import library_of, unit_sources
from bnnfpga.codegen.rtl import FILE_LIST, render_rtl
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.hardware import RtlInstance
from bnnfpga.dataflow.operator import Operator
from bnnfpga.synthesis.unit_area import UnitArea
from bnnfpga.synthesis.yosys import measure_units

MODELS = {"xc7": "xilinx/cells_sim.v", "ecp5": "ecp5/cells_sim.v", "ice40": "ice40/cells_sim.v"}
"""Yosys' own models of the families' cells, below its folder `share`."""


def map_units(folder: Path, graph: Graph, family: str = "xc7") -> Sequence[UnitArea]:
    """Replace the units of a project's `rtl/` by their netlists and the cells of the family; the top level stays.

    What is simulated then is what `bnnfpga synth --flow yosys` counts.
    """
    library = library_of(folder / "rtl")
    areas = measure_units([unit_sources(graph, operator, library) for operator in graph.operators], family)
    kept = folder / "rtl_as_written"
    (folder / "rtl").rename(kept)
    (folder / "memories").rename(folder / "memories_as_written")
    render_rtl(_of_netlists(graph), folder)
    for file in (folder / "rtl").glob("bnn_*.sv"):
        file.unlink()
    for area in areas:
        text = area.netlist.read_text()
        assert text.count("module unit(") == 1
        (folder / "rtl" / f"{area.name}_netlist.v").write_text(
            text.replace("module unit(", f"module {_module(area.name)}(")
        )
    found = importlib.util.find_spec("pyosys")
    assert found is not None
    assert found.origin is not None
    cells = Path(found.origin).parent / "share" / MODELS[family]
    (folder / "rtl" / "cells.v").write_text(_whole(cells))
    files = sorted((folder / "rtl").iterdir())
    (folder / FILE_LIST).write_text("".join(f"rtl/{file.name}\n" for file in files))
    return areas


def _whole(file: Path) -> str:
    """The text of a file with those that it includes."""

    def included(line: re.Match[str]) -> str:
        other = file.parent / line[1]
        return _whole(other) if other.exists() else ""

    return re.sub(r'^`include "(.*)"$', included, file.read_text(), flags=re.MULTILINE)


def _module(unit: str) -> str:
    return f"{unit}_netlist"


def _of_netlists(graph: Graph) -> Graph:
    """The graph with modules that have no parameters."""
    result = copy.copy(graph)
    result._operators = {name: _of_netlist(operator) for name, operator in graph._operators.items()}
    result._forget()
    return result


def _of_netlist(operator: Operator) -> Operator:
    def rtl(self: Operator) -> RtlInstance:
        return RtlInstance(_module(self.name), {}, ("0",) * len(self.outputs))

    unit = replace(operator)
    object.__setattr__(unit, "__class__", type("OfNetlist", (type(operator),), {"rtl": rtl}))
    return unit
