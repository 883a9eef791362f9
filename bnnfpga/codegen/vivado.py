"""`vivado/` of a project: the DMA bridge, and the scripts that package, synthesise and build the accelerator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bnnfpga.base.assets import asset
from bnnfpga.codegen.hls import DEFAULT_PART
from bnnfpga.codegen.names import comment, file_stem
from bnnfpga.codegen.ports import output_ports
from bnnfpga.codegen.templating import render
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.token_model import waiting_beats
from bnnfpga.host.dma_words import DmaWords

VIVADO_FAMILIES = ("xc7", "xcup")
"""The families that Vivado builds; projects for others have neither `vivado/` nor the driver of its bitstreams."""
DEFAULT_BOARD = "pynq-z2"
"""Default board of the scripts."""

_IN_FLIGHT = 4
"""Beats in flight in the registers of the queues in front of a DMA."""


def render_vivado(graph: Graph, folder: Path, name: str, *, clock_mhz: float) -> None:
    """Write `vivado/` into the project `folder`; its scripts use `rtl/`, `memories/` and `hls/` beside it."""
    target = folder / "vivado"
    target.mkdir()
    for file in sorted(asset("flows").joinpath("vivado").iterdir()):
        (target / file.name).write_bytes(file.read_bytes())
    input_port, ports = graph.input.port, output_ports(graph)
    words = DmaWords.of_beats(*(port.bytes for port in ports))
    alone = len(ports) == 1
    (input_words,) = DmaWords.of_beats(input_port.boundary_bytes)
    outputs = [
        {"port": port, "words": word, "depth": depth, "wires": "scores" if alone else port.name}
        for port, word, depth in zip(ports, words, _depths(graph, words), strict=True)
    ]
    values: dict[str, object] = {
        "title": comment(f"accelerator for {name}"),
        "name": file_stem(name),
        "part": DEFAULT_PART,
        "board": DEFAULT_BOARD,
        "clock_mhz": clock_mhz,
        "input": input_words,
        "input_bytes": input_port.boundary_bytes,
        "input_beats": input_port.beats,
        "outputs": outputs,
        "word_bytes": words[0].word_bytes,
        # Several outputs reach the bridge merged into the words of one stream.
        "scores_bytes": ports[0].bytes if alone else words[0].word_bytes,
        "scores_words": words[0].words if alone else 1,
    }
    (target / "settings.tcl").write_text(render("vivado/settings.tcl.j2", **values))
    for file_name, hls in (("accelerator_dma.v", False), ("accelerator_dma_hls.v", True)):
        (target / file_name).write_text(render("vivado/accelerator_dma.v.j2", **values, hls=hls))


def _depths(graph: Graph, words: Sequence[DmaWords]) -> list[int]:
    """Queue depths in beats, one per output: a host reads the outputs of a frame one after the other.

    By the cycle model, as many beats as wait while the host keeps up. For each output but the first at least a frame:
    the other outputs then never keep a frame of the first from leaving, whatever stalls, so nothing deadlocks.
    """
    if len(words) == 1:
        return [0]
    waiting = waiting_beats(graph, [word.words for word in words])
    frames = [0, *(stream.port.beats for stream in graph.outputs[1:])]
    return [max(2, most + _IN_FLIGHT, frame) for most, frame in zip(waiting, frames, strict=True)]
