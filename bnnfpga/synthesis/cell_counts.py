"""Counting a mapped netlist as the FPGA would hold it.

A LUT is also taken where no LUT cell stands in the netlist: by the memories that LUTs hold, and by the routes that lead
only through a LUT. The select input of a position of a carry chain comes from that position's LUT alone, and a leg of a
wide multiplexer from the LUT (or the smaller multiplexer) beside it; whatever else drives them passes through one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields

from bnnfpga.synthesis.cells import CarryCell, CellLibrary
from bnnfpga.synthesis.mapped_netlist import MappedCell, MappedNetlist

_DOUBLE = "LUT6_2"
_WHOLE_OUTPUT = "O6"


@dataclass(frozen=True)
class CellCounts:
    """What a netlist takes of an FPGA.

    Parameters
    ----------
    lut
        LUTs: cells, memories, and routes through LUTs.
    logic_cells
        The same packed, two small functions to a LUT that has two outputs (Yosys' estimate for such families).
    lut_memory
        The LUTs among them that are memories or shift registers.
    ff, carry, muxf, bram18, dsp
        Flip-flops, carry cells, wide multiplexers, block RAMs and DSP blocks, in the units of `RESOURCES`
        (`bnnfpga.dataflow.resources`).
    """

    lut: int = 0
    logic_cells: int = 0
    lut_memory: int = 0
    ff: int = 0
    carry: int = 0
    muxf: int = 0
    bram18: int = 0
    dsp: int = 0

    def __add__(self, other: CellCounts) -> CellCounts:
        return CellCounts(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))


def count_cells(netlist: MappedNetlist, library: CellLibrary) -> CellCounts:
    """Count a netlist of a family's cells."""
    kinds = netlist.kinds
    memory = sum(kinds[kind] * luts for kind, luts in library.memories.items())
    routes = _routes_to_carries(netlist, library) + _routes_to_muxes(netlist, library)
    brought = sum(kinds[kind] * cell.luts for kind, cell in library.carries.items())
    cells = sum(kinds[kind] for kind in library.luts)
    whole = memory + routes + brought
    return CellCounts(
        lut=cells + whole,
        logic_cells=(_packed(kinds, library) if library.fractured else cells) + whole,
        lut_memory=memory,
        ff=sum(number for kind, number in kinds.items() if library.is_register(kind)),
        carry=sum(kinds[kind] for kind in library.carries),
        muxf=sum(kinds[kind] for kind in library.muxes),
        bram18=sum(kinds[kind] * blocks for kind, blocks in library.block_rams.items()),
        dsp=sum(kinds[kind] * blocks for kind, blocks in library.dsps.items()),
    )


def _routes_to_carries(netlist: MappedNetlist, library: CellLibrary) -> int:
    routes = 0
    taken: set[MappedCell] = set()
    beside = _luts_by_carry_in(netlist, library)
    for cell in netlist.cells:
        carry = library.carries.get(cell.kind)
        if carry is None or carry.luts:
            continue
        if carry.operands:
            lut = next((lut for lut in beside.get(_carry_in(cell, carry), ()) if _shares(cell, lut, carry)), None)
            routes += lut is None
            if lut is not None:
                beside[_carry_in(cell, carry)].remove(lut)
            continue
        for bit in cell.inputs[carry.select][: _used(netlist, cell, carry)]:
            driver = netlist.driver(bit)
            own = driver is not None and driver.cell.kind in library.luts and driver.cell not in taken
            if driver is not None and own and (driver.cell.kind != _DOUBLE or driver.port == _WHOLE_OUTPUT):
                taken.add(driver.cell)
            else:
                routes += 1
    return routes


def _used(netlist: MappedNetlist, cell: MappedCell, carry: CarryCell) -> int:
    """The positions of a carry cell up to the last whose outputs are read."""
    outputs = [cell.outputs.get(port, ()) for port in carry.outputs]
    return max((index + 1 for bits in outputs for index, bit in enumerate(bits) if netlist.readers(bit)), default=0)


def _carry_in(cell: MappedCell, carry: CarryCell) -> object:
    assert carry.carry_in is not None
    return cell.inputs[carry.carry_in[0]]


def _luts_by_carry_in(netlist: MappedNetlist, library: CellLibrary) -> dict[object, list[MappedCell]]:
    """The LUTs that may share a carry cell's logic cell, by the wire at the input that is the carry's."""
    ports = {carry.carry_in[1] for carry in library.carries.values() if carry.carry_in}
    found: dict[object, list[MappedCell]] = {}
    for cell in netlist.cells:
        if cell.kind in library.luts:
            for port in ports:
                found.setdefault(cell.inputs.get(port), []).append(cell)
    return found


def _shares(cell: MappedCell, lut: MappedCell, carry: CarryCell) -> bool:
    """Whether a LUT reads a carry's operands at the inputs that both share; a constant is there for either alone."""
    pairs = [(cell.inputs[operand], lut.inputs[port]) for operand, port in carry.operands]
    return all(mine == other for mine, other in pairs if isinstance(mine[0], int))


def _routes_to_muxes(netlist: MappedNetlist, library: CellLibrary) -> int:
    routes = 0
    for cell in netlist.cells:
        mux = library.muxes.get(cell.kind)
        if mux is None:
            continue
        for leg in mux.legs:
            (bit,) = cell.inputs[leg]
            driver = netlist.driver(bit)
            inside = driver is not None and driver.cell.kind in mux.drivers and netlist.readers(bit) == 1
            routes += not inside
    return routes


def _packed(kinds: Counter[str], library: CellLibrary) -> int:
    """LUTs of six inputs when two functions share one wherever their numbers of inputs allow it, as Yosys estimates."""
    left = Counter[int]()
    for kind, inputs in library.luts.items():
        left[inputs] += kinds[kind]
    packed = left[6] + left[5] + left[4] + left[3]
    for inputs, partners in ((5, (1,)), (4, (1, 2)), (3, (1, 2))):
        for partner in partners:
            pairs = min(left[inputs], left[partner])
            left[inputs] -= pairs
            left[partner] -= pairs
    packed -= (left[3] + 1) // 2 if left[3] else 0
    return packed + (left[2] + left[1] + 1) // 2
