"""Walking the chain from the source model to the hardware, neighbour by neighbour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnnfpga.errors import UserError
from bnnfpga.images import Images
from bnnfpga.integers import IntArray
from bnnfpga.project import Project
from bnnfpga.simulate.hls_headers import find_headers
from bnnfpga.simulate.project_graph import project_graph
from bnnfpga.simulate.run import golden_scores, run_hls, run_rtl

STAGES = ("source", "folded", "hls", "rtl")


@dataclass(frozen=True)
class VerifyResult:
    """Stages in order, and whether each equals the one before it; the first is equal by definition."""

    stages: list[dict[str, Any]]
    first_difference: dict[str, Any] | None

    @property
    def equal(self) -> bool:
        return self.first_difference is None

    def as_dict(self) -> dict[str, Any]:
        """What `bnnfpga verify --json` prints."""
        return {"equal": self.equal, "stages": self.stages, "first_difference": self.first_difference}

    def __str__(self) -> str:
        from bnnfpga.report.tables import verify_table
        from bnnfpga.report.text import as_text

        return as_text(verify_table(self.as_dict()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import verify_table
        from bnnfpga.report.text import as_html

        return as_html(verify_table(self.as_dict()))


def verify(project: Project, images: Images, stages: Sequence[str] | None) -> VerifyResult:
    """See `Project.verify`."""
    if stages is None:
        chosen = [stage for stage in STAGES if stage != "hls" or _has_headers()]
    else:
        for stage in stages:
            if stage not in STAGES:
                raise UserError(
                    f"there is no stage {stage!r}", where="--stages", hint=f"stages are {', '.join(STAGES)}"
                )
        chosen = [stage for stage in STAGES if stage in stages]
    if len(chosen) < 2:
        raise UserError("there is nothing to compare", where="--stages", hint="name two stages or more")
    runners: dict[str, Callable[[], tuple[IntArray, IntArray | None]]] = {
        "source": lambda: (golden_scores(project, images), None),
        "folded": lambda: (_run_folded(project, images), None),
        "hls": lambda: (run_hls(project, images)[0], None),
        "rtl": lambda: _run_rtl(project, images),
    }
    report: list[dict[str, Any]] = []
    difference = None
    before: IntArray | None = None
    for index, stage in enumerate(chosen):
        scores, done = runners[stage]()
        equal = before is None or np.array_equal(before, scores)
        report.append({"name": stage, "equal": equal})
        if not equal and difference is None:
            assert before is not None
            difference = _locate(project, chosen[index - 1 : index + 1], before, scores, done)
        before = scores
    return VerifyResult(report, difference)


def _has_headers() -> bool:
    try:
        find_headers()
    except UserError:
        return False
    return True


def _run_folded(project: Project, images: Images) -> IntArray:
    graph = project_graph(project)
    return graph.execute(images.codes)[graph.output.name].reshape(len(images.codes), -1)


def _run_rtl(project: Project, images: Images) -> tuple[IntArray, IntArray | None]:
    scores, run, _ = run_rtl(project, images)
    return scores, run.frame_done


def _locate(
    project: Project, stages: Sequence[str], expected: IntArray, got: IntArray, done: IntArray | None
) -> dict[str, Any]:
    """The first frame and channel of the output that differ."""
    frame, channel = (int(index) for index in np.argwhere(expected != got)[0])
    return {
        "stages": list(stages),
        "unit": project.description["layers"][-1]["name"],
        "frame": frame,
        "channel": channel,
        "pixel": None,
        "expected": int(expected[frame, channel]),
        "got": int(got[frame, channel]),
        "cycle": None if done is None else int(done[frame]),
    }
