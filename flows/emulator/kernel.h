// SPDX-License-Identifier: Apache-2.0
// What a unit must state to be emulated: a kernel that turns rows of its inputs into rows of its outputs.
//
// A unit has one source file. It defines a kernel and registers it under the name that the operator's `emulator()` in
// Python returns. All constants of a unit come as named arrays of 64-bit integers; a kernel packs them as it likes.
//
// The library is compiled while a user waits for the first result, and most of that time goes to standard headers and
// inlined code: so this header has only what every kernel needs, and functions that are not hot are in kernel.cpp.
#ifndef BNN_EMULATOR_KERNEL_H
#define BNN_EMULATOR_KERNEL_H

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <vector>

#include "tensor.h"

namespace bnn {

// Vectors aligned for loads of whole vector registers.
template <class T>
struct AlignedAllocator {
    using value_type = T;
    AlignedAllocator() = default;
    template <class U>
    AlignedAllocator(const AlignedAllocator<U>&) {}
    T* allocate(std::size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{kAlignment}));
    }
    void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t{kAlignment}); }
    bool operator==(const AlignedAllocator&) const { return true; }
    bool operator!=(const AlignedAllocator&) const { return false; }
};
template <class T>
using Aligned = std::vector<T, AlignedAllocator<T>>;

// A unit's input and output tensors.
struct Ports {
    std::vector<Tensor> inputs;
    std::vector<Tensor> outputs;
};

// An error: what does not fit together.
class Refusal : public std::exception {
public:
    Refusal(const char* what, const char* name);
    // Of a kernel, with the shapes of its ports.
    Refusal(const char* kernel, const char* what, const Ports& ports);
    // Of a kernel that would get other tensors than it states.
    Refusal(const char* kernel, const Ports& stated, const Ports& handed);
    const char* what() const noexcept override { return text_; }

private:
    char text_[400];
};

// Throws a Refusal.
[[noreturn]] void refuse(const char* what, const char* name = "");

struct Values {
    const char* name = nullptr;
    const std::int64_t* data = nullptr;
    std::size_t count = 0;

    std::int64_t operator[](std::size_t index) const { return data[index]; }
};

class Windows;

// A unit's ports and constants; valid only while the kernel is constructed.
struct Unit : Ports {
    std::vector<Values> values;
    // What the producer of the only input says of its rows, even if this unit groups them differently.
    const Windows* made_as = nullptr;

    // Where the rows of the only input are windows on an image: a kernel may read that instead (`reads_image`).
    const Windows* windows() const;

    // Of units with one input and one output.
    const Tensor& input() const;
    const Tensor& output() const;
    // Refuses units whose ports do not all have one shape; their storage may differ.
    void require_one_shape() const;
    bool has(const char* name) const;
    Values array(const char* name) const;
    Values array(const char* name, std::size_t count) const;
    std::int64_t number(const char* name) const;
};

class Kernel {
public:
    // `ports` are what `run` reads and writes. The graph passes tensors of exactly these rows, or refuses.
    explicit Kernel(const Ports& ports);
    virtual ~Kernel();

    const Ports& ports() const { return ports_; }

    // Bytes of working memory that `run` needs for `frames` frames.
    virtual std::size_t scratch(std::size_t frames) const;

    // The windows on its input that its output's rows are, or null.
    virtual const Windows* windows() const;

    // Whether its input is the image that the unit's `windows` lie on, and not their rows.
    virtual bool reads_image() const;

    // A pointer to the first row of each input and output; `scratch` is aligned to kAlignment. Several threads run the
    // same kernel concurrently.
    virtual void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const = 0;

private:
    Ports ports_;
};

using Factory = std::unique_ptr<Kernel> (*)(const Unit&);

// Constructs the kernel `name`; throws a Refusal if something does not fit together.
std::unique_ptr<Kernel> make_kernel(const char* name, const Unit& unit);

class Registration {
public:
    Registration(const char* name, Factory factory);

private:
    friend std::unique_ptr<Kernel> make_kernel(const char* name, const Unit& unit);

    const char* name_;
    Factory factory_;
    const Registration* next_;
};

inline std::size_t rounded_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace bnn

#endif
