// SPDX-License-Identifier: Apache-2.0
// Popcounts with the processor's own instruction, in place of Verilator's shifts and masks.
//
// A binary network is mostly `$countones`. Verilator turns it into VL_COUNTONES_{I,Q,W}, which take some fifteen
// operations per word; with -march=native the forms below become POPCNT, or VPOPCNT over whole vectors. This header is
// force-included (-include popcount.h) in front of the generated C++: it lets verilated.h define its forms under other
// names, and then defines its own under the names that the generated code calls.
#ifndef BNN_POPCOUNT_H_
#define BNN_POPCOUNT_H_

#define VL_COUNTONES_I bnn_verilator_countones_i
#define VL_COUNTONES_Q bnn_verilator_countones_q
#define VL_COUNTONES_W bnn_verilator_countones_w
#include "verilated.h"
#undef VL_COUNTONES_I
#undef VL_COUNTONES_Q
#undef VL_COUNTONES_W

#include <cstring>

static inline IData VL_COUNTONES_I(IData value) { return static_cast<IData>(__builtin_popcount(value)); }

static inline IData VL_COUNTONES_Q(QData value) { return static_cast<IData>(__builtin_popcountll(value)); }

static inline IData VL_COUNTONES_W(int words, WDataInP const value) {
    IData count = 0;
    int i = 0;
#ifndef __AVX512VPOPCNTDQ__
    // POPCNT takes 64 bits at a time. VPOPCNT takes whole vectors, and the compiler finds them in the plain loop.
    for (; i + 1 < words; i += 2) {
        QData pair;
        std::memcpy(&pair, &value[i], sizeof pair);
        count += static_cast<IData>(__builtin_popcountll(pair));
    }
#endif
    for (; i < words; ++i) count += static_cast<IData>(__builtin_popcount(value[i]));
    return count;
}

#endif
