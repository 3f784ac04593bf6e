// Codes, their words and conditions, the account of a failure, and the options that make no sense.
#include "dispatch/account.hpp"
#include "dispatch/options.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <set>
#include <sstream>

#include <sys/wait.h>

using namespace wodehaus::detail;
using wodehaus::errc;
using wodehaus::failure;
using wodehaus::options;
using namespace std::chrono_literals;
using boost::system::error_code;
namespace generic = boost::system::errc;

namespace {

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != text.npos;
}

bool is_known(int value)
{
    return !contains(wodehaus::error_category().message(value), "unknown error");
}

std::vector<errc> all_codes()
{
    std::vector<errc> all;
    for (int value = 1; is_known(value); ++value)
        all.push_back(static_cast<errc>(value));
    return all;
}

ending exited(int status)
{
    return {.known = true, .status = status << 8, .usage = {}, .note = {}};
}
ending killed(int signal)
{
    return {.known = true, .status = signal, .usage = {}, .note = {}};
}

failure account(errc code, evidence const& known, int attempt = 1)
{
    job_entry job;
    job.attempt = attempt;
    job.timeout = 1500ms;
    return account_of(code, job, "shop::render", known);
}

} // namespace

// ---- codes ----

BOOST_AUTO_TEST_CASE(every_code_has_a_sentence_of_its_own)
{
    auto all = all_codes();
    BOOST_TEST(all.size() > 10);
    std::set<std::string> seen;
    for (auto code : all) {
        auto words = make_error_code(code).message();
        BOOST_TEST(words.size() > 15, words);
        BOOST_TEST(!contains(words, "\n"), words);
        BOOST_TEST(seen.insert(words).second, words);
    }
    for (int value = static_cast<int>(all.size()) + 1; value < 1000; ++value) // there is no gap
        BOOST_TEST(!is_known(value), value);
    BOOST_TEST(!is_known(0));
    BOOST_TEST(!is_known(-1));
}

BOOST_AUTO_TEST_CASE(is_an_error_code)
{
    error_code code = errc::timed_out;
    BOOST_TEST(code.category().name() == "wodehaus");
    BOOST_TEST((code == errc::timed_out));
    BOOST_TEST((code != errc::process_crashed));
    BOOST_TEST(code.failed());
}

BOOST_AUTO_TEST_CASE(conditions)
{
    BOOST_TEST((make_error_code(errc::timed_out) == generic::timed_out));
    BOOST_TEST((make_error_code(errc::canceled) == generic::operation_canceled));
    BOOST_TEST((make_error_code(errc::out_of_memory) == generic::not_enough_memory));
    BOOST_TEST((make_error_code(errc::too_large) == generic::message_size));
    for (auto code : all_codes())
        for (auto condition :
             {generic::timed_out, generic::operation_canceled, generic::not_enough_memory, generic::message_size})
            if (make_error_code(code) == condition)
                BOOST_TEST((code == errc::timed_out || code == errc::canceled || code == errc::out_of_memory ||
                            code == errc::too_large));
}

BOOST_AUTO_TEST_CASE(an_aborted_operation_is_a_cancelled_job)
{
    error_code aborted = boost::asio::error::operation_aborted;
    BOOST_TEST((aborted == errc::canceled));
    BOOST_TEST((make_error_code(errc::canceled) == errc::canceled));
    BOOST_TEST((aborted != errc::stopped));
    BOOST_TEST((aborted == generic::operation_canceled));
}

BOOST_AUTO_TEST_CASE(job_error)
{
    wodehaus::outcome<int> outcome{boost::system::in_place_error, failure{errc::process_crashed, "it was so"}};
    BOOST_TEST(outcome.has_error());
    try {
        outcome.value();
        BOOST_ERROR("a value where there is none");
    } catch (wodehaus::job_error const& thrown) {
        BOOST_TEST((thrown.code() == errc::process_crashed));
        BOOST_TEST(thrown.what() == std::string{"it was so"});
        BOOST_TEST(thrown.why().what == "it was so");
    }
    wodehaus::outcome<void> nothing;
    BOOST_TEST(nothing.has_value());
}

// ---- the account ----

BOOST_AUTO_TEST_CASE(every_code_makes_one_line)
{
    for (auto code : all_codes()) {
        auto why = account(code, {});
        BOOST_TEST((why.code == code), why.what);
        BOOST_TEST(why.what.starts_with("worker shop::render: "), why.what);
        BOOST_TEST(why.what.size() > 35, why.what);
        BOOST_TEST(!contains(why.what, "\n"), why.what);
        BOOST_TEST(why.worker == "shop::render");
    }
}

BOOST_AUTO_TEST_CASE(a_crash)
{
    evidence known{.process = "42", .end = killed(SIGSEGV), .told = {}, .output = "last words\n"};
    known.end->usage = {.user = 3ms, .system = 1ms, .peak_memory = 4096};
    auto why = account(errc::process_crashed, known, 3);
    BOOST_TEST(contains(why.what, "SIGSEGV"), why.what);
    BOOST_TEST(why.signal == SIGSEGV);
    BOOST_TEST(why.exit_code == 0);
    BOOST_TEST(why.process == "42");
    BOOST_TEST(why.attempt == 3);
    BOOST_TEST(why.output == "last words\n");
    BOOST_TEST(why.usage.peak_memory == 4096);
    known.cut_short = true;
    BOOST_TEST(contains(account(errc::process_crashed, known).what, "while it wrote its result"));
}

