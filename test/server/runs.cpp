// Runs: producers and consumers of every form, and how a run begins and ends.
#include "test/kit/preload.hpp"

#include <wodehaus/this_job.hpp>

#include <boost/serialization/vector.hpp>

#include <semaphore>
#include <set>
#include <thread>
#include <variant>

namespace asio = boost::asio;
using asio::awaitable;
using wodehaus::run_summary, wodehaus::task, wodehaus::task_of, wodehaus::worker;
using kit::errc;

namespace {

int half(int number)
{
    return number % 2 ? throw std::invalid_argument{"odd"} : number / 2;
}
std::size_t length(std::string const& text)
{
    return text.size();
}
void nothing(int number)
{
    if (number < 0)
        throw std::invalid_argument{"negative"};
}
int wait_at(std::string const& gate)
{
    kit::pass(gate);
    return 1;
}
int crash_at_first(int number)
{
    if (wodehaus::this_job::attempt() == 1)
        std::abort();
    return number;
}

/// 2, 4, ... up to 2 * count.
struct even_numbers {
    int count, given = 0;
    std::optional<task_of<half>> operator()()
    {
        if (given == count)
            return std::nullopt;
        return task{worker<half>, 2 * ++given};
    }
};

/// How a run ended.
struct end_of_run {
    std::exception_ptr error;
    run_summary summary;
    bool ended = false;

    auto handler()
    {
        return [this](std::exception_ptr why, run_summary figures) {
            BOOST_TEST(!ended);
            error = why;
            summary = figures;
            ended = true;
        };
    }
};

/// A whole run over a producer, on a server of its own.
template <class Producer, class Consumer>
end_of_run run_over(wodehaus::options how, Producer producer, Consumer consumer)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, std::move(how)};
    end_of_run end;
    server.async_run(std::move(producer), std::move(consumer), end.handler());
    kit::run(context);
    BOOST_TEST(end.ended);
    return end;
}

