// Maps: one worker over a range of jobs.
#include "test/kit/preload.hpp"

#include <boost/serialization/vector.hpp>

#include <array>
#include <deque>
#include <list>
#include <numeric>

using kit::awaitable;
using wodehaus::worker;

namespace {

int half(int number)
{
    return number % 2 ? throw std::invalid_argument{"odd"} : number / 2;
}
bool negate(bool value)
{
    return !value;
}
std::string twice(std::string const& text)
{
    return text + text;
}
std::vector<char> bytes(std::size_t size)
{
    return std::vector<char>(size, 'b');
}
struct ticket { // can only be moved
    int number = 0;

    ticket() = default;
    explicit ticket(int from) : number(from) {}
    ticket(ticket&&) = default;
    ticket& operator=(ticket&&) = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & number;
    }
};
ticket stamp(ticket from)
{
    return ticket{from.number + 1};
}
void write_note(std::string const& file)
{
    kit::note(file);
}
void refuse(int)
{
    throw std::invalid_argument{"never"};
}

struct errand { // waits at a gate, or throws, or gives its number
    std::string gate;
    int number = 0;
    bool throws = false;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & gate & number & throws;
    }
};
int run_errand(errand const& job)
{
    if (!job.gate.empty())
        kit::pass(job.gate);
    if (job.throws)
        throw std::runtime_error{"errand " + std::to_string(job.number)};
    return job.number;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(maps, kit::nothing_left)

BOOST_AUTO_TEST_CASE(results_come_in_the_order_of_the_range)
{
    kit::each_way_and_in_process([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 3}), [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<int> numbers(30);
            std::iota(numbers.begin(), numbers.end(), 0);
            for (int& number : numbers)
                number *= 2;
            auto halves = co_await server.async_map(worker<half>, numbers);
            BOOST_TEST(halves.size() == numbers.size());
            for (std::size_t i = 0; i < halves.size(); ++i)
                BOOST_TEST(halves[i] == static_cast<int>(i));
        });
        BOOST_TEST(summary.succeeded == 30u);
    });
}

BOOST_AUTO_TEST_CASE(the_order_of_the_range_is_not_that_of_the_ends)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            std::vector<errand> errands(4);
            for (int i = 0; i < 4; ++i)
                errands[std::size_t(i)].number = i;
            errands[0].gate = gate.path(); // ends last: the last but it opens its gate
            kit::event done{server.get_executor()};
            std::vector<int> results;
            server.async_map(worker<run_errand>, errands, [&](std::exception_ptr error, std::vector<int> all) {
                BOOST_TEST(!error);
                results = all;
                done.set();
            });
            co_await gate.arrived();
            int one = co_await server.async_call(worker<half>, 2); // first come, first served: behind the three others
            BOOST_TEST(one == 1);
            gate.open();
            co_await done.wait();
            BOOST_TEST((results == std::vector{0, 1, 2, 3}));
        });
    });
}

BOOST_AUTO_TEST_CASE(every_kind_of_range)
{
    kit::with_server({}, [](wodehaus::job_server& server) -> awaitable<void> {
        std::vector<int> const expected{1, 2};
        std::list<int> list{2, 4};
        BOOST_TEST((co_await server.async_map(worker<half>, list) == expected));
        std::deque<short> deque{2, 4};
        BOOST_TEST((co_await server.async_map(worker<half>, deque) == expected));
        std::array<int, 2> const array{2, 4};
        BOOST_TEST((co_await server.async_map(worker<half>, array) == expected));
        int plain[] = {2, 4};
        BOOST_TEST((co_await server.async_map(worker<half>, plain) == expected));
        std::vector<int> temporary{2, 4};
        BOOST_TEST((co_await server.async_map(worker<half>, std::move(temporary)) == expected));
        std::vector<bool> bits{true, false};
        std::vector<bool> negated = co_await server.async_map(worker<negate>, bits);
        BOOST_TEST((negated == std::vector<bool>{false, true}));
        std::array<char const*, 2> literals{"a", "b"};
        auto doubled = co_await server.async_map(worker<twice>, literals);
        BOOST_TEST((doubled == std::vector<std::string>{"aa", "bb"}));
        std::vector<ticket> tickets(2);
        tickets[1].number = 4;
        auto stamped = co_await server.async_map(worker<stamp>, tickets);
        BOOST_TEST(stamped.at(0).number == 1);
        BOOST_TEST(stamped.at(1).number == 5);
    });
}

BOOST_AUTO_TEST_CASE(without_jobs)
{
    kit::with_server({}, [](wodehaus::job_server& server) -> awaitable<void> {
        std::vector<int> none;
        auto halves = co_await server.async_map(worker<half>, none);
        BOOST_TEST(halves.empty());
        auto tried = co_await server.async_try_map(worker<half>, none);
        BOOST_TEST(tried.empty());
        co_await server.async_map(worker<refuse>, none);
        BOOST_TEST(server.stats().succeeded + server.stats().failed == 0u);
    });
}

BOOST_AUTO_TEST_CASE(workers_that_return_nothing)
{
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how(), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::folder folder;
            std::vector<std::string> files(5, folder / "notes");
            co_await server.async_map(worker<write_note>, files);
            BOOST_TEST(kit::notes(folder / "notes").size() == 5u);

            files[1] = folder / "no/such/folder";
            auto outcomes = co_await server.async_try_map(worker<write_note>, files);
            BOOST_TEST(outcomes.size() == 5u);
            BOOST_TEST(outcomes.at(0).has_value());
            kit::failed(outcomes.at(1), kit::errc::job_threw);
            BOOST_TEST(kit::notes(folder / "notes").size() == 9u);
        });
    });
}

