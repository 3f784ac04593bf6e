// Ending things: stop, terminate, cancellation, signals, and the destruction of a server.
#include "test/kit/preload.hpp"

#include <wodehaus/this_job.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <thread>

#include <sys/wait.h>

namespace asio = boost::asio;
using asio::awaitable;
using asio::cancellation_type;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::task, wodehaus::task_of, wodehaus::worker;

namespace {

int half(int number)
{
    return number % 2 ? throw std::invalid_argument{"odd"} : number / 2;
}
int wait_at(std::string const& gate)
{
    kit::pass(gate);
    return 1;
}
int sleeps(int)
{
    for (;;)
        ::pause();
}

struct errand {
    std::string gate, file;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & gate & file;
    }
};
int ends_when_asked(errand const& job) // orderly: it leaves a note
{
    bool asked = wodehaus::this_job::stop_requested();
    kit::arrive(job.gate);
    while (!asked) {
        ::usleep(1000);
        asked = wodehaus::this_job::stop_requested();
    }
    kit::note(job.file, "in order");
    return 1;
}
int asks_and_goes_on(errand const& job)
{
    bool asked = wodehaus::this_job::stop_requested();
    kit::arrive(job.gate);
    for (bool noted = false;; ::usleep(1000))
        if (!noted && (asked = wodehaus::this_job::stop_requested())) {
            kit::note(job.file, "asked");
            noted = true;
        }
    return asked;
}
int waits_and_notes(errand const& job)
{
    kit::pass(job.gate);
    kit::note(job.file, "finished");
    return 1;
}
int never_asks(errand const& job)
{
    kit::arrive(job.gate);
    ::pause();
    kit::note(job.file, "woken");
    return 1;
}
int asks_and_sleeps(errand const& job)
{
    if (wodehaus::this_job::stop_requested())
        return 0;
    kit::pass(job.gate);
    return 1;
}
int with_children(std::string const& gate) // all of whom would live on
{
    for (int i = 0; i < 3; ++i)
        if (::fork() == 0) {
            ::signal(SIGTERM, SIG_IGN);
            if (i == 2 && ::fork() == 0)
                ::pause();
            for (;;)
                ::pause();
        }
    kit::pass(gate);
    return 1;
}

/// One call, its end, and the signal that cancels it.
struct watched_call {
    std::optional<wodehaus::outcome<int>> end;
    asio::cancellation_signal cancel;
    kit::event ended;

    explicit watched_call(asio::any_io_executor executor) : ended(executor) {}
    auto handler()
    {
        return asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr error, wodehaus::outcome<int> how) {
            BOOST_TEST(!error);
            BOOST_TEST(!end.has_value());
            end = std::move(how);
            ended.set();
        });
    }
};

wodehaus::failure must_be_cancelled(watched_call const& call)
{
    BOOST_REQUIRE(call.end);
    auto why = kit::failed(*call.end, errc::canceled);
    BOOST_TEST((why.code == asio::error::operation_aborted));
    return why;
}

void (*disposition(int signal))(int)
{
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    return now.sa_handler;
}

extern "C" void my_handler(int) {}

class with_disposition {
public:
    with_disposition(int signal, void (*handler)(int)) : signal_(signal)
    {
        struct sigaction action {};
        action.sa_handler = handler;
        ::sigaction(signal, &action, &before_);
    }
    with_disposition(with_disposition const&) = delete;
    with_disposition& operator=(with_disposition const&) = delete;
    ~with_disposition() { ::sigaction(signal_, &before_, nullptr); }

private:
    int signal_;
    struct sigaction before_ {};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(control, kit::nothing_left)

// ---- stop and terminate

BOOST_AUTO_TEST_CASE(stop_lets_what_runs_finish)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1})};
        kit::gate gate{context.get_executor()};
        watched_call running{context.get_executor()};
        server.async_run(kit::rethrow{});
        server.async_try_call(worker<wait_at>, gate.path(), running.handler());
        int results = 0, stopped = 0;
        for (int i = 0; i < 10; ++i)
            server.async_try_call(worker<half>, 2 * i, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                if (!end) {
                    auto why = kit::failed(end, errc::stopped);
                    BOOST_TEST(why.process.empty());
                }
                ++(end ? results : stopped);
            });
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                server.stop();
                gate.open();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_REQUIRE(running.end);
        BOOST_TEST(running.end->has_value());
        BOOST_TEST(static_cast<std::size_t>(results) <= how.prefetch); // what a process already had counts as begun
        BOOST_TEST(results + stopped == 10);
    });
}

