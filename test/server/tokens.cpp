// Every completion token, and where and when handlers are called.
#include "test/kit/preload.hpp"

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/serialization/vector.hpp>

#include <atomic>
#include <functional>
#include <future>
#include <thread>

namespace asio = boost::asio;
using asio::awaitable;
using wodehaus::task, wodehaus::worker;

namespace {

int half(int number)
{
    return number % 2 ? throw std::invalid_argument{"odd"} : number / 2;
}
void nothing(int) {}
int wait_at(std::string const& gate)
{
    kit::pass(gate);
    return 1;
}

std::atomic<std::thread::id> loaded_on; // the thread on which the last `probe` was loaded

struct probe { // a result that tells where it is loaded
    template <class Archive>
    void serialize(Archive&, unsigned)
    {
        if constexpr (Archive::is_loading::value)
            loaded_on = std::this_thread::get_id();
    }
};
probe make_probe(int)
{
    return {};
}

struct ledger {
    std::size_t given = 0, returned = 0;
};

template <class T>
struct counting_allocator {
    using value_type = T;
    ledger* book;

    explicit counting_allocator(ledger& to) : book(&to) {}
    template <class U>
    counting_allocator(counting_allocator<U> const& other) noexcept : book(other.book)
    {
    }
    T* allocate(std::size_t count)
    {
        book->given += count * sizeof(T);
        return std::allocator<T>{}.allocate(count);
    }
    void deallocate(T* from, std::size_t count)
    {
        book->returned += count * sizeof(T);
        std::allocator<T>{}.deallocate(from, count);
    }
    template <class U>
    bool operator==(counting_allocator<U> const& other) const noexcept
    {
        return book == other.book;
    }
};

/// A server whose run is under way; stopped by the last of the handlers that a test expects.
struct running_server {
    asio::io_context context{1};
    wodehaus::basic_job_server<> server;
    int expected = 0;

