// How a job's process can die, and what is told of it: the cause in `what`, the function and its line in `trace`.
#include "test/kit/filter.hpp"
#include "test/kit/preload.hpp"

#include <wodehaus/this_job.hpp>

#include <boost/serialization/string.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

using boost::asio::awaitable;
using wodehaus::errc;
using wodehaus::worker;
using namespace std::chrono_literals;

// g++ 12 takes what a coroutine's frame comes from for something else, where it goes.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace ways_to_die {

// What the compiler is not to know.
int volatile zero = 0;
int* volatile null = nullptr;

[[gnu::noinline]] int by_null_pointer(int job)
{
    null[job % 2] = 1;
    return job;
}
[[gnu::noinline]] int by_jump(int job)
{
    auto* volatile nowhere = reinterpret_cast<int (*)(int)>(0x10);
    return nowhere(job) + 1;
}
[[gnu::noinline]] int throws(int job)
{
    return zero == 0 ? throw std::out_of_range{"beyond"} : job;
}
[[gnu::noinline]] int by_noexcept(int job) noexcept
{
    return throws(job) + 1;
}
/// Its text cannot be had: to ask for it throws another.
struct without_text : std::exception {
    char const* what() const noexcept override { return throw_another(); }
    [[gnu::noinline]] static char const* throw_another() { return zero == 0 ? throw without_text{} : ""; }
};
[[gnu::noinline]] int by_exception_without_text(int job)
{
    return zero == 0 ? throw without_text{} : job;
}
[[gnu::noinline]] int by_stack_overflow(int job)
{
    char volatile much[4096];
    if (zero != 0)
        return job;
    much[job % 4096] = 1;
    return by_stack_overflow(job + 1) + much[0];
}
[[gnu::noinline]] int by_double_free(int job)
{
    void* volatile block = std::malloc(100);
    std::free(block);
    std::free(block);
    return job;
}
[[gnu::noinline]] int by_abort(int job)
{
    if (zero == 0)
        std::abort();
    return job;
}
[[gnu::noinline]] int by_assertion(int job)
{
    if (zero == 0)
        __assert_fail("job > 7", "crashes.cpp", 7, "by_assertion");
    return job;
}
[[gnu::noinline]] int by_division(int job)
{
    return job / zero;
}
[[gnu::noinline]] int by_illegal_instruction(int job)
{
    if (zero == 0)
        __builtin_trap();
    return job;
}
[[gnu::noinline]] int by_bus_error(int job)
{
    char path[] = "/tmp/wodehaus-crashes-XXXXXX";
    int file = ::mkstemp(path);
    ::unlink(path);
    auto* mapped = static_cast<char volatile*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0));
    return mapped[job]; // the file is empty
}

std::uintptr_t at, behind; // not on the stack, where they would be overrun

[[gnu::noinline]] int by_overrun(int job)
{
    char some[16];
    for (at = reinterpret_cast<std::uintptr_t>(some);; ++at) // to the top of the stack
        *reinterpret_cast<char volatile*>(at) = static_cast<char>(job);
    return job;
}
[[gnu::noinline]] int by_null_on_a_smashed_stack(int job)
{
    char some[16];
    auto const begin = reinterpret_cast<std::uintptr_t>(some);
    for (at = begin, behind = begin + 200; at < behind; ++at) // where it was called from is lost
        *reinterpret_cast<char volatile*>(at) = 'x';
    *null = job;
    return job;
}
// The caller's frame cannot be found any more, and who looks for it crashes.
[[gnu::noinline]] int by_abort_on_a_lost_frame(int job)
{
    *static_cast<std::uintptr_t volatile*>(__builtin_frame_address(0)) = 0x4141414141414141;
    if (job > 0)
        std::abort();
    return job;
}
[[gnu::noinline]] int with_a_frame_of_its_own(int job)
{
    auto volatile* some = static_cast<char volatile*>(__builtin_alloca(static_cast<std::size_t>(job) * 16));
    some[0] = 'x';
    return by_abort_on_a_lost_frame(job) + some[0];
}
[[gnu::noinline]] int by_breakpoint(int job)
{
#if defined(__x86_64__)
    asm volatile("int3");
#else
    ::raise(SIGTRAP);
#endif
    return job + 1;
}
[[gnu::noinline]] int by_a_filter(int job)
{
    if (!kit::filter_calls({SYS_getppid}, SECCOMP_RET_TRAP))
        ::raise(SIGSYS);
    return static_cast<int>(::syscall(SYS_getppid)) + job;
}

