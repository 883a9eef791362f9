"""Compiles many instances of HLS units into one program and compares them with `Operator.execute`."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.assets import asset
from bnnfpga.codegen.hls import literal, operator_tables
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.stream import Port
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

STRICT = ["-Wall", "-Wextra", "-Werror"]

_MAIN = """
#include "bnn/word.hpp"
#include <fstream>
#include <string>

/// Beats of a file, each padded to whole bytes, into a stream.
template <unsigned Bits>
void feed(std::istream& source, hls::stream<bnn::word<Bits>>& to, unsigned beats) {
    for (unsigned beat = 0; beat < beats; ++beat) {
        bnn::bits<8 * ((Bits + 7) / 8)> padded;
        for (unsigned i = 0; i < (Bits + 7) / 8; ++i) padded.template set<8>(8 * i, source.get() & 0xff);
        to.write(padded.template slice<Bits>(0).packed());
    }
}

/// The reverse; false unless there are exactly so many beats.
template <unsigned Bits>
bool drain(hls::stream<bnn::word<Bits>>& from, std::ostream& sink, unsigned beats) {
    for (unsigned beat = 0; beat < beats; ++beat) {
        if (from.empty()) return false;
        bnn::bits<8 * ((Bits + 7) / 8)> padded;
        padded.insert(0, bnn::bits<Bits>(from.read()));
        for (unsigned i = 0; i < (Bits + 7) / 8; ++i) sink.put(static_cast<char>(padded.template get<8>(8 * i)));
    }
    return from.empty();
}
"""

# The part of Vitis HLS' own header that the library uses.
AP_AXIU = r"""
#pragma once
#include <ap_int.h>
template <int D, int U, int I, int T>
struct ap_axiu { ap_uint<D> data; ap_uint<(D + 7) / 8> keep, strb; ap_uint<1> last; };
"""


@dataclass(frozen=True)
class Case:
    """A unit, and random frames for it."""

    operator: Operator
    seed: int
    frames: int = 3

    def frames_in(self) -> list[IntArray]:
        rng = np.random.default_rng(self.seed)
        return [self._random(port, rng) for port in self.operator.inputs]

    def _random(self, port: Port, rng: np.random.Generator) -> IntArray:
        values = random_integers(port.type, (self.frames, *port.shape), rng)
        if port.pads:
            outside = rng.random((self.frames, port.beats * port.pads)) < 0.3
            substitute = 0
            if isinstance(self.operator, Pool) and self.operator.function == "extremum":
                substitute = port.type.hi + 1
                # No window lies outside entirely.
                beats = self.operator.beats
                outside.reshape(self.frames, -1, beats.steps, beats.chunks, beats.simd)[:, :, -1, :, -1] = False
            values = values.reshape(*outside.shape, -1)
            values[outside] = substitute
        return port.from_beats(values.reshape(-1)).reshape(self.frames, *port.shape)


def random_integers(type_: IntegerType, shape: tuple[int, ...], rng: np.random.Generator) -> IntArray:
    if type_.is_bipolar:
        return 2 * rng.integers(0, 2, shape) - 1
    return rng.integers(type_.lo, type_.hi + 1, shape)


def random_table(
    accumulator: IntegerType, channels: int, levels: int, output: IntegerType, rng: np.random.Generator
) -> ThresholdTable:
    """Thresholds anywhere in [lo, hi + 1], with some constant and some decreasing channels."""
    values = np.sort(rng.integers(accumulator.lo, accumulator.hi + 2, (channels, levels)), axis=1)
    values[rng.random(channels) < 0.1] = accumulator.hi + 1
    values[rng.random(channels) < 0.1] = accumulator.lo
    return ThresholdTable(values, rng.random(channels) < 0.4, output)


def pack(port: Port, values: IntArray, fill: int = 0) -> NDArray[np.uint8]:
    """Frames of integers to bytes, (frames, beats * bytes); elements outside the image have the code `fill`."""
    beats = port.in_beats(values).reshape(len(values), port.beats, port.lanes)
    inside = port.type.holds(beats) if port.pads else np.ones(beats.shape, dtype=bool)
    codes = np.where(inside, port.type.encode(np.where(inside, beats, port.type.hi)), fill)
    bits = to_bits(codes, port.type.bits).reshape(len(values), port.beats, -1)
    if port.pads:
        flags = ~inside.reshape(len(values), port.beats, port.pads, -1).all(axis=-1)
        bits = np.concatenate([bits, flags.astype(np.uint8)], axis=-1)
    return np.packbits(bits, axis=-1, bitorder="little").reshape(len(values), -1)


def synthesis_form(work: Path) -> list[str]:
    """Options that compile the library as Vitis HLS sees it; the open ap_int has no such form."""
    prelude = work / "synthesis.hpp"
    prelude.write_text("#include <ap_int.h>\n#include <hls_stream.h>\n#define __SYNTHESIS__\n")
    return ["-include", str(prelude), "-w"]


def compile_program(source: str, work: Path, compiler: str, ap_headers: Path, *options: str) -> Path:
    (work / "program.cpp").write_text(source)
    program = work / "program"
    command = [compiler, "-std=c++17", *STRICT, "-O1", *options, "-I", str(asset("hls"))]
    command += ["-isystem", str(ap_headers), "-o", str(program), str(work / "program.cpp")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[:6000]
    return program


def check(
    cases: list[Case],
    work: Path,
    compiler: str,
    ap_headers: Path,
    *,
    synthesis: bool = False,
) -> None:
    """Check all cases in one program: each HLS unit gives the results of `execute`.

    With `synthesis` the units are compiled in the form that Vitis HLS sees.
    """
    functions = sorted({case.operator.hls().function for case in cases})
    parts = [f'#include "bnn/{function}.hpp"' for function in functions] + ['#include "bnn/table.hpp"', _MAIN]
    for index, case in enumerate(cases):
        parts += _run_case(index, case)
        for port, values, number in zip(case.operator.inputs, case.frames_in(), range(99), strict=False):
            (work / f"{index}.in{number}").write_bytes(pack(port, values).tobytes())
    calls = [f'if (!case_{index}::run(folder + "/{index}")) return {index % 250 + 1};' for index in range(len(cases))]
    parts += ["int main(int, char** argv) {", "const std::string folder = argv[1];", *calls, "return 0;", "}"]
    form = synthesis_form(work) if synthesis else []
    program = compile_program("\n".join(parts), work, compiler, ap_headers, *form)
    status = subprocess.run([program, work], check=False, capture_output=True, text=True)
    failed = f"{cases[status.returncode - 1].operator}: status {status.returncode}; {status.stdout}"
    assert status.returncode == 0, failed
    for index, case in enumerate(cases):
        expected = case.operator.execute(*case.frames_in())
        for number, (port, values) in enumerate(zip(case.operator.outputs, expected, strict=True)):
            got = np.frombuffer((work / f"{index}.out{number}").read_bytes(), dtype=np.uint8)
            np.testing.assert_array_equal(got.reshape(case.frames, -1), pack(port, values), err_msg=str(case))


def _run_case(index: int, case: Case) -> list[str]:
    """The C++ of one case: a function that reads its files and returns whether the numbers of beats are right."""
    operator, instance = case.operator, case.operator.hls()
    tables = operator_tables(operator)
    arguments = ", ".join(map(literal, instance.parameters.values()))
    ins = [f"in{number}" for number in range(len(operator.inputs))]
    outs = [f"out{number}" for number in range(len(operator.outputs))]
    operands = ", ".join([*ins, *outs, *(table.name for table in tables)])
    lines = [f"namespace case_{index} {{"]
    lines += [
        f"const bnn::{table.type}<{table.bits}> {table.name}{table.brackets} = {table.initializer};" for table in tables
    ]
    lines.append("bool run(const std::string& path) {")
    for port, name in [*zip(operator.inputs, ins, strict=True), *zip(operator.outputs, outs, strict=True)]:
        direction = "i" if name in ins else "o"
        lines.append(f'hls::stream<bnn::word<{port.width}>> {name}("{name}");')
        lines.append(f'std::{direction}fstream {name}_file(path + ".{name}", std::ios::binary);')
    lines.append(f"for (unsigned frame = 0; frame < {case.frames}; ++frame) {{")
    for port, name in zip(operator.inputs, ins, strict=True):
        lines.append(f"feed<{port.width}>({name}_file, {name}, {port.beats});")
    lines.append(f"bnn::{instance.function}<{arguments}>({operands});")
    lines += [f"if (!{name}.empty()) return false;" for name in ins]
    for port, name in zip(operator.outputs, outs, strict=True):
        lines.append(f"if (!drain<{port.width}>({name}, {name}_file, {port.beats})) return false;")
    return [*lines, "}", "return true;", "}", "}"]
