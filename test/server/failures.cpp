// Failures: whatever becomes of a process, its job fails alone, with an account of why, and the server goes on.
#include "test/kit/mishaps.hpp"
#include "test/kit/preload.hpp"

#include <wodehaus/this_job.hpp>

#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <csignal>
#include <thread>

#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::task, wodehaus::worker;
using namespace kit::mishaps;

namespace {

struct unknown_to_all {}; // not a std::exception

int good(int number)
{
    return number + 1;
}
int process_id(int)
{
    return ::getpid();
}
int throws(std::string const& text)
{
    throw std::invalid_argument{text};
}
int throws_a_number(int number)
{
    throw number;
}
int throws_a_stranger(int)
{
    throw unknown_to_all{};
}
int aborts(int)
{
    std::abort();
}
int terminates(int number) noexcept
{
    return std::vector<int>{}.at(std::size_t(number)); // its exception cannot leave a noexcept function
}
int spins(int)
{
    for (volatile unsigned turn = 0;;)
        turn = turn + 1;
}
int sleeps(int)
{
    for (;;)
        ::pause();
}
int ignores_sigterm(int)
{
    ::signal(SIGTERM, SIG_IGN);
    for (;;)
        ::pause();
}
std::string repeat(std::size_t size)
{
    return std::string(size, 'r');
}
std::size_t length(std::string const& text)
{
    return text.size();
}
int succeeds_at(int attempt)
{
    if (wodehaus::this_job::attempt() < attempt)
        std::abort();
    return wodehaus::this_job::attempt();
}
int stops_throwing_at(int attempt)
{
    if (wodehaus::this_job::attempt() < attempt)
        throw std::runtime_error{"attempt " + std::to_string(wodehaus::this_job::attempt())};
    return wodehaus::this_job::attempt();
}
int attempt_number(int)
{
    return wodehaus::this_job::attempt();
}
int wait_at(std::string const& gate)
{
    kit::pass(gate);
    return 1;
}
int crash_at(std::string const& gate)
{
    kit::pass(gate);
    std::abort();
}

// Values that do not travel: each throws where its number says.
struct traitor {
    enum place { nowhere, saved_here, loaded_there, saved_there, loaded_here };
    place at = nowhere;
    bool there = false; // whether it was made by the worker

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & at & there;
        if constexpr (Archive::is_saving::value) {
            if (at == (there ? saved_there : saved_here))
                throw std::runtime_error{"does not save"};
        } else {
            if (at == (there ? loaded_here : loaded_there))
                throw std::runtime_error{"does not load"};
        }
    }
};
traitor treason(traitor job)
{
    job.there = true;
    return job;
}

struct half_read { // loads less than it has saved
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        int number = 1;
        archive & number;
        if constexpr (Archive::is_saving::value)
            archive & number;
    }
};
int read_half(half_read)
{
    return 1;
}

/// Checks that the server goes on with the next job.
awaitable<void> goes_on(wodehaus::job_server& server)
{
    BOOST_TEST(co_await server.async_call(worker<good>, 1) == 2);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(failures, kit::nothing_left)

BOOST_AUTO_TEST_CASE(a_worker_that_throws)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [how](wodehaus::job_server& server) -> awaitable<void> {
            int before = co_await server.async_call(worker<process_id>, 0);
            auto end = co_await server.async_try_call(worker<throws>, "the text");
            auto why = kit::failed(end, errc::job_threw);
            BOOST_TEST(kit::contains(why.what, "the text"));
            BOOST_TEST(kit::contains(why.what, "invalid_argument"));
            BOOST_TEST(kit::contains(why.worker, "throws"));
            BOOST_TEST(!why.process.empty());
            BOOST_TEST(why.attempt == 1);
            BOOST_TEST(why.exit_code == 0);
            BOOST_TEST(why.signal == 0);
            auto number = co_await server.async_try_call(worker<throws_a_number>, 3);
            kit::failed(number, errc::job_threw);
            auto stranger = co_await server.async_try_call(worker<throws_a_stranger>, 3);
            BOOST_TEST(kit::contains(kit::failed(stranger, errc::job_threw).what, "unknown_to_all"));
            int after = co_await server.async_call(worker<process_id>, 0);
            BOOST_TEST((before == after) == how.kept()); // a process outlives what its jobs throw
        });
    });
}