    explicit running_server(wodehaus::options how = {}, int handlers = 1)
        : server(context, std::move(how)), expected(handlers)
    {
        server.async_run([](std::exception_ptr error, wodehaus::run_summary) { BOOST_TEST(!error); });
    }
    void one_done()
    {
        if (--expected == 0)
            server.stop();
    }
    void run() { kit::run(context); }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(tokens, kit::nothing_left)

BOOST_AUTO_TEST_CASE(callbacks)
{
    running_server my{{}, 8};
    int called = 0;
    my.server.async_call(worker<half>, 4, [&](std::exception_ptr error, int number) {
        BOOST_TEST(!error);
        BOOST_TEST(number == 2);
        ++called, my.one_done();
    });
    my.server.async_call(worker<half>, 3, [&](std::exception_ptr error, int) {
        kit::check(kit::failure_in(error), wodehaus::errc::job_threw);
        ++called, my.one_done();
    });
    my.server.async_call(task{worker<nothing>, 3}, [&](std::exception_ptr error) {
        BOOST_TEST(!error);
        ++called, my.one_done();
    });
    my.server.async_try_call(worker<half>, 3, [&](std::exception_ptr error, wodehaus::outcome<int> number) {
        BOOST_TEST(!error);
        kit::failed(number, wodehaus::errc::job_threw);
        ++called, my.one_done();
    });
    my.server.async_try_call(task{worker<nothing>, 3}, [&](std::exception_ptr error, wodehaus::outcome<void> done) {
        BOOST_TEST(!error);
        BOOST_TEST(done.has_value());
        ++called, my.one_done();
    });
    std::vector numbers{2, 4};
    my.server.async_map(worker<half>, numbers, [&](std::exception_ptr error, std::vector<int> halves) {
        BOOST_TEST(!error);
        BOOST_TEST((halves == std::vector{1, 2}));
        ++called, my.one_done();
    });
    my.server.async_map(worker<nothing>, numbers, [&](std::exception_ptr error) {
        BOOST_TEST(!error);
        ++called, my.one_done();
    });
    my.server.async_try_map(worker<half>, numbers,
                            [&](std::exception_ptr error, std::vector<wodehaus::outcome<int>> halves) {
                                BOOST_TEST(!error);
                                BOOST_TEST(halves.at(1).value() == 2);
                                ++called, my.one_done();
                            });
    my.run();
    BOOST_TEST(called == 8);
}

BOOST_AUTO_TEST_CASE(futures)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    auto summary = server.async_run(asio::use_future);
    std::future<int> good = server.async_call(worker<half>, 4, asio::use_future);
    std::future<int> bad = server.async_call(worker<half>, 3, asio::use_future);
    std::future<void> none = server.async_call(worker<nothing>, 3, asio::use_future);
    std::vector numbers{2, 4};
    std::future<std::vector<int>> all = server.async_map(worker<half>, numbers, asio::use_future);
    auto tried = server.async_try_call(worker<half>, 3, asio::use_future([&](std::exception_ptr, wodehaus::outcome<int> end) {
        server.stop(); // the last to begin: all others have begun, so all finish
        return end.has_error();
    }));
    static_assert(std::is_same_v<decltype(tried), std::future<bool>>);
    kit::run(context);
    BOOST_TEST(good.get() == 2);
    BOOST_CHECK_THROW(bad.get(), wodehaus::job_error);
    none.get();
    BOOST_TEST(tried.get());
    BOOST_TEST((all.get() == std::vector{1, 2}));
    auto figures = summary.get();
    BOOST_TEST(figures.succeeded == 4u);
    BOOST_TEST(figures.failed == 2u);
}

BOOST_AUTO_TEST_CASE(awaitables)
{
    kit::with_server({}, [](wodehaus::job_server& server) -> awaitable<void> {
        BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
        BOOST_TEST(co_await server.async_call(worker<half>, 4, asio::use_awaitable) == 2);
        auto [error, number] = co_await server.async_call(worker<half>, 4, asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(!error);
        BOOST_TEST(number == 2);
        auto [error_of_three, none] = co_await server.async_call(worker<half>, 3, asio::as_tuple(asio::use_awaitable));
        kit::check(kit::failure_in(error_of_three), wodehaus::errc::job_threw);
        BOOST_TEST(none == 0);
        auto [error_of_void] = co_await server.async_call(worker<nothing>, 3, asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(!error_of_void);
        auto [no_error, end] = co_await server.async_try_call(worker<half>, 3, asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(!no_error);
        kit::failed(end, wodehaus::errc::job_threw);
        bool thrown = false;
        try {
            co_await server.async_call(worker<half>, 3);
        } catch (wodehaus::job_error const& why) {
            thrown = true;
            kit::check(why.why(), wodehaus::errc::job_threw);
        }
        BOOST_TEST(thrown);
    });
}

BOOST_AUTO_TEST_CASE(a_run_is_an_operation_like_others)
{
    using namespace asio::experimental::awaitable_operators;
    auto use = [](wodehaus::job_server& server) -> awaitable<int> {
        int two = co_await server.async_call(worker<half>, 4);
        server.stop();
        co_return two;
    };
    asio::io_context context{1};
    wodehaus::job_server server{context};
    int two = 0;
    std::uint64_t succeeded = 0;
    asio::co_spawn(context, server.async_run() && use(server),
                   [&](std::exception_ptr error, std::tuple<wodehaus::run_summary, int> both) {
                       BOOST_TEST(!error);
                       succeeded = std::get<0>(both).succeeded;
                       two = std::get<1>(both);
                   });
    kit::run(context);
    BOOST_TEST(two == 2);
    BOOST_TEST(succeeded == 1u);

    // What one side throws ends the run, and is what is reported.
    auto fail = [](wodehaus::job_server& from) -> awaitable<int> { co_return co_await from.async_call(worker<half>, 3); };
    wodehaus::job_server other{context};
    std::exception_ptr reported;
    asio::co_spawn(context, other.async_run() && fail(other),
                   [&](std::exception_ptr error, std::tuple<wodehaus::run_summary, int>) { reported = error; });
    context.restart();
    kit::run(context);
    kit::check(kit::failure_in(reported), wodehaus::errc::job_threw);
}

BOOST_AUTO_TEST_CASE(one_of_two_is_cancelled)
{
    using namespace asio::experimental::awaitable_operators;
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            auto ended = co_await (server.async_call(worker<wait_at>, gate.path()) || gate.arrived());
            BOOST_TEST(ended.index() == 1u);
            BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
        });
    });
}

