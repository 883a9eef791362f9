"""A netlist of one module mapped to an FPGA's cells, from Yosys' JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Bit = int | str
"""The number of a wire of one bit, or a constant: `0`, `1`, `x`."""


@dataclass(frozen=True, eq=False)
class MappedCell:
    """A cell: its name, its kind, and the wires at its inputs and outputs by port."""

    name: str
    kind: str
    inputs: Mapping[str, tuple[Bit, ...]]
    outputs: Mapping[str, tuple[Bit, ...]]


@dataclass(frozen=True, eq=False)
class Driver:
    """The place that drives a wire: an output of a cell."""

    cell: MappedCell
    port: str


class MappedNetlist:
    """Cells and the wires between them.

    Parameters
    ----------
    module
        The module's entry in the file that Yosys' `write_json` writes.
    """

    def __init__(self, module: Mapping[str, Any]) -> None:
        self.cells = tuple(_cell(name, entry) for name, entry in module["cells"].items())
        self._ports = module["ports"]
        self._names = module["netnames"]

    @cached_property
    def kinds(self) -> Counter[str]:
        """How many cells there are of each kind."""
        return Counter(cell.kind for cell in self.cells)

    @cached_property
    def _drivers(self) -> dict[Bit, Driver]:
        return {
            bit: Driver(cell, port)
            for cell in self.cells
            for port, bits in cell.outputs.items()
            for bit in bits
            if isinstance(bit, int)
        }

    @cached_property
    def _readers(self) -> Counter[Bit]:
        readers: Counter[Bit] = Counter()
        for cell in self.cells:
            for bits in cell.inputs.values():
                readers.update(bits)
        for port in self._ports.values():
            if port["direction"] == "output":
                readers.update(port["bits"])
        return readers

    @cached_property
    def cell_named(self) -> Mapping[str, MappedCell]:
        """The cells by name."""
        return {cell.name: cell for cell in self.cells}

    def driver(self, bit: Bit) -> Driver | None:
        """What drives a wire; None for a constant and for an input of the module."""
        return self._drivers.get(bit)

    def readers(self, bit: Bit) -> int:
        """How many inputs of cells and outputs of the module read a wire."""
        return self._readers[bit]

    @cached_property
    def _public(self) -> Mapping[Bit, str]:
        """The names of wires in the source text, the shortest where there are several."""
        names: dict[Bit, list[str]] = defaultdict(list)
        for name, entry in self._names.items():
            if not entry["hide_name"]:
                several = len(entry["bits"]) > 1
                for index, bit in enumerate(entry["bits"], entry.get("offset", 0)):
                    names[bit].append(f"{name}[{index}]" if several else name)
        return {bit: min(found, key=lambda name: (len(name), name)) for bit, found in names.items()}

    def wire_name(self, cell: MappedCell) -> str:
        """A name of the source text for a wire that a cell drives, else the cell's own name."""
        for bits in cell.outputs.values():
            for bit in bits:
                if bit in self._public:
                    return self._public[bit]
        return cell.name


def _cell(name: str, entry: Mapping[str, Any]) -> MappedCell:
    def ports(direction: str) -> Iterator[tuple[str, tuple[Bit, ...]]]:
        for port, bits in entry["connections"].items():
            if entry["port_directions"].get(port) == direction:
                yield port, tuple(bits)

    return MappedCell(name, entry["type"], dict(ports("input")), dict(ports("output")))
