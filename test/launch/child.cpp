// A child is watched, signalled and reaped, and its end is told as it was.
#include "launch/child.hpp"
#include "wire/descriptor.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstring>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

using namespace wodehaus::detail;
using namespace std::chrono_literals;

namespace {

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != text.npos;
}

/// A child that does `body` and then exits with 0.
struct child {
    template <class Body>
    explicit child(Body body) : context(1), pid(started(body)), process(strand_executor{context.get_executor()}, pid)
    {
    }

    ending its_end()
    {
        BOOST_REQUIRE(process.wait_for(10s));
        return process.reap();
    }

    template <class Body>
    static int started(Body body)
    {
        int made = ::fork();
        if (made == 0) {
            body();
            ::_exit(0);
        }
        return made;
    }

    boost::asio::io_context context;
    int pid;
    child_process process;
};

void sleep_for_ever()
{
    for (;;)
        ::pause();
}

bool is_no_child_of_ours(int pid)
{
    return ::waitpid(pid, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_exit)
{
    for (int status : {0, 1, 11, 127, 255}) {
        child one{[status] { ::_exit(status); }};
        auto how = one.its_end();
        BOOST_TEST(how.known);
        BOOST_TEST(WIFEXITED(how.status));
        BOOST_TEST(WEXITSTATUS(how.status) == status);
        BOOST_TEST(describe_ending(how) == "exited with status " + std::to_string(status));
        BOOST_TEST(is_no_child_of_ours(one.pid));
    }
}

BOOST_AUTO_TEST_CASE(a_signal)
{
    for (int number : {SIGKILL, SIGTERM, SIGUSR1}) {
        child one{sleep_for_ever};
        BOOST_TEST(!one.process.has_ended());
        one.process.signal(number);
        auto how = one.its_end();
        BOOST_TEST(WIFSIGNALED(how.status));
        BOOST_TEST(WTERMSIG(how.status) == number);
        BOOST_TEST(contains(describe_ending(how), signal_name(number)), describe_ending(how));
    }
}

BOOST_AUTO_TEST_CASE(whether_a_core_was_written)
{
    child one{[] {
        rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        ::signal(SIGABRT, SIG_DFL);
        ::abort();
    }};
    siginfo_t seen{};
    ::waitid(P_PID, id_t(one.pid), &seen, WEXITED | WNOWAIT); // as the machine has it
    auto how = one.its_end();
    BOOST_TEST(WTERMSIG(how.status) == SIGABRT);
    BOOST_TEST(WCOREDUMP(how.status) == (seen.si_code == CLD_DUMPED));
}

BOOST_AUTO_TEST_CASE(what_it_has_used)
{
    constexpr std::size_t size = 32 << 20;
    child one{[] {
        std::vector<char> memory(size, 'x');
        volatile char sum = 0;
        for (std::size_t i = 0; i < size; i += 64)
            sum = static_cast<char>(sum + memory[i]);
    }};
    auto how = one.its_end();
    BOOST_TEST(how.usage.peak_memory >= size);
    BOOST_TEST((how.usage.user + how.usage.system).count() > 0);
}

BOOST_AUTO_TEST_CASE(is_announced)
{
    child one{sleep_for_ever};
    int announced = 0;
    one.process.async_wait([&](boost::system::error_code error) {
        BOOST_TEST(!error);
        ++announced;
    });
    one.context.poll();
    BOOST_TEST(announced == 0);
    one.process.signal(SIGKILL);
    one.context.run_for(10s);
    BOOST_TEST(announced == 1);
    BOOST_TEST(one.process.has_ended());
    BOOST_TEST(one.process.has_ended()); // it is a zombie until it is reaped
    BOOST_TEST(one.its_end().known);
}

BOOST_AUTO_TEST_CASE(waiting_has_an_end)
{
    child one{sleep_for_ever};
    BOOST_TEST(!one.process.wait_for(0ms));
    BOOST_TEST(!one.process.wait_for(5ms));
    one.process.signal(SIGKILL);
    BOOST_TEST(one.process.wait_for(10s));
    one.process.reap();
}

BOOST_AUTO_TEST_CASE(its_group_goes_with_it)
{
    auto life = make_pipe(), ready = make_pipe();
    child one{[&] {
        ::setpgid(0, 0);
        if (::fork() == 0) {
            life.first.reset();
            ::signal(SIGTERM, SIG_IGN);
            static_cast<void>(!::write(ready.second.get(), "x", 1));
            sleep_for_ever();
        }
    }};
    life.second.reset();
    char byte = 0;
    BOOST_REQUIRE(::read(ready.first.get(), &byte, 1) == 1);
    BOOST_TEST(WEXITSTATUS(one.its_end().status) == 0);
    BOOST_TEST(::read(life.first.get(), &byte, 1) == 0); // nobody holds it any more
}

BOOST_AUTO_TEST_CASE(a_signal_reaches_the_group)
{
    auto life = make_pipe(), ready = make_pipe();
    child one{[&] {
        ::setpgid(0, 0);
        if (::fork() == 0)
            static_cast<void>(!::write(ready.second.get(), "x", 1));
        sleep_for_ever();
    }};
    life.second.reset();
    char byte = 0;
    BOOST_REQUIRE(::read(ready.first.get(), &byte, 1) == 1);
    one.process.signal(SIGTERM);
    BOOST_TEST(::read(life.first.get(), &byte, 1) == 0);
    BOOST_TEST(WTERMSIG(one.its_end().status) == SIGTERM);
}

BOOST_AUTO_TEST_CASE(one_that_is_stopped_hears_sigterm)
{
    child one{[] {
        ::setpgid(0, 0);
        ::raise(SIGSTOP);
    }};
    int status = 0;
    BOOST_REQUIRE(::waitpid(one.pid, &status, WUNTRACED) == one.pid);
    BOOST_REQUIRE(WIFSTOPPED(status));
    one.process.signal(SIGTERM);
    BOOST_TEST(WTERMSIG(one.its_end().status) == SIGTERM);
}

BOOST_AUTO_TEST_CASE(reaped_by_somebody_else)
{
    child one{[] { ::_exit(3); }};
    BOOST_REQUIRE(::waitpid(one.pid, nullptr, 0) == one.pid);
    BOOST_TEST(one.process.has_ended());
    auto how = one.its_end();
    BOOST_TEST(!how.known);
    BOOST_TEST(contains(describe_ending(how), "reaps its children by itself"), describe_ending(how));
}

BOOST_AUTO_TEST_CASE(reaped_by_somebody_else_while_it_is_watched)
{
    child one{sleep_for_ever};
    int announced = 0;
    one.process.async_wait([&](boost::system::error_code) { ++announced; });
    ::kill(one.pid, SIGKILL);
    BOOST_REQUIRE(::waitpid(one.pid, nullptr, 0) == one.pid);
    one.context.run_for(10s);
    BOOST_TEST(announced == 1);
    BOOST_TEST(one.process.has_ended());
    BOOST_TEST(!one.its_end().known);
}

BOOST_AUTO_TEST_CASE(nobody_has_reaped_it)
{
    int pid = 0;
    {
        child one{sleep_for_ever};
        pid = one.pid;
    }
    BOOST_TEST(is_no_child_of_ours(pid));
}

BOOST_AUTO_TEST_CASE(where_sigchld_is_ignored)
{
    auto before = ::signal(SIGCHLD, SIG_IGN);
    auto hold = make_pipe();
    {
        child one{[&] {
            char byte = 0;
            hold.second.reset();
            ::_exit(::read(hold.first.get(), &byte, 1) == 0 ? 3 : 4);
        }};
        hold.second.reset(); // it lives until it is watched
        auto how = one.its_end();
        BOOST_TEST(!how.known);
        BOOST_TEST(contains(how.note, "SIGCHLD"), how.note);
    }
    ::signal(SIGCHLD, before);
}

BOOST_AUTO_TEST_CASE(there_is_no_such_process)
{
    int pid = child::started([] {});
    ::waitpid(pid, nullptr, 0);
    boost::asio::io_context context{1};
    BOOST_CHECK_THROW((child_process{strand_executor{context.get_executor()}, pid}), boost::system::system_error);
}

// ---- in words ----

BOOST_AUTO_TEST_CASE(endings_in_words)
{
    ending how{.known = true, .status = SIGSEGV, .usage = {}, .note = {}};
    BOOST_TEST(describe_ending(how) == "was killed by SIGSEGV (Segmentation fault)");
    how.status = SIGSEGV | 0x80; // with a core
    BOOST_TEST(describe_ending(how) == "was killed by SIGSEGV (Segmentation fault)");
    how.status = 7 << 8;
    BOOST_TEST(describe_ending(how) == "exited with status 7");
    how = {.known = false, .status = 0, .usage = {}, .note = "why"};
    BOOST_TEST(describe_ending(how) == "is gone (why)");
    BOOST_TEST(signal_name(SIGKILL) == "SIGKILL");
    BOOST_TEST(signal_name(SIGRTMIN + 3) == "signal " + std::to_string(SIGRTMIN + 3));
}
