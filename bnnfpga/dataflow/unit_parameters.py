"""What the hardware of a unit is told, stated once for both of its forms.

A module of `rtl/` and a function template of `hls/` call the same fact by the same name and have it in the same order;
they differ in how they write it: a module knows integers and memories, a template integers and truth values. What only
one of them needs is marked as its own; so is a fact that the two have in different places, once for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bnnfpga.dataflow.hardware import RtlParameter


@dataclass(frozen=True, eq=False)
class UnitParameters:
    """Parameters in order, `+` puts more behind them.

    Parameters
    ----------
    rtl
        Of the module in `rtl/`.
    hls
        Of the function template in `hls/`.
    """

    rtl: Mapping[str, RtlParameter] = field(default_factory=dict)
    hls: Mapping[str, int | bool] = field(default_factory=dict)

    def __add__(self, other: UnitParameters) -> UnitParameters:
        twice = (self.rtl.keys() & other.rtl.keys()) | (self.hls.keys() & other.hls.keys())
        if twice:
            raise ValueError(f"{', '.join(sorted(twice))}: a form takes each parameter once")
        return UnitParameters({**self.rtl, **other.rtl}, {**self.hls, **other.hls})


def both(**values: int | bool) -> UnitParameters:
    """What both forms are told; a module has 0 and 1 for a truth value."""
    return UnitParameters(_as_module(values), values)


def rtl_only(**values: RtlParameter) -> UnitParameters:
    """What only the module is told."""
    return UnitParameters(rtl=values)


def hls_only(**values: int | bool) -> UnitParameters:
    """What only the function template is told."""
    return UnitParameters(hls=values)


def flags(padded: bool) -> UnitParameters:
    """Whether beats say which of their pixels lie outside the image (`Port.pads`)."""
    return UnitParameters(_as_module({"Flags": padded}), {"Flagged": padded})


def _as_module(values: Mapping[str, int | bool]) -> dict[str, RtlParameter]:
    return {name: int(value) for name, value in values.items()}
