// Sends the beats of its arguments, hexadecimal, through the example of rtl/README.md, one in each cycle that takes
// one.
//
// Prints each transfer: its cycle, "in" or "out", the beat.
#include <cstdio>
#include <cstdlib>

#include "Vlayer.h"
#include "verilated.h"

int main(int argc, char** argv) {
    VerilatedContext context;
    Vlayer top(&context);
    int next = 1;
    for (int cycle = 0; cycle < 40; ++cycle) {
        top.clk_i = 0;
        top.rst_ni = cycle >= 3;
        top.m_tready_i = 1;
        top.s_tvalid_i = top.rst_ni && next < argc;
        if (top.s_tvalid_i) top.s_tdata_i = std::strtoul(argv[next], nullptr, 16);
        top.eval();
        if (top.s_tvalid_i && top.s_tready_o) {
            std::printf("%d in %x\n", cycle, static_cast<unsigned>(top.s_tdata_i));
            ++next;
        }
        if (top.rst_ni && top.m_tvalid_o) std::printf("%d out %x\n", cycle, static_cast<unsigned>(top.m_tdata_o));
        top.clk_i = 1;
        top.eval();
    }
    top.final();
    return 0;
}
