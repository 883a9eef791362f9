// SPDX-License-Identifier: Apache-2.0
// When the test bench offers or accepts a beat: in bursts of lengths drawn from a seed, or at an even pace.
//
// Uniformly random stalls average out over a few cycles and never fill a queue or run a pipeline dry. These lengths are
// spread evenly over the powers of two, mostly up to 64 cycles, sometimes up to two frames: that reaches every queue.
#ifndef BNN_STALLS_H_
#define BNN_STALLS_H_

#include <cstdint>

class Stalls {
public:
    /// `longest`: bound of the rare long bursts, in cycles.
    Stalls(uint64_t seed, uint64_t longest) : state_(seed) {
        while (long_bits_ < 20 && (uint64_t{1} << long_bits_) < longest) ++long_bits_;
    }

    /// A frame of so many beats every so many cycles, the beats at an even pace.
    static Stalls paced(uint64_t beats, uint64_t cycles) {
        Stalls stalls(0, 0);
        stalls.beats_ = beats;
        stalls.cycles_ = cycles;
        return stalls;
    }

    /// Whether this side is active in a cycle, the next one that matters.
    bool next(uint64_t cycle) {
        if (beats_ != 0) return is_due(cycle);
        if (left_ == 0) {
            go_ = !go_;
            const bool rare = random() % 16 == 0;
            const unsigned bits = static_cast<unsigned>(random() % ((rare ? long_bits_ : short_bits) + 1));
            left_ = 1 + random() % (uint64_t{1} << bits);
        }
        --left_;
        return go_;
    }

    /// The most cycles that a burst may last.
    uint64_t longest() const { return uint64_t{1} << long_bits_; }

private:
    static constexpr unsigned short_bits = 6;

    bool is_due(uint64_t cycle) {
        if (cycle < beat_ / beats_ * cycles_ + beat_ % beats_ * cycles_ / beats_) return false;
        ++beat_;
        return true;
    }

    /// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    uint64_t random() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    uint64_t state_;
    uint64_t left_ = 0;
    unsigned long_bits_ = short_bits;
    bool go_ = false;
    uint64_t beats_ = 0;  // 0: bursts
    uint64_t cycles_ = 0;
    uint64_t beat_ = 0;
};

#endif
