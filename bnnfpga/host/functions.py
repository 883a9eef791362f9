"""The float functions of the host, as `functions.json` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bnnfpga.arithmetic import OPERATIONS, Floats, Step


def evaluate(steps: Sequence[Mapping[str, Any]], x: Floats) -> Floats:
    """Apply steps to float32 (frames, elements), one float32 operation each.

    A step has an `operation` (`bnnfpga.arithmetic`) and, where that takes one, a `constant`: a list of one number or
    of one for each element; for `count`, of one list of thresholds or of one for each element.
    """
    with np.errstate(all="ignore"):
        for step in steps:
            x = OPERATIONS[step["operation"]](x, np.asarray(step.get("constant", 0), dtype=np.float32))
    return x


def steps_as_data(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Steps as `evaluate` takes them; constants are written as the exact decimals of their float32 values."""
    return [
        {"operation": step.operation}
        if step.constant is None
        else {"operation": step.operation, "constant": np.atleast_1d(step.constant).tolist()}
        for step in steps
    ]
