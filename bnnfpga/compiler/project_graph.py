"""The dataflow graph of a compiled project, made from its own model and folding."""

from __future__ import annotations

from collections import OrderedDict

from bnnfpga.api import Project
from bnnfpga.compiler.plan import Plan, make_plan
from bnnfpga.dataflow.graph import Graph
from bnnfpga.native.cache import digest

_MAX_GRAPHS = 4
_graphs: OrderedDict[str, Graph] = OrderedDict()
"""The last graphs of this process, by what they were made from."""


def project_plan(project: Project) -> Plan:
    """What compiling the project's own model again with the project's folding gives."""
    return make_plan(
        project.model,
        project.input_format,
        folding=project.folder / "folding.yaml",
        cycles=None,
        output_kind=project.output_kind,
    )


def project_graph(project: Project) -> Graph:
    """The units and streams that the project's hardware was written from, converters and FIFOs included."""
    key = _key(project)
    if key not in _graphs:
        remember_graph(project, project_plan(project).graph)
    _graphs.move_to_end(key)
    return _graphs[key]


def remember_graph(project: Project, graph: Graph) -> None:
    """Spare `project_graph` from making what is known: `graph` is what the project's folder was written from."""
    _graphs[_key(project)] = graph
    while len(_graphs) > _MAX_GRAPHS:
        _graphs.popitem(last=False)


def _key(project: Project) -> str:
    files = [project.model, project.folder / "folding.yaml", project.folder / "project.json"]
    return digest([file.read_bytes() if file.is_file() else b"" for file in files])
