// A child of this process.
#include "launch/child.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr idtype_t by_pidfd = static_cast<idtype_t>(3); // P_PIDFD, which the C library's headers may lack

int open_pidfd(int pid)
{
    long number = ::syscall(SYS_pidfd_open, pid, 0);
    if (number < 0) {
        boost::system::error_code why{errno, boost::system::system_category()};
        ::kill(pid, SIGKILL); // nobody would watch it
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        throw boost::system::system_error{why, "pidfd_open"};
    }
    return static_cast<int>(number);
}

std::chrono::nanoseconds duration(timeval const& time)
{
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

} // namespace

child_process::child_process(strand_executor on, int pid) : pid_(pid), watch_(on, open_pidfd(pid)) {}

void child_process::signal(int number) noexcept
{
    if (::kill(-pid_, number) != 0)
        ::kill(pid_, number); // it has not made its group yet
    if (number == SIGTERM)
        ::kill(-pid_, SIGCONT); // what is stopped must hear it
}

bool child_process::has_ended() const noexcept
{
    siginfo_t info{};
    auto fd = static_cast<id_t>(const_cast<child_process*>(this)->watch_.native_handle());
    return ::waitid(by_pidfd, fd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

ending child_process::reap() noexcept
{
    ending how;
    ::kill(-pid_, SIGKILL); // not reaped yet, so that the number is still its own
    siginfo_t info{};
    rusage used{};
    long result = -1;
    do {
        // The reactor has made the pidfd non-blocking, and then a wait by it does not block either.
        pollfd ended{watch_.native_handle(), POLLIN, 0};
        ::poll(&ended, 1, -1);
        result = ::syscall(SYS_waitid, by_pidfd, watch_.native_handle(), &info, WEXITED, &used);
    } while (result < 0 && (errno == EINTR || errno == EAGAIN));
    boost::system::error_code ignored;
    watch_.close(ignored);
    if (result != 0) {
        how.note = errno == ECHILD ? "this program reaps its children by itself or ignores SIGCHLD, so that the status is unknown"
                                   : std::string{"waitid: "} + std::strerror(errno);
        return how;
    }
    how.known = true;
    how.status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8
                                            : info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
    how.usage = {duration(used.ru_utime), duration(used.ru_stime), static_cast<std::size_t>(used.ru_maxrss) * 1024};
    return how;
}

bool child_process::wait_for(std::chrono::milliseconds most) noexcept
{
    auto until = std::chrono::steady_clock::now() + most;
    pollfd watched{watch_.native_handle(), POLLIN, 0};
    for (;;) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        int result = ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
        if (result >= 0 || errno != EINTR)
            return result > 0;
    }
}

} // namespace wodehaus::detail
