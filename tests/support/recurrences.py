"""What each turn of a loop waits for from the turn before, read from LLVM's form of it.

A pipelined loop can start a turn per cycle only where no cycle of dependences takes longer than the turns that it
spans. Here an addition, a comparison and a table read take one unit each, choices and wires none; the *recurrence* of a
loop is the largest sum of units around a cycle of dependences, divided by the turns around it. What is written to a
memory counts as read back in the next turn; the DEPENDENCE pragmas state more turns where there are more.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from bnnfpga.base.assets import asset

UNITS = {"add": 1, "sub": 1, "icmp": 1, "load": 1, "mul": 3}
"""Units of time by operation; all others are wires, or choices between wires."""
REFUSED = {"udiv", "sdiv", "urem", "srem"}
"""Operations that no loop may have."""

STREAM = r"""
#pragma once
// A stream whose beats come from elsewhere, so that a compiler cannot look into it.
extern "C" unsigned long long bnn_read(const void*) noexcept;
extern "C" bool bnn_has(const void*) noexcept;
extern "C" void bnn_write(const void*, unsigned long long) noexcept;
namespace hls {
template <class T>
struct stream {
    stream() {}
    explicit stream(const char*) {}
    T read() { return T(bnn_read(this)); }
    bool read_nb(T& x) {
        if (!bnn_has(this)) return false;
        x = read();
        return true;
    }
    void write(const T& x) { bnn_write(this, x.to_uint64()); }
};
}
"""
_OPTIONS = ["-O2", "-fno-exceptions", "-fno-vectorize", "-fno-slp-vectorize", "-mllvm", "-unroll-threshold=20000"]
_OPTIONS += ["-mllvm", "-unroll-runtime=0", "-mllvm", "-unroll-allow-partial=0", "-mllvm", "-unroll-peel-max-count=0"]


@dataclass
class Instruction:
    """An instruction, its block and the names that it reads; of a choice by the way taken, each value and its way."""

    block: str
    operation: str
    operands: list[str]
    incoming: list[tuple[str, str]] = field(default_factory=list)

    @property
    def units(self) -> int:
        if "llvm." in self.operation:
            return 1 if re.search(r"\.[us](min|max)\.", self.operation) else 0
        return UNITS.get(self.operation, 0)


@dataclass
class Function:
    """Instructions by the names of their results; all operations, branches and their conditions by block."""

    instructions: dict[str, Instruction] = field(default_factory=dict)
    operations: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    successors: dict[str, list[str]] = field(default_factory=dict)
    conditions: dict[str, str] = field(default_factory=dict)

    def memory(self, pointer: str) -> str | None:
        """The local array that a pointer points into."""
        while (one := self.instructions.get(pointer)) is not None:
            if one.operation == "alloca":
                return pointer
            pointer = one.operands[0]
        return None

    def loops(self) -> list[Loop]:
        entry = next(iter(self.successors))
        bodies: dict[str, set[str]] = defaultdict(set)
        for block, ends in self.successors.items():
            for header in ends:
                if block not in _reached(self.successors, entry, header):
                    # What leads to the branch back without passing the header.
                    backward = _reversed(self.successors)
                    bodies[header] |= {header} | _reached(backward, block, header)
        return [Loop(self, header, body) for header, body in bodies.items()]


@dataclass
class Loop:
    """A loop by its blocks."""

    function: Function
    header: str
    body: set[str]

    @property
    def refused(self) -> set[str]:
        """Operations that it must not have, but has."""
        return {operation for block in self.body for operation in self.function.operations[block]} & REFUSED

    @property
    def recurrence(self) -> float:
        """The largest number of units per turn around a cycle of dependences."""
        inside = {name: one for name, one in self.function.instructions.items() if one.block in self.body}
        edges: list[tuple[str, str, int, int]] = []  # from, to, units, turns
        for name, one in inside.items():
            if one.operation != "phi":
                edges += [(operand, name, one.units, 0) for operand in one.operands if operand in inside]
                continue
            turns = int(one.block == self.header)
            edges += [(value, name, 0, turns) for value, _ in one.incoming if value in inside]
            if not turns:
                edges += [(value, name, 0, 0) for value in self._deciding(one.block) if value in inside]
        for store, stored in inside.items():
            if stored.operation == "store":
                memory = self.function.memory(stored.operands[-1])
                loads = (name for name, one in inside.items() if one.operation == "load")
                edges += [
                    (store, load, inside[load].units, 1)
                    for load in loads
                    if memory and self.function.memory(inside[load].operands[-1]) == memory
                ]
        low, high = 0.0, 100.0
        while high - low > 0.01:
            middle = (low + high) / 2
            low, high = (middle, high) if _has_cycle_above(middle, list(inside), edges) else (low, middle)
        return round(high, 1)

    @property
    def _turn(self) -> dict[str, list[str]]:
        """The branches of one turn."""
        ends = self.function.successors
        return {block: [end for end in ends[block] if end in self.body and end != self.header] for block in self.body}

    def _deciding(self, merge: str) -> set[str]:
        """The conditions that decide by which way a turn comes to a block."""
        turn = self._turn
        ahead = _reached(_reversed(turn), merge) - {merge}
        dominators = [
            block for block in ahead if block == self.header or merge not in _reached(turn, self.header, block)
        ]
        nearest = min(dominators, key=lambda block: len(_reached(turn, block)))
        between = ahead & _reached(turn, nearest)
        return {self.function.conditions[block] for block in between if block in self.function.conditions}


def _reached(successors: dict[str, list[str]], start: str, without: str | None = None) -> set[str]:
    """What a block leads to, itself included, without passing another one."""
    seen: set[str] = set()
    pending = [start] if start != without else []
    while pending:
        if (one := pending.pop()) not in seen:
            seen.add(one)
            pending += [end for end in successors.get(one, []) if end != without]
    return seen


def _reversed(successors: dict[str, list[str]]) -> dict[str, list[str]]:
    backward: dict[str, list[str]] = defaultdict(list)
    for block, ends in successors.items():
        for end in ends:
            backward[end].append(block)
    return backward


def _has_cycle_above(ratio: float, nodes: list[str], edges: list[tuple[str, str, int, int]]) -> bool:
    """Whether a cycle has more than `ratio` units per turn, so a positive length (Bellman and Ford)."""
    length = dict.fromkeys(nodes, 0.0)
    for _ in range(len(nodes) + 1):
        changed = False
        for start, end, units, turns in edges:
            reached = length[start] + units - ratio * turns
            if reached > length[end] + 1e-9:
                length[end] = reached
                changed = True
        if not changed:
            return False
    return True


def functions(text: str) -> dict[str, Function]:
    """The functions of a file of LLVM's assembly language."""
    found: dict[str, Function] = {}
    for name, body in re.findall(r"^define .*?@(\S+?)\(.*?\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        function = found[name] = Function()
        block = "%entry"
        # A branch by value has a line for each of its ways.
        joined = re.sub(r"\[\n(.*?)\n  \]", lambda ways: "[" + ways[1].replace("\n", " ") + "]", body, flags=re.DOTALL)
        for line in joined.splitlines():
            line = line.partition(" !")[0]
            if label := re.match(r"([\w.]+):", line):
                block = "%" + label[1]
            elif line.startswith("  "):
                _add(function, block, line.strip())
    return found


def _add(function: Function, block: str, line: str) -> None:
    function.successors.setdefault(block, [])
    result, _, rest = line.partition(" = ") if re.match(r"%[\w.]+ = ", line) else ("", "", line)
    words = re.sub(r"^(tail|musttail|notail) ", "", rest).split()
    operation = words[0] if words[0] != "call" else "call " + next((w for w in words if w.startswith("@")), "")
    function.operations[block].add(operation)
    names = re.findall(r"%[\w.]+", rest)
    if operation in ("br", "switch"):
        labels = re.findall(r"label (%[\w.]+)", rest)
        function.successors[block] = labels
        if len(labels) > 1:
            function.conditions[block] = names[0]
    elif operation == "store":
        function.instructions[f"store {len(function.instructions)}"] = Instruction(block, operation, names)
    elif result:
        pairs = re.findall(r"\[ (\S+), (%[\w.]+) \]", rest) if operation == "phi" else []
        function.instructions[result] = Instruction(block, operation, names, pairs)


def compile_to_llvm(source: str, work: Path, compiler: str, ap_headers: Path) -> dict[str, Function]:
    """The functions of C++ that uses the library, in the form that Vitis HLS sees."""
    (work / "hls_stream.h").write_text(STREAM)
    (work / "units.cpp").write_text("#include <ap_int.h>\n#define __SYNTHESIS__\n" + source)
    command = [compiler, "-std=c++17", "-w", *_OPTIONS, "-S", "-emit-llvm", "-o", str(work / "units.ll")]
    command += ["-isystem", str(work), "-I", str(asset("hls")), "-isystem", str(ap_headers), str(work / "units.cpp")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[:6000]
    return functions((work / "units.ll").read_text())
