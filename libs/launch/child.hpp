// A child of this process, watched by a pidfd and reaped in one place.
#pragma once

#include "launch/launch.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

namespace wodehaus::detail {

class child_process {
public:
    /// `pid` was just started and is not reaped by anybody else.
    child_process(strand_executor on, int pid);

    int pid() const noexcept { return pid_; }
    /// To its group, and to itself should it have none yet.
    void signal(int number) noexcept;
    /// Calls `handler` (once, on the strand) when it has ended; it is a zombie then. Also called when the server's
    /// descriptors are cancelled: look by `has_ended`.
    template <class Handler>
    void async_wait(Handler&& handler)
    {
        watch_.async_wait(watch_.wait_read, std::forward<Handler>(handler));
    }
    bool has_ended() const noexcept;
    /// Kills what is left of its group, then reaps it. Blocks until it has ended.
    ending reap() noexcept;
    /// Waits until it has ended, at most so long.
    bool wait_for(std::chrono::milliseconds most) noexcept;

private:
    int pid_;
    boost::asio::posix::basic_stream_descriptor<strand_executor> watch_;
};

} // namespace wodehaus::detail
