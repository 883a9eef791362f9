"""The HLS C++ of a graph: generated top level and tables, test bench, library headers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnfpga.assets import asset
from bnnfpga.codegen.names import comment
from bnnfpga.codegen.templating import render
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import HlsTable, Operator
from bnnfpga.dataflow.stream import Stream

_LINE = 116
_STORAGE = {"block": "bram", "distributed": "lutram"}


@dataclass(frozen=True)
class Table:
    """A constant array of the generated header."""

    name: str
    comment: str
    type: str
    bits: int
    dimensions: tuple[int, ...]
    initializer: str
    storage: str

    @property
    def words(self) -> int:
        """Addresses."""
        return self.dimensions[0]

    @property
    def brackets(self) -> str:
        """The dimensions as C++ writes them."""
        return "".join(f"[{size}]" for size in self.dimensions)


def render_hls(graph: Graph, folder: Path, title: str = "accelerator") -> list[Path]:
    """Write `hls/` of a project into `folder`.

    Parameters
    ----------
    graph
        A complete graph: every stream has the lanes of both its ends, and its last unit is a score output.
    folder
        The project; `hls` is made in it.
    title
        What the files are about, for their first line.

    Returns
    -------
    list
        The files written.
    """
    tables = {operator.name: operator_tables(operator) for operator in graph.operators}
    all_tables = [table for group in tables.values() for table in group]
    units = [
        {
            "comment": _describe(operator),
            "function": operator.hls().function,
            "arguments": operator.hls().arguments,
            "operands": [
                *(stream.name for stream in graph.inputs_of(operator.name)),
                *(_name(stream) for stream in graph.outputs_of(operator.name)),
                *(table.name for table in tables[operator.name]),
            ],
            "makes": [stream for stream in graph.outputs_of(operator.name) if stream.consumer is not None],
        }
        for operator in graph.operators
    ]
    values: dict[str, object] = {
        "title": comment(title),
        "input": graph.input,
        "output": graph.output,
        "headers": sorted({"stream_input", *(operator.hls().function for operator in graph.operators)}),
        "streams": [
            {"name": stream.name, "width": stream.port.width, "depth": _depth(graph, stream)}
            for stream in graph.streams
            if stream.consumer is not None
        ],
        "tables": all_tables,
        "units": units,
    }
    texts = {
        "accelerator.cpp": render("hls/top.cpp.j2", **values),
        "accelerator.hpp": render("hls/top.hpp.j2", **values),
        "tables.hpp": render("hls/tables.hpp.j2", **values),
        "testbench.cpp": (asset("flows") / "csim" / "testbench.cpp").read_text(),
    }
    for header in sorted((asset("hls") / "bnn").glob("*.hpp")):
        texts[f"bnn/{header.name}"] = header.read_text()
    (folder / "hls" / "bnn").mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts.items():
        path = folder / "hls" / name
        path.write_text(text)
        written.append(path)
    return written


def operator_tables(operator: Operator) -> list[Table]:
    """The tables that an operator's function takes, in its order."""
    return [_table(operator, memory) for memory in operator.hls().tables]


def _table(operator: Operator, memory: HlsTable) -> Table:
    *axes, bits = memory.bits.shape
    if memory.signed:
        kind, entries = "rom_integer", _integers(memory.bits)
    else:
        kind, entries = "rom_bits", _bit_vectors(memory.bits)
        axes = list(entries.shape)
    shape = " x ".join(map(str, memory.bits.shape[:-1]))
    return Table(
        name=f"{operator.name}_{memory.name}",
        comment=comment(f"{operator.name}, {memory.name}: {shape} entries, {bits} bits each"),
        type=kind,
        bits=bits,
        dimensions=tuple(axes),
        initializer=_braces(entries),
        storage=_STORAGE[memory.kind],
    )


def _integers(bits: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Decimal literals of entries in two's complement."""
    weights = 1 << np.arange(bits.shape[-1], dtype=np.int64)
    weights[-1] *= -1
    return (bits.astype(np.int64) @ weights).astype(np.str_)


def _bit_vectors(bits: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Literals of entries, one more axis of 64-bit chunks where an entry has more bits."""
    width = bits.shape[-1]
    if width == 1:
        return bits[..., 0].astype(np.str_)
    chunks = -(-width // 64)
    padded = np.zeros((*bits.shape[:-1], 64 * chunks), dtype=np.uint8)
    padded[..., :width] = bits
    words = np.packbits(padded, axis=-1, bitorder="little").view("<u8")
    digits = -(-min(width, 64) // 4)
    literals = np.array([f"0x{word:0{digits}x}ull" for word in words.ravel().tolist()])
    return literals.reshape(words.shape if chunks > 1 else words.shape[:-1])


def _braces(entries: NDArray[np.str_]) -> str:
    """Nested braces, an address a line where it fits."""
    return "{\n" + ",\n".join(_lines(entry, 4) for entry in entries) + ",\n}"


def _lines(entry: NDArray[np.str_], indent: int) -> str:
    margin = " " * indent
    if entry.ndim == 0:
        return margin + str(entry)
    if entry.size * (len(str(entry.flat[0])) + 4) < 2 * _LINE and len(flat := _flat(entry)) + indent <= _LINE:
        return margin + flat
    if entry.ndim == 1:
        step = max(1, (_LINE - indent) // (int(np.char.str_len(entry).max()) + 2))
        rows = [", ".join(entry[start : start + step]) for start in range(0, len(entry), step)]
        return margin + "{" + f",\n{margin} ".join(rows) + "}"
    return margin + "{" + ",\n".join(_lines(part, indent + 1) for part in entry)[indent + 1 :] + "}"


def _flat(entry: NDArray[np.str_]) -> str:
    if entry.ndim == 1:
        return "{" + ", ".join(entry) + "}"
    return "{" + ", ".join(_flat(part) for part in entry) + "}"


def _name(stream: Stream) -> str:
    return "m_axis" if stream.consumer is None else stream.name


def _depth(graph: Graph, stream: Stream) -> int:
    """A stream is as deep as the output queue of the unit in front of it."""
    if stream.producer is None:
        return 2
    schedule = graph[stream.producer].schedule()
    port = [made.name for made in graph.outputs_of(stream.producer)].index(stream.name)
    return max(2, math.ceil(schedule.capacity[port] / schedule.remove[port]))


def _describe(operator: Operator) -> str:
    taken, made = operator.inputs[0], operator.outputs[0]
    pe, simd = operator.folding
    folding = "".join(f", {name} {value}" for name, value in (("PE", pe), ("SIMD", simd)) if value is not None)
    sides = " to ".join(f"{' x '.join(map(str, port.shape))} {port.type}" for port in (taken, made))
    return comment(f"{operator.name}: {sides}{folding}, interval {operator.interval()}")
