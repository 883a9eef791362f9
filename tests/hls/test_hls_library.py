"""The headers by themselves: words, counting, the boundary, and what their static_asserts say."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from bnnfpga.base.assets import asset
from tests.support.hls_cases import AP_AXIU, STRICT, compile_program

HEADERS = sorted(path.name for path in (asset("hls") / "bnn").glob("*.hpp"))
README = (asset("hls") / "README.md").read_text()

WORDS = r"""
#include "bnn/popcount.hpp"
#include "bnn/table.hpp"
#include <cstdio>
#include <cstdlib>
#include <type_traits>

std::uint64_t random_chunk() {
    static std::uint64_t state = 88172645463325252ull;
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return state;
}

void require(bool holds, const char* what, unsigned bits) {
    if (holds) return;
    std::printf("%s, %u bits\n", what, bits);
    std::exit(1);
}

template <unsigned Bits, unsigned Width>
void fields() {
    if constexpr (Width <= Bits) {
        for (unsigned offset = 0; offset + Width <= Bits; offset += offset % 64 < 8 ? 1 : 5) {
            bnn::bits<Bits> word;
            bnn::bits<Width> field;
            for (unsigned i = 0; i < Width; ++i) field.template set<1>(i, random_chunk() & 1);
            word.insert(offset, field);
            for (unsigned i = 0; i < Bits; ++i) {
                const bool inside = i >= offset && i < offset + Width;
                const std::uint64_t expected = inside ? field.template get<1>(i - offset) : 0;
                require(word.template get<1>(i) == expected, "insert", Bits);
            }
            const bnn::bits<Width> back = word.template slice<Width>(offset);
            for (unsigned i = 0; i < back.chunks; ++i) require(back.chunk[i] == field.chunk[i], "slice", Bits);
        }
    }
}

template <unsigned Bits>
void check() {
    static_assert(std::is_same_v<bnn::word<Bits>, ap_uint<Bits>> == (Bits <= 1024));
    bnn::bits<Bits> a, b;
    for (unsigned i = 0; i < Bits; ++i) {
        a.template set<1>(i, random_chunk() & 1);
        b.template set<1>(i, random_chunk() & 1);
    }
    const bnn::bits<Bits> back(a.packed());
    unsigned ones = 0, equal = 0;
    for (unsigned i = 0; i < Bits; ++i) {
        require(back.template get<1>(i) == a.template get<1>(i), "packed", Bits);
        ones += a.template get<1>(i);
        equal += a.template get<1>(i) == b.template get<1>(i);
    }
    require(back.chunk[bnn::bits<Bits>::chunks - 1] == a.chunk[bnn::bits<Bits>::chunks - 1], "bits above", Bits);
    require(bnn::popcount_tree(a) == ones && bnn::popcount_chunks(a) == ones, "popcount", Bits);
    require(bnn::equal_bits(a, b) == equal, "equal_bits", Bits);
    fields<Bits, 1>();
    fields<Bits, 7>();
    fields<Bits, 63>();
    fields<Bits, 64>();
    fields<Bits, 65>();
    fields<Bits, 200>();
}

template <unsigned Bits>
void codes() {
    constexpr std::int64_t half = std::int64_t{1} << (Bits - 1);
    for (std::int64_t value = -half; value < half; value += Bits > 9 ? 977 : 1) {
        require(bnn::decode<Bits, true>(bnn::encode<Bits>(value)) == value, "signed", Bits);
        if (value >= 0) require(bnn::decode<Bits, false>(bnn::encode<Bits>(value)) == value, "unsigned", Bits);
    }
}

int main() {
    check<1>(); check<7>(); check<63>(); check<64>(); check<65>(); check<128>(); check<784>(); check<1023>();
    check<1024>(); check<1025>(); check<1088>(); check<2100>();
    codes<1>(); codes<2>(); codes<8>(); codes<17>();
    const std::uint64_t entry[2] = {~0ull, 5};
    require(bnn::popcount(bnn::load<67>(entry)) == 66, "load", 67);
}
"""

BOUNDARY = r"""
#include "bnn/score_output.hpp"
#include "bnn/stream_input.hpp"

