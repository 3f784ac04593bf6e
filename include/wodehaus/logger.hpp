// What a server tells about its work, line by line.
#pragma once

#include <wodehaus/detail/config.hpp>

#include <functional>
#include <string_view>

namespace wodehaus {

/// How much a line matters.
enum class level {
    error, ///< something failed and nobody else may hear of it
    info   ///< the course of things, and the output of processes with `output::log`
};

/// Receives one line at a time, without a line end. Called on the server's strand, never two calls at one instant.
/// What it throws is discarded: a log that fails must not end a job.
using logger = std::function<void(level, std::string_view)>;

/// The default: errors to the standard error stream, nothing else.
struct WODEHAUS_DECL errors_to_stderr {
    void operator()(level importance, std::string_view line) const;
};

} // namespace wodehaus
