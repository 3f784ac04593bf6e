// launch::zygote, the server's side: one child that forks on request. Its control line is a socket of packets.
#include "launch/child.hpp"
#include "launch/output_reader.hpp"
#include "launch/patience.hpp"
#include "launch/program.hpp"
#include "launch/zygote_census.hpp"
#include "launch/zygote_greeting.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <optional>
#include <set>

#include <sys/socket.h>

namespace wodehaus::detail {

namespace {

constexpr std::chrono::seconds least_patience{2}; // with a zygote that answers: a busy machine is no failure

// A program that, once started, has become the zygote. When it ends, another takes its place.
struct zygote_process {
    zygote_process(strand_executor on, int pid, descriptor control, descriptor life, options const& how)
        : child(on, pid), line(on, control.release()), lifeline(std::move(life)), greeting(how)
    {
    }

    child_process child;
    boost::asio::posix::basic_stream_descriptor<strand_executor> line;
    descriptor lifeline;
    zygote_greeting greeting;
    zygote_census census;
    bool leaving = false;
    bool has_answered = false;     ///< since the last look
    char const* given_up = nullptr; ///< why it was killed, for its account
    std::shared_ptr<output_reader> output;
    std::deque<zygote_request> unsent;
};

class zygote_launch final : public process_launch, public std::enable_shared_from_this<zygote_launch> {
public:
    explicit zygote_launch(launch_settings settings) : settings_(std::move(settings)), timer_(settings_.on) {}

    void open() override
    {
        post([this] { start(); });
    }

    void request() override
    {
        ++wanted_;
        if (wanted_ == 1) // all that one event asks for goes in one request
            post([this] { ask(); });
    }

    void signal(int pid, int number) override
    {
        if (!zygote_ || !zygote_->census.has(pid))
            return;
        zygote_request request;
        request.what = zygote_request::kind::signal;
        request.pid = pid;
        request.number = number;
        send(request);
        if (number == SIGKILL) {
            zygote_->census.kill(pid);
            expect_answer();
        }
    }

    void close(std::function<void()> closed) override
    {
        closing_ = true;
        closed_ = std::move(closed);
        if (!zygote_)
            return tell_closed();
        if (!zygote_->greeting.ready())
            zygote_->child.signal(SIGTERM); // preload does not listen to the control line
        hang_up();
        wait_at_most(settings_.how->kill_after, [this] { zygote_->child.signal(SIGKILL); });
    }

    void destroy() noexcept override
    {
        closing_ = true;
        if (!zygote_)
            return orphans_.reap_all(patience_for_orphans);
        hang_up();
        // It kills and reaps all that it has forked, which takes no time unless it was stopped. In preload it would not
        // listen, and has forked nothing.
        if (!zygote_->greeting.ready() || !zygote_->child.wait_for(std::chrono::seconds{1})) {
            zygote_->lifeline.reset();
            zygote_->child.signal(SIGKILL);
        }
        reap(*zygote_);
        zygote_.reset();
        orphans_.reap_all(patience_for_orphans);
        timer_.cancel();
    }

private:
    template <class F>
    void post(F f)
    {
        boost::asio::post(settings_.on, [self = shared_from_this(), f = std::move(f)] {
            if (auto pass = self->settings_.entrance->enter())
                f();
        });
    }

    // A handler of the zygote that there is now: nothing is done once that has ended.
    template <class F>
    auto while_it_lives(F f)
    {
        return [self = shared_from_this(), pid = zygote_->child.pid(), f = std::move(f)](boost::system::error_code error) {
            auto pass = self->settings_.entrance->enter();
            if (pass && self->zygote_ && self->zygote_->child.pid() == pid)
                f(error);
        };
    }

    void start()
    {
        if (zygote_ || closing_)
            return;
        auto const& how = *settings_.how;
        auto what = command_for(how, zygote_argument);
        try {
            auto control = make_socket_pair(SOCK_SEQPACKET);
            auto life = make_pipe();
            auto output = make_output(how.output);
            auto setup = setup_for(how);
            setup.has_lifeline = 1;
            setup.pipe_per_process = how.output == output::log;
            std::array<int, 1> descriptors{life.first.get()};
            send_setup(control.first.get(), setup, descriptors);
            int pid = starter_.start(what.program, what.arguments, {control.second.get(), output.out, output.error},
                                     life.first.get());
            zygote_ = std::make_unique<zygote_process>(settings_.on, pid, std::move(control.first),
                                                       std::move(life.second), how);
            read_output(std::move(output.read_end));
            watch();
            listen();
            wait_at_most(patience_for_hello, [this] { give_up("did not say hello in time"); });
        } catch (std::exception const& error) {
            fail(errc::launch_failed, "could not start " + what.program.string() + ": " + error.what(), 0, false);
        }
    }

    void read_output(descriptor from)
    {
        auto log = [this](std::string_view line) {
            settings_.listener->log(level::info, "zygote: " + std::string{line});
        };
        zygote_->output = std::make_shared<output_reader>(settings_.on, settings_.entrance, std::move(from), log);
        zygote_->output->start();
    }

