// Memory and CPU time: what a process may have, how it ends for want of it, and what is told of what a job has used.
#include "test/kit/preload.hpp"

#include <wodehaus/this_job.hpp>

#include <boost/serialization/utility.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <fstream>
#include <map>
#include <set>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::task, wodehaus::worker;

namespace {

[[maybe_unused]] constexpr std::size_t mebibyte = 1 << 20, limit = 32 * mebibyte;

int good(int number)
{
    return number + 1;
}

/// Touched memory, which nobody gives back.
char* take(std::size_t size)
{
    auto* all = static_cast<char*>(::operator new(size));
    std::fill_n(all, size, 'x');
    return all;
}
[[maybe_unused]] int fills(int)
{
    std::vector<std::string> all;
    for (;;)
        all.emplace_back(mebibyte, 'f');
}
// It leaves nothing free.
[[maybe_unused]] int fills_in_crumbs(int)
{
    for (volatile char* last = nullptr;;) {
        last = new char[100];
        *last = 'c';
    }
}
[[maybe_unused]] int maps(std::size_t size)
{
    if (::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        throw std::system_error{errno, std::generic_category(), "mmap"};
    return 1;
}
int has_none(int)
{
    throw std::bad_alloc{};
}
[[maybe_unused]] std::string gives(std::size_t size)
{
    return std::string(size, 'g');
}
[[maybe_unused]] std::size_t length(std::string const& text)
{
    return text.size();
}
[[maybe_unused]] int fills_and_aborts(std::size_t size)
{
    take(size);
    std::abort();
}
int aborts(int)
{
    std::abort();
}
/// Gives its process and its attempt.
[[maybe_unused]] std::pair<int, int> keeps(std::size_t size)
{
    take(size);
    return {::getpid(), wodehaus::this_job::attempt()};
}
int is_killed_by_another(int)
{
    if (::fork() == 0) {
        ::kill(::getppid(), SIGKILL);
        ::_exit(0);
    }
    for (;;)
        ::pause();
}
int ignores_sigterm(int)
{
    ::signal(SIGTERM, SIG_IGN);
    for (;;)
        ::pause();
}
/// Works for so many milliseconds of CPU time.
int works(int time)
{
    auto used = [] {
        timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
    };
    for (auto until = used() + time; used() < until;) {
    }
    return time;
}
int works_and_throws(int time)
{
    works(time);
    throw std::runtime_error{"enough"};
}

std::chrono::nanoseconds cpu_time(wodehaus::failure const& why)
{
    return why.usage.user + why.usage.system;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(memory, kit::nothing_left)

// ---- where it ends ----

BOOST_AUTO_TEST_CASE(a_worker_that_says_so)
{
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto end = co_await server.async_try_call(worker<has_none>, 1);
            auto why = kit::failed(end, errc::out_of_memory);
            BOOST_TEST(kit::contains(why.what, "it threw std::bad_alloc"), why.what);
            BOOST_TEST(kit::contains(why.what, " at its peak"), why.what);
            BOOST_TEST(!kit::contains(why.what, "options::memory"), why.what);
            auto again = task{worker<has_none>, 1}.attempts(2);
            auto last = co_await server.async_try_call(again);
            BOOST_TEST(kit::failed(last, errc::out_of_memory).attempt == 2); // though it is an exception
            BOOST_TEST(co_await server.async_call(worker<good>, 1) == 2);
        });
    });
}

// What limits memory otherwise: an address sanitizer's allocator and a thread sanitizer's memory are beyond it.
#if !defined(KIT_ADDRESS_SANITIZER) && !defined(KIT_THREAD_SANITIZER)

