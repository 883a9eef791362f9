"""Estimates of FPGA resources, good enough to rank foldings."""

from __future__ import annotations

from collections.abc import Mapping

from bnnfpga.dataflow.block_ram import block_memory
from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.memory_kinds import MemoryKind

RESOURCES = ("lut", "ff", "bram18", "dsp")
"""The resources that are estimated: LUTs, flip-flops, block RAMs, and DSP slices of the family.

Block RAMs are counted in the smallest blocks of the family: of 18 kbit, a RAMB36 being two, but of iCE40 of 4 kbit. DSP
slices are DSP48, multipliers of 18 x 18 bits of ECP5, and of 9 x 9 bits of Gowin.
"""
_LUTS_PER_DSP = 60
"""Cost of a DSP slice in LUTs: about an 8 by 8 bit multiplier."""
LUTS_PER_BRAM18 = 100
"""Cost of a block RAM in LUTs, from their ratio in FPGAs: 53 to 380, on iCE40 80 to 240."""


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


def memory_terms(words: int, bits: int, kind: MemoryKind, family: str, *, written: bool = False) -> CostTerms:
    """A memory of words of so many bits that are not constant, `written` unless only read; a single word is free."""
    if words == 1:
        return CostTerms()
    if kind == "distributed":
        return CostTerms({"rom.tables": bits * -(-words // 64)})
    return CostTerms(bram18=block_memory(words, bits, family, written=written).blocks)


def cheaper_memory(words: int, bits: int) -> MemoryKind:
    """The kind of memory that costs less, on a 7-series FPGA."""
    if words == 1:
        return "distributed"
    blocks = block_memory(words, bits, "xc7").blocks
    return "block" if LUTS_PER_BRAM18 * blocks < bits * -(-words // 64) else "distributed"


def add_resources(*parts: Mapping[str, int]) -> dict[str, int]:
    """The sum of estimates, with an entry for each of `RESOURCES`."""
    return {kind: sum(part.get(kind, 0) for part in parts) for kind in RESOURCES}


def area(resources: Mapping[str, int], luts_per_bram18: float = 0) -> float:
    """LUTs, flip-flops, DSP slices and, with a cost, block RAMs as one number, in LUTs."""
    logic = resources.get("lut", 0) + 0.25 * resources.get("ff", 0) + _LUTS_PER_DSP * resources.get("dsp", 0)
    return logic + luts_per_bram18 * resources.get("bram18", 0)
