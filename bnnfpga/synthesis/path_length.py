"""The delay and the depth of a mapped netlist's logic, before routing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnnfpga.codegen.out_of_context import INSTANCE
from bnnfpga.synthesis.cells import CellLibrary
from bnnfpga.synthesis.mapped_netlist import Bit, MappedCell, MappedNetlist


@dataclass(frozen=True)
class CriticalPath:
    """The path of the latest arrival: its delay in ns, and the names of the wires where it starts and ends."""

    ns: float
    start: str
    end: str

    def __str__(self) -> str:
        return f"{self.start} to {self.end}"


def read_sta(text: str, netlist: MappedNetlist) -> CriticalPath | None:
    """The latest arrival in the output of Yosys' `sta`, which knows cells but no wires; None without any path."""
    found = re.search(r"^Latest arrival time in '.*' is (\d+):\n(.*?)^Arrival histogram", text, re.M | re.S)
    if found is None:
        return None
    steps = re.findall(r"^ +\d+ +(.+?)$", found[2], re.M)
    wires = re.findall(r"^ +\\(\S+(?: \[\d+\])?)$", found[2], re.M)
    cells = [netlist.cell_named.get(step.rpartition(" (")[0].strip().removeprefix("\\")) for step in steps]
    passed = [netlist.wire_name(cell) for cell in cells if cell is not None]
    names = [wire.replace(" [", "[") for wire in wires]
    start = (passed or names or ["?"])[-1]
    at_port = steps[0].endswith("(<primary output>)")
    end = (names if at_port else passed or names or ["?"])[0]
    inside = f"{INSTANCE}."
    return CriticalPath(int(found[1]) / 1000, start.removeprefix(inside), end.removeprefix(inside))


def logic_depth(netlist: MappedNetlist, library: CellLibrary) -> int:
    """Cells on the longest path between registers or ports: each LUT, LUT memory, multiplexer, carry one."""
    address = re.compile(library.address)

    def sources(cell: MappedCell) -> list[MappedCell]:
        memory = cell.kind in library.memories
        bits: list[Bit] = [
            bit for port, group in cell.inputs.items() if not memory or address.fullmatch(port) for bit in group
        ]
        drivers = {netlist.driver(bit) for bit in bits}
        return [driver.cell for driver in drivers if driver is not None and counts(driver.cell)]

    def counts(cell: MappedCell) -> bool:
        return cell.kind in library.logic or cell.kind in library.memories

    depth: dict[MappedCell, int] = {}
    opened: set[MappedCell] = set()
    for first in netlist.cells:
        waiting = [first] if counts(first) else []
        while waiting:
            cell = waiting[-1]
            if cell in opened:
                # A cell of several outputs may seem to feed itself; such a source counts nothing.
                depth.setdefault(cell, 1 + max((depth.get(source, 0) for source in sources(cell)), default=0))
                waiting.pop()
            else:
                opened.add(cell)
                waiting += [source for source in sources(cell) if source not in opened]
    return max(depth.values(), default=0)