bool threw(std::exception_ptr const& error, std::string const& what)
{
    try {
        if (error)
            std::rethrow_exception(error);
    } catch (std::exception const& thrown) {
        return thrown.what() == what;
    }
    return false;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(runs, kit::nothing_left)

// ---- producers

BOOST_AUTO_TEST_CASE(a_producer_of_tasks)
{
    kit::each_way([](kit::way how) {
        std::set<int> numbers;
        auto end = run_over(how({.workers = 2}), even_numbers{20}, [&](int number, int result) {
            BOOST_TEST(result == number / 2);
            BOOST_TEST(numbers.insert(number).second);
        });
        BOOST_TEST(!end.error);
        BOOST_TEST(numbers.size() == 20u);
        BOOST_TEST(end.summary.succeeded == 20u);
        BOOST_TEST(end.summary.failed == 0u);
        BOOST_TEST((end.summary.elapsed > std::chrono::nanoseconds{0}));
        BOOST_TEST(end.summary.usage.peak_memory > 0u);
    });
}

BOOST_AUTO_TEST_CASE(a_producer_of_variants_and_a_consumer_of_overloads)
{
    using either = std::variant<task_of<length>, task_of<half>, task_of<nothing>>;
    kit::each_way([](kit::way how) {
        struct sums {
            int results = 0, failures = 0, empty = 0;
            std::size_t lengths = 0;
        } sum;
        struct consumer_type {
            sums& to;
            void operator()(std::string const& text, std::size_t result) const
            {
                BOOST_TEST(text.size() == result);
                to.lengths += result;
            }
            void operator()(int number, wodehaus::outcome<int> result) const
            {
                if (result) {
                    BOOST_TEST(*result == number / 2);
                    ++to.results;
                } else {
                    kit::failed(result, errc::job_threw);
                    ++to.failures;
                }
            }
            void operator()(int const&) const { ++to.empty; }
        };
        auto producer = [left = 12]() mutable -> std::optional<either> {
            if (left == 0)
                return std::nullopt;
            --left;
            if (left % 3 == 0)
                return task{worker<length>, std::string(std::size_t(left), 'x')};
            if (left % 3 == 1)
                return task{worker<half>, left}.priority(1);
            return task{worker<nothing>, left};
        };
        auto end = run_over(how(), producer, consumer_type{sum});
        BOOST_TEST(!end.error);
        BOOST_TEST(sum.lengths == 0u + 3 + 6 + 9);
        BOOST_TEST(sum.results == 2);  // 4, 10
        BOOST_TEST(sum.failures == 2); // 1, 7
        BOOST_TEST(sum.empty == 4);
        BOOST_TEST(end.summary.succeeded == 10u);
        BOOST_TEST(end.summary.failed == 2u);
    });
}

BOOST_AUTO_TEST_CASE(a_producer_that_is_a_coroutine)
{
    kit::each_way([](kit::way how) {
        int sum = 0;
        auto producer = [left = 10]() mutable -> awaitable<std::optional<task_of<half>>> {
            asio::steady_timer timer{co_await asio::this_coro::executor};
            timer.expires_after(std::chrono::microseconds{10});
            co_await timer.async_wait(asio::use_awaitable);
            std::optional<task_of<half>> next;
            if (left)
                next = task{worker<half>, 2 * left--};
            co_return next;
        };
        auto end = run_over(how(), producer, [&](int, int result) { sum += result; });
        BOOST_TEST(!end.error);
        BOOST_TEST(sum == 55);
    });
}

BOOST_AUTO_TEST_CASE(a_coroutine_that_throws_stop)
{
    auto producer = [left = 3]() mutable -> awaitable<std::optional<task_of<half>>> {
        if (left == 0)
            throw wodehaus::stop{};
        std::optional next{task{worker<half>, 2 * left--}};
        co_return next;
    };
    int sum = 0;
    auto end = run_over({}, producer, [&](int, int result) { sum += result; });
    BOOST_TEST(!end.error);
    BOOST_TEST(sum == 6);
}

BOOST_AUTO_TEST_CASE(a_producer_that_blocks)
{
    kit::each_launch([](kit::way how) {
        // It cannot go on before the consumer has had the task before.
        std::counting_semaphore<> consumed{1};
        std::set<std::thread::id> threads;
        int sum = 0;
        auto producer = [&, left = 5]() mutable -> std::optional<task_of<half>> {
            consumed.acquire();
            threads.insert(std::this_thread::get_id());
            if (left == 0)
                return std::nullopt;
            return task{worker<half>, 2 * left--};
        };
        auto end = run_over(how(), wodehaus::blocking(producer), [&](int, int result) {
            sum += result;
            consumed.release();
        });
        BOOST_TEST(!end.error);
        BOOST_TEST(sum == 15);
        BOOST_TEST(threads.size() == 1u);
        BOOST_TEST(!threads.count(std::this_thread::get_id()));
    });
}

BOOST_AUTO_TEST_CASE(a_producer_that_throws_stop)
{
    kit::each_way([](kit::way how) {
        int sum = 0;
        auto producer = [left = 3]() mutable {
            if (left == 0)
                throw wodehaus::stop{};
            return std::optional{task{worker<half>, 2 * left--}};
        };
        auto end = run_over(how(), producer, [&](int, int result) { sum += result; });
        BOOST_TEST(!end.error);
        BOOST_TEST(sum == 6);
    });
}

BOOST_AUTO_TEST_CASE(a_producer_without_tasks)
{
    auto end = run_over({}, even_numbers{0}, [](int, int) { BOOST_ERROR("there is nothing to consume"); });
    BOOST_TEST(!end.error);
    BOOST_TEST(end.summary.succeeded == 0u);
}

BOOST_AUTO_TEST_CASE(a_producer_that_throws)
{
    // What runs finishes and is consumed; then the run completes with what the producer threw.
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 2})};
        kit::gate gate{context.get_executor()};
        end_of_run end;
        int sum = 0;
        auto producer = [&, calls = 0]() mutable -> std::optional<task_of<wait_at>> {
            if (++calls == 1)
                return task{worker<wait_at>, gate.path()};
            throw std::runtime_error{"no more"};
        };
        auto consumer = [&](std::string const&, int result) {
            BOOST_TEST(!end.ended);
            sum += result;
        };
        server.async_run(producer, consumer, end.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                BOOST_TEST(!end.ended);
                gate.open();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(sum == 1);
        BOOST_TEST(threw(end.error, "no more"));
        BOOST_TEST(end.summary.succeeded == 1u);
    });
}

