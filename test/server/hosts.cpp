// Odd hosts: a server without pidfds, as PID 1 or a subreaper, under a PID 1 that does not reap, beside a thread that reaps
// everything. Each is this program anew; it does the same errands on every launch, and nothing hangs and nothing is left:
//
//   hosts host KIND WAY
#include "test/kit/filter.hpp"
#include "test/kit/mishaps.hpp"
#include "test/kit/preload.hpp"
#include "test/kit/program.hpp"

#include <csignal>
#include <iostream>
#include <thread>

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::task, wodehaus::worker;

namespace {

int good(int number)
{
    return number + 1;
}
int sleeps(int)
{
    for (;;)
        ::pause();
}
int with_children(int exit_status) // which are its orphans when it is dead; 0: it returns
{
    for (int i = 0; i < 2; ++i)
        if (::fork() == 0) {
            ::signal(SIGTERM, SIG_IGN);
            if (i == 1 && ::fork() != 0)
                ::_exit(0);
            sleeps(0);
        }
    if (exit_status)
        ::_exit(exit_status);
    return 1;
}
int kills_its_parent(int)
{
    ::kill(::getppid(), SIGKILL);
    return sleeps(0);
}

// ---- in a host

struct unmet : std::runtime_error {
    using std::runtime_error::runtime_error;
};
void expect(bool fulfilled, std::string const& what)
{
    if (!fulfilled)
        throw unmet{what};
}

struct oddity {
    bool status_unknown = false; ///< of the processes that are children of the server
    int own_orphans = 0;         ///< which it has adopted itself, and are not to be taken from it
};

/// How a job may have ended: so, or where that cannot be known, lost.
template <class R>
void expect_end(wodehaus::outcome<R> const& end, errc code, int number, oddity const& host)
{
    expect(end.has_error(), "a result instead of a failure");
    auto why = end.error();
    bool lost = why.code == errc::process_lost && kit::contains(why.what, "status is unknown");
    bool told = why.code == code && (code == errc::process_exited ? why.exit_code : why.signal) == number;
    expect(told || (lost && host.status_unknown), kit::text_of(why));
}

// First, when the zygote has nothing to reap, and none is being forked that nobody knows of yet.
awaitable<void> lose_a_zygote(wodehaus::job_server& server)
{
    auto lost = co_await server.async_try_call(worker<kills_its_parent>, 0);
    expect(lost.has_error() && lost.error().code == errc::process_lost, "its zygote lives");
    auto again = task{worker<good>, 1}.attempts(3);
    int two = co_await server.async_call(again);
    expect(two == 2, "another zygote");
}

awaitable<void> errands(wodehaus::job_server& server, kit::way how, oddity const& host)
{
    if (how.launch == wodehaus::launch::zygote && how.kept())
        co_await lose_a_zygote(server);
    for (int round = 0; round < (how.kept() ? 2 : 1); ++round) {
        int two = co_await server.async_call(worker<good>, 1);
        expect(two == 2, "1 and 1");
        auto exit = co_await server.async_try_call(worker<kit::mishaps::exits_at_once>, 3);
        expect_end(exit, errc::process_exited, 3, host);
        auto crash = co_await server.async_try_call(worker<kit::mishaps::raises>, SIGSEGV);
        expect_end(crash, errc::process_crashed, SIGSEGV, host);
        auto slow = task{worker<sleeps>, 0}.timeout(5ms);
        auto late = co_await server.async_try_call(slow);
        expect(late.has_error() && late.error().code == errc::timed_out, "no timeout");
        int one = co_await server.async_call(worker<with_children>, 0);
        expect(one == 1, "its children stay");
        auto orphans = co_await server.async_try_call(worker<with_children>, 4);
        expect_end(orphans, errc::process_exited, 4, host);
    }
}

/// Runs a server as long as the body does; throws what that throws. The test framework is not at work here.
template <class Body>
void with_server(wodehaus::options how, Body body)
{
    asio::io_context context{1};
    wodehaus::job_server server{context, std::move(how)};
    std::exception_ptr failed;
    server.async_run([](std::exception_ptr, wodehaus::run_summary) {});
    asio::co_spawn(context, body(server), [&](std::exception_ptr error) {
        failed = error;
        server.stop();
    });
    context.run_for(30s);
    expect(context.stopped(), "it hangs");
    if (failed)
        std::rethrow_exception(failed);
}

/// Runs the errands; true if all was as it must be, and nothing is left.
bool serve(kit::way how, oddity const& host)
{
    auto before = kit::descriptors().size();
    try {
        with_server(how({.workers = 2, .kill_after = 5s, .logger = {}}),
                    [&](wodehaus::job_server& server) { return errands(server, how, host); });
    } catch (std::exception const& error) {
        std::cout << error.what() << std::endl;
        return false;
    }
    if (kit::descriptors().size() != before)
        std::cout << "descriptors are left" << std::endl;
    for (int i = 0; i < host.own_orphans; ++i)
        if (::waitpid(-1, nullptr, 0) < 0)
            return std::cout << "a child of its own is gone" << std::endl, false;
    int left = host.status_unknown ? -1 : ::waitpid(-1, nullptr, WNOHANG); // 0: a child lives
    if (left >= 0)
        std::cout << "a child is left: " << left << std::endl;
    return kit::descriptors().size() == before && left < 0;
}

int without(long call, int error, kit::way how)
{
    if (!kit::refuse_calls({call}, error))
        return std::puts("skipped: no call can be refused here"), EXIT_SUCCESS;
    return serve(how, {}) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// What cannot be done without is told, and nothing hangs.
int fails_without(long call, kit::way how, std::string_view account)
{
    if (!kit::refuse_calls({call}, EPERM))
        return std::puts("skipped: no call can be refused here"), EXIT_SUCCESS;
    bool told = false;
    with_server(how({.workers = 1, .output = wodehaus::output::log, .logger = {}}), [&](wodehaus::job_server& server) -> awaitable<void> {
        auto end = co_await server.async_try_call(worker<good>, 1);
        told = end.has_error() && end.error().code == errc::launch_failed && kit::contains(end.error().what, account);
        std::cout << (end.has_error() ? kit::text_of(end.error()) : "a result") << std::endl;
    });
    return told ? EXIT_SUCCESS : EXIT_FAILURE;
}

int beside_a_reaper(kit::way how)
{
    std::thread{[] {
        for (;;)
            if (::waitpid(-1, nullptr, 0) < 0)
                ::usleep(100); // there is none at present
    }}.detach();
    return serve(how, {.status_unknown = true}) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int as_subreaper(kit::way how)
{
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t own = ::fork(); // its own orphans are its own matter
    if (own == 0) {
        ::setpgid(0, 0);
        if (::fork() != 0)
            ::_exit(0);
        ::usleep(1000);
        ::_exit(0);
    }
    ::waitpid(own, nullptr, 0);
    return serve(how, {.own_orphans = 1}) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/// The rest happens in a namespace of its own, where the next child is PID 1. False: not permitted.
bool isolate()
{
    return ::unshare(CLONE_NEWPID | CLONE_NEWNS) == 0;
}
bool see_own_processes()
{
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("proc", "/proc", "proc", 0, nullptr) == 0;
}

template <class Body>
int end_of_child(Body body)
{
    pid_t pid = ::fork();
    if (pid == 0) {
        int status = body();
        std::fflush(nullptr);
        ::_exit(status);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int in_a_container(kit::way how, bool under_an_idle_init)
{
    if (!isolate())
        return std::puts("skipped: no namespace of processes is permitted here"), EXIT_SUCCESS;
    int status = end_of_child([=] { // PID 1
        if (!see_own_processes())
            return std::puts("skipped: /proc cannot be mounted here"), EXIT_SUCCESS;
        auto run = [how] {
            bool fine = serve(how, {});
            std::cout << std::flush;
            return fine ? EXIT_SUCCESS : EXIT_FAILURE;
        };
        if (!under_an_idle_init)
            return run();
        return end_of_child(run); // it reaps this one child, and no orphan
    });
    ::_exit(status); // without its PID 1 this process can start no other, which a sanitizer would at its exit
}

int be_host(std::string_view kind, kit::way how)
{
    if (kind == "without pidfd_open (ENOSYS)")
        return without(SYS_pidfd_open, ENOSYS, how);
    if (kind == "without pidfd_open (EPERM)")
        return without(SYS_pidfd_open, EPERM, how);
    if (kind == "without close_range")
        return without(SYS_close_range, EPERM, how);
    if (kind == "without memfd_create")
        return fails_without(SYS_memfd_create, how, "memfd_create");
    if (kind == "without signalfd")
        return fails_without(SYS_signalfd4, how, "signalfd");
    if (kind == "beside a reaper")
        return beside_a_reaper(how);
    if (kind == "a subreaper")
        return as_subreaper(how);
    if (kind == "PID 1")
        return in_a_container(how, false);
    if (kind == "under an idle PID 1")
        return in_a_container(how, true);
    std::cout << "no such host: " << kind << std::endl;
    return EXIT_FAILURE;
}

// ---- in the test

void play(char const* kind, std::initializer_list<kit::way> ways)
{
    kit::each(ways, [kind](kit::way how) {
        auto end = kit::run_program({"host", kind, how.name});
        BOOST_TEST(end.exit_code == 0, kind << ", " << how.name << ": " << end.output << end.errors);
        if (kit::contains(end.output, "skipped"))
            BOOST_TEST_MESSAGE(kind << ": " << end.output);
    });
}

constexpr std::initializer_list<kit::way> ways_of_processes{kit::zygote_fresh, kit::zygote_ahead, kit::exec_fresh,
                                                            kit::exec_ahead,   kit::fork_fresh,   kit::fork_ahead};

} // namespace

BOOST_FIXTURE_TEST_SUITE(hosts, kit::nothing_left)

BOOST_AUTO_TEST_CASE(without_pidfds)
{
    play("without pidfd_open (ENOSYS)", ways_of_processes);
    play("without pidfd_open (EPERM)", {kit::fork_fresh});
}

BOOST_AUTO_TEST_CASE(without_close_range)
{
    play("without close_range", {kit::zygote_fresh, kit::exec_fresh, kit::fork_fresh});
}

BOOST_AUTO_TEST_CASE(without_what_is_needed)
{
    play("without memfd_create", {kit::exec_ahead, kit::fork_ahead});
    play("without signalfd", {kit::zygote_fresh});
}

BOOST_AUTO_TEST_CASE(beside_a_thread_that_reaps_everything)
{
    play("beside a reaper", ways_of_processes);
}

BOOST_AUTO_TEST_CASE(a_subreaper)
{
    play("a subreaper", ways_of_processes);
}

BOOST_AUTO_TEST_CASE(pid_1)
{
    play("PID 1", ways_of_processes);
}

BOOST_AUTO_TEST_CASE(under_a_pid_1_that_does_not_reap)
{
    play("under an idle PID 1", {kit::zygote_ahead, kit::exec_fresh, kit::fork_fresh});
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    if (argc == 4 && argv[1] == std::string_view{"host"})
        return be_host(argv[2], kit::way_named(argv[3]));
    return kit::run_tests(argc, argv);
}