BOOST_AUTO_TEST_CASE(every_job_is_tried)
{
    kit::each_way_and_in_process([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector numbers{2, 3, 4, 5, 6};
            auto halves = co_await server.async_try_map(worker<half>, numbers);
            BOOST_TEST(halves.size() == 5u);
            for (std::size_t i = 0; i < halves.size(); ++i)
                if (i % 2)
                    kit::failed(halves[i], kit::errc::job_threw);
                else
                    BOOST_TEST(kit::succeeded(std::move(halves[i])) == static_cast<int>(i / 2) + 1);
        });
        BOOST_TEST(summary.succeeded == 3u);
        BOOST_TEST(summary.failed == 2u);
    });
}

BOOST_AUTO_TEST_CASE(the_first_failure_cancels_the_rest)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 2}), [how](wodehaus::job_server& server) -> awaitable<void> {
            // Two run: one that throws when it is told to, and one that would never end.
            kit::gate never{server.get_executor()}, throws{server.get_executor()};
            std::vector<errand> errands(10);
            for (auto& each : errands)
                each.gate = never.path();
            errands[0].gate = throws.path();
            errands[0].throws = true;
            kit::event done{server.get_executor()};
            std::exception_ptr ended;
            server.async_map(worker<run_errand>, errands, [&](std::exception_ptr error, std::vector<int> results) {
                BOOST_TEST(results.empty());
                ended = error;
                done.set();
            });
            co_await throws.arrived();
            if (how.prefetch == 0) // the second may be behind the first otherwise
                co_await never.arrived();
            throws.open();
            co_await done.wait();
            auto why = kit::failure_in(ended);
            kit::check(why, kit::errc::job_threw);
            BOOST_TEST(kit::contains(why.what, "errand 0"));
            BOOST_TEST(server.stats().queued == 0u);
            BOOST_TEST(server.stats().running == 0u);
            int one = co_await server.async_call(worker<half>, 2);
            BOOST_TEST(one == 1);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_map_over_nothing_but_failures)
{
    kit::with_server({}, [](wodehaus::job_server& server) -> awaitable<void> {
        std::vector<int> numbers(20, 1);
        auto [error] = co_await server.async_map(worker<refuse>, numbers, boost::asio::as_tuple(boost::asio::use_awaitable));
        auto why = kit::failure_in(error);
        kit::check(why, kit::errc::job_threw);
        BOOST_TEST(kit::contains(why.what, "never"));
    });
}

BOOST_AUTO_TEST_CASE(a_map_keeps_back_what_would_fill_the_queue)
{
    kit::each_way_and_in_process([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 1, .queue_limit = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            std::vector<errand> errands(12);
            for (int i = 0; i < 12; ++i)
                errands[std::size_t(i)].number = i;
            errands[0].gate = gate.path();
            kit::event done{server.get_executor()};
            server.async_map(worker<run_errand>, errands, [&](std::exception_ptr error, std::vector<int> results) {
                BOOST_TEST(!error);
                BOOST_TEST(results.size() == 12u);
                for (std::size_t i = 0; i < results.size(); ++i)
                    BOOST_TEST(results[i] == static_cast<int>(i));
                done.set();
            });
            co_await gate.arrived();
            BOOST_TEST(server.stats().queued <= 2u);
            gate.open();
            co_await done.wait();
            std::vector<int> numbers(20, 3);
            auto tried = co_await server.async_try_map(worker<half>, numbers);
            for (auto& each : tried)
                kit::failed(each, kit::errc::job_threw);
        });
        BOOST_TEST(summary.succeeded == 12u);
        BOOST_TEST(summary.failed == 20u);
    });
}

BOOST_AUTO_TEST_CASE(several_maps_at_once)
{
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how({.workers = 2, .queue_limit = 3}), [](wodehaus::job_server& server) -> awaitable<void> {
            int left = 5;
            kit::event done{server.get_executor()};
            for (int map = 0; map < 5; ++map) {
                std::vector<int> numbers(10, 2 * map);
                server.async_map(worker<half>, numbers, [&, map](std::exception_ptr error, std::vector<int> halves) {
                    BOOST_TEST(!error);
                    BOOST_TEST((halves == std::vector<int>(10, map)));
                    if (--left == 0)
                        done.set();
                });
            }
            co_await done.wait();
        });
    });
}

BOOST_AUTO_TEST_CASE(large_results)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<std::size_t> sizes{1 << 20, 0, 3 << 20, 1};
            auto results = co_await server.async_map(worker<bytes>, sizes);
            for (std::size_t i = 0; i < sizes.size(); ++i)
                BOOST_TEST(results.at(i).size() == sizes[i]);
        });
    });
}

BOOST_AUTO_TEST_CASE(before_a_run_and_over_its_end)
{
    boost::asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, {.workers = 1}};
    kit::gate gate{context.get_executor()};
    std::vector<errand> errands(3);
    errands[0].gate = gate.path();
    std::exception_ptr ended;
    std::vector<wodehaus::outcome<int>> tried;
    server.async_try_map(worker<run_errand>, errands, [&](std::exception_ptr, std::vector<wodehaus::outcome<int>> all) {
        tried = std::move(all);
    });
    context.run(); // there is no run, so nothing to do
    BOOST_TEST(tried.empty());
    boost::asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            co_await gate.arrived();
            server.stop();
            gate.open();
        },
        kit::rethrow{});
    server.async_run(kit::rethrow{});
    context.restart();
    kit::run(context);
    BOOST_REQUIRE(tried.size() == 3u);
    BOOST_TEST(tried[0].has_value());
    kit::failed(tried[1], kit::errc::stopped);
    kit::failed(tried[2], kit::errc::stopped);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
