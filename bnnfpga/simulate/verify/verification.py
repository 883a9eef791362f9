"""Comparing neighbouring stages, from the source model to the hardware."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.base.output_files import require_writable
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.datasets.arrays import save_npy
from bnnfpga.golden.check import Difference
from bnnfpga.host.images import Images
from bnnfpga.simulate.reference import Reference, Scores
from bnnfpga.simulate.runners.verilator import Window
from bnnfpga.simulate.stream_tensors import source_tensors
from bnnfpga.simulate.verify.beats import Observed, from_tensors
from bnnfpga.simulate.verify.locate import Fault, locate_cycles, locate_value
from bnnfpga.simulate.verify.stages import ALL, FileStage, Result, RtlStage, SourceStage, Stage, StageFailed, Subject

STAGES = tuple(stage.name for stage in ALL)
_MORE_FRAMES = 2
"""Images behind the first wrong one that are watched at first: what comes behind can disturb what came before."""
_TIMED_FRAMES = 16
_MAX_WORK = 4096
_CORRESPONDING = 0.5


@dataclass(frozen=True)
class VerifyResult:
    """Stages in order, and whether each equals the one before it; the first is equal by definition.

    Parameters
    ----------
    stages
        Of each `name`, `equal` and `seconds`.
    ties
        How many decisions of the model lie `on_tie` on these images, of how many `decisions`, also by `layers`; None
        without the stage `file`.
    first_difference
        `stages`, `message`, `wave`, and the fields of `bnnfpga.simulate.verify.locate.Fault`; None where all are equal.
    dumped
        The files that were asked for.
    """

    stages: list[dict[str, Any]]
    first_difference: dict[str, Any] | None
    dumped: list[str]
    ties: dict[str, Any] | None = None

    @property
    def equal(self) -> bool:
        return self.first_difference is None

    def as_dict(self) -> dict[str, Any]:
        """What `bnnfpga verify --json` prints."""
        return {"equal": self.equal, **vars(self)}

    def __str__(self) -> str:
        from bnnfpga.report.tables import verify_table
        from bnnfpga.report.text import as_text

        return as_text(verify_table(self.as_dict()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import verify_table
        from bnnfpga.report.text import as_html

        return as_html(verify_table(self.as_dict()))


@dataclass(frozen=True)
class Wave:
    """A waveform that is wanted around a difference in the RTL: its file, and the cycles on either side."""

    path: Path
    cycles: int


@dataclass(frozen=True)
class Dump:
    """Tensors that are wanted as files: of these layers, in this folder."""

    layers: tuple[str, ...]
    folder: Path


def verify(
    reference: Reference,
    images: Images,
    stages: Sequence[str] | None,
    *,
    streams: bool = False,
    dump: Dump | None = None,
    wave: Wave | None = None,
) -> VerifyResult:
    """See `Project.verify`."""
    chosen = _choose(stages)
    if wave is not None:
        _check_wave(wave, chosen)
    subject = Subject(reference, images)
    wanted = {} if dump is None else _dumped_streams(subject.graph, dump.layers)
    if dump is not None:
        _make_folder(dump.folder)
    report: list[dict[str, Any]] = []
    difference: dict[str, Any] | None = None
    dumped: list[str] = []
    before: tuple[Stage, Scores] | None = None
    for stage in chosen:
        started = time.perf_counter()
        found = _confirm(stage, before, subject)
        if found is None:
            found = _examine(stage, subject, None if before is None else before[1], streams=streams)
        equal = before is None or found.problem is None
        if before is not None and found.problem is not None and difference is None:
            difference = _describe(stage, before[0], subject, found, wave)
        report.append({"name": stage.name, "equal": equal, "seconds": time.perf_counter() - started})
        if dump is not None:
            dumped += _write_dump(stage, subject, wanted, dump.folder)
        if found.outputs is not None:
            before = (stage, found.outputs)
    ties = subject.reading.ties() if any(isinstance(stage, FileStage) for stage in chosen) else None
    return VerifyResult(report, difference, dumped, ties)


@dataclass(frozen=True)
class _Examination:
    """What a stage gave, and what is wrong with it in a sentence; `frame` where that is known."""

    outputs: Scores | None
    problem: str | None = None
    frame: int | None = None
    timing: bool = False
    fault: Fault | None = None


def _confirm(stage: Stage, before: tuple[Stage, Scores] | None, subject: Subject) -> _Examination | None:
    """What follows the file, where the file does not confirm it."""
    if before is None or not isinstance(before[0], FileStage) or subject.reading.difference is None:
        return None
    return _Examination(stage.run(subject).outputs, str(subject.reading.difference), subject.reading.difference.image)


def _examine(stage: Stage, subject: Subject, before: Scores | None, *, streams: bool) -> _Examination:
    """Run a stage and compare it with what the one before it gave."""
    try:
        result = stage.run(subject)
    except StageFailed as error:
        fault = None
        if error.end == "wrong_tlast":
            output = subject.graph.outputs[error.output]
            fault = Fault("last", output.producer, output.name, None, None, None, None, None)
        return _Examination(None, str(error), timing=True, fault=fault)
    outputs = result.outputs
    if before is None:
        return _Examination(outputs)
    shapes, wanted = ([array.shape for array in arrays] for arrays in (outputs, before))
    if shapes != wanted:
        return _Examination(None, f"its outputs are of shape {_listed(shapes)}, not {_listed(wanted)}")
    place = _first_wrong(before, outputs)
    if place is not None:
        fault = _output_fault(subject, before, result, place)
        shown = f"output {place.element}"
        if len(outputs) > 1:
            shown = f"element {place.element} of output {subject.project.outputs[place.output].name!r}"
        problem = f"{shown} of image {place.frame} is {fault.got}, not {fault.expected}"
        return _Examination(outputs, problem, place.frame, fault=fault)
    if result.frame_done is not None:
        predicted = np.array(subject.reference.cycles.done(len(result.frame_done)))
        late = np.flatnonzero(result.frame_done != predicted)
        if len(late):
            frame = int(late[0])
            done, should = int(result.frame_done[frame]), int(predicted[frame])
            problem = f"image {frame} is done {done:,} cycles after the first beat, not {should:,}"
            return _Examination(outputs, problem, frame, timing=True)
    if streams:
        fault = locate_value(subject.graph, subject.tensors, stage.watch(subject)[0])
        if fault is not None:
            return _Examination(outputs, "the outputs are right, but a stream inside is not", fault.frame, fault=fault)
    return _Examination(outputs)


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(map(str, shapes))


class _Place(NamedTuple):
    """Where outputs differ: in which frame, which of them, and at which of its elements as they stream."""

    frame: int
    output: int
    element: int


def _first_wrong(before: Scores, outputs: Scores) -> _Place | None:
    """The first frame in which outputs differ, and there the first place."""
    places = [
        _Place(frame, number, element)
        for number, (expected, got) in enumerate(zip(before, outputs, strict=True))
        for frame, element in np.argwhere(got != expected)[:1].tolist()
    ]
    return min(places, default=None)


def _output_fault(subject: Subject, before: Scores, result: Result, place: _Place) -> Fault:
    """The difference as it shows at an output, where nothing nearer to its cause is found."""
    frame, number, element = place
    stream = subject.graph.outputs[number]
    *pixel, channel = (int(axis) for axis in np.unravel_index(element, stream.shape))
    cycle = None if result.frame_done is None else int(result.frame_done[frame])
    expected, got = int(before[number][frame, element]), int(result.outputs[number][frame, element])
    return Fault("value", None, stream.name, frame, tuple(pixel) or None, channel, expected, got, cycle)


def _describe(stage: Stage, before: Stage, subject: Subject, found: _Examination, wave: Wave | None) -> dict[str, Any]:
    """The first difference as plain data."""
    reading = subject.reading.difference if isinstance(before, FileStage) else None
    if reading is not None:
        return _in_file(before, stage, reading)
    fault, watched = _locate_folding(before, subject), subject
    if fault is None:
        fault, watched = _locate(stage, subject, found)
    written = None
    if wave is not None and isinstance(stage, RtlStage) and fault is not None and fault.cycle is not None:
        work = 0 if fault.unit is None else _work(subject.graph[fault.unit].schedule())
        first, last = max(0, fault.cycle - wave.cycles - work), fault.cycle + wave.cycles
        stage.write_wave(watched, Window(wave.path, first, last))
        written = {"file": str(wave.path), "first_cycle": first, "last_cycle": last}
    fault = fault or Fault("cycles", None, subject.graph.outputs[0].name, found.frame, None, None, None, None)
    return {
        "stages": [before.name, stage.name],
        **fault.as_dict(),
        "wave": written,
        "message": f"{found.problem}; {_sentence(fault)}",
    }


def _in_file(before: Stage, stage: Stage, found: Difference) -> dict[str, Any]:
    """A difference between the file and what it is taken for, at one of the file's nodes."""
    # The file has its batch of one in front, and channels behind that.
    channel, pixel = (*found.element[1:2], None)[0], found.element[2:] or None
    fault = Fault("value", found.node, found.tensor, found.image, pixel, channel, None, None)
    return {
        "stages": [before.name, stage.name],
        **fault.as_dict(),
        "expected": found.expected,
        "got": found.got,
        "wave": None,
        "message": f"{found.node}: {found}",
    }


