// The C++ of the guide and of the README: a piece between two marks is shown there as it stands here, and what is said
// of it there is tested here.
#include "test/kit/preload.hpp"
#include "test/kit/sanitizer.hpp"

// [names]
#include <wodehaus.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/serialization/vector.hpp>

namespace asio = boost::asio;
using asio::awaitable, asio::use_awaitable;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using wodehaus::errc, wodehaus::task, wodehaus::task_of, wodehaus::worker;
// [names]

#include <boost/asio/experimental/channel.hpp>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include <sys/resource.h>

namespace {

// [job]
struct page {
    std::string title;
    std::vector<std::string> lines;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & title & lines;
    }
};

std::size_t count_words(page const& one)
{
    if (one.lines.empty())
        throw std::invalid_argument{one.title + " is empty"};
    std::size_t words = 0;
    for (auto const& line : one.lines) {
        std::istringstream text{line};
        words += static_cast<std::size_t>(std::distance(std::istream_iterator<std::string>{text}, {}));
    }
    return words;
}
// [job]

// [state]
struct search {
    std::string word;

    bool operator()(page const& one) const
    {
        return std::any_of(one.lines.begin(), one.lines.end(),
                           [this](auto& line) { return line.find(word) != line.npos; });
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & word;
    }
};
// [state]

page const first{"first", {"to be or", "not to be"}}, second{"second", {"that is the question"}}, empty{"empty", {}};

std::size_t count_at(std::string const& gate)
{
    kit::pass(gate);
    return 0;
}

// [preload]
std::map<std::string, std::string> glossary;

std::string explain(std::string const& word)
{
    return glossary.at(word);
}

void read_glossary() // the preload of main
{
    glossary["worker"] = "a procedure that takes a job and gives a result";
}
// [preload]

// Tells the gate that it has come, once, and takes its time.
void write_some(std::ofstream& to, std::string const& gate)
{
    if (to.tellp() == 0)
        kit::arrive(gate);
    to << "some " << std::flush;
    ::usleep(1000);
}

// [stop_requested]
int write_much(std::string const& folder)
{
    auto unfinished = folder + "/unfinished";
    std::ofstream file{unfinished};
    while (!wodehaus::this_job::stop_requested())
        write_some(file, folder);
    std::filesystem::remove(unfinished);
    return 0; // nobody will see it
}
// [stop_requested]

// [status]
int http_status(wodehaus::failure const& why)
{
    if (why.code == errc::job_threw || why.code == errc::process_crashed || why.code == errc::timed_out)
        return 422; // this job: it would happen again
    if (why.code == errc::queue_full || why.code == errc::stopped)
        return 503; // this moment
    return 500;     // this installation: log the failure
}
// [status]

// [calls]
awaitable<std::size_t> count_both(wodehaus::job_server& server, page one, page other)
{
    std::size_t words = co_await server.async_call(worker<count_words>, one); // throws a wodehaus::job_error

    wodehaus::outcome<std::size_t> more = co_await server.async_try_call(worker<count_words>, other);
    if (more)
        words += *more;
    else
        std::clog << more.error() << '\n'; // a wodehaus::failure
    co_return words;
}
// [calls]

// [maps]
awaitable<std::size_t> count_all(wodehaus::job_server& server, std::vector<page> const& pages)
{
    std::size_t sum = 0;
    for (std::size_t words : co_await server.async_map(worker<count_words>, pages))
        sum += words;
    co_return sum;
}
// [maps]

// [timer]
awaitable<std::string> count_in_time(wodehaus::job_server& server, std::string job, std::chrono::milliseconds limit)
{
    asio::steady_timer timer{server.get_executor(), limit};
    auto done = co_await (server.async_call(worker<count_at>, job) || timer.async_wait(use_awaitable));
    co_return done.index() == 0 ? "counted" : "too late";
}
// [timer]

// [total]
awaitable<wodehaus::outcome<std::size_t>> count_or_leave_the_queue(wodehaus::job_server& server, std::string job)
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
    co_return co_await server.async_try_call(worker<count_at>, job);
}
// [total]