BOOST_AUTO_TEST_CASE(terminate_ends_what_runs)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1})};
        kit::gate gate{context.get_executor()};
        bool ended = false;
        int stopped = 0;
        auto handler = [&](std::exception_ptr, wodehaus::outcome<int> end) {
            BOOST_TEST(!ended);
            kit::failed(end, errc::stopped);
            ++stopped;
        };
        server.async_run([&](std::exception_ptr error, wodehaus::run_summary summary) {
            BOOST_TEST(!error);
            BOOST_TEST(summary.failed == 6u);
            ended = true;
        });
        server.async_try_call(worker<wait_at>, gate.path(), handler);
        for (int i = 0; i < 5; ++i)
            server.async_try_call(worker<half>, 2 * i, handler);
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                server.terminate();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(stopped == 6);
        BOOST_TEST(ended);
    });
}

BOOST_AUTO_TEST_CASE(terminate_after_stop)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1})};
        kit::gate gate{context.get_executor()};
        watched_call running{context.get_executor()}, waiting{context.get_executor()};
        server.async_run(kit::rethrow{});
        server.async_try_call(worker<wait_at>, gate.path(), running.handler());
        server.async_try_call(worker<half>, 4, waiting.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                server.stop();
                co_await waiting.ended.wait();
                BOOST_TEST(!running.end.has_value());
                server.terminate();
            },
            kit::rethrow{});
        kit::run(context);
        kit::failed(*waiting.end, errc::stopped);
        kit::failed(*running.end, errc::stopped);
    });
}

BOOST_AUTO_TEST_CASE(calls_made_while_a_run_stops_are_stopped)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 2})};
        kit::gate gate{context.get_executor()};
        watched_call running{context.get_executor()}, late{context.get_executor()};
        server.async_run(kit::rethrow{});
        server.async_try_call(worker<wait_at>, gate.path(), running.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                server.stop();
                server.async_try_call(worker<half>, 4, late.handler());
                gate.open();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(running.end->has_value());
        // Such a call is stopped with the run, or waits for the next one.
        if (late.end) {
            kit::failed(*late.end, errc::stopped);
        } else {
            server.async_run(kit::rethrow{});
            asio::co_spawn(
                context,
                [&]() -> awaitable<void> {
                    co_await late.ended.wait();
                    server.stop();
                },
                kit::rethrow{});
            context.restart();
            kit::run(context);
            BOOST_TEST(late.end->value() == 2);
        }
    });
}

BOOST_AUTO_TEST_CASE(from_another_thread)
{
    kit::each_launch([](kit::way how) {
        for (bool hard : {false, true}) {
            asio::io_context context{1};
            wodehaus::basic_job_server<> server{context, how({.workers = 1})};
            kit::gate gate{context.get_executor()};
            watched_call running{context.get_executor()};
            server.async_run(kit::rethrow{});
            server.async_try_call(worker<wait_at>, gate.path(), running.handler());
            std::thread other;
            asio::co_spawn(
                context,
                [&]() -> awaitable<void> {
                    co_await gate.arrived();
                    other = std::thread{[&] { hard ? server.terminate() : server.stop(); }};
                    other.join();
                    if (!hard)
                        gate.open();
                },
                kit::rethrow{});
            kit::run(context);
            BOOST_REQUIRE(running.end);
            BOOST_TEST(running.end->has_value() == !hard);
        }
    });
}

// ---- cancellation

