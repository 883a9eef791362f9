// SPDX-License-Identifier: Apache-2.0
// Threshold: how many thresholds of its channel each element reaches, or stays below.
//
// values: those of steps.h.
#include <algorithm>

#include "byte_table.h"
#include "steps.h"

namespace bnn {
namespace {

class Threshold : public Kernel {
public:
    explicit Threshold(const Unit& unit)
        : Kernel(unit), in_(unit.input()), out_(unit.output()), steps_(unit, unit.input().channels) {}

    std::size_t scratch(std::size_t) const override { return 8 * in_.channels; }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            read_row(in_, static_cast<const char*>(in[0]) + row * in_.stride(), values);
            for (std::size_t c = 0; c < in_.channels; ++c) values[c] = steps_.apply(c, values[c]);
            write_row(out_, values, static_cast<char*>(out[0]) + row * out_.stride());
        }
    }

private:
    Tensor in_, out_;
    Steps steps_;
};

// One threshold per channel on unsigned bytes, as in front of a first layer.
class ByteThreshold : public Kernel {
public:
    ByteThreshold(const Unit& unit, const Steps& steps) : Kernel(unit), in_(unit.input()), out_(unit.output()) {
        never_.assign(out_.stride() / 8, 0);
        flip_.assign(out_.stride() / 8, 0);
        for (std::size_t c = 0; c < in_.channels; ++c) {
            const std::int64_t limit = steps.thresholds[c];
            limits_.push_back(static_cast<std::uint8_t>(std::clamp<std::int64_t>(limit, 0, 255)));
            never_[c / 64] |= static_cast<std::uint64_t>(limit > 255) << (c % 64);
            flip_[c / 64] |= static_cast<std::uint64_t>(steps.decreasing[c]) << (c % 64);
        }
    }

    std::size_t scratch(std::size_t) const override { return in_.channels; }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::uint8_t* flags = static_cast<std::uint8_t*>(scratch);
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            const std::uint8_t* from = static_cast<const std::uint8_t*>(in[0]) + row * in_.stride();
            std::uint64_t* words = static_cast<std::uint64_t*>(out[0]) + row * out_.stride() / 8;
            for (std::size_t c = 0; c < in_.channels; ++c) flags[c] = from[c] >= limits_[c];
            pack_flags(flags, in_.channels, words);
            for (std::size_t word = 0; word < flip_.size(); ++word)
                words[word] = (words[word] & ~never_[word]) ^ flip_[word];
        }
    }

private:
    Tensor in_, out_;
    std::vector<std::uint8_t> limits_;
    std::vector<std::uint64_t> never_, flip_;
};

std::unique_ptr<Kernel> make_threshold(const Unit& unit) {
    unit.require_one_shape();
    const Steps steps(unit, unit.input().channels);
    const Tensor &in = unit.input(), &out = unit.output();
    if (steps.rows == 1 && ByteTable::serves(in, out)) {
        return std::make_unique<ByteTable>(in, out, [&](std::int64_t value) { return steps.apply(0, value); });
    }
    if (in.storage == Storage::uint8 && out.storage == Storage::bits && steps.levels == 1 && steps.rows > 1) {
        return std::make_unique<ByteThreshold>(unit, steps);
    }
    return std::make_unique<Threshold>(unit);
}

const Registration threshold_registration("threshold", make_threshold);

}  // namespace
}  // namespace bnn