BOOST_AUTO_TEST_CASE(coroutines_and_threads_that_throw)
{
    auto throwing = []() -> awaitable<std::optional<task_of<half>>> {
        throw std::runtime_error{"from a coroutine"};
        co_return std::nullopt;
    };
    BOOST_TEST(threw(run_over({}, throwing, wodehaus::ignore).error, "from a coroutine"));
    auto blocking = wodehaus::blocking([]() -> std::optional<task_of<half>> { throw std::runtime_error{"from a thread"}; });
    BOOST_TEST(threw(run_over({}, blocking, wodehaus::ignore).error, "from a thread"));
}

BOOST_AUTO_TEST_CASE(a_producer_is_called_only_when_a_process_can_take_the_task)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 2})};
        kit::gate gate{context.get_executor()};
        end_of_run end;
        int produced = 0, consumed = 0;
        auto producer = [&]() -> std::optional<task_of<wait_at>> {
            if (produced == 6)
                return std::nullopt;
            ++produced;
            return task{worker<wait_at>, gate.path()};
        };
        server.async_run(producer, [&](std::string const&, int) { ++consumed; }, end.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                co_await gate.arrived();
                BOOST_TEST(produced == 2);
                gate.open();
                co_await gate.arrived();
                BOOST_TEST(produced == 3);
                BOOST_TEST(consumed == 1);
                gate.open_for_all();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(!end.error);
        BOOST_TEST(consumed == 6);
    });
}

BOOST_AUTO_TEST_CASE(a_producer_that_is_suspended_holds_nobody)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1})};
        kit::event go{context.get_executor()};
        end_of_run end;
        int sum = 0;
        auto producer = [&, calls = 0]() mutable -> awaitable<std::optional<task_of<half>>> {
            std::optional<task_of<half>> next;
            if (++calls == 1) {
                co_await go.wait();
                next = task{worker<half>, 4};
            }
            co_return next;
        };
        server.async_run(producer, [&](int, int result) { sum += result; }, end.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                for (int i = 0; i < 3; ++i)
                    BOOST_TEST(co_await server.async_call(worker<half>, 6, asio::use_awaitable) == 3);
                BOOST_TEST(sum == 0);
                go.set();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(sum == 2);
        BOOST_TEST(end.summary.succeeded == 4u);
    });
}

BOOST_AUTO_TEST_CASE(stop_cancels_a_producer_that_waits)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how()};
        end_of_run end;
        bool cancelled = false;
        auto producer = [&]() -> awaitable<std::optional<task_of<half>>> {
            asio::steady_timer never{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
            asio::post(context, [&] { server.stop(); });
            try {
                co_await never.async_wait(asio::use_awaitable);
            } catch (boost::system::system_error const& error) {
                cancelled = error.code() == asio::error::operation_aborted;
                throw;
            }
            co_return std::nullopt;
        };
        server.async_run(producer, wodehaus::ignore, end.handler());
        kit::run(context);
        BOOST_TEST(cancelled);
        BOOST_TEST(end.ended);
        BOOST_TEST(!end.error);
    });
}

BOOST_AUTO_TEST_CASE(stop_reaches_a_blocking_producer_that_takes_a_stop_token)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    end_of_run end;
    int sum = 0;
    auto producer = [calls = 0](std::stop_token stopping) mutable -> std::optional<task_of<half>> {
        if (++calls == 1)
            return task{worker<half>, 4};
        std::binary_semaphore asked{0};
        std::stop_callback tell{stopping, [&] { asked.release(); }};
        asked.acquire();
        return std::nullopt;
    };
    server.async_run(wodehaus::blocking(producer),
                     [&](int, int result) {
                         sum += result;
                         server.stop();
                     },
                     end.handler());
    kit::run(context);
    BOOST_TEST(!end.error);
    BOOST_TEST(sum == 2);
}