template <unsigned Bytes, unsigned Width>
bool round_trip() {
    constexpr unsigned beats = 3;
    hls::stream<bnn::axis_word<Bytes>> in("in"), out("out");
    hls::stream<bnn::word<Width>> inner("inner");
    for (unsigned beat = 0; beat < beats; ++beat) {
        bnn::bits<8 * Bytes> data;
        for (unsigned i = 0; i < Bytes; ++i) data.template set<8>(8 * i, 0xff);  // the padding too
        in.write(bnn::make_axis_word<Bytes>(data.packed(), false));
    }
    bnn::stream_input<beats, 8 * Bytes, Width>(in, inner);
    bnn::score_output<beats, Width, 8 * Bytes>(inner, out);
    for (unsigned beat = 0; beat < beats; ++beat) {
        const bnn::axis_word<Bytes> word = out.read();
        const bnn::bits<8 * Bytes> data(word.data);
        for (unsigned i = 0; i < 8 * Bytes; ++i) if (data.template get<1>(i) != (i < Width)) return false;
        if (static_cast<bool>(word.last) != (beat + 1 == beats)) return false;
#ifdef BNN_HAS_AP_AXIU
        if (word.keep != ap_uint<Bytes>(-1) || word.strb != ap_uint<Bytes>(-1)) return false;
#endif
    }
    return out.empty();
}

