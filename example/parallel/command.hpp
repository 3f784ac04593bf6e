// A command line, and the worker that runs it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

struct command {
    std::uint64_t number = 0; ///< from 1
    std::string line;
    double timeout = 0; ///< seconds for each attempt; 0: none
    int attempts = 1;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& number& line& timeout& attempts;
    }
};

/// How a command has ended, as GNU parallel's job log tells it.
struct command_end {
    std::string output, errors; ///< what it wrote to stdout and stderr
    int exit_code = 0;          ///< -1: its time was up
    int signal = 0;             ///< what ended it; 0: nothing did
    double began = 0;           ///< seconds since the epoch
    double took = 0;            ///< seconds

    bool failed() const { return exit_code != 0 || signal != 0; }

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& output& errors& exit_code& signal& began& took;
    }
};

/// How long a command that was asked to end is waited for.
inline constexpr std::chrono::milliseconds patience{350};

/// Runs `/bin/sh -c line` with /dev/null as stdin. One that fails is a result, too, at the last attempt; at those
/// before it is thrown, so that it is tried again. Its timeout is kept here: the server's would lose what it has
/// written.
command_end run_command(command const& job);

double seconds_since_epoch();
