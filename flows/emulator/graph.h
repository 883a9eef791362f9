// SPDX-License-Identifier: Apache-2.0
// The dataflow graph: tensors, and kernels in the order in which they run.
#ifndef BNN_EMULATOR_GRAPH_H
#define BNN_EMULATOR_GRAPH_H

#include "kernel.h"

namespace bnn {

class Graph {
public:
    // Where a tensor's integers are written: int64, (frames, elements).
    struct Tap {
        std::size_t tensor;
        std::int64_t* values;
    };

    // The first tensor is the graph's input. Returns its number.
    std::size_t add_tensor(const Tensor& tensor);

    // Operators are added in topological order.
    void add_operator(const char* kernel, const std::vector<std::size_t>& inputs,
                      const std::vector<std::size_t>& outputs, const std::vector<Values>& values);

    // `input` holds (frames, elements) integers of the plain kind `type`.
    void run(const void* input, Storage type, std::size_t frames, const std::vector<Tap>& taps, unsigned threads) const;

private:
    static constexpr std::size_t kNone = ~std::size_t{0};

    struct Step {
        std::unique_ptr<Kernel> kernel;
        std::vector<std::size_t> inputs;
        std::vector<std::size_t> outputs;
    };
    struct Worker;

    const Tensor& tensor(std::size_t number) const;
    bool is_made(std::size_t tensor) const;
    void check_handed(const char* kernel, const Step& step) const;
    void add_step(const char* kernel, const Unit& unit, const std::vector<std::size_t>& inputs,
                  const std::vector<std::size_t>& outputs);
    std::vector<bool> needed_for(const std::vector<Tap>& taps) const;
    std::size_t block_frames(const std::vector<bool>& needed) const;
    void run_block(Worker& worker, const void* input, Storage type, std::size_t first, std::size_t frames,
                   const std::vector<Tap>& taps) const;

    std::vector<Tensor> tensors_;
    std::vector<std::size_t> same_as_;  // for each tensor, the one whose memory it uses
    std::vector<std::size_t> maker_;    // the step that writes a tensor, or kNone
    std::vector<Step> steps_;
};

}  // namespace bnn

#endif