int main() {
    return round_trip<1, 1>() && round_trip<1, 8>() && round_trip<2, 9>() && round_trip<98, 784>() &&
           round_trip<128, 1023>()
#ifndef BNN_HAS_AP_AXIU
           && round_trip<200, 1597>()
#endif
           ? 0 : 1;
}
"""

STREAMS = "hls::stream<bnn::word<{}>> in; hls::stream<bnn::word<{}>> out; "
WEIGHTS = "const bnn::rom_bits<{}> weights[{}][{}] = {{}}; "
WINDOW_STEPS = "const bnn::rom_bits<4> steps[1][2] = {}, row_steps[2][2] = {}; const bnn::rom_bits<1> kinds[2] = {}; "
THRESHOLDS = "const bnn::rom_integer<8> thresholds{} = {{}}; const bnn::rom_bits<1> decreasing{} = {{}}; "
# Streams and tables, a call, and what the compiler must say; nothing where the call is right.
REFUSED = [
    (
        STREAMS.format(4, 24) + WEIGHTS.format(4, 4, 3),
        "matrix_vector<8, 4, 1, 3, 4, 1, 4, 2, 1, 1, 1, 0, 0, 4, 0, 8, 0>(in, out, weights)",
        "PE must divide the outputs MH",
    ),
    (
        STREAMS.format(3, 16) + WEIGHTS.format(3, 4, 2),
        "matrix_vector<8, 4, 1, 2, 3, 1, 3, 2, 1, 1, 1, 0, 0, 4, 0, 8, 0>(in, out, weights)",
        "SIMD must divide the inputs MW",
    ),
    (
        STREAMS.format(8, 16) + WEIGHTS.format(4, 4, 2),
        "matrix_vector<8, 4, 1, 2, 4, 1, 4, 2, 1, 1, 2, 0, 0, 4, 0, 8, 0>(in, out, weights)",
        "inputs of -1 and +1 have one bit",
    ),
    (
        STREAMS.format(4, 16) + WEIGHTS.format(4, 3, 2),
        "matrix_vector<8, 4, 1, 2, 4, 1, 4, 2, 1, 1, 1, 0, 0, 4, 0, 8, 0>(in, out, weights)",
        "the weights must have one word for each step of each pass",
    ),
    (
        STREAMS.format(4, 16) + WEIGHTS.format(4, 4, 3),
        "matrix_vector<8, 4, 1, 2, 4, 1, 4, 2, 1, 1, 1, 0, 0, 4, 0, 8, 0>(in, out, weights)",
        "a word of weights must have PE entries",
    ),
    (
        STREAMS.format(4, 2) + WEIGHTS.format(4, 4, 2),
        "matrix_vector<8, 4, 1, 2, 4, 1, 4, 2, 1, 1, 1, 0, 0, 4, 1, 1, 0>(in, out, weights)",
        "the unit takes the tables of its requantizer, if it has one",
    ),
    (
        STREAMS.format(11, 16) + WEIGHTS.format(8, 4, 2),
        "matrix_vector<8, 4, 1, 2, 8, 1, 8, 2, 1, 1, 1, 0, 3, 4, 0, 8, 0>(in, out, weights)",
        "each flag must stand for the same number of inputs",
    ),
    (
        STREAMS.format(4, 12) + WINDOW_STEPS,
        "window<4, 4, 2, 1, 1, 2, 3, 3, 1, 1, 1, 1, 0, 0, 2, 2, 3, 1, 0, 0, 99, 9>(in, out, steps, row_steps, kinds)",
        "",
    ),
    (
        STREAMS.format(4, 24) + WINDOW_STEPS,
        "window<4, 4, 2, 1, 1, 2, 3, 3, 1, 1, 1, 1, 0, 0, 2, 2, 3, 2, 0, 0, 99, 9>(in, out, steps, row_steps, kinds)",
        "several windows of a beat must be whole",
    ),
    (
        STREAMS.format(4, 8) + WINDOW_STEPS,
        "window<4, 4, 2, 1, 1, 2, 3, 3, 1, 1, 1, 1, 0, 0, 2, 2, 2, 1, 0, 0, 99, 9>(in, out, steps, row_steps, kinds)",
        "the pixels of a beat must be a part of a kernel row that divides it, or whole kernel rows",
    ),
    (
        STREAMS.format(8, 32) + WEIGHTS.format(4, 4, 2),
        "matrix_vector<8, 4, 2, 2, 4, 2, 4, 2, 1, 1, 1, 0, 0, 4, 0, 8, 0>(in, out, weights)",
        "several vectors per beat need PE = MH and SIMD = MW",
    ),
    (
        STREAMS.format(4, 24) + WINDOW_STEPS,
        "window<4, 4, 2, 1, 1, 2, 3, 3, 1, 1, 1, 1, 0, 0, 2, 2, 6, 1, 0, 0, 99, 9>(in, out, steps, row_steps, kinds)",
        "the pixels of a beat must be",
    ),
    (
        STREAMS.format(12, 12) + WINDOW_STEPS,
        "window<4, 4, 2, 1, 3, 2, 3, 3, 1, 1, 1, 1, 0, 0, 2, 2, 3, 1, 0, 0, 99, 9>(in, out, steps, row_steps, kinds)",
        "an input beat must be a part of a pixel, or whole pixels that are a part of a row",
    ),
    (
        STREAMS.format(24, 24) + "const bnn::rom_bits<1> smallest[1][6] = {}; ",
        "pool<6, 2, 4, 6, 1, 2, 2, 0, 0, 0, 0, 2>(in, out, smallest)",
        "several windows per beat must be whole",
    ),
    (
        "hls::stream<bnn::word<4>> one; hls::stream<bnn::word<6>> two; " + STREAMS.format(1, 10),
        "concat<3, 2, 3, 1, 1, 2>(one, two, out)",
        "the pixels of a beat must divide those of a frame",
    ),
    (
        STREAMS.format(4, 6) + "const bnn::rom_bits<1> smallest[3][2] = {}; ",
        "pool<6, 1, 4, 2, 1, 1, 2, 0, 0, 0, 0, 3>(in, out, smallest)",
        "an extremum has the bits of the input elements",
    ),
    (
        STREAMS.format(4, 4) + "const bnn::rom_bits<1> smallest[2][2] = {}; ",
        "pool<6, 1, 4, 2, 1, 1, 2, 0, 0, 0, 0, 2>(in, out, smallest)",
        "the table must have one bit per channel",
    ),
    (
        STREAMS.format(24, 3) + THRESHOLDS.format("[2][3][1]", "[2][3]"),
        "threshold<8, 1, 3, 0, 8, 1, 1, 1, 0>(in, out, thresholds, decreasing)",
        "PE must divide the channels",
    ),
    (
        STREAMS.format(16, 2) + THRESHOLDS.format("[4][2][1]", "[4][2]"),
        "threshold<8, 1, 2, 0, 8, 1, 2, 1, 0>(in, out, thresholds, decreasing)",
        "the table of thresholds must have Levels thresholds per channel",
    ),
    (
        STREAMS.format(16, 2) + THRESHOLDS.format("[2][2][1]", "[2][2]"),
        "threshold<8, 1, 2, 0, 8, 1, 1, 1, 0>(in, out, thresholds, decreasing)",
        "the tables must have Channels / PE words of PE rows, or one row if shared",
    ),
    (
        STREAMS.format(3, 4),
        "width_converter<8, 3, 4, 1>(in, out)",
        "the input lanes must divide the elements of a frame",
    ),
    (
        STREAMS.format(4, 3),
        "width_converter<8, 4, 3, 1>(in, out)",
        "the output lanes must divide the elements of a frame",
    ),
    (STREAMS.format(4, 4), "fifo<8, 4, 1>(in, out)", "a FIFO needs room for two beats"),
    (STREAMS.format(4, 4), "fifo<0, 4, 2>(in, out)", "a frame has at least one beat"),
    (
        STREAMS.format(4, 4) + "hls::stream<bnn::word<4>> other; ",
        "fork<0, 4>(in, out, other)",
        "a frame has at least one beat",
    ),
    (
        STREAMS.format(2, 2) + "hls::stream<bnn::word<2>> other; ",
        "add<0, 2, 1, 1, 0, 1, 1, 1, 0, 1, 1>(in, other, out)",
        "a frame has at least one beat, and a beat at least one element",
    ),
    (
        STREAMS.format(2, 2) + "hls::stream<bnn::word<1>> other; ",
        "add<3, 1, 2, 1, 0, 1, 1, 1, 0, 1, 2>(in, other, out)",
        "elements of -1 and +1 have one bit",
    ),
    (
        STREAMS.format(1, 2) + "hls::stream<bnn::word<1>> other; ",
        "multiply<3, 1, 1, 1, 0, 1, 1, 0, 2>(in, other, out)",
        "products of -1 and +1 have one bit",
    ),
    (
        STREAMS.format(1, 70) + "hls::stream<bnn::word<1>> other; ",
        "multiply<3, 1, 1, 0, 0, 1, 0, 0, 70>(in, other, out)",
        "a code has 1 to 64 bits",
    ),
    (
        STREAMS.format(33, 34) + "hls::stream<bnn::word<1>> other; ",
        "add<3, 1, 33, 0, 0, 1, 1, 1, 0, 1, 34>(in, other, out)",
        "an element of a stream has 1 to 32 bits",
    ),
    (
        "hls::stream<bnn::word<4>> one; hls::stream<bnn::word<6>> two; " + STREAMS.format(1, 10),
        "concat<0, 4, 6, 1, 1, 1>(one, two, out)",
        "a frame has at least one pixel",
    ),
    (
        STREAMS.format(4, 4) + "const bnn::rom_bits<1> index[1][2] = {}, constants[1][1] = {}; ",
        "select<0, 2, 2, 2, 0>(in, out, index, constants)",
        "a frame has at least one beat",
    ),
    (
        STREAMS.format(4, 4) + "const bnn::rom_bits<1> index[1][3] = {}, constants[1][1] = {}; ",
        "select<1, 2, 2, 2, 0>(in, out, index, constants)",
        "the table must have an entry for each output element",
    ),
    (
        STREAMS.format(4, 4) + "const bnn::rom_bits<1> rows[3] = {}, columns[2] = {}; ",
        "crop<3, 2, 0, 4>(in, out, rows, columns)",
        "a pixel has at least one beat",
    ),
    (
        STREAMS.format(4, 4) + "const bnn::rom_bits<1> copies[1] = {}; ",
        "upsample<3, 2, 0, 4, 9>(in, out, copies, copies)",
        "an image has at least one pixel",
    ),
    (
        STREAMS.format(4, 4) + "const bnn::rom_bits<1> copies[2] = {}; ",
        "upsample<3, 2, 1, 4, 9>(in, out, copies, copies)",
        "the table must have one entry for all rows, or one for each",
    ),
    (
        STREAMS.format(4, 2) + "const bnn::rom_bits<2> table[4] = {}; ",
        "lookup<0, 2, 2, 1>(in, out, table)",
        "a frame has at least one beat",
    ),
    (
        STREAMS.format(4, 2) + "const bnn::rom_bits<2> table[3] = {}; ",
        "lookup<5, 2, 2, 1>(in, out, table)",
        "the table must have a word for each code of the input",
    ),
    (
        STREAMS.format(4, 2) + "const bnn::rom_bits<2> table[8][2] = {}; ",
        "lookup<5, 2, 2, 1, 2>(in, out, table)",
        "a frame must hold each channel equally often",
    ),
    (STREAMS.format(32, 2), "arg_max<4, 2, 8, 1, 8, 2>(in, out)", "the output must hold the index of the last score"),
    (STREAMS.format(32, 2), "arg_max<4, 1, 8, 1, 65, 2>(in, out)", "what is compared has 1 to 64 bits"),
    (
        STREAMS.format(16, 2) + THRESHOLDS.format("[4][2][1]", "[4][2]"),
        "threshold<8, 0, 2, 0, 8, 1, 1, 1, 0>(in, out, thresholds, decreasing)",
        "a frame has at least one vector of at least one channel",
    ),
    (
        STREAMS.format(4, 16) + WEIGHTS.format(4, 4, 2),
        "matrix_vector<8, 4, 0, 2, 4, 1, 4, 2, 1, 1, 1, 0, 0, 4, 0, 8, 0>(in, out, weights)",
        "a frame has at least one vector of one input and one output",
    ),
    (
        STREAMS.format(4, 16) + WEIGHTS.format(33, 4, 2),
        "matrix_vector<8, 4, 1, 2, 4, 1, 4, 2, 33, 1, 1, 0, 0, 4, 0, 8, 0>(in, out, weights)",
        "weights have 1 to 32 bits",
    ),
    (
        STREAMS.format(4, 16) + WEIGHTS.format(4, 4, 2),
        "matrix_vector<8, 4, 1, 2, 4, 1, 4, 2, 1, 1, 1, 0, 0, 63, 0, 8, 0>(in, out, weights)",
        "the accumulator has 1 to 62 bits",
    ),
    (
        STREAMS.format(4, 16) + WEIGHTS.format(1, 27, 2),
        "vector_vector<6, 0, 9, 2, 1, 1, 1, 0, 2, 0, 0, 8, 0, 8, 0>(in, out, weights)",
        "a frame has at least one window of one pixel",
    ),
    (
        STREAMS.format(4, 16) + WEIGHTS.format(17, 27, 2),
        "vector_vector<6, 1, 9, 2, 1, 1, 17, 0, 2, 0, 0, 8, 0, 8, 0>(in, out, weights)",
        "weights have 1 to 16 bits",
    ),
    (
        STREAMS.format(4, 4) + "const bnn::rom_bits<1> smallest[3][2] = {}; ",
        "pool<6, 0, 4, 2, 1, 1, 2, 0, 0, 0, 0, 2>(in, out, smallest)",
        "a frame has at least one window of one pixel",
    ),
    (
        STREAMS.format(4, 12) + WINDOW_STEPS,
        "window<4, 4, 2, 1, 1, 2, 3, 3, 0, 1, 1, 1, 0, 0, 2, 2, 3, 1, 0, 0, 99, 9>(in, out, steps, row_steps, kinds)",
        "strides and dilations are at least 1",
    ),
    (
        STREAMS.format(4, 12) + WINDOW_STEPS,
        "window<4, 4, 2, 1, 1, 2, 3, 3, 1, 1, 1, 1, 0, 0, 2, 2, 3, 1, 0, 4, 99, 9>(in, out, steps, row_steps, kinds)",
        "the code of elements outside must fit an element",
    ),
    (
        STREAMS.format(4, 12) + WINDOW_STEPS,
        "window<4, 4, 2, 1, 1, 2, 3, 3, 1, 1, 1, 1, 0, 0, 0, 2, 3, 1, 0, 0, 99, 9>(in, out, steps, row_steps, kinds)",
        "the kernel must fit the image with its pads",
    ),
    (STREAMS.format(1, 1), "width_converter<0, 1, 1, 1>(in, out)", "a frame has at least one element"),
    (
        "hls::stream<bnn::word<9>> in; hls::stream<bnn::axis_word<2>> out; ",
        "score_output<0, 9, 16>(in, out)",
        "a frame has at least one beat",
    ),
    (
        "hls::stream<bnn::word<9>> in; hls::stream<bnn::axis_word<1>> out; ",
        "score_output<2, 9, 8>(in, out)",
        "a beat at the boundary holds the stream's word",
    ),
    (
        "hls::stream<bnn::axis_word<1>> in; hls::stream<bnn::word<8>> out; ",
        "stream_input<2, 9, 8>(in, out)",
        "a beat at the boundary has whole bytes",
    ),
]


def _syntax(
    compiler: str, ap_headers: Path, source: str, work: Path, *options: str, standard: str = "c++17"
) -> subprocess.CompletedProcess[str]:
    (work / "one.cpp").write_text(source)
    command = [compiler, f"-std={standard}", *STRICT, "-fsyntax-only", *options, "-I", str(asset("hls"))]
    command += ["-isystem", str(ap_headers), str(work / "one.cpp")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("header", HEADERS)
def test_header_compiles_alone(header: str, tmp_path: Path, each_compiler: str, ap_headers: Path) -> None:
    result = _syntax(each_compiler, ap_headers, f'#include "bnn/{header}"\n#include "bnn/{header}"\n', tmp_path)
    assert result.returncode == 0, result.stderr


def test_the_example_in_the_readme(tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    """Its files, compiled and run by its commands, print what it shows."""
    sources = re.findall(r"^```cpp\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    [shown] = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    commands = [line.removeprefix("$ ") for line in shown.splitlines() if line.startswith("$ ")]
    printed = [line for line in shown.splitlines() if not line.startswith("$ ")]
    for name, source in zip(("classify.cpp", "test.cpp"), sources, strict=True):
        (tmp_path / name).write_text(source)
    (tmp_path / "hls").symlink_to(asset("hls"))
    script = " && ".join(commands).replace("AP_INT", shlex.quote(str(ap_headers))).replace("g++", compiler)
    result = subprocess.run(script, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (result.stdout.splitlines(), result.stderr, result.returncode) == (printed, "", 0)


def public(text: str) -> str:
    """A header without its namespaces of details."""
    return re.sub(r"^namespace detail \{.*?^\}  // namespace detail$", "", text, flags=re.MULTILINE | re.DOTALL)


def test_the_tables_of_the_readme() -> None:
    """A row for each header, with what it includes and its functions' parameters, each of which is explained."""
    cells = [line.split("|") for line in README.splitlines() if line.startswith("|")]
    rows = {header: row for row in cells for header in re.findall(r"`(\w+\.hpp)`", row[1])}
    assert sorted(rows) == HEADERS
    explained = set(re.findall(r"`(\w+)`", README.partition("## Parameters")[2].partition("## Example")[0]))
    functions = []
    for header, row in rows.items():
        text = (asset("hls") / "bnn" / header).read_text()
        if header not in ("pragma.hpp", "ap_types.hpp"):
            assert re.findall(r"`(.*?)`", row[-2]) == re.findall(r'^#include "(.*?)"', text, re.MULTILINE), header
        for parameters, function in re.findall(
            r"^template <((?:[^<>]|<[^<>]*>)*)>\nvoid (\w+)\(hls::stream<", public(text), re.MULTILINE
        ):
            names = re.findall(r"(?:unsigned|bool|int|std::uint64_t) (\w+)", parameters)
            if function != "dump_stream":
                functions.append(function)
                assert f"`{function}<{', '.join(names)}>(" in row[2], header
                assert set(names) <= explained, header
    assert {header.removesuffix(".hpp") for header, row in rows.items() if "<" in row[2] and "(" in row[2]} == set(
        functions
    )


