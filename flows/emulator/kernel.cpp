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

}  // namespace

Refusal::Refusal(const char* what, const char* name) { std::snprintf(text_, sizeof text_, "%s%s", what, name); }

void refuse(const char* what, const char* name) { throw Refusal(what, name); }

const Tensor& Unit::input() const {
    if (inputs.empty()) refuse("a unit has no input");
    return inputs[0];
}

const Tensor& Unit::output() const {
    if (outputs.empty()) refuse("a unit has no output");
    return outputs[0];
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

Kernel::~Kernel() = default;

std::size_t Kernel::scratch(std::size_t) const { return 0; }

const Windows* Kernel::windows() const { return nullptr; }

bool Kernel::reads_image() const { return false; }

Registration::Registration(const char* name, Factory factory)
    : name_(name), factory_(factory), next_(registrations()) {
    registrations() = this;
}

std::unique_ptr<Kernel> make_kernel(const char* name, const Unit& unit) {
    for (const Registration* kernel = registrations(); kernel != nullptr; kernel = kernel->next_) {
        if (std::strcmp(kernel->name_, name) == 0) return kernel->factory_(unit);
    }
    refuse("there is no kernel ", name);
}

}  // namespace bnn
