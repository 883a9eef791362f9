"""One stage, compared with the stage before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bnnfpga.simulate.reference import Scores
from bnnfpga.simulate.verify.locate import Fault, locate_value
from bnnfpga.simulate.verify.stages import FileStage, Result, Stage, StageFailed, Subject


@dataclass(frozen=True)
class Examination:
    """A stage's outputs and, in a sentence, what is wrong with them; `frame` where it is known."""

    outputs: Scores | None
    problem: str | None = None
    frame: int | None = None
    timing: bool = False
    fault: Fault | None = None


def confirm(stage: Stage, before: tuple[Stage, Scores] | None, subject: Subject) -> Examination | None:
    """The examination of the stage behind `file`, if the file does not confirm it."""
    if before is None or not isinstance(before[0], FileStage) or subject.reading.difference is None:
        return None
    return Examination(stage.run(subject).outputs, str(subject.reading.difference), subject.reading.difference.image)


def examine(stage: Stage, subject: Subject, before: Scores | None, *, streams: bool) -> Examination:
    """Run a stage and compare it with the outputs of the stage before it."""
    try:
        result = stage.run(subject)
    except StageFailed as error:
        fault = None
        if error.end == "wrong_tlast":
            output = subject.graph.outputs[error.output]
            fault = Fault("last", output.producer, output.name, None, None, None, None, None)
        return Examination(None, str(error), timing=True, fault=fault)
    outputs = result.outputs
    if before is None:
        return Examination(outputs)
    shapes, wanted = ([array.shape for array in arrays] for arrays in (outputs, before))
    if shapes != wanted:
        return Examination(None, f"its outputs are of shape {_listed(shapes)}, not {_listed(wanted)}")
    place = _first_wrong(before, outputs)
    if place is not None:
        fault = _output_fault(subject, before, result, place)
        shown = f"output {place.element}"
        if len(outputs) > 1:
            shown = f"element {place.element} of output {subject.project.outputs[place.output].name!r}"
        problem = f"{shown} of image {place.frame} is {fault.got}, not {fault.expected}"
        return Examination(outputs, problem, place.frame, fault=fault)
    if result.frame_done is not None:
        predicted = np.array(subject.reference.cycles.done(len(result.frame_done)))
        late = np.flatnonzero(result.frame_done != predicted)
        if len(late):
            frame = int(late[0])
            done, should = int(result.frame_done[frame]), int(predicted[frame])
            problem = f"image {frame} is done {done:,} cycles after the first beat, not {should:,}"
            return Examination(outputs, problem, frame, timing=True)
    if streams:
        fault = locate_value(subject.graph, subject.tensors, stage.watch(subject)[0])
        if fault is not None:
            return Examination(outputs, "the outputs are right, but a stream inside is not", fault.frame, fault=fault)
    return Examination(outputs)


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    return " and ".join(map(str, shapes))


class _OutputPlace(NamedTuple):
    """Where outputs differ: the frame, the output, and the element in stream order."""

    frame: int
    output: int
    element: int


def _first_wrong(before: Scores, outputs: Scores) -> _OutputPlace | None:
    """The first difference in the first frame that has one."""
    places = [
        _OutputPlace(frame, number, element)
        for number, (expected, got) in enumerate(zip(before, outputs, strict=True))
        for frame, element in np.argwhere(got != expected)[:1].tolist()
    ]
    return min(places, default=None)


def _output_fault(subject: Subject, before: Scores, result: Result, place: _OutputPlace) -> Fault:
    """The difference as seen at an output, for want of anything nearer to its cause."""
    frame, number, element = place
    stream = subject.graph.outputs[number]
    *pixel, channel = (int(axis) for axis in np.unravel_index(element, stream.shape))
    cycle = None if result.frame_done is None else int(result.frame_done[frame])
    expected, got = int(before[number][frame, element]), int(result.outputs[number][frame, element])
    return Fault("value", None, stream.name, frame, tuple(pixel) or None, channel, expected, got, cycle)
