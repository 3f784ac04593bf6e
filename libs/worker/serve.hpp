// The loop of a process: reads a job, calls its worker, writes the answer.
#pragma once

#include <cstddef>

namespace wodehaus::detail {

/// Serves what comes on `channel_in` until it ends, then ends the process. The first reading is into `buffer` bytes: a
/// fresh process touches as little memory as it can, a kept one reads many jobs at once.
[[noreturn]] void serve(std::size_t buffer, std::size_t largest_message) noexcept;

/// Writes what stdio and iostreams hold back, and ends the process without destructors and exit handlers: those of a
/// fork belong to the process that it was forked from.
[[noreturn]] void end_process(int status) noexcept;

} // namespace wodehaus::detail
