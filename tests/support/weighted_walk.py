"""Proofs that netlists of counters and adders keep weighted sums, of any size, by a walk from outputs to inputs.

The outputs of a module, each times its weight, are a polynomial in its nets. Cell by cell, from the outputs on, each
net is replaced by the polynomial that its cell computes: of a lookup table, what its truth table says; of a counter
inside, the sum of its inputs, which is shown of that module by itself. Sums are exact modulo a power of two that is
above all counts, so what a module drops above its outputs does not matter. A wrong table, a carry in the wrong column
or a lost one leaves a difference.

A register is a wire with a delay; all that a cell joins must have the same delay.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from tests.support.multilinear import Bit, Difference, Polynomial, of_bit, of_table, plus, reduced, replaced, times
from tests.support.rtl_files import rtl_files
from tests.support.yosys_commands import run_commands, with_changes

CELLS = """
(* blackbox *) module LUT6_2 #(parameter [63:0] INIT = 0) (input I0, I1, I2, I3, I4, I5, output O6, O5); endmodule
(* blackbox *) module CARRY4 (input CI, CYINIT, input [3:0] DI, S, output [3:0] O, CO); endmodule
(* blackbox *) module CARRY8 #(parameter CARRY_TYPE = "") (input CI, CI_TOP, input [7:0] DI, S, output [7:0] O, CO);
endmodule
(* blackbox *) module LUT4 #(parameter [15:0] INIT = 0) (input A, B, C, D, I0, I1, I2, I3, output Z, F); endmodule
(* blackbox *) module SB_LUT4 #(parameter [15:0] LUT_INIT = 0) (input I0, I1, I2, I3, output O); endmodule
(* blackbox *) module SB_CARRY (input I0, I1, CI, output CO); endmodule
(* blackbox *) module ALU #(parameter ALU_MODE = 0) (input I0, I1, I3, CIN, output COUT, SUM); endmodule
(* blackbox *) module CCU2C #(parameter [15:0] INIT0 = 0, INIT1 = 0, parameter INJECT1_0 = "", INJECT1_1 = "") (
  input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
endmodule
"""
_OUTPUTS = {
    "LUT6_2": ("O6", "O5"),
    "CARRY4": ("O", "CO"),
    "CARRY8": ("O", "CO"),
    "LUT4": ("Z", "F"),
    "SB_LUT4": ("O",),
    "SB_CARRY": ("CO",),
    "ALU": ("SUM", "COUT"),
    "CCU2C": ("S0", "S1", "COUT"),
    "$_DFF_P_": ("Q",),
}
_TABLES = {
    "$_AND_": 0b1000,
    "$_OR_": 0b1110,
    "$_XOR_": 0b0110,
    "$_XNOR_": 0b1001,
    "$_ANDNOT_": 0b0010,
    "$_ORNOT_": 0b1011,
}


def elaborate(text: str, work: Path, changes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The netlist of a module `top` as synthesis reads it: cells of the device, counters as modules, all else flat.

    `changes` replaces text of the sources, to plant faults; each must occur.
    """
    sources = with_changes([file.read_text() for file in rtl_files(text).values()], changes)
    (work / "cells.sv").write_text(CELLS)
    (work / "sources.sv").write_text(text + "".join(sources))
    commands = [
        f"read_verilog -sv {work / 'cells.sv'}",
        f"read_verilog -sv -defer {work / 'sources.sv'}",
        "hierarchy -top top",
        "proc",
        "setattr -mod -set keep_hierarchy 1 *bnn_counter*",
        "flatten",
        "opt_expr",
        "opt_clean",
        "simplemap",
        f"write_json {work / 'netlist.json'}",
    ]
    run_commands(commands)
    found: dict[str, Any] = json.loads((work / "netlist.json").read_text())["modules"]
    return found


