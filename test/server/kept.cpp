// Failed jobs that are kept, and run again by this very program.
//
//   kept -- GUEST    GUEST is another program that has some of this one's workers
#include "test/server/errands.hpp"

#include "test/kit/program.hpp"

#include <wodehaus/start.hpp>
#include <wodehaus/this_job.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <csignal>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::awaitable;
using kit::contains, kit::errc;
using wodehaus::task, wodehaus::worker;
using namespace std::chrono_literals;

namespace mishap { // its workers have the same names by each compiler

struct misfortune {
    std::string kind;
    int number = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& kind& number;
    }
};

[[gnu::noinline]] inline void fall_over()
{
    std::raise(SIGSEGV);
}

inline int suffer(misfortune const& job)
{
    if (job.kind == "throw")
        throw std::runtime_error{"number " + std::to_string(job.number)};
    if (job.kind == "crash")
        fall_over();
    if (job.kind == "exit")
        ::_exit(job.number);
    if (job.kind == "call exit")
        std::exit(job.number);
    if (job.kind == "end thread")
        ::pthread_exit(nullptr); // of the last thread: the process's, too
    if (job.kind == "child exits") {
        int status = 0;
        if (auto child = ::fork(); child == 0)
            std::exit(job.number);
        else
            ::waitpid(child, &status, 0);
        throw WEXITSTATUS(status);
    }
    if (job.kind == "crash at exit") {
        std::atexit([] { fall_over(); });
        std::exit(job.number);
    }
    if (job.kind == "sleep")
        for (;;)
            ::pause();
    if (job.kind == "at first" && wodehaus::this_job::attempt() == 1)
        std::abort();
    if (job.kind == "print") {
        std::printf("of the job");
        throw job.number;
    }
    return job.number;
}

/// Succeeds where the variable is set.
inline int depends(misfortune const& job)
{
    if (std::getenv("KEPT_FIXED"))
        return job.number;
    throw std::runtime_error{"not fixed"};
}
inline std::string as_large_as(std::size_t size)
{
    return std::string(size, 'x');
}
inline int wait_at(std::string const& gate)
{
    kit::pass(gate);
    return 0;
}
struct does_not_load {
    std::string text;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& text;
        if (Archive::is_loading::value)
            throw std::runtime_error{"a " + text};
    }
};
inline int take(does_not_load const&)
{
    return 0;
}

} // namespace mishap