BOOST_AUTO_TEST_CASE(stop_waits_for_a_blocking_producer_that_takes_none)
{
    asio::io_context context{1};
    kit::lines log;
    auto held = std::make_shared<std::counting_semaphore<>>(0);
    wodehaus::basic_job_server<> server{context, {.logger = [&, logger = log.logger()](wodehaus::level level, std::string_view line) {
                                                      logger(level, line);
                                                      if (kit::contains(line, "producer"))
                                                          held->release(); // the log tells for whom the run waits
                                                  }}};
    end_of_run end;
    auto producer = [held, calls = 0]() mutable -> std::optional<task_of<half>> {
        if (++calls == 1)
            return task{worker<half>, 4};
        held->acquire();
        return std::nullopt;
    };
    server.async_run(wodehaus::blocking(producer), [&](int, int) { server.stop(); }, end.handler());
    kit::run(context);
    BOOST_TEST(!end.error);
    BOOST_TEST(log.infos().size() + log.errors().size() >= 1u);
}

BOOST_AUTO_TEST_CASE(terminate_does_not_wait_for_a_blocking_producer)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    struct state {
        std::binary_semaphore consumed{0}, held{0}, left{0};
        std::atomic<int> calls{0};
    };
    auto shared = std::make_shared<state>(); // the producer's own: it may outlive the run
    end_of_run end;
    auto producer = [shared, &server]() -> std::optional<task_of<half>> {
        if (++shared->calls == 1)
            return task{worker<half>, 4};
        shared->consumed.acquire();
        server.terminate();
        shared->held.acquire();
        shared->left.release();
        return task{worker<half>, 6}; // nobody wants it any more
    };
    int sum = 0;
    server.async_run(wodehaus::blocking(producer),
                     [&](int, int result) {
                         sum += result;
                         shared->consumed.release();
                     },
                     end.handler());
    kit::run(context);
    BOOST_TEST(end.ended);
    BOOST_TEST(!end.error);
    shared->held.release();
    shared->left.acquire();
    BOOST_TEST(sum == 2);
    BOOST_TEST(shared->calls == 2);
}

BOOST_AUTO_TEST_CASE(many_tasks_at_once)
{
    kit::each_way([](kit::way how) {
        int consumed = 0;
        auto end = run_over(how({.workers = 4}), even_numbers{40}, [&](int, int) { ++consumed; });
        BOOST_TEST(consumed == 40);
        BOOST_TEST(end.summary.succeeded == 40u);
    });
}

// ---- consumers

BOOST_AUTO_TEST_CASE(a_consumer_of_outcomes)
{
    kit::each_way([](kit::way how) {
        int results = 0, failures = 0;
        auto producer = [left = 6]() mutable -> std::optional<task_of<half>> {
            if (left == 0)
                return std::nullopt;
            return task{worker<half>, left--};
        };
        auto end = run_over(how(), producer, [&](int number, wodehaus::outcome<int> result) {
            BOOST_TEST(result.has_value() == (number % 2 == 0));
            ++(result ? results : failures);
        });
        BOOST_TEST(results == 3);
        BOOST_TEST(failures == 3);
        BOOST_TEST(end.summary.failed == 3u);
    });
}

BOOST_AUTO_TEST_CASE(a_consumer_of_results_is_not_told_of_failures)
{
    kit::each_launch([](kit::way how) {
        kit::lines log;
        int results = 0;
        auto producer = [left = 6]() mutable -> std::optional<task_of<half>> {
            if (left == 0)
                return std::nullopt;
            return task{worker<half>, left--};
        };
        auto end = run_over(how({.logger = log.logger()}), producer, [&](int, int) { ++results; });
        BOOST_TEST(!end.error);
        BOOST_TEST(results == 3);
        BOOST_TEST(end.summary.failed == 3u);
        std::size_t told = 0;
        for (auto& line : log.errors())
            told += kit::contains(line, "odd");
        BOOST_TEST(told == 3u);
    });
}

