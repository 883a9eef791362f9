"""Every pragma is one that Vitis HLS knows, with its options, and stands where its documentation wants it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from test_hls_graph import branches, chain, random_net

from bnnfpga.base.assets import asset
from bnnfpga.codegen.hls import render_hls
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.numbers.integers import IntegerType

# Options that must be there, and options that may.
KNOWN = {
    "PIPELINE": ({"II", "style"}, set()),
    "UNROLL": (set(), set()),
    "INLINE": (set(), set()),
    "DATAFLOW": ({"disable_start_propagation"}, set()),
    "INTERFACE": ({"mode", "port"}, {"register", "register_mode"}),
    "STREAM": ({"variable", "depth"}, set()),
    "ARRAY_PARTITION": ({"variable", "complete"}, {"dim"}),
    "BIND_STORAGE": ({"variable", "type"}, {"impl"}),
    "DEPENDENCE": ({"variable", "type", "direction", "distance", "dependent"}, set()),
}
VALUES = {
    "II": {"1"},
    "style": {"frp"},
    "mode": {"axis", "ap_ctrl_none"},
    "register_mode": {"both"},
    "impl": {"bram", "lutram"},
    "direction": {"RAW"},
}
TYPES = {"BIND_STORAGE": {"ram_s2p", "rom_1p", "rom_np"}, "DEPENDENCE": {"inter"}}
OPENS_LOOP = re.compile(r"^(for|while) \(.*\{$")


@dataclass
class Block:
    """Lines between braces: what opened it, and what stands in it so far, that of the blocks around it included."""

    opening: str
    above: list[str]
    lines: list[str] = field(default_factory=list)

    @property
    def is_loop(self) -> bool:
        return OPENS_LOOP.match(self.opening) is not None


def pragmas(text: str) -> Iterator[tuple[str, Block]]:
    """Each pragma with the block that it stands in."""
    blocks = [Block("", [])]
    statement = ""
    for line in (line.partition("//")[0].strip() for line in text.splitlines()):
        if found := re.match(r"BNN_PRAGMA\(HLS (.*)\)$", line):
            yield found[1], blocks[-1]
            continue
        statement = f"{statement} {line}".strip()
        for _ in range(line.count("}") - line.count("{")):
            blocks.pop()
        if line.endswith("{"):
            if line.startswith("}"):
                blocks.pop()
            blocks.append(Block(statement, [*blocks[-1].above, *blocks[-1].lines, statement]))
        if line.endswith(("{", "}", ";")) or line.startswith("#"):
            if not line.endswith("{"):
                blocks[-1].lines.append(statement)
            statement = ""


def check(text: str) -> int:
    count = 0
    for pragma, block in pragmas(text):
        count += 1
        name, *words = pragma.split()
        options = dict(word.partition("=")[::2] for word in words)
        must, may = KNOWN[name]
        assert must <= set(options) <= must | may, pragma
        for option, value in options.items():
            assert value in VALUES.get(option, {value}), pragma
        assert options.get("type") in TYPES.get(name, {None}), pragma
        if name in ("PIPELINE", "UNROLL"):
            assert block.is_loop, pragma
            assert not block.lines, f"{pragma} is not the first in its loop"
        else:
            assert not block.is_loop, pragma
        if name in ("DATAFLOW", "INTERFACE"):
            assert not block.lines, pragma
        for option in ("variable", "port"):
            named = options.get(option, "return")
            seen = " ".join([*block.above, *block.lines])
            declared = re.search(rf"\b{named}\)?\[|\b{named}\(|& {named}\b", seen)
            assert named == "return" or declared, f"{pragma}: what is {named}?"
    return count


def loops_without(text: str) -> int:
    """Loops whose first line is no pragma, outside of what only C simulation compiles."""
    text = re.sub(r"#ifndef __SYNTHESIS__.*?#endif", "", text, flags=re.DOTALL)
    return len(re.findall(r"^\s*(?:for|while) \(.*\{\n(?!\s*BNN_PRAGMA\(HLS (?:PIPELINE|UNROLL))", text, re.MULTILINE))


# dump.hpp is for C simulation alone.
HEADERS = sorted(path for path in (asset("hls") / "bnn").glob("*.hpp") if path.stem != "dump")


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.stem)
def test_headers(header: Path) -> None:
    text = re.sub("//.*", "", header.read_text())
    check(text)
    # Hardware counts ones with the tree.
    assert loops_without(text) == (header.stem == "popcount")
    # A unit is one loop, of one cycle an iteration, or consists of parts that are.
    functions = len(re.findall(r"^void \w+\(hls::stream<", text, re.MULTILINE))
    assert text.count("HLS PIPELINE II=1") == functions - text.count("HLS DATAFLOW")


def squares() -> Graph:
    """A lookup of four lanes."""
    table = np.arange(16) ** 2
    lookup = Lookup("lookup", (12,), IntegerType(0, 15, "unsigned"), table, IntegerType(0, 225, "unsigned"), pe=4)
    return chain([lookup, ScoreOutput("score_output", lookup.outputs[0])])


GRAPHS = {"dense": random_net(1), "wide": random_net(5, wide=True), "image": branches(), "lookup": squares()}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_the_top_level(graph: Graph, tmp_path: Path) -> None:
    render_hls(graph, tmp_path)
    text = (tmp_path / "hls" / "top.cpp").read_text()
    headers = "\n".join(path.read_text() for path in sorted((tmp_path / "hls" / "weights").glob("*.hpp")))
    tables = "\n".join(re.findall(r"^const bnn::.*\]", headers, re.MULTILINE)).replace("]\n", "];\n") + ";\n"
    assert check(tables + text) > len(graph.operators)
    top = text[text.index("\nvoid accelerator(") :]
    for wanted in (
        "mode=ap_ctrl_none port=return",
        "mode=axis register_mode=both port=s_axis",
        "port=m_axis",
        "DATAFLOW",
    ):
        assert top.count(wanted) == 1
    # Streams are declared and get their depth, then every unit is called once.
    declared = re.findall(r'^    hls::stream<.*?> (\w+)\(\s*"\1"\);$', top, re.MULTILINE)
    assert re.findall(r"HLS STREAM variable=(\w+) depth=\d+", top) == declared
    assert re.findall(r"^    units::(\w+)\(", top, re.MULTILINE) == ["read_input", *(u.name for u in graph.operators)]
    # Every table is read at once but for its first index; where it has no other, all lanes read it.
    for name, brackets in re.findall(r"(\w+)((?:\[\d+\])+);", tables):
        for dimension in range(2, brackets.count("[") + 1):
            assert f"ARRAY_PARTITION variable={name} complete dim={dimension})" in text
        assert (f"BIND_STORAGE variable={name} type=rom_np" in text) == (brackets.count("[") == 1)
