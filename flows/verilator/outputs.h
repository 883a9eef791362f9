// SPDX-License-Identifier: Apache-2.0
// The accelerator's output ports, as ports.h lists them, and sinks that accept their beats.
#ifndef BNN_OUTPUTS_H_
#define BNN_OUTPUTS_H_

#include "Vaccelerator.h"
#include "ports.h"

#include <cstdint>
#include <cstring>
#include <tuple>

/// One type per port: its name, its size, and its signals in the design.
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

/// Accepts the beats of one port. It knows whether it accepts the next one, where that goes, and its number in the
/// frame.
template <class Port>
struct Sink {
    uint8_t* at;
    bool ready;
    bool held = false;
    uint64_t beat = 0;
    uint64_t frames = 0;
    uint8_t held_beat[Port::bytes];

    /// Whether a beat that was offered and not accepted is still there, unchanged; remembers the one that waits now.
    bool is_stable(const Vaccelerator& top) {
        if (held && !(Port::valid(top) && std::memcmp(Port::data(top), held_beat, Port::bytes) == 0)) return false;
        held = Port::valid(top) && !ready;
        if (held) std::memcpy(held_beat, Port::data(top), Port::bytes);
        return true;
    }

    bool takes(const Vaccelerator& top) const { return ready && Port::valid(top); }

    /// Stores a beat and moves on, by `gap` bytes more behind a frame. Returns whether tlast was as it should be.
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
    /// Bytes of a frame, one output behind the other.
    static constexpr uint64_t frame = (Ports::frame + ...);

    /// Sinks that store their beats in this order from `data` on.
    static Sinks make(uint8_t* data) {
        uint64_t offset = 0;
        const auto place = [&](uint64_t size) {
            uint8_t* const at = data + offset;
            offset += size;
            return at;
        };
        // Braces evaluate in the order of the list.
        return Sinks{Sink<Ports>{place(Ports::frame), true}...};
    }

    /// Calls `function` with each port and its number.
    template <class Function>
    static void each(Function&& function) {
        uint64_t number = 0;
        (function(Ports{}, number++), ...);
    }
};
#define BNN_AND_PORT(NAME, BYTES, BEATS) , NAME##_port
using Outputs = OutputsOf<void BNN_OUTPUTS(BNN_AND_PORT)>;

#endif
