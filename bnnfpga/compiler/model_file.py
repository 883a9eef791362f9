"""An opened model file: its bytes, its clean graph and its golden model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bnnfpga.base.errors import located
from bnnfpga.compiler.file_input import format_for
from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.reading.read import Source, read_source
from bnnfpga.golden.golden_model import GoldenGraph, GoldenModel
from bnnfpga.golden.host_joins import leave_joins
from bnnfpga.host.input_format import InputFormat


@dataclass(frozen=True)
class ModelFile:
    """A model as read, the clean graph of the part that an accelerator computes, and the format of its images.

    `graph` is the golden model's graph, written once for all steps of a command.
    """

    source: Source
    model: Model
    input: InputFormat
    graph: GoldenGraph

    @cached_property
    def golden(self) -> GoldenModel:
        """The bit-exact reference of the model."""
        return GoldenModel(self.model, self.input, self.graph)


def open_model(path: Path, input: InputFormat) -> ModelFile:
    """Read and clean a model; `input` is the format of the user's images.

    Raises
    ------
    UserError
        If it cannot be read or compiled.
    """
    return open_source(read_source(path), input)


def open_source(source: Source, input: InputFormat) -> ModelFile:
    """Clean a model that has been read.

    Raises
    ------
    UserError
        If it cannot be compiled.
    """
    format = format_for(source.proto, input)
    with located(str(source.path)):
        model = clean(source.proto)
        graph = leave_joins(model, format)
    return ModelFile(source, model, format, graph)
