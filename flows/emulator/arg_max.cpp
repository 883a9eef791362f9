// SPDX-License-Identifier: Apache-2.0
// Arg max: for each pixel, the channel whose factor * score + offset, or whose score's rank, is largest, the lowest of
// equals.
//
// values: factors and offsets (channels); or ranks (channels, codes) and shift, by which codes are shifted down before
// they are looked up; or none.
#include "kernel.h"

namespace bnn {
namespace {

class ArgMax : public Kernel {
public:
    explicit ArgMax(const Unit& unit)
        : Kernel(unit), in_(unit.input()), out_(unit.output()), plain_(unit.values.empty()),
          channels_(in_.elements() / out_.elements()), factors_(channels_, 1), offsets_(channels_, 0) {
        if (channels_ * out_.elements() != in_.elements()) refuse("an arg max gives one element for each pixel");
        if (unit.has("factors")) copy(unit.array("factors", channels_), factors_);
        if (unit.has("offsets")) copy(unit.array("offsets", channels_), offsets_);
        if (!unit.has("ranks")) return;
        copy(unit.array("ranks"), ranks_);
        codes_ = ranks_.size() / channels_;
        if (codes_ == 0 || (codes_ & (codes_ - 1)) != 0 || codes_ * channels_ != ranks_.size()) {
            refuse("the ranks of a channel are no power of two");
        }
        shift_ = static_cast<unsigned>(unit.number("shift"));
    }

    std::size_t scratch(std::size_t) const override { return 8 * in_.elements(); }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t frame = 0; frame < frames; ++frame) {
            const char* from = static_cast<const char*>(in[0]) + frame * in_.frame_bytes();
            char* to = static_cast<char*>(out[0]) + frame * out_.frame_bytes();
            if (plain_ && in_.storage == Storage::int8) {
                find(reinterpret_cast<const std::int8_t*>(from), to);
            } else if (plain_ && in_.storage == Storage::int32) {
                find(reinterpret_cast<const std::int32_t*>(from), to);
            } else {
                for (std::size_t p = 0; p < in_.positions; ++p) {
                    read_row(in_, from + p * in_.stride(), values + p * in_.channels);
                }
                for (std::size_t i = 0; i < in_.elements(); ++i) values[i] = compared(values[i], i % channels_);
                find(static_cast<const std::int64_t*>(values), to);
            }
        }
    }

private:
    std::int64_t compared(std::int64_t score, std::size_t channel) const {
        if (codes_ == 0) return score * factors_[channel] + offsets_[channel];
        // Bipolar values have codes 0 and 1, others those of two's complement.
        const std::int64_t code = in_.storage == Storage::bits ? (score + 1) / 2 : score;
        return ranks_[channel * codes_ + (static_cast<std::size_t>(code) >> shift_ & (codes_ - 1))];
    }

    template <class T>
    void find(const T* values, char* to) const {
        for (std::size_t pixel = 0; pixel < out_.positions; ++pixel) {
            const std::int64_t best = largest(values + pixel * channels_);
            write_row(out_, &best, to + pixel * out_.stride());
        }
    }

    template <class T>
    std::int64_t largest(const T* values) const {
        std::size_t best = 0;
        T most = values[0];
        for (std::size_t i = 1; i < channels_; ++i) {
            const bool larger = values[i] > most;
            best = larger ? i : best;
            most = larger ? values[i] : most;
        }
        return static_cast<std::int64_t>(best);
    }

    static void copy(const Values& from, std::vector<std::int64_t>& to) {
        to.assign(from.data, from.data + from.count);
    }

    Tensor in_, out_;
    bool plain_;
    std::size_t channels_;
    std::vector<std::int64_t> factors_, offsets_, ranks_;
    std::size_t codes_ = 0;
    unsigned shift_ = 0;
};

std::unique_ptr<Kernel> make_arg_max(const Unit& unit) { return std::make_unique<ArgMax>(unit); }

const Registration arg_max_registration("arg_max", make_arg_max);

}  // namespace
}  // namespace bnn
