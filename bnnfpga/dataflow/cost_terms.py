"""What a unit costs, before the FPGA family is known: counts of its parts, by the name of a coefficient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class CostTerms:
    """Counts from which the cost of a unit follows (`bnnfpga.dataflow.cost_coefficients`).

    Parameters
    ----------
    lut, ff
        By name, like `queue.bits`: how many there are of a part of the structure, such as bits of a memory or of an
        adder. A family's coefficient of that name says how many LUTs, or flip-flops, each of them takes.
    bram18, dsp
        Block RAMs and DSP blocks, exactly as Yosys maps them.
    """

    lut: Mapping[str, float] = field(default_factory=dict)
    ff: Mapping[str, float] = field(default_factory=dict)
    bram18: int = 0
    dsp: int = 0

    def times(self, count: int) -> CostTerms:
        """The terms of so many equal parts."""
        lut, ff = ({name: count * number for name, number in terms.items()} for terms in (self.lut, self.ff))
        return CostTerms(lut, ff, count * self.bram18, count * self.dsp)


def add_terms(*parts: CostTerms) -> CostTerms:
    """The terms of parts that stand side by side."""
    lut: dict[str, float] = {}
    ff: dict[str, float] = {}
    for part in parts:
        for into, terms in ((lut, part.lut), (ff, part.ff)):
            for name, count in terms.items():
                into[name] = into.get(name, 0) + count
    return CostTerms(lut, ff, sum(part.bram18 for part in parts), sum(part.dsp for part in parts))