namespace {

using namespace mishap;

/// The kept files, oldest first.
std::vector<std::string> kept_in(std::string const& folder)
{
    std::vector<std::string> files;
    if (fs::exists(folder))
        for (auto const& entry : fs::directory_iterator{folder})
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}
std::string kept_one(std::string const& folder)
{
    auto files = kept_in(folder);
    BOOST_REQUIRE(files.size() == 1u);
    return files[0];
}

kit::ended replay(std::string const& what, std::string const& program = "/proc/self/exe")
{
    return kit::run_program({"--wodehaus-replay", what}, program);
}

bool crashed_again(kit::ended const& end)
{
#if defined KIT_ADDRESS_SANITIZER || defined KIT_THREAD_SANITIZER // they take the signal, and exit
    return contains(end.errors, "SEGV");
#else
    return end.signal == SIGSEGV;
#endif
}

/// Serves one call, and keeps it if it fails.
template <class Worker>
wodehaus::outcome<typename Worker::result> call(wodehaus::options how, Worker, typename Worker::job job)
{
    std::optional<wodehaus::outcome<typename Worker::result>> end;
    kit::with_server(std::move(how), [&](wodehaus::job_server& server) -> awaitable<void> {
        end = co_await server.async_try_call(Worker{}, job);
    });
    return std::move(*end);
}

/// A job that has failed in this way, in a file.
template <class Worker>
std::string keep(kit::folder const& folder, Worker one, typename Worker::job job)
{
    auto how = kit::zygote_fresh({.workers = 1, .timeout = 50s, .keep_failed = folder.path()});
    BOOST_TEST(!call(how, one, std::move(job)));
    return kept_one(folder.path());
}

std::string guest()
{
    auto const& arguments = boost::unit_test::framework::master_test_suite();
    BOOST_REQUIRE_MESSAGE(arguments.argc > 1, "usage: kept -- GUEST");
    return fs::canonical(arguments.argv[1]);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(kept, kit::nothing_left)

// ---- what is kept

BOOST_AUTO_TEST_CASE(a_job_that_fails_for_good)
{
    struct kind {
        char const* name;
        errc code;
    };
    for (kind one : {kind{"crash", errc::process_crashed}, kind{"exit", errc::process_exited},
                     kind{"sleep", errc::timed_out}, kind{"throw", errc::job_threw}})
        kit::each_way_and_in_process([&](kit::way how) {
            if (how.launch == wodehaus::launch::in_process && one.code != errc::job_threw)
                return; // would be the end of this process
            BOOST_TEST_INFO_SCOPE(one.name);
            kit::folder outside;
            kit::lines log;
            wodehaus::failure why;
            auto options = how({.workers = 1, .keep_failed = outside / "kept", .logger = log.logger()});
            kit::with_server(options, [&](wodehaus::job_server& server) -> awaitable<void> {
                misfortune bad{one.name, 3}, good{"none", 4};
                auto limited = task{worker<suffer>, bad}.timeout(one.code == errc::timed_out ? 50ms : 50s);
                int before = co_await server.async_call(worker<suffer>, good);
                auto end = co_await server.async_try_call(limited);
                int after = co_await server.async_call(worker<suffer>, good);
                BOOST_TEST(before + after == 8);
                why = kit::failed(end, one.code);
            });
            auto file = kept_one(outside / "kept");
            struct stat status{};
            BOOST_REQUIRE(::stat(file.c_str(), &status) == 0);
            BOOST_TEST((status.st_mode & 07777) == 0600u);
            BOOST_TEST(contains(file, "Z-mishap_suffer-"), file);
            auto lines = log.infos();
            BOOST_TEST(std::count_if(lines.begin(), lines.end(), [&](std::string const& line) {
                           return contains(line, why.what) && line.ends_with("; kept: " + file);
                       }) == 1);
            BOOST_TEST(why.kept == file);
            BOOST_TEST(!contains(why.what, "; kept: "));
            BOOST_TEST(log.errors().empty());
        });
}

BOOST_AUTO_TEST_CASE(with_prefetch_it_is_the_one_that_failed)
{
    kit::each(std::array{kit::zygote_ahead, kit::exec_ahead, kit::fork_ahead}, [](kit::way how) {
        kit::folder folder;
        auto options = how({.workers = 1, .keep_failed = folder.path()});
        kit::with_server(options, [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<misfortune> jobs;
            for (int i = 0; i < 20; ++i)
                jobs.push_back({i % 5 == 3 ? "crash" : "none", i});
            auto ends = co_await server.async_try_map(worker<suffer>, jobs);
            for (int i = 0; i < 20; ++i)
                BOOST_TEST(ends[static_cast<std::size_t>(i)].has_value() == (i % 5 != 3));
        });
        auto files = kept_in(folder.path());
        BOOST_TEST(files.size() == 4u);
        for (auto const& file : files)
            BOOST_TEST(crashed_again(replay(file)));
    });
}

BOOST_AUTO_TEST_CASE(of_several_attempts_the_last)
{
    kit::folder folder;
    auto twice = kit::zygote_fresh({.attempts = 2, .keep_failed = folder.path()});
    BOOST_TEST(*call(twice, worker<suffer>, {"at first", 5}) == 5);
    BOOST_TEST(kept_in(folder.path()).empty());
    kit::failed(call(twice, worker<suffer>, {"exit", 5}), errc::process_exited);
    auto again = replay(kept_one(folder.path()));
    BOOST_TEST(contains(again.errors, "attempt 2"), again.errors);
}

BOOST_AUTO_TEST_CASE(a_task_of_a_producer)
{
    kit::folder folder;
    kit::lines log;
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, {.keep_failed = folder.path(), .logger = log.logger()}};
    auto producer = [left = 1]() mutable -> std::optional<wodehaus::task_of<suffer>> {
        if (left-- == 0)
            return std::nullopt;
        return task{worker<suffer>, misfortune{"throw", 8}};
    };
    server.async_run(producer, wodehaus::ignore, kit::rethrow{});
    kit::run(context);
    auto errors = log.errors();
    BOOST_REQUIRE(errors.size() == 1u); // the line that nobody else sees
    BOOST_TEST(contains(errors[0], "number 8; kept: " + kept_one(folder.path())), errors[0]);
}

BOOST_AUTO_TEST_CASE(what_is_not_kept)
{
    kit::folder folder;
    auto how = kit::fork_fresh({.workers = 1, .queue_limit = 1, .max_message = 100'000, .keep_failed = folder.path()});
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        kit::gate gate{server.get_executor()};
        kit::event cancelled{server.get_executor()}, queue_is_empty{server.get_executor()};
        asio::cancellation_signal cancel;
        auto on_end = [&](std::exception_ptr error, int) {
            kit::check(kit::failure_in(error), errc::canceled);
            cancelled.set();
        };
        server.async_call(worker<wait_at>, gate.path(), asio::bind_cancellation_slot(cancel.slot(), on_end));
        co_await gate.arrived();
        misfortune waiting{"none", 1};
        server.async_call(worker<suffer>, waiting, [&](std::exception_ptr error, int) {
            BOOST_TEST(!error);
            queue_is_empty.set();
        });
        kit::failed(co_await server.async_try_call(worker<suffer>, waiting), errc::queue_full);
        cancel.emit(asio::cancellation_type::terminal);
        co_await cancelled.wait();
        co_await queue_is_empty.wait();
        std::string large(200'000, 'x');
        kit::failed(co_await server.async_try_call(worker<wait_at>, large), errc::too_large);
        auto closure = [large](int number) -> int { throw number + static_cast<int>(large.size()); };
        kit::failed(co_await server.async_try_call(closure, 1), errc::job_threw);
        server.async_call(worker<wait_at>, gate.path(), [](std::exception_ptr error, int) {
            kit::check(kit::failure_in(error), errc::stopped);
        });
        co_await gate.arrived();
        server.terminate();
    });
    kit::preload_does nothing_good{"throw no"};
    auto none = kit::exec_fresh({.keep_failed = folder.path()});
    kit::failed(call(none, worker<suffer>, {"throw", 1}), errc::launch_failed);
    BOOST_TEST(kept_in(folder.path()).empty());
}

// ---- the folder

BOOST_AUTO_TEST_CASE(a_folder_is_bounded)
{
    kit::folder folder;
    auto how = kit::in_process({.workers = 1, .keep_failed = folder.path()});
    auto summary = kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        std::vector<misfortune> jobs;
        for (int i = 0; i < 1100; ++i)
            jobs.push_back({"throw", i});
        co_await server.async_try_map(worker<suffer>, jobs);
    });
    BOOST_TEST(summary.failed == 1100u);
    auto files = kept_in(folder.path());
    BOOST_TEST(files.size() <= 1000u);
    BOOST_TEST(files.size() >= 900u);
    BOOST_TEST(contains(files.back(), "-1100.job"));
}

