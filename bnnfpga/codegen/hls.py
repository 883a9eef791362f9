"""The HLS C++ of a graph: generated top level, parameters and tables, test bench, library headers, vendor scripts."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.assets import asset
from bnnfpga.codegen.names import comment
from bnnfpga.codegen.ports import output_ports
from bnnfpga.codegen.templating import render
from bnnfpga.codegen.unit_comments import function_comment
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.hardware import HlsTable
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Stream

AP_TYPES = "ap_types"
"""Subfolder of a project's `hls/` for the open `ap_int.h`."""

DEFAULT_PART = "xc7z020clg400-1"
"""Default FPGA of the vendor scripts: that of the PYNQ-Z1 and PYNQ-Z2."""

NestedLiterals: TypeAlias = "str | list[NestedLiterals]"
"""A literal, or nested lists of literals as returned by numpy's `tolist`."""

_LINE = 116
_STORAGE = {"block": "bram", "distributed": "lutram"}
_INCLUDE = re.compile(r'^#include "([a-z_]+\.hpp)"$', re.MULTILINE)


@dataclass(frozen=True)
class Table:
    """A constant array of the generated headers."""

    name: str
    comment: str
    type: str
    bits: int
    dimensions: tuple[int, ...]
    initializer: str
    storage: str

    @property
    def words(self) -> int:
        """Number of addresses."""
        return self.dimensions[0]

    @property
    def ports(self) -> str:
        """The kind of ROM: one port if each address holds a word per lane, several if all lanes read the same words."""
        return "rom_1p" if len(self.dimensions) > 1 else "rom_np"

    @property
    def brackets(self) -> str:
        """The dimensions as C++ writes them."""
        return "".join(f"[{size}]" for size in self.dimensions)


def render_hls(
    graph: Graph,
    folder: Path,
    title: str = "accelerator",
    *,
    clock_mhz: float = 100,
    part: str = DEFAULT_PART,
    ap_headers: Mapping[str, bytes] | None = None,
) -> list[Path]:
    """Write `hls/` of a project into `folder`.

    Parameters
    ----------
    graph
        A complete graph: both ends of every stream have the same lanes, and each output ends in a score output.
    folder
        The project folder; `hls` is created in it.
    title
        Title for the first line of each file.
    clock_mhz, part
        Target clock and FPGA for the vendor scripts.
    ap_headers
        The open `ap_int.h` and its companion files, by name, copied verbatim into the project.

    Returns
    -------
    list
        The files written.
    """
    outputs = output_ports(graph)
    units = [_unit(graph, operator) for operator in graph.operators]
    ports = [f"hls::stream<{port.name}_word>& {port.name}" for port in outputs]
    values: dict[str, object] = {
        "title": comment(title),
        "input": graph.input,
        "outputs": outputs,
        "headers": sorted({"stream_input", *(str(unit["function"]) for unit in units)}),
        "streams": [
            {"name": stream.name, "declaration": _declaration(stream), "depth": _depth(graph, stream)}
            for stream in graph.streams
            if stream.consumer is not None
        ],
        "units": units,
        "signature": _wrap("void accelerator(", ["hls::stream<s_axis_word>& s_axis", *ports], ")", ""),
        "clock_ns": f"{1000 / clock_mhz:g}",
        "part": part,
    }
    texts = {name: render(f"hls/{name}.j2", **values) for name in _RENDERED}
    for unit in units:
        if unit["tables"]:
            texts[f"weights/{unit['name']}.hpp"] = render("hls/weights.hpp.j2", **values, unit=unit)
    for name in ("testbench.cpp", "vitis_hls.tcl"):
        texts[name] = (asset("flows") / "csim" / name).read_text()
    for header in library_headers(["stream_input", *(str(unit["function"]) for unit in units)]):
        texts[f"bnn/{header.name}"] = header.read_text()
    contents = {name: text.encode() for name, text in texts.items()}
    contents |= {f"{AP_TYPES}/{name}": data for name, data in (ap_headers or {}).items()}
    written = []
    for name, data in contents.items():
        path = folder / "hls" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written.append(path)
    return written


_RENDERED = ("top.cpp", "top.hpp", "params.hpp", "hls_config.cfg", "settings.tcl")


def library_headers(functions: Iterable[str]) -> list[Path]:
    """The headers of `hls/bnn` that these functions need, sorted by name."""
    folder = asset("hls") / "bnn"
    headers: dict[str, Path] = {}
    # The generated files themselves use the boundary's types and the tables.
    pending = [f"{name}.hpp" for name in ("axis_word", "dump", "table", *functions)]
    while pending:
        name = pending.pop()
        if name not in headers:
            headers[name] = folder / name
            pending += _INCLUDE.findall(headers[name].read_text())
    return [headers[name] for name in sorted(headers)]


