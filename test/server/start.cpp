// start: the batch of a small main, which blocks until all is done.
#include "test/kit/preload.hpp"

#include <wodehaus/start.hpp>

#include <atomic>
#include <csignal>
#include <thread>

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

struct even_numbers {
    int count, given = 0;
    std::optional<task_of<half>> operator()()
    {
        if (given == count)
            return std::nullopt;
        return task{worker<half>, 2 * ++given};
    }
};

void (*disposition(int signal))(int)
{
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    return now.sa_handler;
}

extern "C" void my_handler(int) {}

} // namespace

BOOST_FIXTURE_TEST_SUITE(start, kit::nothing_left)

BOOST_AUTO_TEST_CASE(a_batch)
{
    int sum = 0;
    auto here = std::this_thread::get_id();
    bool elsewhere = true, on_this_thread = true;
    auto producer = [&, from = even_numbers{20}]() mutable {
        elsewhere = elsewhere && std::this_thread::get_id() != here;
        return from();
    };
    auto summary = wodehaus::start(producer, [&](int number, int result) {
        BOOST_TEST(result == number / 2);
        on_this_thread = on_this_thread && std::this_thread::get_id() == here;
        sum += result;
    });
    BOOST_TEST(sum == 210);
    BOOST_TEST(summary.succeeded == 20u);
    BOOST_TEST(elsewhere);
    BOOST_TEST(on_this_thread);
}

BOOST_AUTO_TEST_CASE(by_the_exception_stop)
{
    int next = 0, sum = 0;
    auto producer = [&] {
        if (next == 10)
            throw wodehaus::stop{};
        return std::optional{task{worker<half>, next += 2}};
    };
    auto summary = wodehaus::start(producer, [&](int, int result) { sum += result; });
    BOOST_TEST(sum == 15);
    BOOST_TEST(summary.succeeded == 5u);
}

BOOST_AUTO_TEST_CASE(without_consumer_and_with_a_logger)
{
    kit::lines log;
    auto producer = [left = 5]() mutable -> std::optional<task_of<half>> {
        if (left == 0)
            return std::nullopt;
        return task{worker<half>, left--};
    };
    auto summary = wodehaus::start(producer, wodehaus::ignore, log.logger(), 2);
    BOOST_TEST(summary.succeeded == 2u);
    BOOST_TEST(summary.failed == 3u);
    BOOST_TEST(log.errors().size() == 3u);
    summary = wodehaus::start(even_numbers{3});
    BOOST_TEST(summary.succeeded == 3u);
}

BOOST_AUTO_TEST_CASE(no_more_workers_than_asked_for)
{
    boost::asio::io_context context{1};
    kit::gate gate{context.get_executor()};
    gate.open_for_all();
    std::atomic<int> produced{0};
    int consumed = 0;
    auto producer = [&]() -> std::optional<task_of<wait_at>> {
        if (produced == 6)
            return std::nullopt;
        ++produced;
        return task{worker<wait_at>, gate.path()};
    };
    wodehaus::start(
        producer,
        [&](std::string const&, int) {
            BOOST_TEST(produced - consumed <= 2); // one at work, and perhaps the next
            ++consumed;
        },
        {}, 1);
    BOOST_TEST(consumed == 6);
}

BOOST_AUTO_TEST_CASE(other_forms_of_producers)
{
    int sum = 0;
    auto awaited = [left = 3]() mutable -> boost::asio::awaitable<std::optional<task_of<half>>> {
        std::optional<task_of<half>> next;
        if (left)
            next = task{worker<half>, 2 * left--};
        co_return next;
    };
    wodehaus::start(awaited, [&](int, int result) { sum += result; });
    BOOST_TEST(sum == 6);
    auto blocking = wodehaus::blocking([left = 3](std::stop_token) mutable -> std::optional<task_of<half>> {
        if (left == 0)
            return std::nullopt;
        return task{worker<half>, 2 * left--};
    });
    wodehaus::start(blocking, [&](int, int result) { sum += result; });
    BOOST_TEST(sum == 12);
}

BOOST_AUTO_TEST_CASE(exceptions)
{
    auto throwing = []() -> std::optional<task_of<half>> { throw std::runtime_error{"from the producer"}; };
    BOOST_CHECK_EXCEPTION(wodehaus::start(throwing), std::runtime_error,
                          [](auto& error) { return std::string{error.what()} == "from the producer"; });
    auto consumer = [](int, int) { throw std::runtime_error{"from the consumer"}; };
    BOOST_CHECK_EXCEPTION(wodehaus::start(even_numbers{1000}, consumer), std::runtime_error,
                          [](auto& error) { return std::string{error.what()} == "from the consumer"; });
}

BOOST_AUTO_TEST_CASE(a_signal_ends_it)
{
    for (int signal : {SIGINT, SIGTERM})
        for (auto handler : {SIG_DFL, &my_handler}) {
            auto before = ::signal(signal, handler);
            int consumed = 0;
            auto summary = wodehaus::start(even_numbers{1 << 30}, [&](int, int) {
                BOOST_TEST((disposition(signal) != handler));
                if (++consumed == 5)
                    ::raise(signal);
            });
            BOOST_TEST(summary.succeeded >= 5u);
            BOOST_TEST((disposition(signal) == handler));
            ::signal(signal, before);
        }
}

BOOST_AUTO_TEST_CASE(several_at_once)
{
    constexpr int threads = 3;
    std::atomic<int> sums[threads]{};
    std::atomic<std::uint64_t> succeeded{0};
    std::vector<std::thread> all;
    for (auto& sum : sums)
        all.emplace_back([&] {
            succeeded += wodehaus::start(even_numbers{30}, [&](int, int result) { sum += result; }, {}, 2).succeeded;
        });
    for (auto& each : all)
        each.join();
    for (auto& sum : sums)
        BOOST_TEST(sum == 465);
    BOOST_TEST(succeeded == 90u);
    BOOST_TEST((disposition(SIGINT) == SIG_DFL));
    BOOST_TEST((disposition(SIGTERM) == SIG_DFL));
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