BOOST_AUTO_TEST_CASE(two_servers_share_one)
{
    kit::folder folder;
    asio::io_context context{1};
    std::array<wodehaus::basic_job_server<>, 2> servers{
        wodehaus::basic_job_server<>{context, kit::in_process({.keep_failed = folder.path()})},
        wodehaus::basic_job_server<>{context, kit::zygote_kept({.keep_failed = folder.path()})}};
    std::vector<misfortune> jobs(100, {"throw", 1});
    for (auto& server : servers) {
        server.async_run(kit::rethrow{});
        server.async_try_map(worker<suffer>, jobs, [&](std::exception_ptr, std::vector<wodehaus::outcome<int>> ends) {
            for (auto& end : ends)
                kit::failed(end, errc::job_threw);
            server.stop();
        });
    }
    kit::run(context);
    BOOST_TEST(kept_in(folder.path()).size() == 200u);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_had)
{
    kit::each_way_and_in_process([](kit::way how) {
        kit::folder outside;
        kit::note(outside / "file", "text");
        kit::lines log;
        auto options = how({.workers = 1, .keep_failed = outside / "file", .logger = log.logger()});
        kit::with_server(options, [](wodehaus::job_server& server) -> awaitable<void> {
            for (int i = 0; i < 3; ++i) {
                misfortune job{"throw", i};
                auto why = kit::failed(co_await server.async_try_call(worker<suffer>, job), errc::job_threw);
                BOOST_TEST(contains(why.what, "number " + std::to_string(i)));
            }
        });
        BOOST_TEST(kit::notes(outside / "file").size() == 1u);
        auto errors = log.errors();
        BOOST_REQUIRE(errors.size() == 1u); // told once, until it goes well
        auto told = "not kept in " + outside.path() + "/file: the folder cannot be opened: Not a directory";
        BOOST_TEST(contains(errors[0], told), errors[0]);
    });
}

