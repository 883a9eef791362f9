"""Netlists as SystemVerilog: primitives of a family, or expressions that every tool reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bnnfpga.netlists.cuts import Staged
from bnnfpga.netlists.netlist import ONE, ZERO, CarryChain, Signal, carry_chains, luts
from bnnfpga.netlists.shared_tables import PackedLut
from bnnfpga.netlists.truth_tables import cofactor

_CARRY_PLACES = {"xc7": 4, "xcup": 8}
"""The places of a carry primitive, by family; families that are not named get expressions."""


def has_carry_chains(family: str) -> bool:
    """Whether a family has carry primitives here: chains are slow as expressions."""
    return family in _CARRY_PLACES


def body(circuit: Staged, family: str, prefix: str = "n") -> str:
    """The statements of a netlist, in a module that declares its inputs and outputs as vectors of their names.

    Parameters
    ----------
    family
        `xc7` and `xcup` get LUT and carry primitives, any other family expressions.
    prefix
        The first letters of the names of inner signals. The clock of registers between stages is `clk_i`.
    """
    return "\n".join(f"  {line}" for line in _NetlistWriter(circuit, family, prefix).lines())


class _NetlistWriter:
    def __init__(self, circuit: Staged, family: str, prefix: str) -> None:
        self.circuit, self.family, self.prefix = circuit, family, prefix
        self.names = {ZERO: "1'b0", ONE: "1'b1"}
        for name, signals in circuit.netlist.inputs.items():
            self.names |= {signal: f"{name}[{place}]" for place, signal in enumerate(signals)}

    def lines(self) -> Iterator[str]:
        circuit, cells = self.circuit, self.circuit.netlist.live_cells()
        for cell in cells:
            for signal in cell.outputs:
                self.names[signal] = f"{self.prefix}{signal}"
                yield f"wire {self.names[signal]};"
        delayed = [(signal, rank) for signal, count in circuit.registers.items() for rank in range(1, count + 1)]
        for signal, rank in delayed:
            yield f"reg {self._register(signal, rank)};"
        if delayed:
            yield "always @(posedge clk_i) begin"
            for signal, rank in delayed:
                source = self._register(signal, rank - 1) if rank > 1 else self.names[signal]
                yield f"  {self._register(signal, rank)} <= {source};"
            yield "end"
        if has_carry_chains(self.family):
            for table in circuit.tables:
                yield self._primitive(table)
            for chain in carry_chains(cells):
                yield from self._carry_primitives(chain, _CARRY_PLACES[self.family])
        else:
            for lut in luts(cells):
                inputs = [self._at(signal, circuit.made[lut.output]) for signal in lut.inputs]
                yield f"assign {self.names[lut.output]} = {expression(lut.table, inputs)};"
            for chain in carry_chains(cells):
                yield self._carry_expression(chain)
        for name, signals in circuit.netlist.outputs.items():
            yield f"assign {name} = {self._vector(signals, circuit.stages - 1)};"

    def _register(self, signal: Signal, rank: int) -> str:
        return f"{self.prefix}{signal}_r{rank}"

    def _at(self, signal: Signal, stage: int) -> str:
        """A signal as a later stage reads it."""
        rank = stage - self.circuit.made[signal] if signal > ONE else 0
        return self._register(signal, rank) if rank else self.names[signal]

    def _vector(self, signals: Sequence[Signal], stage: int) -> str:
        return "{" + ", ".join(self._at(signal, stage) for signal in reversed(signals)) + "}"

    def _primitive(self, table: PackedLut) -> str:
        stage = self.circuit.made[table.o6]
        ports = [f".I{place}({self._at(signal, stage)})" for place, signal in enumerate(table.inputs)]
        name = self.names[table.o6]
        if table.o5 is None:
            kind, ports = f"LUT{len(ports)}", [*ports, f".O({name})"]
        else:
            kind, ports = "LUT6_2", [*ports, f".O6({name})", f".O5({self.names[table.o5]})"]
        init = f"{1 << len(table.inputs)}'h{table.table:x}"
        return f"{kind} #(.INIT({init})) {name}_lut ({', '.join(ports)});"

    def _carry_primitives(self, chain: CarryChain, places: int) -> Iterator[str]:
        name, stage, length = f"{self.names[chain.carry]}_chain", self.circuit.made[chain.carry], len(chain.sums)
        padded = -(-length // places) * places
        fill = [ZERO] * (padded - length)
        yield f"wire [{padded - 1}:0] {name}_s = {self._vector((*chain.select, *fill), stage)};"
        yield f"wire [{padded - 1}:0] {name}_d = {self._vector((*chain.data, *fill), stage)};"
        yield f"wire [{padded - 1}:0] {name}_o;"
        yield f"wire [{padded - 1}:0] {name}_c;"
        for low in range(0, padded, places):
            part = f"[{low + places - 1}:{low}]"
            first, below = self._at(chain.carry_in, stage), f"{name}_c[{low - 1}]"
            if places == 4:
                kind = "CARRY4"
                ins = f".CI({below}), .CYINIT(1'b0)" if low else f".CI(1'b0), .CYINIT({first})"
            else:
                kind = 'CARRY8 #(.CARRY_TYPE("SINGLE_CY8"))'
                ins = f".CI({below if low else first}), .CI_TOP(1'b0)"
            ports = f"{ins}, .S({name}_s{part}), .DI({name}_d{part}), .O({name}_o{part}), .CO({name}_c{part})"
            yield f"{kind} {name}_{low} ({ports});"
        for place, signal in enumerate(chain.sums):
            yield f"assign {self.names[signal]} = {name}_o[{place}];"
        yield f"assign {self.names[chain.carry]} = {name}_c[{length - 1}];"

    def _carry_expression(self, chain: CarryChain) -> str:
        """A chain as the sum that it is: of its data, and of its data and select in difference."""
        stage = self.circuit.made[chain.carry]
        data = self._vector(chain.data, stage)
        other = f"({self._vector(chain.select, stage)} ^ {data})"
        sums = ", ".join(self.names[signal] for signal in reversed(chain.outputs))
        return f"assign {{{sums}}} = {{1'b0, {data}}} + {{1'b0, {other}}} + {self._at(chain.carry_in, stage)};"


def expression(table: int, inputs: Sequence[str]) -> str:
    """A table as an expression of its inputs, split at the last one; equal and opposite halves are not split."""
    size = 1 << len(inputs)
    full = (1 << size) - 1
    if table in (0, full):
        return "1'b1" if table else "1'b0"
    *rest, last = inputs
    zero, one = (cofactor(table, len(inputs), len(inputs) - 1, value) for value in (0, 1))
    if zero == one:
        return expression(zero, rest)
    half = (1 << size // 2) - 1
    if zero == half ^ one:
        return f"~{last}" if one == 0 else last if zero == 0 else f"({last} ^ {expression(zero, rest)})"
    if zero == 0:
        return f"({last} & {expression(one, rest)})"
    if one == 0:
        return f"(~{last} & {expression(zero, rest)})"
    if one == half:
        return f"({last} | {expression(zero, rest)})"
    if zero == half:
        return f"(~{last} | {expression(one, rest)})"
    return f"({last} ? {expression(one, rest)} : {expression(zero, rest)})"
