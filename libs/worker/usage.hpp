// What a process has used.
#pragma once

#include <cstdint>

namespace wodehaus::detail {

/// As it is sent: since its birth, with the children that it has waited for.
struct usage_message {
    std::int64_t user_time = 0, system_time = 0; ///< nanoseconds
    std::uint64_t peak_memory = 0;               ///< bytes resident
};

usage_message usage_of_process() noexcept;
/// The peak is that of its process.
usage_message usage_of_thread() noexcept;

} // namespace wodehaus::detail
