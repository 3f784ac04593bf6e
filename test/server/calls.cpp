// Calls: every kind of worker, of job and of result, however the processes come about.
#include "test/kit/preload.hpp"

#include <boost/asio/post.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>

#include <array>
#include <functional>
#include <numeric>
#include <thread>

using kit::awaitable;
using wodehaus::task, wodehaus::worker;

namespace {

// Types that travel.

enum class colour { red, green = 7 };

struct page {
    std::string title;
    std::vector<std::string> lines;
    colour ink = colour::red;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & title & lines & ink;
    }
    bool operator==(page const&) const = default;
};

class ticket { // can be moved, but not copied
public:
    ticket() = default;
    explicit ticket(int number) : number_(number) {}
    ticket(ticket&&) = default;
    ticket& operator=(ticket&&) = default;

    int number() const { return number_; }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & number_;
    }

private:
    int number_ = 0;
};

struct outside { // its serialize is not a member
    int value = 0;
};
template <class Archive>
void serialize(Archive& archive, outside& object, unsigned)
{
    archive & object.value;
}

// Workers of each kind.

int by_value(int number) { return number + 1; }
std::size_t by_const_reference(std::string const& text) { return text.size(); }
std::string by_reference(std::string& text)
{
    text += '!';
    return text;
}
std::string by_rvalue(std::string&& text) { return std::move(text) + '?'; }
long noexcept_function(long number) noexcept { return -number; }
std::string const& gives_reference(std::string const& text) { return text; }
void nothing(int number)
{
    if (number < 0)
        throw std::invalid_argument{"negative"};
}
ticket stamp(ticket from) { return ticket{from.number() + 1}; }
std::unique_ptr<page> copy(std::unique_ptr<page> from)
{
    return from ? std::make_unique<page>(*from) : nullptr;
}
page shout(page job)
{
    for (auto& line : job.lines)
        line += '!';
    job.ink = colour::green;
    return job;
}
outside next(outside object) { return {object.value + 1}; }
std::map<std::string, std::vector<int>> count_letters(std::string const& text)
{
    std::map<std::string, std::vector<int>> places;
    for (std::size_t i = 0; i < text.size(); ++i)
        places[text.substr(i, 1)].push_back(static_cast<int>(i));
    return places;
}
bool negate(bool value) { return !value; }
std::vector<bool> negate_all(std::vector<bool> values)
{
    values.flip();
    return values;
}
std::pair<double, char> pair_up(double number) { return {number / 2, 'x'}; }
std::string repeat(std::size_t size) { return std::string(size, 'r'); }
std::vector<std::uint64_t> numbers(std::size_t size)
{
    std::vector<std::uint64_t> all(size);
    std::iota(all.begin(), all.end(), std::uint64_t{0});
    return all;
}
std::string echo(std::string text) { return text; }

struct add { // a literal function object: a value of it is a constant
    int what = 0;
    constexpr int operator()(int number) const { return number + what; }
};

struct longer_than { // a state that travels with the job
    std::size_t length = 0;
    std::string suffix;

    bool operator()(std::string const& text) const { return (text + suffix).size() > length; }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & length & suffix;
    }
};
struct tally { // its operator() changes it; each job has a state of its own
    int so_far = 0;

    int operator()(int number) { return so_far += number; }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & so_far;
    }
};
struct scale { // its serialize is not a member
    int factor = 1;
    int operator()(int number) const { return factor * number; }
};
template <class Archive>
void serialize(Archive& archive, scale& object, unsigned)
{
    archive & object.factor;
}
struct stateless { // nothing to travel, and no serialize
    int operator()(int number) const { return number * number; }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(calls, kit::nothing_left)

BOOST_AUTO_TEST_CASE(every_kind_of_worker)
{
    kit::each_way_and_in_process([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            std::string text{"text"};
            BOOST_TEST(co_await server.async_call(worker<by_value>, 1) == 2);
            BOOST_TEST(co_await server.async_call(worker<by_const_reference>, text) == 4u);
            BOOST_TEST(co_await server.async_call(worker<by_reference>, text) == "text!");
            BOOST_TEST(co_await server.async_call(worker<by_rvalue>, text) == "text?");
            BOOST_TEST(text == "text");
            BOOST_TEST(co_await server.async_call(worker<noexcept_function>, 3L) == -3);
            BOOST_TEST(co_await server.async_call(worker<gives_reference>, text) == "text");
            BOOST_TEST(co_await server.async_call(worker<[](int number) { return number - 1; }>, 1) == 0);
            constexpr auto lambda = worker<[](std::string const& what) { return what + what; }>;
            BOOST_TEST(co_await server.async_call(lambda, text) == "texttext");
            constexpr auto add_five = worker<add{5}>;
            BOOST_TEST(co_await server.async_call(add_five, 1) == 6);
            constexpr auto add_six = worker<add{6}>;
            BOOST_TEST(co_await server.async_call(add_six, 1) == 7);
            co_await server.async_call(worker<nothing>, 1);

            longer_than longer{5, "x"};
            BOOST_TEST(co_await server.async_call(longer, text) == false);
            longer.suffix = "xx";
            BOOST_TEST(co_await server.async_call(longer, text) == true);
            tally sum{10};
            BOOST_TEST(co_await server.async_call(sum, 1) == 11);
            BOOST_TEST(co_await server.async_call(sum, 1) == 11);
            scale triple{3};
            BOOST_TEST(co_await server.async_call(triple, 5) == 15);
            BOOST_TEST(co_await server.async_call(stateless{}, 5) == 25);
        });
        BOOST_TEST(summary.succeeded == 17u);
        BOOST_TEST(summary.failed == 0u);
        BOOST_TEST(summary.retried == 0u);
        BOOST_TEST((summary.elapsed > std::chrono::nanoseconds{0}));
    });
}

