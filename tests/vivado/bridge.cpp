// Drives accelerator_dma as a DMA does: batches of frames, TLAST with the last word, both sides stalling at random.
//
//   bridge INPUT.BIN OUTPUT.BIN FRAMES BATCH SEED     words from the one file, words that come out to the other
//
// Prints the number of output words of each batch: those up to a TLAST.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "Vaccelerator_dma.h"
#include "verilated.h"

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    std::ifstream file(argv[1], std::ios::binary);
    const std::vector<char> in((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const size_t frames = std::strtoul(argv[3], nullptr, 10), batch = std::strtoul(argv[4], nullptr, 10);
    const unsigned seed = std::strtoul(argv[5], nullptr, 10);
    std::mt19937 random(seed);
    std::vector<char> out;
    VerilatedContext context;
    Vaccelerator_dma top(&context);
    constexpr size_t in_bytes = sizeof(top.s_axis_tdata), out_bytes = sizeof(top.m_axis_tdata);
    const size_t words = in.size() / in_bytes, frame_words = words / frames;
    size_t sent = 0, batches_done = 0, received = 0;
    const size_t batches = (frames + batch - 1) / batch;
    top.s_axis_tkeep = (1u << in_bytes) - 1;
    top.s_axis_tvalid = 0;
    top.m_axis_tready = 0;
    bool offered = false;
    for (size_t cycle = 0; batches_done < batches; ++cycle) {
        if (cycle > 4000000) {
            std::puts("deadlock");
            return 3;
        }
        top.aclk = 0;
        top.aresetn = cycle >= 5;
        // What is offered stays until it is taken.
        if (!offered) offered = sent < words && (seed == 0 || random() % 3 != 0);
        top.s_axis_tvalid = offered;
        if (offered) std::memcpy(&top.s_axis_tdata, &in[sent * in_bytes], in_bytes);
        const size_t frame = sent / frame_words;
        top.s_axis_tlast =
            offered && (sent + 1) % frame_words == 0 && ((frame + 1) % batch == 0 || frame + 1 == frames);
        top.m_axis_tready = seed == 0 || random() % 3 != 0;
        top.eval();
        const bool take = top.aresetn && top.s_axis_tvalid && top.s_axis_tready;
        const bool give = top.aresetn && top.m_axis_tvalid && top.m_axis_tready;
        if (give) {
            const size_t at = out.size();
            out.resize(at + out_bytes);
            std::memcpy(&out[at], &top.m_axis_tdata, out_bytes);
            ++received;
            if (top.m_axis_tlast) {
                std::printf("%zu\n", received);
                received = 0;
                ++batches_done;
            }
        }
        top.aclk = 1;
        top.eval();
        if (take) {
            ++sent;
            offered = false;
        }
    }
    std::ofstream(argv[2], std::ios::binary).write(out.data(), static_cast<std::streamsize>(out.size()));
    return received != 0 || sent != words;
}