def _locate_folding(before: Stage, subject: Subject) -> Fault | None:
    """Behind the source: the first unit whose meaning is not that of the model's layer."""
    if not isinstance(before, SourceStage):
        return None
    graph = subject.graph
    expected = {}
    for stream, tensor in source_tensors(subject.reference.golden, subject.graph, subject.images).items():
        # Where most of it differs, the model counts in other integers there, and nothing follows.
        if np.mean(tensor == subject.tensors[stream]) >= _CORRESPONDING:
            expected[stream] = tensor
    observed = {stream: tensor for stream, tensor in subject.tensors.items() if stream in expected}
    return locate_value(graph, subject.tensors | expected, from_tensors(observed))


def _locate(stage: Stage, subject: Subject, found: _Examination) -> tuple[Fault | None, Subject]:
    """The fault nearest to its cause, and the images that show it."""
    few = _TIMED_FRAMES if found.frame is None else found.frame + 1 + _MORE_FRAMES
    if found.timing and found.frame is not None:
        few = max(few, _TIMED_FRAMES)
    everything = len(subject.images.codes)
    for frames in dict.fromkeys((min(few, everything), everything)):
        fewer = subject.first(frames)
        observed, cycles = stage.watch(fewer)
        fault = locate_value(fewer.graph, fewer.tensors, observed)
        if fault is None and found.fault is not None and found.fault.kind == "last":
            fault = found.fault
        if fault is None and cycles is not None and found.timing:
            fault = locate_cycles(fewer.graph, observed, cycles)
        if fault is not None:
            return fault, fewer
    return found.fault, subject


