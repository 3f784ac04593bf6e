// Starting a program by Boost.Process: by a launcher of our own, on a context that nobody runs, one at a time, with all
// signals blocked; at Boost 1.81 every other way of several threads to do it hangs sooner or later.
#define BOOST_PROCESS_USE_STD_FS
#include "launch/program.hpp"

#include "launch/vfork_launcher.hpp"
#include "worker/birth.hpp"

#include <boost/type_traits/remove_pointer.hpp> // which the next one forgets

#include <boost/process/v2/environment.hpp>
#include <boost/process/v2/stdio.hpp>

#include <csignal>

#include <fcntl.h>
#include <sys/socket.h>

namespace wodehaus::detail {

namespace process = boost::process::v2;

namespace {

/// In the child, before it becomes the program.
struct clean_slate {
    int life;

    template <class Launcher, class Path>
    boost::system::error_code on_exec_setup(Launcher&, Path const&, char const* const*)
    {
        ::setpgid(0, 0); // Ctrl-C at a terminal reaches the server alone
        reset_signals();
        if (life >= 0)
            arm_lifeline(life, false);
        return {};
    }
};

} // namespace

all_signals_blocked::all_signals_blocked()
{
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

all_signals_blocked::~all_signals_blocked()
{
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::unique_lock<std::mutex> program_starter::lock()
{
    static std::mutex one_at_a_time;
    return std::unique_lock{one_at_a_time};
}

int program_starter::start(std::filesystem::path const& program, std::vector<std::string> const& arguments,
                           standard_streams const& streams, int life)
{
    auto alone = lock();
    all_signals_blocked quiet;
    boost::system::error_code error;
    vfork_launcher launcher;
    launcher(never_run_.get_executor(), error, program, arguments,
             process::process_stdio{streams.in, streams.out, streams.error}, clean_slate{life});
    if (error)
        throw boost::system::system_error{error};
    return launcher.pid;
}

std::filesystem::path find_program(std::string const& name)
{
    return name.find('/') == name.npos ? process::environment::find_executable(name).native() : name;
}

command command_for(options const& how, char const* role)
{
    std::string program = how.program.empty() ? this_program() : how.program.string();
    if (how.launcher.empty())
        return {program, {role}};
    command whole;
    whole.program = find_program(how.launcher.front());
    if (whole.program.empty())
        whole.program = how.launcher.front(); // its failure tells more
    whole.arguments.assign(how.launcher.begin() + 1, how.launcher.end());
    whole.arguments.push_back(program);
    whole.arguments.push_back(role);
    return whole;
}

descriptor open_null()
{
    descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    if (null && null.get() <= 2)
        null = descriptor{::fcntl(null.get(), F_DUPFD_CLOEXEC, 3)};
    if (!null)
        throw boost::system::system_error{errno, boost::system::system_category(), "open /dev/null"};
    return null;
}

int open_or(int number, descriptor const& otherwise) noexcept
{
    return ::fcntl(number, F_GETFD) < 0 ? otherwise.get() : number;
}

output_streams make_output(output kind)
{
    auto pipe = kind == output::log ? make_pipe() : descriptor_pair{};
    output_streams made{open_null(), std::move(pipe.first), std::move(pipe.second), -1, -1};
    switch (kind) {
    case output::inherit:
        made.out = open_or(1, made.null);
        made.error = open_or(2, made.null);
        break;
    case output::log:
        made.out = made.error = made.write_end.get();
        break;
    case output::discard:
        made.out = made.error = made.null.get();
        break;
    }
    return made;
}

setup_message setup_for(options const& how)
{
    constexpr std::uint32_t one_small_job = 1024, many_jobs = 64 << 10;
    setup_message setup;
    setup.max_message = how.max_message;
    setup.memory = how.memory;
    setup.read_buffer = how.jobs_per_process == 1 ? one_small_job : many_jobs;
    setup.has_ring = how.prefetch.value_or(0) > 0; // else there is never more than one job to tell of
    return setup;
}

void send_setup(int channel, setup_message setup, std::span<int const> descriptors)
{
    payload message;
    append_frame(message, frame_kind::setup, 0, {reinterpret_cast<char const*>(&setup), sizeof setup});
    // A process that is dead already is told of by its end.
    if (send_message(channel, message.bytes(), descriptors) < 0 && errno != EPIPE && errno != ECONNRESET)
        throw boost::system::system_error{errno, boost::system::system_category(), "sendmsg"};
}

} // namespace wodehaus::detail
