// SPDX-License-Identifier: Apache-2.0
// Concat: the channels of several streams behind each other, pixel by pixel.
#include <cstring>

#include "kernel.h"

namespace bnn {
namespace {

class Concat : public Kernel {
public:
    explicit Concat(const Unit& unit) : Kernel(unit), in_(unit.inputs), out_(unit.output()) {
        std::size_t channels = 0;
        for (const Tensor& in : in_) {
            channels += in.channels;
            if (in.positions != out_.positions) refuse("parts of a concat have other positions");
            whole_rows_ =
                whole_rows_ && in.storage == out_.storage && (in.storage != Storage::bits || in.channels % 64 == 0);
        }
        if (channels != out_.channels) refuse("the parts of a concat are not its channels");
    }

    std::size_t scratch(std::size_t) const override { return 8 * out_.channels; }

    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override {
        std::int64_t* values = static_cast<std::int64_t*>(scratch);
        for (std::size_t row = 0; row < frames * out_.positions; ++row) {
            char* to = static_cast<char*>(out[0]) + row * out_.stride();
            std::size_t done = 0;
            for (std::size_t part = 0; part < in_.size(); ++part) {
                const char* from = static_cast<const char*>(in[part]) + row * in_[part].stride();
                if (whole_rows_) {
                    std::memcpy(to + done, from, in_[part].stride());
                    done += in_[part].stride();
                } else {
                    read_row(in_[part], from, values + done);
                    done += in_[part].channels;
                }
            }
            if (!whole_rows_) write_row(out_, values, to);
        }
    }

private:
    std::vector<Tensor> in_;
    Tensor out_;
    bool whole_rows_ = true;  // whole rows can be copied
};

std::unique_ptr<Kernel> make_concat(const Unit& unit) { return std::make_unique<Concat>(unit); }

const Registration concat_registration("concat", make_concat);

}  // namespace
}  // namespace bnn