def _work(schedule: Schedule) -> int:
    """About how many cycles a unit works at one beat of its output: what a waveform must show in front of it."""
    ends = np.cumsum([event.gap for event in schedule.events])
    emitting = [int(end) for end, event in zip(ends, schedule.events, strict=True) if any(event.emit)]
    apart = max((after - before for before, after in pairwise([0, *emitting])), default=0)
    return min(_MAX_WORK, apart + schedule.latency)


def _sentence(fault: Fault) -> str:
    """What is wrong with a unit, in words."""
    unit = fault.unit or "the accelerator's boundary"
    if fault.kind == "beats":
        return f"{unit} makes {fault.got} beats of {fault.stream} in frame {fault.frame}, not {fault.expected}"
    if fault.kind == "last":
        return f"{unit} marks the wrong beat as a frame's last"
    if fault.kind == "cycles":
        if fault.unit is None:
            return "each unit keeps the cycles that its schedule says"
        if fault.got is None:
            return f"{unit} never moves the beat of {fault.stream} that its schedule moves in cycle {fault.expected:,}"
        due = "too early" if fault.expected is None else f"instead of cycle {fault.expected:,}"
        return f"{unit} moves a beat of {fault.stream} in cycle {fault.got:,}, {due}"
    place = f"channel {fault.channel}" + ("" if fault.pixel is None else f" of pixel {fault.pixel}")
    text = f"{unit} gives {fault.got}, not {fault.expected}, for {place} of frame {fault.frame}"
    if fault.accumulator is not None:
        text += f"; it decides that from {fault.accumulator}"
        if fault.threshold is not None:
            side = "reaches" if fault.accumulator >= fault.threshold else "is below"
            text += f", which {side} the threshold {fault.threshold}"
    return text


