"""A project's own files: everything that is needed to send its accelerator images and to read its results."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bnnfpga.host.description import Output, read_order, read_outputs, read_stream
from bnnfpga.host.dma_words import words_per_frame
from bnnfpga.host.ends import Values
from bnnfpga.host.images import Images, read_images
from bnnfpga.host.input_format import InputFormat
from bnnfpga.host.order import Order, is_channels_last
from bnnfpga.host.project_files import read_description, read_functions
from bnnfpga.host.results import classes_of, file_outputs, final_floats, number_of_classes
from bnnfpga.host.words import BoundaryFormat, unpack_frames
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.numbers.integers import IntArray


@dataclass(frozen=True)
class ProjectData:
    """A project's folder with the contents of `project.json` and `functions.json`.

    Simulations and boards alike read images, pack words and compute values and classes with it.

    Parameters
    ----------
    folder
        Where it is.
    description
        The contents of `project.json`.
    functions
        The contents of `functions.json`.
    """

    folder: Path
    description: Mapping[str, Any] = field(repr=False)
    functions: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Self:
        """Read the files of a project, and check every value in them.

        Raises
        ------
        UserError
            If the folder is not a project, one of another version of the format, or damaged.
        """
        path = Path(folder)
        description = read_description(path)
        return cls(path, description, read_functions(path, description))

    @property
    def model(self) -> Path:
        """The path of the source model."""
        return self.folder / str(self.description["model"])

    @property
    def input_format(self) -> InputFormat:
        """The format of the user's images."""
        input = self.description["input"]
        format = InputFormat.parse(input["kind"], None if input["kind"] == "float" else input["scale"])
        return replace(format, given=bool(input.get("given", False)))

    @property
    def input_summary(self) -> dict[str, Any]:
        """The format of images as plain data: `kind`, `scale`, and whether the user gave the scale (`given`)."""
        return {key: self.description["input"].get(key, False) for key in ("kind", "scale", "given")}

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The model's input shape without the batch."""
        return tuple(self.description["input"]["shape"])

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The accelerator's outputs, in the order of the model's."""
        return read_outputs(self.description)

    @property
    def clock_mhz(self) -> float:
        """The clock frequency that it was compiled for, in MHz."""
        return float(self.description["clock_mhz"])

    @property
    def family(self) -> str:
        """The family of FPGAs that it was compiled for."""
        return str(self.description["family"])

    @property
    def estimated_clock(self) -> dict[str, Any]:
        """The clock frequency that its slowest unit reaches by estimate, in MHz (`mhz`), and that `unit`."""
        return dict(self.description["estimated_clock"])

    @property
    def supported_mhz(self) -> float:
        """The clock frequency in MHz for which speeds are stated: that it is built for, or the estimate if lower."""
        return min(self.clock_mhz, float(self.estimated_clock["mhz"]))

    @property
    def frames_per_second(self) -> float:
        """Frames per second of the accelerator at the supported clock, by the predicted cycles."""
        return self.supported_mhz * 1e6 / int(self.description["predicted_initiation_interval"])

    @property
    def boundary_frames_per_second(self) -> float:
        """Frames per second through a DMA that moves a word of up to 8 bytes per cycle each way, at that clock."""
        outputs = [(output.stream.beats, output.stream.beat_bytes) for output in self.outputs]
        words = words_per_frame([(self.input_stream.beats, self.input_stream.beat_bytes)], outputs)
        return min(self.frames_per_second, self.supported_mhz * 1e6 / words)

    @property
    def output_kind(self) -> str:
        """`scores` or `class`."""
        return self.outputs[0].kind

    @property
    def output_names(self) -> list[str]:
        """The names of the accelerator's outputs: tensors of the model."""
        return [output.name for output in self.outputs]

    @property
    def class_names(self) -> list[str]:
        """For each array of classes, the output of the model that they belong to."""
        names = [value["name"] for value in self.description["values"]]
        return [names[rule["output"]] for rule in self.functions["ends"]["classes"]]

    @property
    def classes(self) -> int:
        """The number of classes."""
        return number_of_classes(self.functions, self.outputs)

    @property
    def input_stream_shape(self) -> tuple[int, ...]:
        """One frame of the input stream, channels last."""
        return tuple(self.description["input"]["stream"]["shape"])

    @property
    def channels_last(self) -> bool:
        """Whether the model file itself takes images with their channels last."""
        return is_channels_last(self.input_shape, self.input_stream_shape, self.input_order)

    @cached_property
    def input_order(self) -> Order:
        """The order in which the model's input elements stream."""
        return read_order(self.description["input"]["stream"])

    @cached_property
    def input_stream(self) -> BoundaryFormat:
        """The packing of the input's integers into bytes."""
        return read_stream(self.description["input"]["stream"])

    def read_images(self, x: NDArray[Any], layout: str = "nchw", *, first: int = 0) -> Images:
        """Check a batch of images and turn it into the input stream's integers and the model's float inputs.

        `first` is the number of its first image, for messages.
        """
        return read_images(
            x,
            self.input_format,
            self.input_shape,
            layout=layout,
            stream=self.input_stream.type,
            input_function=self.functions["input"],
            order=self.input_order,
            channels_last=self.channels_last,
            first=first,
        )

    def pack(self, images: Images) -> NDArray[np.uint8]:
        """The bytes of the input stream for images: uint8 (images, bytes)."""
        return self.input_stream.pack(images.codes)

    def unpack(self, data: NDArray[np.uint8]) -> tuple[IntArray, ...]:
        """Unpack output bytes, uint8 (images, bytes), to streamed integers: (images, elements) for each output."""
        return unpack_frames([output.stream for output in self.outputs], data)

    def to_model(self, streamed: Sequence[IntArray]) -> tuple[IntArray, ...]:
        """Reorder streamed outputs, each (images, elements), to the order of the model file."""
        return tuple(output.order.to_model(values) for output, values in zip(self.outputs, streamed, strict=True))

    def final_functions(self, scores: Sequence[IntArray]) -> tuple[Floats, ...]:
        """The float values of integer scores, each (images, elements): the inputs of the host's ends."""
        return final_floats(self.functions, scores)

    def values(self, scores: Sequence[IntArray]) -> tuple[Values, ...]:
        """The file's outputs from integer scores: each (images, ...), float32, or int64 for indices."""
        return file_outputs(self.functions, scores)

    def classify(self, outputs: Sequence[IntArray]) -> tuple[IntArray, ...]:
        """The class of each image, int64 (images,), for each output that has classes of its own.

        It is the result of ArgMax or TopK; else the index of the largest value, the first of equals; for a single
        value, whether it exceeds 0.5 behind a Sigmoid, else 0. Where an output is an image, each pixel has a class.
        `outputs` are each (images, elements), in the order of the file.
        """
        return classes_of(self.functions, self.outputs, outputs)
