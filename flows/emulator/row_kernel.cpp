// SPDX-License-Identifier: Apache-2.0
// Hot code, compiled with -O3.
#include "row_kernel.h"

#include <cstring>

namespace bnn {
namespace {

// What is converted at once should stay in the second-level cache.
constexpr std::size_t kPreparedBytes = 256 * 1024;

}  // namespace

const Tensor& RowKernel::source(const Unit& unit) {
    if (unit.windows() == nullptr) return unit.input();
    const Tensor& image = unit.windows()->image;
    const bool alike = image.storage == Storage::bits || (image.is_byte() && image.storage == unit.input().storage);
    return alike ? image : unit.input();
}

RowKernel::RowKernel(const Unit& unit, const Form& form, std::size_t panel)
    : Kernel({{source(unit)}, unit.outputs}), in_(source(unit)), out_(unit.output()), form_(form), panel_(panel),
      image_(&source(unit) != &unit.input()) {
    if (!image_) {
        taps_.assign(1, 0);
        kinds_.push_back({{}, {{0, 0}}});
        in_place_ = form.unchanged;
        return;
    }
    const Windows& windows = *unit.windows();
    fill_ = windows.fill;
    rows_ = windows.count;
    places_ = windows.rows * windows.columns;
    lines_ = windows.image_rows;
    line_ = windows.image_columns;
    start_ = windows.top * windows.columns + windows.left;
    step_ = windows.columns;
    in_place_ = form.unchanged && places_ == in_.positions;
    for (const std::size_t offset : windows.offsets) taps_.push_back(offset * form.place_bytes);
    const bool holds_fill = in_.storage != Storage::bits || fill_ == 1 || fill_ == -1;
    margin_ = holds_fill ? fill_ : -1;
    for (std::size_t row = 0; row < rows_; ++row) {
        std::vector<std::size_t> outside;
        for (std::size_t tap = 0; tap < windows.taps && !holds_fill; ++tap) {
            if (windows.pixel(row, tap) == Windows::kOutside) outside.push_back(tap);
        }
        std::size_t kind = 0;
        while (kind < kinds_.size() && kinds_[kind].outside != outside) ++kind;
        if (kind == kinds_.size()) kinds_.push_back({outside, {}});
        kinds_[kind].rows.push_back({windows.first[row] * form.place_bytes, row * out_.stride()});
    }
}

std::int64_t RowKernel::border(const Layer& layer, std::size_t neuron, std::size_t kind) const {
    std::int64_t sum = 0;
    for (const std::size_t tap : kinds_[kind].outside) {
        for (std::size_t channel = 0; channel < in_.channels; ++channel) {
            sum += layer.weights[neuron * layer.inputs + tap * in_.channels + channel];
        }
    }
    return sum * (fill_ + 1);
}

// The number of frames that are converted and summed together; without an image, a row counts as a frame.
std::size_t RowKernel::chunk(std::size_t frames) const {
    if (in_place_) return frames;
    return std::min(frames, std::max<std::size_t>(1, kPreparedBytes / (form_.planes * frame_bytes())));
}

std::size_t RowKernel::prepared_bytes(std::size_t frames) const {
    // The last group of a row may reach into the next row, and behind the last one.
    return in_place_ ? 0 : rounded_up(form_.planes * frames * frame_bytes() + kAlignment, kAlignment);
}

std::size_t RowKernel::scratch(std::size_t frames) const {
    const std::size_t all = image_ ? frames : frames * in_.positions;
    return prepared_bytes(chunk(all)) + rounded_up(2 * sizeof(char*) * panel_, kAlignment) + panel_scratch();
}

void RowKernel::run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const {
    const std::size_t all = image_ ? frames : frames * in_.positions, most = chunk(all);
    const std::size_t input_bytes = lines_ * line_ * in_.stride();
    const std::size_t plane_bytes = most * frame_bytes();
    const char* from = static_cast<const char*>(in[0]);
    char* to = static_cast<char*>(out[0]);
    char* prepared = static_cast<char*>(scratch);
    char* rest = prepared + prepared_bytes(most);
    if (places_ != lines_ * line_) make_margin(prepared, most, plane_bytes);
    for (std::size_t first = 0; first < all; first += most) {
        const std::size_t count = std::min(most, all - first);
        const char* source = from + first * input_bytes;
        char* results = to + first * rows_ * out_.stride();
        if (in_place_) {
            run_chunk(source, results, count, plane_bytes, rest);
            continue;
        }
        if (places_ == lines_ * line_) {
            prepare(source, count * places_, prepared, plane_bytes);
        } else {
            for (std::size_t frame = 0; frame < count; ++frame) {
                for (std::size_t line = 0; line < lines_; ++line) {
                    const std::size_t place = frame * places_ + start_ + line * step_;
                    prepare(source + (frame * lines_ + line) * line_ * in_.stride(), line_,
                            prepared + place * form_.place_bytes, plane_bytes);
                }
            }
        }
        run_chunk(prepared, results, count, plane_bytes, rest);
    }
}

void RowKernel::make_margin(char* prepared, std::size_t frames, std::size_t plane_bytes) const {
    std::vector<char> pixel(in_.stride());
    const std::vector<std::int64_t> values(in_.channels, margin_);
    write_row(in_, values.data(), pixel.data());
    for (std::size_t place = 0; place < frames * places_; ++place) {
        prepare(pixel.data(), 1, prepared + place * form_.place_bytes, plane_bytes);
    }
}

void RowKernel::run_chunk(const char* base, char* out, std::size_t frames, std::size_t plane_bytes,
                          char* scratch) const {
    const char** rows = reinterpret_cast<const char**>(scratch);
    char** results = reinterpret_cast<char**>(scratch) + panel_;
    void* rest = scratch + rounded_up(2 * sizeof(char*) * panel_, kAlignment);
    for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
        const std::vector<Place>& places = kinds_[kind].rows;
        const std::size_t from_step = frame_bytes(), to_step = rows_ * out_.stride(), all = frames * places.size();
        const char* from = base;
        char* to = out;
        std::size_t next = 0;
        for (std::size_t first = 0; first < all; first += panel_) {
            const std::size_t count = std::min(panel_, all - first);
            if (places.size() == 1) {
                // A loop that compilers vectorise, as this takes a large part of small layers' time.
                for (std::size_t row = 0; row < count; ++row) {
                    rows[row] = base + places[0].from + (first + row) * from_step;
                    results[row] = out + places[0].to + (first + row) * to_step;
                }
            } else {
                for (std::size_t row = 0; row < count; ++row) {
                    rows[row] = from + places[next].from;
                    results[row] = to + places[next].to;
                    if (++next < places.size()) continue;
                    next = 0;
                    from += from_step;
                    to += to_step;
                }
            }
            for (std::size_t row = count; row % kRowUnit != 0; ++row) {
                rows[row] = rows[count - 1];
                results[row] = results[count - 1];
            }
            run_panel({rows, results, count, kind, plane_bytes}, rest);
        }
    }
}

}  // namespace bnn