// [signals]
awaitable<void> stop_at_a_signal(wodehaus::job_server& server)
{
    asio::signal_set signals{server.get_executor(), SIGINT, SIGTERM};
    co_await signals.async_wait(use_awaitable);
    server.stop(); // what runs finishes
    co_await signals.async_wait(use_awaitable);
    server.terminate(); // nothing more does
}
// [signals]

// [consumer]
struct printer {
    std::ostream& out;

    void operator()(page const& one, wodehaus::outcome<std::size_t> words) const
    {
        out << one.title << ": " << (words ? std::to_string(*words) : words.error().what) << '\n';
    }
    void operator()(std::string const& word,
                    std::string const& meaning) const // not called for a failure, which is logged
    {
        out << word << ": " << meaning << '\n';
    }
};
// [consumer]

template <class Body>
wodehaus::run_summary serving(Body body)
{
    return kit::with_server({.workers = 2, .logger = {}}, std::move(body));
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(snippets, kit::nothing_left)

BOOST_AUTO_TEST_CASE(calls)
{
    serving([](wodehaus::job_server& server) -> awaitable<void> {
        BOOST_TEST(co_await count_both(server, first, second) == 10u);
        BOOST_TEST(co_await count_both(server, first, empty) == 6u);
        wodehaus::failure why;
        try {
            co_await count_both(server, empty, first);
        } catch (wodehaus::job_error const& error) {
            why = error.why();
        }
        kit::check(why, errc::job_threw);
        BOOST_TEST(kit::contains(why.what, "empty is empty"));
        BOOST_TEST(http_status(why) == 422);
    });
}

BOOST_AUTO_TEST_CASE(statuses)
{
    using wodehaus::failure;
    BOOST_TEST(http_status(failure{errc::queue_full, ""}) == 503);
    BOOST_TEST(http_status(failure{errc::launch_failed, ""}) == 500);
    BOOST_TEST(http_status(failure{asio::error::operation_aborted, ""}) == 500);
}

BOOST_AUTO_TEST_CASE(a_state_that_travels)
{
    serving([](wodehaus::job_server& server) -> awaitable<void> {
        // [state_call]
        search for_question{"question"};
        bool found = co_await server.async_call(for_question, second);
        // [state_call]
        BOOST_TEST(found);
        BOOST_TEST(!co_await server.async_call(for_question, first));
    });
}

BOOST_AUTO_TEST_CASE(tasks)
{
    serving([](wodehaus::job_server& server) -> awaitable<void> {
        // [task]
        auto job = task{worker<count_words>, first}.timeout(30s).attempts(3).retry_exceptions().priority(1);
        std::size_t words = co_await server.async_call(job);
        // [task]
        BOOST_TEST(words == 6u);
        job.job = empty;
        BOOST_TEST(kit::failed(co_await server.async_try_call(job), errc::job_threw).attempt == 3);
    });
}

BOOST_AUTO_TEST_CASE(maps)
{
    serving([](wodehaus::job_server& server) -> awaitable<void> {
        std::vector pages{first, second, first};
        BOOST_TEST(co_await count_all(server, pages) == 16u);
        pages.push_back(empty);
        BOOST_CHECK_THROW(co_await count_all(server, pages), wodehaus::job_error);
        auto outcomes = co_await server.async_try_map(worker<count_words>, pages);
        BOOST_TEST(outcomes.at(0).value() == 6u);
        kit::failed(outcomes.at(3), errc::job_threw);
    });
}

BOOST_AUTO_TEST_CASE(kept_processes)
{
    // [kept]
    wodehaus::options how{.workers = 2, .jobs_per_process = 0, .prefetch = 7};
    // [kept]
    auto summary = kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        std::vector<page> pages(100, first);
        BOOST_TEST(co_await count_all(server, pages) == 600u);
        BOOST_TEST(server.stats().started == 2u);
    });
    BOOST_TEST(summary.succeeded == 100u);
}

