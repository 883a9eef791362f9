"""A project's own model and folding, compiled again: the reference for its hardware."""

from __future__ import annotations

from functools import cached_property

from onnx import ModelProto

from bnnfpga.base.errors import located
from bnnfpga.base.recently_used import RecentlyUsed
from bnnfpga.compiler.design import Design, make_design
from bnnfpga.compiler.model_file import ModelFile, open_model
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.token_model import Cycles
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.host.project_data import ProjectData
from bnnfpga.native.cache import digest

_remembered = RecentlyUsed[tuple[Graph, Cycles]](4)
"""The most recent graphs of this process with their cycles, by a digest of what they were compiled from."""


class Recompiled:
    """A project's model, read from its folder again; each part is computed on first use, once."""

    def __init__(self, project: ProjectData) -> None:
        self.project = project

    @cached_property
    def file(self) -> ModelFile:
        """The source model that the project carries."""
        return open_model(self.project.model, self.project.input_format)

    @property
    def proto(self) -> ModelProto:
        """The unmodified file."""
        return self.file.source.proto

    @property
    def golden(self) -> GoldenModel:
        """The golden model of the source."""
        return self.file.golden

    @cached_property
    def design(self) -> Design:
        """The design for it with the project's folding and target."""
        folding = self.project.folder / "folding.yaml"
        with located(str(self.project.folder / "project.json")):
            target = Target(self.project.clock_mhz, self.project.family)
        return make_design(self.file, folding=folding, cycles=None, output_kind=self.project.output_kind, target=target)

    @property
    def graph(self) -> Graph:
        """The units and streams of the project's hardware, converters and FIFOs included."""
        return self._hardware[0]

    @property
    def cycles(self) -> Cycles:
        """Their predicted cycles."""
        return self._hardware[1]

    @cached_property
    def _hardware(self) -> tuple[Graph, Cycles]:
        return _remembered.get(_key(self.project), lambda: (self.design.graph, self.design.cycles))


def remember(project: ProjectData, design: Design) -> None:
    """Remember the design that a project's folder was written from, so that `Recompiled` need not make it again."""
    _remembered.keep(_key(project), (design.graph, design.cycles))


def _key(project: ProjectData) -> str:
    files = [project.model, project.folder / "folding.yaml", project.folder / "project.json"]
    return digest([file.read_bytes() if file.is_file() else b"" for file in files])
