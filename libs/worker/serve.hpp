// The loop of a process: reads a job, calls its worker, writes the answer.
#pragma once

#include "worker/role.hpp"

namespace wodehaus::detail {

/// Serves what comes on `channel_in` until it ends, then ends the process.
[[noreturn]] void serve(setup_message const& setup) noexcept;

/// Writes what stdio and iostreams hold back, and ends the process without destructors and exit handlers: those of a
/// fork belong to the process that it was forked from.
[[noreturn]] void end_process(int status) noexcept;

} // namespace wodehaus::detail
