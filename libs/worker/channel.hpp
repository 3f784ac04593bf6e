// What this process sends to its server.
#pragma once

#include <mutex>
#include <span>

namespace wodehaus::detail {

/// Sends whole frames on the channel; false if nobody listens any more.
bool send_to_server(std::span<char const> bytes) noexcept;
bool send_to_server(std::span<char const> head, std::span<char const> body) noexcept;

/// The same from a signal handler: of at most `most_from_handler` bytes, and only if that goes at once or soon. False
/// where a frame is under way, which the interrupted thread may be sending itself.
bool send_from_handler(std::span<char const> bytes) noexcept;
inline constexpr std::size_t most_from_handler = 4096; // PIPE_BUF: it arrives whole or not at all

std::unique_lock<std::mutex> lock_channel();

} // namespace wodehaus::detail
