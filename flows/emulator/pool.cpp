// SPDX-License-Identifier: Apache-2.0
// Pool: reduces the pixels of each window to one, channel by channel: their sum, their largest or their smallest.
//
// values: taps, sum (0 or 1), smallest (channels); lo, hi, bipolar (0 or 1): the element type. Extrema ignore integers
// that are not of the type, which stand for pixels outside the image.
#include <algorithm>

#include "windows.h"

namespace bnn {
namespace {

class Pool : public Kernel {
public:
    explicit Pool(const Unit& unit)
        : Kernel(unit), in_(unit.input()), out_(unit.output()), taps_(static_cast<std::size_t>(unit.number("taps"))),
          sum_(unit.number("sum") != 0), bipolar_(unit.number("bipolar") != 0), lo_(unit.number("lo")),
          hi_(unit.number("hi")) {
        const Values smallest = unit.array("smallest", out_.channels);
        for (std::size_t c = 0; c < out_.channels; ++c) smallest_.push_back(smallest[c] != 0);
        if (in_.positions != out_.positions || in_.channels != taps_ * out_.channels) {
            refuse("the pool does not fit its streams");
        }
    }

    bool is_extremum_of_bits() const { return !sum_ && bipolar_; }

    std::size_t scratch(std::size_t) const override { return 8 * (in_.channels + out_.channels); }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t row = 0; row < frames * in_.positions; ++row) {
            read_row(in_, static_cast<const char*>(in[0]) + row * in_.stride(), values);
            reduce(values, values + in_.channels);
            write_row(out_, values + in_.channels, static_cast<char*>(out[0]) + row * out_.stride());
        }
    }

private:
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
    bool sum_, bipolar_;
    std::int64_t lo_, hi_;
    std::vector<std::uint8_t> smallest_;
};

// Extrema of bits, read from the image: the largest is the OR, the smallest the AND.
class BitPool : public Kernel {
public:
    explicit BitPool(const Unit& unit)
        : Kernel({{unit.windows()->image}, unit.outputs}), windows_(*unit.windows()),
          words_(unit.output().stride() / 8) {
        const std::vector<std::int64_t> outside(unit.output().channels, windows_.fill);
        const Values smallest = unit.array("smallest", outside.size());
        std::vector<std::int64_t> chosen;
        for (std::size_t c = 0; c < outside.size(); ++c) chosen.push_back(smallest[c] ? 1 : -1);
        smallest_.resize(words_);
        outside_.resize(words_);
        write_row(unit.output(), chosen.data(), smallest_.data());
        write_row(unit.output(), outside.data(), outside_.data());
    }

    bool reads_image() const override { return true; }

    void run(const void* const* in, void* const* out, std::size_t frames, void*) const override {
        const std::uint64_t* image = static_cast<const std::uint64_t*>(in[0]);
        std::uint64_t* to = static_cast<std::uint64_t*>(out[0]);
        for (; frames > 0; --frames, image += windows_.image.frame_bytes() / 8) {
            for (std::size_t window = 0; window < windows_.count; ++window, to += words_) {
                for (std::size_t word = 0; word < words_; ++word) to[word] = reduce(image, window, word);
            }
        }
    }

private:
    std::uint64_t reduce(const std::uint64_t* image, std::size_t window, std::size_t word) const {
        std::uint64_t any = 0, every = smallest_[word];
        for (std::size_t tap = 0; tap < windows_.taps; ++tap) {
            const std::size_t pixel = windows_.pixel(window, tap);
            // What is not a bit, like a zero pad, does not count.
            if (pixel == Windows::kOutside && windows_.fill != 1 && windows_.fill != -1) continue;
            const std::uint64_t bits = pixel == Windows::kOutside ? outside_[word] : image[pixel * words_ + word];
            any |= bits;
            every &= bits;
        }
        return (any & ~smallest_[word]) | every;
    }

    Windows windows_;
    std::size_t words_;
    std::vector<std::uint64_t> smallest_, outside_;
};

std::unique_ptr<Kernel> make_pool(const Unit& unit) {
    auto general = std::make_unique<Pool>(unit);
    // The windows are the rows of its input, so their image has as many channels as its output.
    const bool on_bits = unit.windows() != nullptr && unit.windows()->image.storage == Storage::bits;
    if (on_bits && unit.output().storage == Storage::bits && general->is_extremum_of_bits() &&
        unit.windows()->image.channels == unit.output().channels) {
        return std::make_unique<BitPool>(unit);
    }
    return general;
}

const Registration pool_registration("pool", make_pool);

}  // namespace
}  // namespace bnn