BOOST_AUTO_TEST_CASE(workers_that_return_nothing)
{
    auto producer = [left = 3]() mutable -> std::optional<task_of<nothing>> {
        if (left < 0)
            return std::nullopt;
        return task{worker<nothing>, left--};
    };
    int consumed = 0;
    auto end = run_over({}, producer, [&](int) { ++consumed; });
    BOOST_TEST(consumed == 4);
    int outcomes = 0;
    end = run_over({}, producer, [&](int, wodehaus::outcome<void> done) { outcomes += done.has_value(); });
    BOOST_TEST(outcomes == 4);
}

BOOST_AUTO_TEST_CASE(a_consumer_that_is_a_coroutine)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how()};
        int consumed = 0, inside = 0;
        end_of_run end;
        auto consumer = [&](int, int) -> awaitable<void> {
            BOOST_TEST(++inside == 1); // one after another
            asio::steady_timer timer{co_await asio::this_coro::executor};
            timer.expires_after(std::chrono::microseconds{10});
            co_await timer.async_wait(asio::use_awaitable);
            --inside;
            ++consumed;
        };
        server.async_run(even_numbers{20}, consumer, end.handler());
        kit::run(context);
        BOOST_TEST(!end.error);
        BOOST_TEST(consumed == 20); // also the last before the run ends
    });
}

BOOST_AUTO_TEST_CASE(a_slow_consumer_holds_the_producer_back)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 2})}, meanwhile{context};
        int produced = 0, consumed = 0;
        end_of_run end;
        meanwhile.async_run(kit::rethrow{});
        auto producer = [&]() -> std::optional<task_of<half>> {
            if (produced == 30)
                return std::nullopt;
            return task{worker<half>, 2 * ++produced};
        };
        auto consumer = [&](int, int) -> awaitable<void> {
            if (++consumed == 1) { // as long as fifteen jobs of another server take
                std::vector<int> numbers(15, 2);
                co_await meanwhile.async_map(worker<half>, numbers, asio::use_awaitable);
                int at_work = static_cast<int>(2 * (1 + how.prefetch));
                BOOST_TEST(produced <= 2 * at_work + 1);
                meanwhile.stop();
            }
        };
        server.async_run(producer, consumer, end.handler());
        kit::run(context);
        BOOST_TEST(consumed == 30);
    });
}

BOOST_AUTO_TEST_CASE(without_a_consumer)
{
    kit::lines log;
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, {.logger = log.logger()}};
    end_of_run end;
    auto producer = [left = 4]() mutable -> std::optional<task_of<half>> {
        if (left == 0)
            return std::nullopt;
        return task{worker<half>, left--};
    };
    server.async_run(producer, end.handler());
    kit::run(context);
    BOOST_TEST(end.summary.succeeded == 2u);
    BOOST_TEST(end.summary.failed == 2u);
    BOOST_TEST(log.errors().size() == 2u);

    end = run_over({.logger = log.logger()}, producer, wodehaus::ignore);
    BOOST_TEST(end.summary.succeeded == 2u);
    BOOST_TEST(end.summary.failed == 2u);
    BOOST_TEST(log.errors().size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_consumer_that_throws_terminates_the_run)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 2})};
        kit::gate never{context.get_executor()};
        end_of_run end;
        std::exception_ptr call_ended;
        // A call runs that would never end; then the run gets its first result.
        auto go = std::make_shared<kit::event>(context.get_executor());
        auto producer = [&, go]() -> awaitable<std::optional<task_of<half>>> {
            co_await go->wait();
            std::optional next{task{worker<half>, 4}};
            co_return next;
        };
        server.async_run(producer, [](int, int) { throw std::runtime_error{"enough"}; }, end.handler());
        server.async_call(worker<wait_at>, never.path(), [&](std::exception_ptr error, int) {
            BOOST_TEST(!end.ended);
            call_ended = error;
        });
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await never.arrived();
                go->set();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(threw(end.error, "enough"));
        kit::check(kit::failure_in(call_ended), errc::stopped);
    });
}

