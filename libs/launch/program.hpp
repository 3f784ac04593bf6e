// Starting a program by Boost.Process.
#pragma once

#include "launch/launch.hpp"
#include "wire/frame.hpp"
#include "worker/role.hpp"

#include <boost/asio/io_context.hpp>

#include <csignal>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace wodehaus::detail {

struct standard_streams {
    int in, out, error; ///< numbers of this process
};

/// In this thread, as long as it lives.
class all_signals_blocked {
public:
    all_signals_blocked();
    ~all_signals_blocked();
    all_signals_blocked(all_signals_blocked const&) = delete;
    all_signals_blocked& operator=(all_signals_blocked const&) = delete;

private:
    sigset_t before_;
};

/// Starts programs as children of this process, with every signal disposition reset, in a group of their own.
class program_starter {
public:
    /// Gives its process id; throws `boost::system::system_error`. One launch at a time in the whole process. When the
    /// last writer of `life` is gone, its group is killed, whatever has become of it by then; -1: none.
    int start(std::filesystem::path const& program, std::vector<std::string> const& arguments,
              standard_streams const& streams, int life = -1);
    /// Held while one is started; by who forks, too, so that the child finds it free.
    static std::unique_lock<std::mutex> lock();

private:
    boost::asio::io_context never_run_{1}; ///< Boost.Process wants one; nobody else may use it
};

/// As a shell finds it; empty if there is none.
std::filesystem::path find_program(std::string const& name);

/// What is started and how: the options' program or this one, in the given role, if wanted through the launcher.
struct command {
    std::filesystem::path program;
    std::vector<std::string> arguments;
};
command command_for(options const& how, char const* role);

/// A descriptor for where output goes; -1 stands for "our own".
descriptor open_null();
/// `number`, or one of /dev/null where this process has closed it.
int open_or(int number, descriptor const& otherwise) noexcept;

/// Where a new process's stdout and stderr go, by `options::output`: our own, a pipe that is read here, or /dev/null.
struct output_streams {
    descriptor null, read_end, write_end;
    int out, error; ///< what becomes the process's; they live as long as this
};
output_streams make_output(output kind);

/// Sends the setup with its descriptors; the process finds it when it is born.
void send_setup(int channel, setup_message setup, std::span<int const> descriptors);
setup_message setup_for(options const& how);

} // namespace wodehaus::detail