BOOST_AUTO_TEST_CASE(a_worker_that_crashes)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGTERM}) {
                auto end = co_await server.async_try_call(worker<raises>, signal);
                auto why = kit::failed(end, errc::process_crashed);
                BOOST_TEST(why.signal == signal);
                BOOST_TEST(why.exit_code == 0);
                BOOST_TEST(why.attempt == 1);
                BOOST_TEST(kit::contains(why.worker, "raises"));
                BOOST_TEST(!why.process.empty());
                BOOST_TEST(why.usage.peak_memory > 0u);
            }
            auto abort = co_await server.async_try_call(worker<aborts>, 1);
            BOOST_TEST(kit::failed(abort, errc::process_crashed).signal == SIGABRT);
            auto terminate = co_await server.async_try_call(worker<terminates>, 1);
            BOOST_TEST(kit::failed(terminate, errc::process_crashed).signal == SIGABRT);
            co_await goes_on(server);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_worker_that_exits)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            for (int status : {3, 0, 11}) { // 11 is no SIGSEGV
                auto at_once = co_await server.async_try_call(worker<exits_at_once>, status);
                auto why = kit::failed(at_once, errc::process_exited);
                BOOST_TEST(why.exit_code == status);
                BOOST_TEST(why.signal == 0);
                auto orderly = co_await server.async_try_call(worker<exits>, status);
                why = kit::failed(orderly, errc::process_exited);
                BOOST_TEST(why.exit_code == status);
                BOOST_TEST(why.signal == 0);
            }
            co_await goes_on(server);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_worker_that_takes_too_long)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .timeout = 30ms}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto busy = co_await server.async_try_call(worker<spins>, 0);
            auto why = kit::failed(busy, errc::timed_out);
            BOOST_TEST((why.code == boost::system::errc::timed_out));
            BOOST_TEST(kit::contains(why.worker, "spins"));
            auto asleep = co_await server.async_try_call(worker<sleeps>, 0);
            kit::failed(asleep, errc::timed_out);
            // What a task says of itself goes first.
            kit::gate gate{server.get_executor()};
            auto patient = task{worker<wait_at>, gate.path()}.timeout(0s);
            gate.open();
            BOOST_TEST(co_await server.async_call(patient) == 1);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_task_s_own_timeout)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto busy = task{worker<spins>, 0}.timeout(20ms);
            auto end = co_await server.async_try_call(busy);
            kit::failed(end, errc::timed_out);
            auto in_time = task{worker<good>, 1}.timeout(20s);
            BOOST_TEST(co_await server.async_call(in_time) == 2);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_worker_that_ignores_the_request_to_end)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .kill_after = 20ms}), [](wodehaus::job_server& server) -> awaitable<void> {
            wodehaus::failure why;
            for (auto limit = 20ms; why.signal != SIGKILL && limit < 60s; limit *= 4) { // until it comes to ignore it in time
                auto end = co_await server.async_try_call(task{worker<ignores_sigterm>, 0}.timeout(limit));
                why = kit::failed(end, errc::timed_out);
            }
            BOOST_TEST(why.signal == SIGKILL);
            co_await goes_on(server);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_full_queue)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .queue_limit = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::event done{server.get_executor()};
            int full = 0, results = 0, left = 20;
            auto handler = [&](std::exception_ptr, wodehaus::outcome<int> end) {
                if (end) {
                    ++results;
                } else {
                    kit::check(end.error(), errc::queue_full);
                    BOOST_TEST(end.error().process.empty());
                    ++full;
                }
                if (--left == 0)
                    done.set();
            };
            server.async_try_call(worker<wait_at>, gate.path(), handler);
            co_await gate.arrived();
            for (int i = 1; i < 20; ++i)
                server.async_try_call(worker<wait_at>, gate.path(), handler);
            gate.open_for_all();
            co_await done.wait();
            BOOST_TEST(results >= 3); // one ran, two waited; a process that takes jobs ahead has some more
            BOOST_TEST(results <= 7);
            BOOST_TEST(full == 20 - results);
            co_await goes_on(server);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_queue_that_is_full_before_the_run)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, {.queue_limit = 1}};
    std::vector<wodehaus::outcome<int>> ends;
    auto handler = [&](std::exception_ptr, wodehaus::outcome<int> end) {
        ends.push_back(std::move(end));
        if (ends.size() == 2)
            server.stop();
    };
    server.async_try_call(worker<good>, 1, handler);
    server.async_try_call(worker<good>, 2, handler);
    kit::run(context); // no run is needed to know that
    BOOST_REQUIRE(ends.size() == 1u);
    kit::failed(ends[0], errc::queue_full);
    server.async_run(kit::rethrow{});
    context.restart();
    kit::run(context);
    BOOST_REQUIRE(ends.size() == 2u);
    BOOST_TEST(ends[1].value() == 2);
}