BOOST_AUTO_TEST_CASE(a_job_that_is_too_large_to_be_kept)
{
    kit::folder folder;
    kit::lines log;
    auto how = kit::zygote_fresh({.workers = 1, .keep_failed = folder.path(), .logger = log.logger()});
    misfortune large{std::string((64 << 20) + 1, 'x'), 0};
    large.kind.replace(0, 5, "throw");
    kit::failed(call(how, worker<depends>, large), errc::job_threw);
    BOOST_TEST(kept_in(folder.path()).empty());
    auto errors = log.errors();
    BOOST_REQUIRE(errors.size() == 1u);
    BOOST_TEST(contains(errors[0], "mishap::depends is not kept: it has 671"), errors[0]);
}

// ---- replay

BOOST_AUTO_TEST_CASE(it_ends_as_it_did)
{
    kit::folder threw, crashed, exited;
    auto again = replay(keep(threw, worker<suffer>, {"throw", 3}));
    BOOST_TEST(again.exit_code == 1);
    BOOST_TEST(again.output == "");
    BOOST_TEST(contains(again.errors, "worker mishap::suffer: it threw std::runtime_error: number 3\n  code: "),
               again.errors);
    BOOST_TEST(again.errors.ends_with("wodehaus: it threw std::runtime_error: number 3\n"), again.errors);
    BOOST_TEST(crashed_again(replay(keep(crashed, worker<suffer>, {"crash", 0}))));
    BOOST_TEST(replay(keep(exited, worker<suffer>, {"exit", 77})).exit_code == 77);
}

// An exit's status says nothing of how the job went: 0 is not that it returned.
BOOST_AUTO_TEST_CASE(an_exit_is_a_failure)
{
    for (int status : {0, 2}) {
        kit::folder folder;
        auto again = replay(keep(folder, worker<suffer>, {"call exit", status}));
        BOOST_TEST(again.exit_code == 1);
        auto told = "wodehaus: the worker has called exit(" + std::to_string(status) + ")";
        BOOST_TEST(contains(again.errors, told), again.errors);
    }
    kit::folder crashed, ended, threw;
    BOOST_TEST(crashed_again(replay(keep(crashed, worker<suffer>, {"crash at exit", 0}))));
    BOOST_TEST(replay(keep(ended, worker<suffer>, {"end thread", 0})).exit_code != 0);
    auto file = keep(threw, worker<depends>, {"", 3});
    kit::preload_does harm{"exit 0"};
    auto again = replay(file);
    BOOST_TEST(again.exit_code == 1);
    BOOST_TEST(contains(again.errors, "wodehaus: preload has called exit(0)"), again.errors);
}

// What a worker starts may end as it likes.
BOOST_AUTO_TEST_CASE(an_exit_of_a_child_is_its_own)
{
    kit::folder folder;
    auto again = replay(keep(folder, worker<suffer>, {"child exits", 5}));
    BOOST_TEST(!contains(again.errors, "exit("), again.errors);
    BOOST_TEST(again.errors.ends_with("wodehaus: it threw int: 5\n"), again.errors);
}

BOOST_AUTO_TEST_CASE(it_returns_once_the_fault_is_mended)
{
    kit::folder folder;
    auto file = keep(folder, worker<depends>, {"", 3});
    BOOST_TEST(replay(file).exit_code == 1);
    ::setenv("KEPT_FIXED", "1", 1);
    auto again = replay(file);
    ::unsetenv("KEPT_FIXED");
    BOOST_TEST(again.exit_code == 0);
    BOOST_TEST(again.errors.ends_with("wodehaus: it returned; its result has 4 bytes\n"), again.errors);
}

BOOST_AUTO_TEST_CASE(preload_comes_first_and_what_is_printed_stays_where_it_goes)
{
    kit::folder folder;
    auto file = keep(folder, worker<suffer>, {"print", 3});
    kit::preload_does printing{"print of preload, "};
    auto again = replay(file);
    BOOST_TEST(again.output == "of preload, of the job");
    BOOST_TEST(again.exit_code == 1);
}