def test_words(tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    program = compile_program(WORDS, tmp_path, compiler, ap_headers)
    result = subprocess.run([program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("vitis", [False, True], ids=["open", "ap_axiu"])
def test_boundary(vitis: bool, tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    if vitis:
        (tmp_path / "ap_axi_sdata.h").write_text(AP_AXIU)
    program = compile_program(BOUNDARY, tmp_path, compiler, ap_headers, "-isystem", str(tmp_path))
    assert subprocess.run([program], check=False).returncode == 0


def test_refusals(tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    """Each wrong use stands on its own line; the compiler says of each line what must hold."""
    lines = [f'#include "bnn/{header}"' for header in HEADERS]
    lines += [f"void use_{index}() {{ {operands}bnn::{call}; }}" for index, (operands, call, _) in enumerate(REFUSED)]
    result = _syntax(compiler, ap_headers, "\n".join(lines) + "\n", tmp_path)
    said: dict[int, str] = {}
    line = 0
    for text in result.stderr.splitlines():
        if place := re.search(r"one\.cpp:(\d+):.*required from here", text):
            line = int(place[1]) - len(HEADERS) - 1
        elif "static assertion failed" in text:
            said[line] = said.get(line, "") + text
    for index, (_, call, message) in enumerate(REFUSED):
        assert message in said.get(index, ""), call
        assert message or index not in said, call


def test_a_boundary_too_wide_for_ap_axiu_is_refused(tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    (tmp_path / "ap_axi_sdata.h").write_text(AP_AXIU)
    source = '#include "bnn/axis_word.hpp"\nauto make() { return bnn::make_axis_word<129>({}, true); }\n'
    result = _syntax(compiler, ap_headers, source, tmp_path, "-isystem", str(tmp_path))
    assert "give the unit at the boundary fewer lanes" in result.stderr