BOOST_AUTO_TEST_CASE(jobs_and_results_that_are_too_large)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .max_message = 100'000}), [how](wodehaus::job_server& server) -> awaitable<void> {
            int before = co_await server.async_call(worker<process_id>, 0);
            std::string large(200'000, 'l');
            auto job = co_await server.async_try_call(worker<length>, large);
            auto why = kit::failed(job, errc::too_large);
            BOOST_TEST((why.code == boost::system::errc::message_size));
            BOOST_TEST(why.process.empty());
            auto result = co_await server.async_try_call(worker<repeat>, std::size_t{200'000});
            why = kit::failed(result, errc::too_large);
            BOOST_TEST(!why.process.empty());
            std::string fits(90'000, 'f');
            BOOST_TEST(co_await server.async_call(worker<length>, fits) == 90'000u);
            auto fitting = co_await server.async_call(worker<repeat>, std::size_t{90'000});
            BOOST_TEST(fitting.size() == 90'000u);
            int after = co_await server.async_call(worker<process_id>, 0);
            BOOST_TEST((before == after) == how.kept());
        });
    });
}

BOOST_AUTO_TEST_CASE(programs_that_cannot_be_started)
{
    kit::each(kit::both_launches, [](kit::way how) {
        for (auto program : {"/no/such/program", "/bin/true"}) {
            BOOST_TEST_INFO_SCOPE(program);
            kit::with_server(how({.program = program, .logger = {}}), [](wodehaus::job_server& server) -> awaitable<void> {
                auto end = co_await server.async_try_call(worker<good>, 1);
                auto why = kit::failed(end, errc::launch_failed);
                BOOST_TEST(why.process.empty());
            });
        }
    });
}

BOOST_AUTO_TEST_CASE(a_launcher)
{
    wodehaus::options how{.workers = 1, .launch = wodehaus::launch::exec, .launcher = {"nice", "-n", "5"}};
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        constexpr auto niceness = worker<[](int) { return ::getpriority(PRIO_PROCESS, 0); }>;
        BOOST_TEST(co_await server.async_call(niceness, 0) == ::getpriority(PRIO_PROCESS, 0) + 5);
        auto crash = co_await server.async_try_call(worker<raises>, SIGSEGV);
        BOOST_TEST(!crash);
        co_await goes_on(server);
    });
    how.launcher = {"/no/such/launcher"};
    how.logger = {};
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        auto end = co_await server.async_try_call(worker<good>, 1);
        kit::failed(end, errc::launch_failed);
    });
}