def literal(value: int | bool) -> str:
    """A C++ literal for a template argument."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unit(graph: Graph, operator: Operator) -> dict[str, object]:
    instance = operator.hls()
    tables = operator_tables(operator)
    inputs, outputs = graph.inputs_of(operator.name), graph.outputs_of(operator.name)
    output_port = {port.stream.name: port.name for port in output_ports(graph)}
    ports = [
        *(_operand("in", index, len(inputs), stream, None) for index, stream in enumerate(inputs)),
        *(
            _operand("out", index, len(outputs), stream, output_port.get(stream.name))
            for index, stream in enumerate(outputs)
        ),
    ]
    signature = [f"hls::stream<{port['type']}>& {port['name']}" for port in ports]
    arguments = [f"p::{name}" for name in instance.parameters]
    operands = [*(port["name"] for port in ports), *(table.name for table in tables)]
    return {
        "name": operator.name,
        "comment": function_comment(operator),
        "function": instance.function,
        "signature": _wrap(f"void {operator.name}(", signature, ")", ""),
        "call": _call(f"bnn::{instance.function}", arguments, operands),
        "use": _wrap(f"units::{operator.name}(", [port["stream"] for port in ports], ")", "    "),
        "parameters": [
            {"name": name, "type": _type(value), "value": literal(value)} for name, value in instance.parameters.items()
        ],
        "makes": [stream for stream in outputs if stream.consumer is not None],
        "tables": tables,
    }


def _operand(kind: str, index: int, of: int, stream: Stream, port: str | None) -> dict[str, str]:
    """An argument of a unit: its name and type there, and what the top level passes, a stream or an output port."""
    return {
        "name": kind if of == 1 else f"{kind}_{index}",
        "type": f"{port}_word" if port else f"bnn::word<{stream.port.width}>",
        "stream": port or stream.name,
    }


def _declaration(stream: Stream) -> str:
    start, name = f"    hls::stream<bnn::word<{stream.port.width}>> {stream.name}(", f'"{stream.name}")'
    return start + name if len(start) + len(name) <= _LINE else f"{start}\n        {name}"


def _call(function: str, arguments: Sequence[str], operands: Sequence[str]) -> str:
    """A call of a template on one line, or with its operands on a line of their own."""
    line = f"    {function}<{', '.join(arguments)}>({', '.join(operands)})"
    if len(line) < _LINE:
        return line
    return _wrap(f"{function}<", arguments, ">(", "    ") + "\n" + _wrap("", operands, ")", "        ")


def _wrap(start: str, parts: Sequence[str], end: str, indent: str) -> str:
    """A parenthesised list, continuation lines aligned with its first part."""
    text = start + ", ".join(parts) + end
    return textwrap.fill(
        text,
        _LINE,
        initial_indent=indent,
        subsequent_indent=indent + " " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _type(value: int | bool) -> str:
    if isinstance(value, bool):
        return "bool"
    return "int" if value < 0 else "unsigned"


def operator_tables(operator: Operator) -> list[Table]:
    """The tables that an operator's function takes, in the order of its arguments."""
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
    """Decimal literals of two's complement entries."""
    weights = 1 << np.arange(bits.shape[-1], dtype=np.int64)
    weights[-1] *= -1
    return (bits.astype(np.int64) @ weights).astype(np.str_)


def _bit_vectors(bits: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Literals of unsigned entries; entries of more than 64 bits get an additional axis of 64-bit chunks."""
    width = bits.shape[-1]
    if width == 1:
        return bits[..., 0].astype(np.str_)
    chunks = -(-width // 64)
    padded = np.zeros((*bits.shape[:-1], 64 * chunks), dtype=np.uint8)
    padded[..., :width] = bits
    words = np.packbits(padded, axis=-1, bitorder="little").view("<u8")
    digits = -(-min(width, 64) // 4)
    suffix = "ull" if width > 32 else "u"
    literals = np.array([f"0x{word:0{digits}x}{suffix}" for word in words.ravel().tolist()])
    return literals.reshape(words.shape if chunks > 1 else words.shape[:-1])


def _braces(entries: NDArray[np.str_]) -> str:
    """An initializer in nested braces, one address per line if it fits."""
    shape = entries.shape[1:]
    return "{\n" + ",\n".join(_lines(entry, shape, 4) for entry in entries.tolist()) + ",\n}"


def _lines(entry: NestedLiterals, shape: tuple[int, ...], indent: int) -> str:
    margin = " " * indent
    if isinstance(entry, str):
        return margin + entry
    first: NestedLiterals = entry
    while not isinstance(first, str):
        first = first[0]
    if math.prod(shape) * (len(first) + 4) < 2 * _LINE and len(flat := _flat(entry)) + indent <= _LINE:
        return margin + flat
    if len(shape) == 1:
        texts = [str(text) for text in entry]
        step = max(1, (_LINE - indent) // (max(map(len, texts)) + 2))
        rows = [", ".join(texts[start : start + step]) for start in range(0, len(texts), step)]
        return margin + "{" + f",\n{margin} ".join(rows) + "}"
    return margin + "{" + ",\n".join(_lines(part, shape[1:], indent + 1) for part in entry)[indent + 1 :] + "}"


def _flat(entry: NestedLiterals) -> str:
    return entry if isinstance(entry, str) else "{" + ", ".join(map(_flat, entry)) + "}"


def _depth(graph: Graph, stream: Stream) -> int:
    """The depth of a stream: that of its producer's output queue."""
    if stream.producer is None:
        return 2
    schedule = graph[stream.producer].schedule()
    port = [output.name for output in graph.outputs_of(stream.producer)].index(stream.name)
    return max(2, math.ceil(schedule.capacity[port] / schedule.remove[port]))
