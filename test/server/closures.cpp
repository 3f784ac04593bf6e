// Closures, and the launches whose workers share the server's memory.
#include "test/kit/files.hpp"
#include "test/kit/preload.hpp"

#include <wodehaus/process_name.hpp>
#include <wodehaus/this_job.hpp>

#include <boost/serialization/vector.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <latch>
#include <numeric>
#include <stop_token>
#include <thread>

#include <unistd.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::task, wodehaus::worker;

namespace {

constexpr kit::way sharing[] = {kit::fork_fresh, kit::fork_kept, kit::fork_ahead, kit::in_process};
constexpr kit::way forking[] = {kit::fork_fresh, kit::fork_kept, kit::fork_ahead};

int process_id(int)
{
    return ::getpid();
}

std::vector<int> shared_heap; // made in the server, seen in its forks

int sum_of_heap(int begin)
{
    return std::accumulate(shared_heap.begin(), shared_heap.end(), begin);
}

[[maybe_unused]] int allocates_and_prints(int number)
{
    std::vector<std::string> all;
    for (int i = 0; i < 200; ++i)
        all.emplace_back(static_cast<std::size_t>(i) * 37, 'x');
    std::fprintf(stdout, "%s", ""); // takes the stream's lock
    std::fflush(stdout);
    return number + static_cast<int>(all.size());
}

int waits_to_be_stopped(int)
{
    while (!wodehaus::this_job::stop_requested())
        std::this_thread::sleep_for(1ms);
    return 1;
}

} // namespace

BOOST_AUTO_TEST_SUITE(closures)

BOOST_AUTO_TEST_CASE(run_where_memory_is_shared)
{
    kit::each(sharing, [](kit::way how) {
        auto summary = kit::with_server(how({.workers = 2}), [how](wodehaus::job_server& server) -> awaitable<void> {
            std::atomic<int> seen{0}; // in process it is on two threads
            std::string text = "captured";
            auto closure = [&seen, text](int number) {
                seen = number;
                return text + " " + std::to_string(number);
            };
            BOOST_TEST(co_await server.async_call(closure, 1) == "captured 1");
            BOOST_TEST(seen == (how.launch == wodehaus::launch::in_process ? 1 : 0)); // a fork's memory is its own
            task again{closure, 2};
            BOOST_TEST(co_await server.async_call(again) == "captured 2");
            std::vector<int> numbers(20);
            std::iota(numbers.begin(), numbers.end(), 0);
            auto results = co_await server.async_map(closure, numbers);
            for (int i = 0; i < 20; ++i)
                BOOST_TEST(results[static_cast<std::size_t>(i)] == "captured " + std::to_string(i));
            auto nothing = [text](int) { return; };
            co_await server.async_call(nothing, 1);
        });
        BOOST_TEST(summary.succeeded == 23u);
    });
}