BOOST_AUTO_TEST_CASE(a_launcher_that_forks)
{
    // Our child is the launcher then. What it has started ends with the job all the same, and not only with the run.
    wodehaus::options how{.workers = 1, .launch = wodehaus::launch::exec, .jobs_per_process = 0, .kill_after = 100ms};
    how.launcher = {"sh", "-c", "\"$@\"; true", "sh"};
    for (bool another_group : {false, true}) {
        if (another_group)
            how.launcher = {"sh", "-c", "setsid -w \"$@\"; true", "sh"};
        kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
            int pid = co_await server.async_call(worker<process_id>, 0);
            int watched = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
            BOOST_REQUIRE(watched >= 0);
            auto slow = task{worker<sleeps>, 0}.timeout(50ms);
            auto end = co_await server.async_try_call(slow);
            BOOST_TEST(kit::failed(end, errc::timed_out).process == std::to_string(pid));
            pollfd gone{watched, POLLIN, 0};
            BOOST_TEST(::poll(&gone, 1, 10'000) == 1);
            ::close(watched);
            co_await goes_on(server);
        });
    }
}

BOOST_AUTO_TEST_CASE(further_attempts)
{
    kit::each_way([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 2, .attempts = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<succeeds_at>, 2) == 2);
            auto end = co_await server.async_try_call(worker<succeeds_at>, 3);
            auto why = kit::failed(end, errc::process_crashed);
            BOOST_TEST(why.attempt == 2);
            auto own = task{worker<succeeds_at>, 3}.attempts(3);
            BOOST_TEST(co_await server.async_call(own) == 3);
            auto once = task{worker<succeeds_at>, 2}.attempts(1);
            end = co_await server.async_try_call(once);
            BOOST_TEST(kit::failed(end, errc::process_crashed).attempt == 1);
            end = co_await server.async_try_call(worker<exits_at_once>, 4);
            BOOST_TEST(kit::failed(end, errc::process_exited).attempt == 2);
            auto slow = task{worker<sleeps>, 4}.timeout(10ms);
            end = co_await server.async_try_call(slow);
            BOOST_TEST(kit::failed(end, errc::timed_out).attempt == 2);
        });
        BOOST_TEST(summary.retried == 1u + 1 + 2 + 0 + 1 + 1);
        BOOST_TEST(summary.succeeded == 2u);
        BOOST_TEST(summary.failed == 4u);
    });
}

BOOST_AUTO_TEST_CASE(exceptions_are_not_tried_again_unless_asked)
{
    kit::each_way([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 2, .attempts = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto end = co_await server.async_try_call(worker<stops_throwing_at>, 2);
            BOOST_TEST(kit::failed(end, errc::job_threw).attempt == 1);
            auto again = task{worker<stops_throwing_at>, 2}.retry_exceptions();
            BOOST_TEST(co_await server.async_call(again) == 2);
            again.job = 4;
            end = co_await server.async_try_call(again);
            auto why = kit::failed(end, errc::job_threw);
            BOOST_TEST(why.attempt == 2);
            BOOST_TEST(kit::contains(why.what, "attempt 2"));
        });
        BOOST_TEST(summary.retried == 1u + 1);
    });
}

BOOST_AUTO_TEST_CASE(values_that_do_not_travel)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [how](wodehaus::job_server& server) -> awaitable<void> {
            int before = co_await server.async_call(worker<process_id>, 0);
            traitor loyal;
            auto fine = co_await server.async_call(worker<treason>, loyal);
            BOOST_TEST(fine.there);
            for (auto place : {traitor::saved_here, traitor::loaded_there, traitor::saved_there, traitor::loaded_here}) {
                BOOST_TEST_INFO_SCOPE("place " << place);
                traitor job;
                job.at = place;
                auto end = co_await server.async_try_call(worker<treason>, job);
                BOOST_REQUIRE(!end);
                auto why = end.error();
                bool saving = place == traitor::saved_here || place == traitor::saved_there;
                BOOST_TEST(kit::contains(why.what, saving ? "does not save" : "does not load"), kit::text_of(why));
                BOOST_TEST(kit::contains(why.worker, "treason"));
                if (!saving)
                    kit::check(why, errc::bad_message);
                auto [error, none] = co_await server.async_call(worker<treason>, job, asio::as_tuple(asio::use_awaitable));
                kit::failure_in(error);
            }
            half_read half;
            auto end = co_await server.async_try_call(worker<read_half>, half);
            kit::failed(end, errc::bad_message);
            int after = co_await server.async_call(worker<process_id>, 0);
            BOOST_TEST((before == after) == how.kept());
        });
    });
}