BOOST_AUTO_TEST_CASE(a_job_that_does_not_load)
{
    kit::folder folder;
    auto again = replay(keep(folder, worker<take>, {"riddle"}));
    BOOST_TEST(again.exit_code == 1);
    BOOST_TEST(contains(again.errors, "could not be loaded: std::runtime_error: a riddle"), again.errors);
}

BOOST_AUTO_TEST_CASE(a_result_that_is_too_large)
{
    kit::folder folder;
    auto how = kit::exec_fresh({.max_message = 1000, .keep_failed = folder.path()});
    kit::failed(call(how, worker<as_large_as>, 2000), errc::too_large);
    auto again = replay(kept_one(folder.path()));
    BOOST_TEST(again.exit_code == 1);
    BOOST_TEST(contains(again.errors, "its result has 2000 bytes, and max_message allowed 1000"), again.errors);
}

BOOST_AUTO_TEST_CASE(preload_that_throws)
{
    kit::folder folder;
    auto file = keep(folder, worker<suffer>, {"throw", 3});
    kit::preload_does harm{"throw nothing works"};
    auto again = replay(file);
    BOOST_TEST(again.exit_code == 1);
    BOOST_TEST(contains(again.errors, "preload threw std::runtime_error: nothing works"), again.errors);
}

BOOST_AUTO_TEST_CASE(by_another_build)
{
    kit::folder folder, mine;
    auto limit = kit::exec_fresh({.max_message = 4, .keep_failed = folder.path()});
    kit::failed(call(limit, worker<errands::program_of_process>, 7), errc::too_large);
    auto file = kept_one(folder.path());
    auto again = replay(file, guest());
    BOOST_TEST(again.exit_code == 1); // its result is too large there, too
    BOOST_TEST(contains(again.errors, "by another build of the program; its worker is looked for by its name"),
               again.errors);
    BOOST_TEST(contains(again.errors, "its result has " + std::to_string(guest().size()) + " bytes"), again.errors);
    BOOST_TEST(!contains(replay(file).errors, "another build"));

    auto unknown = replay(keep(mine, worker<suffer>, {"throw", 1}), guest());
    BOOST_TEST(unknown.exit_code == 2);
    BOOST_TEST(contains(unknown.errors, "this program has no worker mishap::suffer"), unknown.errors);
}

BOOST_AUTO_TEST_CASE(of_another_program)
{
    kit::folder folder;
    auto how = kit::zygote_fresh({.max_message = 4, .program = guest(), .keep_failed = folder.path()});
    kit::failed(call(how, worker<errands::program_of_process>, 7), errc::too_large);
    auto file = kept_one(folder.path());
    for (auto const& program : {guest(), fs::read_symlink("/proc/self/exe").string()}) { // both have it by that name
        auto again = replay(file, program);
        BOOST_TEST(again.exit_code == 1);
        BOOST_TEST(contains(again.errors, "its result has " + std::to_string(program.size()) + " bytes"), again.errors);
        BOOST_TEST(!contains(again.errors, "another build"), again.errors);
    }
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_replayed)
{
    kit::folder folder;
    auto file = keep(folder, worker<suffer>, {"throw", 3});
    auto says = [&](std::string const& path, std::string const& what) {
        auto end = replay(path);
        BOOST_TEST(end.exit_code == 2, path);
        BOOST_TEST(contains(end.errors, what), end.errors);
        BOOST_TEST(end.errors.starts_with("wodehaus: " + path + ": "), end.errors);
        BOOST_TEST(kit::count(end.errors, "\n") == 1u, end.errors);
    };
    says(folder / "none", "cannot be opened");
    kit::note(folder / "garbage", "garbage that is long enough to be something else");
    says(folder / "garbage", "not a kept job");
    fs::copy(file, folder / "large");
    fs::resize_file(folder / "large", std::uint64_t{1} << 40);
    says(folder / "large", "too large");
    fs::resize_file(file, fs::file_size(file) - 1);
    says(file, "cut short");
}

