"""Multipliers, as Yosys makes them in each family: of DSP blocks from some width on, else of lookup tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms


@dataclass(frozen=True)
class DspBlock:
    """What of a family's DSP block Yosys uses as a multiplier of signed numbers (its `mul2dsp.v`).

    Parameters
    ----------
    widths
        Bits of the wider and of the narrower number.
    least
        Bits of both from which a product is in such blocks.
    least_product
        Bits of the product from which it is.
    part
        Bits of the parts of a number that is too wide; 0 for the widths.
    is_signed
        Whether numbers without a sign, as most parts are, need a bit more.
    count
        How many DSP blocks it counts as.
    adds
        Whether it has an adder that Yosys uses for sums of products, one block behind the other.
    """

    widths: tuple[int, int]
    least: tuple[int, int] = (2, 2)
    least_product: int = 0
    part: int = 0
    is_signed: bool = False
    count: int = 1
    adds: bool = False

    def takes(self, bits: tuple[int, int]) -> bool:
        """Whether numbers are wide enough."""
        return all(own >= least for own, least in zip(bits, self.least, strict=True))

    def parts(self, bits: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """The parts of two numbers whose products are blocks."""
        for wide in self._cut(bits[0], self.widths[0]):
            for narrow in self._cut(bits[1], self.widths[1]):
                yield wide, narrow

    def _cut(self, bits: int, most: int) -> list[int]:
        part = min(self.part or most, most) - self.is_signed
        whole = max(0, -(-(bits - most) // part))
        return [part + self.is_signed] * whole + [bits - whole * part]


_BLOCKS: Mapping[str, tuple[DspBlock, ...]] = {
    "xc7": (DspBlock((25, 18), least_product=9, part=18, is_signed=True, adds=True),),
    "xcup": (DspBlock((27, 18), least_product=9, part=18, is_signed=True, adds=True),),
    "ecp5": (DspBlock((18, 18)),),
    # Counted in multipliers of 9 x 9 bits.
    "gowin": (
        DspBlock((36, 36), (22, 22), count=8),
        DspBlock((18, 18), (10, 4), count=2),
        DspBlock((9, 9), (4, 4)),
    ),
}
"""The blocks of the families whose scripts use them, in the order in which they are tried. That of iCE40 uses none."""


def are_chained(bits: int, other_bits: int, family: str) -> bool:
    """Whether a sum of products of two signed numbers is a chain of DSP blocks."""
    both = max(bits, other_bits), min(bits, other_bits)
    blocks = _BLOCKS.get(family, ())
    return any(block.adds and block.takes(both) and sum(both) >= block.least_product for block in blocks)


def product_terms(bits: int, other_bits: int, product_bits: int, family: str) -> CostTerms:
    """A product of two signed numbers, of which so many bits are used."""
    # The low bits of a product follow from as many of both numbers.
    return _products((min(bits, product_bits), min(other_bits, product_bits)), product_bits, _BLOCKS.get(family, ()))


def _products(bits: tuple[int, int], product_bits: int, blocks: tuple[DspBlock, ...]) -> CostTerms:
    """A product in the first of the blocks that takes it, or in tables; parts that it does not take, in others."""
    bits = max(bits), min(bits)
    found = [index for index, block in enumerate(blocks) if block.takes(bits) and product_bits >= block.least_product]
    if not found:
        return CostTerms({"product.bits": bits[0] * bits[1]})
    block, others = blocks[found[0]], blocks[found[0] + 1 :]
    parts = list(block.parts(bits))
    left = [_products(part, sum(part), others) for part in parts if not block.takes(part)]
    taken = sum(block.takes(part) for part in parts)
    return add_terms(CostTerms(dsp=block.count * taken), *left)
