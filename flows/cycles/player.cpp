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

constexpr int64_t unbounded = int64_t{1} << 40;
// Times are counted in half cycles. The half says that a longest path to an event passes through a critical machine; as
// maxima prefer it, it is kept among paths of equal length.
constexpr int64_t cycle = 2;
constexpr int64_t mark = 1;
constexpr size_t snapshots_kept = 5;
constexpr size_t least_dropped = 4096;

/// The times of a queue's beats, without the oldest ones, which nothing needs any more.
class Times {
public:
    size_t size() const { return dropped_ + values_.size(); }
    size_t dropped() const { return dropped_; }
    int64_t operator[](size_t beat) const { return values_[beat - dropped_]; }
    int64_t back() const { return values_.back(); }
    int64_t cycle_of(size_t beat) const { return (*this)[beat] >> 1; }
    const std::vector<int64_t>& values() const { return values_; }
    void push(int64_t time) { values_.push_back(time); }
    void push(size_t beats, int64_t time) { values_.insert(values_.end(), beats, time); }

    /// Forgets all before `beat`, some day.
    void drop_before(size_t beat) {
        const size_t count = std::min(beat, size()) - dropped_;
        if (beat <= dropped_ || count < least_dropped || 2 * count < values_.size()) return;
        values_.erase(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(count));
        dropped_ += count;
    }

    void clear() {
        values_.clear();
        dropped_ = 0;
    }

private:
    std::vector<int64_t> values_;
    size_t dropped_ = 0;
};

/// The times at which a queue's beats became visible and left. Those that leave the graph do so at once.
struct Channel {
    bool sink = false;
    bool kept = false;  // whether all times are kept, for those who ask
    Times visible;
    Times left;
    size_t first_visible = 0;  // the oldest beat whose consumer still asks when it became visible
    size_t first_left = 0;     // and whose producer still asks when it left
    // The most beats in the queue at a time, from the event that sent them on, if it is measured.
    bool measured = false;
    int64_t latency = 0;
    size_t arrivals = 0;
    size_t departures = 0;
    int64_t peak = 0;

    /// Measures the beats whose successors are known.
    void measure() {
        for (; arrivals < visible.size(); ++arrivals) {
            const int64_t arrival = visible.cycle_of(arrivals) - latency;
            while (departures < left.size() && left.cycle_of(departures) < arrival) ++departures;
            if (departures == left.size()) return;
            peak = std::max(peak, static_cast<int64_t>(arrivals + 1 - departures));
        }
    }

    void forget() {
        if (kept) return;
        visible.drop_before(measured ? std::min(first_visible, arrivals) : first_visible);
        left.drop_before(measured ? std::min(first_left, departures) : first_left);
    }

    void clear() {
        visible.clear();
        left.clear();
        first_visible = first_left = arrivals = departures = 0;
        peak = 0;
    }
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

    /// The beat that must have left before `add` more fit; negative if none must.
    int64_t leaving(int64_t add) const {
        const int64_t over = held + add - capacity;
        return over <= 0 ? -1 : (over + remove - 1) / remove - 1;
    }
};

enum Waiting { for_nothing = 0, for_beats = 1, for_room = 2 };

class Machine {
public:
    std::vector<Event> kinds;
    std::vector<int32_t> order;
    std::vector<Input> inputs;
    std::vector<Output> outputs;
    std::vector<size_t> channels;  // of its inputs, then of its outputs
    int64_t latency = 0;
    bool critical = false;  // whether no machine takes more cycles for a frame
    Waiting waiting = for_nothing;
    size_t waiting_channel = 0;

    /// Advances as far as possible. Returns whether any event took place.
    bool advance() {
        bool moved = false;
        while (take_place(kinds[static_cast<size_t>(order[next_])])) {
            moved = true;
            if (++next_ == order.size()) next_ = 0;
        }
        if (moved) {
            for (const Input& input : inputs) {
                input.channel->first_visible = static_cast<size_t>(input.consumed);
                input.channel->forget();
            }
            for (const Output& output : outputs) {
                output.channel->first_left = output.capacity >= unbounded
                                                 ? output.channel->left.size()
                                                 : static_cast<size_t>(std::max<int64_t>(output.leaving(1), 0));
                output.channel->forget();
            }
        }
        return moved;
    }