    void watch()
    {
        zygote_->child.async_wait(while_it_lives([this](boost::system::error_code) {
            zygote_->child.has_ended() ? ended() : watch();
        }));
    }

    void listen()
    {
        zygote_->line.async_wait(zygote_->line.wait_read, while_it_lives([this](boost::system::error_code error) {
            if (!error && receive())
                listen();
        }));
    }

    // One packet; false when there will be none any more.
    bool receive()
    {
        alignas(zygote_event) std::array<char, most_events * sizeof(zygote_event) + 4096> bytes;
        auto got = receive_message(zygote_->line.native_handle(), bytes, MSG_DONTWAIT);
        if (got.size < 0)
            return errno == EAGAIN;
        if (got.size == 0)
            return false;
        std::span<char const> packet{bytes.data(), static_cast<std::size_t>(got.size)};
        if (zygote_->greeting.ready())
            take_events(packet, std::move(got));
        else
            take_greeting(packet);
        return zygote_ != nullptr;
    }

    void take_greeting(std::span<char const> packet)
    {
        auto& greeting = zygote_->greeting;
        bool had_greeted = greeting.greeted();
        if (!greeting.take(packet))
            give_up("sent what is not a greeting");
        else if (greeting.refused())
            zygote_->child.signal(SIGKILL);
        else if (greeting.ready())
            is_ready();
        else if (greeting.greeted() && !had_greeted)
            wait_at_most(patience_for_preload, [this] { give_up("was still in preload after its time"); });
    }

    void is_ready()
    {
        timer_.cancel();
        if (auto threads = zygote_->greeting.threads_left_behind())
            settings_.listener->log(level::error, "preload has left " + std::to_string(threads) +
                                                      " threads behind in the zygote; processes forked from it do not "
                                                      "have them, and may find their locks taken");
        ask(); // nothing, if the logger has destroyed the server
    }

    void take_events(std::span<char const> packet, received&& got)
    {
        zygote_->has_answered = true;
        auto events = read_zygote_events(packet);
        if (!events)
            return give_up("sent what is not a report");
        auto next = got.descriptors.begin();
        auto take = [&] { return next != got.descriptors.end() ? std::move(*next++) : descriptor{}; };
        for (auto const& event : *events) {
            if (!zygote_ || closing_) // by whoever was told of the event before: what comes now is its own affair
                return;
            if (!zygote_->census.take(event))
                return give_up("reported what cannot be");
            switch (event.what) {
            case zygote_event::kind::born:
                take_birth(event, take);
                break;
            case zygote_event::kind::ended:
                take_end(event);
                break;
            case zygote_event::kind::fork_failed:
                settings_.listener->launch_failed(1, errc::launch_failed,
                                                  std::string{"the zygote could not fork: "} + std::strerror(event.status),
                                                  false);
                break;
            }
        }
    }

    template <class Take>
    void take_birth(zygote_event const& event, Take take)
    {
        birth process;
        process.pid = event.pid;
        process.name = zygote_->greeting.name();
        process.channel = take();
        bool whole = bool(process.channel);
        if (settings_.how->output == output::log)
            whole = bool(process.output = take()) && whole;
        if (setup_for(*settings_.how).has_ring)
            whole = bool(process.ring = take()) && whole;
        if (whole)
            settings_.listener->born(std::move(process));
        else
            stillborn(event.pid);
    }

    void take_end(zygote_event const& event)
    {
        ending how;
        how.known = true;
        how.status = event.status;
        if (event.memory != zygote_event::memory_account::unknown)
            how.killed_for_memory = event.memory == zygote_event::memory_account::killed;
        how.usage = {std::chrono::nanoseconds{event.user_time}, std::chrono::nanoseconds{event.system_time},
                     event.peak_memory};
        if (!stillborn_.erase(event.pid))
            settings_.listener->ended(event.pid, how);
    }

    // Its channel did not arrive: we have no descriptor left.
    void stillborn(int pid)
    {
        stillborn_.insert(pid);
        signal(pid, SIGKILL);
        settings_.listener->launch_failed(1, errc::launch_failed,
                                          "no descriptor is left for a process's channel; raise the limit (ulimit -n)",
                                          false);
    }

    void ask()
    {
        if (closing_ || !wanted_)
            return;
        if (!zygote_)
            return start();
        if (!zygote_->greeting.ready())
            return;
        zygote_request request;
        request.what = zygote_request::kind::fork;
        request.count = static_cast<std::uint32_t>(wanted_);
        zygote_->census.ask(std::exchange(wanted_, 0));
        send(request);
        expect_answer();
    }

    // Every request is answered. A zygote that is stopped, or stuck, is replaced; looked at no more often than needed.
    void expect_answer()
    {
        if (awaiting_)
            return;
        awaiting_ = true;
        zygote_->has_answered = false;
        auto patience = std::max<std::chrono::nanoseconds>(settings_.how->kill_after, least_patience);
        wait_at_most(patience, [this] {
            awaiting_ = false;
            if (!zygote_->census.owes_answer())
                return;
            if (zygote_->has_answered)
                expect_answer();
            else
                give_up("did not answer in time");
        });
    }

