// What the rows of the matrix are made of, and their bodies by name.
#pragma once

#include "test/server/errands.hpp"

#include "test/kit/program.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/read_until.hpp>

#include <optional>

namespace matrix {

namespace asio = boost::asio;
using asio::awaitable;
using errands::half;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::job_server, wodehaus::launch, wodehaus::outcome, wodehaus::task, wodehaus::task_of, wodehaus::worker;

enum class mark {
    ok,
    refused, ///< the options make no sense here, and the server says so
    none     ///< there is no such thing here
};

constexpr bool has_processes(kit::way how)
{
    return how.launch != launch::in_process;
}
constexpr bool starts_a_program(kit::way how)
{
    return how.launch == launch::zygote || how.launch == launch::exec;
}

struct unmet : std::runtime_error {
    unmet(std::string const& what, char const* file, int line)
        : std::runtime_error{std::filesystem::path{file}.filename().string() + ':' + std::to_string(line) + ": " + what}
    {
    }
};
inline void expect(bool fulfilled, std::string const& what, char const* file = __builtin_FILE(),
                   int line = __builtin_LINE())
{
    if (!fulfilled)
        throw unmet{what, file, line};
}
inline void expect_in(std::string const& text, std::string_view part, char const* file = __builtin_FILE(),
                      int line = __builtin_LINE())
{
    expect(kit::contains(text, part), '\'' + std::string{part} + "' is not in: " + text.substr(0, 2000), file, line);
}
template <class R>
wodehaus::failure expect_failure(outcome<R> const& end, errc code, char const* file = __builtin_FILE(),
                                 int line = __builtin_LINE())
{
    expect(!end, "a result instead of: " + make_error_code(code).message(), file, line);
    expect(end.error().code == code, kit::text_of(end.error()), file, line);
    expect(!end.error().what.empty(), "no account", file, line);
    return end.error();
}

/// A server that runs as long as this lives, or until its end is awaited.
class session {
public:
    session(asio::io_context& context, wodehaus::options how)
        : server{context, std::move(how)}, ended_(std::make_shared<ending>(context))
    {
        begin();
    }

    job_server server;

    void begin()
    {
        ended_->event.emplace(ended_->context.get_executor());
        server.async_run([to = ended_](std::exception_ptr error, wodehaus::run_summary) {
            to->error = error;
            to->event->set();
        });
    }
    awaitable<mark> ended()
    {
        auto end = ended_;
        co_await end->event->wait();
        if (end->error)
            std::rethrow_exception(end->error);
        co_return mark::ok;
    }
    awaitable<mark> end()
    {
        server.stop();
        return ended();
    }
    /// Checks that the server goes on with the next job.
    awaitable<mark> goes_on_and_ends()
    {
        int result = co_await server.async_call(worker<half>, 8);
        expect(result == 4, "half of 8 is " + std::to_string(result));
        co_return co_await end();
    }

private:
    struct ending {
        explicit ending(asio::io_context& on) : context(on) {}
        asio::io_context& context;
        std::optional<kit::event> event;
        std::exception_ptr error;
    };
    std::shared_ptr<ending> ended_;
};

/// A call whose end can be asked for.
template <class R>
class call_under_way {
public:
    explicit call_under_way(asio::io_context& context) : held_(std::make_shared<state>(context)) {}

