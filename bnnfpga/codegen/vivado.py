"""`vivado/` of a project: the bridge to a DMA, and the scripts that package, synthesise and build it."""

from __future__ import annotations

from pathlib import Path

from bnnfpga.assets import asset
from bnnfpga.codegen.hls import DEFAULT_PART
from bnnfpga.codegen.names import comment, file_stem
from bnnfpga.codegen.templating import render
from bnnfpga.dataflow.graph import Graph
from bnnfpga.host.dma_words import DmaWords

DEFAULT_BOARD = "pynq-z2"
"""The board that the scripts build for until the user names another."""


def render_vivado(graph: Graph, folder: Path, name: str, *, clock_mhz: float) -> None:
    """Write `vivado/` into the project `folder`; its scripts use `rtl/`, `memories/` and `hls/` beside it."""
    target = folder / "vivado"
    target.mkdir()
    for file in sorted(asset("flows").joinpath("vivado").iterdir()):
        (target / file.name).write_bytes(file.read_bytes())
    given, made = graph.input.port, graph.output.port
    values: dict[str, object] = {
        "title": comment(f"accelerator for {name}"),
        "name": file_stem(name),
        "part": DEFAULT_PART,
        "board": DEFAULT_BOARD,
        "clock_mhz": clock_mhz,
        "input": DmaWords(given.boundary_bytes),
        "input_bytes": given.boundary_bytes,
        "input_beats": given.beats,
        "output": DmaWords(made.boundary_bytes),
        "output_bytes": made.boundary_bytes,
        "output_beats": made.beats,
    }
    (target / "settings.tcl").write_text(render("vivado/settings.tcl.j2", **values))
    for file_name, hls in (("accelerator_dma.v", False), ("accelerator_dma_hls.v", True)):
        (target / file_name).write_text(render("vivado/accelerator_dma.v.j2", **values, hls=hls))