int dies(std::pair<std::string, int> const& job)
{
    auto const& [way, number] = job;
    if (way == "null pointer")
        return by_null_pointer(number) + 1;
    if (way == "jump")
        return by_jump(number) + 1;
    if (way == "noexcept")
        return by_noexcept(number) + 1;
    if (way == "exception without text")
        return by_exception_without_text(number) + 1;
    if (way == "stack overflow")
        return by_stack_overflow(number) + 1;
    if (way == "double free")
        return by_double_free(number) + 1;
    if (way == "abort")
        return by_abort(number) + 1;
    if (way == "assertion")
        return by_assertion(number) + 1;
    if (way == "division")
        return by_division(number) + 1;
    if (way == "illegal instruction")
        return by_illegal_instruction(number) + 1;
    if (way == "bus error")
        return by_bus_error(number) + 1;
    if (way == "overrun")
        return by_overrun(number) + 1;
    if (way == "smashed stack")
        return by_null_on_a_smashed_stack(number) + 1;
    if (way == "lost frame")
        return with_a_frame_of_its_own(number) + 1;
    if (way == "breakpoint")
        return by_breakpoint(number) + 1;
    if (way == "filter")
        return by_a_filter(number) + 1;
    if (way == "exit")
        ::_exit(3);
    if (way == "kill")
        ::kill(::getpid(), SIGKILL);
    return number;
}

/// A part of a job or a result: when it is loaded or when it is saved, it hands the archive what is no number.
template <bool Loading>
struct crashing_part {
    int number = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive&(Archive::is_loading::value == Loading ? *null : number);
    }
};
template <bool Loading>
struct parts {
    std::vector<crashing_part<Loading>> all;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& all;
    }
};

int takes_parts(parts<true> const& job)
{
    return static_cast<int>(job.all.size());
}
parts<false> gives_parts(int job)
{
    return {{{job}}};
}

/// The worker is a server itself, whose processes are forked from it. Gives the account of a job that dies there.
std::string dies_further_down(int number)
{
    std::string what;
    std::pair<std::string, int> job{"noexcept", number};
    boost::asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, {.workers = 1, .launch = wodehaus::launch::fork}};
    server.async_run([](std::exception_ptr, wodehaus::run_summary) {});
    server.async_try_call(worker<dies>, job, [&](std::exception_ptr, wodehaus::outcome<int> end) {
        what = end ? "a result" : end.error().what;
        server.stop();
    });
    context.run();
    return what;
}

} // namespace ways_to_die

namespace ways_to_hang {

std::mutex lock;

[[gnu::noinline]] int sleep_here()
{
    for (;;)
        ::pause();
}
[[gnu::noinline]] int spin_here()
{
    while (ways_to_die::zero == 0) {
    }
    return 0;
}
[[gnu::noinline]] int wait_for_lock()
{
    lock.lock();
    std::thread{[] { lock.lock(); }}.join();
    return 0;
}
[[gnu::noinline]] void beside(int number)
{
    while (number > 0)
        ::pause();
}
[[gnu::noinline]] int three_threads()
{
    std::thread{beside, 1}.detach();
    std::thread{beside, 2}.detach();
    return sleep_here() + 1;
}
[[gnu::noinline]] int ask_and_go_on()
{
    while (wodehaus::this_job::stop_requested() || ways_to_die::zero == 0)
        ::pause();
    return 0;
}

// What has begun to sleep does not go on, although the question where it hangs ends each call that sleeps.
int sleeps_and_goes_on(std::string const& file)
{
    std::thread{[&] {
        ::poll(nullptr, 0, 60'000);
        kit::note(file);
    }}.detach();
    ::sleep(60);
    kit::note(file);
    return 1;
}
/// Of threads with as little stack as there may be; and it puts things in order when it is asked to end.
int has_a_small_thread(std::string const& file)
{
    pthread_attr_t small;
    ::pthread_attr_init(&small);
    ::pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN);
    pthread_t thread;
    auto pauses = [](void*) -> void* {
        for (;;)
            ::pause();
    };
    if (::pthread_create(&thread, &small, pauses, nullptr) != 0)
        return 0;
    while (!wodehaus::this_job::stop_requested())
        ::usleep(1000);
    kit::note(file);
    return 1;
}

int hangs(std::string const& way)
{
    if (way == "sleep_here")
        return sleep_here() + 1;
    if (way == "spin_here")
        return spin_here() + 1;
    if (way == "wait_for_lock")
        return wait_for_lock() + 1;
    if (way == "three_threads")
        return three_threads() + 1;
    return ask_and_go_on() + 1;
}
int stops(int)
{
    ::raise(SIGSTOP);
    return sleep_here();
}

} // namespace ways_to_hang

