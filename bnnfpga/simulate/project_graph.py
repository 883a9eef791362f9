"""The dataflow graph of a compiled project, made again from its own model and folding."""

from __future__ import annotations

from bnnfpga.dataflow.graph import Graph
from bnnfpga.plan import make_plan
from bnnfpga.project import Project


def project_graph(project: Project) -> Graph:
    """The units and streams that the project's hardware was written from, converters and FIFOs included."""
    return make_plan(
        project.model,
        project.input_format,
        folding=project.folder / "folding.yaml",
        cycles=None,
        output_kind=project.output_kind,
    ).graph
