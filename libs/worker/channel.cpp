// What this process sends to its server.
#include "worker/channel.hpp"

#include "worker/role.hpp"

#include <atomic>
#include <cerrno>

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

std::mutex channel_mutex; // a job's threads may change the name while the loop answers
std::atomic<bool> frame_is_under_way{false};

bool write_all(std::span<iovec> pieces) noexcept
{
    while (!pieces.empty()) {
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = pieces.size();
        ssize_t sent = ::sendmsg(channel_out, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == ENOTSOCK) // a pipe, behind a launcher
            sent = ::writev(channel_out, pieces.data(), static_cast<int>(pieces.size()));
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        auto done = static_cast<std::size_t>(sent);
        while (!pieces.empty() && done >= pieces.front().iov_len) {
            done -= pieces.front().iov_len;
            pieces = pieces.subspan(1);
        }
        if (!pieces.empty()) {
            pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + done;
            pieces.front().iov_len -= done;
        }
    }
    return true;
}

} // namespace

std::unique_lock<std::mutex> lock_channel()
{
    return std::unique_lock{channel_mutex};
}

bool send_to_server(std::span<char const> bytes) noexcept
{
    return send_to_server(bytes, {});
}

bool send_to_server(std::span<char const> head, std::span<char const> body) noexcept
{
    iovec pieces[2] = {{const_cast<char*>(head.data()), head.size()}, {const_cast<char*>(body.data()), body.size()}};
    std::lock_guard lock{channel_mutex};
    while (frame_is_under_way.exchange(true, std::memory_order_acquire))
        ::sched_yield(); // a signal handler in another thread, which takes no time
    bool sent = write_all({pieces, body.empty() ? 1u : 2u});
    frame_is_under_way.store(false, std::memory_order_release);
    return sent;
}

bool send_from_handler(std::span<char const> bytes) noexcept
{
    constexpr int patience = 100; // milliseconds; a server that reads nothing for longer is not told
    if (bytes.size() > most_from_handler)
        return false;
    for (int waited = 0; frame_is_under_way.exchange(true, std::memory_order_acquire); ++waited)
        if (waited == patience || ::poll(nullptr, 0, 1) != 0)
            return false;
    pollfd room{channel_out, POLLOUT, 0};
    ssize_t sent = -1;
    if (::poll(&room, 1, patience) > 0) {
        sent = ::send(channel_out, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == ENOTSOCK)
            sent = ::write(channel_out, bytes.data(), bytes.size());
    }
    frame_is_under_way.store(false, std::memory_order_release);
    return sent == static_cast<ssize_t>(bytes.size());
}

} // namespace wodehaus::detail
