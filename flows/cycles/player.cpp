// SPDX-License-Identifier: Apache-2.0
// Simulates the schedules of a graph, event by event, by the rules of docs/dataflow.md, section 4.
//
// It is bnnfpga/dataflow/python_player.py in C++; that file explains more. An event takes place when every time that it
// depends on is known; until then its machine waits.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <new>
#include <vector>

namespace bnn {
namespace {

/// The times at which a queue's beats became visible and left. Those that leave the graph do so at once.
struct Channel {
    bool sink = false;
    std::vector<int64_t> visible;
    std::vector<int64_t> left;
};

/// What an event does to an input: beats that it consumes, and beats that must be visible.
struct Take {
    size_t port;
    int64_t consumed;
    int64_t need;
};

/// What an event does to an output: room that it reserves, and beats that it makes visible.
struct Give {
    size_t port;
    int64_t add;
    int64_t emitted;
};

struct Event {
    int64_t gap;
    std::vector<Take> takes;
    std::vector<Give> gives;
};

struct Input {
    Channel* channel;
    int64_t consumed;
};

struct Output {
    Channel* channel;
    int64_t capacity;
    int64_t remove;
    int64_t held;  // room reserved by all events so far, as if no beat had left
};

class Machine {
public:
    std::vector<Event> kinds;
    std::vector<int32_t> order;
    std::vector<Input> inputs;
    std::vector<Output> outputs;
    std::vector<size_t> channels;
    int64_t latency = 0;

    /// Advances as far as possible. Returns whether any event took place.
    bool advance() {
        bool moved = false;
        while (take_place(kinds[static_cast<size_t>(order[next_])])) {
            moved = true;
            if (++next_ == order.size()) next_ = 0;
        }
        return moved;
    }

private:
    bool take_place(const Event& event) {
        int64_t time = time_ + event.gap;
        for (const Take& take : event.takes) {
            const Input& input = inputs[take.port];
            if (take.need == 0) continue;
            const auto last = static_cast<size_t>(input.consumed + take.need - 1);
            if (last >= input.channel->visible.size()) return false;
            time = std::max(time, input.channel->visible[last]);
        }
        for (const Give& give : event.gives) {
            const Output& output = outputs[give.port];
            const int64_t over = output.held + give.add - output.capacity;
            if (give.add == 0 || over <= 0) continue;
            const auto leaving = static_cast<size_t>((over + output.remove - 1) / output.remove - 1);
            if (leaving >= output.channel->left.size()) return false;
            time = std::max(time, output.channel->left[leaving] + 1);
        }
        for (const Take& take : event.takes) {
            Input& input = inputs[take.port];
            input.consumed += take.consumed;
            input.channel->left.insert(input.channel->left.end(), static_cast<size_t>(take.consumed), time);
        }
        for (const Give& give : event.gives) {
            Output& output = outputs[give.port];
            Channel& channel = *output.channel;
            output.held += give.add;
            for (int64_t beat = 0; beat < give.emitted; ++beat) {
                channel.visible.push_back(time + latency);
                if (!channel.sink) continue;
                const int64_t leaves = time + latency;
                channel.left.push_back(channel.left.empty() ? leaves : std::max(channel.left.back() + 1, leaves));
            }
        }
        time_ = time;
        return true;
    }

    size_t next_ = 0;
    int64_t time_ = -1;
};

struct Player {
    std::vector<Channel> channels;
    std::vector<Machine> machines;
    std::vector<std::vector<size_t>> ends;  // for each channel, the machines at its ends
    std::deque<size_t> waiting;             // machines that may be able to go on
    std::vector<bool> waits;

    void wake(size_t machine) {
        if (waits[machine]) return;
        waits[machine] = true;
        waiting.push_back(machine);
    }

