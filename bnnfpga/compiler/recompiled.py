"""What a project's own model and folding come to when they are compiled again: what its hardware must do."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property

from onnx import ModelProto

from bnnfpga.compiler.model_file import ModelFile, open_model
from bnnfpga.compiler.plan import Plan, make_plan
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.token_model import Cycles
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.host.project_data import ProjectData
from bnnfpga.native.cache import digest

_MAX_REMEMBERED = 4
_remembered: OrderedDict[str, tuple[Graph, Cycles]] = OrderedDict()
"""The last graphs of this process with their cycles, by what they were made from."""


class Recompiled:
    """A project's model, read from its folder again, each part when it is asked for and once."""

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
        """What the source means."""
        return self.file.golden

    @cached_property
    def plan(self) -> Plan:
        """What compiling it with the project's folding gives."""
        folding = self.project.folder / "folding.yaml"
        return make_plan(self.file, folding=folding, cycles=None, output_kind=self.project.output_kind)

    @property
    def graph(self) -> Graph:
        """The units and streams that the project's hardware was written from, converters and FIFOs included."""
        return self._hardware[0]

    @property
    def cycles(self) -> Cycles:
        """How fast they are."""
        return self._hardware[1]

    @cached_property
    def _hardware(self) -> tuple[Graph, Cycles]:
        key = _key(self.project)
        if key not in _remembered:
            remember(self.project, self.plan)
        _remembered.move_to_end(key)
        return _remembered[key]


def remember(project: ProjectData, plan: Plan) -> None:
    """Spare `Recompiled` from making what is known: `plan` is what the project's folder was written from."""
    _remembered[_key(project)] = plan.graph, plan.cycles
    while len(_remembered) > _MAX_REMEMBERED:
        _remembered.popitem(last=False)


def _key(project: ProjectData) -> str:
    files = [project.model, project.folder / "folding.yaml", project.folder / "project.json"]
    return digest([file.read_bytes() if file.is_file() else b"" for file in files])
