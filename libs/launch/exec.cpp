// launch::exec: each process is the program anew, a child of this process.
#include "launch/child.hpp"
#include "launch/program.hpp"
#include "wire/ring.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <csignal>
#include <map>

#include <sys/socket.h>

namespace wodehaus::detail {

namespace {

class exec_launch final : public process_launch, public std::enable_shared_from_this<exec_launch> {
public:
    explicit exec_launch(launch_settings settings) : settings_(std::move(settings)) {}

    void open() override {}

    void request() override
    {
        // Later, since what is asked for in one event is announced in another.
        boost::asio::post(settings_.on, [self = shared_from_this()] {
            auto pass = self->settings_.entrance->enter();
            if (pass && !self->closed_)
                self->start();
        });
    }

    void signal(int pid, int number) override
    {
        auto found = children_.find(pid);
        if (found == children_.end())
            return;
        found->second.process.signal(number);
        if (number == SIGKILL)
            found->second.lifeline.reset(); // it may be in another group than our child, which is its launcher
    }

    void close(std::function<void()> closed) override
    {
        closed_ = true;
        closed();
    }

    void destroy() noexcept override
    {
        closed_ = true;
        for (auto& [pid, child] : children_)
            child.process.signal(SIGKILL);
        for (auto& [pid, child] : children_)
            child.process.reap();
        children_.clear();
    }

private:
    // What was started: the program, or a launcher that starts it.
    struct launched {
        launched(strand_executor on, int pid, descriptor life) : process(on, pid), lifeline(std::move(life)) {}
        child_process process;
        descriptor lifeline; ///< the writing end: when it is closed, the program's group is killed
    };

    void start()
    {
        auto const& how = *settings_.how;
        auto what = command_for(how, worker_argument);
        try {
            auto channel = make_socket_pair(SOCK_STREAM);
            auto life = make_pipe();
            auto output = make_output(how.output);
            auto setup = setup_for(how);
            setup.has_lifeline = setup.has_output = 1;
            auto ring = setup.has_ring ? make_ring_file() : descriptor{};
            std::array<int, 3> descriptors{life.first.get(), output.out, ring.get()};
            send_setup(channel.first.get(), setup, std::span{descriptors}.first(ring ? 3 : 2));
            int pid = starter_.start(what.program, what.arguments, {channel.second.get(), channel.second.get(), output.error});
            birth process;
            process.pid = pid;
            process.channel = std::move(channel.first);
            process.output = std::move(output.read_end);
            process.ring = std::move(ring);
            process.says_hello = true;
            adopt(std::move(process), std::move(life.second));
        } catch (std::exception const& error) {
            settings_.listener->launch_failed(1, errc::launch_failed,
                                              "could not start " + what.program.string() + ": " + error.what(), false);
        }
    }

    void adopt(birth&& process, descriptor life)
    {
        auto [at, added] = children_.try_emplace(process.pid, settings_.on, process.pid, std::move(life));
        wait(at->second.process);
        settings_.listener->born(std::move(process));
    }

    void wait(child_process& child)
    {
        child.async_wait([self = shared_from_this(), pid = child.pid()](boost::system::error_code) {
            auto pass = self->settings_.entrance->enter();
            if (!pass)
                return;
            auto found = self->children_.find(pid);
            if (found == self->children_.end())
                return;
            auto& process = found->second.process;
            if (!process.has_ended()) { // a pidfd can wake early, under a tracer
                self->wait(process);
                return;
            }
            auto how = process.reap();
            self->children_.erase(found);
            self->settings_.listener->ended(pid, how);
        });
    }

    launch_settings settings_;
    program_starter starter_;
    std::map<int, launched> children_;
    bool closed_ = false;
};

} // namespace

std::shared_ptr<process_launch> make_exec_launch(launch_settings settings)
{
    return std::make_shared<exec_launch>(std::move(settings));
}

} // namespace wodehaus::detail