BOOST_AUTO_TEST_CASE(a_waiting_call_leaves_the_queue)
{
    kit::each_way([](kit::way how) {
        for (auto type : {cancellation_type::total, cancellation_type::partial, cancellation_type::terminal}) {
            kit::with_server(how({.workers = 1, .queue_limit = 20}), [&, type](wodehaus::job_server& server) -> awaitable<void> {
                kit::gate gate{server.get_executor()};
                kit::folder folder;
                watched_call running{server.get_executor()}, waiting{server.get_executor()}, behind{server.get_executor()};
                server.async_try_call(worker<wait_at>, gate.path(), running.handler());
                co_await gate.arrived();
                std::vector<int> ahead(how.prefetch, 2); // they fill what the process takes ahead
                server.async_map(worker<half>, ahead, [](std::exception_ptr, std::vector<int>) {});
                server.async_try_call(worker<never_asks>, errand{gate.path(), folder / "notes"}, waiting.handler());
                server.async_try_call(worker<half>, 4, behind.handler());
                waiting.cancel.emit(type);
                co_await waiting.ended.wait();
                BOOST_TEST(!running.end.has_value());
                auto why = must_be_cancelled(waiting);
                BOOST_TEST(why.process.empty());
                waiting.cancel.emit(type); // it has ended
                gate.open();
                co_await behind.ended.wait();
                BOOST_TEST(running.end->has_value());
                BOOST_TEST(behind.end->value() == 2);
            });
        }
    });
}

BOOST_AUTO_TEST_CASE(a_running_call_is_ended_by_partial_and_terminal)
{
    kit::each_way([](kit::way how) {
        for (auto type : {cancellation_type::partial, cancellation_type::terminal}) {
            kit::with_server(how({.workers = 1}), [&, type](wodehaus::job_server& server) -> awaitable<void> {
                kit::gate gate{server.get_executor()};
                watched_call running{server.get_executor()}, behind{server.get_executor()};
                server.async_try_call(worker<wait_at>, gate.path(), running.handler());
                server.async_try_call(worker<half>, 4, behind.handler());
                int pid = co_await gate.arrived();
                running.cancel.emit(type);
                co_await running.ended.wait();
                auto why = must_be_cancelled(running);
                BOOST_TEST(!why.process.empty());
                BOOST_TEST(kit::contains(why.worker, "wait_at"));
                BOOST_TEST(!kit::state_of(pid).alive()); // once its process has ended
                co_await behind.ended.wait();
                BOOST_TEST(behind.end->value() == 2);
            });
        }
    });
}

BOOST_AUTO_TEST_CASE(a_running_call_is_not_ended_by_total)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            watched_call running{server.get_executor()};
            server.async_try_call(worker<wait_at>, gate.path(), running.handler());
            co_await gate.arrived();
            running.cancel.emit(cancellation_type::total);
            gate.open();
            co_await running.ended.wait();
            BOOST_TEST(running.end->value() == 1);
        });
    });
}

BOOST_AUTO_TEST_CASE(total_and_then_terminal)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            watched_call running{server.get_executor()};
            server.async_try_call(worker<wait_at>, gate.path(), running.handler());
            co_await gate.arrived();
            running.cancel.emit(cancellation_type::total);
            running.cancel.emit(cancellation_type::terminal);
            running.cancel.emit(cancellation_type::terminal);
            co_await running.ended.wait();
            must_be_cancelled(running);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_call_that_is_cancelled_at_once)
{
    kit::each_way([](kit::way how) {
        for (auto type : {cancellation_type::total, cancellation_type::partial, cancellation_type::terminal})
            kit::with_server(how({.workers = 1}), [type](wodehaus::job_server& server) -> awaitable<void> {
                for (int i = 0; i < 10; ++i) {
                    watched_call call{server.get_executor()};
                    server.async_try_call(worker<half>, 4, call.handler());
                    call.cancel.emit(type);
                    co_await call.ended.wait();
                    if (*call.end) // a process that was free may have had it already
                        BOOST_TEST(call.end->value() == 2);
                    else
                        must_be_cancelled(call);
                }
                BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
            });
    });
}

