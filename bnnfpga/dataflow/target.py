"""What an accelerator is built for: a family of FPGAs and a clock. Units choose their forms and registers by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bnnfpga.base.errors import UserError, shown


@dataclass(frozen=True)
class _Fabric:
    """The logic of a family: inputs of a LUT, and picoseconds from a LUT through the wires into the next one."""

    lut_inputs: int
    level_ps: int


_FABRICS: Mapping[str, _Fabric] = {
    "xc7": _Fabric(6, 900),
    "xcup": _Fabric(6, 500),
    "ecp5": _Fabric(4, 1250),
    "ice40": _Fabric(4, 1600),
    "gowin": _Fabric(4, 1400),
}

FAMILIES = tuple(_FABRICS)
"""The families: 7-series, UltraScale+, ECP5, iCE40 and Gowin."""


@dataclass(frozen=True)
class Target:
    """A family of FPGAs and the clock frequency that units aim at.

    Parameters
    ----------
    clock_mhz
        The frequency in MHz.
    family
        One of `FAMILIES`.

    Raises
    ------
    UserError
        If the family is not known.
    """

    clock_mhz: float = 100.0
    family: str = "xc7"

    def __post_init__(self) -> None:
        if self.family not in _FABRICS:
            raise UserError(
                f"{shown(self.family)} is not a family of FPGAs", where="--family", hint=f"give {', '.join(FAMILIES)}"
            )

    @property
    def lut_inputs(self) -> int:
        """Inputs of a LUT: 6 or 4."""
        return _FABRICS[self.family].lut_inputs

    @property
    def levels(self) -> int:
        """Logic levels in series, wires included, that fit between two registers; at least 1."""
        return max(1, int(1e6 / self.clock_mhz) // _FABRICS[self.family].level_ps)


DEFAULT_TARGET = Target()
"""100 MHz on a 7-series FPGA."""