BOOST_AUTO_TEST_CASE(see_the_memory_of_their_call)
{
    // Not that of an earlier moment, at which some process happened to be made.
    kit::each(forking, [](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            for (int i = 1; i <= 5; ++i) {
                auto state = std::make_shared<int>(i);
                auto closure = [state](int number) { return *state * number; };
                BOOST_TEST(co_await server.async_call(closure, 10) == i * 10);
                BOOST_TEST(co_await server.async_call(worker<process_id>, 0) != ::getpid());
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(have_a_process_to_themselves)
{
    kit::each(forking, [](kit::way how) {
        kit::with_server(how({.workers = 1}), [how](wodehaus::job_server& server) -> awaitable<void> {
            int one = 1;
            auto closure = [one](int) { return one * ::getpid(); };
            int kept = co_await server.async_call(worker<process_id>, 0);
            int first = co_await server.async_call(closure, 0);
            int second = co_await server.async_call(closure, 0);
            int still = co_await server.async_call(worker<process_id>, 0);
            BOOST_TEST(first != kept);
            BOOST_TEST(second != first);
            BOOST_TEST((still == kept) == how.kept());
        });
    });
}

BOOST_AUTO_TEST_CASE(fail_like_other_workers)
{
    kit::each(forking, [](kit::way how) {
        kit::with_server(how({.workers = 2, .kill_after = 100ms}), [](wodehaus::job_server& server) -> awaitable<void> {
            int signal = SIGSEGV;
            auto crashes = [signal](int) { return ::raise(signal); };
            task twice{crashes, 0};
            twice.attempts(2);
            auto end = co_await server.async_try_call(twice);
            auto why = kit::failed(end, errc::process_crashed);
            BOOST_TEST(why.attempt == 2);
            BOOST_TEST(why.signal == SIGSEGV);
            auto throws = [signal](int) -> int { throw std::runtime_error{"thrown " + std::to_string(signal)}; };
            end = co_await server.async_try_call(throws, 0);
            BOOST_TEST(kit::contains(kit::failed(end, errc::job_threw).what, "thrown 11"));
            auto sleeps = [signal](int) { return ::pause() + signal; };
            task slow{sleeps, 0};
            slow.timeout(20ms);
            end = co_await server.async_try_call(slow);
            kit::failed(end, errc::timed_out);
        });
    });
}

BOOST_AUTO_TEST_CASE(elsewhere_it_is_told_where_they_run)
{
    kit::each(kit::both_launches, [](kit::way how) {
        kit::with_server(how(), [](wodehaus::job_server& server) -> awaitable<void> {
            int captured = 1;
            auto closure = [captured](int number) { return captured + number; };
            auto end = co_await server.async_try_call(closure, 1);
            auto why = kit::failed(end, errc::launch_failed);
            BOOST_TEST(kit::contains(why.what, "launch::fork"));
            BOOST_TEST(kit::contains(why.what, "launch::in_process"));
            BOOST_TEST(why.process.empty());
        });
    });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(forked)

BOOST_AUTO_TEST_CASE(shares_the_heap)
{
    kit::each(forking, [](kit::way how) {
        shared_heap.assign(100'000, 1);
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<sum_of_heap>, 5) == 100'005);
        });
        shared_heap.clear();
    });
}

BOOST_AUTO_TEST_CASE(writes_nothing_of_what_the_server_holds_back)
{
    kit::each(forking, [](kit::way how) {
        kit::folder folder;
        auto held = folder / "held";
        std::FILE* file = std::fopen(held.c_str(), "w");
        BOOST_REQUIRE(file);
        std::fputs("held back", file);
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            constexpr auto opens_many = worker<[](int number) { // one of them takes the number of the file above
                std::vector<std::FILE*> files;
                for (int i = 0; i < 20; ++i)
                    files.push_back(std::tmpfile());
                std::fflush(nullptr);
                long written = 0;
                for (auto* each : files)
                    written += std::ftell(each);
                return number + static_cast<int>(written);
            }>;
            BOOST_TEST(co_await server.async_call(opens_many, 1) == 1);
        });
        BOOST_TEST(kit::content_of(held) == "");
        std::fclose(file);
        BOOST_TEST(kit::content_of(held) == "held back");
    });
}

#ifndef KIT_ADDRESS_SANITIZER

BOOST_AUTO_TEST_CASE(while_other_threads_hold_locks)
{
    std::atomic<std::uint64_t> work{0};
    std::vector<std::jthread> threads;
    std::latch begun{3};
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&](std::stop_token enough) {
            std::FILE* nowhere = std::fopen("/dev/null", "w");
            begun.count_down();
            while (!enough.stop_requested()) {
                std::vector<std::string> pieces;
                for (std::size_t n = 0; n < 50; ++n)
                    pieces.emplace_back(n * 100, 'x');
                std::fprintf(nowhere, "%zu", pieces.size());
                wodehaus::process_name();
                ++work;
            }
            std::fclose(nowhere);
        });
    threads.emplace_back([&](std::stop_token enough) { // as one that waits in getline
        ::flockfile(stdin);
        begun.count_down();
        std::latch end{1};
        std::stop_callback at_end{enough, [&end] { end.count_down(); }};
        end.wait();
        ::funlockfile(stdin);
    });
    begun.wait();
    kit::each(forking, [](kit::way how) {
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<int> numbers(40, 1);
            auto results = co_await server.async_map(worker<allocates_and_prints>, numbers);
            BOOST_TEST((results == std::vector<int>(40, 201)));
        });
    });
    threads.clear();
    BOOST_TEST(work > 0u);
}

