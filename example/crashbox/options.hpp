// What the user asks for.
#pragma once

#include "shared/command_line.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

struct request {
    std::vector<std::string> files; ///< none: their names are on the standard input, one on each line
    std::filesystem::path output;
    std::size_t processes = 0, memory = 0; ///< bytes
    std::chrono::milliseconds timeout{0};
};

/// Reads the command line. Empty if it asked for help, which has been given then. Throws `bad_usage`.
std::optional<request> read_options(int argc, char** argv);
