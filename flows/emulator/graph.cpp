// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

namespace bnn {
namespace {

// A block's tensors should stay in the second-level cache beside the weights. Kernels may work on many rows at once: the
// most frames are as many as the widest of them takes.
constexpr std::size_t kBlockBytes = 512 * 1024;
constexpr std::size_t kMostFrames = 256;

// A tensor's memory starts as zeros, and only its own kernel writes it: what no kernel writes stays 0.
using Memory = Aligned<char>;

std::size_t plain_bytes(Storage type) {
    switch (type) {
        case Storage::int64: return 8;
        case Storage::int32: return 4;
        case Storage::int8:
        case Storage::uint8: return 1;
        case Storage::bits: break;
    }
    throw std::invalid_argument("an input array holds no bits");
}

std::map<std::string, Factory>& factories() {
    static std::map<std::string, Factory> all;
    return all;
}

}  // namespace

Registration::Registration(const char* name, Factory factory) { factories()[name] = factory; }

std::unique_ptr<Kernel> make_kernel(const std::string& name, const Unit& unit) {
    const auto found = factories().find(name);
    if (found == factories().end()) throw std::invalid_argument("there is no kernel " + name);
    return found->second(unit);
}

struct Graph::Worker {
    std::vector<Memory> tensors;
    Memory scratch;
    std::vector<std::int64_t> row;
    std::vector<const void*> in;
    std::vector<void*> out;
};

std::size_t Graph::add_tensor(const Tensor& tensor) {
    if (tensor.positions == 0 || tensor.channels == 0) throw std::invalid_argument("a tensor is empty");
    tensors_.push_back(tensor);
    same_as_.push_back(tensors_.size() - 1);
    return tensors_.size() - 1;
}

void Graph::add_operator(const std::string& kernel, const std::vector<std::size_t>& inputs,
                         const std::vector<std::size_t>& outputs, std::map<std::string, Values> values) {
    Unit unit;
    for (const std::size_t tensor : inputs) unit.inputs.push_back(tensors_.at(tensor));
    for (const std::size_t tensor : outputs) unit.outputs.push_back(tensors_.at(tensor));
    if (kernel == "identity") {
        for (const std::size_t output : outputs) {
            if (unit.input().lies_like(tensors_[output])) {
                same_as_[output] = same_as_[inputs[0]];
            } else {
                steps_.push_back({make_kernel(kernel, Unit{unit.inputs, {tensors_[output]}, {}}), inputs, {output}});
            }
        }
        return;
    }
    unit.values = std::move(values);
    steps_.push_back({make_kernel(kernel, unit), inputs, outputs});
}

std::size_t Graph::block_frames() const {
    std::size_t bytes = 1;
    for (const Tensor& tensor : tensors_) bytes += tensor.frame_bytes();
    return std::clamp<std::size_t>(kBlockBytes / bytes / 4 * 4, 1, kMostFrames);
}

void Graph::run(const void* input, Storage type, std::size_t frames, const std::vector<Tap>& taps,
                unsigned threads) const {
    const std::size_t block = std::min(block_frames(), frames);
    if (block == 0) return;
    for (const Tap& tap : taps) static_cast<void>(tensors_.at(tap.tensor));
    const std::size_t blocks = (frames + block - 1) / block;
    std::atomic<std::size_t> next{0};
    std::mutex failing;
    std::string failure;
    const auto work = [&] {
        try {
            std::size_t scratch = 0, channels = 1;
            for (const Step& step : steps_) scratch = std::max(scratch, step.kernel->scratch(block));
            Worker worker{{}, Memory(scratch), {}, {}, {}};
            for (std::size_t index = 0; index < tensors_.size(); ++index) {
                worker.tensors.emplace_back(same_as_[index] == index ? block * tensors_[index].frame_bytes() : 0);
                channels = std::max(channels, tensors_[index].channels);
            }
            worker.row.resize(channels);
            for (std::size_t index; (index = next++) < blocks;) {
                run_block(worker, input, type, index * block, std::min(block, frames - index * block), taps);
            }
        } catch (const std::exception& error) {
            const std::lock_guard<std::mutex> lock(failing);
            failure = error.what();
            next = blocks;
        }
    };
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    std::vector<std::thread> others;
    try {
        while (others.size() + 1 < std::min<std::size_t>(threads, blocks)) others.emplace_back(work);
    } catch (const std::system_error&) {
        // Where no more threads can be had, fewer do the same.
    }
    work();
    for (std::thread& thread : others) thread.join();
    if (!failure.empty()) throw std::runtime_error(failure);
}

void Graph::run_block(Worker& worker, const void* input, Storage type, std::size_t first, std::size_t frames,
                      const std::vector<Tap>& taps) const {
    const Tensor& entry = tensors_.at(0);
    const char* given = static_cast<const char*>(input) + first * entry.elements() * plain_bytes(type);
    // Where the given array is what the first tensor would be, it is read in its place.
    const bool in_place = type == entry.storage;
    if (!in_place) {
        Tensor plain = entry;
        plain.storage = type;
        char* target = static_cast<char*>(worker.tensors[0].data());
        for (std::size_t row = 0; row < frames * entry.positions; ++row) {
            read_row(plain, given + row * plain.stride(), worker.row.data());
            write_row(entry, worker.row.data(), target + row * entry.stride());
        }
    }
    const auto memory = [&](std::size_t tensor) -> const void* {
        const std::size_t owner = same_as_[tensor];
        return owner == 0 && in_place ? given : worker.tensors[owner].data();
    };
    for (const Step& step : steps_) {
        worker.in.clear();
        worker.out.clear();
        for (const std::size_t tensor : step.inputs) worker.in.push_back(memory(tensor));
        for (const std::size_t tensor : step.outputs) worker.out.push_back(worker.tensors[tensor].data());
        step.kernel->run(worker.in.data(), worker.out.data(), frames, worker.scratch.data());
    }
    for (const Tap& tap : taps) {
        const Tensor& tensor = tensors_[tap.tensor];
        const char* source = static_cast<const char*>(memory(tap.tensor));
        for (std::size_t row = 0; row < frames * tensor.positions; ++row) {
            read_row(tensor, source + row * tensor.stride(),
                     tap.values + (first * tensor.positions + row) * tensor.channels);
        }
    }
}

}  // namespace bnn