namespace {

struct way_to_die {
    std::string name;
    int signal;
    std::string cause;    ///< in `what`
    std::string function; ///< in `trace`
};

std::vector<way_to_die> const all{
    {"null pointer", SIGSEGV, "SIGSEGV (Segmentation fault), by a null pointer (address 0x4)", "by_null_pointer"},
    {"jump", SIGSEGV, "by a jump to address 0x10", "by_jump"},
    {"noexcept", SIGABRT, "an exception that nobody has caught: std::out_of_range: beyond", "by_noexcept"},
    {"exception without text", SIGABRT, "SIGABRT (Aborted)", "without_text::what("},
    {"stack overflow", SIGSEGV, "its stack has overflowed", "by_stack_overflow"},
    {"double free", SIGABRT, "double free", "by_double_free"},
    {"abort", SIGABRT, "SIGABRT", "by_abort"},
    {"assertion", SIGABRT, "Assertion `job > 7' failed", "by_assertion"},
    {"division", SIGFPE, "SIGFPE (Floating point exception), by a division by zero", "by_division"},
    {"illegal instruction", SIGILL, "SIGILL (Illegal instruction), by what is no instruction", "by_illegal_instruction"},
    {"bus error", SIGBUS, "SIGBUS (Bus error), at address 0x", "by_bus_error"},
    {"overrun", SIGSEGV, "SIGSEGV (Segmentation fault), at address 0x", "by_overrun"},
    {"smashed stack", SIGSEGV, "by a null pointer (address 0x0)", "by_null_on_a_smashed_stack"},
    {"lost frame", SIGABRT, "SIGABRT", "by_abort_on_a_lost_frame"},
    {"breakpoint", SIGTRAP, "SIGTRAP", "by_breakpoint"},
    {"filter", SIGSYS, "SIGSYS", "by_a_filter"},
    {"kill", SIGKILL, "SIGKILL", ""},
    {"exit", 0, "exited with status 3", ""},
};

void check(way_to_die const& way, wodehaus::outcome<int> const& end)
{
    BOOST_TEST_INFO_SCOPE(way.name);
    auto why = kit::failed(end, way.signal ? errc::process_crashed : errc::process_exited);
    BOOST_TEST(why.signal == way.signal);
    BOOST_TEST(kit::contains(why.what, way.cause), why.what);
    if (way.function.empty()) {
        BOOST_TEST(why.trace == "");
        return;
    }
    BOOST_TEST(kit::contains(why.trace, way.function), why);
    BOOST_TEST(kit::contains(why.trace, "crashes.cpp:"), why);
    BOOST_TEST(kit::contains(why.what, ", in ways_to_die::"), why.what);
    BOOST_TEST(kit::contains(why.what, " at crashes.cpp:"), why.what);
    if (way.name == "stack overflow" || way.name == "abort")
        BOOST_TEST(kit::contains(why.trace, "more further out") == (way.name == "stack overflow"), why);
}

void check_serialize(wodehaus::failure const& why, std::string const& when)
{
    auto part = "void ways_to_die::crashing_part<" + when + ">::serialize<";
    BOOST_TEST(kit::contains(why.what, ", in " + part), why.what);
    BOOST_TEST(kit::contains(why.what, " at crashes.cpp:"), why.what);
    BOOST_TEST(kit::contains(why.trace, part), why);
    BOOST_TEST(kit::contains(why.trace, "void ways_to_die::parts<" + when + ">::serialize<"), why);
    BOOST_TEST(!kit::contains(why.trace, " void wodehaus::detail::"), why);
    BOOST_TEST(!kit::contains(why.trace, " boost::archive::"), why);
    BOOST_TEST(!kit::contains(why.trace, " main at "), why);
}

// What becomes a part of what calls it.
struct part_known_in_this_file {
    int number = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& number;
        if (Archive::is_loading::value)
            *ways_to_die::null = number;
    }
};
int takes_part(part_known_in_this_file const& job)
{
    return job.number;
}
int is_known_in_this_file(int job)
{
    *ways_to_die::null = job;
    return job;
}

/// What is told of such a hang, once it has had the time to get there.
awaitable<wodehaus::failure> hang(wodehaus::job_server& server, std::string const& way)
{
    std::vector<std::string> places{"ways_to_hang::" + way + "()"};
    if (way == "three_threads")
        places.push_back("ways_to_hang::beside(");
    wodehaus::failure why;
    bool is_there = false;
    for (auto limit = 50ms; !is_there && limit < 30s; limit *= 4) {
        wodehaus::task job{worker<ways_to_hang::hangs>, way};
        auto end = co_await server.async_try_call(job.timeout(limit));
        why = kit::failed(end, errc::timed_out);
        is_there = std::all_of(places.begin(), places.end(), [&](auto& place) { return kit::contains(why.trace, place); });
    }
    co_return why;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(crashes, kit::nothing_left)

BOOST_AUTO_TEST_CASE(each_way_to_die_is_told)
{
    kit::each_way([](kit::way how) {
        auto options = how({.workers = 2});
        options.logger = {};
        kit::with_server(options, [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<std::pair<std::string, int>> jobs;
            for (auto const& way : all)
                jobs.emplace_back(way.name, 1);
            auto ends = co_await server.async_try_map(worker<ways_to_die::dies>, jobs);
            for (std::size_t i = 0; i < all.size(); ++i)
                check(all[i], ends[i]);
        });
    });
}

BOOST_AUTO_TEST_CASE(the_serialize_of_a_job_or_a_result_is_told)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            ways_to_die::parts<true> job{{{1}}};
            auto loaded = co_await server.async_try_call(worker<ways_to_die::takes_parts>, job);
            auto saved = co_await server.async_try_call(worker<ways_to_die::gives_parts>, 1);
            check_serialize(kit::failed(loaded, errc::process_crashed), "true");
            check_serialize(kit::failed(saved, errc::process_crashed), "false");
        });
    });
}

