// SPDX-License-Identifier: Apache-2.0
// What a unit must state to be emulated: a kernel that turns rows of its inputs into rows of its outputs.
//
// A unit has one source file. It defines a kernel and registers it under the name that the operator's `emulator()` in
// Python gives. All integers of a unit come as named arrays of 64-bit integers; a kernel packs them as it likes.
//
// The library is compiled where somebody waits for its first result, and that is mostly a matter of standard headers
// and of what is inlined: here stands only what every kernel needs, and functions that are not hot have their body in
// kernel.cpp.
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

// Vectors whose memory begins where a whole vector register can be loaded.
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

// What a unit takes and makes.
struct Ports {
    std::vector<Tensor> inputs;
    std::vector<Tensor> outputs;
};

// Says what does not fit together.
class Refusal : public std::exception {
public:
    Refusal(const char* what, const char* name);
    // Of a kernel, with the shapes of its ports.
    Refusal(const char* kernel, const char* what, const Ports& ports);
    // Of a kernel that would be handed other tensors than it states.
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

// A unit's ports and integers; valid only while the kernel is made.
struct Unit : Ports {
    std::vector<Values> values;
    // What the unit that makes the only input says of its rows, whoever reads them as other rows.
    const Windows* made_as = nullptr;

    // Where the rows of the only input are windows on an image: a kernel may read that instead (`reads_image`).
    const Windows* windows() const;

    // The only ones.
    const Tensor& input() const;
    const Tensor& output() const;
    // Refuses units whose ports are not all of one shape, whatever their storage.
    void require_one_shape() const;
    bool has(const char* name) const;
    Values array(const char* name) const;
    Values array(const char* name, std::size_t count) const;
    std::int64_t number(const char* name) const;
};

class Kernel {
public:
    // `ports` are what `run` reads and writes. The graph hands over tensors of exactly these rows, or refuses.
    explicit Kernel(const Ports& ports);
    virtual ~Kernel();

    const Ports& ports() const { return ports_; }

    // Bytes of working memory that `run` needs for so many frames.
    virtual std::size_t scratch(std::size_t frames) const;

    // The windows on its input that the rows of its output are, if they are that.
    virtual const Windows* windows() const;

    // Whether its input is the image that the unit's `windows` lie on, and not their rows.
    virtual bool reads_image() const;

    // One pointer to the first row of each input and output; `scratch` is aligned to kAlignment. Threads run the same
    // kernel at the same time.
    virtual void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const = 0;

private:
    Ports ports_;
};

using Factory = std::unique_ptr<Kernel> (*)(const Unit&);

// Makes the kernel `name`; throws a Refusal for what does not fit together.
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