BOOST_AUTO_TEST_CASE(every_kind_of_value)
{
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            page job{"title", {"one", "", std::string("t\0wo", 4)}, colour::red};
            page expected{"title", {"one!", "!", std::string("t\0wo!", 5)}, colour::green};
            page shouted = co_await server.async_call(worker<shout>, job);
            BOOST_TEST((shouted == expected));
            outside object{1};
            object = co_await server.async_call(worker<next>, object);
            BOOST_TEST(object.value == 2);
            auto places = co_await server.async_call(worker<count_letters>, std::string{"abca"});
            BOOST_TEST(places.size() == 3u);
            BOOST_TEST((places["a"] == std::vector{0, 3}));
            BOOST_TEST(co_await server.async_call(worker<negate>, false) == true);
            BOOST_TEST(co_await server.async_call(worker<negate>, true) == false);
            std::vector<bool> bits{true, false, true};
            bits = co_await server.async_call(worker<negate_all>, bits);
            BOOST_TEST((bits == std::vector<bool>{false, true, false}));
            auto pair = co_await server.async_call(worker<pair_up>, 3.0);
            BOOST_TEST(pair.first == 1.5);
            BOOST_TEST(pair.second == 'x');
            BOOST_TEST(co_await server.async_call(worker<echo>, std::string{}) == "");
            BOOST_TEST(co_await server.async_call(worker<echo>, "a literal") == "a literal");
            BOOST_TEST(co_await server.async_call(worker<by_value>, short{4}) == 5);

            ticket stamped = co_await server.async_call(worker<stamp>, ticket{4});
            BOOST_TEST(stamped.number() == 5);
            auto copied = co_await server.async_call(worker<copy>, std::make_unique<page>(job));
            BOOST_REQUIRE(copied);
            BOOST_TEST((*copied == job));
            copied.reset();
            BOOST_TEST(!co_await server.async_call(worker<copy>, std::move(copied)));
        });
    });
}

BOOST_AUTO_TEST_CASE(large_jobs_and_results)
{
    static constexpr std::size_t size = std::size_t{2} << 20; // larger than any buffer on the way
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            std::string large = co_await server.async_call(worker<repeat>, size);
            BOOST_TEST(large.size() == size);
            BOOST_TEST((large.find_first_not_of('r') == large.npos));
            BOOST_TEST(co_await server.async_call(worker<by_const_reference>, large) == size);
            large.back() = 'e';
            std::string back = co_await server.async_call(worker<echo>, large);
            BOOST_TEST((back == large));
            auto all = co_await server.async_call(worker<numbers>, size / sizeof(std::uint64_t));
            BOOST_TEST(all.size() == size / sizeof(std::uint64_t));
            BOOST_TEST(all.back() == all.size() - 1);
        });
    });
}

BOOST_AUTO_TEST_CASE(large_ones_do_not_wait_for_each_other)
{
    // Reader and writer of one process at once: a result that nobody reads would keep the next job from being read.
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            std::string large(std::size_t{1} << 20, 'l');
            std::vector<std::string> jobs(4, large);
            auto results = co_await server.async_map(worker<echo>, jobs);
            BOOST_TEST((results == jobs));
        });
    });
}

