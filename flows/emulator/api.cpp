// SPDX-License-Identifier: Apache-2.0
// The C interface: build a graph, run it, free it. No call throws; a message says what failed.
#include <cstring>

#include "graph.h"

namespace {

template <class Work>
int guarded(char* message, std::int64_t capacity, Work work) {
    try {
        work();
        return 0;
    } catch (const std::exception& error) {
        if (capacity > 0) {
            std::strncpy(message, error.what(), static_cast<std::size_t>(capacity) - 1);
            message[capacity - 1] = 0;
        }
        return 1;
    }
}

std::vector<std::size_t> numbers(const std::int64_t* data, std::int64_t count) {
    return std::vector<std::size_t>(data, data + count);
}

}  // namespace

extern "C" {

void* bnn_graph_new() { return new (std::nothrow) bnn::Graph; }

void bnn_graph_free(void* graph) { delete static_cast<bnn::Graph*>(graph); }

int bnn_graph_add_tensor(void* graph, std::int64_t positions, std::int64_t channels, std::int64_t lo, std::int64_t hi,
                         int bipolar, char* message, std::int64_t capacity) {
    return guarded(message, capacity, [&] {
        static_cast<bnn::Graph*>(graph)->add_tensor(bnn::make_tensor(
            static_cast<std::size_t>(positions), static_cast<std::size_t>(channels), lo, hi, bipolar != 0));
    });
}

int bnn_graph_add_operator(void* graph, const char* kernel, const std::int64_t* inputs, std::int64_t input_count,
                           const std::int64_t* outputs, std::int64_t output_count, const char* const* names,
                           const std::int64_t* const* data, const std::int64_t* counts, std::int64_t value_count,
                           char* message, std::int64_t capacity) {
    return guarded(message, capacity, [&] {
        std::vector<bnn::Values> values;
        for (std::int64_t i = 0; i < value_count; ++i) {
            values.push_back({names[i], data[i], static_cast<std::size_t>(counts[i])});
        }
        static_cast<bnn::Graph*>(graph)->add_operator(kernel, numbers(inputs, input_count),
                                                      numbers(outputs, output_count), values);
    });
}

// `type` is a bnn::Storage other than bits; `taps` are tensors whose integers are written to `targets`.
int bnn_graph_run(const void* graph, const void* input, int type, std::int64_t frames, const std::int64_t* taps,
                  std::int64_t* const* targets, std::int64_t tap_count, int threads, char* message,
                  std::int64_t capacity) {
    return guarded(message, capacity, [&] {
        std::vector<bnn::Graph::Tap> all;
        for (std::int64_t i = 0; i < tap_count; ++i) all.push_back({static_cast<std::size_t>(taps[i]), targets[i]});
        static_cast<const bnn::Graph*>(graph)->run(input, static_cast<bnn::Storage>(type),
                                                   static_cast<std::size_t>(frames), all,
                                                   static_cast<unsigned>(threads));
    });
}

}  // extern "C"
