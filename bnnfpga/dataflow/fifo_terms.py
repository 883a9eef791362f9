"""The parts of queues whose beats come from ports or registers (`rtl/bnn_fifo.sv`, `rtl/bnn_output_queue.sv`).

Where they come from logic, the choice between a new beat and a waiting one is part of that logic, and costs less
(`bnnfpga.dataflow.resources.queue_terms`).
"""

from __future__ import annotations

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.lut_memory import written_memory
from bnnfpga.dataflow.resources import memory_terms

_LARGEST_SHORT = 64
"""Beats of the longest queue that copies beats that pass straight to its slots."""
_FREE_SLOTS = 16
"""Slots up to which a memory has a power of two of them."""


def fifo_terms(width: int, depth: int, family: str, *, reserved: bool = False) -> CostTerms:
    """A queue whose beats may pass straight to its output register; `reserved` if it need not say that it is full."""
    slots = depth - 1
    level = depth.bit_length() + (0 if reserved else 1)
    if slots <= 2:
        # One of two beats, or of three.
        choice = "fifo.choices_2" if slots == 1 else "fifo.choices_3"
        return CostTerms({"fifo.control": level, choice: width}, {"fifo.bits": (1 + slots) * width + level})
    pointer = (slots - 1).bit_length()
    deep = 1 << pointer if slots <= _FREE_SLOTS else slots
    wraps = 0 if deep == 1 << pointer else 2 * pointer
    ways = 1 if depth <= _LARGEST_SHORT else 2
    own = CostTerms(
        {"fifo.control": level, "fifo.counters": 2 * pointer, "fifo.wraps": wraps, "fifo.choices_2": ways * width},
        {"fifo.bits": width + level + 2 * pointer},
    )
    return add_terms(own, written_memory(deep, width, family))


def memory_fifo_terms(width: int, depth: int, stages: int, family: str) -> CostTerms:
    """A queue through which all beats take the same way: a LUT memory with two stages, block RAM with three."""
    slots = depth - stages + 1
    pointer, level = (slots - 1).bit_length(), depth.bit_length()
    own = CostTerms(
        {
            "fifo.memory_control": 1,
            "fifo.levels": 2 * level,
            "fifo.counters": 2 * pointer,
            "fifo.wraps": 0 if slots == 1 << pointer else 2 * pointer,
        },
        {"fifo.bits": width + 2 * pointer + 2 * level + stages},
    )
    if stages == 3:
        return add_terms(own, memory_terms(slots, width, "block", family, written=True))
    return add_terms(own, written_memory(slots, width, family))


def output_queue_terms(width: int, depth: int, family: str) -> CostTerms:
    """A queue for what a pipeline that never stalls sends, and the count of its free places."""
    credits = depth.bit_length()
    return add_terms(
        fifo_terms(width, depth, family, reserved=True), CostTerms({"fifo.credits": credits}, {"fifo.bits": credits})
    )