BOOST_AUTO_TEST_CASE(a_coroutine_consumer_that_throws)
{
    auto consumer = [](int, int) -> awaitable<void> {
        asio::steady_timer timer{co_await asio::this_coro::executor};
        timer.expires_after(std::chrono::microseconds{1});
        co_await timer.async_wait(asio::use_awaitable);
        throw std::runtime_error{"enough"};
    };
    kit::each_launch([&](kit::way how) { BOOST_TEST(threw(run_over(how(), even_numbers{1000}, consumer).error, "enough")); });
}

BOOST_AUTO_TEST_CASE(terminate_ends_a_consumer_that_is_suspended)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 2})};
        end_of_run end;
        kit::event suspended{context.get_executor()};
        int cancelled = 0;
        auto consumer = [&](int, wodehaus::outcome<int>) -> awaitable<void> {
            asio::steady_timer never{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
            suspended.set();
            try {
                co_await never.async_wait(asio::use_awaitable);
            } catch (boost::system::system_error const& error) {
                cancelled += error.code() == asio::error::operation_aborted;
                throw;
            }
        };
        server.async_run(even_numbers{20}, consumer, end.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await suspended.wait();
                server.terminate();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(!end.error); // terminated as it was asked to be
        BOOST_TEST(cancelled >= 1);
    });
}

BOOST_AUTO_TEST_CASE(destruction_ends_a_consumer_that_is_suspended)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        auto server = std::make_unique<wodehaus::basic_job_server<>>(context, how({.workers = 2}));
        end_of_run end;
        kit::event suspended{context.get_executor()};
        bool left = false;
        auto consumer = [&](int job, int) -> awaitable<void> {
            struct at_the_end {
                bool& left;
                int const& job;
                ~at_the_end() { left = job > 0 && job % 2 == 0; } // what it was given lives as long as it does
            } guard{left, job};
            asio::steady_timer never{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()};
            suspended.set();
            co_await never.async_wait(asio::use_awaitable);
        };
        server->async_run(even_numbers{20}, consumer, end.handler());
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await suspended.wait();
                server.reset();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(left);
        BOOST_TEST((kit::code_in(end.error) == asio::error::operation_aborted));
    });
}

BOOST_AUTO_TEST_CASE(nothing_is_begun_before_the_consumer_has_seen_what_ended)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        auto settings = how({.workers = 1});
        settings.prefetch.reset(); // what is sent ahead is asked for ahead
        wodehaus::basic_job_server<> server{context, settings};
        int asked = 0, consumed = 0, early = 0;
        bool stopped = false;
        end_of_run end;
        auto producer = [&]() -> std::optional<task_of<half>> {
            BOOST_TEST(!stopped);
            early += asked > consumed;
            return task{worker<half>, 2 * ++asked};
        };
        auto consumer = [&](int, int) {
            if (++consumed == 20) {
                stopped = true;
                server.stop();
            }
        };
        server.async_run(producer, consumer, end.handler());
        kit::run(context);
        BOOST_TEST(!end.error);
        BOOST_TEST(early == 0);
        BOOST_TEST(asked == 20);
    });
}

BOOST_AUTO_TEST_CASE(consumers_that_return_something_else)
{
    int sum = 0;
    auto end = run_over({}, even_numbers{3}, [&](int, int result) { return sum += result; });
    BOOST_TEST(!end.error);
    BOOST_TEST(sum == 6);
}

BOOST_AUTO_TEST_CASE(producers_and_consumers_may_use_the_server)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 2})};
        end_of_run end;
        int quarters = 0, calls = 0;
        auto consumer = [&](int, int result) -> awaitable<void> {
            quarters += co_await server.async_call(worker<half>, 2 * result, asio::use_awaitable);
        };
        auto producer = [&, from = even_numbers{5}]() mutable {
            server.async_call(worker<half>, 2, [&](std::exception_ptr, int) { ++calls; });
            return from();
        };
        server.async_run(producer, consumer, end.handler());
        kit::run(context);
        BOOST_TEST(!end.error);
        BOOST_TEST(quarters == 1 + 2 + 3 + 4 + 5);
        BOOST_TEST(calls >= 5);
    });
}

// ---- begin and end