BOOST_AUTO_TEST_CASE(a_closure)
{
    // [fork]
    wodehaus::options how{.workers = 2, .launch = wodehaus::launch::fork};
    // [fork]
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        // [closure]
        std::vector<std::string> common{"to", "be"};
        auto rare = [&common](std::string const& word) { return std::count(common.begin(), common.end(), word) == 0; };
        bool is_rare = co_await server.async_call(rare, "question");
        // [closure]
        BOOST_TEST(is_rare);
        common.push_back("question"); // it has the memory of the moment
        BOOST_TEST(!co_await server.async_call(rare, "question"));
    });
}

BOOST_AUTO_TEST_CASE(through_a_launcher)
{
    // [launcher]
    wodehaus::options how{.launch = wodehaus::launch::exec, .launcher = {"nice", "-n", "10"}};
    // [launcher]
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        constexpr auto niceness = worker<[](int) { return ::getpriority(PRIO_PROCESS, 0); }>;
        BOOST_TEST(co_await server.async_call(niceness, 0) == std::min(::getpriority(PRIO_PROCESS, 0) + 10, 19));
    });
}

BOOST_AUTO_TEST_CASE(what_preload_has_made)
{
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how(), [](wodehaus::job_server& server) -> awaitable<void> {
            std::string word{"worker"};
            BOOST_TEST(kit::contains(co_await server.async_call(worker<explain>, word), "a procedure"));
        });
    });
}

BOOST_AUTO_TEST_CASE(a_call_and_a_timer)
{
    serving([](wodehaus::job_server& server) -> awaitable<void> {
        kit::gate gate{server.get_executor()};
        BOOST_TEST(co_await count_in_time(server, gate.path(), 1ms) == "too late");
        BOOST_TEST(server.stats().running == 0u); // the timer has waited for the end of the other
        gate.open();
        BOOST_TEST(co_await count_in_time(server, gate.path(), 60s) == "counted");
    });
}

BOOST_AUTO_TEST_CASE(cancellation_of_a_callback)
{
    serving([](wodehaus::job_server& server) -> awaitable<void> {
        kit::gate gate{server.get_executor()};
        kit::event done{server.get_executor()};
        std::optional<wodehaus::outcome<std::size_t>> end;
        auto handler = [&](std::exception_ptr, wodehaus::outcome<std::size_t> outcome) {
            end = std::move(outcome);
            done.set();
        };
        auto job = gate.path();
        // [cancel]
        asio::cancellation_signal cancel;
        server.async_try_call(worker<count_at>, job, asio::bind_cancellation_slot(cancel.slot(), handler));
        // [cancel]
        co_await gate.arrived();
        cancel.emit(asio::cancellation_type::terminal);
        co_await done.wait();
        auto why = kit::failed(*end, errc::canceled);
        BOOST_TEST((why.code == asio::error::operation_aborted));
    });
}

BOOST_AUTO_TEST_CASE(cancellation_of_a_coroutine)
{
    kit::with_server({.workers = 1}, [](wodehaus::job_server& server) -> awaitable<void> {
        kit::gate gate{server.get_executor()};
        kit::event both{server.get_executor()};
        std::vector<std::optional<wodehaus::outcome<std::size_t>>> ends(2);
        std::vector<asio::cancellation_signal> cancel(2);
        int left = 2;
        auto spawn = [&](std::size_t which, awaitable<wodehaus::outcome<std::size_t>> what) {
            asio::co_spawn(server.get_executor(), std::move(what),
                           asio::bind_cancellation_slot(cancel[which].slot(),
                                                        [&, which](std::exception_ptr error,
                                                                   wodehaus::outcome<std::size_t> outcome) {
                                                            BOOST_TEST(!error);
                                                            ends[which] = std::move(outcome);
                                                            if (--left == 0)
                                                                both.set();
                                                        }));
        };
        auto as_it_is = [&]() -> awaitable<wodehaus::outcome<std::size_t>> {
            auto job = gate.path();
            co_return co_await server.async_try_call(worker<count_at>, job);
        };
        auto running = task{worker<count_at>, gate.path()};
        server.async_call(running, asio::detached);
        co_await gate.arrived();
        spawn(0, as_it_is());
        spawn(1, count_or_leave_the_queue(server, gate.path()));
        while (server.stats().queued < 2)
            co_await asio::post(server.get_executor(), use_awaitable);
        for (auto& each : cancel)
            each.emit(asio::cancellation_type::total);
        gate.open_for_all();
        co_await both.wait();
        BOOST_TEST(kit::succeeded(std::move(*ends[0])) == 0u); // a coroutine hears of terminal only, unless it asks
        kit::failed(*ends[1], errc::canceled);
    });
}

