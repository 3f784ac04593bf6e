// launch::exec: each process is the program anew, a child of this process.
#include "launch/child.hpp"
#include "launch/program.hpp"
#include "wire/ring.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <csignal>
#include <map>

#include <fcntl.h>
#include <sys/socket.h>

namespace wodehaus::detail {

namespace {

class exec_launch final : public process_launch, public std::enable_shared_from_this<exec_launch> {
public:
    explicit exec_launch(launch_settings settings) : settings_(std::move(settings)) {}

    void open() override { lifeline_ = make_pipe(); }

    void request() override
    {
        // Later, since what is asked for in one event is announced in another.
        boost::asio::post(settings_.on, [self = shared_from_this()] {
            auto pass = self->settings_.entrance->enter();
            if (pass && self->lifeline_.second)
                self->start();
        });
    }

    void signal(int pid, int number) override
    {
        if (auto found = children_.find(pid); found != children_.end())
            found->second.signal(number);
    }

    void close(std::function<void()> closed) override
    {
        lifeline_.second.reset();
        lifeline_.first.reset();
        closed();
    }

    void destroy() noexcept override
    {
        for (auto& [pid, child] : children_)
            child.signal(SIGKILL);
        for (auto& [pid, child] : children_)
            child.reap();
        children_.clear();
        lifeline_.second.reset();
    }

private:
    void start()
    {
        auto const& how = *settings_.how;
        auto what = command_for(how, worker_argument);
        try {
            auto channel = make_socket_pair(SOCK_STREAM);
            auto life = make_lifeline();
            auto output = make_output(how.output);
            auto setup = setup_for(how);
            setup.has_lifeline = setup.has_output = 1;
            auto ring = setup.has_ring ? make_ring_file() : descriptor{};
            std::array<int, 3> descriptors{life.get(), output.out, ring.get()};
            send_setup(channel.first.get(), setup, std::span{descriptors}.first(ring ? 3 : 2));
            int pid = starter_.start(what.program, what.arguments, {channel.second.get(), channel.second.get(), output.error});
            birth process;
            process.pid = pid;
            process.channel = std::move(channel.first);
            process.output = std::move(output.read_end);
            process.ring = std::move(ring);
            process.says_hello = true;
            adopt(std::move(process));
        } catch (std::exception const& error) {
            settings_.listener->launch_failed(1, errc::launch_failed,
                                              "could not start " + what.program.string() + ": " + error.what(), false);
        }
    }

    // Each process has an open file of its own, since the lifeline's owner is a property of that.
    descriptor make_lifeline()
    {
        auto path = "/proc/self/fd/" + std::to_string(lifeline_.first.get());
        descriptor end{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
        if (!end)
            throw std::system_error{errno, std::generic_category(), "open " + path};
        return end;
    }

    void adopt(birth&& process)
    {
        auto [at, added] = children_.try_emplace(process.pid, settings_.on, process.pid);
        wait(at->second);
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
            if (!found->second.has_ended()) { // a pidfd can wake early, under a tracer
                self->wait(found->second);
                return;
            }
            auto how = found->second.reap();
            self->children_.erase(found);
            self->settings_.listener->ended(pid, how);
        });
    }

    launch_settings settings_;
    program_starter starter_;
    descriptor_pair lifeline_;
    std::map<int, child_process> children_;
};

} // namespace

std::shared_ptr<process_launch> make_exec_launch(launch_settings settings)
{
    return std::make_shared<exec_launch>(std::move(settings));
}

} // namespace wodehaus::detail
