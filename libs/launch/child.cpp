// A child of this process.
#include "launch/child.hpp"

#include "launch/program.hpp"
#include "worker/crash.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr idtype_t by_pidfd = static_cast<idtype_t>(3); // P_PIDFD, which the C library's headers may lack

void kill_and_reap(int pid) noexcept
{
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

// An old kernel, or a filter that refuses what it does not know.
bool lacks_the_call(int error)
{
    return error == ENOSYS || error == EPERM || error == EACCES;
}

// On a thread: the child is reaped elsewhere, or by a host that does it itself; either ends this.
void announce_end(int pid, int to) noexcept
{
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
    }
    ::eventfd_write(to, 1);
}

std::chrono::nanoseconds duration(timeval const& time)
{
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

} // namespace

child_process::child_process(strand_executor on, int pid) : pid_(pid), watch_(on)
{
    descriptor watch;
    try {
        watch = open_watch();
        watch_.assign(watch.get());
        watch.release();
    } catch (...) { // nobody would watch it
        kill_and_reap(pid);
        if (waiting_.joinable())
            waiting_.join();
        throw;
    }
}

child_process::~child_process()
{
    if (reaped_)
        return;
    signal(SIGKILL);
    reap();
}

descriptor child_process::open_watch()
{
    auto fail = [](char const* call) {
        throw boost::system::system_error{errno, boost::system::system_category(), call};
    };
    static std::atomic<bool> there_are_none{false}; // once known, it is not asked again: valgrind complains each time
    long number = there_are_none ? -1 : ::syscall(SYS_pidfd_open, pid_, 0);
    if (number >= 0)
        return descriptor{static_cast<int>(number)};
    if (there_are_none || lacks_the_call(errno))
        there_are_none = true;
    else
        fail("pidfd_open");
    if (::kill(pid_, 0) != 0)
        fail("kill");
    descriptor event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!event)
        fail("eventfd");
    all_signals_blocked quiet; // they are for the program's own threads
    waiting_ = std::thread{announce_end, pid_, event.get()};
    return event;
}

void child_process::signal(int number) noexcept
{
    if (number == stack_signal()) { // which only it understands
        ::kill(pid_, number);
        return;
    }
    if (::kill(-pid_, number) != 0)
        ::kill(pid_, number); // it has not made its group yet
    if (number == SIGTERM)
        ::kill(-pid_, SIGCONT); // what is stopped must hear it
}

// The C library's waitid does not give what was used.
int child_process::wait(siginfo_t& info, rusage* used, int options) const noexcept
{
    bool by_number = waiting_.joinable();
    int fd = const_cast<child_process*>(this)->watch_.native_handle();
    return static_cast<int>(::syscall(SYS_waitid, by_number ? P_PID : by_pidfd, by_number ? pid_ : fd, &info,
                                      WEXITED | options, used));
}

bool child_process::has_ended() const noexcept
{
    siginfo_t info{};
    return wait(info, nullptr, WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

ending child_process::reap() noexcept
{
    ending how;
    siginfo_t info{};
    if (wait(info, nullptr, WNOHANG | WNOWAIT) == 0) // not reaped by anybody, so that the number is still its own
        ::kill(-pid_, SIGKILL);
    rusage used{};
    int result = -1;
    do {
        // The reactor has made the pidfd non-blocking, and then a wait by it does not block either.
        pollfd ended{watch_.native_handle(), POLLIN, 0};
        ::poll(&ended, 1, -1);
        result = wait(info, &used, 0);
    } while (result < 0 && (errno == EINTR || errno == EAGAIN));
    int error = errno;
    reaped_ = true;
    if (waiting_.joinable())
        waiting_.join();
    boost::system::error_code ignored;
    watch_.close(ignored);
    if (result != 0) {
        how.note = error == ECHILD ? "this program reaps its children by itself or ignores SIGCHLD, so that the status is unknown"
                                   : std::string{"waitid: "} + std::strerror(error);
        return how;
    }
    how.known = true;
    how.status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8
                                            : info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
    how.usage = {duration(used.ru_utime), duration(used.ru_stime), static_cast<std::size_t>(used.ru_maxrss) * 1024};
    return how;
}

namespace {

bool adopts_orphans() noexcept
{
    int asked = 0;
    return ::getpid() == 1 || (::prctl(PR_GET_CHILD_SUBREAPER, &asked) == 0 && asked);
}

// False if some of the group still live.
bool reap_dead_of(int group) noexcept
{
    siginfo_t info{};
    int result = 0;
    do {
        info = {};
        result = ::waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG);
    } while (result == 0 && info.si_pid != 0);
    return result != 0;
}

} // namespace

void orphans::expect(int group) noexcept
{
    if (!adopts_orphans())
        return;
    try {
        groups_.push_back({group});
    } catch (std::bad_alloc const&) { // it cannot be kept in mind
        reap_dead_of(group);
    }
}

void orphans::reap() noexcept
{
    constexpr std::chrono::milliseconds moment{5}; // what was killed needs less, unless the kernel holds it
    reap(moment, [](killed_group const& each) { return each.waited_for; });
    for (auto& each : groups_)
        each.waited_for = true;
}

void orphans::reap_all(std::chrono::milliseconds most) noexcept
{
    reap(most, [](killed_group const&) { return false; });
}

template <class Spared>
void orphans::reap(std::chrono::milliseconds most, Spared is_spared) noexcept
{
    auto until = std::chrono::steady_clock::now() + most;
    for (;;) {
        std::erase_if(groups_, [](killed_group const& each) { return reap_dead_of(each.number); });
        if (std::ranges::all_of(groups_, is_spared) || std::chrono::steady_clock::now() >= until)
            return;
        std::this_thread::sleep_for(std::chrono::microseconds{200}); // nothing tells of the end of a group
    }
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
