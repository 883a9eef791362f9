"""The stages from the source model to the hardware: each runs images and observes its streams."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from bnnfpga.base.errors import PicklableError, UserError
from bnnfpga.dataflow.graph import Graph
from bnnfpga.golden.check import FileReading
from bnnfpga.golden.file_check import check_file
from bnnfpga.host.images import Images
from bnnfpga.host.project_data import ProjectData
from bnnfpga.numbers.integers import IntArray
from bnnfpga.simulate.reference import Reference, Scores, golden_scores
from bnnfpga.simulate.run import run_rtl
from bnnfpga.simulate.runners.csim import CSimulationError, build_csim, run_csim, watch_csim
from bnnfpga.simulate.runners.emulator import Emulator, run_emulator
from bnnfpga.simulate.runners.hls_headers import find_headers
from bnnfpga.simulate.runners.simulator import build_simulator
from bnnfpga.simulate.runners.verilator import SimulationError, WaveformWindow, watch_simulator
from bnnfpga.simulate.stream_tensors import source_tensors
from bnnfpga.simulate.verify.beats import Beats, Observed, from_dump, from_monitors, from_tensors

_MIN_READ = 4
_MAX_PRODUCTS = 1 << 31
"""The number of images compared with the file: at least this many, more while they cost at most so many products."""


class StageFailed(PicklableError):
    """The stage gives no results: it stops, or its output is not a sequence of frames.

    `end` says how it ended and `output` at which output, where the simulator knows (`SimulationError`).
    """

    def __init__(self, message: str, end: str | None = None, output: int = 0) -> None:
        super().__init__(message)
        self.end, self.output = end, output


@dataclass(frozen=True)
class Subject:
    """What is verified: a project against its reference, on images."""

    reference: Reference
    images: Images

    @property
    def project(self) -> ProjectData:
        return self.reference.project

    @property
    def graph(self) -> Graph:
        """The units and streams of the hardware."""
        return self.reference.graph

    def first(self, frames: int) -> Subject:
        """The subject with the first `frames` images only."""
        if frames >= len(self.images.codes):
            return self
        return Subject(self.reference, Images(self.images.codes[:frames], self.images.model_inputs[:frames]))

    @cached_property
    def golden(self) -> Scores:
        """The outputs that the source expects."""
        return golden_scores(self.reference, self.images)

    @cached_property
    def outputs(self) -> Scores:
        """The outputs of the folded graph."""
        graph = self.graph
        results = graph.execute(self.images.codes)
        return tuple(results[stream.name].reshape(len(self.images.codes), -1) for stream in graph.outputs)

    @cached_property
    def tensors(self) -> dict[str, IntArray]:
        """The tensors of all streams of the folded graph, int64 (images, *shape)."""
        graph = self.graph
        return graph.execute(self.images.codes, [stream.name for stream in graph.streams])

    @cached_property
    def reading(self) -> FileReading:
        """The comparison of the source's golden model with the unmodified file, on the first images."""
        cost = max(1, self.graph.products * len(self.images.model_inputs))
        x = self.images.model_inputs[: max(_MIN_READ, len(self.images.model_inputs) * _MAX_PRODUCTS // cost)]
        return check_file(self.reference.proto, self.reference.golden, x)

    @property
    def most_cycles(self) -> int:
        """A bound on the cycles that correct hardware needs, beyond which a simulation is given up."""
        cycles = self.reference.cycles
        return 20_000 + 4 * (cycles.latency + len(self.images.codes) * cycles.initiation_interval)


WaveWriter = Callable[[Subject, WaveformWindow], None]


class Stage(ABC):
    """One form of the accelerator."""

    name: ClassVar[str]

    reads_file: ClassVar[bool] = False
    """Whether the stage compares the unmodified file with the golden model, as `Subject.reading`."""

    @abstractmethod
    def run(self, subject: Subject) -> Result:
        """Run the subject's images.

        Raises
        ------
        StageFailed
            If there are no results.
        """

    def watch(self, subject: Subject) -> tuple[Observed, int | None]:
        """Observe streams while running; returns those that can be observed, and the cycles, None without cycles."""
        del subject
        return {}, None

    def layer_tensors(self, subject: Subject) -> Mapping[str, IntArray]:
        """What the source says that streams carry, (images, *shape); none from stages behind the folding."""
        del subject
        return {}

    @property
    def write_wave(self) -> WaveWriter | None:
        """Runs a subject's images again and writes a waveform of some cycles; None from stages without cycles."""
        return None

    def is_here(self) -> bool:
        """Whether this machine has the tools that the stage needs."""
        return True


@dataclass(frozen=True)
class Result:
    """The outputs, and the cycles from the first input beat to each frame's end; None without cycles."""

    outputs: Scores
    frame_done: IntArray | None = None


class FileStage(Stage):
    """The unmodified file, read independently: it confirms the golden model's integers, or not (`Subject.reading`)."""

    name = "file"
    reads_file = True

    def run(self, subject: Subject) -> Result:
        return Result(subject.golden)


class SourceStage(Stage):
    """The golden model of the source."""

    name = "source"

    def run(self, subject: Subject) -> Result:
        return Result(subject.golden)

    def watch(self, subject: Subject) -> tuple[Observed, int | None]:
        return from_tensors(subject.graph, self.layer_tensors(subject)), None

    def layer_tensors(self, subject: Subject) -> Mapping[str, IntArray]:
        return source_tensors(subject.reference.golden, subject.graph, subject.images)


class FoldedStage(Stage):
    """The dataflow graph, evaluated in numpy."""

    name = "folded"

    def run(self, subject: Subject) -> Result:
        return Result(subject.outputs)

    def watch(self, subject: Subject) -> tuple[Observed, int | None]:
        return from_tensors(subject.graph, subject.tensors), None


class EmulatorStage(Stage):
    """The same graph as packed-bit native code."""

    name = "emulator"

    def run(self, subject: Subject) -> Result:
        return Result(Emulator(subject.graph).scores(subject.images.codes))

    def watch(self, subject: Subject) -> tuple[Observed, int | None]:
        graph = subject.graph
        names = [stream.name for stream in graph.streams]
        return from_tensors(graph, run_emulator(graph, subject.images.codes, tensors=names)), None


class HlsStage(Stage):
    """C++ simulation of `hls/`."""

    name = "hls"

    def run(self, subject: Subject) -> Result:
        simulator = build_csim(subject.project.folder)
        try:
            output = run_csim(simulator, _beats(subject), len(subject.images.codes))
            return Result(subject.project.unpack(output))
        except CSimulationError as error:
            raise StageFailed(error.message) from error

    def watch(self, subject: Subject) -> tuple[Observed, int | None]:
        graph = subject.graph
        simulator = build_csim(subject.project.folder, dump=True)
        observed = dict(from_dump(graph, watch_csim(simulator, _beats(subject))))
        if observed:
            try:
                outputs = self.run(subject).outputs
                for stream, results in zip(graph.outputs, outputs, strict=True):
                    observed[stream.name] = Beats(results.reshape(-1))
            except StageFailed:
                # The test bench stops at a frame whose beats are wrong in number, so that is the last one.
                frames = observed[graph.input.name].frames
                for stream in graph.outputs:
                    beats = np.full(0 if frames is None else len(frames), stream.port.beats)
                    beats[-1:] = 0
                    observed[stream.name] = Beats(np.empty(0, np.int64), frames=beats)
        return observed, None

    def is_here(self) -> bool:
        try:
            find_headers()
        except UserError:
            return False
        return True


class RtlStage(Stage):
    """The Verilated `rtl/` and `memories/`, cycle by cycle."""

    name = "rtl"

    def run(self, subject: Subject) -> Result:
        try:
            outputs, run, _ = run_rtl(subject.project, subject.images, most_cycles=subject.most_cycles, explain=False)
        except SimulationError as error:
            if error.end is None:
                raise
            raise StageFailed(error.message, error.end, error.output) from error
        return Result(outputs, run.frame_done - run.first_input_cycle)

    def watch(self, subject: Subject) -> tuple[Observed, int | None]:
        simulator = build_simulator(subject.project.folder, monitor=True)
        files, cycles = watch_simulator(
            simulator,
            subject.project.folder / "memories",
            _beats(subject),
            len(subject.images.codes),
            most_cycles=subject.most_cycles,
        )
        return from_monitors(subject.graph, files), cycles

    @property
    def write_wave(self) -> WaveWriter:
        return _write_wave


def _write_wave(subject: Subject, window: WaveformWindow) -> None:
    kind = window.path.suffix[1:]
    simulator = build_simulator(subject.project.folder, trace=kind)  # type: ignore[arg-type]
    watch_simulator(
        simulator,
        subject.project.folder / "memories",
        _beats(subject),
        len(subject.images.codes),
        most_cycles=min(subject.most_cycles, window.last + 1),
        window=window,
    )


def _beats(subject: Subject) -> bytes:
    return subject.project.pack(subject.images).tobytes()


ALL: tuple[type[Stage], ...] = (FileStage, SourceStage, FoldedStage, EmulatorStage, HlsStage, RtlStage)
"""All stages, in the order of comparison."""
