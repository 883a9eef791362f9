"""Shrinking a failing random case to a small one that still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.cases import REGRESSIONS, Case, check_case

_TRIES = 60
"""Few, since most tries build a simulator."""


def simpler(case: Case) -> Iterator[Case]:
    """Slightly smaller cases, the largest reductions first."""
    net = case.net
    smaller = [{"left_out": (*net.left_out, place)} for place in range(len(net.blocks)) if place not in net.left_out]
    if net.flatten:
        smaller.append({"flatten": False})
    for axis, extent in enumerate(net.shape):
        for less in sorted({1, extent // 2, extent - 1} & set(range(1, extent))):
            smaller.append({"shape": (*net.shape[:axis], less, *net.shape[axis + 1 :])})
    smaller += [{bits: 1} for bits in ("weight_bits", "first_bits", "activation_bits", "input_bits")]
    smaller += [{"most_channels": most} for most in (2, 4) if most < net.most_channels]
    if case.parallel:
        yield replace(case, parallel=False)
    for change in smaller:
        smaller = replace(net, **change)
        if smaller != net:
            yield replace(case, net=smaller)
    if case.input is not None:
        yield replace(case, input=None)


def shrink(case: Case, fails: Callable[[Case], bool], tries: int = _TRIES) -> Case:
    """The smallest case that still `fails`, found step by step in a limited number of tries."""
    tried: set[Case] = set()
    candidates = simpler(case)
    while len(tried) < tries and (candidate := next(candidates, None)) is not None:
        if candidate in tried:
            continue
        tried.add(candidate)
        if fails(candidate):
            case, candidates = candidate, simpler(candidate)
    return case


def check_or_shrink(case: Case, folder: Path, damage: Callable[[Path], None] = lambda project: None) -> None:
    """Run `check_case`; if it fails, the error names the folder of the smallest case that fails in the same way."""

    def check(candidate: Case, place: Path) -> None:
        candidate.write(place / "case")
        check_case(place / "case", place, damage)

    def fails(candidate: Case) -> bool:
        with TemporaryDirectory() as place:
            try:
                check(candidate, Path(place))
            except Exception as raised:
                return type(raised) is type(error)
        return False

    try:
        check(case, folder)
    except Exception as raised:
        error = raised
        smallest = shrink(case, fails)
        smallest.write(folder / "smallest")
        error.add_note(f"{case}\nfails, and so does\n{smallest}")
        error.add_note(f"in {folder / 'smallest'}: when it is mended, move that folder to {REGRESSIONS}")
        raise
