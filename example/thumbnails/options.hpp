// What the user asks for.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>

struct request {
    std::filesystem::path folder, output;
    std::uint32_t size = 0; ///< pixels
    std::size_t processes = 0;
    std::chrono::seconds timeout{0};
};

/// The user asked for what cannot be; the text is one line.
class bad_usage : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads the command line. Empty if it asked for help, which has been given then. Throws `bad_usage`.
std::optional<request> read_options(int argc, char** argv);
