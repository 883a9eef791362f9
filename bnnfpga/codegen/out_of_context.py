"""The sources of one unit alone, for synthesis out of context."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnnfpga.codegen.memories import hex_file
from bnnfpga.codegen.rtl import memory_files, module_instance, rendered_module, stream_width
from bnnfpga.codegen.templating import render
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Stream

INSTANCE = "dut"
"""The name of the unit in its sources."""


@dataclass(frozen=True, eq=False)
class UnitSources:
    """Everything that the hardware of one unit depends on.

    The texts depend on neither the unit's name nor those of its neighbours, so that equal units have equal sources.

    Parameters
    ----------
    name
        The unit's name in its accelerator.
    kind
        Its kind, or what else it is for users.
    modules
        SystemVerilog files by name, the first with the top module `unit`.
    memories
        Memory files by name.
    """

    name: str
    kind: str
    modules: Mapping[str, str]
    memories: Mapping[str, str]


def unit_sources(graph: Graph, operator: Operator, library: Mapping[str, str]) -> UnitSources:
    """The sources of a unit of a graph, whose top module has the unit's own ports.

    `library` has the modules of the project by their files' stems.
    """
    return _sources(operator, graph.inputs_of(operator.name), graph.outputs_of(operator.name), library)


def lone_sources(operator: Operator, library: Mapping[str, str]) -> UnitSources:
    """The sources of a unit in the middle of no graph in particular."""
    inputs = [Stream(f"input{place}", port, "source", INSTANCE, 0, place) for place, port in enumerate(operator.inputs)]
    outputs = [Stream(f"output{place}", port, INSTANCE, "sink", place) for place, port in enumerate(operator.outputs)]
    return _sources(operator, inputs, outputs, library)


def _sources(
    operator: Operator, inputs: Sequence[Stream], outputs: Sequence[Stream], library: Mapping[str, str]
) -> UnitSources:
    unit = operator.refolded(name=INSTANCE)
    tlast = next((stream.name for stream in outputs if stream.consumer is None), None)
    instance = module_instance(unit, inputs, outputs, tlast)
    own = {"unit.sv": render("rtl/out_of_context.sv.j2", unit=instance, width=stream_width), **rendered_module(unit)}
    used = used_modules("\n".join(own.values()), library)
    modules = {**own, **{f"{name}.sv": library[name] for name in used}}
    return UnitSources(
        operator.name, operator.kind, modules, {name: hex_file(data) for name, data in memory_files(unit).items()}
    )


def used_modules(text: str, library: Mapping[str, str]) -> list[str]:
    """The modules that a text names outside its comments, and those that they name in turn."""
    used: set[str] = set()
    waiting = [text]
    while waiting:
        named = set(re.findall(r"\w+", re.sub(r"//.*", "", waiting.pop()))) & library.keys() - used
        used |= named
        waiting += [library[name] for name in named]
    return sorted(used)


def library_of(folder: Path) -> dict[str, str]:
    """The library's modules in a folder like a project's `rtl/`, one a file, by the files' stems."""
    return {path.stem: path.read_text() for path in sorted(folder.glob("bnn_*.sv"))}