BOOST_AUTO_TEST_CASE(a_coroutine_that_goes_on_after_its_cancellation)
{
    serving([](wodehaus::job_server& server) -> awaitable<void> {
        for (bool throws : {true, false}) {
            kit::gate gate{server.get_executor()};
            kit::event done{server.get_executor()};
            asio::cancellation_signal cancel;
            std::exception_ptr ended;
            bool has_failed = false;
            auto goes_on = [&]() -> awaitable<void> {
                co_await asio::this_coro::throw_if_cancelled(throws);
                auto job = gate.path();
                auto end = co_await server.async_try_call(worker<count_at>, job);
                has_failed = end.has_error();
                co_await asio::post(server.get_executor(), use_awaitable);
            };
            asio::co_spawn(server.get_executor(), goes_on(),
                           asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr error) {
                               ended = error;
                               done.set();
                           }));
            co_await gate.arrived();
            cancel.emit(asio::cancellation_type::terminal);
            co_await done.wait();
            BOOST_TEST(has_failed);
            BOOST_TEST((kit::code_in(ended) == asio::error::operation_aborted) == throws);
        }
    });
}

BOOST_AUTO_TEST_CASE(a_run_that_loses)
{
    asio::io_context context{1};
    wodehaus::job_server server{context, {.workers = 1}};
    kit::gate gate{context.get_executor()};
    std::optional<wodehaus::outcome<std::size_t>> end;
    server.async_try_call(worker<count_at>, gate.path(),
                          [&](std::exception_ptr, wodehaus::outcome<std::size_t> outcome) { end = std::move(outcome); });
    asio::co_spawn(context, server.async_run() || gate.arrived(), kit::rethrow{});
    kit::run(context);
    BOOST_REQUIRE(end);
    kit::failed(*end, errc::stopped); // it ran: so the run was terminated
}

BOOST_AUTO_TEST_CASE(a_job_that_is_asked_to_end)
{
    serving([](wodehaus::job_server& server) -> awaitable<void> {
        kit::gate gate{server.get_executor()};
        auto end = co_await (server.async_call(worker<write_much>, gate.path()) || gate.arrived());
        BOOST_TEST(end.index() == 1u);
        BOOST_TEST(!std::filesystem::exists(gate.path() + "/unfinished"));
    });
}

BOOST_AUTO_TEST_CASE(signals)
{
    asio::io_context context{1};
    wodehaus::job_server server{context, {.workers = 1}};
    kit::gate gate{context.get_executor()};
    // [run]
    server.async_run([](std::exception_ptr error, wodehaus::run_summary summary) {
        if (error)
            std::rethrow_exception(error); // out of context.run(): what a producer or consumer threw, or a second run
        std::clog << summary.succeeded << " jobs in " << std::chrono::duration<double>(summary.elapsed).count()
                  << " s\n";
    });
    // [run]
    std::optional<wodehaus::outcome<std::size_t>> end;
    server.async_try_call(worker<count_at>, gate.path(),
                          [&](std::exception_ptr, wodehaus::outcome<std::size_t> outcome) {
                              end = std::move(outcome);
                          });
    asio::co_spawn(context, stop_at_a_signal(server), asio::detached);
    asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            co_await gate.arrived();
            ::raise(SIGTERM);
            std::string word{"worker"}; // it waits, until the server stops
            kit::failed(co_await server.async_try_call(worker<explain>, word), errc::stopped);
            ::raise(SIGTERM);
        },
        kit::rethrow{});
    kit::run(context);
    BOOST_REQUIRE(end);
    kit::failed(*end, errc::stopped);
}

// ---- runs over a producer