BOOST_AUTO_TEST_CASE(deferred)
{
    running_server my{{}, 2};
    auto four = my.server.async_call(worker<half>, 4, asio::deferred);
    auto none = my.server.async_call(worker<nothing>, 4, asio::deferred);
    int called = 0;
    std::move(four)([&](std::exception_ptr error, int number) {
        BOOST_TEST(!error);
        BOOST_TEST(number == 2);
        ++called, my.one_done();
    });
    std::move(none)([&](std::exception_ptr error) {
        BOOST_TEST(!error);
        ++called, my.one_done();
    });
    my.run();
    BOOST_TEST(called == 2);
}

BOOST_AUTO_TEST_CASE(nothing_starts_before_a_deferred_operation_is_begun)
{
    running_server my;
    auto never = my.server.async_call(worker<half>, 4, asio::deferred);
    my.server.async_call(worker<half>, 4, [&](std::exception_ptr, int) { my.one_done(); });
    my.run();
    BOOST_TEST(my.server.stats().succeeded == 1u);
}

BOOST_AUTO_TEST_CASE(cancellation_slots)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, {.workers = 1}};
    asio::cancellation_signal cancel;
    std::exception_ptr ended;
    server.async_call(worker<half>, 4, asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error, int) {
                          ended = error;
                          server.stop();
                      }));
    cancel.emit(asio::cancellation_type::total); // it waits: no run is under way
    server.async_run(kit::rethrow{});
    kit::run(context);
    auto why = kit::failure_in(ended);
    BOOST_TEST((why.code == wodehaus::errc::canceled));
    BOOST_TEST((why.code == asio::error::operation_aborted));
    BOOST_TEST(server.stats().started == 0u);
}

BOOST_AUTO_TEST_CASE(a_handler_that_is_an_lvalue_is_copied)
{
    running_server my{{}, 6};
    auto done = [&, mark = std::make_shared<int>(0)](std::exception_ptr error, auto&&...) {
        BOOST_TEST(!error);
        BOOST_TEST((mark != nullptr));
        my.one_done();
    };
    std::vector numbers{2, 4};
    my.server.async_call(worker<half>, 4, done);
    my.server.async_call(task{worker<half>, 4}, done);
    my.server.async_try_call(worker<half>, 4, done);
    my.server.async_try_call(task{worker<half>, 4}, done);
    my.server.async_map(worker<half>, numbers, done);
    my.server.async_try_map(worker<half>, numbers, done);
    my.run();

    asio::io_context context;
    wodehaus::job_server server{context};
    std::function<void(std::exception_ptr, wodehaus::run_summary)> ended = [](auto&&...) {};
    server.async_run(ended);
    server.stop();
    context.run();
    BOOST_TEST(bool(ended));
}

BOOST_AUTO_TEST_CASE(handlers_that_can_only_be_moved)
{
    running_server my{{}, 4};
    int sum = 0;
    auto one = std::make_unique<int>(1);
    my.server.async_call(worker<half>, 4, [&, one = std::make_unique<int>(1)](std::exception_ptr, int number) mutable {
        sum += *one + number;
        my.one_done();
    });
    my.server.async_call(worker<nothing>, 4, [&, one = std::make_unique<int>(1)](std::exception_ptr) mutable {
        sum += *one;
        my.one_done();
    });
    std::vector numbers{2, 4};
    my.server.async_map(worker<half>, numbers, [&, one = std::move(one)](std::exception_ptr, std::vector<int> all) mutable {
        sum += *one + all.at(0) + all.at(1);
        my.one_done();
    });
    my.server.async_try_call(worker<half>, 4, [&, one = std::make_unique<int>(1)](std::exception_ptr, wodehaus::outcome<int> number) mutable {
        sum += *one + number.value();
        my.one_done();
    });
    my.run();
    BOOST_TEST(sum == 3 + 1 + 4 + 3);
}

