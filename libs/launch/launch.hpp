// A launch makes processes and their channels, and tells how they ended. It knows neither jobs nor policy.
#pragma once

#include "launch/gate.hpp"
#include "wire/descriptor.hpp"

#include <wodehaus/options.hpp>
#include <wodehaus/outcome.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>

#include <functional>
#include <memory>
#include <string>

namespace wodehaus::detail {

using strand_executor = boost::asio::strand<boost::asio::any_io_executor>;

/// A process that has come about.
struct birth {
    int pid = 0;              ///< of a thread instead: a negative number of its own
    std::string name;         ///< what preload has named it; empty: it goes by its process id
    descriptor channel;       ///< the server's end
    descriptor output;        ///< its stdout and stderr, to be read; none if they are not ours
    descriptor ring;          ///< the file of its ring; none if it has none
    bool says_hello = false;  ///< exec: hello and ready come on the channel first
};

/// How a process has ended.
struct ending {
    bool known = false; ///< whether `status` is: the host may have reaped, or ignore SIGCHLD
    int status = 0;     ///< as from `wait`
    wodehaus::usage usage{};
    std::string note;   ///< why it is not known
    std::optional<bool> killed_for_memory{}; ///< whether the kernel has killed in the cgroup of its own, if it had one
};

/// "exited with status 3", "was killed by SIGSEGV (segmentation fault)", ….
std::string describe_ending(ending const& how);

/// What is known of a program that was started, and has ended before it served.
struct failed_start {
    std::string program;
    bool greeted = false; ///< it has said hello
    std::string threw;    ///< what its preload threw
    std::string given_up; ///< why it was killed: "did not … in time and was killed"
    std::string end;      ///< how it ended, in words
    bool is_fork = false; ///< of the server
};
std::string describe_failed_start(failed_start const& what);
/// To be put behind an account: "; its last output: …", or nothing.
std::string describe_last_output(std::string const& lines);

/// Whether a process is about to exit, or gone: whoever exits closes his descriptors some time before he has ended.
bool is_exiting(int pid);

/// "SIGSEGV", or "signal 40".
std::string signal_name(int number);

/// Who is told, on the strand.
class launch_listener {
public:
    virtual void born(birth&& process) = 0;
    virtual void ended(int pid, ending const& how) = 0;
    /// It is dead or will be at once, and its end is told soon: it is to get nothing more.
    virtual void doomed(int pid) = 0;
    /// `count` of the processes that were asked for will not come. `final`: trying again would not help.
    virtual void launch_failed(std::size_t count, errc code, std::string what, bool final) = 0;
    virtual void log(level importance, std::string_view line) = 0;

protected:
    ~launch_listener() = default;
};

class process_launch {
public:
    virtual ~process_launch() = default;
    /// Begins; called once, before all else.
    virtual void open() = 0;
    /// One process more. It is born, or its launch fails, later.
    virtual void request() = 0;
    /// To the process's group, as long as it is not reaped.
    virtual void signal(int pid, int number) = 0;
    /// Ends; `closed` is called when nothing of it is left, and nothing else is told any more. All processes of which it
    /// has told have ended before.
    virtual void close(std::function<void()> closed) = 0;
    /// Kills and reaps everything, at once, blocking for as long as that takes.
    virtual void destroy() noexcept = 0;
};

/// What all of a launch's processes have in common.
struct launch_settings {
    strand_executor on;
    std::shared_ptr<gate> entrance;
    launch_listener* listener;
    options const* how;
};

std::shared_ptr<process_launch> make_exec_launch(launch_settings settings);
std::shared_ptr<process_launch> make_zygote_launch(launch_settings settings);
std::shared_ptr<process_launch> make_fork_launch(launch_settings settings);
std::shared_ptr<process_launch> make_in_process_launch(launch_settings settings);

} // namespace wodehaus::detail