    void clear() {
        for (Input& input : inputs) input.consumed = 0;
        for (Output& output : outputs) output.held = 0;
        next_ = 0;
        time_ = -cycle;
        waiting = for_nothing;
    }

    size_t next() const { return next_; }
    int64_t time() const { return time_ >> 1; }

private:
    bool wait(Waiting what, size_t channel) {
        waiting = what;
        waiting_channel = channel;
        return false;
    }

    bool take_place(const Event& event) {
        int64_t time = time_ + cycle * event.gap;
        for (const Take& take : event.takes) {
            const Input& input = inputs[take.port];
            if (take.need == 0) continue;
            const auto last = static_cast<size_t>(input.consumed + take.need - 1);
            if (last >= input.channel->visible.size()) return wait(for_beats, channels[take.port]);
            time = std::max(time, input.channel->visible[last]);
        }
        for (const Give& give : event.gives) {
            const Output& output = outputs[give.port];
            const int64_t leaving = output.leaving(give.add);
            if (give.add == 0 || leaving < 0) continue;
            if (static_cast<size_t>(leaving) >= output.channel->left.size()) {
                return wait(for_room, channels[inputs.size() + give.port]);
            }
            time = std::max(time, output.channel->left[static_cast<size_t>(leaving)] + cycle);
        }
        if (critical) time |= mark;
        for (const Take& take : event.takes) {
            Input& input = inputs[take.port];
            input.consumed += take.consumed;
            input.channel->left.push(static_cast<size_t>(take.consumed), time);
        }
        for (const Give& give : event.gives) {
            Output& output = outputs[give.port];
            Channel& channel = *output.channel;
            output.held += give.add;
            for (int64_t beat = 0; beat < give.emitted; ++beat) {
                const int64_t leaves = time + cycle * latency;
                channel.visible.push(leaves);
                if (!channel.sink) continue;
                channel.left.push(channel.left.size() == 0 ? leaves : std::max(channel.left.back() + cycle, leaves));
            }
        }
        time_ = time;
        return true;
    }

    size_t next_ = 0;
    int64_t time_ = -cycle;
};

/// Everything that later events depend on, when nothing moves: how far each machine is, and times.
struct Snapshot {
    std::vector<size_t> places;
    std::vector<int64_t> times;
};

struct Player {
    std::vector<Channel> channels;
    std::vector<Machine> machines;
    std::vector<std::vector<size_t>> ends;  // for each channel, the machines at its ends
    std::deque<size_t> waiting;             // machines that may be able to go on
    std::vector<bool> waits;
    std::deque<Snapshot> snapshots;  // after the last calls of `run`, the latest first

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
        for (Channel& channel : channels) {
            if (channel.sink) channel.first_visible = channel.visible.size();
            if (channel.measured) channel.measure();
            channel.forget();
        }
        snapshots.push_front(snapshot());
        if (snapshots.size() > snapshots_kept) snapshots.pop_back();
    }

    Snapshot snapshot() const {
        Snapshot result;
        for (const Machine& machine : machines) {
            result.places.push_back(machine.next());
            result.times.push_back(machine.time());
            for (const Input& input : machine.inputs) add(result, input.channel->visible, input.channel->first_visible);
            for (const Output& output : machine.outputs) {
                if (output.capacity < unbounded) add(result, output.channel->left, output.channel->first_left);
            }
        }
        return result;
    }

    static void add(Snapshot& result, const Times& times, size_t first) {
        result.places.push_back(times.size() - std::min(first, times.size()));
        for (size_t beat = first; beat < times.size(); ++beat) result.times.push_back(times.cycle_of(beat));
    }
};

enum Status { done = 0, out_of_memory = 1 };

}  // namespace
}  // namespace bnn

using bnn::Player;