BOOST_AUTO_TEST_CASE(processes_that_stop_speaking)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .kill_after = 100ms}), [how](wodehaus::job_server& server) -> awaitable<void> {
            auto silent = co_await server.async_try_call(worker<closes_everything>, 0);
            // A result that went through the ring has arrived whole; by the channel none can.
            BOOST_TEST((!silent || how.prefetch > 0));
            if (!silent)
                BOOST_TEST((silent.error().code == errc::process_lost || silent.error().code == errc::process_exited ||
                            silent.error().code == errc::process_crashed),
                           kit::text_of(silent.error()));
            co_await goes_on(server);
            auto nonsense = co_await server.async_try_call(worker<scribbles>, 0);
            BOOST_REQUIRE(!nonsense);
            BOOST_TEST((nonsense.error().code == errc::bad_message || nonsense.error().code == errc::process_lost ||
                        nonsense.error().code == errc::process_exited),
                       kit::text_of(nonsense.error()));
            co_await goes_on(server);
            auto orphaned = co_await server.async_try_call(worker<grandchild_holds_all>, 0);
            BOOST_TEST(kit::failed(orphaned, errc::process_exited).exit_code == 7);
            co_await goes_on(server);
        });
    });
}

BOOST_AUTO_TEST_CASE(only_the_job_that_had_begun_fails)
{
    // The others of a kept process run elsewhere, and that counts no attempt; those before it keep their results.
    kit::each_way([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::event done{server.get_executor()};
            int left = 12;
            std::vector<int> attempts;
            auto handler = [&](std::exception_ptr error, int attempt) {
                BOOST_TEST(!error);
                attempts.push_back(attempt);
                if (--left == 0)
                    done.set();
            };
            for (int i = 0; i < 3; ++i)
                server.async_call(worker<attempt_number>, i, handler);
            server.async_try_call(worker<crash_at>, gate.path(), [&](std::exception_ptr, wodehaus::outcome<int> end) {
                kit::failed(end, errc::process_crashed);
                if (--left == 0)
                    done.set();
            });
            for (int i = 0; i < 8; ++i)
                server.async_call(worker<attempt_number>, i, handler);
            co_await gate.arrived();
            gate.open();
            co_await done.wait();
            BOOST_TEST((attempts == std::vector<int>(11, 1)));
        });
        BOOST_TEST(summary.succeeded == 11u);
        BOOST_TEST(summary.failed == 1u);
        BOOST_TEST(summary.retried == 0u);
    });
}

BOOST_AUTO_TEST_CASE(a_crowd_of_mishaps)
{
    kit::each_way([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 4}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::event done{server.get_executor()};
            int left = 30, results = 0;
            auto handler = [&](std::exception_ptr, wodehaus::outcome<int> end) {
                results += end.has_value();
                if (--left == 0)
                    done.set();
            };
            for (int i = 0; i < 5; ++i) {
                server.async_try_call(worker<good>, i, handler);
                server.async_try_call(worker<raises>, SIGSEGV, handler);
                server.async_try_call(worker<throws>, "mishap", handler);
                server.async_try_call(worker<exits_at_once>, i, handler);
                server.async_try_call(worker<aborts>, i, handler);
                server.async_try_call(worker<good>, i, handler);
            }
            co_await done.wait();
            BOOST_TEST(results == 10);
        });
        BOOST_TEST(summary.succeeded == 10u);
        BOOST_TEST(summary.failed == 20u);
    });
}

