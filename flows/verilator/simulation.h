// SPDX-License-Identifier: Apache-2.0
// The evaluation loop: drives frames through a Verilated accelerator and collects its output.
//
// One cycle: sample the handshakes, which depend on registers only and so are stable since the last rising edge; raise
// the clock; put the next input on the port; lower the clock. A transfer's cycle is the index of the rising edge at
// which it happens, counted from the first edge after reset.
#ifndef BNN_SIMULATION_H_
#define BNN_SIMULATION_H_

#include "Vaccelerator.h"
#include "outputs.h"
#include "ports.h"
#include "stalls.h"
#include "trace.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <vector>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ports are filled byte by byte, the lowest first");

/// Set by SIGINT and SIGTERM; the loop checks it every few thousand cycles.
inline volatile std::sig_atomic_t interrupted = 0;

enum class End { done, wrong_tlast, unstable_output, deadlock, too_slow, interrupted };

/// Limits of a run: cycles without a transfer, cycles in all, and the cycles that a trace shows. A trace that reaches
/// its size ends there.
struct Limits {
    uint64_t watchdog;
    uint64_t most_cycles = ~uint64_t{0};
    uint64_t trace_from = 0;
    uint64_t trace_to = ~uint64_t{0};
};

/// How far an output has come: whole frames, and beats of the next one.
struct Progress {
    uint64_t frames;
    uint64_t beats;
};

/// Evaluates the design; not for the first time.
///
/// Vaccelerator::eval() also locks two mutexes each time, for messages of other threads and deleted class objects, of
/// which a design here has none; with a small net that is a third of the time. Where build.mk has found the function
/// that does the work in the generated code, only that is called. A trace needs the whole of eval().
template <bool Traced>
inline void evaluate(Vaccelerator& top) {
#ifdef BNN_DIRECT_EVAL
    if (!Traced) {
        Vaccelerator___024root___eval(top.rootp);
        return;
    }
#endif
    top.eval();
}

class Simulation {
public:
    static constexpr uint64_t input_bytes = BNN_INPUT_BYTES;
    static constexpr uint64_t input_beats = BNN_INPUT_BEATS;
    static constexpr uint64_t input_frame = input_bytes * input_beats;
    static constexpr uint64_t output_frame = Outputs::frame;
    static constexpr uint64_t none = ~uint64_t{0};
    static constexpr uint64_t period = 10;  // time units of a trace, which are nanoseconds
    static constexpr uint64_t reset_cycles = 16;

    /// Drives the first `frames` frames at `input`, `repeat` times over.
    Simulation(Vaccelerator& top, const uint8_t* input, uint64_t frames, uint64_t repeat, const Limits& limits)
        : top_(top), input_(input), input_end_(input + frames * input_frame), limits_(limits),
          input_left_(frames * repeat * input_beats), frame_done_(frames * repeat),
          output_(frames * repeat * output_frame) {}

