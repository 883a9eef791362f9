// SPDX-License-Identifier: Apache-2.0
// Dump: what each stream carried, for finding where a C simulation goes wrong.
//
// In a build with BNN_DUMP, and with a folder in the environment variable BNN_DUMP_TO, BNN_DUMP_STREAM(name, Bits)
// behind the unit that fills a stream appends a record to FOLDER/name.words: the number of words in the stream, then
// the words, in 64-bit chunks, little-endian. The stream keeps them. In any other build it is nothing.
#ifndef BNN_DUMP_HPP_
#define BNN_DUMP_HPP_

#if defined(BNN_DUMP) && !defined(__SYNTHESIS__)

#include "word.hpp"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace bnn {

template <unsigned Bits>
void dump_stream(hls::stream<word<Bits>>& stream, const char* name) {
    const char* const folder = std::getenv("BNN_DUMP_TO");
    if (folder == nullptr) return;
    std::vector<word<Bits>> words;
    while (!stream.empty()) words.push_back(stream.read());
    std::ofstream file(std::string(folder) + "/" + name + ".words", std::ios::binary | std::ios::app);
    const auto put = [&file](std::uint64_t value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
    put(words.size());
    for (const word<Bits>& each : words) {
        for (unsigned i = 0; i < chunks_of(Bits); ++i) put(chunk_of(each, i));
        stream.write(each);
    }
}

}  // namespace bnn

#define BNN_DUMP_STREAM(stream, Bits) ::bnn::dump_stream<Bits>(stream, #stream);

#else

#define BNN_DUMP_STREAM(stream, Bits)

#endif

#endif
