"""The dataflow graph of a project: the one it was just compiled from, or made again from its own model and folding."""

from __future__ import annotations

from bnnfpga.dataflow.graph import Graph
from bnnfpga.plan import make_plan
from bnnfpga.project import Project


def project_graph(project: Project) -> Graph:
    """The units and streams that the project's hardware was written from, converters and FIFOs included."""
    if project.graph is not None:
        return project.graph
    return make_plan(
        project.model,
        project.input_format,
        folding=project.folder / "folding.yaml",
        cycles=None,
        output_kind=project.output_kind,
    ).graph
