// The zygote's loop: single-threaded, so that a fork of it is a whole process. It ignores Ctrl-C and SIGTERM by keeping
// all signals blocked, which a child undoes in one call.
#include "worker/zygote.hpp"

#include "wire/ring.hpp"
#include "worker/birth.hpp"
#include "worker/crash.hpp"
#include "worker/memory.hpp"
#include "worker/memory_groups.hpp"
#include "worker/registry.hpp"
#include "worker/serve.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr int control = channel_in;

descriptor open_list_of_children()
{
    auto path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    return descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
}

// All signals are blocked in our one thread. Where preload has left another behind, the kernel may choose that one for a
// child's end, and would drop it there.
extern "C" void forward_to_first_thread(int number)
{
    int before = errno;
    ::syscall(SYS_tgkill, ::getpid(), ::getpid(), number);
    errno = before;
}

class zygote {
public:
    explicit zygote(setup_message const& setup) : setup_(setup)
    {
        struct sigaction forward {}; // also in the place of a disposition of preload's, by which no end would be told
        forward.sa_handler = forward_to_first_thread;
        forward.sa_flags = SA_RESTART;
        ::sigaction(SIGCHLD, &forward, nullptr);
        // A server that dies wakes us, even where we were stopped: then the control line hangs up, and all is killed.
        ::fcntl(lifeline, F_SETSIG, SIGCONT);
        for (pid_t pid : children_of_this_process())
            spared_.insert(pid); // preload's own
        sigset_t all, child;
        ::sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, nullptr);
        ::sigemptyset(&child);
        ::sigaddset(&child, SIGCHLD);
        children_end_ = descriptor{::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK)};
        if (!children_end_)
            throw std::system_error{errno, std::generic_category(), "signalfd"};
        if (setup.memory == 0)
            return;
        groups_.emplace();
        groups_->remove_all(); // those of servers that were killed
    }

    [[noreturn]] void loop()
    {
        for (;;) {
            std::array<pollfd, 2> watched{{{control, POLLIN, 0}, {children_end_.get(), POLLIN, 0}}};
            if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
                leave();
            if (watched[1].revents)
                reap();
            if (watched[0].revents)
                obey();
            report();
        }
    }