BOOST_AUTO_TEST_CASE(a_call_that_was_refused_before_its_run_and_is_cancelled_then)
{
    asio::io_context context{1};
    wodehaus::job_server server{context};
    watched_call call{context.get_executor()};
    auto closure = [one = 1](int number) { return number + one; };
    server.async_try_call(closure, 4, call.handler());
    server.async_run(kit::rethrow{});
    call.cancel.emit(cancellation_type::terminal); // on its way when the run begins
    server.stop();
    kit::run(context);
    BOOST_REQUIRE(call.end);
    kit::failed(*call.end, errc::launch_failed); // on a zygote a closure is refused
}

BOOST_AUTO_TEST_CASE(a_cancelled_job_is_not_tried_again)
{
    kit::each_way([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 1, .attempts = 5}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            watched_call running{server.get_executor()};
            server.async_try_call(worker<wait_at>, gate.path(), running.handler());
            co_await gate.arrived();
            running.cancel.emit(cancellation_type::terminal);
            co_await running.ended.wait();
            BOOST_TEST(must_be_cancelled(running).attempt == 1);
        });
        BOOST_TEST(summary.retried == 0u);
    });
}

BOOST_AUTO_TEST_CASE(a_call_of_a_coroutine)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::event done{server.get_executor()};
            asio::cancellation_signal cancel;
            wodehaus::failure why;
            auto call = [&]() -> awaitable<void> {
                try {
                    co_await server.async_call(worker<wait_at>, gate.path());
                } catch (wodehaus::job_error const& error) {
                    why = error.why();
                }
                done.set();
            };
            asio::co_spawn(server.get_executor(), call(),
                           asio::bind_cancellation_slot(cancel.slot(), [](std::exception_ptr) {}));
            co_await gate.arrived();
            cancel.emit(cancellation_type::terminal);
            co_await done.wait();
            BOOST_TEST((why.code == asio::error::operation_aborted));
        });
    });
}

BOOST_AUTO_TEST_CASE(a_map)
{
    kit::each_way([](kit::way how) {
        for (auto type : {cancellation_type::total, cancellation_type::terminal})
            kit::with_server(how({.workers = 1, .queue_limit = 2}), [=](wodehaus::job_server& server) -> awaitable<void> {
                kit::gate gate{server.get_executor()};
                kit::event done{server.get_executor()};
                asio::cancellation_signal cancel;
                std::vector<std::string> gates(10, gate.path());
                std::vector<wodehaus::outcome<int>> ends;
                server.async_try_map(worker<wait_at>, gates,
                                     asio::bind_cancellation_slot(
                                         cancel.slot(), [&](std::exception_ptr, std::vector<wodehaus::outcome<int>> all) {
                                             ends = std::move(all);
                                             done.set();
                                         }));
                co_await gate.arrived();
                cancel.emit(type);
                if (type == cancellation_type::total)
                    gate.open_for_all(); // what runs finishes
                co_await done.wait();
                BOOST_REQUIRE(ends.size() == 10u);
                std::size_t results = 0;
                for (auto& end : ends)
                    if (end)
                        ++results;
                    else
                        kit::failed(end, errc::canceled);
                if (type == cancellation_type::total) {
                    BOOST_TEST(results >= 1u);
                    BOOST_TEST(results <= 1u + how.prefetch);
                } else {
                    BOOST_TEST(results == 0u);
                }
            });
    });
}