    /// Runs until the last frame is out or something is wrong. The first eval(), which initialises, has taken place.
    /// `input_stalls` and `output_stalls`, one for each output, are used where `Stalled`, `tracer` where `Traced`: the
    /// plain loop has neither.
    template <bool Stalled, bool Traced>
    End run(Stalls& input_stalls, std::vector<Stalls>& output_stalls, Tracer* tracer) {
        // Ports and counters in locals: the compiler must assume that eval() changes members.
        Vaccelerator& top = top_;
        const uint8_t* source = input_;
        Outputs::Sinks sinks = Outputs::make(output_.data());
        const auto each = [&](auto&& function) { std::apply([&](auto&... sink) { (function(sink), ...); }, sinks); };
        uint64_t cycle = 0;
        uint64_t last_transfer = 0;
        uint64_t input_left = input_left_;
        size_t frame = 0;
        const size_t frames = frame_done_.size();
        bool valid = !Stalled || input_stalls.next(cycle);
        const auto get_ready = [&](uint64_t next) {
            uint64_t number = 0;
            each([&](auto& sink) {
                sink.ready = !Stalled || output_stalls[number++].next(next);
                port_of(sink).set_ready(top, sink.ready);
            });
        };
        End end = End::done;
        reset<Traced>(tracer);
        std::memcpy(&top.s_axis_tdata, source, input_bytes);
        top.s_axis_tvalid = valid;
        get_ready(cycle);
        top.aclk = 0;
        evaluate<Traced>(top);
        if (Traced && limits_.trace_from == 0) tracer->dump(time(0) - period / 2);

        while (frame != frames) {
            // Short enough to notice Ctrl-C, and never past the cycle in which the watchdog barks.
            uint64_t pause = std::min({cycle + 8192, last_transfer + limits_.watchdog + 1, limits_.most_cycles});
            if (Traced && shown(cycle)) {
                if (tracer->is_full(cycle)) limits_.trace_to = cycle - 1;
                pause = std::min(pause, tracer->next_look());
            }
            for (; cycle < pause && frame != frames; ++cycle) {
                const bool take = valid && top.s_axis_tready;
                uint64_t number = 0;
                size_t whole = frames;  // frames that have left through all outputs
                each([&](auto& sink) {
                    if (Stalled && !sink.is_stable(top) && end == End::done) {
                        end = End::unstable_output;
                        wrong_output_ = number;
                    }
                    // Beats of a port behind the last frame, while others are not done, belong to no frame.
                    if (sink.frames != frames && sink.takes(top)) {
                        last_transfer = cycle;
                        if (!sink.take(top, output_frame - port_of(sink).frame) && end == End::done) {
                            end = End::wrong_tlast;
                            wrong_output_ = number;
                        }
                    }
                    whole = std::min<size_t>(whole, sink.frames);
                    ++number;
                });
                if (end != End::done) break;
                if (whole != frame) frame_done_[frame++] = cycle;
                top.aclk = 1;
                evaluate<Traced>(top);
                if (Traced && shown(cycle)) tracer->dump(time(cycle));
                if (take) {
                    if (first_input_ == none) first_input_ = cycle;
                    last_transfer = cycle;
                    source += input_bytes;
                    if (source == input_end_) source = input_;
                    if (--input_left == 0) {
                        valid = false;
                        top.s_axis_tvalid = 0;
                    } else {
                        std::memcpy(&top.s_axis_tdata, source, input_bytes);
                    }
                }
                if (Stalled) {
                    // An offered beat stays offered until it is accepted.
                    if (input_left != 0 && (take || !valid)) top.s_axis_tvalid = valid = input_stalls.next(cycle + 1);
                    get_ready(cycle + 1);
                }
                top.aclk = 0;
                evaluate<Traced>(top);
                if (Traced && shown(cycle)) tracer->dump(time(cycle) + period / 2);
            }
            if (end != End::done) break;
            if (frame != frames && cycle > last_transfer + limits_.watchdog) {
                end = End::deadlock;
                break;
            }
            if (frame != frames && cycle >= limits_.most_cycles) {
                end = End::too_slow;
                break;
            }
            if (interrupted) {
                end = End::interrupted;
                break;
            }
        }
        cycles_ = cycle;
        last_transfer_ = last_transfer;
        beats_in_ = input_left_ - input_left;
        frames_out_ = frame;
        each([&](auto& sink) { progress_.push_back({sink.frames, sink.beat}); });
        return end;
    }

    uint64_t cycles() const { return cycles_; }
    /// Cycles of the run after which the trace shows nothing more.
    uint64_t traced_cycles() const { return std::min(cycles_, limits_.trace_to + (limits_.trace_to != none)); }
    uint64_t first_input() const { return first_input_; }
    uint64_t last_transfer() const { return last_transfer_; }
    uint64_t beats_in() const { return beats_in_; }
    /// Frames that have left completely, through all outputs.
    uint64_t frames_out() const { return frames_out_; }
    /// For each output its whole frames, and beats of the one after them.
    const std::vector<Progress>& progress() const { return progress_; }
    /// Where tlast or a beat was wrong: the number of the output.
    uint64_t wrong_output() const { return wrong_output_; }
    /// Cycle of the last transfer of each frame on any output; the first `frames_out()` are set.
    const std::vector<uint64_t>& frame_done() const { return frame_done_; }
    const std::vector<uint8_t>& output() const { return output_; }

private:
    /// Time in a trace of the rising edge of a cycle.
    static uint64_t time(uint64_t cycle) { return (reset_cycles + cycle) * period; }

    bool shown(uint64_t cycle) const { return cycle >= limits_.trace_from && cycle <= limits_.trace_to; }

    /// Asserts the reset for some cycles and releases it while the clock is still high.
    template <bool Traced>
    void reset(Tracer* tracer) {
        top_.aresetn = 0;
        top_.s_axis_tvalid = 0;
        Outputs::each([&](auto port, uint64_t) { port.set_ready(top_, false); });
        for (uint64_t i = 0; i < reset_cycles; ++i) {
            top_.aclk = 0;
            evaluate<Traced>(top_);
            if (Traced && limits_.trace_from == 0 && i != 0) tracer->dump(i * period - period / 2);
            top_.aclk = 1;
            evaluate<Traced>(top_);
            if (Traced && limits_.trace_from == 0) tracer->dump(i * period);
        }
        top_.aresetn = 1;
    }

    Vaccelerator& top_;
    const uint8_t* input_;
    const uint8_t* input_end_;
    Limits limits_;
    uint64_t input_left_;
    std::vector<uint64_t> frame_done_;
    std::vector<uint8_t> output_;
    uint64_t cycles_ = 0;
    uint64_t first_input_ = none;
    uint64_t last_transfer_ = 0;
    uint64_t beats_in_ = 0;
    uint64_t frames_out_ = 0;
    uint64_t wrong_output_ = 0;
    std::vector<Progress> progress_;
};

#endif
