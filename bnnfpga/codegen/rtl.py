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
    output_port = {port.stream.producer: port.name for port in outputs}
    levels = {"input": "32'd0"}
    for operator in graph.operators:
        for stream, level in zip(graph.outputs_of(operator.name), operator.rtl().levels, strict=True):
            levels[stream.name] = "32'(" + level.format(unit=operator.name) + ")"
        for path, text in rendered_module(operator).items():
            modules.append(folder / "rtl" / path)
            modules[-1].write_text(text)
        for name, memory in memory_files(operator).items():
            (folder / "memories" / name).write_text(hex_file(memory))
    units = [
        module_instance(
            operator, graph.inputs_of(operator.name), graph.outputs_of(operator.name), output_port.get(operator.name)
        )
        for operator in graph.operators
    ]
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


def module_instance(
    operator: Operator, inputs: Sequence[Stream], outputs: Sequence[Stream], tlast: str | None
) -> ModuleInstance:
    """The instance of a unit between these streams."""
    instance = operator.rtl()
    return ModuleInstance(
        name=operator.name,
        comment=module_comment(operator),
        module=instance.module,
        parameters=[(name, _literal(operator, value)) for name, value in instance.parameters.items()],
        inputs=_ports("s", inputs),
        outputs=_ports("m", outputs),
        tlast=tlast,
    )


def rendered_module(operator: Operator) -> Mapping[str, str]:
    """The file of the module that is rendered for a unit, by its name; none for a unit without one."""
    instance = operator.rtl()
    if instance.rendered is None:
        return {}
    template = f"rtl/{instance.rendered.template}.sv.j2"
    return {f"{instance.module}.sv": render(template, module=instance.module, **instance.rendered.values)}


def stream_width(stream: Stream) -> int:
    """Bits of the wires of a stream; at the output boundary beats are already padded to whole bytes."""
    return 8 * stream.port.boundary_bytes if stream.consumer is None else stream.port.width


def memory_files(operator: Operator) -> Mapping[str, Memory]:
    """The memories of a unit by the names of their files."""
    return {_file_name(operator, memory): memory for memory in operator.memories()}


def _file_name(operator: Operator, memory: Memory) -> str:
    return f"{operator.name}_{memory.name}.mem"


def _ports(prefix: str, streams: Sequence[Stream]) -> list[tuple[str, Stream]]:
    """A unit's port names, numbered if there are several, each with its stream."""
    several = len(streams) > 1
    return [(f"{prefix}{index}" if several else prefix, stream) for index, stream in enumerate(streams)]


def _literal(operator: Operator, value: RtlParameter) -> str:
    if isinstance(value, Memory):
        return _in_folder(_file_name(operator, value))
    if isinstance(value, MemoryBank):
        return _in_folder(f"{operator.name}_{value.name}_")
    if isinstance(value, RtlVector):
        entries = ", ".join(f"{value.bits}'d{entry}" for entry in reversed(value.values))
        lines = textwrap.wrap(entries, _LINE - 6)
        return f"{{{entries}}}" if len(lines) == 1 else "\n      ".join(["{", *lines]) + "\n    }"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _in_folder(name: str) -> str:
    return f'{{MemoryFolder, "{name}"}}'