BOOST_AUTO_TEST_CASE(a_second_run_meanwhile_fails)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    end_of_run first;
    std::vector<boost::system::error_code> others;
    auto other = [&](std::exception_ptr error, run_summary) {
        others.push_back(kit::code_in(error));
        if (others.size() == 2)
            server.stop();
    };
    server.async_run(first.handler());
    server.async_run(other);
    server.async_run(even_numbers{3}, [](int, int) { BOOST_ERROR("this run is refused"); }, other);
    kit::run(context);
    BOOST_TEST(first.ended);
    BOOST_TEST(!first.error);
    BOOST_TEST((others == std::vector<boost::system::error_code>(2, asio::error::already_started)));
}

BOOST_AUTO_TEST_CASE(a_server_can_be_run_again)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how()};
        int sum = 0;
        for (int i = 0; i < 3; ++i) {
            end_of_run end;
            if (i == 1) {
                server.async_run(even_numbers{3}, [&](int, int result) { sum += result; }, end.handler());
            } else {
                server.async_run(end.handler());
                server.async_call(worker<half>, 2, [&](std::exception_ptr error, int result) {
                    BOOST_TEST(!error);
                    sum += result;
                    server.stop();
                });
            }
            kit::run(context);
            context.restart();
            BOOST_TEST(end.ended);
            BOOST_TEST(!end.error);
            BOOST_TEST(end.summary.succeeded == (i == 1 ? 3u : 1u));
        }
        BOOST_TEST(sum == 1 + 6 + 1);
        BOOST_TEST(server.stats().succeeded == 5u);
        BOOST_TEST(server.stats().processes == 0u);
    });
}

BOOST_AUTO_TEST_CASE(run_again_from_the_handler_of_the_run)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    end_of_run second;
    server.async_run(even_numbers{2}, wodehaus::ignore, [&](std::exception_ptr, run_summary) {
        server.async_run(even_numbers{4}, wodehaus::ignore, second.handler());
    });
    kit::run(context);
    BOOST_TEST(second.ended);
    BOOST_TEST(second.summary.succeeded == 4u);
}

BOOST_AUTO_TEST_CASE(stop_without_a_run_does_nothing)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    int number = 0;
    server.stop();
    server.terminate();
    kit::run(context);
    context.restart();
    server.async_run(kit::rethrow{});
    server.async_call(worker<half>, 4, [&](std::exception_ptr, int half) {
        number = half;
        server.stop();
    });
    kit::run(context);
    BOOST_TEST(number == 2);
    server.stop();
    server.terminate();
    context.restart();
    kit::run(context);
}

BOOST_AUTO_TEST_CASE(stop_at_once)
{
    kit::each_launch([](kit::way how) {
        for (bool hard : {false, true}) {
            asio::io_context context{1};
            wodehaus::basic_job_server<> server{context, how()};
            end_of_run end;
            std::exception_ptr call_ended;
            server.async_call(worker<half>, 4, [&](std::exception_ptr error, int) { call_ended = error; });
            server.async_run(end.handler());
            hard ? server.terminate() : server.stop();
            kit::run(context);
            BOOST_TEST(end.ended);
            BOOST_TEST(!end.error);
            kit::check(kit::failure_in(call_ended), errc::stopped);
        }
    });
}

BOOST_AUTO_TEST_CASE(calls_wait_for_a_run_and_keep_no_context_busy)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    int number = 0;
    server.async_call(worker<half>, 4, [&](std::exception_ptr, int half) {
        number = half;
        server.stop();
    });
    kit::run(context);
    BOOST_TEST(number == 0);
    BOOST_TEST(server.stats().queued == 1u);
    server.async_run(kit::rethrow{});
    context.restart();
    kit::run(context);
    BOOST_TEST(number == 2);

    // After the end, too.
    server.async_call(worker<half>, 8, [&](std::exception_ptr, int half) {
        number = half;
        server.stop();
    });
    context.restart();
    kit::run(context);
    BOOST_TEST(number == 2);
    server.async_run(kit::rethrow{});
    context.restart();
    kit::run(context);
    BOOST_TEST(number == 4);
}

