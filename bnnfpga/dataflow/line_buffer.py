"""Buffers that keep the beats of a stream until they have been sent for the last time (docs/dataflow.md, section 6)."""

from __future__ import annotations

import numpy as np

from bnnfpga.dataflow.hardware import MemoryKind
from bnnfpga.dataflow.resources import add_resources, memory_resources
from bnnfpga.numbers.integers import IntArray

_BLOCK_BITS = 8192
"""Bits of a line buffer from which block RAM is cheaper than LUTs."""


def buffer_depth(need: IntArray, release: IntArray, arriving: int, leaving: int) -> int:
    """The fewest beats of a line buffer with which nobody waits.

    Found by letting beats come at one pace and groups of beats leave at another, a frame of both in the same time,
    groups as early as their beats allow; the buffer holds what has come and is still needed.

    Parameters
    ----------
    need
        For each group that is sent (a window, a pixel), how many beats of the frame must have come.
    release
        How many beats of the frame nobody needs behind it.
    arriving, leaving
        Beats of a frame that come, and that are sent.
    """
    groups = len(need)
    period = max(arriving, leaving)
    frames = np.arange(3)
    came = (frames[:, None] * period + np.arange(arriving) * (period / arriving)).reshape(-1)
    due = (frames[:, None] * period + np.arange(groups) * (period / groups)).reshape(-1)
    # How much later groups must start so that the last beat that each needs is there.
    absolute = (frames[:, None] * arriving + need).reshape(-1)
    wait = max(0.0, float((came[np.maximum(absolute - 1, 0)] + 1 - due).max()))
    gone = due + wait + period / groups
    released = np.concatenate([[0], (frames[:, None] * arriving + release).reshape(-1)])
    held = np.arange(len(came)) + 1 - released[np.searchsorted(gone, came, side="right")]
    return max(int(held.max()), int((need - np.concatenate([[0], release[:-1]])).max())) + 1


def buffer_kind(width: int, depth: int) -> MemoryKind:
    """The cheaper memory for so many beats of so many bits."""
    return "block" if depth * width > _BLOCK_BITS and depth > 64 else "distributed"


def buffer_resources(width: int, depth: int, copies: int = 1) -> dict[str, int]:
    """Estimate of a buffer from which `copies` beats are read at a time."""
    if buffer_kind(width, depth) == "block":
        return add_resources(*[memory_resources(depth, width, "block")] * copies)
    return {"lut": copies * width * -(-depth // 64) * 4 // 3}
