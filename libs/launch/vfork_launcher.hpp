// A launcher for Boost.Process by vfork: its cost does not grow with the memory of this process, whose pages are neither
// copied nor marked. Boost's own, at 1.81, tells the executor's context of the fork in the child, which would write into
// the parent's reactor; this one does not. Its child calls only what is async-signal-safe, and ends by `_exit`.
#pragma once

#include <boost/optional.hpp> // first: at 1.81 Boost.Process forgets it where it uses std::filesystem

#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>

#include <cerrno>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wodehaus::detail {

struct vfork_launcher : boost::process::v2::posix::default_launcher {
    /// Sets `pid`, and gives a handle that does not own the process: whoever launches it watches it in his own way. The
    /// initializers' `on_exec_setup` is called in the child. All signals are to be blocked meanwhile.
    template <class Executor, class Arguments, class... Initializers>
    auto operator()(Executor executor, boost::system::error_code& error, std::filesystem::path const& program,
                    Arguments const& arguments, Initializers&&... initializers)
        -> boost::process::v2::basic_process<Executor>
    {
        namespace hooks = boost::process::v2::posix::detail;
        auto argv = this->build_argv_(program, arguments);
        pipe_guard report; // closed by a successful exec; a failed one sends its errno
        if (::pipe2(report.p, O_CLOEXEC) != 0) {
            error.assign(errno, boost::system::system_category());
            return boost::process::v2::basic_process<Executor>{executor};
        }
        pid = ::vfork();
        if (pid == 0) {
            if (auto failed = hooks::on_exec_setup(*this, program, argv, initializers...))
                errno = failed.value();
            else
                ::execve(program.c_str(), const_cast<char* const*>(argv), const_cast<char* const*>(env));
            int why = errno;
            [[maybe_unused]] auto told = ::write(report.p[1], &why, sizeof why);
            ::_exit(127);
        }
        if (pid < 0) {
            error.assign(errno, boost::system::system_category());
            return boost::process::v2::basic_process<Executor>{executor};
        }
        ::close(std::exchange(report.p[1], -1));
        int why = 0;
        ssize_t size = -1;
        do
            size = ::read(report.p[0], &why, sizeof why);
        while (size < 0 && errno == EINTR);
        if (size == sizeof why) { // the child that could not become the program
            error.assign(why, boost::system::system_category());
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
            }
        }
        return boost::process::v2::basic_process<Executor>{executor};
    }
};

} // namespace wodehaus::detail
