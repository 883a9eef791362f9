"""Estimates of FPGA resources, good enough to rank foldings."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.memory_kinds import MemoryKind

RESOURCES = ("lut", "ff", "bram18", "dsp")
"""The resources that are estimated: 6-input LUTs, flip-flops, block RAMs of 18 kbit, DSP slices."""
_BRAM18 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""The shapes of one block RAM: words, and bits per word."""
_LUTS_PER_DSP = 60
"""Cost of a DSP slice in LUTs: about an 8 by 8 bit multiplier."""
LUTS_PER_BRAM18 = 100
"""Cost of a block RAM in LUTs, from their ratio in FPGAs."""


_QUEUE_REGISTERS = 2
"""Beats beside the output register for which a queue has registers, not a memory."""


def queue_terms(width: int, depth: int, *, held: bool = False) -> CostTerms:
    """An output queue; `held` if of two beats one may wait where it comes from (`rtl/bnn_output_queue.sv`)."""
    counter = depth.bit_length()
    if held and depth == 2:
        return CostTerms({"queue.counters": counter}, {"queue.bits": width + counter + 2})
    slots = depth - 1
    if slots <= _QUEUE_REGISTERS:
        return CostTerms(
            {"queue.counters": 2 * counter, "queue.bypass": width},
            {"queue.bits": (1 + slots) * width + 2 * counter},
        )
    pointers = 2 * (slots - 1).bit_length()
    return CostTerms(
        {"queue.counters": 2 * counter + pointers, "queue.bypass": width, "queue.memory": width * -(-slots // 32)},
        {"queue.bits": width + 2 * counter + pointers},
    )


def memory_terms(words: int, width: int, kind: MemoryKind) -> CostTerms:
    """A read-only memory; a single word is free."""
    if words == 1:
        return CostTerms()
    if kind == "distributed":
        return CostTerms({"rom.tables": width * -(-words // 64)})
    return CostTerms(bram18=memory_blocks(words, width))


def memory_blocks(words: int, width: int) -> int:
    """Block RAMs of a read-only memory."""
    return min(-(-words // deep) * -(-width // wide) for deep, wide in _BRAM18)


def direct_blocks(words: int, width: int) -> float:
    """Block RAMs of 18 kbit of a memory whose bits are in one each; infinite if that has too few words."""
    return min((-(-width // wide) for deep, wide in _BRAM18 if words <= deep), default=math.inf if width else 0)


def is_direct(words: int, width: int) -> bool:
    """Whether synthesis gives each bit of a memory to one block RAM, since several with fewer words are not smaller.

    Those may have all bits, or those that fill them.
    """
    shared = (
        bits // wide * -(-words // deep) + direct_blocks(words, width - min(width, bits // wide * wide))
        for deep, wide in _BRAM18
        for bits in (width, width + wide - 1)
    )
    return direct_blocks(words, width) <= min(shared)


def cheaper_memory(words: int, width: int) -> MemoryKind:
    """The kind of memory that costs less."""
    if words == 1:
        return "distributed"
    return "block" if LUTS_PER_BRAM18 * memory_blocks(words, width) < width * -(-words // 64) else "distributed"


def add_resources(*parts: Mapping[str, int]) -> dict[str, int]:
    """The sum of estimates, with an entry for each of `RESOURCES`."""
    return {kind: sum(part.get(kind, 0) for part in parts) for kind in RESOURCES}


def area(resources: Mapping[str, int], luts_per_bram18: float = 0) -> float:
    """LUTs, flip-flops, DSP slices and, with a cost, block RAMs as one number, in LUTs."""
    logic = resources.get("lut", 0) + 0.25 * resources.get("ff", 0) + _LUTS_PER_DSP * resources.get("dsp", 0)
    return logic + luts_per_bram18 * resources.get("bram18", 0)