BOOST_AUTO_TEST_CASE(a_process_that_wants_too_much)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how({.workers = 1, .memory = limit}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto filled = co_await server.async_try_call(worker<fills>, 1);
            auto why = kit::failed(filled, errc::out_of_memory);
            BOOST_TEST(kit::contains(why.what, "std::bad_alloc"), why.what);
            BOOST_TEST(kit::contains(why.what, "options::memory allows 32 MiB"), why.what);
            BOOST_TEST(kit::contains(why.what, " at its peak"), why.what);
            BOOST_TEST(why.usage.peak_memory > limit / 2);
            BOOST_TEST(co_await server.async_call(worker<good>, 1) == 2);

            auto crumbs = co_await server.async_try_call(worker<fills_in_crumbs>, 1);
            kit::failed(crumbs, errc::out_of_memory);
            BOOST_TEST(co_await server.async_call(worker<good>, 1) == 2);

            auto mapped = co_await server.async_try_call(worker<maps>, 2 * limit);
            kit::failed(mapped, errc::out_of_memory);
            BOOST_TEST(co_await server.async_call(worker<maps>, limit / 2) == 1);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_job_or_a_result_that_wants_too_much)
{
    kit::each(std::array{kit::zygote_fresh, kit::exec_kept, kit::fork_ahead}, [](kit::way how) {
        kit::with_server(how({.workers = 1, .memory = limit}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto result = co_await server.async_try_call(worker<gives>, limit * 3 / 4); // as a string, and as bytes
            kit::failed(result, errc::out_of_memory);
            auto job = co_await server.async_try_call(worker<length>, std::string(limit * 2, 'j'));
            kit::failed(job, errc::out_of_memory);
            job = co_await server.async_try_call(worker<length>, std::string(limit * 3 / 4, 'j'));
            kit::failed(job, errc::out_of_memory);
            BOOST_TEST(co_await server.async_call(worker<good>, 1) == 2);
        });
    });
}

// What it was given at its birth is not its jobs'.
BOOST_AUTO_TEST_CASE(a_server_that_has_more_itself)
{
    std::string much(2 * limit, 'm');
    kit::with_server(kit::fork_kept({.workers = 1, .memory = limit}), [](wodehaus::job_server& server) -> awaitable<void> {
        BOOST_TEST(co_await server.async_call(worker<maps>, limit / 2) == 1);
        auto mapped = co_await server.async_try_call(worker<maps>, 2 * limit);
        kit::failed(mapped, errc::out_of_memory);
    });
    BOOST_TEST(much.size() == 2 * limit);
}

BOOST_AUTO_TEST_CASE(a_crash_near_the_limit)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how({.workers = 1, .memory = limit}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto end = co_await server.async_try_call(worker<fills_and_aborts>, limit - 4 * mebibyte);
            auto why = kit::failed(end, errc::process_crashed);
            BOOST_TEST(why.signal == SIGABRT);
            BOOST_TEST(kit::contains(why.what, "options::memory allows 32 MiB"), why.what);
        });
    });
    kit::with_server(kit::exec_fresh({.workers = 1, .memory = 1024 * mebibyte}), [](wodehaus::job_server& server) -> awaitable<void> {
        auto end = co_await server.async_try_call(worker<aborts>, 1);
        auto why = kit::failed(end, errc::process_crashed);
        BOOST_TEST(!kit::contains(why.what, "options::memory"), why.what);
    });
}

BOOST_AUTO_TEST_CASE(on_threads_it_has_no_effect)
{
    kit::with_server(kit::in_process({.workers = 1, .memory = limit}), [](wodehaus::job_server& server) -> awaitable<void> {
        BOOST_TEST(co_await server.async_call(worker<maps>, limit) == 1);
    });
}

// ---- what grows is replaced ----

BOOST_AUTO_TEST_CASE(a_process_that_grows_is_replaced_between_jobs)
{
    constexpr std::size_t jobs = 24, each = limit / 8;
    for (kit::way how : kit::all_ways) {
        if (!how.kept())
            continue;
        BOOST_TEST_INFO_SCOPE(how.name);
        kit::nothing_left guard;
        kit::lines log;
        auto sum = kit::with_server(how({.workers = 2, .attempts = 3, .memory = limit, .logger = log.logger()}),
                                    [&](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<std::size_t> sizes(jobs, each);
            auto ends = co_await server.async_map(worker<keeps>, sizes);
            std::map<int, std::size_t> taken;
            for (auto [pid, attempt] : ends) {
                BOOST_TEST(attempt == 1);
                ++taken[pid];
            }
            BOOST_TEST(taken.size() > 2u);
            for (auto [pid, count] : taken)
                BOOST_TEST(count < 8u);
        });
        BOOST_TEST(sum.succeeded == jobs);
        BOOST_TEST(sum.failed == 0u);
        BOOST_TEST(sum.retried == 0u);
        BOOST_TEST(log.errors().empty());
    }
}

