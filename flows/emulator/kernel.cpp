// SPDX-License-Identifier: Apache-2.0
#include "kernel.h"

#include <cstdio>
#include <cstring>

namespace bnn {
namespace {

const Registration*& registrations() {
    static const Registration* first = nullptr;
    return first;
}

const Values* find(const std::vector<Values>& values, const char* name) {
    for (const Values& value : values) {
        if (std::strcmp(value.name, name) == 0) return &value;
    }
    return nullptr;
}

const char* storage_name(Storage storage) {
    switch (storage) {
        case Storage::int64: return "int64";
        case Storage::int32: return "int32";
        case Storage::int8: return "int8";
        case Storage::uint8: return "uint8";
        case Storage::bits: break;
    }
    return "bits";
}

// Text that is truncated if it gets too long.
class Text {
public:
    Text(char* text, std::size_t capacity) : end_(text), left_(capacity) {}

    template <class... Arguments>
    void add(const char* format, const Arguments&... arguments) {
        const int wanted = std::snprintf(end_, left_, format, arguments...);
        const std::size_t written = wanted < 0 ? 0 : static_cast<std::size_t>(wanted);
        const std::size_t used = written < left_ ? written : left_ - 1;
        end_ += used;
        left_ -= used;
    }

    void add(const Ports& ports) {
        add(ports.inputs);
        add(" to");
        add(ports.outputs);
    }

private:
    void add(const std::vector<Tensor>& tensors) {
        const char* before = " ";
        if (tensors.empty()) add(" nothing");
        for (const Tensor& tensor : tensors) {
            add("%s%zu x %zu %s", before, tensor.positions, tensor.channels, storage_name(tensor.storage));
            before = " and ";
        }
    }

    char* end_;
    std::size_t left_;
};

}  // namespace

Refusal::Refusal(const char* what, const char* name) { Text(text_, sizeof text_).add("%s%s", what, name); }

Refusal::Refusal(const char* kernel, const char* what, const Ports& ports) {
    Text text(text_, sizeof text_);
    text.add("%s: %s, with", kernel, what);
    text.add(ports);
}

Refusal::Refusal(const char* kernel, const Ports& stated, const Ports& handed) {
    Text text(text_, sizeof text_);
    text.add("%s: it works on", kernel);
    text.add(stated);
    text.add(", but is handed");
    text.add(handed);
}

void refuse(const char* what, const char* name) { throw Refusal(what, name); }

const Tensor& Unit::input() const {
    if (inputs.size() != 1) refuse("another number of inputs than 1");
    return inputs[0];
}

const Tensor& Unit::output() const {
    if (outputs.size() != 1) refuse("another number of outputs than 1");
    return outputs[0];
}

void Unit::require_one_shape() const {
    for (const Tensor& in : inputs) {
        if (in.positions != output().positions || in.channels != output().channels) {
            refuse("what it takes and makes have other shapes");
        }
    }
}

bool Unit::has(const char* name) const { return find(values, name) != nullptr; }

Values Unit::array(const char* name) const {
    const Values* found = find(values, name);
    if (found == nullptr) refuse("no value is called ", name);
    return *found;
}

Values Unit::array(const char* name, std::size_t count) const {
    const Values found = array(name);
    if (found.count != count) refuse("another size than expected has ", name);
    return found;
}

std::int64_t Unit::number(const char* name) const { return array(name, 1)[0]; }

Kernel::Kernel(const Ports& ports) : ports_(ports) {}

Kernel::~Kernel() = default;

std::size_t Kernel::scratch(std::size_t) const { return 0; }

const Windows* Kernel::windows() const { return nullptr; }

bool Kernel::reads_image() const { return false; }

Registration::Registration(const char* name, Factory factory) : name_(name), factory_(factory), next_(registrations()) {
    registrations() = this;
}

std::unique_ptr<Kernel> make_kernel(const char* name, const Unit& unit) {
    for (const Registration* kernel = registrations(); kernel != nullptr; kernel = kernel->next_) {
        if (std::strcmp(kernel->name_, name) != 0) continue;
        try {
            return kernel->factory_(unit);
        } catch (const Refusal& refusal) {
            throw Refusal(name, refusal.what(), unit);
        }
    }
    refuse("there is no kernel ", name);
}

}  // namespace bnn
