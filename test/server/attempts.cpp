// Attempts: what becomes of a job between two of them, and that one which has ended a process takes no other with it.
#include "test/kit/gate.hpp"
#include "test/kit/preload.hpp"

#include <wodehaus/this_job.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <csignal>
#include <cstdlib>

#include <unistd.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using wodehaus::task, wodehaus::worker;

namespace {

int process_id(int)
{
    return ::getpid();
}
int wait_at(std::string const& gate)
{
    kit::pass(gate);
    return wodehaus::this_job::attempt();
}
int crash_at_first(std::string const& gate)
{
    if (wodehaus::this_job::attempt() == 1)
        std::abort();
    return wait_at(gate);
}
int crash(int)
{
    std::abort();
}

/// A logger that has `then` done, once, after what is told by the first line with these words in it.
template <class F>
wodehaus::logger after(std::string words, asio::io_context& context, F then)
{
    return [words, &context, then, done = false](wodehaus::level, std::string_view line) mutable {
        if (!done && kit::contains(line, words)) {
            done = true;
            asio::post(context, [then, told = std::string{line}] { then(told); });
        }
    };
}

constexpr kit::way all_kept[] = {kit::zygote_kept, kit::exec_kept, kit::fork_kept};
constexpr kit::way all_ahead[] = {kit::zygote_ahead, kit::exec_ahead, kit::fork_ahead};

} // namespace

BOOST_AUTO_TEST_CASE(one_that_has_ended_a_process_takes_no_other_with_it)
{
    kit::each(all_ahead, [](kit::way how) {
        auto summary = kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate dangerous{server.get_executor()}, harmless{server.get_executor()};
            kit::event others_done{server.get_executor()}, all_done{server.get_executor()};
            auto second = task{worker<crash_at_first>, dangerous.path()}.attempts(2);
            server.async_call(second, [&](std::exception_ptr error, int attempt) {
                BOOST_TEST(!error);
                BOOST_TEST(attempt == 2);
                all_done.set();
            });
            co_await dangerous.arrived();
            server.async_call(worker<wait_at>, harmless.path(), kit::rethrow{});
            co_await harmless.arrived();
            // With both processes at work these are sent ahead, but all of them to the harmless one.
            int left = 6;
            for (int i = 0; i < 6; ++i)
                server.async_call(worker<process_id>, i, [&](std::exception_ptr error, int) {
                    BOOST_TEST(!error);
                    if (--left == 0)
                        others_done.set();
                });
            harmless.open();
            co_await others_done.wait();
            BOOST_TEST(!all_done.is_set());
            dangerous.open();
            co_await all_done.wait();
        });
        BOOST_TEST(summary.retried == 1u);
        BOOST_TEST(summary.succeeded == 8u);
    });
}

BOOST_AUTO_TEST_CASE(one_that_failed_waits_though_a_process_is_free)
{
    kit::each(all_kept, [](kit::way how) {
        asio::io_context context{1};
        std::optional<wodehaus::statistics> meanwhile;
        wodehaus::job_server* to_ask = nullptr;
        auto logger = after("is tried again", context, [&](std::string const&) { meanwhile = to_ask->stats(); });
        wodehaus::job_server server{context, how({.workers = 2, .logger = logger})};
        to_ask = &server;
        server.async_run(kit::rethrow{});
        auto two_processes = [&]() -> awaitable<void> {
            kit::gate gate{context.get_executor()};
            std::vector gates(2, gate.path());
            kit::event both{context.get_executor()};
            server.async_map(worker<wait_at>, gates, [&](std::exception_ptr error, std::vector<int>) {
                BOOST_TEST(!error);
                both.set();
            });
            co_await gate.arrived();
            co_await gate.arrived();
            gate.open(2);
            co_await both.wait();
            auto again = task{worker<crash_at_first>, gate.path()}.attempts(2);
            gate.open();
            BOOST_TEST(co_await server.async_call(again) == 2);
        };
        asio::co_spawn(context, two_processes(), [&](std::exception_ptr error) {
            BOOST_TEST(!error);
            server.stop();
        });
        kit::run(context);
        BOOST_REQUIRE(meanwhile);
        BOOST_TEST(meanwhile->queued == 1u);
        BOOST_TEST(meanwhile->running == 0u);
        BOOST_TEST(meanwhile->processes == 1u);
        BOOST_TEST(meanwhile->retried == 1u);
    });
}