BOOST_AUTO_TEST_CASE(a_map_whose_running_jobs_finish)
{
    // What is cancelled is not the failure that ends the others, where the first failure does.
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .max_message = 1000}), [how](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::folder folder;
            kit::event done{server.get_executor()};
            asio::cancellation_signal cancel;
            std::vector<errand> errands(10, {gate.path(), folder / "notes"});
            std::exception_ptr ended;
            server.async_map(worker<waits_and_notes>, errands,
                             asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error, std::vector<int>) {
                                 ended = error;
                                 done.set();
                             }));
            co_await gate.arrived();
            cancel.emit(cancellation_type::total);
            std::string too_long(2000, 'l'); // refused at once, so that by then the server has heard of the other
            kit::failed(co_await server.async_try_call(worker<wait_at>, too_long), errc::too_large);
            gate.open_for_all();
            co_await done.wait();
            kit::check(kit::failure_in(ended), errc::canceled);
            auto finished = kit::notes(folder / "notes").size();
            BOOST_TEST(finished >= 1u);
            BOOST_TEST(finished <= 1u + how.prefetch);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_run)
{
    kit::each_way([](kit::way how) {
        for (auto type : {cancellation_type::total, cancellation_type::partial, cancellation_type::terminal}) {
            bool hard = type == cancellation_type::terminal;
            asio::io_context context{1};
            wodehaus::basic_job_server<> server{context, how({.workers = 1})};
            kit::gate gate{context.get_executor()};
            watched_call running{context.get_executor()};
            asio::cancellation_signal cancel;
            bool ended = false;
            server.async_run(asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error, wodehaus::run_summary) {
                BOOST_TEST(!error);
                ended = true;
            }));
            server.async_try_call(worker<wait_at>, gate.path(), running.handler());
            asio::co_spawn(
                context,
                [&]() -> awaitable<void> {
                    co_await gate.arrived();
                    cancel.emit(type);
                    if (!hard)
                        gate.open();
                },
                kit::rethrow{});
            kit::run(context);
            BOOST_TEST(ended);
            BOOST_REQUIRE(running.end);
            if (hard)
                kit::failed(*running.end, errc::stopped);
            else
                BOOST_TEST(running.end->value() == 1);
        }
    });
}

// ---- how a job is asked to end

BOOST_AUTO_TEST_CASE(a_job_that_asks_may_put_things_in_order)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .kill_after = 20s}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::folder folder;
            for (int round = 0; round < 2; ++round) {
                watched_call running{server.get_executor()};
                errand job{gate.path(), folder / "notes"};
                server.async_try_call(worker<ends_when_asked>, job, running.handler());
                co_await gate.arrived();
                running.cancel.emit(cancellation_type::terminal);
                co_await running.ended.wait();
                must_be_cancelled(running); // its result is not used any more
            }
            BOOST_TEST((kit::notes(folder / "notes") == std::vector<std::string>{"in order", "in order"}));
            BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_asks_and_times_out)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how({.workers = 1, .timeout = 50ms, .kill_after = 20s}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::folder folder;
            errand job{gate.path(), folder / "notes"};
            auto end = co_await server.async_try_call(worker<ends_when_asked>, job);
            kit::failed(end, errc::timed_out);
            BOOST_TEST(kit::notes(folder / "notes").size() == 1u);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_asks_and_does_not_end_is_killed)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .kill_after = 50ms}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::folder folder;
            watched_call running{server.get_executor()};
            errand job{gate.path(), folder / "notes"};
            server.async_try_call(worker<asks_and_goes_on>, job, running.handler());
            co_await gate.arrived();
            running.cancel.emit(cancellation_type::terminal);
            co_await running.ended.wait();
            BOOST_TEST(must_be_cancelled(running).signal == SIGKILL);
            BOOST_TEST((kit::notes(folder / "notes") == std::vector<std::string>{"asked"}));
        });
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_never_asks_dies_at_once)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .kill_after = 3600s}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::folder folder;
            errand job{gate.path(), folder / "notes"};
            // In a kept process, a job before it may have asked.
            gate.open();
            BOOST_TEST(co_await server.async_call(worker<asks_and_sleeps>, job) == 1);
            co_await gate.arrived();
            watched_call running{server.get_executor()};
            server.async_try_call(worker<never_asks>, job, running.handler());
            co_await gate.arrived();
            running.cancel.emit(cancellation_type::terminal);
            co_await running.ended.wait();
            BOOST_TEST(must_be_cancelled(running).signal == SIGTERM);
            BOOST_TEST(kit::notes(folder / "notes").empty());
        });
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_asks_dies_of_terminate_too)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1, .kill_after = 20s})};
        kit::gate gate{context.get_executor()};
        kit::folder folder;
        watched_call running{context.get_executor()};
        server.async_run(kit::rethrow{});
        errand job{gate.path(), folder / "notes"};
        server.async_try_call(worker<ends_when_asked>, job, running.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                server.terminate();
            },
            kit::rethrow{});
        kit::run(context);
        kit::failed(*running.end, errc::stopped);
        BOOST_TEST(kit::notes(folder / "notes").size() == 1u);
    });
}

