// Clocks a module `bench` until its output done_o is 1, at most for the cycles of the argument; exit status 1 if that
// takes longer.
#include <cstdlib>

#include "Vbench.h"
#include "verilated.h"

int main(int, char** argv) {
    VerilatedContext context;
    Vbench top(&context);
    const long cycles = std::atol(argv[1]);
    for (long cycle = 0; cycle < cycles && !top.done_o; ++cycle) {
        top.clk_i = 0;
        top.rst_ni = cycle >= 3;
        top.eval();
        top.clk_i = 1;
        top.eval();
    }
    const bool done = top.done_o;
    top.final();
    return done ? 0 : 1;
}
