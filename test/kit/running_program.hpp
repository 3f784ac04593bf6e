// A program that runs while the test talks with it.
#pragma once

#include "test/kit/program.hpp"

namespace kit {

class running_program {
public:
    running_program(std::string program, std::vector<std::string> arguments)
    {
        for (auto& pipe : pipes_)
            BOOST_REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
        pid_ = start_program(std::move(program), std::move(arguments), pipes_[0][0], pipes_[1][1], pipes_[2][1]);
        for (int i : {1, 2})
            close(pipes_[static_cast<std::size_t>(i)][1]);
        BOOST_REQUIRE(pid_ > 0);
    }
    running_program(running_program const&) = delete;
    running_program& operator=(running_program const&) = delete;
    ~running_program()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        for (auto& pipe : pipes_)
            for (int& each : pipe)
                close(each);
    }

    /// The read end of its stdin, which it shares with the test.
    int shared_input() const { return pipes_[0][0]; }
    void write(std::string_view text)
    {
        BOOST_REQUIRE(::write(pipes_[0][1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    void close_input() { close(pipes_[0][1]); }
    void signal(int number) { BOOST_REQUIRE(::kill(pid_, number) == 0); }

    /// Waits until it has taken the signal: a second one before that would be one with it.
    void signal_was_taken(int number) const
    {
        BOOST_REQUIRE(within_a_second([&] {
            std::ifstream in{"/proc/" + std::to_string(pid_) + "/status"};
            for (std::string line; std::getline(in, line);)
                if (line.starts_with("ShdPnd:"))
                    return (std::stoull(line.substr(7), nullptr, 16) >> (number - 1) & 1) == 0;
            return true;
        }));
    }

    /// Reads what it writes until its stdout has the text. False if that does not come.
    bool read_until(std::string_view text)
    {
        while (end_.output.find(text) == std::string::npos)
            if (!read_some())
                return false;
        return true;
    }
    std::string const& output() const { return end_.output; }

    /// Waits until it has ended and nobody holds its stdout and stderr any more.
    ended wait()
    {
        while (read_some())
            ;
        int status = 0;
        BOOST_REQUIRE(::waitpid(std::exchange(pid_, -1), &status, 0) > 0);
        (WIFSIGNALED(status) ? end_.signal : end_.exit_code) =
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
        return end_;
    }

private:
    static void close(int& descriptor)
    {
        if (descriptor >= 0)
            ::close(descriptor);
        descriptor = -1;
    }

    // False when both have ended, or when nothing has come for long.
    bool read_some()
    {
        std::array<pollfd, 2> from{pollfd{pipes_[1][0], POLLIN, 0}, pollfd{pipes_[2][0], POLLIN, 0}};
        std::array<std::string*, 2> to{&end_.output, &end_.errors};
        if (from[0].fd < 0 && from[1].fd < 0)
            return false;
        if (::poll(from.data(), from.size(), 20'000) <= 0) {
            BOOST_ERROR("the program is silent: " << end_.output << end_.errors);
            ::kill(pid_, SIGKILL);
            return false;
        }
        for (std::size_t i = 0; i < from.size(); ++i)
            if (from[i].fd >= 0 && from[i].revents) {
                char buffer[4096];
                auto size = ::read(from[i].fd, buffer, sizeof buffer);
                if (size > 0)
                    to[i]->append(buffer, static_cast<std::size_t>(size));
                else
                    close(pipes_[i + 1][0]);
            }
        return true;
    }

    std::array<std::array<int, 2>, 3> pipes_{{{-1, -1}, {-1, -1}, {-1, -1}}}; // its stdin, stdout, stderr
    pid_t pid_ = -1;
    ended end_;
};

} // namespace kit