namespace {

std::vector<page> some_pages(std::size_t count)
{
    return std::vector<page>(count, first);
}

template <class Producer, class Consumer>
wodehaus::run_summary run_over(Producer producer, Consumer consumer)
{
    asio::io_context context{1};
    wodehaus::job_server server{context, {.workers = 2, .logger = {}}};
    wodehaus::run_summary summary;
    server.async_run(producer, consumer, [&](std::exception_ptr error, wodehaus::run_summary figures) {
        BOOST_TEST(!error);
        summary = figures;
    });
    kit::run(context);
    return summary;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_producer_and_a_consumer)
{
    std::vector<page> pages = some_pages(10);
    std::size_t sum = 0;
    // [producer]
    auto producer = [&pages]() -> std::optional<task_of<count_words>> {
        if (pages.empty())
            return std::nullopt; // the end; or throw wodehaus::stop{}
        task next{worker<count_words>, std::move(pages.back())};
        pages.pop_back();
        return next;
    };
    auto consumer = [&sum](page const&, std::size_t words) { sum += words; };
    // [producer]
    BOOST_TEST(run_over(producer, consumer).succeeded == 10u);
    BOOST_TEST(sum == 60u);

    sum = 0;
    pages = some_pages(5);
    // [start]
    auto summary = wodehaus::start(producer, consumer); // blocks; Ctrl-C ends it cleanly
    // [start]
    BOOST_TEST(summary.succeeded == 5u);
    BOOST_TEST(sum == 30u);
}

BOOST_AUTO_TEST_CASE(several_kinds_of_tasks)
{
    std::ostringstream out;
    // [variant]
    using either = std::variant<task_of<count_words>, task_of<explain>>;
    auto producer = [turn = 0]() mutable -> std::optional<either> {
        switch (turn++) {
        case 0:
            return task{worker<count_words>, first};
        case 1:
            return task{worker<explain>, std::string{"worker"}};
        case 2:
            return task{worker<count_words>, empty};
        case 3:
            return task{worker<explain>, std::string{"unheard"}};
        default:
            return std::nullopt;
        }
    };
    // [variant]
    auto summary = run_over(producer, printer{out});
    BOOST_TEST(summary.succeeded == 2u);
    BOOST_TEST(summary.failed == 2u);
    BOOST_TEST(kit::contains(out.str(), "first: 6\n"));
    BOOST_TEST(kit::contains(out.str(), "worker: a procedure"));
    BOOST_TEST(kit::contains(out.str(), "empty is empty"));
    BOOST_TEST(!kit::contains(out.str(), "unheard"));
}

BOOST_AUTO_TEST_CASE(coroutines)
{
    using boost::system::error_code;
    asio::io_context context{1};
    wodehaus::job_server server{context, {.workers = 2}};
    asio::experimental::channel<void(error_code, page)> pages{context};
    std::size_t sum = 0;
    // [coroutines]
    auto producer = [&pages]() -> awaitable<std::optional<task_of<count_words>>> {
        std::optional<task_of<count_words>> next;
        auto [closed, one] = co_await pages.async_receive(asio::as_tuple(use_awaitable));
        if (!closed)
            next = task{worker<count_words>, std::move(one)};
        co_return next;
    };
    auto consumer = [&sum](page const&, std::size_t words) -> awaitable<void> {
        asio::steady_timer pause{co_await asio::this_coro::executor, 1ms}; // no new job meanwhile, if it takes long
        co_await pause.async_wait(use_awaitable);
        sum += words;
    };
    // [coroutines]
    wodehaus::run_summary summary;
    server.async_run(producer, consumer, [&](std::exception_ptr error, wodehaus::run_summary figures) {
        BOOST_TEST(!error);
        summary = figures;
    });
    asio::co_spawn(
        context,
        [&]() -> awaitable<void> {
            for (int i = 0; i < 3; ++i)
                co_await pages.async_send(error_code{}, first, use_awaitable);
            pages.close();
        },
        kit::rethrow{});
    kit::run(context);
    BOOST_TEST(summary.succeeded == 3u);
    BOOST_TEST(sum == 18u);
}

BOOST_AUTO_TEST_CASE(a_producer_that_blocks)
{
    std::istringstream input{"to be\nor not\n"};
    std::size_t sum = 0;
    auto consumer = [&sum](page const&, std::size_t words) { sum += words; };
    // [blocking]
    auto producer = wodehaus::blocking([&input]() -> std::optional<task_of<count_words>> {
        page next{"input", {""}};
        if (!std::getline(input, next.lines[0]))
            return std::nullopt;
        return task{worker<count_words>, std::move(next)};
    });
    // [blocking]
    run_over(producer, consumer);
    BOOST_TEST(sum == 4u);
}

// ---- threads

BOOST_AUTO_TEST_CASE(a_pool_of_threads)
{
    std::size_t total = 0;
    // [threads]
    asio::thread_pool pool{4};
    wodehaus::job_server server{pool, {.workers = 4}};
    server.async_run(asio::detached);

    auto words = server.async_call(worker<count_words>, first, asio::use_future); // from any thread

    auto strand = asio::make_strand(pool);
    auto add = [&total](std::exception_ptr error, std::size_t more) { total += error ? 0 : more; };
    for (auto const& one : {first, second})
        server.async_call(worker<count_words>, one, asio::bind_executor(strand, add)); // never two at once
    // [threads]
    BOOST_TEST(words.get() == 6u);
    server.async_call(worker<count_words>, first, asio::use_future).get(); // behind those two: first come, first served
    server.stop();
    pool.join();
    BOOST_TEST(total == 10u);
}

// ---- failed jobs

BOOST_AUTO_TEST_CASE(failed_jobs_are_kept)
{
    kit::folder outside;
    auto before = std::filesystem::current_path();
    std::filesystem::current_path(outside.path());
    // [keep]
    wodehaus::options how{.attempts = 2, .keep_failed = "failed"};
    // [keep]
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        kit::failed(co_await server.async_try_call(worker<count_words>, empty), errc::job_threw);
    });
    std::filesystem::current_path(before);
    BOOST_TEST(std::distance(std::filesystem::directory_iterator{outside / "failed"}, {}) == 1);
}