# -- what is asked for -------------------------------------------------------------------------------------------------


def _choose(stages: Sequence[str] | None) -> list[Stage]:
    for name in stages or ():
        if name not in STAGES:
            raise UserError(f"there is no stage {name!r}", where="--stages", hint=f"stages are {', '.join(STAGES)}")
    chosen = [kind() for kind in ALL if stages is None or kind.name in stages]
    if stages is None:
        chosen = [stage for stage in chosen if stage.is_here()]
    if len(chosen) < 2:
        raise UserError("there is nothing to compare", where="--stages", hint="name two stages or more")
    return chosen


def _check_wave(wave: Wave, chosen: Sequence[Stage]) -> None:
    if wave.path.suffix not in (".vcd", ".fst"):
        raise UserError(
            f"{wave.path} is not a waveform file", where="--wave", hint="give a name that ends in .vcd or .fst"
        )
    if not any(isinstance(stage, RtlStage) for stage in chosen):
        raise UserError("a waveform needs the stage rtl", where="--wave", hint="add it to --stages")
    if wave.cycles < 1:
        raise UserError(f"{wave.cycles} cycles are not a window", where="--wave-cycles", hint="give at least 1")
    require_writable(wave.path)


def _dumped_streams(graph: Graph, layers: Sequence[str]) -> dict[str, str]:
    """For each layer's file the stream that it holds: the unit's output, or the stream of that name."""
    wanted: dict[str, str] = {}
    streams = [stream.name for stream in graph.streams]
    units = [operator.name for operator in graph.operators]
    for layer in layers:
        if layer in streams:
            wanted[layer] = layer
        elif layer in units:
            made = graph.outputs_of(layer)
            # What a fork makes is all the same.
            wanted.update({layer if len(made) == 1 else stream.name: stream.name for stream in made})
        else:
            close = get_close_matches(layer, [*units, *streams], n=1)
            raise UserError(
                f"no layer is called {layer!r}" + (f"; did you mean {close[0]!r}?" if close else ""),
                where="--dump",
                hint=f"units are called like {units[-2]}, streams like {streams[min(1, len(streams) - 1)]}; "
                "project.json has all of them as `layers`",
            )
    return wanted


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder cannot be made: {error.strerror}", where=str(folder), hint="name one whose parent exists"
        ) from error


def _write_dump(stage: Stage, subject: Subject, wanted: Mapping[str, str], folder: Path) -> list[str]:
    observed: Observed = stage.watch(subject)[0]
    streams = {stream.name: stream for stream in subject.graph.streams}
    written = []
    for layer, stream in wanted.items():
        if stream in observed:
            path = folder / f"{layer}.{stage.name}.npy"
            save_npy(path, observed[stream].tensor(streams[stream]))
            written.append(str(path))
    return written
