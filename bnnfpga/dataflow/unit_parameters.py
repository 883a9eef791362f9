"""The parameters of a unit's hardware, stated once for both of its forms.

A module of `rtl/` and a function template of `hls/` use the same names in the same order but different types: a module
has integers and memories, a template integers and booleans. A parameter that only one of them has is marked as its own;
so is one that the two have at different positions, once for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bnnfpga.dataflow.hardware import RtlParameter


@dataclass(frozen=True, eq=False)
class UnitParameters:
    """Parameters in order; `+` appends more.

    Parameters
    ----------
    rtl
        Parameters of the module in `rtl/`.
    hls
        Parameters of the function template in `hls/`.
    """

    rtl: Mapping[str, RtlParameter] = field(default_factory=dict)
    hls: Mapping[str, int | bool] = field(default_factory=dict)

    def __add__(self, other: UnitParameters) -> UnitParameters:
        repeated = (self.rtl.keys() & other.rtl.keys()) | (self.hls.keys() & other.hls.keys())
        if repeated:
            raise ValueError(f"{', '.join(sorted(repeated))}: a form takes each parameter once")
        return UnitParameters({**self.rtl, **other.rtl}, {**self.hls, **other.hls})


def both(**values: int | bool) -> UnitParameters:
    """Parameters of both forms; a module gets booleans as 0 and 1."""
    return UnitParameters(_as_module(values), values)


def rtl_only(**values: RtlParameter) -> UnitParameters:
    """Parameters of the module only."""
    return UnitParameters(rtl=values)


def hls_only(**values: int | bool) -> UnitParameters:
    """Parameters of the function template only."""
    return UnitParameters(hls=values)


def flags(padded: bool) -> UnitParameters:
    """The parameter for whether beats carry flags for pixels outside the image (`Port.pads`)."""
    return UnitParameters(_as_module({"Flags": padded}), {"Flagged": padded})


def _as_module(values: Mapping[str, int | bool]) -> dict[str, RtlParameter]:
    return {name: int(value) for name, value in values.items()}
