// SPDX-License-Identifier: Apache-2.0
// Pool: the pixels of each window become one, channel by channel: their sum, or their largest or smallest element.
//
// values: taps, sum (0 or 1), smallest (channels), lo, hi, bipolar (0 or 1), the type; an extremum leaves out what is not
// of the type, the pixels outside the image.
#include <algorithm>

#include "kernel.h"

namespace bnn {
namespace {

class Pool : public Kernel {
public:
    explicit Pool(const Unit& unit)
        : in_(unit.input()),
          out_(unit.output()),
          taps_(static_cast<std::size_t>(unit.number("taps"))),
          sum_(unit.number("sum") != 0),
          bipolar_(unit.number("bipolar") != 0),
          lo_(unit.number("lo")),
          hi_(unit.number("hi")) {
        const Values smallest = unit.array("smallest", out_.channels);
        for (std::size_t c = 0; c < out_.channels; ++c) smallest_.push_back(smallest[c] != 0);
        if (in_.positions != out_.positions || in_.channels != taps_ * out_.channels) {
            throw std::invalid_argument("the pool does not fit its streams");
        }
        by_words_ = !sum_ && in_.storage == Storage::bits && out_.channels % 64 == 0;
        if (by_words_) {
            smallest_bits_.assign(out_.channels / 64, 0);
            for (std::size_t c = 0; c < out_.channels; ++c) {
                smallest_bits_[c / 64] |= static_cast<std::uint64_t>(smallest_[c]) << (c % 64);
            }
        }
    }

    std::size_t scratch(std::size_t) const override { return 8 * (in_.channels + out_.channels); }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            const char* from = static_cast<const char*>(in[0]) + row * in_.stride();
            char* to = static_cast<char*>(out[0]) + row * out_.stride();
            if (by_words_) {
                reduce_words(reinterpret_cast<const std::uint64_t*>(from), reinterpret_cast<std::uint64_t*>(to));
                continue;
            }
            read_row(in_, from, values);
            reduce(values, values + in_.channels);
            write_row(out_, values + in_.channels, to);
        }
    }

private:
    // The largest of bits is their OR, the smallest their AND.
    void reduce_words(const std::uint64_t* pixels, std::uint64_t* result) const {
        const std::size_t words = smallest_bits_.size();
        for (std::size_t word = 0; word < words; ++word) {
            std::uint64_t any = pixels[word], every = pixels[word];
            for (std::size_t tap = 1; tap < taps_; ++tap) {
                any |= pixels[tap * words + word];
                every &= pixels[tap * words + word];
            }
            result[word] = (any & ~smallest_bits_[word]) | (every & smallest_bits_[word]);
        }
    }

    void reduce(const std::int64_t* pixels, std::int64_t* result) const {
        const std::size_t channels = out_.channels;
        for (std::size_t c = 0; c < channels; ++c) {
            std::int64_t value = sum_ ? 0 : smallest_[c] ? hi_ : lo_;
            for (std::size_t tap = 0; tap < taps_; ++tap) {
                const std::int64_t element = pixels[tap * channels + c];
                if (sum_) {
                    value += element;
                } else if (element >= lo_ && element <= hi_ && !(bipolar_ && element == 0)) {
                    value = smallest_[c] ? std::min(value, element) : std::max(value, element);
                }
            }
            result[c] = value;
        }
    }

    Tensor in_, out_;
    std::size_t taps_;
    bool sum_, bipolar_, by_words_;
    std::int64_t lo_, hi_;
    std::vector<std::uint8_t> smallest_;
    std::vector<std::uint64_t> smallest_bits_;
};

std::unique_ptr<Kernel> make_pool(const Unit& unit) { return std::make_unique<Pool>(unit); }

const Registration pool_registration("pool", make_pool);

}  // namespace
}  // namespace bnn
