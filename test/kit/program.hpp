// Runs a program, mostly this one anew, and keeps what it writes.
#pragma once

#include "test/kit/nothing_left.hpp"

#include <array>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>

namespace kit {

struct ended {
    int exit_code = -1, signal = 0;
    std::string output, errors;
};

/// Starts it with these as its stdin (-1: /dev/null), stdout and stderr. Gives its process id, or 0 if that failed.
inline pid_t start_program(std::string program, std::vector<std::string> arguments, int in, int out, int error)
{
    std::vector<char*> argv{program.data()};
    for (auto& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    if (in < 0)
        ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    else
        ::posix_spawn_file_actions_adddup2(&actions, in, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, 1);
    ::posix_spawn_file_actions_adddup2(&actions, error, 2);
    pid_t pid = 0;
    bool started = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ) == 0;
    ::posix_spawn_file_actions_destroy(&actions);
    return started ? pid : 0;
}

/// Waits until the program has ended and nobody holds its stdout and stderr any more.
inline ended run_program(std::vector<std::string> arguments, std::string program = "/proc/self/exe")
{
    if (program == "/proc/self/exe")
        program = std::filesystem::read_symlink(program);
    std::array<std::array<int, 2>, 2> pipes{};
    for (auto& pipe : pipes)
        BOOST_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);

    pid_t pid = start_program(program, std::move(arguments), -1, pipes[0][1], pipes[1][1]);
    for (auto& pipe : pipes)
        ::close(pipe[1]);
    BOOST_REQUIRE(pid > 0);

    ended end;
    std::array<pollfd, 2> from{pollfd{pipes[0][0], POLLIN, 0}, pollfd{pipes[1][0], POLLIN, 0}};
    std::array<std::string*, 2> to{&end.output, &end.errors};
    for (int open = 2; open;) {
        if (::poll(from.data(), from.size(), 30'000) == 0) {
            ::kill(pid, SIGKILL);
            BOOST_ERROR("the program is silent, and somebody holds its output: " << end.output << end.errors);
            break;
        }
        for (std::size_t i = 0; i < from.size(); ++i)
            if (from[i].fd >= 0 && from[i].revents) {
                char buffer[4096];
                auto size = ::read(from[i].fd, buffer, sizeof buffer);
                if (size > 0) {
                    to[i]->append(buffer, static_cast<std::size_t>(size));
                } else {
                    from[i].fd = -1;
                    --open;
                }
            }
    }
    for (auto& pipe : pipes)
        ::close(pipe[0]);
    int status = 0;
    BOOST_REQUIRE(::waitpid(pid, &status, 0) == pid);
    (WIFSIGNALED(status) ? end.signal : end.exit_code) = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return end;
}

} // namespace kit
