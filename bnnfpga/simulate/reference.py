"""The reference of a simulation: the results and cycles that a project's own model demands."""

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
"""For each output int64 (images, elements), in stream order."""


class Reference(Protocol):
    """A project's model, compiled again; each part is computed on first use (`compiler.recompiled`)."""

    @property
    def project(self) -> ProjectData:
        """The project whose model it is."""

    @property
    def proto(self) -> ModelProto:
        """The unmodified file."""

    @property
    def golden(self) -> GoldenModel:
        """The golden model of the file."""

    @property
    def graph(self) -> Graph:
        """The units and streams of the hardware."""

    @property
    def cycles(self) -> Cycles:
        """Their predicted cycles."""


def golden_scores(reference: Reference, images: Images) -> Scores:
    """The accelerator outputs that the golden model of the source expects, in stream order."""
    project = reference.project
    expected = reference.golden.run(images.model_inputs).accelerator_outputs(project.output_kind)
    return tuple(output.order.to_stream(array) for output, array in zip(project.outputs, expected, strict=True))