BOOST_AUTO_TEST_CASE(one_that_does_not_is_kept)
{
    kit::with_server(kit::zygote_ahead({.workers = 1, .memory = limit}), [&](wodehaus::job_server& server) -> awaitable<void> {
        std::set<int> processes;
        for (int i = 0; i < 20; ++i)
            processes.insert((co_await server.async_call(worker<keeps>, std::size_t{1000})).first);
        BOOST_TEST(processes.size() == 1u);
    });
}

#endif

// ---- SIGKILL ----

BOOST_AUTO_TEST_CASE(a_kill_that_is_not_ours)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1, .kill_after = 10ms}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto end = co_await server.async_try_call(worker<is_killed_by_another>, 1);
            auto why = kit::failed(end, errc::process_crashed);
            BOOST_TEST(why.signal == SIGKILL);
            BOOST_TEST(kit::contains(why.what, "was killed by SIGKILL, not by this server"), why.what);
            auto late = task{worker<ignores_sigterm>, 1}.timeout(50ms);
            auto ours = co_await server.async_try_call(late);
            why = kit::failed(ours, errc::timed_out);
            BOOST_TEST(!kit::contains(why.what, "SIGKILL"), why.what);
        });
    });
}

// ---- the bill ----

BOOST_AUTO_TEST_CASE(a_failure_tells_what_its_job_has_used)
{
    kit::each(std::array{kit::zygote_fresh, kit::exec_kept, kit::fork_ahead, kit::in_process}, [](kit::way how) {
        kit::with_server(how({.workers = 1}), [how](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<works>, 120) == 120);
            auto end = co_await server.async_try_call(worker<works_and_throws>, 0);
            auto why = kit::failed(end, errc::job_threw);
            BOOST_TEST(cpu_time(why) < 80ms); // and nothing of the job before
            BOOST_TEST(why.usage.peak_memory > 0u);
            end = co_await server.async_try_call(worker<works_and_throws>, 50);
            why = kit::failed(end, errc::job_threw);
            BOOST_TEST(cpu_time(why) >= 45ms);
            if (how.launch == wodehaus::launch::in_process)
                co_return;
            BOOST_TEST(co_await server.async_call(worker<works>, 120) == 120);
            auto crash = co_await server.async_try_call(worker<aborts>, 1);
            why = kit::failed(crash, errc::process_crashed);
            BOOST_TEST(cpu_time(why) < 80ms);
            BOOST_TEST(why.usage.peak_memory > 0u);
        });
    });
}

BOOST_AUTO_TEST_CASE(the_log_tells_what_each_job_has_used)
{
    kit::each(std::array{kit::zygote_fresh, kit::exec_kept, kit::fork_ahead, kit::in_process}, [](kit::way how) {
        kit::lines log;
        kit::with_server(how({.workers = 1, .logger = log.logger()}), [](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<works>, 60) == 60);
            auto end = co_await server.async_try_call(worker<works_and_throws>, 0);
            kit::failed(end, errc::job_threw);
        });
        int ended = 0, failed = 0;
        for (auto const& line : log.infos()) {
            bool bill = kit::contains(line, " ms CPU, ") || kit::contains(line, " us CPU, ");
            bill = bill && (line.ends_with(" MiB peak") || line.ends_with(" KiB peak"));
            if (kit::contains(line, ") has ended")) {
                BOOST_TEST(bill, line);
                BOOST_TEST(kit::contains(line, " has ended, "), line);
                auto at = line.find("ended, ");
                BOOST_TEST(std::atoi(line.c_str() + at + 7) >= 55, line);
                ++ended;
            }
            if (kit::contains(line, ") failed: ")) {
                BOOST_TEST(bill, line);
                ++failed;
            }
        }
        BOOST_TEST(ended == 1);
        BOOST_TEST(failed == 1);
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
