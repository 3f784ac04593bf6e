// launch::fork: each process is a fork of this one.
#include "launch/children.hpp"
#include "worker/forked.hpp"

#include <cerrno>
#include <system_error>

#include <unistd.h>

namespace wodehaus::detail {

namespace {

class fork_launch final : public children_launch {
public:
    using children_launch::children_launch;

private:
    static pid_t fork_with_free_locks()
    {
        auto starting = program_starter::lock();
        own_locks ours;
        return ::fork();
    }

    int start(new_child const& with) override
    {
        forked_birth const birth{{with.channel.second.get(), with.life.first.get(), with.output.out, with.output.error,
                                  with.ring ? with.ring.get() : -1},
                                 with.setup};
        prepare_to_fork();
        pid_t pid = -1;
        {
            // A handler of ours must not run in the child: Asio's would write into this process's pipes.
            all_signals_blocked quiet;
            pid = fork_with_free_locks();
            if (pid == 0)
                be_forked_process(birth);
        }
        if (pid < 0)
            throw std::system_error{errno, std::generic_category(), "fork"};
        ::setpgid(pid, pid); // on both sides, since either may come first
        return pid;
    }
    std::string subject() const override { return "a process by fork"; }
    bool says_hello() const override { return bool(preload_of_program()); }
};

} // namespace

std::shared_ptr<process_launch> make_fork_launch(launch_settings settings)
{
    return std::make_shared<fork_launch>(std::move(settings));
}

} // namespace wodehaus::detail
