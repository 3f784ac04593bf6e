// What a process has printed and still holds.
#pragma once

namespace wodehaus::detail {

/// Writes what stdio, std::cout and std::clog hold back.
void flush_output() noexcept;

} // namespace wodehaus::detail
