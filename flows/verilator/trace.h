// SPDX-License-Identifier: Apache-2.0
// The waveform that a simulator writes, up to a size.
#ifndef BNN_TRACE_H_
#define BNN_TRACE_H_

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <string>

#if defined(BNN_TRACE_FST)
#include "verilated_fst_c.h"
using VerilatedTracer = VerilatedFstC;
#elif defined(BNN_TRACE_VCD)
#include "verilated_vcd_c.h"
using VerilatedTracer = VerilatedVcdC;
#else
struct VerilatedTracer {
    void dump(uint64_t) {}
    void flush() {}
};
#endif

/// A waveform. The size of its file is checked now and then, often at first, to know how fast it grows.
class Tracer : public VerilatedTracer {
public:
    /// `most_bytes`: 0 for no limit.
    Tracer(const std::string& path, uint64_t most_bytes) : path_(path), most_bytes_(most_bytes) {}

    const std::string& path() const { return path_; }
    uint64_t most_bytes() const { return most_bytes_; }

    /// Whether the file has reached its size; to be called in the cycle that `next_look` returns, or more often.
    bool is_full(uint64_t cycle) {
        if (most_bytes_ == 0 || cycle < next_look_) return false;
        if (next_look_ == 0) {
            first_ = cycle;
            next_look_ = cycle + 1;
            return false;
        }
        flush();
        struct stat status;
        const uint64_t bytes = stat(path_.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
        if (bytes >= most_bytes_) return true;
        // At the fastest growth so far, half of the room that is left, but no more cycles than have been shown.
        const double shown = static_cast<double>(cycle - first_);
        const double grown = static_cast<double>(bytes - std::min(bytes, last_bytes_));
        const double rate = std::max(static_cast<double>(bytes) / shown,
                                     grown / static_cast<double>(std::max<uint64_t>(cycle - last_look_, 1)));
        const double room =
            std::max(static_cast<double>(most_bytes_ - bytes) / 2, static_cast<double>(most_bytes_) / 64);
        last_look_ = cycle;
        last_bytes_ = bytes;
        next_look_ = cycle + 1 + static_cast<uint64_t>(std::min(shown, room / std::max(rate, 1.0)));
        return false;
    }

    /// The cycle in which to check again.
    uint64_t next_look() const { return most_bytes_ == 0 ? none : next_look_; }

private:
    static constexpr uint64_t none = ~uint64_t{0};
    std::string path_;
    uint64_t most_bytes_;
    uint64_t first_ = 0;
    uint64_t next_look_ = 0;
    uint64_t last_look_ = 0;
    uint64_t last_bytes_ = 0;
};

#endif
