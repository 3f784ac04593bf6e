// The rows of the matrix that are about jobs: operations, failures, and a worker that is a server itself.
#include "test/server/matrix.hpp"

#include "test/kit/mishaps.hpp"

#include <wodehaus/start.hpp>
#include <wodehaus/this_job.hpp>

#include <boost/serialization/vector.hpp>

#include <array>

namespace matrix {

using namespace kit::mishaps;

// ---- operations

namespace {

int throws(int number)
{
    throw std::invalid_argument{"thrown " + std::to_string(number)};
}
int throws_at_first(int)
{
    return wodehaus::this_job::attempt() == 1 ? throw std::runtime_error{"at first"} : wodehaus::this_job::attempt();
}
std::string echo(std::string const& text)
{
    return text;
}
void nothing(int) {}

struct multiplies { // travels with its job
    int factor = 0;
    int operator()(int number) const { return number * factor; }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& factor;
    }
};

int waits_to_be_stopped(std::string const& gate)
{
    if (!gate.empty())
        kit::arrive(gate);
    while (!wodehaus::this_job::stop_requested())
        std::this_thread::sleep_for(1ms); // asked, not told
    return 1;
}

} // namespace

awaitable<mark> call(kit::way how, asio::io_context& context)
{
    session run{context, how()};
    int result = co_await run.server.async_call(worker<half>, 4);
    expect(result == 2, "half of 4");
    auto end = co_await run.server.async_try_call(worker<half>, 6);
    expect(end && *end == 3, "half of 6");
    co_await run.server.async_call(worker<nothing>, 1);
    co_return co_await run.end();
}

awaitable<mark> map(kit::way how, asio::io_context& context)
{
    session run{context, how({.workers = 2})};
    std::vector<int> numbers{2, 4, 6, 8, 10};
    auto results = co_await run.server.async_map(worker<half>, numbers);
    expect(results == std::vector<int>{1, 2, 3, 4, 5}, "halves in their order");
    auto ends = co_await run.server.async_try_map(worker<throws>, numbers);
    expect(ends.size() == 5, "as many ends as jobs");
    for (auto& end : ends)
        expect_failure(end, errc::job_threw);
    co_return co_await run.end();
}

awaitable<mark> producer_and_consumer(kit::way how, asio::io_context& context)
{
    job_server server{context, how({.workers = 2})};
    int left = 6, sum = 0;
    auto producer = [&]() -> std::optional<task_of<half>> {
        if (left == 0)
            return std::nullopt;
        return task{worker<half>, 2 * left--};
    };
    auto consumer = [&](int, int result) { sum += result; };
    auto summary = co_await server.async_run(producer, consumer);
    expect(summary.succeeded == 6 && sum == 21, "6 jobs, sum " + std::to_string(sum));
    co_return mark::ok;
}

namespace {

// Where there is `start` for it, it is that.
wodehaus::run_summary batch(kit::way how, int count, int& sum)
{
    auto producer = [&]() -> std::optional<task_of<half>> {
        if (count == 0)
            return std::nullopt;
        return task{worker<half>, 2 * count--};
    };
    auto consumer = [&](int, int result) { sum += result; };
    if (how.launch == launch::zygote && !how.kept())
        return wodehaus::start(producer, consumer, {}, 2);
    asio::io_context context{1};
    job_server server{context, how({.workers = 2, .stop_signals = {SIGINT, SIGTERM}, .logger = {}})};
    wodehaus::run_summary summary;
    server.async_run(wodehaus::blocking(producer), consumer,
                     [&](std::exception_ptr, wodehaus::run_summary figures) { summary = figures; });
    context.run_for(30s);
    return summary;
}

} // namespace

awaitable<mark> batches_on_threads(kit::way how, asio::io_context&)
{
    std::array<int, 3> sums{};
    std::array<std::uint64_t, 3> succeeded{};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < sums.size(); ++i)
        threads.emplace_back([&, i] { succeeded[i] = batch(how, 10, sums[i]).succeeded; });
    for (auto& each : threads)
        each.join();
    for (std::size_t i = 0; i < sums.size(); ++i)
        expect(succeeded[i] == 10 && sums[i] == 55, std::to_string(succeeded[i]) + ", sum " + std::to_string(sums[i]));
    co_return mark::ok;
}