BOOST_AUTO_TEST_CASE(small_and_large_in_turn)
{
    // Small answers of a process with jobs ahead take another way than large ones; their order is one.
    kit::each_way_and_in_process([](kit::way how) {
        auto settings = how({.workers = 2});
        if (how.prefetch)
            settings.prefetch = 40; // more answers than the ring takes at once
        kit::with_server(settings, [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<std::string> jobs;
            for (std::size_t i = 0; i < 60; ++i)
                jobs.emplace_back(i % 7 == 3 ? 70'000 + i : i % 3 ? 4000 + i : i, static_cast<char>('a' + i % 26));
            auto results = co_await server.async_map(worker<echo>, jobs);
            BOOST_TEST((results == jobs));
        });
    });
}

BOOST_AUTO_TEST_CASE(a_server_that_is_busy_meanwhile)
{
    // It finds more answers than it takes in one turn, and a large one behind them.
    kit::each(std::array{kit::zygote_ahead, kit::exec_ahead, kit::fork_ahead}, [](kit::way how) {
        auto settings = how({.workers = 1});
        settings.prefetch = 200;
        boost::asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, settings};
        std::vector<std::string> jobs, results;
        for (std::size_t i = 0; i < 45; ++i)
            jobs.emplace_back(i == 44 ? 300'000 : i % 9 == 5 ? 5000 : 3, static_cast<char>('a' + i % 26));
        server.async_run(kit::rethrow{});
        server.async_map(worker<echo>, jobs, [&](std::exception_ptr error, std::vector<std::string> all) {
            BOOST_TEST(!error);
            results = std::move(all);
            server.stop();
        });
        std::function<void()> is_busy = [&] {
            if (!results.empty())
                return;
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
            boost::asio::post(context, is_busy);
        };
        boost::asio::post(context, is_busy);
        kit::run(context);
        BOOST_TEST((results == jobs));
    });
}

BOOST_AUTO_TEST_CASE(tasks)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how(), [](wodehaus::job_server& server) -> awaitable<void> {
            using namespace std::chrono_literals;
            auto one = task{worker<by_value>, 1}.timeout(20s).attempts(2).priority(3).retry_exceptions();
            BOOST_TEST(co_await server.async_call(one) == 2);
            one.job = 5;
            auto six = co_await server.async_try_call(one);
            BOOST_TEST(kit::succeeded(std::move(six)) == 6);
            wodehaus::task_of<by_value> named;
            named.job = 7;
            BOOST_TEST(co_await server.async_call(named.timeout(10s)) == 8);
            longer_than longer{3, ""};
            task stateful{longer, std::string{"four"}};
            BOOST_TEST(co_await server.async_call(stateful) == true);
            wodehaus::task_of<nothing> none;
            none.job = 1;
            co_await server.async_call(none);
            auto only_moves = task{worker<stamp>, ticket{1}};
            ticket stamped = co_await server.async_call(only_moves);
            BOOST_TEST(stamped.number() == 2);
        });
    });
}

BOOST_AUTO_TEST_CASE(failed_jobs_are_values_of_try_calls)
{
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how(), [](wodehaus::job_server& server) -> awaitable<void> {
            auto good = co_await server.async_try_call(worker<nothing>, 1);
            BOOST_TEST(good.has_value());
            auto bad = co_await server.async_try_call(worker<nothing>, -1);
            kit::failed(bad, kit::errc::job_threw);
            BOOST_CHECK_THROW(bad.value(), wodehaus::job_error);
            auto number = co_await server.async_try_call(worker<by_value>, 1);
            BOOST_TEST(number.value() == 2);
        });
    });
}

BOOST_AUTO_TEST_CASE(names)
{
    BOOST_TEST(kit::contains(worker<by_value>.name(), "by_value"));
    BOOST_TEST(kit::contains(worker<add{5}>.name(), "add"));
    static_assert(std::is_same_v<decltype(worker<shout>)::job, page>);
    static_assert(std::is_same_v<decltype(worker<gives_reference>)::result, std::string>);
    static_assert(std::is_void_v<decltype(worker<nothing>)::result>);
}

BOOST_AUTO_TEST_CASE(many_workers_whose_names_are_alike)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how(), [](wodehaus::job_server& server) -> awaitable<void> {
            constexpr auto one = worker<[](int) { return 1; }>;
            constexpr auto two = worker<[](int) { return 2; }>;
            constexpr auto three = worker<[](int) { return 3; }>;
            BOOST_TEST(co_await server.async_call(two, 0) == 2);
            BOOST_TEST(co_await server.async_call(one, 0) == 1);
            BOOST_TEST(co_await server.async_call(three, 0) == 3);
        });
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
