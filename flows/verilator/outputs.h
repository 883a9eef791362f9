// SPDX-License-Identifier: Apache-2.0
// The ports by which results leave the accelerator, as ports.h lists them, and what takes beats from them.
#ifndef BNN_OUTPUTS_H_
#define BNN_OUTPUTS_H_

#include "Vaccelerator.h"
#include "ports.h"

#include <cstdint>
#include <cstring>
#include <tuple>

/// One type a port: its name, its size, and where the design has its signals.
#define BNN_PORT(NAME, BYTES, BEATS)                                                        \
    struct NAME##_port {                                                                    \
        static constexpr const char* name = #NAME;                                          \
        static constexpr uint64_t bytes = BYTES;                                            \
        static constexpr uint64_t beats = BEATS;                                            \
        static constexpr uint64_t frame = bytes * beats;                                    \
        static const void* data(const Vaccelerator& top) { return &top.NAME##_tdata; }      \
        static bool valid(const Vaccelerator& top) { return top.NAME##_tvalid; }            \
        static bool last(const Vaccelerator& top) { return top.NAME##_tlast; }              \
        static void set_ready(Vaccelerator& top, bool ready) { top.NAME##_tready = ready; } \
    };
BNN_OUTPUTS(BNN_PORT)

/// Takes the beats of one port: whether it does so next, where the next one goes, and how many it had of its frame.
template <class Port>
struct Sink {
    uint8_t* at;
    bool ready;
    bool held = false;
    uint64_t beat = 0;
    uint64_t frames = 0;
    uint8_t held_beat[Port::bytes];

    /// Whether a beat that was offered and not taken is still there, unchanged; notes the one that now waits.
    bool is_stable(const Vaccelerator& top) {
        if (held && !(Port::valid(top) && std::memcmp(Port::data(top), held_beat, Port::bytes) == 0)) return false;
        held = Port::valid(top) && !ready;
        if (held) std::memcpy(held_beat, Port::data(top), Port::bytes);
        return true;
    }

    bool takes(const Vaccelerator& top) const { return ready && Port::valid(top); }

    /// Takes a beat and goes on to the next, `gap` bytes further behind a frame; whether it was marked as it should be.
    bool take(const Vaccelerator& top, uint64_t gap) {
        std::memcpy(at, Port::data(top), Port::bytes);
        at += Port::bytes;
        const bool last = ++beat == Port::beats;
        if (Port::last(top) != last) return false;
        if (last) {
            beat = 0;
            ++frames;
            at += gap;
        }
        return true;
    }
};

template <class Port>
constexpr Port port_of(const Sink<Port>&) {
    return {};
}

template <class Nothing, class... Ports>
struct OutputsOf {
    using Sinks = std::tuple<Sink<Ports>...>;
    static constexpr uint64_t count = sizeof...(Ports);
    /// Bytes of a frame: one output behind the other.
    static constexpr uint64_t frame = (Ports::frame + ...);

    /// Sinks that leave their beats so from `data` on.
    static Sinks make(uint8_t* data) {
        uint64_t offset = 0;
        const auto place = [&](uint64_t size) {
            uint8_t* const at = data + offset;
            offset += size;
            return at;
        };
        // In braces, the order is that of the list.
        return Sinks{Sink<Ports>{place(Ports::frame), true}...};
    }

    /// Calls `function` with a port and its number, for each.
    template <class Function>
    static void each(Function&& function) {
        uint64_t number = 0;
        (function(Ports{}, number++), ...);
    }
};
#define BNN_AND_PORT(NAME, BYTES, BEATS) , NAME##_port
using Outputs = OutputsOf<void BNN_OUTPUTS(BNN_AND_PORT)>;

#endif
