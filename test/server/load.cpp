// Many jobs: every one is answered, rightly and once, and nothing is left.
#include "test/kit/preload.hpp"

#include <boost/serialization/utility.hpp>

using wodehaus::worker;

namespace {

std::pair<int, std::uint64_t> work(int number)
{
    auto mixed = static_cast<std::uint64_t>(number) * 0x9e3779b97f4a7c15u;
    return {number, mixed ^ (mixed >> 32)};
}
bool right(int number, std::pair<int, std::uint64_t> const& result)
{
    return result == work(number);
}

/// Keeps `at_once` calls in flight until `count` are done.
struct stream {
    wodehaus::basic_job_server<>& server;
    int count, begun = 0, done = 0, wrong = 0;
    std::vector<bool> answered = std::vector<bool>(static_cast<std::size_t>(count));

    void next()
    {
        if (begun == count)
            return;
        int number = begun++;
        server.async_try_call(worker<work>, number, [this, number](std::exception_ptr, wodehaus::outcome<std::pair<int, std::uint64_t>> end) {
            auto index = static_cast<std::size_t>(number);
            wrong += !end || !right(number, *end) || answered[index];
            answered[index] = true;
            if (++done == count)
                server.stop();
            else
                next();
        });
    }
};

/// How many times the processes and jobs of a usual test: KIT_MUCH=10 is for thousands.
int how_much()
{
    char const* much = std::getenv("KIT_MUCH");
    return much ? std::atoi(much) : 1;
}

void calls(kit::way how, int count, int at_once)
{
    kit::nothing_left guard;
    boost::asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, how({.workers = 4})};
    stream all{server, count};
    std::uint64_t succeeded = 0;
    server.async_run([&](std::exception_ptr error, wodehaus::run_summary summary) {
        BOOST_TEST(!error);
        succeeded = summary.succeeded;
    });
    for (int i = 0; i < at_once; ++i)
        all.next();
    kit::run(context, std::chrono::seconds{600}); // an exec with a sanitizer takes a tenth of a second
    BOOST_TEST(all.done == count);
    BOOST_TEST(all.wrong == 0);
    BOOST_TEST(succeeded == static_cast<std::uint64_t>(count));
    BOOST_TEST(server.stats().processes == 0u);
}

int tenth_crashes(int number)
{
    if (number % 10 == 3)
        std::abort();
    return 2 * number;
}

void crashes_among_others(kit::way how, int jobs)
{
    int const count = jobs * how_much();
    boost::asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, how({.workers = 4, .logger = {}})};
    int right = 0, crashed = 0, left = count;
    std::vector<int> times(static_cast<std::size_t>(count));
    wodehaus::run_summary figures;
    server.async_run([&](std::exception_ptr error, wodehaus::run_summary summary) {
        BOOST_TEST(!error);
        figures = summary;
    });
    for (int number = 0; number < count; ++number)
        server.async_try_call(worker<tenth_crashes>, number, [&, number](std::exception_ptr, wodehaus::outcome<int> end) {
            ++times[static_cast<std::size_t>(number)];
            if (end)
                right += *end == 2 * number && number % 10 != 3;
            else
                crashed += end.error().code == kit::errc::process_crashed && end.error().signal == SIGABRT &&
                           end.error().attempt == 1 && number % 10 == 3;
            if (--left == 0)
                server.stop();
        });
    kit::run(context, std::chrono::seconds{600});
    BOOST_TEST(right == count / 10 * 9);
    BOOST_TEST(crashed == count / 10);
    BOOST_TEST((times == std::vector<int>(times.size(), 1)));
    BOOST_TEST(figures.failed == static_cast<std::uint64_t>(count / 10));
    BOOST_TEST(figures.retried == 0u);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(load, kit::nothing_left)

BOOST_AUTO_TEST_CASE(hundreds_of_processes_from_a_zygote)
{
    calls(kit::zygote_fresh, 300 * how_much(), 8);
}

BOOST_AUTO_TEST_CASE(hundreds_of_processes_by_exec)
{
    calls(kit::exec_fresh, 300 * how_much(), 8);
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_jobs)
{
    calls(kit::zygote_ahead, 50'000, 32);
    calls(kit::exec_ahead, 50'000, 32);
}

BOOST_AUTO_TEST_CASE(a_tenth_of_them_crashes)
{
    for (auto how : {kit::zygote_ahead, kit::exec_ahead, kit::fork_ahead}) {
        BOOST_TEST_INFO_SCOPE(how.name);
        kit::nothing_left guard;
        bool is_dear = how.launch == wodehaus::launch::exec && how_much() == 1;
        crashes_among_others(how, is_dear ? 300 : 1'000);
    }
}

BOOST_AUTO_TEST_CASE(a_long_queue)
{
    constexpr int count = 20'000;
    boost::asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, kit::zygote_ahead({.workers = 4})};
    stream all{server, count};
    for (int i = 0; i < count; ++i)
        all.next();
    server.async_run(kit::rethrow{});
    kit::run(context, std::chrono::seconds{90});
    BOOST_TEST(all.done == count);
    BOOST_TEST(all.wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_long_run)
{
    constexpr int count = 20'000;
    boost::asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, kit::zygote_ahead({.workers = 4})};
    int wrong = 0, consumed = 0;
    auto producer = [next = 0]() mutable -> std::optional<wodehaus::task_of<work>> {
        if (next == count)
            return std::nullopt;
        return wodehaus::task{worker<work>, next++};
    };
    auto consumer = [&](int number, std::pair<int, std::uint64_t> const& result) {
        wrong += !right(number, result);
        ++consumed;
    };
    server.async_run(producer, consumer, [](std::exception_ptr error, wodehaus::run_summary summary) {
        BOOST_TEST(!error);
        BOOST_TEST(summary.succeeded == static_cast<std::uint64_t>(count));
    });
    kit::run(context, std::chrono::seconds{90});
    BOOST_TEST(wrong == 0);
    BOOST_TEST(consumed == count);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
