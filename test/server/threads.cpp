// A server used from several threads, on a context that several threads run.
#include "test/kit/preload.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/serialization/vector.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <thread>

namespace asio = boost::asio;
using wodehaus::worker;

namespace {

int half(int number)
{
    return number % 2 ? throw std::invalid_argument{"odd"} : number / 2;
}
int aborts(int)
{
    std::abort();
}
int sleeps(int)
{
    for (;;)
        ::pause();
}

/// A context that several threads run, for as long as there is work.
class crew {
public:
    asio::io_context context{4};

    void run(int count = 4)
    {
        std::vector<std::thread> threads;
        std::atomic<int> unfinished{0};
        for (int i = 0; i < count; ++i)
            threads.emplace_back([&] {
                context.run_for(std::chrono::seconds{60});
                unfinished += !context.stopped();
            });
        for (auto& each : threads)
            each.join();
        BOOST_REQUIRE_MESSAGE(unfinished == 0, "there is work left");
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(threads, kit::nothing_left)

BOOST_AUTO_TEST_CASE(a_thousand_calls_from_several_threads)
{
    kit::each(std::array{kit::zygote_kept, kit::zygote_ahead, kit::exec_ahead}, [](kit::way how) {
        crew my;
        wodehaus::basic_job_server<> server{my.context, how({.workers = 4})};
        constexpr int callers = 4, each = 250;
        std::atomic<int> left{callers * each}, wrong{0}, run_ended{0}, late{0};
        server.async_run([&](std::exception_ptr error, wodehaus::run_summary summary) {
            wrong += error != nullptr || summary.succeeded + summary.failed != callers * each;
            ++run_ended;
        });
        std::vector<std::thread> threads;
        for (int caller = 0; caller < callers; ++caller)
            threads.emplace_back([&, caller] {
                for (int i = 0; i < each; ++i) {
                    int job = caller * each + i;
                    server.async_try_call(worker<half>, job, [&, job](std::exception_ptr, wodehaus::outcome<int> end) {
                        late += run_ended;
                        if (job % 2)
                            wrong += end.has_value();
                        else
                            wrong += !end.has_value() || *end != job / 2;
                        if (--left == 0)
                            server.stop();
                    });
                    if (server.stats().running > 4 * 4)
                        ++wrong;
                }
            });
        my.run();
        for (auto& thread : threads)
            thread.join();
        BOOST_TEST(left == 0);
        BOOST_TEST(wrong == 0);
        BOOST_TEST(run_ended == 1);
    });
}

BOOST_AUTO_TEST_CASE(fresh_processes_from_a_program_with_threads)
{
    kit::each(kit::launches_beside_threads, [](kit::way how) {
        crew my;
        wodehaus::basic_job_server<> server{my.context, how({.workers = 4})};
        std::atomic<int> left{80}, wrong{0};
        server.async_run([](std::exception_ptr, wodehaus::run_summary) {});
        for (int i = 0; i < 40; ++i) {
            server.async_try_call(worker<half>, 2 * i, [&, i](std::exception_ptr, wodehaus::outcome<int> end) {
                wrong += !end.has_value() || *end != i;
                if (--left == 0)
                    server.stop();
            });
            server.async_try_call(worker<aborts>, i, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                wrong += end.has_value() || end.error().signal != SIGABRT;
                if (--left == 0)
                    server.stop();
            });
        }
        my.run();
        BOOST_TEST(left == 0);
        BOOST_TEST(wrong == 0);
    });
}

BOOST_AUTO_TEST_CASE(several_servers_on_one_context)
{
    kit::each(kit::launches_beside_threads, [](kit::way how) {
        crew my;
        std::vector<std::unique_ptr<wodehaus::basic_job_server<>>> servers;
        std::vector<std::future<std::vector<int>>> results;
        std::vector<int> numbers{2, 4, 6, 8};
        for (int i = 0; i < 4; ++i) {
            servers.push_back(std::make_unique<wodehaus::basic_job_server<>>(my.context, how({.workers = 2})));
            auto& server = *servers.back();
            server.async_run([](std::exception_ptr, wodehaus::run_summary) {});
            results.push_back(server.async_map(worker<half>, numbers,
                                               asio::use_future([&server](std::exception_ptr, std::vector<int> halves) {
                                                   server.stop();
                                                   return halves;
                                               })));
        }
        my.run();
        for (auto& result : results)
            BOOST_TEST((result.get() == std::vector{1, 2, 3, 4}));
    });
}

BOOST_AUTO_TEST_CASE(stop_and_terminate_from_anywhere)
{
    kit::each(kit::launches_beside_threads, [](kit::way how) {
        for (bool hard : {false, true}) {
            crew my;
            wodehaus::basic_job_server<> server{my.context, how({.workers = 2})};
            std::atomic<int> ended{0};
            std::atomic<bool> run_ended{false};
            server.async_run([&](std::exception_ptr, wodehaus::run_summary) { run_ended = true; });
            for (int i = 0; i < 50; ++i)
                server.async_try_call(worker<half>, 2, [&](std::exception_ptr, wodehaus::outcome<int>) {
                    if (++ended == 5)
                        std::thread{[&] { hard ? server.terminate() : server.stop(); }}.join();
                });
            my.run();
            BOOST_TEST(ended == 50);
            BOOST_TEST(run_ended);
        }
    });
}

BOOST_AUTO_TEST_CASE(cancelled_from_a_strand)
{
    // A signal is used on the executor of its handler.
    kit::each(kit::launches_beside_threads, [](kit::way how) {
        crew my;
        wodehaus::basic_job_server<> server{my.context, how({.workers = 2})};
        auto strand = asio::make_strand(my.context);
        std::atomic<int> cancelled{0};
        std::vector<asio::cancellation_signal> signals(20);
        server.async_run([](std::exception_ptr, wodehaus::run_summary) {});
        for (auto& signal : signals)
            asio::post(strand, [&] {
                server.async_try_call(
                    worker<sleeps>, 1,
                    asio::bind_cancellation_slot(
                        signal.slot(),
                        asio::bind_executor(strand, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                            cancelled += !end && end.error().code == wodehaus::errc::canceled;
                            if (cancelled == 20)
                                server.stop();
                        })));
                asio::post(strand, [&] { signal.emit(asio::cancellation_type::terminal); });
            });
        my.run();
        BOOST_TEST(cancelled == 20);
    });
}

BOOST_AUTO_TEST_CASE(a_call_s_handler_comes_before_its_run_s)
{
    crew my;
    auto strand = asio::make_strand(my.context);
    // A thread that has nothing to do ends at once: nothing here is left to kill_after.
    wodehaus::basic_job_server<> server{my.context, kit::in_process({.workers = 2, .kill_after = std::chrono::hours{1}})};
    constexpr int runs = 500;
    int answered = 0, ended = 0, wrong = 0;
    std::function<void()> run = [&] {
        server.async_run(asio::bind_executor(strand, [&](std::exception_ptr, wodehaus::run_summary) {
            wrong += answered != 5 * ++ended;
            if (ended < runs)
                run();
        }));
        for (int i = 0; i < 5; ++i) // most of them are stopped, just before the run ends
            server.async_try_call(worker<half>, 2, asio::bind_executor(strand, [&](std::exception_ptr, wodehaus::outcome<int>) {
                                      ++answered;
                                  }));
        server.stop();
    };
    run();
    my.run();
    BOOST_TEST(ended == runs);
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_call_s_handler_may_wait_for_its_run)
{
    crew my;
    wodehaus::basic_job_server<> server{my.context, kit::in_process({.workers = 1})};
    std::promise<void> ended;
    auto end = ended.get_future();
    std::atomic<bool> came{false};
    server.async_run([&](std::exception_ptr, wodehaus::run_summary) { ended.set_value(); });
    server.async_try_call(worker<half>, 2, [&](std::exception_ptr, wodehaus::outcome<int>) {
        server.stop();
        came = end.wait_for(std::chrono::seconds{60}) == std::future_status::ready;
    });
    my.run();
    BOOST_TEST(came);
}

BOOST_AUTO_TEST_CASE(a_run_whose_calls_go_through_another_context_keeps_its_own_busy)
{
    asio::io_context ours, other;
    wodehaus::basic_job_server<> server{ours, kit::in_process({.workers = 1})};
    std::vector<std::string> order;
    server.async_run(asio::bind_executor(other, [&](std::exception_ptr, wodehaus::run_summary) { order.push_back("run"); }));
    server.async_try_call(worker<half>, 2, asio::bind_executor(other, [&](std::exception_ptr, wodehaus::outcome<int>) {
                              order.push_back("call");
                          }));
    server.stop();
    while (ours.run_one_for(std::chrono::milliseconds{50})) {
    }
    BOOST_REQUIRE(!ours.stopped());
    std::thread beside{[&] { other.run(); }};
    ours.run();
    beside.join();
    BOOST_TEST(order == (std::vector<std::string>{"call", "run"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_server_s_parts_are_never_two_at_once)
{
    kit::each(kit::launches_beside_threads, [](kit::way how) {
        crew my;
        std::atomic<int> inside{0}, wrong{0}, calls{0};
        auto alone = [&] {
            wrong += ++inside != 1;
            std::this_thread::yield();
            --inside;
            ++calls;
        };
        wodehaus::basic_job_server<> server{
            my.context, how({.workers = 4, .logger = [&](wodehaus::level, std::string_view) { alone(); }})};
        auto producer = [&, left = 60]() mutable -> std::optional<wodehaus::task_of<half>> {
            alone();
            if (left == 0)
                return std::nullopt;
            return wodehaus::task{worker<half>, left--};
        };
        server.async_run(producer, [&](int, int) { alone(); }, [](std::exception_ptr, wodehaus::run_summary) {});
        my.run();
        BOOST_TEST(wrong == 0);
        BOOST_TEST(calls >= 61 + 30);
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
