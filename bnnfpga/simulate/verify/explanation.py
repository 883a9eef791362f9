"""The first difference between two stages: the fault nearest to its cause, as plain data and in words."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from bnnfpga.dataflow.schedule import Schedule
from bnnfpga.golden.check import Difference
from bnnfpga.simulate.runners.verilator import WaveformWindow
from bnnfpga.simulate.verify.beats import from_tensors
from bnnfpga.simulate.verify.examination import Examination
from bnnfpga.simulate.verify.locate import Fault, locate_cycles, locate_value
from bnnfpga.simulate.verify.requests import Wave
from bnnfpga.simulate.verify.stages import Stage, Subject

_MORE_FRAMES = 2
"""The number of images watched behind the first wrong one: a later image can disturb an earlier one."""
_TIMED_FRAMES = 16
_MAX_WORK = 4096
_CORRESPONDING = 0.5


def describe_difference(
    stage: Stage, before: Stage, subject: Subject, found: Examination, wave: Wave | None
) -> dict[str, Any]:
    """The first difference as plain data."""
    reading = subject.reading.difference if before.reads_file else None
    if reading is not None:
        return _in_file(before, stage, reading)
    fault, watched = _locate_folding(before, subject), subject
    if fault is None:
        fault, watched = _locate(stage, subject, found)
    written = None
    if wave is not None and stage.write_wave is not None and fault is not None and fault.cycle is not None:
        work = 0 if fault.unit is None else _work(subject.graph[fault.unit].schedule())
        first, last = max(0, fault.cycle - wave.cycles - work), fault.cycle + wave.cycles
        stage.write_wave(watched, WaveformWindow(wave.path, first, last))
        written = {"file": str(wave.path), "first_cycle": first, "last_cycle": last}
    fault = fault or Fault("cycles", None, subject.graph.outputs[0].name, found.frame, None, None, None, None)
    return {
        "stages": [before.name, stage.name],
        **fault.as_dict(),
        "wave": written,
        "message": f"{found.problem}; {_sentence(fault)}",
    }


def _in_file(before: Stage, stage: Stage, found: Difference) -> dict[str, Any]:
    """A difference between the file and its golden model, at one of the file's nodes."""
    # The file has its batch of one first, then channels.
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
    """Behind a stage that knows the layers: the first unit that computes something else than the model's layer."""
    layer_tensors = before.layer_tensors(subject)
    if not layer_tensors:
        return None
    graph = subject.graph
    expected = {}
    for stream, tensor in layer_tensors.items():
        # Where most of it differs, the model uses other integers for that tensor, which proves nothing.
        if np.mean(tensor == subject.tensors[stream]) >= _CORRESPONDING:
            expected[stream] = tensor
    observed = {stream: tensor for stream, tensor in subject.tensors.items() if stream in expected}
    return locate_value(graph, subject.tensors | expected, from_tensors(graph, observed))


def _locate(stage: Stage, subject: Subject, found: Examination) -> tuple[Fault | None, Subject]:
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
    """About how many cycles a unit works on one output beat, which a waveform must show in front of it."""
    ends = np.cumsum([event.gap for event in schedule.events])
    emitting = [int(end) for end, event in zip(ends, schedule.events, strict=True) if any(event.emit)]
    apart = max((after - before for before, after in pairwise([0, *emitting])), default=0)
    return min(_MAX_WORK, apart + schedule.latency)


def _sentence(fault: Fault) -> str:
    """A fault in words."""
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
