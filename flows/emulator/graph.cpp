// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "path.h"

namespace bnn {
namespace {

// Kernels may work on many rows at once: a block has at most the frames that the widest of them processes. Its tensors
// should stay in the second-level cache beside the weights; but where sums of many rows are computed side by side, it
// matters more that layers with one row per frame fill them, too.
constexpr std::size_t kMostFrames = 256;
#if defined(BNN_AVX512)
constexpr std::size_t kBlockBytes = 512 * 1024;
#else
constexpr std::size_t kBlockBytes = 8 * 1024 * 1024;
#endif

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
    refuse("an input array holds no bits");
}

// Units that only relabel elements share one kernel, and need none where input and output have one layout.
bool is_identity(const char* kernel) { return std::strcmp(kernel, "identity") == 0; }

}  // namespace

struct Graph::Worker {
    const std::vector<bool>& needed;
    std::vector<Memory> tensors;
    Memory scratch;
    std::vector<std::int64_t> row;
    std::vector<const void*> in;
    std::vector<void*> out;
};

std::size_t Graph::add_tensor(const Tensor& tensor) {
    if (tensor.positions == 0 || tensor.channels == 0) refuse("a tensor is empty");
    tensors_.push_back(tensor);
    same_as_.push_back(tensors_.size() - 1);
    maker_.push_back(kNone);
    return tensors_.size() - 1;
}

void Graph::add_operator(const char* kernel, const std::vector<std::size_t>& inputs,
                         const std::vector<std::size_t>& outputs, const std::vector<Values>& values) {
    Unit unit;
    unit.values = values;
    for (const std::size_t input : inputs) {
        unit.inputs.push_back(tensor(input));
        if (!is_made(input)) throw Refusal(kernel, "it takes what no operator before it makes", unit);
    }
    for (const std::size_t output : outputs) {
        unit.outputs.push_back(tensor(output));
        if (is_made(output)) throw Refusal(kernel, "it makes what another operator makes", unit);
    }
    if (!is_identity(kernel)) return add_step(kernel, unit, inputs, outputs);
    for (const std::size_t output : outputs) {
        unit.outputs.assign(1, tensors_[output]);
        if (unit.input().lies_like(unit.output())) {
            same_as_[output] = same_as_[inputs[0]];
        } else {
            add_step(kernel, unit, inputs, {output});
        }
    }
}

const Tensor& Graph::tensor(std::size_t number) const {
    if (number >= tensors_.size()) refuse("there is no tensor of that number");
    return tensors_[number];
}

bool Graph::is_made(std::size_t tensor) const {
    return tensor == 0 || same_as_[tensor] != tensor || maker_[tensor] != kNone;
}

// A kernel runs on tensors exactly as its ports state them, whatever memory they use.
void Graph::check_handed(const char* kernel, const Step& step) const {
    const auto fits = [&](const std::vector<Tensor>& stated, const std::vector<std::size_t>& handed) {
        if (stated.size() != handed.size()) return false;
        for (std::size_t i = 0; i < handed.size(); ++i) {
            const Tensor& memory = tensors_[same_as_[handed[i]]];
            if (!stated[i].has_rows_of(tensors_[handed[i]]) || !stated[i].lies_like(memory)) return false;
        }
        return true;
    };
    if (fits(step.kernel->ports().inputs, step.inputs) && fits(step.kernel->ports().outputs, step.outputs)) return;
    Ports handed;
    for (const std::size_t input : step.inputs) handed.inputs.push_back(tensors_[same_as_[input]]);
    for (const std::size_t output : step.outputs) handed.outputs.push_back(tensors_[same_as_[output]]);
    throw Refusal(kernel, step.kernel->ports(), handed);
}

void Graph::add_step(const char* kernel, const Unit& unit, const std::vector<std::size_t>& inputs,
                     const std::vector<std::size_t>& outputs) {
    const std::size_t maker = inputs.size() == 1 ? maker_[same_as_[inputs[0]]] : kNone;
    Unit told = unit;
    if (maker != kNone) told.made_as = steps_[maker].kernel->windows();
    Step step{make_kernel(kernel, told), inputs, outputs};
    if (step.kernel->reads_image()) step.inputs = steps_[maker].inputs;
    check_handed(kernel, step);
    for (const std::size_t output : outputs) maker_[output] = steps_.size();
    steps_.push_back(std::move(step));
}