BOOST_AUTO_TEST_CASE(a_job_s_own_children_end_with_it)
{
    kit::each_way([](kit::way how) {
        for (bool cancelled : {true, false}) {
            kit::nothing_left guard;
            kit::with_server(how({.workers = 1, .kill_after = 100ms}), [cancelled](wodehaus::job_server& server) -> awaitable<void> {
                kit::gate gate{server.get_executor()};
                watched_call running{server.get_executor()};
                server.async_try_call(worker<with_children>, gate.path(), running.handler());
                co_await gate.arrived();
                if (cancelled)
                    running.cancel.emit(cancellation_type::terminal);
                else
                    gate.open();
                co_await running.ended.wait();
                BOOST_TEST(running.end->has_value() == !cancelled);
            });
        }
    });
}

// ---- the destruction of a server

BOOST_AUTO_TEST_CASE(destroyed_while_calls_run_and_wait)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        auto server = std::make_unique<wodehaus::basic_job_server<>>(context, how({.workers = 1, .kill_after = 3600s}));
        kit::gate gate{context.get_executor()};
        watched_call running{context.get_executor()}, waiting{context.get_executor()};
        std::exception_ptr run_error, call_error, map_error;
        server->async_run([&](std::exception_ptr error, wodehaus::run_summary) { run_error = error; });
        server->async_try_call(worker<wait_at>, gate.path(), running.handler());
        server->async_try_call(worker<half>, 4, waiting.handler());
        server->async_call(worker<half>, 4, [&](std::exception_ptr error, int) { call_error = error; });
        std::vector numbers{2, 4};
        server->async_map(worker<half>, numbers, [&](std::exception_ptr error, std::vector<int>) { map_error = error; });
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                int pid = co_await gate.arrived();
                server.reset();
                BOOST_TEST(!kit::state_of(pid).alive());
                BOOST_TEST((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
                BOOST_TEST(!running.end.has_value()); // never inside
            },
            kit::rethrow{});
        kit::run(context);
        for (auto* call : {&running, &waiting}) {
            BOOST_REQUIRE(call->end);
            BOOST_REQUIRE(!*call->end);
            BOOST_TEST((call->end->error().code == asio::error::operation_aborted));
            BOOST_TEST(kit::contains(call->end->error().what, "destroyed"));
        }
        BOOST_TEST((kit::failure_in(call_error).code == asio::error::operation_aborted));
        BOOST_TEST((kit::failure_in(map_error).code == asio::error::operation_aborted));
        BOOST_TEST((kit::code_in(run_error) == asio::error::operation_aborted));
    });
}

BOOST_AUTO_TEST_CASE(destroyed_before_any_run)
{
    asio::io_context context{1};
    watched_call waiting{context.get_executor()};
    {
        wodehaus::basic_job_server<> server{context};
        server.async_try_call(worker<half>, 4, waiting.handler());
        context.poll();
        context.restart();
    }
    BOOST_TEST(!waiting.end.has_value());
    kit::run(context);
    must_be_cancelled(waiting);
}

BOOST_AUTO_TEST_CASE(destroyed_at_once)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        watched_call waiting{context.get_executor()};
        std::exception_ptr run_error;
        {
            wodehaus::basic_job_server<> server{context, how()};
            server.async_run([&](std::exception_ptr error, wodehaus::run_summary) { run_error = error; });
            server.async_try_call(worker<half>, 4, waiting.handler());
        }
        kit::run(context);
        must_be_cancelled(waiting);
        BOOST_TEST((kit::code_in(run_error) == asio::error::operation_aborted));
    });
}