    void send(zygote_request const& request)
    {
        bool first = zygote_->unsent.empty();
        zygote_->unsent.push_back(request);
        if (first)
            send_unsent();
    }

    void send_unsent()
    {
        auto& waiting = zygote_->unsent;
        while (!waiting.empty()) {
            std::span<char const> bytes{reinterpret_cast<char const*>(&waiting.front()), sizeof(zygote_request)};
            if (send_message(zygote_->line.native_handle(), bytes, {}, MSG_DONTWAIT) < 0) {
                if (errno != EAGAIN)
                    waiting.clear(); // its end is on the way
                break;
            }
            waiting.pop_front();
        }
        if (waiting.empty())
            return;
        zygote_->line.async_wait(zygote_->line.wait_write, while_it_lives([this](boost::system::error_code error) {
            if (!error)
                send_unsent();
        }));
    }

    template <class F>
    void wait_at_most(std::chrono::nanoseconds time, F then)
    {
        timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(time));
        timer_.async_wait(while_it_lives([then](boost::system::error_code error) {
            if (!error)
                then();
        }));
    }

    void give_up(char const* why)
    {
        zygote_->given_up = why;
        zygote_->child.signal(SIGKILL);
    }

    void hang_up() noexcept
    {
        zygote_->leaving = true;
        boost::system::error_code ignored;
        zygote_->line.close(ignored);
    }

    void ended()
    {
        while (!zygote_->leaving && zygote_->line.is_open() && drain()) {
        }
        if (!zygote_)
            return; // a consumer of what has come has destroyed the server
        auto output = zygote_->output;
        output->drain();
        output->close();
        if (!zygote_)
            return; // a logger has
        auto how = reap(*zygote_);
        auto last = std::exchange(zygote_, nullptr);
        timer_.cancel();
        stillborn_.clear();
        awaiting_ = false;
        boost::system::error_code ignored;
        last->line.close(ignored);
        for (int pid : last->census.processes())
            settings_.listener->doomed(pid);
        if (!last->leaving)
            explain(*last, how);
        ending unknown;
        unknown.note = "the zygote that had started it is dead";
        for (int pid : last->census.processes())
            settings_.listener->ended(pid, unknown);
        if (closed_)
            tell_closed();
    }

    void tell_closed()
    {
        orphans_.reap_all(patience_for_orphans);
        std::exchange(closed_, nullptr)();
    }

    // One that was killed has left its children to us, if orphans come to us.
    ending reap(zygote_process& one) noexcept
    {
        auto how = one.child.reap();
        one.lifeline.reset(); // whoever it has left behind dies now
        if (how.known)
            orphans_.expect(one.child.pid());
        for (int pid : one.census.processes())
            orphans_.expect(pid);
        orphans_.reap();
        return how;
    }

    // What it had sent before it died, in order.
    bool drain()
    {
        char peeked = 0;
        if (::recv(zygote_->line.native_handle(), &peeked, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
            return false;
        return receive();
    }

    void explain(zygote_process const& last, ending const& how)
    {
        auto unborn = last.census.unborn();
        if (auto const& refused = last.greeting.refused())
            return fail(refused->code, program() + ": " + refused->what, unborn, true);
        std::string given_up = last.given_up ? last.given_up + std::string{" and was killed"} : "", what;
        bool was_ready = last.greeting.ready();
        if (was_ready)
            what = "the zygote " + (given_up.empty() ? describe_ending(how) : given_up) +
                   "; it is started anew when it is needed";
        else
            what = describe_failed_start({program(), last.greeting.greeted(), last.greeting.threw(), given_up,
                                          describe_ending(how), false});
        what += describe_last_output(last.output->tail());
        if (was_ready)
            settings_.listener->log(level::error, what);
        fail(errc::launch_failed, what, unborn, false);
    }

    std::string program() const { return command_for(*settings_.how, zygote_argument).program.string(); }

    void fail(errc code, std::string const& what, std::size_t unborn, bool final)
    {
        auto lost = std::exchange(wanted_, 0) + unborn;
        if (lost && !closing_)
            settings_.listener->launch_failed(lost, code, what, final);
    }

    launch_settings settings_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, strand_executor>
        timer_;
    program_starter starter_;
    std::unique_ptr<zygote_process> zygote_;
    std::set<int> stillborn_;
    orphans orphans_;
    bool awaiting_ = false; ///< the timer is for an answer
    std::size_t wanted_ = 0; ///< asked of us, and not yet of the zygote
    std::function<void()> closed_;
    bool closing_ = false;
};

} // namespace

std::shared_ptr<process_launch> make_zygote_launch(launch_settings settings)
{
    return std::make_shared<zygote_launch>(std::move(settings));
}

} // namespace wodehaus::detail