BOOST_AUTO_TEST_CASE(on_eight_threads)
{
    kit::each(forking, [](kit::way how) {
        asio::io_context context{8};
        wodehaus::basic_job_server<> server{context, how({.workers = 4})};
        std::atomic<int> right{0}, ended{0};
        constexpr int count = 40;
        server.async_run(kit::rethrow{});
        for (int i = 0; i < count; ++i) {
            auto closure = [i](int number) { return number + i; };
            server.async_call(closure, i, [&, i](std::exception_ptr error, int result) {
                right += !error && result == 2 * i;
                if (++ended == count)
                    server.stop();
            });
        }
        std::vector<std::jthread> threads;
        for (int i = 0; i < 8; ++i)
            threads.emplace_back([&] { context.run(); });
        threads.clear();
        BOOST_TEST(right == count);
    });
}

#endif

BOOST_AUTO_TEST_CASE(runs_nothing_of_the_server_at_its_end)
{
    static kit::folder const folder;
    static std::string const trace = folder / "trace";
    static pid_t const server_process = ::getpid();
    std::atexit([] {
        if (::getpid() != server_process)
            std::ofstream{trace} << "an exit handler ran in a fork";
    });
    kit::each(forking, [](kit::way how) {
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            int one = 1;
            auto closure = [one](int number) { return number + one; };
            BOOST_TEST(co_await server.async_call(closure, 1) == 2);
        });
    });
    BOOST_TEST(!std::filesystem::exists(trace));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(in_process)

BOOST_AUTO_TEST_CASE(threads_run_the_jobs)
{
    kit::nothing_left guard;
    kit::with_server(kit::in_process({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
        BOOST_TEST(co_await server.async_call(worker<process_id>, 0) == ::getpid());
        int one = 1;
        auto throws = [one](int) -> int { throw std::runtime_error{"thrown " + std::to_string(one)}; };
        auto end = co_await server.async_try_call(throws, 0);
        auto why = kit::failed(end, errc::job_threw);
        BOOST_TEST(kit::contains(why.what, "thrown 1"));
        BOOST_TEST(kit::contains(why.process, "thread"));
        auto asks = [one](int) { return wodehaus::this_job::id() != 0 && wodehaus::this_job::attempt() == one; };
        BOOST_TEST(co_await server.async_call(asks, 0));
        BOOST_TEST(wodehaus::this_job::id() == 0u);
        std::vector<int> numbers(200, 1);
        auto results = co_await server.async_map(worker<allocates_and_prints>, numbers);
        BOOST_TEST((results == std::vector<int>(200, 201)));
    });
}

BOOST_AUTO_TEST_CASE(a_timeout_only_asks)
{
    kit::nothing_left guard;
    kit::with_server(kit::in_process({.workers = 1, .kill_after = 10ms}), [](wodehaus::job_server& server) -> awaitable<void> {
        auto slow = task{worker<waits_to_be_stopped>, 0}.timeout(20ms);
        auto end = co_await server.async_try_call(slow);
        kit::failed(end, errc::timed_out);
        BOOST_TEST(co_await server.async_call(worker<process_id>, 0) == ::getpid()); // on another thread
    });
}

BOOST_AUTO_TEST_CASE(is_cancelled_stopped_terminated_and_destroyed)
{
    kit::nothing_left guard;
    for (int how = 0; how < 3; ++how) {
        asio::io_context context{1};
        auto server = std::make_unique<wodehaus::basic_job_server<>>(context, kit::in_process({.workers = 1}));
        asio::cancellation_signal signal;
        boost::system::error_code code;
        server->async_run([](std::exception_ptr, wodehaus::run_summary) {});
        kit::gate gate{context.get_executor()};
        auto arrives_and_waits = [path = gate.path()](int number) {
            kit::arrive(path);
            return waits_to_be_stopped(number);
        };
        server->async_call(arrives_and_waits, 0,
                           asio::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr error, int) {
                               code = kit::code_in(error);
                               if (server)
                                   server->stop();
                           }));
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                switch (how) {
                case 0:
                    signal.emit(asio::cancellation_type::terminal);
                    break;
                case 1:
                    server->terminate();
                    break;
                case 2:
                    server.reset();
                }
            },
            kit::rethrow{});
        kit::run(context);
        if (how == 1)
            BOOST_TEST((code == errc::stopped));
        else
            BOOST_TEST((code == asio::error::operation_aborted));
    }
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
