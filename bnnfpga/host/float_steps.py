"""The host's float functions, as `functions.json` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps


def evaluate(steps: Sequence[Mapping[str, Any]], x: Floats) -> Floats:
    """Apply steps to float32 (frames, elements), one float32 operation or function each.

    A step has an `operation` (`bnnfpga.numbers.arithmetic`) and, where that takes one, a `constant`: a list of one
    number or of one for each element; for `count`, of one list of thresholds or of one for each element. The `numbers`
    of a function are its own. Where both operands come from the same element, `branches` has the steps to each of them.
    """
    return apply_steps(steps_of_data(steps), x)


def steps_as_data(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps as plain data for `evaluate`; constants are the exact decimals of their float32 values."""
    written = []
    for step in steps:
        data: dict[str, Any] = {"operation": step.operation}
        if step.constant is not None:
            data["constant"] = np.atleast_1d(step.constant).tolist()
        if step.numbers:
            data["numbers"] = list(step.numbers)
        if step.branches:
            data["branches"] = [steps_as_data(branch) for branch in step.branches]
        written.append(data)
    return written


def steps_of_data(steps: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The inverse of `steps_as_data`."""
    return tuple(
        Step(
            step["operation"],
            np.asarray(step["constant"], dtype=np.float32) if "constant" in step else None,
            tuple(step.get("numbers", ())),
            tuple(map(steps_of_data, step.get("branches", ()))),
        )
        for step in steps
    )