BOOST_AUTO_TEST_CASE(a_folder_is_listed)
{
    kit::folder folder;
    auto how = kit::zygote_fresh({.workers = 1, .keep_failed = folder.path()});
    kit::failed(call(how, worker<suffer>, {"throw", 1}), errc::job_threw);
    kit::failed(call(how, worker<suffer>, {"exit", 2}), errc::process_exited);
    auto files = kept_in(folder.path());
    BOOST_REQUIRE(files.size() == 2u);
    kit::note(folder / "20200101T000000.000000000Z-garbage-1.job", "garbage");
    kit::note(folder / "other", "not to be listed");
    auto listed = replay(folder.path());
    BOOST_TEST(listed.exit_code == 0);
    BOOST_TEST(listed.errors == "");
    std::istringstream in{listed.output};
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    BOOST_REQUIRE_MESSAGE(lines.size() == 6u, listed.output);
    BOOST_TEST(contains(lines[0], "garbage-1.job"));
    BOOST_TEST(contains(lines[1], "not a kept job"));
    BOOST_TEST(contains(lines[2], " UTC  " + files[0]));
    BOOST_TEST(lines[3] == "    worker mishap::suffer: it threw std::runtime_error: number 1");
    BOOST_TEST(contains(lines[4], files[1]));
    BOOST_TEST(contains(lines[5], "worker mishap::suffer: its process exited with status 2"), lines[5]);
}

BOOST_AUTO_TEST_CASE(a_list_that_cannot_be_written)
{
    kit::folder folder;
    keep(folder, worker<suffer>, {"throw", 1});
    auto program = fs::read_symlink("/proc/self/exe").string();
    for (auto nowhere : {"> /dev/full", ">&-"}) {
        auto command = "'" + program + "' --wodehaus-replay '" + folder.path() + "' " + nowhere;
        auto end = kit::run_program({"-c", command}, "/bin/sh");
        BOOST_TEST(end.exit_code == 2, nowhere);
        BOOST_TEST(end.errors == "wodehaus: cannot write to the standard output\n", nowhere);
    }
}

BOOST_AUTO_TEST_CASE(how_it_is_used)
{
    auto usage = kit::run_program({"--wodehaus-replay"});
    BOOST_TEST(usage.exit_code == 0);
    BOOST_TEST(contains(usage.errors, "--wodehaus-replay FILE"), usage.errors);
    BOOST_TEST(contains(usage.errors, "no job is kept in ."), usage.errors);
    BOOST_TEST(kit::run_program({"--wodehaus-replay", "a", "b"}).exit_code == 2);
    // What is not exactly that, or elsewhere, means nothing.
    for (auto arguments : {std::vector<std::string>{"--", "--wodehaus-replay"}, {"--wodehaus-replays"}}) {
        arguments.insert(arguments.begin(), "--run_test=none");
        BOOST_TEST(!contains(kit::run_program(arguments).errors, "usage: PROGRAM"));
    }
}

// See server/fuzzed for a program that has a fuzzer in it.
BOOST_AUTO_TEST_CASE(fuzzing_without_a_fuzzer)
{
    auto end = kit::run_program({"--wodehaus-fuzz", "suffer"});
    BOOST_TEST(end.exit_code == 2);
    BOOST_TEST(contains(end.errors, "no fuzzer in it. Compile it"), end.errors);
    BOOST_TEST(kit::run_program({"--wodehaus-fuzz", "suffers"}).exit_code == 2);
}

BOOST_AUTO_TEST_CASE(a_debugger_stops_at_the_crash)
{
    constexpr char const gdb[] = "/usr/bin/gdb";
    kit::folder folder;
    if (!fs::exists(gdb)) {
        BOOST_TEST_MESSAGE("gdb is not installed; that is not tested");
        return;
    }
    auto file = keep(folder, worker<suffer>, {"crash", 0});
    auto program = fs::read_symlink("/proc/self/exe").string();
    auto session = kit::run_program({"-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "run", "-ex",
                                     "backtrace", "--args", program, "--wodehaus-replay", file},
                                    gdb);
    if (contains(session.errors, "ptrace")) {
        BOOST_TEST_MESSAGE("gdb cannot trace here; that is not tested");
        return;
    }
    BOOST_TEST(contains(session.output, "SIGSEGV"), session.output << session.errors);
    BOOST_TEST(contains(session.output, "fall_over"), session.output << session.errors);
    BOOST_TEST(contains(session.output, "main"), session.output << session.errors);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