BOOST_AUTO_TEST_CASE(what_only_its_own_file_knows_is_told)
{
    kit::with_server({.workers = 1}, [](wodehaus::job_server& server) -> awaitable<void> {
        auto worked = co_await server.async_try_call(worker<is_known_in_this_file>, 1);
        auto loaded = co_await server.async_try_call(worker<takes_part>, part_known_in_this_file{1});
        for (auto const* end : {&worked, &loaded}) {
            auto why = kit::failed(*end, errc::process_crashed);
            BOOST_TEST(kit::contains(why.what, " at crashes.cpp:"), why);
            BOOST_TEST(!kit::contains(why.trace, "/wodehaus/detail/"), why);
            BOOST_TEST(!kit::contains(why.trace, "main at "), why);
        }
    });
}

BOOST_AUTO_TEST_CASE(in_a_process_that_one_of_ours_has_forked)
{
    kit::each(std::array{kit::zygote_fresh, kit::exec_fresh, kit::fork_fresh}, [](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            for (int number : {1, 2}) {
                auto end = co_await server.async_try_call(worker<ways_to_die::dies_further_down>, number);
                std::string what = end ? *end : end.error().what;
                BOOST_TEST(kit::contains(what, "an exception that nobody has caught: std::out_of_range: beyond"), what);
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(each_way_to_hang_is_told)
{
    kit::each_launch([](kit::way how) {
        auto options = how({.workers = 2, .kill_after = 500ms});
        kit::with_server(options, [](wodehaus::job_server& server) -> awaitable<void> {
            for (std::string way : {"sleep_here", "spin_here", "wait_for_lock", "three_threads", "ask_and_go_on"}) {
                BOOST_TEST_INFO_SCOPE(way);
                auto why = co_await hang(server, way);
                BOOST_TEST(kit::contains(why.trace, "ways_to_hang::" + way + "()"), why);
                BOOST_TEST(kit::contains(why.what, ", in ways_to_hang::"), why.what);
                BOOST_TEST(kit::contains(why.trace, "ways_to_hang::beside(") == (way == "three_threads"), why);
                BOOST_TEST(!kit::contains(why.trace, "0xffffffffffffffff"), why); // behind the outermost function
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(what_sleeps_does_not_go_on)
{
    kit::each(std::array{kit::zygote_fresh, kit::exec_kept, kit::fork_fresh, kit::zygote_ahead}, [](kit::way how) {
        kit::folder folder;
        auto file = folder / "went on";
        kit::with_server(how({.workers = 1}), [&](wodehaus::job_server& server) -> awaitable<void> {
            for (int i = 0; i < 3; ++i) {
                auto job = wodehaus::task{worker<ways_to_hang::sleeps_and_goes_on>, file}.timeout(50ms);
                auto end = co_await server.async_try_call(job);
                kit::failed(end, errc::timed_out);
            }
        });
        BOOST_TEST(!std::filesystem::exists(file));
    });
}

BOOST_AUTO_TEST_CASE(a_thread_with_a_small_stack_can_be_asked)
{
    kit::each_launch([](kit::way how) {
        kit::folder folder;
        auto file = folder / "in order";
        kit::with_server(how({.workers = 1, .kill_after = 10s}), [&](wodehaus::job_server& server) -> awaitable<void> {
            auto job = wodehaus::task{worker<ways_to_hang::has_a_small_thread>, file}.timeout(100ms);
            auto end = co_await server.async_try_call(job);
            kit::failed(end, errc::timed_out);
        });
        BOOST_TEST(std::filesystem::exists(file));
    });
}

BOOST_AUTO_TEST_CASE(what_cannot_say_where_it_hangs_is_ended_all_the_same)
{
    kit::each_launch([](kit::way how) {
        kit::with_server(how({.workers = 1, .kill_after = 50ms}),
                         [](wodehaus::job_server& server) -> awaitable<void> {
                             auto job = wodehaus::task{worker<ways_to_hang::stops>, 0}.timeout(50ms);
                             auto end = co_await server.async_try_call(job);
                             BOOST_TEST(kit::failed(end, errc::timed_out).trace == "");
                         });
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