BOOST_AUTO_TEST_CASE(a_kill)
{
    evidence known{.process = "42", .end = killed(SIGKILL), .told = {}, .output = {}};
    auto why = account(errc::process_crashed, known);
    BOOST_TEST(contains(why.what, "was killed by SIGKILL, not by this server"), why.what);
    BOOST_TEST(why.signal == SIGKILL);
    known.killed_here = true;
    why = account(errc::process_crashed, known);
    BOOST_TEST(contains(why.what, "was killed by SIGKILL"), why.what);
    BOOST_TEST(!contains(why.what, "not by this server"), why.what);
}

BOOST_AUTO_TEST_CASE(out_of_memory)
{
    evidence known{.process = "42", .end = killed(SIGKILL), .told = {}, .output = {}};
    known.end->usage.peak_memory = 34 << 20;
    auto why = account(errc::out_of_memory, known);
    BOOST_TEST(contains(why.what, "the kernel has killed its process for want of memory; its process had 34 MiB at its peak"),
               why.what);
    BOOST_TEST(!contains(why.what, "options::memory"), why.what);
    known = {.process = "42", .end = {}, .told = failure{errc::out_of_memory, "it threw std::bad_alloc"}, .output = {}};
    known.told->usage.peak_memory = 1536 << 10;
    known.memory = std::size_t{3} << 30;
    why = account(errc::out_of_memory, known);
    BOOST_TEST(why.what == "worker shop::render: it threw std::bad_alloc; its process had 1.5 MiB at its peak, and "
                           "options::memory allows 3 GiB beyond what it had at its birth");
}

BOOST_AUTO_TEST_CASE(a_crash_with_much_memory)
{
    evidence known{.process = "42", .end = killed(SIGABRT), .told = {}, .output = {}};
    known.memory = 40 << 20;
    known.end->usage.peak_memory = 31 << 20;
    BOOST_TEST(contains(account(errc::process_crashed, known).what, "options::memory allows 40 MiB"));
    known.end->usage.peak_memory = 29 << 20;
    BOOST_TEST(!contains(account(errc::process_crashed, known).what, "options::memory"));
}

BOOST_AUTO_TEST_CASE(a_bill)
{
    wodehaus::usage early{.user = 5ms, .system = 2ms, .peak_memory = 10}, late{.user = 9ms, .system = 2ms, .peak_memory = 20};
    auto used = since(early, late);
    BOOST_TEST((used.user == 4ms));
    BOOST_TEST((used.system == 0ms));
    BOOST_TEST(used.peak_memory == 20u);
    used = since(late, early); // from who does not tell the truth
    BOOST_TEST((used.user == 0ms));
    BOOST_TEST(in_words(wodehaus::usage{.user = 7400us, .system = 5us, .peak_memory = 34 << 20}) == "7 ms CPU, 34 MiB peak");
    BOOST_TEST(in_words(wodehaus::usage{.user = 12345ns, .system = 0ns, .peak_memory = 512 << 10}) == "12 us CPU, 512 KiB peak");
}

BOOST_AUTO_TEST_CASE(an_exit)
{
    auto why = account(errc::process_exited, {.process = "42", .end = exited(11), .told = {}, .output = {}});
    BOOST_TEST(contains(why.what, "exited with status 11"), why.what); // and not a SIGSEGV
    BOOST_TEST(why.exit_code == 11);
    BOOST_TEST(why.signal == 0);
}

BOOST_AUTO_TEST_CASE(the_kind_of_an_end)
{
    BOOST_TEST((code_of(exited(0)) == errc::process_exited));
    BOOST_TEST((code_of(killed(SIGKILL)) == errc::process_crashed));
    BOOST_TEST((code_of(ending{}) == errc::process_lost));
    ending unknown{.known = false, .status = 0, .usage = {}, .note = "nobody knows"};
    auto why = account(errc::process_lost, {.process = "42", .end = unknown, .told = {}, .output = {}});
    BOOST_TEST(contains(why.what, "nobody knows"), why.what);
    BOOST_TEST(why.signal == 0);
    why = account(errc::process_lost, {.process = "42", .end = killed(SIGTERM), .told = {}, .output = {}, .given_up = true});
    BOOST_TEST(contains(why.what, "did not begin it in time"), why.what);
}

BOOST_AUTO_TEST_CASE(what_the_process_has_told_is_the_story)
{
    evidence known{.process = "42",
                   .end = {},
                   .told = failure{errc::job_threw, "std::runtime_error: no"},
                   .output = {}};
    BOOST_TEST(account(errc::job_threw, known).what == "worker shop::render: std::runtime_error: no");
}