extern "C" {

/// `sink` says which channels leave the graph, `kept` of which all times are kept. Null if there is not enough memory.
void* bnn_player_new(uint64_t channels, const uint8_t* sink, const uint8_t* kept) try {
    auto* const player = new Player;
    player->channels.resize(channels);
    player->ends.resize(channels);
    for (size_t i = 0; i < channels; ++i) {
        player->channels[i].sink = sink[i] != 0;
        player->channels[i].kept = kept[i] != 0;
    }
    return player;
} catch (const std::bad_alloc&) {
    return nullptr;
}

void bnn_player_free(void* player) { delete static_cast<Player*>(player); }

/// `gap`, `consumed`, `need`, `add` and `emitted` describe the kinds of events one after the other, the last four with
/// an entry for each port; `order` holds the kind of each event.
int bnn_player_add_machine(void* handle, int64_t latency, int critical, uint64_t inputs, const int64_t* input_channels,
                           uint64_t outputs, const int64_t* output_channels, const int64_t* capacity,
                           const int64_t* remove, uint64_t kinds, const int64_t* gap, const int64_t* consumed,
                           const int64_t* need, const int64_t* add, const int64_t* emitted, uint64_t events,
                           const int32_t* order) try {
    auto* const player = static_cast<Player*>(handle);
    bnn::Machine machine;
    machine.latency = latency;
    machine.critical = critical != 0;
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

/// Back to the start, with the same machines.
void bnn_player_clear(void* handle) {
    auto* const player = static_cast<Player*>(handle);
    for (bnn::Channel& channel : player->channels) channel.clear();
    for (bnn::Machine& machine : player->machines) machine.clear();
    player->waiting.clear();
    player->waits.assign(player->machines.size(), false);
    player->snapshots.clear();
}

/// Another capacity of the queue that a channel leaves, before anything is played.
void bnn_player_set_capacity(void* handle, uint64_t channel, int64_t capacity) {
    auto* const player = static_cast<Player*>(handle);
    for (bnn::Machine& machine : player->machines) {
        for (bnn::Output& output : machine.outputs) {
            if (output.channel == &player->channels[channel]) output.capacity = capacity;
        }
    }
}

/// Measures the most beats in a channel's queue; its machine has this latency.
void bnn_player_measure(void* handle, uint64_t channel, int64_t latency) {
    bnn::Channel& measured = static_cast<Player*>(handle)->channels[channel];
    measured.measured = true;
    measured.latency = latency;
}

int64_t bnn_player_peak(void* handle, uint64_t channel) { return static_cast<Player*>(handle)->channels[channel].peak; }

/// Makes more beats of a channel from outside visible, each at its time, and simulates until no event can take place.
int bnn_player_play(void* handle, uint64_t channel, uint64_t beats, const int64_t* times) try {
    auto* const player = static_cast<Player*>(handle);
    for (uint64_t beat = 0; beat < beats; ++beat) player->channels[channel].visible.push(bnn::cycle * times[beat]);
    // At first, all machines are asked what they wait for.
    for (size_t machine = 0; player->snapshots.empty() && machine < player->machines.size(); ++machine) {
        player->wake(machine);
    }
    for (const size_t machine : player->ends[channel]) player->wake(machine);
    player->run();
    return bnn::done;
} catch (const std::bad_alloc&) {
    return bnn::out_of_memory;
}

/// The least and the most time by which everything that later events depend on is later than `plays` calls of
/// `bnn_player_play` before. 0 if it is not the same things, so that they cannot be compared.
int bnn_player_advanced(void* handle, uint64_t plays, int64_t* least, int64_t* most) {
    const auto& snapshots = static_cast<Player*>(handle)->snapshots;
    if (plays >= snapshots.size() || snapshots[plays].places != snapshots[0].places) return 0;
    const std::vector<int64_t>& after = snapshots[0].times;
    const std::vector<int64_t>& before = snapshots[plays].times;
    *least = *most = after[0] - before[0];
    for (size_t i = 0; i < after.size(); ++i) {
        *least = std::min(*least, after[i] - before[i]);
        *most = std::max(*most, after[i] - before[i]);
    }
    return 1;
}

/// What a machine waits for, when nothing moves: 1 for beats of a channel, 2 for room in it.
int bnn_player_waiting(void* handle, uint64_t machine, uint64_t* channel) {
    const bnn::Machine& found = static_cast<Player*>(handle)->machines[machine];
    *channel = found.waiting_channel;
    return found.waiting;
}

/// The number of beats of a channel that became visible, or left. Their times, in half cycles, if they are kept, are
/// valid until the next call.
uint64_t bnn_player_times(void* handle, uint64_t channel, int visible, const int64_t** times) {
    const bnn::Channel& found = static_cast<Player*>(handle)->channels[channel];
    const bnn::Times& chosen = visible != 0 ? found.visible : found.left;
    *times = chosen.dropped() == 0 ? chosen.values().data() : nullptr;
    return chosen.size();
}

}  // extern "C"
