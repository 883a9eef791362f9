"""Compiles many instances of HLS units into one program and runs them beside `Operator.execute`."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnfpga.assets import asset
from bnnfpga.codegen.hls import operator_tables
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.thresholds import ThresholdTable
from bnnfpga.integers import IntArray, IntegerType

STRICT = ["-std=c++14", "-Wall", "-Wextra", "-Werror"]

_MAIN = """
#include "bnn/word.hpp"
#include <fstream>
#include <string>

template <unsigned InBits, unsigned InBeats, unsigned OutBits, unsigned OutBeats, class Unit>
bool run(const std::string& path, unsigned frames, Unit unit) {
    std::ifstream source(path + ".in", std::ios::binary);
    std::ofstream sink(path + ".out", std::ios::binary);
    hls::stream<bnn::word<InBits>> in("in");
    hls::stream<bnn::word<OutBits>> out("out");
    for (unsigned frame = 0; frame < frames; ++frame) {
        for (unsigned beat = 0; beat < InBeats; ++beat) {
            bnn::bits<8 * ((InBits + 7) / 8)> padded;
            for (unsigned i = 0; i < (InBits + 7) / 8; ++i) padded.template set<8>(8 * i, source.get() & 0xff);
            in.write(padded.template slice<InBits>(0).packed());
        }
        unit(in, out);
        if (!in.empty()) return false;
        for (unsigned beat = 0; beat < OutBeats; ++beat) {
            if (out.empty()) return false;
            bnn::bits<8 * ((OutBits + 7) / 8)> padded;
            padded.insert(0, bnn::bits<OutBits>(out.read()));
            for (unsigned i = 0; i < (OutBits + 7) / 8; ++i) sink.put(static_cast<char>(padded.template get<8>(8 * i)));
        }
        if (!out.empty()) return false;
    }
    return true;
}
"""


@dataclass(frozen=True)
class Case:
    """A unit, and random frames for it."""

    operator: Operator
    seed: int
    frames: int = 3

    def frames_in(self) -> IntArray:
        port = self.operator.inputs[0]
        return random_integers(port.type, (self.frames, *port.shape), np.random.default_rng(self.seed))


def random_integers(type_: IntegerType, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    if type_.is_bipolar:
        return 2 * rng.integers(0, 2, shape) - 1
    return rng.integers(type_.lo, type_.hi + 1, shape)


def random_table(
    accumulator: IntegerType, channels: int, levels: int, output: IntegerType, rng: np.random.Generator
) -> ThresholdTable:
    """Thresholds anywhere in [lo, hi + 1], constant and decreasing channels among them."""
    values = np.sort(rng.integers(accumulator.lo, accumulator.hi + 2, (channels, levels)), axis=1)
    values[rng.random(channels) < 0.1] = accumulator.hi + 1
    values[rng.random(channels) < 0.1] = accumulator.lo
    return ThresholdTable(values, rng.random(channels) < 0.4, output)


def pack(port: Port, values: IntArray) -> NDArray[np.uint8]:
    """Frames of integers to bytes, (frames, beats * bytes)."""
    codes = port.type.encode(values.reshape(len(values), port.beats, port.lanes))
    bits = to_bits(codes, port.type.bits).reshape(len(values), port.beats, port.width)
    return np.packbits(bits, axis=-1, bitorder="little").reshape(len(values), -1)


def synthesis_form(work: Path) -> list[str]:
    """Options that compile the library as Vitis HLS sees it; the open ap_int itself knows no such form."""
    prelude = work / "synthesis.hpp"
    prelude.write_text("#include <ap_int.h>\n#include <hls_stream.h>\n#define __SYNTHESIS__\n")
    return ["-include", str(prelude), "-w"]


def compile_program(source: str, work: Path, compiler: str, ap_headers: Path, *options: str) -> Path:
    (work / "program.cpp").write_text(source)
    program = work / "program"
    command = [compiler, *STRICT, "-O1", *options, "-I", str(asset("hls")), "-isystem", str(ap_headers)]
    result = subprocess.run(
        [*command, "-o", str(program), str(work / "program.cpp")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[:6000]
    return program


def check(cases: list[Case], work: Path, compiler: str, ap_headers: Path, *, synthesis: bool = False) -> None:
    """All cases in one program: what the HLS unit makes is what `execute` says.

    With `synthesis` the units are compiled in the form that Vitis HLS sees.
    """
    functions = sorted({case.operator.hls().function for case in cases})
    parts = [f'#include "bnn/{function}.hpp"' for function in functions] + ['#include "bnn/table.hpp"', _MAIN]
    calls = []
    for index, case in enumerate(cases):
        operator = case.operator
        tables = operator_tables(operator)
        parts.append(f"namespace case_{index} {{")
        parts += [
            f"const bnn::{table.type}<{table.bits}> {table.name}{table.brackets} = {table.initializer};"
            for table in tables
        ]
        parts.append("}")
        taken, made = operator.inputs[0], operator.outputs[0]
        arguments = ", ".join(map(str, operator.hls().arguments))
        operands = ", ".join(["in", "out", *(f"case_{index}::{table.name}" for table in tables)])
        unit = f"[](auto& in, auto& out) {{ bnn::{operator.hls().function}<{arguments}>({operands}); }}"
        shape = f"{taken.width}, {taken.beats}, {made.width}, {made.beats}"
        calls.append(f'if (!run<{shape}>(folder + "/{index}", {case.frames}, {unit})) return {index + 1};')
        (work / f"{index}.in").write_bytes(pack(taken, case.frames_in()).tobytes())
    parts += ["int main(int, char** argv) {", "const std::string folder = argv[1];", *calls, "return 0;", "}"]
    form = synthesis_form(work) if synthesis else []
    program = compile_program("\n".join(parts), work, compiler, ap_headers, *form)
    status = subprocess.run([program, work], check=False, capture_output=True, text=True)
    assert status.returncode == 0, f"{cases[status.returncode - 1]}: a wrong number of beats; {status.stdout}"
    for index, case in enumerate(cases):
        made = case.operator.outputs[0]
        (expected,) = case.operator.execute(case.frames_in())
        got = np.frombuffer((work / f"{index}.out").read_bytes(), dtype=np.uint8).reshape(case.frames, -1)
        np.testing.assert_array_equal(got, pack(made, expected), err_msg=str(case))