BOOST_AUTO_TEST_CASE(cancelled_before_its_next)
{
    kit::each(all_kept, [](kit::way how) {
        asio::io_context context{1};
        asio::cancellation_signal cancel;
        auto logger = after("is tried again", context,
                            [&](std::string const&) { cancel.emit(asio::cancellation_type::total); });
        wodehaus::job_server server{context, how({.workers = 1, .logger = logger})};
        wodehaus::run_summary summary;
        server.async_run([&](std::exception_ptr error, wodehaus::run_summary figures) {
            BOOST_TEST(!error);
            summary = figures;
        });
        std::optional<wodehaus::failure> why;
        server.async_try_call(task{worker<crash>, 0}.attempts(1000),
                              asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr, wodehaus::outcome<int> end) {
                                  why = kit::failed(end, errc::canceled);
                                  server.stop();
                              }));
        kit::run(context);
        BOOST_REQUIRE(why);
        BOOST_TEST(why->attempt == 1);
        BOOST_TEST(kit::contains(why->what, "while it waited for its next attempt"), why->what);
        BOOST_TEST(summary.retried == 1u);
        BOOST_TEST(summary.failed == 1u);
    });
}

BOOST_AUTO_TEST_CASE(stopped_before_its_next)
{
    kit::each(all_kept, [](kit::way how) {
        for (bool hard : {false, true}) {
            asio::io_context context{1};
            wodehaus::job_server* to_stop = nullptr;
            auto logger = after("is tried again", context, [&](std::string const&) {
                hard ? to_stop->terminate() : to_stop->stop();
            });
            wodehaus::job_server server{context, how({.workers = 1, .logger = logger})};
            to_stop = &server;
            bool ended = false;
            server.async_run([&](std::exception_ptr error, wodehaus::run_summary) {
                BOOST_TEST(!error);
                ended = true;
            });
            std::optional<wodehaus::failure> why;
            server.async_try_call(task{worker<crash>, 0}.attempts(1000), [&](std::exception_ptr, wodehaus::outcome<int> end) {
                BOOST_TEST(!ended);
                why = kit::failed(end, errc::stopped);
            });
            kit::run(context);
            BOOST_TEST(ended);
            BOOST_REQUIRE(why);
            BOOST_TEST(kit::contains(why->what, "before its next attempt"), why->what);
        }
    });
}

BOOST_AUTO_TEST_CASE(destroyed_before_its_next)
{
    kit::each(all_kept, [](kit::way how) {
        asio::io_context context{1};
        std::optional<wodehaus::job_server> server;
        auto logger = after("is tried again", context, [&](std::string const&) { server.reset(); });
        server.emplace(context, how({.workers = 1, .logger = logger}));
        server->async_run([](std::exception_ptr error, wodehaus::run_summary) {
            BOOST_TEST((kit::code_in(error) == asio::error::operation_aborted));
        });
        bool told = false;
        server->async_try_call(task{worker<crash>, 0}.attempts(1000), [&](std::exception_ptr, wodehaus::outcome<int> end) {
            told = kit::failed(end, errc::canceled).code == asio::error::operation_aborted;
        });
        kit::run(context);
        BOOST_TEST(told);
    });
}

BOOST_AUTO_TEST_CASE(a_process_that_dies_before_it_had_a_job_is_told_of)
{
    kit::each(kit::both_launches, [](kit::way how) {
        asio::io_context context{1};
        std::string killed, told;
        wodehaus::job_server* to_stop = nullptr;
        auto kills = after(" is ready", context, [&](std::string const& line) {
            killed = line.substr(0, line.find(" is ready"));
            BOOST_TEST(::kill(std::stoi(killed.substr(killed.find(' '))), SIGKILL) == 0);
        });
        auto hears = after("before it began a job", context, [&](std::string const& line) {
            told = line;
            to_stop->stop();
        });
        auto both = [kills, hears](wodehaus::level importance, std::string_view line) mutable {
            kills(importance, line);
            if (importance == wodehaus::level::error)
                hears(importance, line);
        };
        wodehaus::job_server server{context, how({.workers = 1, .logger = both})};
        to_stop = &server;
        server.async_run(kit::rethrow{});
        kit::run(context);
        BOOST_TEST(!killed.empty());
        BOOST_TEST(told.starts_with(killed + " "), told);
        BOOST_TEST(kit::contains(told, "SIGKILL"), told);
    });
}

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    return kit::run_tests(argc, argv);
}
