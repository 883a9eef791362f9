// SPDX-License-Identifier: Apache-2.0
// Test bench for C simulation and co-simulation: sends frames through accelerator() and takes what comes out.
//
//   testbench                                                                  the project's own vectors
//   testbench --input in.bin [--output out.bin] [--expected expected.bin]
//
// The project's vectors are looked for in vectors/ and in the folder it runs in. The files are raw beats, a beat's byte
// 0 first, frame after frame, without a header. Exit status: 0 done (and equal), 1 the output differs from what was
// expected or is no whole frame, 2 wrong use.
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

constexpr unsigned input_beats = params::frame::InputBeats;
constexpr unsigned input_bytes = params::frame::InputBytes;
constexpr unsigned output_beats = params::frame::OutputBeats;
constexpr unsigned output_bytes = params::frame::OutputBytes;

constexpr std::size_t input_frame = std::size_t{input_beats} * input_bytes;
constexpr std::size_t output_frame = std::size_t{output_beats} * output_bytes;

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

void send(const std::uint8_t* frame, hls::stream<accelerator_input>& to) {
    for (unsigned beat = 0; beat < input_beats; ++beat) {
        bnn::bits<8 * input_bytes> data;
        for (unsigned i = 0; i < input_bytes; ++i) data.set<8>(8 * i, *frame++);
        to.write(bnn::make_axis_word<input_bytes>(data.packed(), beat + 1 == input_beats));
    }
}

/// Appends a frame to `data`; false if it has not exactly its beats or its last beat is not marked as such.
bool receive(hls::stream<accelerator_output>& from, bytes& data) {
    for (unsigned beat = 0; beat < output_beats; ++beat) {
        if (from.empty()) {
            std::cerr << "it has only " << beat << " of " << output_beats << " beats\n";
            return false;
        }
        const accelerator_output word = from.read();
        const bnn::bits<8 * output_bytes> beat_data(word.data);
        for (unsigned i = 0; i < output_bytes; ++i) data.push_back(static_cast<std::uint8_t>(beat_data.get<8>(8 * i)));
        if (static_cast<bool>(word.last) != (beat + 1 == output_beats)) {
            std::cerr << "beat " << beat << " of " << output_beats << " has a wrong TLAST\n";
            return false;
        }
    }
    if (from.empty()) return true;
    std::cerr << "it has more than " << output_beats << " beats\n";
    return false;
}

bool equal(const bytes& got, const bytes& expected) {
    for (std::size_t i = 0; i < got.size() && i < expected.size(); ++i) {
        if (got[i] == expected[i]) continue;
        std::printf("frame %zu, beat %zu, byte %zu: expected 0x%02x, got 0x%02x\n", i / output_frame,
                    i % output_frame / output_bytes, i % output_bytes, expected[i], got[i]);
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
    hls::stream<accelerator_input> s_axis("s_axis");
    hls::stream<accelerator_output> m_axis("m_axis");
    for (std::size_t frame = 0; frame * input_frame < input.size(); ++frame) {
        send(input.data() + frame * input_frame, s_axis);
        accelerator(s_axis, m_axis);
        if (!receive(m_axis, output) || !s_axis.empty()) {
            std::cerr << "frame " << frame << " is wrong\n";
            return 1;
        }
    }
    if (!output_path.empty() && !write_file(output_path, output)) return 2;
    return expected_path.empty() || equal(output, expected) ? 0 : 1;
}