    /// What a machine did can unblock only those that share a channel with it.
    void run() {
        while (!waiting.empty()) {
            const size_t machine = waiting.front();
            waiting.pop_front();
            waits[machine] = false;
            if (!machines[machine].advance()) continue;
            for (const size_t channel : machines[machine].channels) {
                for (const size_t other : ends[channel]) wake(other);
            }
        }
    }
};

enum Status { done = 0, out_of_memory = 1 };

}  // namespace
}  // namespace bnn

using bnn::Player;

extern "C" {

/// Null if there is not enough memory.
void* bnn_player_new(uint64_t channels, const uint8_t* sink) try {
    auto* const player = new Player;
    player->channels.resize(channels);
    player->ends.resize(channels);
    for (size_t i = 0; i < channels; ++i) player->channels[i].sink = sink[i] != 0;
    return player;
} catch (const std::bad_alloc&) {
    return nullptr;
}

void bnn_player_free(void* player) { delete static_cast<Player*>(player); }

/// `gap`, `consumed`, `need`, `add` and `emitted` describe the kinds of events one after the other, the last four with
/// an entry for each port; `order` holds the kind of each event.
int bnn_player_add_machine(void* handle, int64_t latency, uint64_t inputs, const int64_t* input_channels,
                           uint64_t outputs, const int64_t* output_channels, const int64_t* capacity,
                           const int64_t* remove, uint64_t kinds, const int64_t* gap, const int64_t* consumed,
                           const int64_t* need, const int64_t* add, const int64_t* emitted, uint64_t events,
                           const int32_t* order) try {
    auto* const player = static_cast<Player*>(handle);
    bnn::Machine machine;
    machine.latency = latency;
    for (size_t i = 0; i < inputs; ++i) {
        machine.inputs.push_back({&player->channels[static_cast<size_t>(input_channels[i])], 0});
    }
    for (size_t i = 0; i < outputs; ++i) {
        bnn::Channel* const channel = &player->channels[static_cast<size_t>(output_channels[i])];
        machine.outputs.push_back({channel, capacity[i], remove[i], 0});
    }
    for (size_t kind = 0; kind < kinds; ++kind) {
        bnn::Event event{gap[kind], {}, {}};
        for (size_t port = 0; port < inputs; ++port) {
            const size_t i = kind * inputs + port;
            if (consumed[i] != 0 || need[i] != 0) event.takes.push_back({port, consumed[i], need[i]});
        }
        for (size_t port = 0; port < outputs; ++port) {
            const size_t i = kind * outputs + port;
            if (add[i] != 0 || emitted[i] != 0) event.gives.push_back({port, add[i], emitted[i]});
        }
        machine.kinds.push_back(event);
    }
    machine.order.assign(order, order + events);
    machine.channels.assign(input_channels, input_channels + inputs);
    machine.channels.insert(machine.channels.end(), output_channels, output_channels + outputs);
    for (const size_t channel : machine.channels) player->ends[channel].push_back(player->machines.size());
    player->machines.push_back(machine);
    player->waits.push_back(false);
    return bnn::done;
} catch (const std::bad_alloc&) {
    return bnn::out_of_memory;
}

/// Makes the first `beats` beats of a channel from outside visible at time 0, and simulates until no event can take
/// place.
int bnn_player_play(void* handle, uint64_t channel, uint64_t beats) try {
    auto* const player = static_cast<Player*>(handle);
    std::vector<int64_t>& visible = player->channels[channel].visible;
    visible.resize(std::max<size_t>(visible.size(), beats), 0);
    for (const size_t machine : player->ends[channel]) player->wake(machine);
    player->run();
    return bnn::done;
} catch (const std::bad_alloc&) {
    return bnn::out_of_memory;
}

/// The number of beats of a channel that became visible, or left, and their times, which are valid until the next call.
uint64_t bnn_player_times(void* handle, uint64_t channel, int visible, const int64_t** times) {
    const bnn::Channel& found = static_cast<Player*>(handle)->channels[channel];
    const std::vector<int64_t>& chosen = visible != 0 ? found.visible : found.left;
    *times = chosen.data();
    return chosen.size();
}

}  // extern "C"
