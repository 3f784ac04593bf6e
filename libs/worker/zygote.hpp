// The zygote's own loop, and what it and the server say to one another. Each message is one packet.
#pragma once

#include "worker/role.hpp"

#include <cstdint>

namespace wodehaus::detail {

/// Server to zygote.
struct zygote_request {
    enum class kind : std::uint32_t { fork = 1, signal };

    kind what{};
    std::uint32_t count = 0;  ///< fork: how many processes
    std::int32_t pid = 0;     ///< signal: whose group
    std::int32_t number = 0;  ///< signal: which signal
};

/// Zygote to server: what has happened since the last packet, as many entries as the packet has room for. Descriptors
/// come in the order of the births: the channel, then where there is one the output, then the ring.
struct zygote_event {
    enum class kind : std::uint32_t { born = 1, ended, fork_failed };
    /// Whether the kernel has killed in its group for want of memory; unknown where it had none.
    enum class memory_account : std::uint32_t { unknown, not_killed, killed };

    kind what{};
    std::int32_t pid = 0;
    std::int32_t status = 0; ///< ended: as from `wait`; fork_failed: errno
    memory_account memory = memory_account::unknown; ///< ended
    std::int64_t user_time = 0, system_time = 0; ///< ended: nanoseconds
    std::uint64_t peak_memory = 0;               ///< ended: bytes
};
inline constexpr std::size_t most_events = 64; ///< in one packet

/// Forks on request, reaps, and ends with everything it has forked when the control line hangs up. Throws
/// `std::system_error` if it cannot begin.
[[noreturn]] void run_zygote(setup_message const& setup);

} // namespace wodehaus::detail
