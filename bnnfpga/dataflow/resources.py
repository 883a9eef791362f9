"""Estimates of what a unit takes in an FPGA; they rank foldings."""

from __future__ import annotations

from collections.abc import Mapping

from bnnfpga.dataflow.hardware import MemoryKind

RESOURCES = ("lut", "ff", "bram18", "dsp")
"""What estimates count: 6-input LUTs, flip-flops, block RAMs of 18 kbit, DSP slices."""
_BRAM18 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words and bits of a word that one block RAM can have."""
_DSP_PRODUCT = 9
"""Bits of a product from which synthesis takes a DSP slice for it (Yosys' synth_xilinx does)."""


def queue_resources(width: int, depth: int) -> dict[str, int]:
    """Estimate of a queue: an output register and LUT memory of 32 words each."""
    counters = 3 * max(1, depth.bit_length())
    return {"lut": width * -(-(depth - 1) // 32) + 2 * counters, "ff": width + counters}


def memory_resources(words: int, width: int, kind: MemoryKind) -> dict[str, int]:
    """Estimate of a read-only memory; one word is no memory."""
    if words == 1:
        return {}
    if kind == "distributed":
        return {"lut": width * -(-words // 64)}
    return {"bram18": min(-(-words // deep) * -(-width // wide) for deep, wide in _BRAM18)}


def multiplier_resources(bits: int, other_bits: int, count: int = 1) -> dict[str, int]:
    """Estimate of multipliers of two signed numbers: LUTs for narrow products, else DSP slices of 25 x 18 bits."""
    if bits + other_bits - 1 < _DSP_PRODUCT:
        return {"lut": count * bits * other_bits}
    return {"dsp": count * -(-max(bits, other_bits) // 25) * -(-min(bits, other_bits) // 18)}


def add_resources(*parts: Mapping[str, int]) -> dict[str, int]:
    """Sum by kind, over all of `RESOURCES`."""
    return {kind: sum(part.get(kind, 0) for part in parts) for kind in RESOURCES}
