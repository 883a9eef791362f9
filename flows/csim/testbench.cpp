// SPDX-License-Identifier: Apache-2.0
// Test bench for C simulation and co-simulation: drives frames through accelerator() and collects its output.
//
//   testbench                                                                  the project's own vectors
//   testbench --input in.bin [--output out.bin] [--expected expected.bin]
//
// The project's vectors are looked for in vectors/ and in the current folder. The files are raw beats, a beat's byte 0
// first, frame after frame, without a header. Exit status: 0 done (and equal), 1 the output differs from the expected
// one or is not a whole number of frames, 2 wrong usage.
#include "top.hpp"

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

using bytes = std::vector<std::uint8_t>;

constexpr unsigned input_beats = params::s_axis::Beats;
constexpr unsigned input_bytes = params::s_axis::Bytes;

constexpr std::size_t input_frame = std::size_t{input_beats} * input_bytes;
#define FRAME_OF(PORT) +std::size_t{params::PORT::Beats} * params::PORT::Bytes
constexpr std::size_t output_frame = std::size_t{0} ACCELERATOR_OUTPUTS(FRAME_OF);

/// Where a vector file lies: a simulator may run the program in another folder, with the files beside it.
std::string find_vectors(const std::string& name) {
    const std::string path = "vectors/" + name;
    return std::ifstream(path).is_open() ? path : name;
}

bool read_file(const std::string& path, bytes& data) {
    std::ifstream file(path, std::ios::binary);
    data.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    if (file.is_open() && !file.bad()) return true;
    std::cerr << path << ": cannot be read\n";
    return false;
}

bool write_file(const std::string& path, const bytes& data) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
    file.close();
    if (file) return true;
    std::cerr << path << ": cannot be written\n";
    return false;
}

void send(const std::uint8_t* frame, hls::stream<s_axis_word>& to) {
    for (unsigned beat = 0; beat < input_beats; ++beat) {
        bnn::bits<8 * input_bytes> data;
        for (unsigned i = 0; i < input_bytes; ++i) data.set<8>(8 * i, *frame++);
        to.write(bnn::make_axis_word<input_bytes>(data.packed(), beat + 1 == input_beats));
    }
}

/// Appends a frame of a port to `data`; false if it does not have exactly its beats, or TLAST not with the last one.
template <unsigned Beats, unsigned Bytes>
bool receive(const char* port, hls::stream<bnn::axis_word<Bytes>>& from, bytes& data) {
    for (unsigned beat = 0; beat < Beats; ++beat) {
        if (from.empty()) {
            std::cerr << port << " has only " << beat << " of " << Beats << " beats\n";
            return false;
        }
        const bnn::axis_word<Bytes> word = from.read();
        const bnn::bits<8 * Bytes> beat_data(word.data);
        for (unsigned i = 0; i < Bytes; ++i) {
            data.push_back(static_cast<std::uint8_t>(beat_data.template get<8>(8 * i)));
        }
        if (static_cast<bool>(word.last) != (beat + 1 == Beats)) {
            std::cerr << "beat " << beat << " of " << Beats << " of " << port << " has a wrong TLAST\n";
            return false;
        }
    }
    if (from.empty()) return true;
    std::cerr << port << " has more than " << Beats << " beats\n";
    return false;
}

/// Prints where byte `at` of the output lies: a frame has the beats of one port behind those of the other.
void print_place(std::size_t at) {
    std::printf("frame %zu, ", at / output_frame);
    at %= output_frame;
    std::size_t begin = 0;
#define PRINT_IN(PORT)                                                                          \
    if (at >= begin && at < begin FRAME_OF(PORT)) {                                             \
        constexpr std::size_t beat = params::PORT::Bytes;                                       \
        std::printf("%s, beat %zu, byte %zu", #PORT, (at - begin) / beat, (at - begin) % beat); \
    }                                                                                           \
    begin = begin FRAME_OF(PORT);
    ACCELERATOR_OUTPUTS(PRINT_IN)
}

bool equal(const bytes& got, const bytes& expected) {
    for (std::size_t i = 0; i < got.size() && i < expected.size(); ++i) {
        if (got[i] == expected[i]) continue;
        print_place(i);
        std::printf(": expected 0x%02x, got 0x%02x\n", expected[i], got[i]);
        return false;
    }
    if (got.size() == expected.size()) {
        std::printf("%zu frames, output equals the expectation\n", got.size() / output_frame);
        return true;
    }
    std::printf("expected %zu bytes, got %zu\n", expected.size(), got.size());
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    std::string input_path;
    std::string output_path;
    std::string expected_path;
    if (argc == 1) {
        input_path = find_vectors("input.bin");
        expected_path = find_vectors("expected.bin");
    }
    for (int i = 1; i < argc; i += 2) {
        const std::string option = argv[i];
        std::string* const path = option == "--input"      ? &input_path
                                  : option == "--output"   ? &output_path
                                  : option == "--expected" ? &expected_path
                                                           : nullptr;
        if (path == nullptr || i + 1 == argc) {
            std::cerr << "usage: testbench [--input FILE [--output FILE] [--expected FILE]]\n";
            return 2;
        }
        *path = argv[i + 1];
    }
    bytes input;
    bytes expected;
    if (input_path.empty()) {
        std::cerr << "--input is missing\n";
        return 2;
    }
    if (!read_file(input_path, input) || (!expected_path.empty() && !read_file(expected_path, expected))) return 2;
    if (input.size() % input_frame != 0) {
        std::cerr << input_path << ": " << input.size() << " bytes are no whole number of frames of " << input_frame
                  << " bytes\n";
        return 2;
    }

    bytes output;
    hls::stream<s_axis_word> s_axis("s_axis");
#define STREAM_OF(PORT) hls::stream<PORT##_word> PORT(#PORT);
    ACCELERATOR_OUTPUTS(STREAM_OF)
#define AND_PORT(PORT) , PORT
#define AND_RECEIVE(PORT) &&receive<params::PORT::Beats, params::PORT::Bytes>(#PORT, PORT, output)
    for (std::size_t frame = 0; frame * input_frame < input.size(); ++frame) {
        send(input.data() + frame * input_frame, s_axis);
        accelerator(s_axis ACCELERATOR_OUTPUTS(AND_PORT));
        if (!(true ACCELERATOR_OUTPUTS(AND_RECEIVE)) || !s_axis.empty()) {
            std::cerr << "frame " << frame << " is wrong\n";
            return 1;
        }
    }
    if (!output_path.empty() && !write_file(output_path, output)) return 2;
    return expected_path.empty() || equal(output, expected) ? 0 : 1;
}
