// SPDX-License-Identifier: Apache-2.0
// What a unit must state to be emulated: a kernel that turns rows of its inputs into rows of its outputs.
//
// A unit has one source file. It defines a kernel and registers it under the name that the operator's `emulator()` in
// Python gives. All integers of a unit come as named arrays of 64-bit integers; a kernel packs them as it likes.
#ifndef BNN_EMULATOR_KERNEL_H
#define BNN_EMULATOR_KERNEL_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
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

struct Values {
    const std::int64_t* data = nullptr;
    std::size_t count = 0;

    std::int64_t operator[](std::size_t index) const { return data[index]; }
};

// A unit's ports and integers; valid only while the kernel is made.
struct Unit {
    std::vector<Tensor> inputs;
    std::vector<Tensor> outputs;
    std::map<std::string, Values> values;

    const Tensor& input() const { return inputs.at(0); }
    const Tensor& output() const { return outputs.at(0); }
    bool has(const std::string& name) const { return values.count(name) != 0; }

    Values array(const std::string& name, std::size_t count) const {
        const auto found = values.find(name);
        if (found == values.end()) throw std::invalid_argument("no value is called " + name);
        if (found->second.count != count) throw std::invalid_argument(name + " has another size");
        return found->second;
    }

    std::int64_t number(const std::string& name) const { return array(name, 1)[0]; }
};

class Kernel {
public:
    virtual ~Kernel() = default;

    // Bytes of working memory that `run` needs for so many frames.
    virtual std::size_t scratch(std::size_t frames) const {
        static_cast<void>(frames);
        return 0;
    }

    // One pointer to the first row of each input and output; `scratch` is aligned to kAlignment. Threads run the same
    // kernel at the same time.
    virtual void run(const void* const* in, void* const* out, std::size_t frames, void* scratch) const = 0;
};

using Factory = std::unique_ptr<Kernel> (*)(const Unit&);

// Makes the kernel `name`; throws std::invalid_argument for what does not fit together.
std::unique_ptr<Kernel> make_kernel(const std::string& name, const Unit& unit);

struct Registration {
    Registration(const char* name, Factory factory);
};

inline std::size_t rounded_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace bnn

#endif
