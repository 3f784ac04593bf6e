#include "command.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wodehaus/this_job.hpp>

namespace {

using clock_type = std::chrono::steady_clock;

void check(int error, char const* what)
{
    if (error != 0)
        throw std::system_error{error, std::generic_category(), what};
}

/// A pipe; its two ends are closed at the latest with this.
struct pipe_ends {
    std::array<int, 2> ends{-1, -1};

    pipe_ends() { check(::pipe2(ends.data(), O_CLOEXEC) == 0 ? 0 : errno, "no pipe for its output"); }
    pipe_ends(pipe_ends const&) = delete;
    pipe_ends& operator=(pipe_ends const&) = delete;
    ~pipe_ends() { close(0), close(1); }
    void close(std::size_t end)
    {
        if (ends[end] >= 0)
            ::close(ends[end]);
        ends[end] = -1;
    }
};

/// The shell that runs the command. It stays in the group of this process: whatever ends that, ends it as well.
class shell {
public:
    explicit shell(std::string line)
    {
        char name[] = "/bin/sh", option[] = "-c";
        char* argv[] = {name, option, line.data(), nullptr};
        posix_spawn_file_actions_t actions;
        check(::posix_spawn_file_actions_init(&actions), "cannot start a shell");
        ::posix_spawn_file_actions_adddup2(&actions, output_.ends[1], STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, errors_.ends[1], STDERR_FILENO);
        int error = ::posix_spawn(&pid_, name, &actions, nullptr, argv, environ);
        ::posix_spawn_file_actions_destroy(&actions);
        check(error, "cannot start a shell");
        output_.close(1);
        errors_.close(1);
        exit_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
        check(exit_ >= 0 ? 0 : errno, "cannot watch a shell");
    }
    shell(shell const&) = delete;
    shell& operator=(shell const&) = delete;
    ~shell() { ::close(exit_); }

    /// Reads what it writes until it has exited (true) or the time has come (false). Then all that it has written is
    /// there; a process that it leaves behind with its output is not waited for.
    bool read_until(clock_type::time_point until, command_end& to)
    {
        for (;;) {
            std::array<pollfd, 3> watched{pollfd{exit_, POLLIN, 0},
                                          {output_.ends[0], POLLIN, 0},
                                          {errors_.ends[0], POLLIN, 0}};
            if (int ready = ::poll(watched.data(), watched.size(), milliseconds_until(until)); ready < 0)
                check(errno == EINTR ? 0 : errno, "cannot wait for a shell");
            else if (watched[0].revents) {
                read_what_is_there(output_, to.output);
                read_what_is_there(errors_, to.errors);
                return true;
            } else {
                if (watched[1].revents)
                    read_some(output_, to.output);
                if (watched[2].revents)
                    read_some(errors_, to.errors);
            }
            if (clock_type::now() >= until)
                return false;
        }
    }

    void kill() { ::kill(pid_, SIGKILL); }

    int wait_status()
    {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0)
            check(errno == EINTR ? 0 : errno, "cannot wait for a shell");
        return status;
    }

private:
    static int milliseconds_until(clock_type::time_point until)
    {
        if (until == clock_type::time_point::max())
            return -1;
        auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock_type::now()).count();
        return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000));
    }

    static void read_some(pipe_ends& from, std::string& to, std::size_t most = 65536)
    {
        auto before = to.size();
        to.resize(before + most);
        auto size = ::read(from.ends[0], to.data() + before, most);
        to.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        if (size == 0)
            from.close(0);
    }

    static void read_what_is_there(pipe_ends& from, std::string& to)
    {
        int size = 0;
        if (from.ends[0] >= 0 && ::ioctl(from.ends[0], FIONREAD, &size) == 0 && size > 0)
            read_some(from, to, static_cast<std::size_t>(size));
    }

    pipe_ends output_, errors_;
    pid_t pid_ = -1;
    int exit_ = -1;
};

clock_type::time_point after(double seconds)
{
    return clock_type::now() + std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>{seconds});
}

} // namespace

double seconds_since_epoch()
{
    return std::chrono::duration<double>{std::chrono::system_clock::now().time_since_epoch()}.count();
}

command_end run_command(command const& job)
{
    // Whoever has asked this does not die of SIGTERM any more: that is for the command, and we tell what came of it.
    static_cast<void>(wodehaus::this_job::stop_requested());
    command_end end;
    end.began = seconds_since_epoch();
    auto const began = clock_type::now();

    shell runs{job.line};
    bool in_time = runs.read_until(job.timeout > 0 ? after(job.timeout) : clock_type::time_point::max(), end);
    if (!in_time) {
        ::kill(0, SIGTERM); // our process group: the command, and all that it has started
        if (!runs.read_until(clock_type::now() + patience, end))
            runs.kill(); // and what else is left of the group ends with this process
    }
    int status = runs.wait_status();
    end.took = std::chrono::duration<double>{clock_type::now() - began}.count();
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    end.exit_code = !in_time ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (end.failed() && wodehaus::this_job::attempt() < job.attempts)
        throw std::runtime_error{"the command failed"};
    return end;
}