// ---- what processes write, and what they may use

BOOST_AUTO_TEST_CASE(a_log)
{
    std::vector<std::string> errors, course;
    // [log]
    wodehaus::options how{.output = wodehaus::output::log,
                          .logger = [&](wodehaus::level importance, std::string_view line) {
                              (importance == wodehaus::level::error ? errors : course).emplace_back(line);
                          }};
    // [log]
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        constexpr auto prints = worker<[](int number) -> int {
            std::cout << "printed";
            return number ? throw std::runtime_error{"thrown"} : 0;
        }>;
        BOOST_TEST(co_await server.async_call(prints, 0) == 0);
        BOOST_TEST(kit::failed(co_await server.async_try_call(prints, 1), errc::job_threw).output == "printed\n");
    });
    BOOST_TEST(errors.empty());
    BOOST_TEST(std::count_if(course.begin(), course.end(), [](auto& line) { return line.ends_with(": printed"); }) ==
               2);
}

#if !defined(KIT_ADDRESS_SANITIZER) && !defined(KIT_THREAD_SANITIZER) // these have allocators of their own

BOOST_AUTO_TEST_CASE(a_limit_of_memory)
{
    // [memory]
    constexpr std::size_t gigabyte = std::size_t{1} << 30;
    wodehaus::options how{.attempts = 2, .memory = gigabyte};
    // [memory]
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        constexpr auto allocates = worker<[](std::size_t size) { return std::string(size, 'x').size(); }>;
        BOOST_TEST(co_await server.async_call(allocates, 1000u) == 1000u);
        auto why = kit::failed(co_await server.async_try_call(allocates, 2 * gigabyte), errc::out_of_memory);
        BOOST_TEST(kit::contains(why.what, "std::bad_alloc"));
    });
}

#endif

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    // [init]
    wodehaus::init(argc, argv, read_glossary); // the first line of main
    // [init]
    return kit::run_tests(argc, argv);
}