BOOST_AUTO_TEST_CASE(but_not_of_what_we_did_to_it)
{
    evidence known{.process = "42",
                   .end = killed(SIGTERM),
                   .told = failure{errc::job_threw, "interrupted"},
                   .output = {}};
    auto why = account(errc::timed_out, known);
    BOOST_TEST((why.code == errc::timed_out));
    BOOST_TEST(contains(why.what, "1.5 s"), why.what);
    BOOST_TEST(!contains(why.what, "interrupted"), why.what);
}

BOOST_AUTO_TEST_CASE(cancelled)
{
    auto waiting = account(errc::canceled, {}, 0), again = account(errc::canceled, {}, 2);
    auto running = account(errc::canceled, {.process = "42", .end = {}, .told = {}, .output = {}});
    BOOST_TEST((waiting.code == boost::asio::error::operation_aborted));
    BOOST_TEST((waiting.code == errc::canceled));
    BOOST_TEST(waiting.what.ends_with("while it waited"), waiting.what);
    BOOST_TEST(contains(again.what, "while it waited for its next attempt"), again.what);
    BOOST_TEST(contains(running.what, "while it ran"), running.what);
    BOOST_TEST(waiting.attempt == 1);
    BOOST_TEST(again.attempt == 2);
}

BOOST_AUTO_TEST_CASE(stopped)
{
    BOOST_TEST(contains(account(errc::stopped, {}, 0).what, "stopped before it began"));
    BOOST_TEST(contains(account(errc::stopped, {}, 1).what, "stopped before its next attempt"));
    auto running = account(errc::stopped, {.process = "42", .end = {}, .told = {}, .output = {}});
    BOOST_TEST(contains(running.what, "terminated while it ran"), running.what);
}

BOOST_AUTO_TEST_CASE(printed)
{
    failure why{errc::process_crashed, "worker f: its process was killed"};
    why.process = "kitchen[42]";
    why.attempt = 2;
    why.signal = SIGSEGV;
    why.usage = {.user = 1500ms, .system = 20ms, .peak_memory = 8 << 10};
    why.trace = "f at main.cpp";
    why.output = "last words";
    std::ostringstream out;
    out << why;
    for (auto part : {"worker f: its process was killed", "wodehaus 2", "attempt 2", "kitchen[42]", "SIGSEGV", "1.5 s",
                      "20 ms", "8 KiB", "f at main.cpp", "last words"})
        BOOST_TEST(contains(out.str(), part), "no '" << part << "' in: " << out.str());
    std::ostringstream bare;
    bare << failure{errc::stopped, "so it was"};
    for (auto part : {"process:", "signal", "exit status", "used", "trace", "output"})
        BOOST_TEST(!contains(bare.str(), part), "'" << part << "' in: " << bare.str());
}

BOOST_AUTO_TEST_CASE(times_in_words)
{
    BOOST_TEST(in_words(1500ms) == "1.5 s");
    BOOST_TEST(in_words(20ms) == "20 ms");
    BOOST_TEST(in_words(7us) == "7 us");
    BOOST_TEST(in_words(2min) == "120 s");
}

// ---- options ----

BOOST_AUTO_TEST_CASE(options_that_make_sense)
{
    check({});
    check({.workers = 1, .launch = wodehaus::launch::exec, .launcher = {"nice", "-n", "10"}});
    check({.launch = wodehaus::launch::fork});
    check({.launch = wodehaus::launch::in_process, .prefetch = 3});
    check({.memory = 1 << 20});
    check({.launch = wodehaus::launch::in_process, .memory = 1 << 20});
    check({.kill_after = 0ns, .stop_signals = {SIGINT, SIGTERM, SIGHUP, SIGRTMIN}});
    check({.jobs_per_process = 0, .prefetch = 0, .queue_limit = 1, .max_message = 1});
}

BOOST_AUTO_TEST_CASE(options_that_make_none)
{
    auto refused = [](std::string const& member, options how) {
        try {
            check(how);
            BOOST_ERROR(member << " was not refused");
        } catch (std::invalid_argument const& error) {
            BOOST_TEST(contains(error.what(), "options::" + member + ":"), error.what());
            BOOST_TEST(std::string{error.what()}.size() > member.size() + 30, error.what());
        }
    };
    refused("workers", {.workers = 0});
    refused("program", {.launch = wodehaus::launch::fork, .program = "/bin/true"});
    refused("program", {.launch = wodehaus::launch::in_process, .program = "/bin/true"});
    refused("launch", {.launch = static_cast<wodehaus::launch>(99)});
    refused("queue_limit", {.queue_limit = 0});
    refused("timeout", {.timeout = -1ns});
    refused("kill_after", {.kill_after = -1ns});
    refused("attempts", {.attempts = 0});
    refused("attempts", {.attempts = -3});
    refused("max_message", {.max_message = 0});
    refused("launcher", {.launcher = {"nice"}});
    refused("launcher", {.launch = wodehaus::launch::exec, .launcher = {""}});
    refused("keep_failed", {.keep_failed = std::string("/tmp/\0", 6)});
    for (int number : {0, -1, SIGKILL, SIGSTOP, NSIG, 1000})
        refused("stop_signals", {.stop_signals = {SIGINT, number}});
}
