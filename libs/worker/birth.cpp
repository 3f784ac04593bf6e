// What a new process does before it serves.
#include "worker/birth.hpp"

#include "worker/role.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

void close_from(unsigned first) noexcept
{
    if (::syscall(SYS_close_range, first, ~0u, 0u) == 0)
        return;
    long most = ::sysconf(_SC_OPEN_MAX); // a kernel before 5.9, or a filter that does not know the call
    for (long number = first; number < (most > 0 ? most : 1024); ++number)
        ::close(static_cast<int>(number));
}

int checked(int result, char const* call)
{
    if (result < 0)
        throw std::system_error{errno, std::generic_category(), call};
    return result;
}

void move_to(int from, int to)
{
    if (from == to)
        checked(::fcntl(to, F_SETFD, FD_CLOEXEC), "fcntl F_SETFD");
    else
        checked(::dup3(from, to, O_CLOEXEC), "dup3");
}

void null_input()
{
    descriptor null{checked(::open("/dev/null", O_RDONLY | O_CLOEXEC), "open /dev/null")};
    checked(::dup2(null.get(), 0), "dup2");
}

} // namespace

void reset_signals() noexcept
{
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number)
        ::sigaction(number, &by_default, nullptr); // fails for SIGKILL, SIGSTOP and the C library's own: no reset needed
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void take_channel_from_standard_streams()
{
    // First out of the way of the final numbers, which may be taken.
    descriptor in{checked(::fcntl(0, F_DUPFD_CLOEXEC, first_free), "fcntl F_DUPFD_CLOEXEC")};
    descriptor out{checked(::fcntl(1, F_DUPFD_CLOEXEC, first_free), "fcntl F_DUPFD_CLOEXEC")};
    move_to(in.get(), channel_in);
    move_to(out.get(), channel_out);
    in.reset();
    out.reset();
    close_from(channel_out + 1);
    null_input();
    redirect_output(2);
}

void take_control_from_standard_input()
{
    descriptor in{checked(::fcntl(0, F_DUPFD_CLOEXEC, first_free), "fcntl F_DUPFD_CLOEXEC")};
    move_to(in.get(), channel_in);
    move_to(in.get(), channel_out);
    in.reset();
    close_from(channel_out + 1);
    null_input();
}

void keep_only(int channel, int ring) noexcept
{
    ::dup3(channel, channel_in, O_CLOEXEC);
    ::dup3(channel, channel_out, O_CLOEXEC);
    if (ring >= 0)
        keep_ring(ring);
    close_from(ring >= 0 ? first_free : ring_file);
}

void take_descriptors(forked_descriptors const& given)
{
    auto aside = [](int number) { // out of the way of the final numbers, which may be taken
        return number < 0 ? -1 : checked(::fcntl(number, F_DUPFD_CLOEXEC, first_free), "fcntl F_DUPFD_CLOEXEC");
    };
    int channel = aside(given.channel), life = aside(given.lifeline), ring = aside(given.ring);
    int out = aside(given.out), error = aside(given.error);
    move_to(channel, channel_in);
    move_to(channel, channel_out);
    checked(::dup2(life, lifeline), "dup2"); // not closed on exec: descendants hold it too
    if (ring >= 0)
        move_to(ring, ring_file);
    checked(::dup2(out, 1), "dup2");
    checked(::dup2(error, 2), "dup2");
    close_from(ring >= 0 ? first_free : ring_file);
    null_input();
}

void keep_ring(int file) noexcept
{
    if (file == ring_file)
        return;
    ::dup3(file, ring_file, O_CLOEXEC);
    ::close(file);
}

bool arm_lifeline(int end, bool anew) noexcept
{
    if (anew) {
        char path[] = "/proc/self/fd/\0\0";
        path[sizeof path - 3] = static_cast<char>('0' + end);
        descriptor again{::open(path, O_RDONLY | O_NONBLOCK)}; // not closed on exec: descendants hold it too
        if (!again)
            return errno != ENXIO;
        if (::dup2(again.get(), end) < 0)
            return false;
    }
    // No process is named: when the last writer is gone, the kernel signals this group, whoever is in it then.
    ::fcntl(end, F_SETOWN, -::getpgrp());
    ::fcntl(end, F_SETSIG, SIGKILL);
    ::fcntl(end, F_SETFL, O_ASYNC | O_NONBLOCK);
    char none = 0;
    return ::read(end, &none, 1) != 0; // 0: the writer was gone before we could be told
}

void offer_to_oom_killer() noexcept
{
    descriptor score{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)};
    if (!score)
        return;
    constexpr char text[] = "500";
    // Refused only where it would lower the score: then it is high enough.
    [[maybe_unused]] auto written = ::write(score.get(), text, sizeof text - 1);
}

moment moment_of_birth() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<moment>(now.tv_nsec);
}

void reseed(moment born) noexcept
{
    std::srand(static_cast<unsigned>(born) ^ static_cast<unsigned>(::getpid()) << 8);
}

void adopt_orphans() noexcept
{
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void redirect_output(int to) noexcept
{
    if (to != 1)
        ::dup2(to, 1);
}

void redirect_output_and_errors(int to) noexcept
{
    ::dup2(to, 1);
    ::dup2(to, 2);
}

} // namespace wodehaus::detail