// The tensors that must be computed for those of the taps; only the owners of memory count.
std::vector<bool> Graph::needed_for(const std::vector<Tap>& taps) const {
    std::vector<bool> needed(tensors_.size());
    for (const Tap& tap : taps) needed.at(same_as_.at(tap.tensor)) = true;
    for (std::size_t index = steps_.size(); index-- > 0;) {
        const Step& step = steps_[index];
        bool runs = false;
        for (const std::size_t output : step.outputs) runs = runs || needed[output];
        if (!runs) continue;
        for (const std::size_t output : step.outputs) needed[output] = true;
        for (const std::size_t input : step.inputs) needed[same_as_[input]] = true;
    }
    return needed;
}

std::size_t Graph::block_frames(const std::vector<bool>& needed) const {
    std::size_t bytes = 1;
    for (std::size_t index = 0; index < tensors_.size(); ++index) {
        if (needed[index]) bytes += tensors_[index].frame_bytes();
    }
    return std::clamp<std::size_t>(kBlockBytes / bytes / 4 * 4, 1, kMostFrames);
}

void Graph::run(const void* input, Storage type, std::size_t frames, const std::vector<Tap>& taps,
                unsigned threads) const {
    if (frames == 0 || taps.empty()) return;
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    const std::vector<bool> needed = needed_for(taps);
    const std::size_t block = std::min(block_frames(needed), (frames + threads - 1) / threads);
    const std::size_t blocks = (frames + block - 1) / block;
    std::atomic<std::size_t> next{0};
    std::atomic<bool> fails{false};
    std::exception_ptr failure;
    const auto work = [&] {
        try {
            std::size_t scratch = 0, channels = 1;
            for (const Step& step : steps_) scratch = std::max(scratch, step.kernel->scratch(block));
            Worker worker{needed, {}, Memory(scratch), {}, {}, {}};
            for (std::size_t index = 0; index < tensors_.size(); ++index) {
                worker.tensors.emplace_back(needed[index] ? block * tensors_[index].frame_bytes() : 0);
                channels = std::max(channels, tensors_[index].channels);
            }
            worker.row.resize(channels);
            for (std::size_t index; (index = next++) < blocks;) {
                run_block(worker, input, type, index * block, std::min(block, frames - index * block), taps);
            }
        } catch (...) {
            if (!fails.exchange(true)) failure = std::current_exception();
            next = blocks;
        }
    };
    std::vector<std::thread> others;
    try {
        while (others.size() + 1 < std::min<std::size_t>(threads, blocks)) others.emplace_back(work);
    } catch (const std::exception&) {
        // Fewer threads give the same result.
    }
    work();
    for (std::thread& thread : others) thread.join();
    if (failure) std::rethrow_exception(failure);
}

void Graph::run_block(Worker& worker, const void* input, Storage type, std::size_t first, std::size_t frames,
                      const std::vector<Tap>& taps) const {
    const Tensor& entry = tensors_.at(0);
    const char* array = static_cast<const char*>(input) + first * entry.elements() * plain_bytes(type);
    // An array in the first tensor's own layout is read in its place.
    const bool in_place = type == entry.storage;
    if (!in_place) {
        Tensor plain = entry;
        plain.storage = type;
        char* target = static_cast<char*>(worker.tensors[0].data());
        for (std::size_t row = 0; row < frames * entry.positions; ++row) {
            read_row(plain, array + row * plain.stride(), worker.row.data());
            write_row(entry, worker.row.data(), target + row * entry.stride());
        }
    }
    const auto memory = [&](std::size_t tensor) -> const void* {
        const std::size_t owner = same_as_[tensor];
        return owner == 0 && in_place ? array : worker.tensors[owner].data();
    };
    for (const Step& step : steps_) {
        if (!worker.needed[step.outputs[0]]) continue;
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
