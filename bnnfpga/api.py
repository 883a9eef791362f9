"""A compiled project: its description, and how to run it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.base.files import restore_hidden
from bnnfpga.codegen.constants import TRACE_MEGABYTES
from bnnfpga.host.description import Output, read_order, read_outputs, read_stream
from bnnfpga.host.ends import Values
from bnnfpga.host.images import Images, check_labels, read_images
from bnnfpga.host.input_format import InputFormat
from bnnfpga.host.order import Order, is_channels_last
from bnnfpga.host.project_files import read_description, read_functions
from bnnfpga.host.results import classes_of, file_outputs, final_floats, number_of_classes
from bnnfpga.host.words import BoundaryFormat, unpack_frames
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.numbers.integers import IntArray

if TYPE_CHECKING:
    from bnnfpga.simulate.evaluation import Evaluation
    from bnnfpga.simulate.simulation_result import SimulationResult
    from bnnfpga.simulate.verify.verification import VerifyResult


@dataclass(frozen=True)
class Project:
    """A folder that `bnnfpga.compile` wrote.

    Parameters
    ----------
    folder
        Where it is.
    description
        The contents of `project.json`.
    functions
        The contents of `functions.json`.
    seconds
        What compiling took, None for a project that was loaded.
    checked
        What compiling ran and found equal: `stages`, as `verify` names them, and the number of random `images`; None
        for a project that was loaded.
    ties
        How many `decisions` of the model lie `on_tie` on some of these images, also by `layers`; None for a project
        that was loaded.
    warnings
        What whoever uses the project must know, as sentences.
    """

    folder: Path
    description: Mapping[str, Any] = field(repr=False)
    functions: Mapping[str, Any] = field(repr=False)
    seconds: float | None = None
    checked: Mapping[str, Any] | None = field(default=None, repr=False)
    ties: Mapping[str, Any] | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Project:
        """Open a project. If a process was killed while replacing it, the old one is restored first.

        Raises
        ------
        UserError
            If the folder is none, one of another version of the format, or damaged.
        """
        path = Path(folder)
        with contextlib.suppress(OSError):  # where it cannot be written, there is none to put back
            restore_hidden(path)
        description = read_description(path)
        return cls(path, description, read_functions(path, description))

    @property
    def model(self) -> Path:
        """The path of the source model."""
        return self.folder / str(self.description["model"])

    @property
    def input_format(self) -> InputFormat:
        """What the user's images hold."""
        given = self.description["input"]
        format = InputFormat.parse(given["kind"], None if given["kind"] == "float" else given["scale"])
        return replace(format, given=bool(given.get("given", False)))

    @property
    def input_taken(self) -> dict[str, Any]:
        """What images hold, as plain data: `kind`, `scale`, and whether the user gave it (`given`)."""
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

    @property
    def input_order(self) -> Order:
        """The order in which the elements of the model's input stream."""
        return read_order(self.description["input"]["stream"])

    @property
    def input_stream(self) -> BoundaryFormat:
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

    def unpack(self, data: NDArray[np.uint8]) -> tuple[IntArray, ...]:
        """Unpack output bytes, uint8 (images, bytes), to streamed integers: (images, elements) for each output."""
        return unpack_frames([output.stream for output in self.outputs], data)

    def to_model(self, streamed: Sequence[IntArray]) -> tuple[IntArray, ...]:
        """Reorder streamed outputs, each (images, elements), to the order of the model file."""
        return tuple(output.order.to_model(made) for output, made in zip(self.outputs, streamed, strict=True))

    def final_functions(self, scores: Sequence[IntArray]) -> tuple[Floats, ...]:
        """The float values of integer scores, each (images, elements): what the host starts from."""
        return final_floats(self.functions, scores)

    def values(self, scores: Sequence[IntArray]) -> tuple[Values, ...]:
        """The file's outputs from integer scores: each (images, ...), float32, or int64 for indices."""
        return file_outputs(self.functions, scores)

    def classify(self, outputs: Sequence[IntArray]) -> tuple[IntArray, ...]:
        """The class of each image, int64 (images,), for each output that has classes of its own.

        It is what ArgMax or TopK say; else where the values are largest, the first of equals; of one value whether it
        lies above 0.5 behind a Sigmoid, or above 0. Where an output is an image, the class of each pixel. `outputs` are
        each (images, elements), in the order of the file.
        """
        return classes_of(self.functions, self.outputs, outputs)

    def summary(self) -> dict[str, Any]:
        """What `bnnfpga compile --json` prints."""
        return {
            "project": str(self.folder),
            "input": self.input_taken,
            "seconds": self.seconds,
            "checked": self.checked,
            "ties": self.ties,
            "warnings": list(self.warnings),
            **{
                key: self.description[key]
                for key in ("predicted_initiation_interval", "predicted_latency_cycles", "layers", "resources")
            },
        }

    def simulate(
        self,
        x: NDArray[Any],
        labels: NDArray[Any] | None = None,
        backend: str = "rtl",
        *,
        streams: bool = False,
        trace: str | os.PathLike[str] | None = None,
        trace_megabytes: int = TRACE_MEGABYTES,
        stall_seed: int | None = None,
        layout: str = "nchw",
        verilator: str | os.PathLike[str] | None = None,
        rtl_from: str | os.PathLike[str] | None = None,
    ) -> SimulationResult:
        """Run images through the accelerator and compare every integer with the model's.

        Parameters
        ----------
        x
            Images along the first axis, in the project's input format.
        labels
            The true classes, for `accuracy`.
        backend
            `rtl` (Verilator, cycle by cycle), `hls` (C++ simulation) or `emulator` (integers only, the fastest).
        streams
            Count back-pressure, idle cycles and peak occupancy of every stream (rtl).
        trace
            Write waveforms to this .vcd or .fst file (rtl).
        trace_megabytes
            The size at which that file ends. The simulation goes on, and the result says which cycles the file shows.
        stall_seed
            Stall all external streams at random, with this seed (rtl).
        layout
            `nchw` or `nhwc`.
        verilator
            The Verilator to use instead of the one found.
        rtl_from
            The folder with the Verilog that Vitis HLS generated from `hls/`, to simulate instead of `rtl/`.
        """
        from bnnfpga.simulate.run import simulate

        images = self.read_images(x, layout)
        checked = None if labels is None else check_labels(labels, len(images.codes), self.classes)
        return simulate(
            self,
            images,
            checked,
            backend=backend,
            streams=streams,
            trace=None if trace is None else Path(trace),
            trace_megabytes=trace_megabytes,
            stall_seed=stall_seed,
            verilator=None if verilator is None else str(verilator),
            rtl_from=None if rtl_from is None else Path(rtl_from),
        )

    def evaluate(
        self,
        x: NDArray[Any],
        labels: NDArray[Any],
        backend: str = "emulator",
        *,
        layout: str | None = None,
        names: Sequence[str] | None = None,
        verilator: str | os.PathLike[str] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Evaluation:
        """Measure accuracy, confusion matrix and per-class figures over a data set.

        Parameters
        ----------
        x
            Images along the first axis, of the type that the project takes. Axes of length 1 are added or dropped, and
            channels may be first or last.
        labels
            Their classes.
        backend
            `rtl` (Verilator, cycle by cycle), `hls` (C++ simulation) or `emulator` (integers only, the fastest).
        layout
            `nchw` or `nhwc`, where the shape of the images leaves it open.
        names
            Names of the classes.
        verilator
            The Verilator to use instead of the one found.
        progress
            Called with the number of images done and of all images, a few times per second.
        """
        from bnnfpga.simulate.evaluate import evaluate

        return evaluate(
            self,
            x,
            labels,
            backend=backend,
            layout=layout,
            names=None if names is None else tuple(names),
            verilator=None if verilator is None else str(verilator),
            progress=progress,
        )

    def verify(
        self,
        x: NDArray[Any],
        stages: Sequence[str] | None = None,
        layout: str = "nchw",
        *,
        streams: bool = False,
        dump: Sequence[str] = (),
        dump_to: str | os.PathLike[str] | None = None,
        wave: str | os.PathLike[str] | None = None,
        wave_cycles: int = 64,
    ) -> VerifyResult:
        """Compare neighbouring stages, from the source model to the hardware.

        What is compared are the files of the project's folder, as they are. Where two stages differ, the streams inside
        are compared as well, and the result names the first unit that gets what it should and does not make of it what
        it should; in the RTL also the first that does not keep its cycles.

        Parameters
        ----------
        x
            Images along the first axis, in the project's input format.
        stages
            Some of `file`, `source`, `folded`, `emulator`, `hls`, `rtl`, compared in that order; where it is None, all
            that can run here.
        layout
            `nchw` or `nhwc`.
        streams
            Compare the streams inside also where the outputs are equal.
        dump, dump_to
            Units or streams whose integers each stage writes as .npy, and the folder for that.
        wave, wave_cycles
            A .vcd or .fst file for the cycles around a difference in the RTL, and how many on either side.
        """
        from bnnfpga.simulate.verify.verification import Dump, Wave, verify

        if bool(dump) != (dump_to is not None):
            raise UserError(
                "one of --dump and --dump-to is missing",
                where="--dump",
                hint="name layers with --dump and a folder with --dump-to",
            )
        return verify(
            self,
            self.read_images(x, layout),
            stages,
            streams=streams,
            dump=None if dump_to is None else Dump(tuple(dump), Path(dump_to)),
            wave=None if wave is None else Wave(Path(wave), wave_cycles),
        )

    def __str__(self) -> str:
        from bnnfpga.report.tables import compile_table
        from bnnfpga.report.text import as_text

        return as_text(compile_table(self.summary(), float(self.description["clock_mhz"])))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import compile_table
        from bnnfpga.report.text import as_html

        return as_html(compile_table(self.summary(), float(self.description["clock_mhz"])))