    auto token()
    {
        return asio::bind_cancellation_slot(held_->signal.slot(), [to = held_](std::exception_ptr, outcome<R> end) {
            to->end = std::move(end);
            to->event.set();
        });
    }
    void cancel(asio::cancellation_type how) { held_->signal.emit(how); }
    awaitable<outcome<R>> end()
    {
        auto held = held_;
        co_await held->event.wait();
        co_return *held->end;
    }

private:
    struct state {
        explicit state(asio::io_context& context) : event(context.get_executor()) {}
        kit::event event;
        asio::cancellation_signal signal;
        std::optional<outcome<R>> end;
    };
    std::shared_ptr<state> held_;
};

/// Checks that options which make no sense here are refused by this name.
inline mark refused(asio::io_context& context, wodehaus::options how, std::string_view name)
{
    try {
        job_server server{context, std::move(how)};
    } catch (std::invalid_argument const& error) {
        expect_in(error.what(), name);
        return mark::refused;
    }
    throw unmet{std::string{name} + " is not refused", __FILE__, __LINE__};
}

inline std::string guest_program()
{
    auto& suite = boost::unit_test::framework::master_test_suite();
    expect(suite.argc > 1, "the test wants the guest's path behind --");
    return suite.argv[1];
}

/// The guest while it runs; what it and its processes write.
class guest {
public:
    /// The environment as NAME=VALUE.
    guest(asio::io_context& context, std::vector<std::string> environment, std::vector<std::string> arguments)
        : input_(context), output_(context)
    {
        int in[2], out[2];
        expect(::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(out, O_CLOEXEC) == 0, "no pipe");
        input_.assign(in[1]);
        output_.assign(out[0]);
        auto whole = std::move(environment);
        whole.push_back(guest_program());
        whole.insert(whole.end(), arguments.begin(), arguments.end());
        pid_ = kit::start_program("/usr/bin/env", whole, in[0], out[1], out[1]);
        ::close(in[0]);
        ::close(out[1]);
        expect(pid_ > 0, "the guest cannot be started");
    }
    guest(guest const&) = delete;
    guest& operator=(guest const&) = delete;
    ~guest()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }

    int pid() const { return pid_; }
    void close_input() { input_.close(); }
    awaitable<void> says(std::string_view text)
    {
        co_await asio::async_read_until(output_, asio::dynamic_buffer(said_), text, asio::use_awaitable);
    }
    /// All that it has written, once it has ended and nobody holds its output any more.
    awaitable<std::string> end()
    {
        if (input_.is_open())
            input_.close();
        co_await asio::async_read(output_, asio::dynamic_buffer(said_), asio::as_tuple(asio::use_awaitable));
        expect(::waitpid(std::exchange(pid_, 0), nullptr, 0) > 0, "waitpid");
        co_return said_;
    }

private:
    asio::posix::stream_descriptor input_, output_;
    std::string said_;
    int pid_ = 0;
};

/// How one job ends that a number is enough for.
template <auto F>
awaitable<outcome<int>> end_of(session& run, int job)
{
    auto one = task{worker<F>, job};
    co_return co_await run.server.async_try_call(one);
}

/// Those of this program: as they were given, and as init has left them.
struct program_arguments {
    std::vector<std::string> given, left;
    char** argv = nullptr;

    std::vector<std::string> now() const { return {argv, argv + given.size()}; }
};
inline program_arguments arguments;

// ---- the bodies of the rows

using cell = awaitable<mark>(kit::way, asio::io_context&);

cell call, map, producer_and_consumer, batches_on_threads, function_object, closure, large, too_large, cancelled,
    timed_out, stopped, terminated, destroyed, run_again, attempts, full_queue;
cell it_throws, it_crashes, it_exits, it_ignores_sigterm, it_closes_everything, it_sends_garbage, grandchild_stays,
    value_does_not_travel, value_crashes_on_its_way;
awaitable<mark> nested(kit::way, asio::io_context&, launch inner);
awaitable<mark> nested_and_timed_out(kit::way, asio::io_context&, launch inner);
awaitable<mark> nested_and_killed(kit::way, asio::io_context&, launch inner);

awaitable<mark> prints(kit::way, asio::io_context&, std::string where, std::string kind);
cell preload_works, preload_hangs, preload_makes_threads;
awaitable<mark> preload_fails(kit::way, asio::io_context&, std::string does, std::string account);
cell program_has_the_workers, program_lacks_a_worker, program_is_not_executable;
awaitable<mark> not_started(kit::way, asio::io_context&, std::string program, std::string account);
cell launched_by_nice, launched_by_env, launched_with_a_banner, launcher_hangs;
awaitable<mark> not_launched(kit::way, asio::io_context&, std::string launcher, std::string account);
cell init_forgotten, init_forgotten_behind_a_script, init_late, init_after_a_run, init_twice, arguments_as_they_were;

} // namespace matrix
