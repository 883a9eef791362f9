"""Line buffers, which keep the beats of a stream until their last use (docs/dataflow.md, section 6)."""

from __future__ import annotations

import numpy as np

from bnnfpga.dataflow.block_ram import block_memory
from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.lut_memory import written_memory
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.resources import memory_terms
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntArray

_BLOCK_BITS = 8192
"""Size of a line buffer in bits above which block RAM is cheaper than LUTs."""
_REGISTERS = 256
"""Size in bits above which block RAM is cheaper than registers with their multiplexers."""


def buffer_depth(need: IntArray, release: IntArray, arriving: int, leaving: int) -> int:
    """The smallest depth of a line buffer, in beats, with which neither side waits.

    Computed for beats that arrive and groups of beats that leave, each at a constant rate, with one frame of both in
    the same time and groups as early as their beats allow; the buffer holds beats from arrival to their last use.

    Parameters
    ----------
    need
        For each group that is sent (a window, a pixel), the number of beats of the frame that must have arrived.
    release
        For each group, the number of beats of the frame that no later group needs.
    arriving, leaving
        Beats per frame that arrive and that are sent.
    """
    groups = len(need)
    period = max(arriving, leaving)
    frames = np.arange(3)
    came = (frames[:, None] * period + np.arange(arriving) * (period / arriving)).reshape(-1)
    due = (frames[:, None] * period + np.arange(groups) * (period / groups)).reshape(-1)
    # The delay after which the last beat that each group needs has arrived in time.
    absolute = (frames[:, None] * arriving + need).reshape(-1)
    wait = max(0.0, float((came[np.maximum(absolute - 1, 0)] + 1 - due).max()))
    gone = due + wait + period / groups
    released = np.concatenate([[0], (frames[:, None] * arriving + release).reshape(-1)])
    held = np.arange(len(came)) + 1 - released[np.searchsorted(gone, came, side="right")]
    return max(int(held.max()), int((need - np.concatenate([[0], release[:-1]])).max())) + 1


def buffer_kind(width: int, depth: int, target: Target) -> MemoryKind:
    """The kind of memory for `depth` beats of `width` bits: the cheaper, or the only one that is fast enough.

    A deep memory of LUTs of 4 inputs is mostly multiplexers. Where LUTs are no memories, it is of registers.
    """
    if target.memory_luts(depth, width) == depth * width:
        return "block" if depth * width > _REGISTERS else "distributed"
    if target.lut_inputs == 4:
        return "block" if depth > 32 and depth * width > 1024 else "distributed"
    return "block" if depth * width > _BLOCK_BITS and depth > 64 else "distributed"


def buffer_levels(width: int, depth: int, target: Target) -> int:
    """Logic levels of reading the buffer (`Target.levels`), from its address, or from the clock in block RAM."""
    if buffer_kind(width, depth, target) == "block":
        return target.block_levels
    return 2 + max(0, (depth - 1).bit_length() - (6 if target.lut_inputs == 6 else 4))


def buffer_slots(width: int, depth: int, target: Target) -> int:
    """The beats of the memory for `depth` beats of `width` bits: a power of two where that costs little or nothing.

    Its addresses need no comparison, which is worth about as many LUTs as an address has bits, twice.
    """
    slots = 1 << (depth - 1).bit_length()
    if buffer_kind(width, depth, target) == "block":
        costs = [block_memory(beats, width, target.family, written=True).blocks for beats in (depth, slots)]
        return slots if costs[0] == costs[1] else depth
    granule = 64 if target.lut_inputs == 6 else 16
    more = width * (-(-slots // granule) - -(-depth // granule)) * 4 // 3
    return slots if more <= 2 * slots.bit_length() else depth


def buffer_terms(width: int, slots: int, kind: MemoryKind, target: Target) -> CostTerms:
    """The memory of a line buffer."""
    if kind == "block":
        return memory_terms(slots, width, "block", target.family, written=True)
    return written_memory(slots, width, target.family)
