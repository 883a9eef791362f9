// SPDX-License-Identifier: Apache-2.0
// What the kernels of matrix-vector units share: where their rows lie, converted to the layout that they sum.
//
// A row is one or more taps, each with the elements of one pixel. Consecutive rows have one tap; windows have as many
// as their kernel, and are never copied together: the image is converted once, with the margin that its windows reach
// into, and a row begins at the place of its first tap.
//
// The margin holds the value of elements outside the image. Bits cannot hold every such value, least of all 0. In that
// case the margin holds -1, and windows are of different kinds by which of their taps lie there; the surplus of the sum
// is a constant of a kind and a neuron (`border`).
#ifndef BNN_EMULATOR_ROW_KERNEL_H
#define BNN_EMULATOR_ROW_KERNEL_H

#include "layer.h"
#include "windows.h"

namespace bnn {

// How elements lie in memory.
struct Form {
    std::size_t planes;       // an image for each
    std::size_t place_bytes;  // from one pixel to the next
    std::size_t tap_bytes;    // those of them with elements
    bool unchanged;           // the layout is the tensor's own
};

class RowKernel : public Kernel {
public:
    // The tensor to read: the image, where the rows of the unit's input are windows on it and both have one storage.
    static const Tensor& source(const Unit& unit);

    // At most `panel` rows are summed at once, a multiple of kRowUnit.
    RowKernel(const Unit& unit, const Form& form, std::size_t panel);

    std::size_t scratch(std::size_t frames) const override;
    bool reads_image() const override { return image_; }
    void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const override;

protected:
    // The last row is repeated up to a multiple of kRowUnit.
    static constexpr std::size_t kRowUnit = 4;
    struct Panel {
        const char* const* rows;  // of the first plane
        char* const* results;
        std::size_t count;
        std::size_t kind;
        std::size_t plane_bytes;  // from one plane to the next
    };

    // Converts `count` consecutive pixels to the layout.
    virtual void prepare(const char* from, std::size_t count, char* to, std::size_t plane_bytes) const = 0;
    virtual void run_panel(const Panel& panel, void* scratch) const = 0;
    virtual std::size_t panel_scratch() const = 0;

    std::size_t kinds() const { return kinds_.size(); }

    // What must be added to the dot products of rows of a kind.
    std::int64_t border(const Layer& layer, std::size_t neuron, std::size_t kind) const;

    Tensor in_, out_;
    Form form_;
    std::size_t panel_;
    std::vector<std::size_t> taps_;  // for each tap, bytes from a row's first place

private:
    // Bytes from a frame's beginning to a row and to its results.
    struct Place {
        std::size_t from, to;
    };
    // The rows of a frame that have the same taps outside the image.
    struct Kind {
        std::vector<std::size_t> outside;  // taps
        std::vector<Place> rows;
    };

    std::size_t chunk(std::size_t frames) const;
    std::size_t frame_bytes() const { return places_ * form_.place_bytes; }
    std::size_t prepared_bytes(std::size_t frames) const;
    void make_margin(char* prepared, std::size_t frames, std::size_t plane_bytes) const;
    void run_chunk(const char* base, char* out, std::size_t frames, std::size_t plane_bytes, char* scratch) const;

    bool image_ = false, in_place_ = true;
    std::int64_t fill_ = 0, margin_ = 0;
    std::size_t rows_ = 1, places_ = 1;  // of a frame
    std::size_t lines_ = 1, line_ = 1;   // of an image, and pixels of one
    std::size_t start_ = 0, step_ = 1;   // the first line's place, and places from one line to the next
    std::vector<Kind> kinds_;
};

}  // namespace bnn

#endif
