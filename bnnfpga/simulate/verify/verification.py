"""Comparing neighbouring stages, from the source model to the hardware."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bnnfpga.host.images import Images
from bnnfpga.simulate.reference import Reference, Scores
from bnnfpga.simulate.verify.examination import confirm, examine
from bnnfpga.simulate.verify.explanation import describe_difference
from bnnfpga.simulate.verify.requests import (
    Dump,
    Wave,
    check_wave,
    choose_stages,
    dumped_streams,
    make_folder,
    write_dump,
)
from bnnfpga.simulate.verify.stages import Stage, Subject
from bnnfpga.simulate.verify.verify_result import VerifyResult


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
    chosen = choose_stages(stages)
    if wave is not None:
        check_wave(wave, chosen)
    subject = Subject(reference, images)
    wanted = {} if dump is None else dumped_streams(subject.graph, dump.layers)
    if dump is not None:
        make_folder(dump.folder)
    report: list[dict[str, Any]] = []
    difference: dict[str, Any] | None = None
    dumped: list[str] = []
    before: tuple[Stage, Scores] | None = None
    for stage in chosen:
        started = time.perf_counter()
        found = confirm(stage, before, subject)
        if found is None:
            found = examine(stage, subject, None if before is None else before[1], streams=streams)
        equal = before is None or found.problem is None
        if before is not None and found.problem is not None and difference is None:
            difference = describe_difference(stage, before[0], subject, found, wave)
        report.append({"name": stage.name, "equal": equal, "seconds": time.perf_counter() - started})
        if dump is not None:
            dumped += write_dump(stage, subject, wanted, dump.folder)
        if found.outputs is not None:
            before = (stage, found.outputs)
    ties = subject.reading.ties() if any(stage.reads_file for stage in chosen) else None
    return VerifyResult(report, difference, dumped, ties)