BOOST_AUTO_TEST_CASE(a_failure_is_printed_whole)
{
    kit::with_server({.workers = 1}, [](wodehaus::job_server& server) -> awaitable<void> {
        auto end = co_await server.async_try_call(worker<raises>, SIGSEGV);
        auto why = kit::failed(end, errc::process_crashed);
        std::ostringstream out;
        out << why;
        BOOST_TEST(kit::contains(out.str(), why.what));
        BOOST_TEST(kit::contains(out.str(), "raises"));
        BOOST_TEST(why.what.find('\n') == why.what.npos);
    });
}

BOOST_AUTO_TEST_CASE(codes)
{
    using wodehaus::make_error_code;
    for (int number = 1; number <= static_cast<int>(errc::not_initialised); ++number) {
        auto code = make_error_code(static_cast<errc>(number));
        BOOST_TEST(std::string{code.category().name()} == "wodehaus");
        BOOST_TEST(!code.message().empty());
        for (int other = 1; other < number; ++other)
            BOOST_TEST(code.message() != make_error_code(static_cast<errc>(other)).message());
    }
    boost::system::error_code code = errc::timed_out;
    BOOST_TEST((code == boost::system::errc::timed_out));
    BOOST_TEST((make_error_code(errc::canceled) == boost::system::errc::operation_canceled));
    BOOST_TEST((make_error_code(errc::out_of_memory) == boost::system::errc::not_enough_memory));
    BOOST_TEST((make_error_code(errc::too_large) == boost::system::errc::message_size));
    boost::system::error_code cancelled = asio::error::operation_aborted;
    BOOST_TEST((cancelled == errc::canceled));
    BOOST_TEST((cancelled != errc::stopped));
}

BOOST_AUTO_TEST_CASE(options_that_make_no_sense)
{
    asio::io_context context{1};
    auto refused = [&](wodehaus::options how, std::string const& name) {
        BOOST_TEST_INFO_SCOPE(name);
        try {
            wodehaus::basic_job_server<> server{context, std::move(how)};
            BOOST_ERROR("not refused");
        } catch (std::invalid_argument const& error) {
            BOOST_TEST(kit::contains(error.what(), name), error.what());
        }
    };
    refused({.workers = 0}, "workers");
    refused({.launch = wodehaus::launch{9}}, "launch");
    refused({.output = wodehaus::output{9}}, "output");
    refused({.launch = wodehaus::launch::fork, .program = "/bin/true"}, "program");
    refused({.launch = wodehaus::launch::in_process, .program = "/bin/true"}, "program");
    refused({.timeout = -1s}, "timeout");
    refused({.kill_after = -1s}, "kill_after");
    refused({.attempts = 0}, "attempts");
    refused({.max_message = 0}, "max_message");
    refused({.stop_signals = {SIGKILL}}, "stop_signals");
    refused({.launcher = {"nice"}}, "launcher");
    refused({.launch = wodehaus::launch::exec, .launcher = {""}}, "launcher");
    refused({.launch = wodehaus::launch::exec, .launcher = {"nice", std::string("-n\0 5", 5)}}, "launcher");
    refused({.keep_failed = std::string("/tmp/\0", 6)}, "keep_failed");
    kit::run(context);
}

BOOST_AUTO_TEST_CASE(tasks_that_make_no_sense)
{
    task job{worker<closes_everything>, 2};
    BOOST_CHECK_THROW(job.timeout(-1ns), std::invalid_argument);
    BOOST_CHECK_THROW(job.attempts(0), std::invalid_argument);
    BOOST_CHECK_THROW((task{worker<closes_everything>, 2}.attempts(-5)), std::invalid_argument);
    BOOST_TEST(!job.timeout(0ns).attempts(1).settings().timeout->count());
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
