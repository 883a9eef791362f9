"""What a simulation is compared with: what a project's own model says that its hardware must do."""

from __future__ import annotations

from typing import Protocol

from onnx import ModelProto

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.token_model import Cycles
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.host.images import Images
from bnnfpga.host.project_data import ProjectData
from bnnfpga.numbers.integers import IntArray

Scores = tuple[IntArray, ...]
"""For each output int64 (images, elements), as they stream."""


class Reference(Protocol):
    """A project's model, compiled again; each part costs nothing until it is asked for (`compiler.recompiled`)."""

    @property
    def project(self) -> ProjectData:
        """Whose model it is."""

    @property
    def proto(self) -> ModelProto:
        """The unmodified file."""

    @property
    def golden(self) -> GoldenModel:
        """What the file means."""

    @property
    def graph(self) -> Graph:
        """The units and streams of the hardware."""

    @property
    def cycles(self) -> Cycles:
        """How fast they are."""


def golden_scores(reference: Reference, images: Images) -> Scores:
    """What the golden model of the source expects of the accelerator, as it streams."""
    project = reference.project
    expected = reference.golden.run(images.model_inputs).accelerator_outputs(project.output_kind)
    return tuple(output.order.to_stream(array) for output, array in zip(project.outputs, expected, strict=True))
