// A child of this process, watched by a pidfd and reaped in one place. Where there are no pidfds (an old kernel, a filter,
// valgrind), a thread waits for its end and makes another descriptor readable.
#pragma once

#include "launch/launch.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <csignal>
#include <thread>
#include <vector>

#include <sys/resource.h>

namespace wodehaus::detail {

class child_process {
public:
    /// `pid` was just started and is not reaped by anybody else. If it cannot be watched, it is killed, and this
    /// throws what derives from `std::exception`.
    child_process(strand_executor on, int pid);
    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;
    /// Kills it, if it was not reaped.
    ~child_process();

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
    descriptor open_watch();
    int wait(siginfo_t& info, rusage* used, int options) const noexcept;

    int pid_;
    bool reaped_ = false;
    std::thread waiting_; ///< where there are no pidfds
    boost::asio::posix::basic_stream_descriptor<strand_executor> watch_; ///< readable once it has ended
};

/// Where this process is PID 1 or a subreaper, the orphans of a dead process come to it. They are told from the program's
/// own children by their group.
class orphans {
public:
    /// Keeps in mind a group that was killed.
    void expect(int group) noexcept;
    /// Reaps those that are dead by now. For groups that are new it waits a moment, once for all of them.
    void reap() noexcept;
    /// Waits for all, at most so long.
    void reap_all(std::chrono::milliseconds most) noexcept;

private:
    struct killed_group {
        int number;
        bool waited_for = false;
    };
    template <class Spared>
    void reap(std::chrono::milliseconds most, Spared is_spared) noexcept;

    std::vector<killed_group> groups_; ///< some of each live, so that its number is still its own
};

} // namespace wodehaus::detail
