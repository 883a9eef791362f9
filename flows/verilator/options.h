// SPDX-License-Identifier: Apache-2.0
// The harness's command line.
#ifndef BNN_OPTIONS_H_
#define BNN_OPTIONS_H_

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

struct Options {
    std::string input;
    std::string output;
    std::string report;
    std::string expected;
    std::string trace;
    uint64_t frames = 0;  // 0: all frames of the input
    uint64_t repeat = 1;
    uint64_t trace_from = 0;
    uint64_t trace_to = ~uint64_t{0};
    uint64_t trace_megabytes = 0;  // 0: no limit
    uint64_t watchdog = 0;         // 0: from the predicted cycles
    uint64_t most_cycles = ~uint64_t{0};
    uint64_t stall_seed = 0;
    uint64_t pace = 0;  // 0: an input that is always valid
    bool stalled = false;
    bool quiet = false;
};

inline const char* const usage_text =
    "usage: simulator --input FILE [options]\n"
    "  --input FILE       beats to drive in, frame after frame, each beat little-endian\n"
    "  --output FILE      write the beats that came out, in the same form\n"
    "  --expected FILE    compare them with this file; exit 1 at a difference\n"
    "  --report FILE      write cycles, times and what went wrong as JSON\n"
    "  --frames N         use only the first N frames of the input\n"
    "  --repeat K         drive the frames K times over\n"
    "  --stall-seed S     let all external streams stall, in bursts that follow from the seed\n"
    "  --pace CYCLES      offer the beats of a frame evenly, a frame every so many cycles\n"
    "  --trace FILE       write a waveform (needs a simulator built with TRACE=vcd or fst)\n"
    "  --trace-from CYCLE, --trace-to CYCLE   write only these cycles of it, both included\n"
    "  --trace-megabytes N   end the waveform where it has reached this size; the simulation goes on\n"
    "  --watchdog CYCLES  give up after so many cycles without a transfer\n"
    "  --most-cycles N    give up after so many cycles\n"
    "  --quiet            print nothing where all is well\n"
    "  +NAME=VALUE        a plus argument for the RTL\n"
    "exit status: 0 done, 1 outputs differ, 2 usage or files, 3 wrong tlast or handshake, 4 deadlock, 5 too slow\n";

[[noreturn]] inline void fail(const std::string& message) {
    std::fprintf(stderr, "error: %s\n", message.c_str());
    std::exit(2);
}

inline uint64_t parse_number(const std::string& option, const char* text) {
    char* end = nullptr;
    errno = 0;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0) {
        fail(option + " takes a whole number, not '" + text + "'");
    }
    return value;
}

inline Options parse_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name[0] == '+') continue;
        if (name == "--help") {
            std::fputs(usage_text, stdout);
            std::exit(0);
        }
        if (name == "--quiet") {
            options.quiet = true;
            continue;
        }
        if (i + 1 == argc) fail("unknown option or missing value: '" + name + "'\n" + usage_text);
        const char* const value = argv[++i];
        if (name == "--input") {
            options.input = value;
        } else if (name == "--output") {
            options.output = value;
        } else if (name == "--report") {
            options.report = value;
        } else if (name == "--expected") {
            options.expected = value;
        } else if (name == "--trace") {
            options.trace = value;
        } else if (name == "--frames") {
            options.frames = parse_number(name, value);
        } else if (name == "--repeat") {
            options.repeat = parse_number(name, value);
        } else if (name == "--watchdog") {
            options.watchdog = parse_number(name, value);
        } else if (name == "--most-cycles") {
            options.most_cycles = parse_number(name, value);
        } else if (name == "--trace-from") {
            options.trace_from = parse_number(name, value);
        } else if (name == "--trace-to") {
            options.trace_to = parse_number(name, value);
        } else if (name == "--trace-megabytes") {
            options.trace_megabytes = parse_number(name, value);
        } else if (name == "--pace") {
            options.pace = parse_number(name, value);
        } else if (name == "--stall-seed") {
            options.stall_seed = parse_number(name, value);
            options.stalled = true;
        } else {
            fail("unknown option '" + name + "'\n" + usage_text);
        }
    }
    if (options.stalled && options.pace) fail("--pace and --stall-seed exclude each other");
    if (options.input.empty()) fail(std::string("--input is missing\n") + usage_text);
    return options;
}

#endif
