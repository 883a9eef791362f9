// SPDX-License-Identifier: Apache-2.0
// Drives frames through a Verilated accelerator, checks its output and reports how long it took.
//
// The program needs nothing but its input files, so a project is simulated and checked without Python. Its options are
// in options.h, its evaluation loop in simulation.h, its boundary (bytes and beats) in the generated ports.h.

#include "files.h"
#include "options.h"
#include "simulation.h"

#include <chrono>
#include <cinttypes>
#include <csignal>
#include <memory>
#include <vector>

extern "C" {
static void on_signal(int) { interrupted = 1; }
}

/// Verilator's warnings at run time are about memory files that are missing or too short. The simulation would go on
/// with zeros instead and give wrong results, so it ends.
void vl_warn(const char* filename, int, const char*, const char* message) {
    fail(std::string(filename) + ": " + message);
}

namespace {

const char* name_of(End end) {
    switch (end) {
        case End::done: return "done";
        case End::wrong_tlast: return "wrong_tlast";
        case End::unstable_output: return "unstable_output";
        case End::deadlock: return "deadlock";
        case End::too_slow: return "too_slow";
        default: return "interrupted";
    }
}

int status_of(End end) {
    switch (end) {
        case End::done: return 0;
        case End::wrong_tlast:
        case End::unstable_output: return 3;
        case End::deadlock: return 4;
        case End::too_slow: return 5;
        default: return 130;
    }
}

/// More cycles without a transfer than any working accelerator needs, from the predicted ones.
uint64_t default_watchdog(bool stalled, uint64_t longest_stall) {
    const uint64_t quiet = 10000 + 20 * uint64_t{BNN_PREDICTED_INTERVAL} + 4 * uint64_t{BNN_PREDICTED_LATENCY};
    return stalled ? 4 * quiet + 16 * longest_stall : quiet;
}

std::unique_ptr<Tracer> open_trace(Vaccelerator& top, const Options& options) {
    if (options.trace.empty()) return nullptr;
#if defined(BNN_TRACE_VCD) || defined(BNN_TRACE_FST)
    auto tracer = std::make_unique<Tracer>(options.trace, 1000000 * options.trace_megabytes);
    top.trace(tracer.get(), 99);
    tracer->open(options.trace.c_str());
    if (!tracer->isOpen()) fail(options.trace + ": cannot be written");
    return tracer;
#else
    (void)top;
    fail("--trace needs a simulator built with TRACE=vcd or TRACE=fst");
#endif
}

void write_output(const Simulation& simulation, const std::string& path) {
    if (path.empty()) return;
    NewFile file(path);
    std::fwrite(simulation.output().data(), 1, simulation.output().size(), file.stream());
    file.commit();
}

void write_report(const Simulation& simulation, End end, double seconds, bool traced, const std::string& path) {
    if (path.empty()) return;
    NewFile file(path);
    std::FILE* const out = file.stream();
    std::fprintf(out, "{\"end\": \"%s\", \"frames\": %" PRIu64 ", \"cycles\": %" PRIu64 ", \"seconds\": %.9f,\n",
                 name_of(end), simulation.frames_out(), simulation.cycles(), seconds);
    if (simulation.first_input() == Simulation::none) {
        std::fputs(" \"first_input_cycle\": null,", out);
    } else {
        std::fprintf(out, " \"first_input_cycle\": %" PRIu64 ",", simulation.first_input());
    }
    if (traced) std::fprintf(out, " \"traced_cycles\": %" PRIu64 ",\n", simulation.traced_cycles());
    std::fprintf(out,
                 " \"last_transfer_cycle\": %" PRIu64 ", \"frames_in\": %" PRIu64 ", \"beats_in\": %" PRIu64
                 ", \"frames_out\": %" PRIu64 ", \"wrong_output\": %" PRIu64 ",\n \"outputs\": [",
                 simulation.last_transfer(), simulation.beats_in() / Simulation::input_beats,
                 simulation.beats_in() % Simulation::input_beats, simulation.frames_out(), simulation.wrong_output());
    Outputs::each([&](auto port, uint64_t number) {
        const Progress& progress = simulation.progress()[number];
        std::fprintf(out, "%s{\"name\": \"%s\", \"frames\": %" PRIu64 ", \"beats\": %" PRIu64 "}", number ? ", " : "",
                     port.name, progress.frames, progress.beats);
    });
    std::fputs("],\n \"frame_done\": [", out);
    for (uint64_t i = 0; i < simulation.frames_out(); ++i) {
        std::fprintf(out, i ? ",%" PRIu64 : "%" PRIu64, simulation.frame_done()[i]);
    }
    std::fputs("]}\n", out);
    file.commit();
}

void print_summary(const Simulation& simulation, double seconds) {
    const auto& done = simulation.frame_done();
    const size_t frames = done.size();
    std::printf("%zu frames in %" PRIu64 " cycles, %.3f s of evaluation, %.3f Mcycle/s\n", frames, simulation.cycles(),
                seconds, static_cast<double>(simulation.cycles()) / seconds / 1e6);
    std::printf("latency %" PRIu64 " cycles (predicted %" PRIu64 ")\n", done[0] - simulation.first_input(),
                uint64_t{BNN_PREDICTED_LATENCY});
    if (frames > 2) {
        std::printf("last two frames %" PRIu64 " cycles apart (predicted %" PRIu64 ")\n",
                    done[frames - 1] - done[frames - 2], uint64_t{BNN_PREDICTED_INTERVAL});
    }
}

/// Prints the first difference. Returns whether there is none.
bool equals_expected(const Simulation& simulation, const MappedFile& expected, const std::string& path,
                     uint64_t frames) {
    const uint8_t* const got = simulation.output().data();
    bool equal = true;
    for (uint64_t frame = 0; equal && frame != simulation.frame_done().size(); ++frame) {
        uint64_t offset = 0;
        Outputs::each([&](auto port, uint64_t) {
            for (uint64_t beat = 0; beat != port.beats; ++beat, offset += port.bytes) {
                const uint8_t* const want = expected.data() + frame % frames * Simulation::output_frame + offset;
                const uint8_t* const have = got + frame * Simulation::output_frame + offset;
                if (!equal || std::memcmp(have, want, port.bytes) == 0) continue;
                equal = false;
                std::fprintf(stderr, "%s differs from %s: frame %" PRIu64 ", beat %" PRIu64 ": expected 0x", port.name,
                             path.c_str(), frame, beat);
                for (uint64_t i = port.bytes; i-- > 0;) std::fprintf(stderr, "%02x", want[i]);
                std::fputs(", got 0x", stderr);
                for (uint64_t i = port.bytes; i-- > 0;) std::fprintf(stderr, "%02x", have[i]);
                std::fputc('\n', stderr);
            }
        });
    }
    return equal;
}

void explain(const Simulation& simulation, End end, const Vaccelerator& top) {
    const uint64_t frames_in = simulation.beats_in() / Simulation::input_beats;
    const uint64_t beats_in = simulation.beats_in() % Simulation::input_beats;
    if (end == End::wrong_tlast) {
        Outputs::each([&](auto port, uint64_t number) {
            if (number != simulation.wrong_output()) return;
            const Progress& progress = simulation.progress()[number];
            std::fprintf(stderr, "error: %s_tlast is %s at frame %" PRIu64 ", beat %" PRIu64 " of %" PRIu64 "\n",
                         port.name, port.last(top) ? "high too early" : "missing on the last beat", progress.frames,
                         progress.beats - 1, port.beats);
        });
    } else if (end == End::unstable_output) {
        Outputs::each([&](auto port, uint64_t number) {
            if (number != simulation.wrong_output()) return;
            std::fprintf(stderr, "error: the beat of %s of cycle %" PRIu64 " changed before it was taken\n", port.name,
                         simulation.cycles() - 1);
        });
    } else if (end == End::too_slow) {
        std::fprintf(stderr, "error: too slow: after %" PRIu64 " cycles only", simulation.cycles());
        Outputs::each([&](auto port, uint64_t number) {
            const Progress& progress = simulation.progress()[number];
            std::fprintf(stderr, "%s %" PRIu64 " frames and %" PRIu64 " beats came out of %s", number ? "," : "",
                         progress.frames, progress.beats, port.name);
        });
        std::fputc('\n', stderr);
    } else if (end == End::deadlock) {
        std::fprintf(stderr,
                     "error: deadlock: no transfer since cycle %" PRIu64 " (stopped at cycle %" PRIu64 "); %" PRIu64
                     " frames and %" PRIu64 " beats went in (valid %d, ready %d)",
                     simulation.last_transfer(), simulation.cycles(), frames_in, beats_in, top.s_axis_tvalid,
                     top.s_axis_tready);
        Outputs::each([&](auto port, uint64_t number) {
            const Progress& progress = simulation.progress()[number];
            std::fprintf(stderr, ", %" PRIu64 " frames and %" PRIu64 " beats came out of %s (valid %d)",
                         progress.frames, progress.beats, port.name, port.valid(top));
        });
        std::fputc('\n', stderr);
    }
}

/// The number of frames to drive; ends the program where the files do not fit together.
uint64_t count_frames(const Options& options, const MappedFile& input, const MappedFile* expected) {
    if (input.size() == 0 || input.size() % Simulation::input_frame != 0) {
        fail(options.input + ": " + std::to_string(input.size()) + " bytes are no whole number of frames of " +
             std::to_string(Simulation::input_frame) + " bytes");
    }
    const uint64_t available = input.size() / Simulation::input_frame;
    const uint64_t frames = options.frames ? options.frames : available;
    if (frames > available) {
        fail(options.input + ": holds " + std::to_string(available) + " frames, not " + std::to_string(frames));
    }
    if (options.repeat == 0) fail("--repeat takes at least 1");
    if (expected && expected->size() < frames * Simulation::output_frame) {
        fail(options.expected + ": too short for " + std::to_string(frames) + " frames of " +
             std::to_string(Simulation::output_frame) + " bytes");
    }
    return frames;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse_options(argc, argv);
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    const MappedFile input(options.input);
    const auto expected = options.expected.empty() ? nullptr : std::make_unique<MappedFile>(options.expected);
    const uint64_t frames = count_frames(options, input, expected.get());

    VerilatedContext context;
    context.commandArgs(argc, argv);
    context.traceEverOn(!options.trace.empty());
    Vaccelerator top(&context);
    const std::unique_ptr<Tracer> tracer = open_trace(top, options);

    const uint64_t longest = 2 * uint64_t{BNN_PREDICTED_INTERVAL};
    const bool paced = options.pace != 0;
    Stalls input_stalls =
        paced ? Stalls::paced(Simulation::input_beats, options.pace) : Stalls(2 * options.stall_seed, longest);
    // Each output stalls on its own; at an even pace, none does.
    std::vector<Stalls> output_stalls;
    for (uint64_t number = 0; number != Outputs::count; ++number) {
        output_stalls.push_back(paced ? Stalls::paced(1, 0)
                                      : Stalls(2 * options.stall_seed + 1 + (number << 48), longest));
    }
    const uint64_t watchdog =
        options.watchdog ? options.watchdog : default_watchdog(options.stalled, input_stalls.longest());
    const Limits limits{watchdog, options.most_cycles, options.trace_from, options.trace_to};
    Simulation simulation(top, input.data(), frames, options.repeat, limits);

    // The first evaluation runs the initial blocks, which read the memories; it does not count as simulation time.
    top.eval();

    const auto start = std::chrono::steady_clock::now();
    const End end = options.stalled || paced
                        ? (tracer ? simulation.run<true, true>(input_stalls, output_stalls, tracer.get())
                                  : simulation.run<true, false>(input_stalls, output_stalls, nullptr))
                        : (tracer ? simulation.run<false, true>(input_stalls, output_stalls, tracer.get())
                                  : simulation.run<false, false>(input_stalls, output_stalls, nullptr));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    // After a deadlock, too: the stream monitors, if built in, report what each stream was doing.
    top.final();
#if defined(BNN_TRACE_VCD) || defined(BNN_TRACE_FST)
    if (tracer) tracer->close();
#endif
    write_report(simulation, end, seconds, tracer != nullptr, options.report);
    if (end != End::done) {
        explain(simulation, end, top);
        return status_of(end);
    }
    write_output(simulation, options.output);
    if (!options.quiet) print_summary(simulation, seconds);
    if (!options.quiet && tracer && simulation.traced_cycles() < simulation.cycles()) {
        std::printf("the waveform shows the first %" PRIu64 " cycles; --trace-megabytes %" PRIu64 " ended it\n",
                    simulation.traced_cycles(), options.trace_megabytes);
    }
    if (expected && !equals_expected(simulation, *expected, options.expected, frames)) return 1;
    if (expected && !options.quiet) std::printf("output equals %s\n", options.expected.c_str());
    return 0;
}