BOOST_AUTO_TEST_CASE(destroyed_while_a_producer_waits_and_a_consumer_works)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        auto server = std::make_unique<wodehaus::basic_job_server<>>(context, how({.workers = 2}));
        std::exception_ptr run_error;
        int produced = 0;
        auto producer = [&]() -> awaitable<std::optional<task_of<half>>> {
            if (++produced > 1) {
                asio::steady_timer never{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
                co_await never.async_wait(asio::use_awaitable);
            }
            std::optional next{task{worker<half>, 4}};
            co_return next;
        };
        auto consumer = [&](int, int) -> awaitable<void> {
            asio::post(context, [&] { server.reset(); });
            asio::steady_timer moment{co_await asio::this_coro::executor, std::chrono::milliseconds{1}};
            co_await moment.async_wait(asio::use_awaitable);
        };
        server->async_run(producer, consumer, [&](std::exception_ptr error, wodehaus::run_summary) { run_error = error; });
        kit::run(context);
        BOOST_TEST((kit::code_in(run_error) == asio::error::operation_aborted));
    });
}

BOOST_AUTO_TEST_CASE(destroyed_while_its_strand_is_busy)
{
    // A producer's coroutine that has ended must not be told of the end any more (what it had may be freed by then).
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        auto server = std::make_unique<wodehaus::basic_job_server<>>(context, how({.workers = 1}));
        kit::gate gate{context.get_executor()};
        std::exception_ptr run_error;
        auto producer = [&]() -> awaitable<std::optional<task_of<wait_at>>> {
            std::optional next{task{worker<wait_at>, gate.path()}};
            co_return next;
        };
        server->async_run(producer, wodehaus::ignore, [&](std::exception_ptr error, wodehaus::run_summary) { run_error = error; });
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                server->stop(); // lies on the strand when the server goes
                server.reset();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST((kit::code_in(run_error) == asio::error::operation_aborted));
    });
}

BOOST_AUTO_TEST_CASE(destroyed_after_its_context_has_stopped)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        kit::gate gate{context.get_executor()};
        wodehaus::basic_job_server<> server{context, how({.workers = 2})};
        server.async_run(kit::rethrow{});
        server.async_call(worker<wait_at>, gate.path(), [](std::exception_ptr, int) { BOOST_ERROR("it cannot end"); });
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                context.stop();
            },
            kit::rethrow{});
        kit::run(context);
    });
}

BOOST_AUTO_TEST_CASE(servers_can_be_moved)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> first{context, how({.workers = 1})};
        kit::gate gate{context.get_executor()};
        watched_call running{context.get_executor()}, waiting{context.get_executor()}, other{context.get_executor()};
        kit::event run_ended{context.get_executor()};
        first.async_run([&](std::exception_ptr error, wodehaus::run_summary) {
            BOOST_TEST(!error);
            run_ended.set();
        });
        first.async_try_call(worker<wait_at>, gate.path(), running.handler());
        wodehaus::basic_job_server<> second{std::move(first)};
        second.async_try_call(worker<half>, 4, waiting.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                wodehaus::basic_job_server<> third{context, how()};
                third.async_try_call(worker<half>, 4, other.handler());
                third = std::move(second); // closes what it was
                gate.open();
                co_await waiting.ended.wait();
                third.stop();
                co_await run_ended.wait();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(running.end->value() == 1);
        BOOST_TEST(waiting.end->value() == 2);
        must_be_cancelled(other);
    });
}

// ---- signals

BOOST_AUTO_TEST_CASE(the_first_stop_signal_stops)
{
    kit::each_way([](kit::way how) {
        with_disposition mine{SIGINT, &my_handler};
        for (int signal : {SIGINT, SIGTERM}) {
            auto before = disposition(signal);
            asio::io_context context{1};
            wodehaus::basic_job_server<> server{context, how({.workers = 1, .stop_signals = {SIGINT, SIGTERM}})};
            kit::gate gate{context.get_executor()};
            watched_call running{context.get_executor()};
            bool ended = false;
            server.async_run([&](std::exception_ptr error, wodehaus::run_summary) {
                BOOST_TEST(!error);
                BOOST_TEST((disposition(signal) == before)); // at the end of the run, not of the server
                ended = true;
            });
            server.async_try_call(worker<wait_at>, gate.path(), running.handler());
            asio::co_spawn(
                context,
                [&]() -> awaitable<void> {
                    co_await gate.arrived();
                    BOOST_TEST((disposition(signal) != before));
                    ::raise(signal);
                    gate.open();
                },
                kit::rethrow{});
            kit::run(context);
            BOOST_TEST(ended);
            BOOST_TEST(running.end->value() == 1);
        }
    });
}

