"""The forms of a unit among which the search chooses: every legal folding, memory and requantizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bnnfpga.dataflow.folding import LayerFolding
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.requantizers import RequantizerKind


@dataclass(frozen=True, eq=False)
class UnitForm:
    """A unit in one of its forms; `folding` is None if it has no folding of its own."""

    unit: Operator
    folding: LayerFolding | None = None


def legal_forms(operator: Operator, pinned: LayerFolding) -> list[UnitForm]:
    """All forms of a unit with a folding that have the settings in `pinned`.

    Where these are not legal, the only form is the unit as it is, with the folding as pinned, which is refused when it
    is applied.
    """
    forms = [
        UnitForm(unit, LayerFolding(*unit.folding, unit.memory, requantizer, pinned.accumulators, unit.kernel_pixels))
        for folded in _folded(operator, pinned)
        for requantizer in _requantizers(folded, pinned)
        for stored in _with_memories(
            folded if requantizer is None else folded.refolded(requantizer=requantizer), pinned
        )
        for unit in _accumulating(stored, pinned)
    ]
    return forms or [UnitForm(operator, pinned)]


def _folded(operator: Operator, pinned: LayerFolding) -> Iterator[Operator]:
    for pe in operator.legal_pe():
        for simd in operator.legal_simd(pe) or (None,):
            if pinned.pe not in (None, pe) or pinned.simd not in (None, simd):
                continue
            if simd is None:
                yield operator.refolded(pe=pe)
                continue
            unit = operator.refolded(pe=pe, simd=simd)
            for pixels in _kernel_pixels(unit, simd, pinned):
                yield unit if pixels == unit.kernel_pixels else unit.refolded(kernel_pixels=pixels)


def _kernel_pixels(unit: Operator, simd: int, pinned: LayerFolding) -> tuple[int | None, ...]:
    """Of how many pixels of a kernel `simd` inputs may be; None for as few as possible, which a fixed `simd` means."""
    legal = unit.legal_kernel_pixels(simd)
    if pinned.kernel_pixels is not None:
        return (pinned.kernel_pixels,) if pinned.kernel_pixels in legal else ()
    return (None,) if pinned.simd is not None else (None, *legal[1:])


def _requantizers(unit: Operator, pinned: LayerFolding) -> list[RequantizerKind | None]:
    """None stands for the one that the unit chooses by itself; it comes first, so that it wins among equals."""
    if pinned.requantizer is not None:
        return [pinned.requantizer] if pinned.requantizer in unit.requantizer_kinds else []
    # A folding file that names all but the requantizer was written for a unit that chooses it by itself.
    is_whole = pinned.pe is not None and pinned.memory is not None
    return [None] if is_whole else [None, *unit.requantizer_kinds]


def _with_memories(unit: Operator, pinned: LayerFolding) -> Iterator[Operator]:
    if pinned.memory is not None:
        if pinned.memory in unit.memory_kinds:
            yield unit.refolded(memory=pinned.memory)
        return
    suited, kinds = unit.suited_memory, unit.memory_kinds
    if not kinds:
        yield unit
    units = [unit.refolded(memory=kind) for kind in sorted(kinds, key=lambda kind: kind != suited)]
    in_memory = [one for one in units if one.memory != "logic"]
    least = min((_missing_levels(one) for one in in_memory), default=0)
    for one in units:
        # Weights are in logic only where the unit would have them there: the netlists of large layers take minutes.
        if suited == "logic" if one.memory == "logic" else _missing_levels(one) == least:
            yield one


def _accumulating(unit: Operator, pinned: LayerFolding) -> Iterator[Operator]:
    if pinned.accumulators is None:
        yield unit
    elif pinned.accumulators in unit.accumulators_kinds:
        yield unit.refolded(accumulators=pinned.accumulators)


def _missing_levels(unit: Operator) -> int:
    """Logic levels beyond those that the clock has time for: no memory is so cheap that it may add to them."""
    return max(0, unit.logic_levels - unit.target.levels)
