// What the user asks for.
#pragma once

#include "halt.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <stdexcept>

struct request {
    std::size_t jobs = 1;
    double timeout = 0; ///< seconds; 0: none
    int attempts = 1;
    halt_rule halt;
    std::filesystem::path joblog; ///< empty: none
};

/// The user asked for what cannot be; the text is one line.
class bad_usage : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads the command line. Empty if it asked for help, which has been given then. Throws `bad_usage`.
std::optional<request> read_options(int argc, char** argv);