BOOST_AUTO_TEST_CASE(the_second_stop_signal_terminates)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1, .stop_signals = {SIGINT, SIGTERM}})};
        kit::gate gate{context.get_executor()};
        watched_call running{context.get_executor()}, waiting{context.get_executor()};
        server.async_run(kit::rethrow{});
        server.async_try_call(worker<wait_at>, gate.path(), running.handler());
        server.async_try_call(worker<half>, 4, waiting.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                ::raise(SIGINT);
                co_await waiting.ended.wait();
                BOOST_TEST(!running.end.has_value());
                ::raise(SIGTERM);
            },
            kit::rethrow{});
        kit::run(context);
        kit::failed(*waiting.end, errc::stopped);
        kit::failed(*running.end, errc::stopped);
    });
}

BOOST_AUTO_TEST_CASE(a_signal_that_was_ignored_stays_ignored)
{
    with_disposition ignored{SIGINT, SIG_IGN};
    kit::with_server({.workers = 1, .stop_signals = {SIGINT, SIGTERM}}, [](wodehaus::job_server& server) -> awaitable<void> {
        BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
        BOOST_TEST((disposition(SIGINT) == SIG_IGN));
        ::raise(SIGINT);
        BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
    });
    BOOST_TEST((disposition(SIGINT) == SIG_IGN));
    BOOST_TEST((disposition(SIGTERM) == SIG_DFL));
}

BOOST_AUTO_TEST_CASE(a_signal_that_the_program_takes_meanwhile_stays_taken)
{
    asio::io_context context{1};
    wodehaus::job_server server{context, {.stop_signals = {SIGUSR1}}};
    asio::signal_set own{context};
    server.async_run(kit::rethrow{});
    asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            int two = co_await server.async_call(worker<half>, 4); // the run has begun by now
            BOOST_TEST(two == 2);
            own.add(SIGUSR1);
            server.stop();
        },
        kit::rethrow{});
    kit::run(context);
    BOOST_TEST((disposition(SIGUSR1) != SIG_DFL));
    own.clear();
    BOOST_TEST((disposition(SIGUSR1) == SIG_DFL));
}

BOOST_AUTO_TEST_CASE(without_stop_signals_none_is_touched)
{
    auto before_int = disposition(SIGINT), before_term = disposition(SIGTERM), before_child = disposition(SIGCHLD),
         before_pipe = disposition(SIGPIPE);
    kit::each_launch([&](kit::way how) {
        kit::with_server(how(), [&](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
            BOOST_TEST((disposition(SIGINT) == before_int));
            BOOST_TEST((disposition(SIGTERM) == before_term));
            BOOST_TEST((disposition(SIGCHLD) == before_child));
            BOOST_TEST((disposition(SIGPIPE) == before_pipe));
        });
    });
}

BOOST_AUTO_TEST_CASE(the_program_s_own_children_are_left_alone)
{
    kit::each_launch([](kit::way how) {
        pid_t mine = ::fork();
        if (mine == 0)
            ::_exit(9);
        kit::with_server(how(), [](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
        });
        int status = 0;
        BOOST_TEST(::waitpid(mine, &status, 0) == mine);
        BOOST_TEST(WEXITSTATUS(status) == 9);
    });
}

BOOST_AUTO_TEST_CASE(a_host_that_ignores_sigchld)
{
    kit::each_way([](kit::way how) {
        with_disposition ignored{SIGCHLD, SIG_IGN};
        kit::with_server(how({.workers = 1, .kill_after = 100ms}), [](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
            auto exit = co_await server.async_try_call(worker<[](int status) -> int { ::_exit(status); }>, 3);
            BOOST_TEST(!exit); // how it ended may be unknown, but nothing hangs
            auto asleep = task{worker<sleeps>, 1}.timeout(20ms);
            auto late = co_await server.async_try_call(asleep);
            kit::failed(late, errc::timed_out);
            BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
        });
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
