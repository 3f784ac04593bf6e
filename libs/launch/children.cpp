// Processes that are children of this process.
#include "launch/children.hpp"

#include "launch/patience.hpp"
#include "wire/ring.hpp"

#include <boost/asio/post.hpp>

#include <csignal>

#include <sys/socket.h>

namespace wodehaus::detail {

void children_launch::open()
{
    if (how().memory == 0)
        return;
    groups_.emplace();
    groups_->remove_all();
}

void children_launch::request()
{
    // Later, since what is asked for in one event is announced in another.
    boost::asio::post(settings_.on, [self = shared_from_this()] {
        auto pass = self->settings_.entrance->enter();
        if (pass && !self->closed_)
            self->start_one();
    });
}

void children_launch::signal(int pid, int number)
{
    auto found = children_.find(pid);
    if (found == children_.end())
        return;
    found->second.process.signal(number);
    if (number == SIGKILL)
        found->second.lifeline.reset(); // it may be in another group than our child, which is its launcher
}

void children_launch::close(std::function<void()> closed)
{
    closed_ = true;
    on_closed_ = std::move(closed);
    close_if_empty();
}

// Some may be left of which nobody was told: there was no descriptor or memory for what they are here.
void children_launch::close_if_empty()
{
    if (!on_closed_ || !children_.empty())
        return;
    orphans_.reap_all(patience_for_orphans);
    if (groups_)
        groups_->remove_all();
    std::exchange(on_closed_, nullptr)();
}

void children_launch::destroy() noexcept
{
    closed_ = true;
    for (auto& [pid, child] : children_)
        child.process.signal(SIGKILL);
    for (auto& [pid, child] : children_)
        reap(child.process);
    orphans_.reap_all(patience_for_orphans);
    children_.clear();
    if (groups_)
        groups_->remove_all();
}

ending children_launch::reap(child_process& process) noexcept
{
    std::optional<bool> killed_for_memory;
    if (groups_ && process.wait_for(std::chrono::minutes{1})) // once it is dead it cannot make its group any more
        killed_for_memory = groups_->end(process.pid());
    auto how = process.reap();
    how.killed_for_memory = killed_for_memory;
    if (how.known) // else the number may be a stranger's by now
        orphans_.expect(process.pid());
    return how;
}

void children_launch::start_one()
{
    try {
        new_child with{make_socket_pair(SOCK_STREAM), make_pipe(), make_output(how().output), {}, setup_for(how())};
        with.setup.has_lifeline = with.setup.has_output = 1;
        if (with.setup.has_ring)
            with.ring = make_ring_file();
        birth process;
        process.pid = start(with);
        process.channel = std::move(with.channel.first);
        process.output = std::move(with.output.read_end);
        process.ring = std::move(with.ring);
        process.says_hello = says_hello();
        adopt(std::move(process), std::move(with.life));
    } catch (std::exception const& error) {
        settings_.listener->launch_failed(1, errc::launch_failed, "could not start " + subject() + ": " + error.what(),
                                          false);
    }
}

void children_launch::adopt(birth&& process, descriptor_pair life)
{
    auto [at, added] = children_.try_emplace(process.pid, settings_.on, process.pid, std::move(life));
    wait(at->second.process);
    settings_.listener->born(std::move(process));
}

void children_launch::wait(child_process& process)
{
    process.async_wait([self = shared_from_this(), pid = process.pid()](boost::system::error_code) {
        auto pass = self->settings_.entrance->enter();
        if (!pass)
            return;
        auto found = self->children_.find(pid);
        if (found == self->children_.end())
            return;
        auto& child = found->second.process;
        if (!child.has_ended()) { // a pidfd can wake early, under a tracer
            self->wait(child);
            return;
        }
        auto how = self->reap(child);
        self->orphans_.reap();
        self->children_.erase(found);
        if (!self->closed_)
            self->settings_.listener->ended(pid, how);
        self->close_if_empty();
    });
}

} // namespace wodehaus::detail