BOOST_AUTO_TEST_CASE(allocators)
{
    ledger book;
    {
        running_server my{{}, 2};
        my.server.async_call(worker<half>, 4,
                             asio::bind_allocator(counting_allocator<int>{book}, [&](std::exception_ptr error, int) {
                                 BOOST_TEST(!error);
                                 my.one_done();
                             }));
        std::vector numbers{2, 4};
        my.server.async_map(worker<half>, numbers,
                            asio::bind_allocator(counting_allocator<int>{book}, [&](std::exception_ptr error, std::vector<int>) {
                                BOOST_TEST(!error);
                                my.one_done();
                            }));
        my.run();
    }
    BOOST_TEST(book.given > 0u);
    BOOST_TEST(book.given == book.returned);
}

BOOST_AUTO_TEST_CASE(handlers_are_called_on_their_executor)
{
    asio::thread_pool elsewhere{1};
    std::thread::id there;
    asio::post(elsewhere, asio::use_future([&] { there = std::this_thread::get_id(); })).get();
    auto here = std::this_thread::get_id();

    running_server my{{}, 4};
    std::vector<std::promise<std::thread::id>> called_on(4);
    std::vector<std::future<std::thread::id>> answers;
    for (auto& each : called_on)
        answers.push_back(each.get_future());
    auto bound = [&](auto handler) { return asio::bind_executor(elsewhere.get_executor(), std::move(handler)); };
    auto finish = [&] { asio::post(my.context, [&] { my.one_done(); }); };

    my.server.async_call(worker<half>, 4, bound([&](std::exception_ptr, int) {
                             called_on[0].set_value(std::this_thread::get_id());
                             finish();
                         }));
    my.server.async_call(worker<half>, 3, bound([&](std::exception_ptr, int) {
                             called_on[1].set_value(std::this_thread::get_id());
                             finish();
                         }));
    std::vector numbers{2, 4};
    my.server.async_map(worker<half>, numbers, bound([&](std::exception_ptr, std::vector<int>) {
                            called_on[2].set_value(std::this_thread::get_id());
                            finish();
                        }));
    my.server.async_call(worker<half>, 4, [&](std::exception_ptr, int) {
        called_on[3].set_value(std::this_thread::get_id());
        finish();
    });
    my.run();
    elsewhere.join();
    BOOST_TEST((answers[0].get() == there));
    BOOST_TEST((answers[1].get() == there));
    BOOST_TEST((answers[2].get() == there));
    BOOST_TEST((answers[3].get() == here));
}

BOOST_AUTO_TEST_CASE(a_run_s_handler_is_called_on_its_executor)
{
    asio::thread_pool elsewhere{1};
    std::thread::id there;
    asio::post(elsewhere, asio::use_future([&] { there = std::this_thread::get_id(); })).get();
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    std::promise<std::thread::id> called_on;
    server.async_run(asio::bind_executor(elsewhere.get_executor(), [&](std::exception_ptr, wodehaus::run_summary) {
        called_on.set_value(std::this_thread::get_id());
    }));
    server.async_call(worker<half>, 4, [&](std::exception_ptr, int) { server.stop(); });
    kit::run(context);
    elsewhere.join();
    BOOST_TEST((called_on.get_future().get() == there));
}

BOOST_AUTO_TEST_CASE(results_are_loaded_on_the_handler_s_executor)
{
    asio::thread_pool elsewhere{1};
    std::thread::id there;
    asio::post(elsewhere, asio::use_future([&] { there = std::this_thread::get_id(); })).get();
    running_server my;
    loaded_on = std::thread::id{};
    my.server.async_call(worker<make_probe>, 1,
                         asio::bind_executor(elsewhere.get_executor(), [&](std::exception_ptr, probe) {
                             asio::post(my.context, [&] { my.one_done(); });
                         }));
    my.run();
    elsewhere.join();
    BOOST_TEST((loaded_on.load() == there));
}