class Library:
    """The modules of a netlist, of which each counter is shown once."""

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self.modules = modules
        self.delays: dict[str, int] = {}

    def counter_delay(self, name: str) -> int:
        """The delay of a counter, which is shown to count."""
        if name not in self.delays:
            walk = Walk(self, name)
            inputs, outputs = walk.port("bits_i"), walk.port("count_o")
            if len(inputs) >= 1 << len(outputs):
                raise Difference(f"{len(outputs)} bits hold no count of {len(inputs)}")
            self.delays[name] = walk.delay(outputs)
            weighted = {frozenset([bit]): 1 << place for place, bit in enumerate(outputs) if isinstance(bit, int)}
            ones = sum(1 << place for place, bit in enumerate(outputs) if bit == "1")
            rest = walk.expanded({**weighted, frozenset(): ones}, 1 << len(outputs))
            walk.compare(rest, {frozenset([bit]): 1 for bit in inputs if isinstance(bit, int)}, 1 << len(outputs))
        return self.delays[name]


class Walk:
    """A module and its cells.

    Parameters
    ----------
    library, name
        The modules, and the name of this one.
    delays
        The delays of nets that are not looked behind, as the module's inputs are not.
    """

    def __init__(self, library: Library, name: str, delays: Mapping[int, int] | None = None) -> None:
        self.library = library
        self.module = library.modules[name]
        self.known = dict(delays or {})
        self.cells: list[tuple[str, dict[str, list[Bit]], dict[str, str]]] = [
            (cell["type"], cell["connections"], cell.get("parameters", {}))
            for cell in self.module["cells"].values()
            if cell["type"] != "$scopeinfo"
        ]
        self.driver: dict[int, int] = {}
        for index, (kind, nets, _) in enumerate(self.cells):
            for port in self._outputs(kind):
                self.driver |= {bit: index for bit in nets.get(port, []) if isinstance(bit, int)}

    def port(self, name: str) -> list[Bit]:
        return list(self.module["ports"][name]["bits"])

    def net(self, name: str) -> list[Bit]:
        return list(self.module["netnames"][name]["bits"])

    @staticmethod
    def _outputs(kind: str) -> tuple[str, ...]:
        return ("count_o",) if "bnn_counter" in kind else _OUTPUTS.get(kind, ("Y",))

    def _inputs(self, index: int) -> set[int]:
        """The nets that a cell joins."""
        kind, nets, _ = self.cells[index]
        outputs = (*self._outputs(kind), "C" if kind == "$_DFF_P_" else "clk_i")
        return {bit for port, bits in nets.items() if port not in outputs for bit in bits if isinstance(bit, int)}

    @cached_property
    def order(self) -> list[int]:
        """The cells between the module's outputs and the known nets, each behind those that drive it."""
        graph: dict[int, set[int]] = {}
        ports = (port["bits"] for port in self.module["ports"].values() if port["direction"] == "output")
        pending = [bit for bits in ports for bit in bits]
        while pending:
            bit = pending.pop()
            if bit in self.known or (index := self.driver.get(bit)) is None or index in graph:
                continue
            joined = self._inputs(index)
            graph[index] = {self.driver[one] for one in joined if one not in self.known and one in self.driver}
            pending += joined
        return list(TopologicalSorter(graph).static_order())

    @cached_property
    def _backward(self) -> list[int]:
        """The cells, each behind those that it drives, and numbers behind all gates that do not make them."""
        drives: dict[int, set[int]] = {index: set() for index in self.order}
        for index in self.order:
            for bit in self._inputs(index):
                if bit not in self.known and bit in self.driver:
                    drives[self.driver[bit]].add(index)
        sorter = TopologicalSorter(drives)
        sorter.prepare()
        found: list[int] = []
        ready: list[int] = []
        while sorter.is_active():
            ready = sorted([*ready, *sorter.get_ready()], key=self._is_number)
            found.append(ready.pop(0))
            sorter.done(found[-1])
        return found

    def _is_number(self, index: int) -> bool:
        kind = self.cells[index][0]
        return kind in ("$add", "$sub") or "bnn_counter" in kind

    @cached_property
    def _delays(self) -> dict[int, int | None]:
        """The delay of each net from the module's inputs; None of constants."""
        found: dict[int, int | None] = dict(self.known)
        for index in self.order:
            kind, nets, _ = self.cells[index]
            joined = {delay for bit in self._inputs(index) if (delay := found.get(bit, 0)) is not None}
            if len(joined) > 1:
                raise Difference(f"a {kind} joins delays {sorted(joined)}")
            own = 1 if kind == "$_DFF_P_" else self.library.counter_delay(kind) if "bnn_counter" in kind else 0
            behind = max(joined) + own if joined else None
            made = (bit for port in self._outputs(kind) for bit in nets.get(port, []) if isinstance(bit, int))
            found |= {bit: behind for bit in made if bit not in self.known}
        return found

    def delay(self, bits: Iterable[Bit]) -> int:
        """The delay that all of some nets have."""
        found = {self._delays.get(bit, 0) for bit in bits if isinstance(bit, int)} - {None}
        if len(found) > 1:
            raise Difference(f"outputs of delays {found}")
        return max((delay for delay in found if delay is not None), default=0)

    def expanded(self, polynomial: Polynomial, modulus: int) -> Polynomial:
        """A polynomial in the module's nets as one in its inputs and the known nets, modulo a power of two."""
        rest = dict(polynomial)
        for index in self._backward:
            kind, nets, parameters = self.cells[index]
            if self._is_number(index):
                rest = self._numbers(rest, index, modulus)
            else:
                for bit, value in self._values(kind, nets, parameters):
                    if bit not in self.known:
                        rest = replaced(rest, bit, value, modulus)
        return rest

    def _values(
        self, kind: str, nets: dict[str, list[Bit]], parameters: dict[str, str]
    ) -> list[tuple[int, Polynomial]]:
        """The polynomials of a cell's outputs, those first that others of the cell depend on last."""
        if kind == "$_DFF_P_":
            return [(int(nets["Q"][0]), of_bit(nets["D"][0]))]
        if kind == "LUT6_2":
            init = int(parameters["INIT"], 2)
            bits = [nets[f"I{place}"][0] for place in range(6)]
            both = [("O6", init, bits), ("O5", init & 0xFFFFFFFF, bits[:5])]
            return [(bit, of_table(table, ins)) for port, table, ins in both if isinstance(bit := nets[port][0], int)]
        if kind.startswith("CARRY"):
            return self._chain(nets)
        if kind in ("LUT4", "SB_LUT4"):
            ports = "ABCD" if "A" in nets else ("I0", "I1", "I2", "I3")
            [output] = [port for port in self._outputs(kind) if port in nets]
            table = int(parameters["INIT" if kind == "LUT4" else "LUT_INIT"], 2)
            return [(int(nets[output][0]), of_table(table, [nets[port][0] for port in ports]))]
        if kind in ("SB_CARRY", "ALU"):
            ins = [nets[port][0] for port in ("I0", "I1", "CI" if kind == "SB_CARRY" else "CIN")]
            tables = {"CO": 0xE8, "COUT": 0xE8, "SUM": 0x96}
            used = ((nets[port][0], table) for port, table in tables.items() if port in nets)
            return [(bit, of_table(table, ins)) for bit, table in used if isinstance(bit, int)]
        if kind == "CCU2C":
            return self._cell_of_two(nets, parameters)
        if kind == "$_NOT_":
            return [(int(nets["Y"][0]), of_table(0b01, nets["A"]))]
        if kind == "$_MUX_":
            return [(int(nets["Y"][0]), of_table(0b11001010, [nets["A"][0], nets["B"][0], nets["S"][0]]))]
        if kind not in _TABLES:
            raise Difference(f"{kind} has no known function")
        return [(int(nets["Y"][0]), of_table(_TABLES[kind], [nets["A"][0], nets["B"][0]]))]

    def _chain(self, nets: dict[str, list[Bit]]) -> list[tuple[int, Polynomial]]:
        """A carry chain, the highest position first: sum = S ^ carry, next carry = S ? carry : DI."""
        values: list[tuple[int, Polynomial]] = []
        carry: Polynomial = plus(of_bit(nets["CI"][0]), of_bit(nets["CYINIT"][0]) if "CYINIT" in nets else {})
        for place, (s, di) in enumerate(zip(nets["S"], nets["DI"], strict=True)):
            choose, other = of_bit(s), of_bit(di)
            through = times(choose, carry)
            sums = plus(plus(choose, carry), through, -2)
            following = plus(plus(through, other), times(choose, other), -1)
            for port, value in (("O", sums), ("CO", following)):
                if isinstance(bit := nets[port][place], int):
                    values.append((bit, value))
            out = nets["CO"][place]
            # A carry that has no net of its own is unused above, or leads on inside the cell.
            carry = of_bit(out) if isinstance(out, int) else following
        return values[::-1]

    @staticmethod
    def _cell_of_two(nets: dict[str, list[Bit]], parameters: dict[str, str]) -> list[tuple[int, Polynomial]]:
        """Two positions of an ECP5 chain: sum = table ^ carry, next carry = table ? carry : lower part of the table."""
        carry = of_bit(nets["CIN"][0])
        values: list[tuple[int, Polynomial]] = []
        for place in "01":
            init = int(parameters[f"INIT{place}"], 2)
            ins = [nets[f"{port}{place}"][0] for port in "ABCD"]
            choose, other = of_table(init, ins), of_table(init & 15, ins[:2])
            through = times(choose, carry)
            if isinstance(bit := nets.get(f"S{place}", ["x"])[0], int):
                values.append((bit, plus(plus(choose, carry), through, -2)))
            carry = plus(plus(through, other), times(choose, other), -1)
        if isinstance(bit := nets.get("COUT", ["x"])[0], int):
            values.append((bit, carry))
        return values[::-1]

    def _numbers(self, rest: Polynomial, index: int, modulus: int) -> Polynomial:
        """The bits of a sum or a count, where each has its weight, replaced by what is added."""
        kind, nets, parameters = self.cells[index]
        [port] = self._outputs(kind)
        outputs = nets[port]
        weight = next((rest.get(frozenset([bit]), 0) for bit in outputs[:1] if isinstance(bit, int)), 0)
        for place, bit in enumerate(outputs):
            if not isinstance(bit, int):
                continue
            wanted = {frozenset([bit]): (weight << place) % modulus} if (weight << place) % modulus else {}
            if {nets: value for nets, value in rest.items() if bit in nets} != wanted:
                raise Difference(f"a {kind.split(chr(92))[-1]} has its bits in other columns")
        added: Polynomial = {}
        if kind in ("$add", "$sub"):
            if (weight << len(outputs)) % modulus:
                raise Difference(f"a {kind} drops a carry")
            for name, sign in (("A", 1), ("B", 1 if kind == "$add" else -1)):
                bits = nets[name]
                signed = int(parameters[f"{name}_SIGNED"], 2)
                for place in range(len(outputs)):
                    if place < len(bits) or signed:
                        bit = bits[min(place, len(bits) - 1)]
                        added = plus(added, of_bit(bit), sign << place)
        else:
            for bit in nets["bits_i"]:
                added = plus(added, of_bit(bit))
        kept = {nets_: value for nets_, value in rest.items() if not nets_ & set(outputs)}
        return reduced(plus(kept, added, weight), modulus)

    @staticmethod
    def compare(found: Polynomial, wanted: Polynomial, modulus: int) -> None:
        difference = reduced(plus(found, wanted, -1), modulus)
        if difference:
            raise Difference(f"{len(difference)} products differ: {list(difference.items())[:3]}")
