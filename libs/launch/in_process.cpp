// launch::in_process: threads of this process in the place of processes. Each has a channel like theirs.
#include "launch/launch.hpp"
#include "launch/program.hpp"
#include "worker/exception_account.hpp"
#include "worker/serve.hpp"
#include "worker/this_job.hpp"

#include <boost/asio/post.hpp>

#include <cerrno>
#include <map>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

// Preload makes this process ready, once; whoever comes second waits for the first.
void preload_once()
{
    static std::mutex one_at_a_time;
    static bool done = false;
    std::lock_guard lock{one_at_a_time};
    if (!done && preload_of_program())
        preload_of_program()();
    done = true;
}

/// A thread that runs jobs. It holds this together with the launch.
class job_thread final : public job_site {
public:
    explicit job_thread(descriptor channel) : channel_(std::move(channel)) {}

    void serve(setup_message const& setup) noexcept
    {
        tell_job_of_this_thread(&job_);
        try {
            serve_jobs(*this, setup);
        } catch (std::exception const& error) {
            std::fprintf(stderr, "wodehaus: a thread that ran jobs has ended: %s\n", error.what());
        }
        tell_job_of_this_thread(nullptr);
    }
    /// It ends once it has no job, and that one is asked to end.
    void hang_up() noexcept
    {
        job_.stop.store(true);
        ::shutdown(channel_.get(), SHUT_RD);
    }

private:
    ssize_t read(std::span<char> to) noexcept override
    {
        ssize_t got = -1;
        do
            got = ::recv(channel_.get(), to.data(), to.size(), 0);
        while (got < 0 && errno == EINTR);
        return got;
    }
    bool send(std::span<char const> head, std::span<char const> body) noexcept override
    {
        return send_all(head) && send_all(body);
    }
    bool send_all(std::span<char const> bytes) noexcept
    {
        while (!bytes.empty()) {
            ssize_t sent = send_message(channel_.get(), bytes, {});
            if (sent < 0)
                return false;
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void begin(std::uint64_t id, int attempt) noexcept override
    {
        job_.attempt.store(attempt);
        job_.id.store(id);
    }
    bool end() noexcept override
    {
        job_.id.store(0);
        job_.attempt.store(0);
        return job_.stop.load();
    }
    usage_message used() noexcept override { return usage_of_thread(); }

    descriptor channel_;
    job_of_thread job_;
};

class in_process_launch final : public process_launch, public std::enable_shared_from_this<in_process_launch> {
public:
    explicit in_process_launch(launch_settings settings) : settings_(std::move(settings)) {}

    void open() override {}

    void request() override
    {
        post([](in_process_launch& launch) {
            if (!launch.closed_)
                launch.start();
        });
    }

    // Whichever it is, there is no more that can be done to a thread.
    void signal(int number, int) override
    {
        auto found = threads_.find(number);
        if (found != threads_.end())
            found->second.site->hang_up();
    }

    // Some may not have been born yet, in preload.
    void close(std::function<void()> closed) override
    {
        closed_ = true;
        for (auto& [number, one] : threads_)
            one.site->hang_up();
        on_closed_ = std::move(closed);
        close_if_empty();
    }

    void destroy() noexcept override
    {
        closed_ = true;
        for (auto& [number, one] : threads_)
            one.site->hang_up();
        for (auto& [number, one] : threads_)
            one.thread.join();
        threads_.clear();
    }

private:
    struct running {
        std::shared_ptr<job_thread> site;
        std::thread thread;
        bool told = false; ///< that it was born
    };

    void start()
    {
        try {
            auto channel = make_socket_pair(SOCK_STREAM);
            auto site = std::make_shared<job_thread>(std::move(channel.second));
            int number = --last_number_;
            all_signals_blocked quiet; // they are for the program's own threads
            auto [at, added] = threads_.try_emplace(number);
            at->second.site = site;
            at->second.thread = std::thread{[self = shared_from_this(), site, number, setup = setup_for(*settings_.how),
                                             end = std::make_shared<descriptor>(std::move(channel.first))]() mutable {
                self->run(*site, number, setup, *end);
                end.reset();
                self->post([number](in_process_launch& launch) { launch.ended(number); });
            }};
        } catch (std::exception const& error) {
            threads_.erase(last_number_);
            settings_.listener->launch_failed(1, errc::launch_failed,
                                              std::string{"could not start a thread: "} + error.what(), false);
        }
    }

    // On the thread.
    void run(job_thread& site, int number, setup_message const& setup, descriptor& end)
    {
        try {
            preload_once();
        } catch (...) {
            post([what = "preload failed: it threw " + describe_current_exception()](in_process_launch& launch) {
                if (!launch.closed_)
                    launch.settings_.listener->launch_failed(1, errc::launch_failed, what, false);
            });
            return;
        }
        post([number, channel = std::make_shared<descriptor>(std::move(end))](in_process_launch& launch) {
            if (launch.closed_)
                return;
            launch.threads_.at(number).told = true;
            birth process;
            process.pid = number;
            process.name = "thread " + std::to_string(-number);
            process.channel = std::move(*channel);
            launch.settings_.listener->born(std::move(process));
        });
        site.serve(setup);
    }

    template <class F>
    void post(F f)
    {
        boost::asio::post(settings_.on, [self = shared_from_this(), f = std::move(f)] {
            if (auto pass = self->settings_.entrance->enter())
                f(*self);
        });
    }

    void ended(int number)
    {
        auto found = threads_.find(number);
        if (found == threads_.end())
            return;
        found->second.thread.join(); // it has posted this as the last thing it did
        bool told = found->second.told;
        threads_.erase(found);
        ending how;
        how.known = true;
        if (told)
            settings_.listener->ended(number, how);
        close_if_empty();
    }

    void close_if_empty()
    {
        if (threads_.empty() && on_closed_)
            std::exchange(on_closed_, nullptr)();
    }

    launch_settings settings_;
    std::map<int, running> threads_;
    int last_number_ = 0;
    bool closed_ = false;
    std::function<void()> on_closed_;
};

} // namespace

std::shared_ptr<process_launch> make_in_process_launch(launch_settings settings)
{
    return std::make_shared<in_process_launch>(std::move(settings));
}

} // namespace wodehaus::detail