BOOST_AUTO_TEST_CASE(a_strand_around_a_handler)
{
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context};
    server.async_run(kit::rethrow{});
    auto strand = asio::make_strand(context);
    bool inside = false;
    server.async_call(worker<half>, 4, asio::bind_executor(strand, [&](std::exception_ptr, int) {
                          inside = strand.running_in_this_thread();
                          server.stop();
                      }));
    kit::run(context);
    BOOST_TEST(inside);
}

BOOST_AUTO_TEST_CASE(handlers_are_never_called_inside_the_initiation)
{
    // Also not where all is known at once: a closure, a queue that is full, a range without jobs. And not where the
    // caller is on the server's executor already.
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, {.queue_limit = 1}};
    bool initiating = false;
    int left = 7;
    auto handler = [&](std::exception_ptr, auto&&...) {
        BOOST_TEST(!initiating);
        if (--left == 0)
            server.stop();
    };
    auto initiate = [&] {
        initiating = true;
        int captured = 1;
        auto closure = [captured](int number) { return captured + number; };
        std::vector<int> none, two{2, 4};
        server.async_call(worker<half>, 4, handler);
        server.async_call(worker<half>, 4, handler); // one too many, if no run is under way
        server.async_call(closure, 4, handler);
        server.async_map(worker<half>, none, handler);
        server.async_try_map(worker<half>, two, handler);
        server.async_run(handler);
        server.async_run(handler); // one is under way
        initiating = false;
    };
    initiate();
    BOOST_TEST(left == 7);
    left = 6; // all but the run's own handler
    kit::run(context);

    left = 6;
    asio::post(context, initiate);
    context.restart();
    kit::run(context);
}

BOOST_AUTO_TEST_CASE(what_is_given_has_been_read_when_the_initiation_returns)
{
    running_server my{{}, 3};
    {
        int job = 4;
        auto one = std::make_unique<task<std::remove_const_t<decltype(worker<half>)>>>(worker<half>, 8);
        auto numbers = std::make_unique<std::vector<int>>(3, 12);
        my.server.async_call(worker<half>, job, [&](std::exception_ptr, int number) {
            BOOST_TEST(number == 2);
            my.one_done();
        });
        my.server.async_call(*one, [&](std::exception_ptr, int number) {
            BOOST_TEST(number == 4);
            my.one_done();
        });
        my.server.async_map(worker<half>, *numbers, [&](std::exception_ptr, std::vector<int> halves) {
            BOOST_TEST((halves == std::vector{6, 6, 6}));
            my.one_done();
        });
        job = 100;
        one->job = 100;
        numbers->assign(3, 100);
    }
    my.run();
}

BOOST_AUTO_TEST_CASE(other_executors_and_rebinding)
{
    using server_type = wodehaus::basic_job_server<asio::io_context::executor_type>;
    static_assert(std::is_same_v<server_type::executor_type, asio::io_context::executor_type>);
    static_assert(std::is_same_v<server_type::rebind_executor<asio::any_io_executor>::other, wodehaus::basic_job_server<>>);
    asio::io_context context{1};
    server_type server{context.get_executor()};
    BOOST_TEST((server.get_executor() == context.get_executor()));
    int number = 0;
    server.async_run(kit::rethrow{});
    server.async_call(worker<half>, 4, [&](std::exception_ptr, int got) {
        number = got;
        server.stop();
    });
    kit::run(context);
    BOOST_TEST(number == 2);

    // On a strand of its own.
    wodehaus::basic_job_server<asio::strand<asio::io_context::executor_type>> strict{asio::make_strand(context.get_executor())};
    strict.async_run(kit::rethrow{});
    strict.async_call(worker<half>, 8, [&](std::exception_ptr, int got) {
        BOOST_TEST(strict.get_executor().running_in_this_thread());
        number = got;
        strict.stop();
    });
    context.restart();
    kit::run(context);
    BOOST_TEST(number == 4);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