awaitable<mark> function_object(kit::way how, asio::io_context& context)
{
    session run{context, how()};
    multiplies by_three{3};
    int result = co_await run.server.async_call(by_three, 5);
    expect(result == 15, "3 times 5");
    co_return co_await run.end();
}

awaitable<mark> closure(kit::way how, asio::io_context& context)
{
    session run{context, how()};
    auto adds = [three = 3](int number) { return number + three; };
    auto end = co_await run.server.async_try_call(adds, 5);
    if (starts_a_program(how))
        expect_in(expect_failure(end, errc::launch_failed).what, "launch::fork"); // where it can run
    else
        expect(end && *end == 8, "3 and 5");
    co_return co_await run.end();
}

awaitable<mark> large(kit::way how, asio::io_context& context)
{
    session run{context, how()};
    std::string megabyte(1 << 20, 'm');
    auto back = co_await run.server.async_call(worker<echo>, megabyte);
    expect(back == megabyte, "not what was sent");
    co_return co_await run.end();
}

awaitable<mark> too_large(kit::way how, asio::io_context& context)
{
    session run{context, how({.max_message = 100'000})};
    std::string large(200'000, 'l');
    auto job = co_await run.server.async_try_call(worker<echo>, large);
    expect_failure(job, errc::too_large);
    constexpr auto makes_much = worker<[](int size) { return std::string(static_cast<std::size_t>(size), 'l'); }>;
    auto result = co_await run.server.async_try_call(makes_much, 200'000);
    expect_failure(result, errc::too_large);
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> cancelled(kit::way how, asio::io_context& context)
{
    session run{context, how({.workers = 1})};
    kit::gate gate{context.get_executor()};
    call_under_way<int> running{context}, waiting{context};
    run.server.async_try_call(worker<waits_to_be_stopped>, gate.path(), running.token());
    co_await gate.arrived();
    run.server.async_try_call(worker<waits_to_be_stopped>, gate.path(), waiting.token());
    waiting.cancel(asio::cancellation_type::total);
    running.cancel(asio::cancellation_type::terminal); // what was sent ahead ends no sooner than that
    for (auto* each : {&waiting, &running}) {
        auto end = co_await each->end();
        expect(!end && end.error().code == asio::error::operation_aborted, "not cancelled");
    }
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> timed_out(kit::way how, asio::io_context& context)
{
    session run{context, how({.workers = 1})};
    auto slow = task{worker<waits_to_be_stopped>, ""}.timeout(10ms);
    auto end = co_await run.server.async_try_call(slow);
    expect_failure(end, errc::timed_out);
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> stopped(kit::way how, asio::io_context& context)
{
    session run{context, how({.workers = 1})};
    kit::gate gate{context.get_executor()};
    constexpr auto passes = worker<[](std::string const& at) {
        kit::pass(at);
        return 1;
    }>;
    call_under_way<int> running{context}, waiting{context};
    run.server.async_try_call(passes, gate.path(), running.token());
    co_await gate.arrived();
    run.server.async_try_call(passes, gate.path(), waiting.token());
    run.server.stop();
    gate.open(2);
    auto end = co_await running.end();
    expect(end && *end == 1, "what ran has not ended by itself");
    end = co_await waiting.end();
    if (how.prefetch == 0 || !end)
        expect_failure(end, errc::stopped);
    co_return co_await run.ended();
}

awaitable<mark> terminated(kit::way how, asio::io_context& context)
{
    session run{context, how({.workers = 1})};
    kit::gate gate{context.get_executor()};
    call_under_way<int> running{context};
    run.server.async_try_call(worker<waits_to_be_stopped>, gate.path(), running.token());
    co_await gate.arrived();
    run.server.terminate();
    auto end = co_await running.end();
    expect_failure(end, errc::stopped);
    co_return co_await run.ended();
}

awaitable<mark> destroyed(kit::way how, asio::io_context& context)
{
    kit::gate gate{context.get_executor()};
    call_under_way<int> running{context};
    {
        session run{context, how({.workers = 1})};
        run.server.async_try_call(worker<waits_to_be_stopped>, gate.path(), running.token());
        co_await gate.arrived();
    }
    auto end = co_await running.end();
    expect(!end && end.error().code == asio::error::operation_aborted, "the call has not ended with its server");
    co_return mark::ok;
}

awaitable<mark> run_again(kit::way how, asio::io_context& context)
{
    session run{context, how()};
    for (int round = 0; round < 2; ++round) {
        int result = co_await run.server.async_call(worker<half>, 4);
        expect(result == 2, "half of 4");
        co_await run.end();
        run.begin();
    }
    co_return co_await run.end();
}

awaitable<mark> attempts(kit::way how, asio::io_context& context)
{
    session run{context, how()};
    auto twice = task{worker<throws_at_first>, 0}.attempts(2).retry_exceptions();
    int attempt = co_await run.server.async_call(twice);
    expect(attempt == 2, "attempt " + std::to_string(attempt));
    co_return co_await run.end();
}

awaitable<mark> full_queue(kit::way how, asio::io_context& context)
{
    session run{context, how({.workers = 1, .queue_limit = 1})};
    kit::gate gate{context.get_executor()};
    std::vector<call_under_way<int>> calls;
    for (int i = 0; i < 10; ++i)
        calls.emplace_back(context);
    run.server.async_try_call(worker<waits_to_be_stopped>, gate.path(), calls[0].token());
    co_await gate.arrived();
    for (std::size_t i = 1; i < calls.size(); ++i)
        run.server.async_try_call(worker<waits_to_be_stopped>, "", calls[i].token());
    auto end = co_await calls.back().end();
    expect_failure(end, errc::queue_full);
    run.server.terminate();
    for (auto& each : calls)
        co_await each.end();
    co_return co_await run.ended();
}

// ---- failures

namespace {

int ignores_sigterm(std::string const& gate)
{
    ::signal(SIGTERM, SIG_IGN);
    kit::arrive(gate);
    for (;;)
        ::pause();
}

// A value with which something happens at one place of its way.
struct parcel {
    enum place { nowhere, loaded_there, saved_there } at = nowhere;
    bool crashes = false, there = false;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& at& crashes& there;
        if (at == (Archive::is_loading::value ? loaded_there : saved_there) && there == Archive::is_saving::value)
            crashes ? std::abort() : throw std::runtime_error{"does not travel"};
    }
};
parcel receives(parcel const& job)
{
    return {job.at, job.crashes, true};
}

} // namespace

awaitable<mark> it_throws(kit::way how, asio::io_context& context)
{
    session run{context, how()};
    auto end = co_await end_of<throws>(run, 3);
    expect_in(expect_failure(end, errc::job_threw).what, "thrown 3");
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> it_crashes(kit::way how, asio::io_context& context)
{
    if (!has_processes(how))
        co_return mark::none;
    session run{context, how()};
    for (int signal : {SIGSEGV, SIGABRT, SIGKILL}) {
        auto end = co_await end_of<raises>(run, signal);
        expect(expect_failure(end, errc::process_crashed).signal == signal, "another signal");
    }
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> it_exits(kit::way how, asio::io_context& context)
{
    if (!has_processes(how))
        co_return mark::none;
    session run{context, how()};
    auto orderly = co_await end_of<exits>(run, 11);
    expect(expect_failure(orderly, errc::process_exited).exit_code == 11, "another status");
    auto at_once = co_await end_of<exits_at_once>(run, 0);
    expect(expect_failure(at_once, errc::process_exited).exit_code == 0, "another status");
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> it_ignores_sigterm(kit::way how, asio::io_context& context)
{
    if (!has_processes(how))
        co_return mark::none;
    session run{context, how({.kill_after = 10ms})};
    kit::gate gate{context.get_executor()};
    call_under_way<int> call{context};
    run.server.async_try_call(worker<ignores_sigterm>, gate.path(), call.token());
    co_await gate.arrived();
    call.cancel(asio::cancellation_type::terminal);
    auto end = co_await call.end();
    expect(!end && end.error().signal == SIGKILL, "it has not ended by SIGKILL");
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> it_closes_everything(kit::way how, asio::io_context& context)
{
    if (!has_processes(how))
        co_return mark::none;
    session run{context, how({.kill_after = 100ms})};
    auto end = co_await end_of<closes_everything>(run, 0);
    expect(!end || how.prefetch > 0, "a result, from nowhere"); // by the ring it may have come whole
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> it_sends_garbage(kit::way how, asio::io_context& context)
{
    if (!has_processes(how))
        co_return mark::none;
    session run{context, how()};
    auto end = co_await end_of<scribbles>(run, 0);
    expect(!end, "a result, from garbage");
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> grandchild_stays(kit::way how, asio::io_context& context)
{
    if (!has_processes(how))
        co_return mark::none;
    session run{context, how()};
    auto end = co_await end_of<grandchild_holds_all>(run, 0);
    expect(expect_failure(end, errc::process_exited).exit_code == 7, "another status");
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> value_does_not_travel(kit::way how, asio::io_context& context)
{
    session run{context, how()};
    for (auto at : {parcel::loaded_there, parcel::saved_there}) {
        parcel job{at};
        auto end = co_await run.server.async_try_call(worker<receives>, job);
        expect_in(expect_failure(end, errc::bad_message).what, "does not travel");
    }
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> value_crashes_on_its_way(kit::way how, asio::io_context& context)
{
    if (!has_processes(how))
        co_return mark::none;
    session run{context, how()};
    for (auto at : {parcel::loaded_there, parcel::saved_there}) {
        parcel job{at, true};
        auto end = co_await run.server.async_try_call(worker<receives>, job);
        expect(expect_failure(end, errc::process_crashed).signal == SIGABRT, "another signal");
    }
    co_return co_await run.goes_on_and_ends();
}

// ---- a worker that is a server itself

awaitable<mark> nested(kit::way how, asio::io_context& context, launch inner)
{
    session run{context, how({.workers = 1})};
    errands::nested_job job{inner, ""};
    for (int round = 0; round < 2; ++round) {
        int result = co_await run.server.async_call(worker<errands::serve_within>, job);
        expect(result == 2, "half of 4");
    }
    co_return co_await run.end();
}

namespace {

void expect_death(std::string const& pid)
{
    expect(kit::within_a_second([&] { return !kit::state_of(std::stoi(pid)).alive(); }), "process " + pid + " lives");
}

} // namespace

awaitable<mark> nested_and_timed_out(kit::way how, asio::io_context& context, launch inner)
{
    if (!has_processes(how))
        co_return mark::none; // there it only asks
    session run{context, how({.workers = 1})};
    kit::gate gate{context.get_executor()};
    errands::nested_job job{inner, gate.path()};
    auto pids = kit::notes(errands::pids_at(gate.path()));
    for (auto limit = 50ms; pids.empty(); limit *= 2) { // until it is long enough for the inner job to have begun
        auto slow = task{worker<errands::serve_within>, job}.timeout(limit);
        auto end = co_await run.server.async_try_call(slow);
        expect_failure(end, errc::timed_out);
        pids = kit::notes(errands::pids_at(gate.path()));
    }
    expect_death(pids.front());
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> nested_and_killed(kit::way how, asio::io_context& context, launch inner)
{
    kit::gate gate{context.get_executor()};
    guest one{context, {}, {how.name, "inherit", "serve", std::to_string(static_cast<int>(inner)) + ':' + gate.path()}};
    co_await gate.arrived();
    ::kill(one.pid(), SIGKILL);
    expect_death(kit::notes(errands::pids_at(gate.path())).at(0));
    co_await one.end(); // nobody holds its output any more
    co_return mark::ok;
}

} // namespace matrix
