"""The boards that the vendor scripts support, read from the scripts' own list."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.base.assets import asset
from bnnfpga.base.errors import UserError


@dataclass(frozen=True)
class Board:
    """A board: its name, its FPGA, its processing system, and the fastest fabric clock in MHz that this provides."""

    name: str
    part: str
    system: str
    fastest_mhz: float


def boards() -> dict[str, Board]:
    """All boards of `flows/vivado/boards.txt`, by name."""
    lines = (asset("flows") / "vivado" / "boards.txt").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {name: Board(name, part, system, float(mhz)) for name, part, _, system, mhz, _ in rows}


def find_board(name: str) -> Board:
    """Look up a board by name.

    Raises
    ------
    UserError
        If there is no board of that name.
    """
    known = boards()
    if name not in known:
        raise UserError(f"{name!r} is not a board", where="--board", hint=f"give one of {', '.join(known)}")
    return known[name]
