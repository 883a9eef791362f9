"""FPGAs and what is in them: the files in `parts/`, one for each family."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bnnfpga.base.errors import UserError, shown
from bnnfpga.dataflow.resources import RESOURCES

UTILIZATION = 0.8
"""The share of a part that a design may fill so that it can still be routed."""
_FOLDER = Path(__file__).parent / "parts"
_BLOCK_BITS = 18432
"""Of the block RAMs that are counted, where a family's are not smaller."""
_SHELLS: Mapping[str, Mapping[str, int]] = {
    # AXI DMA with its interconnects to a processor system, as the vendor scripts build it; rounded up.
    "dma": {"lut": 5000, "ff": 7000, "bram18": 8, "dsp": 0},
    "plain": {"lut": 300, "ff": 300, "bram18": 0, "dsp": 0},
}
"""What stands beside the accelerator: by default only clock, reset and a small host interface."""


@dataclass(frozen=True)
class FpgaPart:
    """An FPGA.

    Parameters
    ----------
    name, family
        Its name without package and speed grade, and its family (`bnnfpga.dataflow.target.FAMILIES`).
    resources
        What it has of each of `RESOURCES`.
    reserved
        What of that is kept for what stands beside the accelerator.
    block_rams, block_ram_bits
        Its block RAMs as its data sheet counts them, and the bits of each.
    """

    name: str
    family: str
    resources: Mapping[str, int]
    reserved: Mapping[str, int]
    block_rams: int
    block_ram_bits: int

    def budget(self, utilization: float = UTILIZATION) -> dict[str, int]:
        """What an accelerator may use of each resource.

        Raises
        ------
        UserError
            If the share is not above 0 and at most 1.
        """
        if not 0 < utilization <= 1:
            raise UserError(f"{utilization:g} is not a share", where="--utilization", hint="give 0.1 to 1, such as 0.8")
        return {kind: max(0, int(utilization * self.resources[kind]) - self.reserved[kind]) for kind in RESOURCES}


@cache
def known_parts() -> Mapping[str, FpgaPart]:
    """All parts by name."""
    found = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        data = yaml.safe_load(path.read_text())
        for name, row in data["parts"].items():
            found[name] = _part(name, data, row)
    return found


def _part(name: str, family: Mapping[str, Any], row: Mapping[str, Any]) -> FpgaPart:
    blocks, bits = row["memory"], family["memory_bits"]
    resources = {"lut": row["lut"], "ff": row["ff"], "bram18": blocks * max(1, bits // _BLOCK_BITS), "dsp": row["dsp"]}
    return FpgaPart(name, family["family"], resources, _SHELLS[row.get("shell", "plain")], blocks, bits)


def find_part(name: str) -> FpgaPart:
    """Look up a part, by its name alone or with package and speed grade behind it.

    Raises
    ------
    UserError
        If no part is called so; the message gives near names.
    """
    parts, wanted = known_parts(), name.strip().lower()
    # Another number behind a name, like that of a GW1N-1P5, is another FPGA's.
    called = [known for known in parts if re.fullmatch(rf"{re.escape(known)}(?!p?\d).*", wanted)]
    if called:
        return parts[max(called, key=len)]
    near = get_close_matches(wanted, parts, n=3, cutoff=0.5)
    raise UserError(
        f"{shown(name)} is not a known part" + (f"; did you mean {', '.join(near)}?" if near else ""),
        where="--part",
        hint="`bnnfpga parts` lists them; another one is a line in bnnfpga/tuning/parts/",
    )
