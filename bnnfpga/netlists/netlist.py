"""A combinational circuit of lookup tables and carry chains, built signal by signal from its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bnnfpga.netlists.truth_tables import cofactor, depends, merged, permuted

Signal = int
"""A bit of a netlist: a number in the order in which signals were made; 0 and 1 are the constants."""
ZERO: Signal = 0
ONE: Signal = 1
LUT_INPUTS = 6
"""The most inputs of a lookup table."""


@dataclass(frozen=True)
class Lut:
    """A lookup table: bit i of `table` is the output where the inputs, the first lowest, are the number i."""

    inputs: tuple[Signal, ...]
    table: int
    output: Signal

    @property
    def outputs(self) -> tuple[Signal, ...]:
        return (self.output,)


@dataclass(frozen=True)
class CarryChain:
    """A carry chain, lowest place first: a place passes its carry on where its `select` is 1, else sends `data`.

    The sum of a place is its carry exclusive-or its `select`; `carry` is the last place's carry out. On Xilinx parts, a
    `select` and the `data` beside it come from one lookup table with two outputs.
    """

    select: tuple[Signal, ...]
    data: tuple[Signal, ...]
    carry_in: Signal
    sums: tuple[Signal, ...]
    carry: Signal

    @property
    def inputs(self) -> tuple[Signal, ...]:
        return (*self.select, *self.data, self.carry_in)

    @property
    def outputs(self) -> tuple[Signal, ...]:
        return (*self.sums, self.carry)


Cell = Lut | CarryChain


@dataclass
class Netlist:
    """A circuit under construction.

    A cell reads only signals that exist, so that `cells` stand in the order in which they compute. Equal tables of
    equal inputs are made once, and a table that needs no cell (a constant, one of its inputs) becomes that signal.
    """

    inputs: dict[str, tuple[Signal, ...]] = field(default_factory=dict)
    outputs: dict[str, tuple[Signal, ...]] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    signals: int = 2
    """The number of signals, both constants included."""
    _luts: dict[tuple[tuple[Signal, ...], int], Signal] = field(default_factory=dict)

    def input(self, name: str, width: int) -> tuple[Signal, ...]:
        """Add an input of `width` bits, least significant first."""
        self.inputs[name] = self._new(width)
        return self.inputs[name]

    def output(self, name: str, signals: Sequence[Signal]) -> None:
        """Add an output, least significant bit first."""
        self.outputs[name] = tuple(signals)

    def lut(self, table: int, *inputs: Signal) -> Signal:
        """The output of a lookup table."""
        place = 0
        while place < len(inputs):
            signal = inputs[place]
            if signal in (ZERO, ONE):
                table = cofactor(table, len(inputs), place, signal)
            elif signal in inputs[:place]:
                table = merged(table, len(inputs), place, inputs.index(signal))
            elif not depends(table, len(inputs), place):
                table = cofactor(table, len(inputs), place, 0)
            else:
                place += 1
                continue
            # Fewer entries may make an input before this one superfluous.
            inputs, place = inputs[:place] + inputs[place + 1 :], 0
        if len(inputs) > LUT_INPUTS:
            raise ValueError(f"a lookup table of {len(inputs)} inputs")
        if not inputs:
            return table
        if inputs == tuple(inputs[:1]) and table == 0b10:
            return inputs[0]
        order = sorted(range(len(inputs)), key=inputs.__getitem__)
        if order != list(range(len(inputs))):
            inputs, table = tuple(inputs[place] for place in order), permuted(table, order)
        if (inputs, table) not in self._luts:
            (self._luts[inputs, table],) = self._new(1)
            self.cells.append(Lut(inputs, table, self._luts[inputs, table]))
        return self._luts[inputs, table]

    def carry_chain(
        self, select: Sequence[Signal], data: Sequence[Signal], carry_in: Signal = ZERO
    ) -> tuple[tuple[Signal, ...], Signal]:
        """The sums of a carry chain and its last carry."""
        *sums, carry = self._new(len(select) + 1)
        self.cells.append(CarryChain(tuple(select), tuple(data), carry_in, tuple(sums), carry))
        return tuple(sums), carry

    def live_cells(self) -> list[Cell]:
        """The cells between inputs and outputs, in order."""
        given = {signal for signals in self.inputs.values() for signal in signals}
        needed = {signal for signals in self.outputs.values() for signal in signals} - given
        live: list[Cell] = []
        for cell in reversed(self.cells):
            if not needed.isdisjoint(cell.outputs):
                needed.update(signal for signal in cell.inputs if signal not in given)
                live.append(cell)
        return live[::-1]

    def between(self, inputs: Sequence[Signal], outputs: Sequence[Signal]) -> Netlist:
        """The cells between some signals as a netlist of its own, from `inputs` to `outputs`, for proofs of parts."""
        return Netlist({"inputs": tuple(inputs)}, {"outputs": tuple(outputs)}, self.cells, self.signals)

    def levels(self) -> list[int]:
        """For each signal the cells on the longest way to it; a carry chain counts as one."""
        levels = [0] * self.signals
        for cell in self.cells:
            level = 1 + max((levels[signal] for signal in cell.inputs), default=0)
            for signal in cell.outputs:
                levels[signal] = level
        return levels

    def _new(self, count: int) -> tuple[Signal, ...]:
        self.signals += count
        return tuple(range(self.signals - count, self.signals))


def luts(cells: Sequence[Cell]) -> Iterator[Lut]:
    """The lookup tables among cells."""
    return (cell for cell in cells if isinstance(cell, Lut))


def carry_chains(cells: Sequence[Cell]) -> Iterator[CarryChain]:
    """The carry chains among cells."""
    return (cell for cell in cells if isinstance(cell, CarryChain))
