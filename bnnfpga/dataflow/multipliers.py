"""Multipliers, as Yosys makes them in each family: of DSP blocks from some width on, else of lookup tables."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.cost_terms import CostTerms


@dataclass(frozen=True)
class DspMultiplier:
    """A family's DSP block as a multiplier of signed numbers: the widths of both, and the least that Yosys gives it.

    Parameters
    ----------
    widths
        Of the wider and the narrower number.
    least, least_product
        Bits of the narrower number, and of the product, from which a product is in DSP blocks.
    adds
        Whether it has an adder that Yosys uses for sums of products, one block behind the other.
    """

    widths: tuple[int, int]
    least: int = 2
    least_product: int = 0
    adds: bool = False


_BLOCKS = {
    "xc7": DspMultiplier((25, 18), least_product=9, adds=True),
    "xcup": DspMultiplier((27, 18), least_product=9, adds=True),
    "ecp5": DspMultiplier((18, 18)),
    "gowin": DspMultiplier((18, 18), least=4),
}
"""The blocks of the families whose scripts use them."""


def in_dsp(bits: int, other_bits: int, product_bits: int, family: str) -> bool:
    """Whether a product of two signed numbers is in DSP blocks."""
    block = _BLOCKS.get(family)
    return block is not None and min(bits, other_bits) >= block.least and product_bits >= block.least_product


def are_chained(bits: int, other_bits: int, product_bits: int, family: str) -> bool:
    """Whether a sum of products of two signed numbers is a chain of DSP blocks."""
    return in_dsp(bits, other_bits, product_bits, family) and _BLOCKS[family].adds


def product_terms(bits: int, other_bits: int, product_bits: int, family: str) -> CostTerms:
    """A product of two signed numbers, of which so many bits are used."""
    if not in_dsp(bits, other_bits, product_bits, family):
        return CostTerms({"product.bits": bits * other_bits})
    wide, narrow = _BLOCKS[family].widths
    return CostTerms(dsp=-(-max(bits, other_bits) // wide) * -(-min(bits, other_bits) // narrow))
