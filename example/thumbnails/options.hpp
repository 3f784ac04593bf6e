// What the user asks for.
#pragma once

#include "shared/command_line.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>

struct request {
    std::filesystem::path folder, output;
    std::uint32_t size = 0; ///< pixels
    std::size_t processes = 0;
    std::chrono::seconds timeout{0};
};

/// Reads the command line. Empty if it asked for help, which has been given then. Throws `bad_usage`.
std::optional<request> read_options(int argc, char** argv);