BOOST_AUTO_TEST_CASE(the_figures_of_a_run)
{
    kit::each_way([](kit::way how) {
        auto producer = [left = 6]() mutable -> std::optional<std::variant<task_of<half>, task_of<crash_at_first>>> {
            if (left == 0)
                return std::nullopt;
            --left;
            if (left % 2)
                return task{worker<half>, left};
            return task{worker<crash_at_first>, left}.attempts(2);
        };
        struct consumer_type {
            void operator()(int, wodehaus::outcome<int>) const {}
        };
        auto end = run_over(how({.workers = 1}), producer, consumer_type{});
        BOOST_TEST(!end.error);
        BOOST_TEST(end.summary.succeeded == 3u);
        BOOST_TEST(end.summary.failed == 3u);
        BOOST_TEST(end.summary.retried == 3u);
        BOOST_TEST((end.summary.usage.user + end.summary.usage.system > std::chrono::nanoseconds{0}));
    });
}

BOOST_AUTO_TEST_CASE(every_call_is_told_before_its_run)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1})};
        kit::gate gate{context.get_executor()};
        int left = 12;
        bool ended = false;
        auto handler = [&](std::exception_ptr, auto&&...) {
            BOOST_TEST(!ended);
            --left;
        };
        server.async_call(worker<wait_at>, gate.path(), handler);
        for (int i = 0; i < 10; ++i)
            server.async_call(worker<half>, i, handler);
        std::vector numbers{1, 2, 3};
        server.async_map(worker<half>, numbers, handler);
        server.async_run([&](std::exception_ptr, run_summary) { ended = true; });
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                co_await gate.arrived();
                server.stop();
                gate.open();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(left == 0);
        BOOST_TEST(ended);
    });
}

BOOST_AUTO_TEST_CASE(higher_priorities_first)
{
    kit::each_way([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1})};
        std::vector<int> order;
        std::vector priorities{0, 5, -1, 5, 0, 9};
        for (int i = 0; i < 6; ++i)
            server.async_call(task{worker<half>, 2 * i}.priority(priorities[std::size_t(i)]), [&, i](std::exception_ptr error, int) {
                BOOST_TEST(!error);
                order.push_back(i);
                if (order.size() == 6)
                    server.stop();
            });
        server.async_run(kit::rethrow{});
        kit::run(context);
        BOOST_TEST((order == std::vector{5, 1, 3, 0, 4, 2}));
    });
}

BOOST_AUTO_TEST_CASE(the_state_of_a_server)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            std::vector<std::string> gates(3, gate.path());
            kit::event done{server.get_executor()};
            server.async_map(worker<wait_at>, gates, [&](std::exception_ptr, std::vector<int>) { done.set(); });
            co_await gate.arrived();
            auto stats = server.stats();
            BOOST_TEST(stats.running == 1u);
            BOOST_TEST(stats.queued == 2u);
            BOOST_TEST(stats.processes >= 1u);
            BOOST_TEST(stats.started >= 1u);
            BOOST_TEST(stats.succeeded == 0u);
            gate.open_for_all();
            co_await done.wait();
            stats = server.stats();
            BOOST_TEST(stats.running == 0u);
            BOOST_TEST(stats.queued == 0u);
            BOOST_TEST(stats.succeeded == 3u);
            BOOST_TEST(stats.started >= 3u);
        });
    });
}

BOOST_AUTO_TEST_CASE(producers_consumers_and_loggers_are_called_on_the_server_s_executor)
{
    asio::io_context context{1};
    auto here = std::this_thread::get_id();
    bool initiating = true;
    int calls = 0;
    auto look = [&] {
        BOOST_TEST((std::this_thread::get_id() == here));
        BOOST_TEST(!initiating);
        ++calls;
    };
    wodehaus::basic_job_server<> server{context, {.logger = [&](wodehaus::level, std::string_view) { look(); }}};
    end_of_run end;
    auto producer = [&, from = even_numbers{3}]() mutable {
        look();
        return from();
    };
    server.async_run(producer, [&](int, int) { look(); }, end.handler());
    initiating = false;
    kit::run(context);
    BOOST_TEST(calls >= 7);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
