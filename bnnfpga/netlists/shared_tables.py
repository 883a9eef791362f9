"""Lookup tables with two outputs: two functions share one if they have five inputs, or one contains the other.

No table reads what it makes, nor what others make of that: tools see a path from each input to each output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from bnnfpga.netlists.netlist import LUT_INPUTS, ONE, Cell, Lut, Signal, carry_chains, luts
from bnnfpga.netlists.truth_tables import cofactor, permuted, widened

_TRIED = 32
"""Neighbours that are tried for one table, so that packing stays linear."""


@dataclass(frozen=True)
class PackedLut:
    """A table of six inputs: output `o6` has all of `table`, `o5` its lower half, where the last input is 0."""

    inputs: tuple[Signal, ...]
    table: int
    o6: Signal
    o5: Signal | None = None

    @property
    def outputs(self) -> tuple[Signal, ...]:
        return (self.o6,) if self.o5 is None else (self.o6, self.o5)


def packed(cells: Sequence[Cell]) -> list[PackedLut]:
    """All lookup tables among cells, in pairs where that is possible: first those of one place of a carry chain."""
    left = {lut.output: lut for lut in luts(cells)}
    pairs: dict[Signal, PackedLut] = {}
    for first, second in _proposals(cells, left):
        if first.output in left and second.output in left and (pair := _pair(first, second)):
            del left[first.output], left[second.output]
            pairs[first.output] = pair
    alone = {lut.output: lut for lut in luts(cells)}
    while loop := _in_a_loop(cells, pairs):
        for pair in loop:
            del pairs[pair.o6]
            left |= {signal: alone[signal] for signal in pair.outputs}
    for lut in left.values():
        pairs[lut.output] = PackedLut(lut.inputs, lut.table, lut.output)
    return list(pairs.values())


def _in_a_loop(cells: Sequence[Cell], pairs: Mapping[Signal, PackedLut]) -> list[PackedLut]:
    """Pairs that, through each other and other cells, read what they make; none if there is no such loop."""
    owners = {signal: pair.o6 for pair in pairs.values() for signal in pair.outputs}
    reads: dict[Signal, set[Signal]] = defaultdict(set)
    for cell in cells:
        for output in cell.outputs:
            owner = owners.get(output, output)
            reads[owner] |= {owners.get(signal, signal) for signal in cell.inputs} - {owner}
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as error:
        return [pairs[signal] for signal in set(error.args[1]) if signal in pairs]
    return []


def _proposals(cells: Sequence[Cell], left: dict[Signal, Lut]) -> Iterator[tuple[Lut, Lut]]:
    """Pairs to try, the best first; `left` are the tables that are still alone."""
    for chain in carry_chains(cells):
        for place in zip(chain.select, chain.data, strict=True):
            if place[0] != place[1] and all(signal in left for signal in place):
                yield left[place[0]], left[place[1]]
    small = [lut for lut in left.values() if len(lut.inputs) < LUT_INPUTS]
    alike = defaultdict(list)
    for lut in small:
        alike[lut.inputs].append(lut)
    for group in alike.values():
        yield from zip(group[::2], group[1::2], strict=False)
    small = [lut for lut in small if lut.output in left]
    beside = defaultdict(list)
    for lut in small:
        for signal in lut.inputs:
            beside[signal].append(lut)
    for lut in small:
        near = {
            other.output: other
            for signal in sorted(lut.inputs, key=lambda signal: len(beside[signal]))
            for other in beside[signal][:_TRIED]
            if other.output in left
        }
        together = {output: len({*lut.inputs, *other.inputs}) for output, other in near.items() if other != lut}
        for output in sorted(together, key=together.__getitem__):
            if lut.output not in left or together[output] >= LUT_INPUTS:
                break
            yield lut, near[output]


def _pair(first: Lut, second: Lut) -> PackedLut | None:
    """Two tables in one, if that is possible."""
    first, second = _composed(first, second), _composed(second, first)
    if len(first.inputs) < len(second.inputs):
        first, second = second, first
    if len(first.inputs) > LUT_INPUTS:
        return None
    inputs = tuple(dict.fromkeys((*first.inputs, *second.inputs)))
    if len(inputs) < LUT_INPUTS:
        upper, lower = (widened(lut.table, [*map(inputs.index, lut.inputs)], LUT_INPUTS - 1) for lut in (first, second))
        padding = (ONE,) * (LUT_INPUTS - len(inputs))
        return PackedLut((*inputs, *padding), upper << 32 | lower, first.output, second.output)
    if len(inputs) == len(first.inputs):
        places = [*map(inputs.index, second.inputs)]
        for last in range(LUT_INPUTS):
            order = [*(place for place in range(LUT_INPUTS) if place != last), last]
            if last not in places:
                own = widened(second.table, [order.index(place) for place in places], LUT_INPUTS - 1)
                if cofactor(first.table, LUT_INPUTS, last, 0) == own:
                    table = permuted(first.table, order)
                    return PackedLut(tuple(inputs[place] for place in order), table, first.output, second.output)
    return None


def _composed(lut: Lut, other: Lut) -> Lut:
    """A table as a function of the inputs of another, whose output it reads; as it is if it does not read it."""
    if other.output not in lut.inputs:
        return lut
    inputs = tuple(dict.fromkeys((*(signal for signal in lut.inputs if signal != other.output), *other.inputs)))
    size = len(inputs)
    places = [size if signal == other.output else inputs.index(signal) for signal in lut.inputs]
    table, inner = widened(lut.table, places, size + 1), widened(other.table, [*map(inputs.index, other.inputs)], size)
    zero, one = (cofactor(table, size + 1, size, value) for value in (0, 1))
    return Lut(inputs, one & inner | zero & ~inner, lut.output)