private:
    void obey()
    {
        std::array<zygote_request, 64> requests;
        ssize_t got = ::recv(control, requests.data(), sizeof requests, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0)
            leave();
        for (std::size_t i = 0; i < static_cast<std::size_t>(got) / sizeof(zygote_request); ++i) {
            auto const& request = requests[i];
            switch (request.what) {
            case zygote_request::kind::fork:
                for (std::uint32_t n = 0; n < request.count; ++n)
                    fork();
                break;
            case zygote_request::kind::signal:
                // Only what is not reaped yet: no number can be a stranger's.
                if (children_.contains(request.pid))
                    signal_group(request.pid, request.number);
                break;
            }
        }
    }

    static void signal_group(pid_t pid, int number) noexcept
    {
        if (number == stack_signal()) // which only the process itself understands
            ::kill(pid, number);
        else if (::kill(-pid, number) != 0)
            ::kill(pid, number); // it has not made its group yet
        if (number == SIGTERM)
            ::kill(-pid, SIGCONT); // what is stopped must hear it
    }

    void fork()
    {
        try {
            auto channel = make_socket_pair(SOCK_STREAM);
            auto output = setup_.pipe_per_process ? make_pipe() : descriptor_pair{};
            auto ring = setup_.has_ring ? make_ring_file() : descriptor{};
            auto born = moment_of_birth();
            pid_t pid = ::fork();
            if (pid == 0)
                child(channel.second.get(), output.second.get(), ring.get(), born);
            if (pid < 0)
                throw std::system_error{errno, std::generic_category(), "fork"};
            ::setpgid(pid, pid); // on both sides, since either may come first
            children_.insert(pid);
            zygote_event event;
            event.what = zygote_event::kind::born;
            event.pid = pid;
            events_.push_back(event);
            descriptors_.push_back(std::move(channel.first));
            if (output.first)
                descriptors_.push_back(std::move(output.first));
            if (ring)
                descriptors_.push_back(std::move(ring));
        } catch (std::system_error const& error) {
            zygote_event event;
            event.what = zygote_event::kind::fork_failed;
            event.status = error.code().value();
            events_.push_back(event);
        }
        if (events_.size() >= most_events)
            report();
    }

    [[noreturn]] void child(int channel, int output, int ring, moment born) noexcept
    {
        ::setpgid(0, 0);
        if (output >= 0)
            redirect_output_and_errors(output);
        keep_only(channel, ring);
        if (setup_.has_lifeline && !arm_lifeline(lifeline, true))
            ::_exit(EXIT_FAILURE);
        // Should the zygote die, nobody but the kernel is left to tell us; it has one thread, which is the one that counts.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != zygote_pid_)
            ::_exit(EXIT_FAILURE);
        adopt_orphans();
        reseed(born);
        ::signal(SIGCHLD, SIG_DFL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        if (groups_)
            enter_memory_group(*groups_);
        serve(setup_);
    }

    void reap()
    {
        std::array<signalfd_siginfo, 2> news;
        while (::read(children_end_.get(), news.data(), sizeof news) > 0) {
        }
        bool orphans = false;
        for (siginfo_t ended{};; ended = {}) {
            // Seen first, reaped last: while it is a zombie, nobody else can have its number and its group.
            if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0)
                break;
            pid_t pid = ended.si_pid;
            bool known = children_.contains(pid);
            orphans = true; // it may have left children of its own to us
            std::optional<bool> killed_for_memory;
            if (known) {
                ::kill(-pid, SIGKILL);
                if (groups_)
                    killed_for_memory = groups_->end(pid);
            }
            int status = 0;
            rusage used{};
            ::wait4(pid, &status, WNOHANG, &used);
            if (!known)
                continue;
            children_.erase(pid);
            ended_child(pid, status, used, killed_for_memory);
        }
        if (orphans)
            kill_orphans();
    }

    void ended_child(pid_t pid, int status, rusage const& used, std::optional<bool> killed_for_memory)
    {
        auto nanoseconds = [](timeval const& time) { return time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000; };
        zygote_event event;
        event.what = zygote_event::kind::ended;
        event.pid = pid;
        event.status = status;
        if (killed_for_memory)
            event.memory = *killed_for_memory ? zygote_event::memory_account::killed : zygote_event::memory_account::not_killed;
        event.user_time = nanoseconds(used.ru_utime);
        event.system_time = nanoseconds(used.ru_stime);
        event.peak_memory = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
        events_.push_back(event);
        if (events_.size() >= most_events)
            report();
    }

    // Job processes are subreapers: what has come to us unknown belonged to one that is dead now.
    void kill_orphans() noexcept
    {
        for (pid_t pid : children_of_this_process())
            if (!children_.contains(pid) && !spared_.contains(pid))
                ::kill(pid, SIGKILL); // reaped when it ends
    }

    std::vector<pid_t> children_of_this_process() const
    {
        std::vector<pid_t> all;
        std::array<char, 256> text;
        pid_t number = 0;
        off_t at = 0;
        for (ssize_t got; (got = ::pread(children_file_.get(), text.data(), text.size(), at)) > 0; at += got)
            for (ssize_t i = 0; i < got; ++i) {
                char c = text[static_cast<std::size_t>(i)];
                if (c >= '0' && c <= '9')
                    number = number * 10 + (c - '0');
                else if (number)
                    all.push_back(std::exchange(number, 0));
            }
        if (number)
            all.push_back(number);
        return all;
    }

    void report()
    {
        if (events_.empty())
            return;
        std::vector<int> numbers;
        numbers.reserve(descriptors_.size());
        for (auto const& each : descriptors_)
            numbers.push_back(each.get());
        if (send_message(control, {reinterpret_cast<char const*>(events_.data()), events_.size() * sizeof(zygote_event)},
                         numbers) < 0)
            leave();
        events_.clear();
        descriptors_.clear();
    }

    // The server is gone, or wants no more of us: nothing of ours may outlive us.
    [[noreturn]] void leave() noexcept
    {
        for (pid_t pid : children_)
            signal_group(pid, SIGKILL);
        spared_.clear();
        kill_orphans();
        for (siginfo_t ended{};; ended = {}) {
            if (::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0) {
                if (errno == ECHILD)
                    break;
                continue;
            }
            if (groups_ && children_.contains(ended.si_pid))
                groups_->end(ended.si_pid);
            ::waitpid(ended.si_pid, nullptr, 0);
            children_.erase(ended.si_pid);
            kill_orphans();
        }
        if (groups_)
            groups_->remove_all();
        end_process(EXIT_SUCCESS);
    }

    setup_message setup_;
    descriptor children_file_ = open_list_of_children(); ///< read anew each time
    descriptor children_end_;
    pid_t zygote_pid_ = ::getpid();
    std::optional<memory_groups> groups_; ///< where there is a limit
    std::unordered_set<pid_t> children_, spared_;
    std::vector<zygote_event> events_;
    std::vector<descriptor> descriptors_;
};

} // namespace

void run_zygote(setup_message const& setup)
{
    adopt_orphans();
    know_workers();
    zygote{setup}.loop();
}

} // namespace wodehaus::detail
