"""The SystemVerilog of a graph: generated top level, library modules, memory files."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnnfpga.base.assets import asset
from bnnfpga.codegen.memories import hex_file
from bnnfpga.codegen.names import comment
from bnnfpga.codegen.ports import output_ports
from bnnfpga.codegen.templating import render
from bnnfpga.codegen.unit_comments import module_comment
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.hardware import Memory, MemoryBank, RtlParameter, RtlVector
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Stream

FILE_LIST = "files.f"
"""A project's list of SystemVerilog files, one per line, for tools that take such a list."""

_TOP = "accelerator.sv"
_LINE = 116


def render_rtl(graph: Graph, folder: Path, title: str = "accelerator") -> None:
    """Write `rtl/`, the list of its files, and `memories/` of a project into `folder`.

    Parameters
    ----------
    graph
        A complete graph: both ends of every stream have the same lanes.
    folder
        The project folder; `rtl` and `memories` are created in it.
    title
        Title for the first line of the top level.
    """
    (folder / "rtl").mkdir()
    (folder / "memories").mkdir()
    modules = sorted(asset("rtl").glob("*.sv"))
    for module in modules:
        (folder / "rtl" / module.name).write_text(module.read_text())
    streams = graph.streams
    outputs = output_ports(graph)
    levels = {"input": "32'd0"}
    for operator in graph.operators:
        for stream, level in zip(graph.outputs_of(operator.name), operator.rtl().levels, strict=True):
            levels[stream.name] = "32'(" + level.format(unit=operator.name) + ")"
        for name, memory in memory_files(operator).items():
            (folder / "memories" / name).write_text(hex_file(memory))
    units = [module_instance(graph, operator) for operator in graph.operators]
    text = render(
        "rtl/accelerator.sv.j2",
        title=comment(title),
        input=graph.input,
        outputs=outputs,
        inner=[stream for stream in streams if stream.producer is not None and stream.consumer is not None],
        units=units,
        monitors=[
            {
                "stream": stream.name,
                "width": stream_width(stream),
                "level": levels[stream.name],
            }
            for stream in streams
        ],
    )
    (folder / "rtl" / _TOP).write_text(text)
    names = [*(module.name for module in modules), _TOP]
    (folder / FILE_LIST).write_text("".join(f"rtl/{name}\n" for name in names))


@dataclass(frozen=True)
class ModuleInstance:
    """A unit's instance as the templates write it.

    `parameters` are names with their values as text; `inputs` and `outputs` are prefixes of ports with their streams;
    `tlast` is the output port of the accelerator whose last beat the unit marks, if it does.
    """

    name: str
    comment: str
    module: str
    parameters: Sequence[tuple[str, str]]
    inputs: Sequence[tuple[str, Stream]]
    outputs: Sequence[tuple[str, Stream]]
    tlast: str | None


def module_instance(graph: Graph, operator: Operator, name: str | None = None) -> ModuleInstance:
    """The instance of a unit of a graph, under another name if one is given."""
    instance = operator.rtl()
    output_port = {port.stream.producer: port.name for port in output_ports(graph)}
    return ModuleInstance(
        name=name or operator.name,
        comment=module_comment(operator),
        module=instance.module,
        parameters=[(key, _literal(name or operator.name, value)) for key, value in instance.parameters.items()],
        inputs=_ports("s", graph.inputs_of(operator.name)),
        outputs=_ports("m", graph.outputs_of(operator.name)),
        tlast=output_port.get(operator.name),
    )


def stream_width(stream: Stream) -> int:
    """Bits of the wires of a stream; at the output boundary beats are already padded to whole bytes."""
    return 8 * stream.port.boundary_bytes if stream.consumer is None else stream.port.width


def memory_files(operator: Operator, name: str | None = None) -> Mapping[str, Memory]:
    """The memories of a unit by the names of their files, which begin with the unit's name or another one."""
    return {_file_name(name or operator.name, memory): memory for memory in operator.memories()}


def _file_name(unit: str, memory: Memory) -> str:
    return f"{unit}_{memory.name}.mem"


def _ports(prefix: str, streams: Sequence[Stream]) -> list[tuple[str, Stream]]:
    """A unit's port names, numbered if there are several, each with its stream."""
    several = len(streams) > 1
    return [(f"{prefix}{index}" if several else prefix, stream) for index, stream in enumerate(streams)]


def _literal(unit: str, value: RtlParameter) -> str:
    if isinstance(value, Memory):
        return _in_folder(_file_name(unit, value))
    if isinstance(value, MemoryBank):
        return _in_folder(f"{unit}_{value.name}_")
    if isinstance(value, RtlVector):
        entries = ", ".join(f"{value.bits}'d{entry}" for entry in reversed(value.values))
        lines = textwrap.wrap(entries, _LINE - 6)
        return f"{{{entries}}}" if len(lines) == 1 else "\n      ".join(["{", *lines]) + "\n    }"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _in_folder(name: str) -> str:
    return f'{{MemoryFolder, "{name}"}}'
