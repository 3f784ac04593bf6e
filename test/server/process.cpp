// The processes themselves: their names, what preload has made, and what they are born with.
#include "test/kit/preload.hpp"

#include <wodehaus/this_job.hpp>

#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <csignal>
#include <set>

#include <sys/stat.h>
#include <sys/wait.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using wodehaus::task, wodehaus::worker;

namespace {

int process_id(int)
{
    return ::getpid();
}
int parent_id(int)
{
    return ::getppid();
}
std::string name_of_process(int)
{
    return wodehaus::process_name();
}
std::string rename_process(std::string const& name)
{
    wodehaus::process_name(name);
    std::ifstream in{"/proc/self/cmdline"};
    std::string shown;
    std::getline(in, shown, '\0');
    return shown;
}
int rename_and_exit(std::string const& name)
{
    wodehaus::process_name(name);
    ::_exit(3);
}
int aborts(int)
{
    std::abort();
}
std::uint64_t job_id(int)
{
    return wodehaus::this_job::id();
}
bool stop_requested(int)
{
    return wodehaus::this_job::stop_requested();
}

struct birth { // what a worker finds around itself
    std::string input, folder;
    std::map<int, std::string> descriptors;
    std::vector<int> blocked, not_default;
    std::vector<std::string> environment;
    int pid = 0, group = 0, session = 0, oom_score = 0;
    unsigned mask = 0;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & input & folder & descriptors & blocked & not_default & environment & pid & group & session & oom_score & mask;
    }
};

int oom_score()
{
    std::ifstream in{"/proc/self/oom_score_adj"};
    int score = 0;
    in >> score;
    return score;
}

birth look_around(int)
{
    birth found;
    found.descriptors = kit::descriptors();
    found.input = found.descriptors[0];
    sigset_t mask;
    ::sigprocmask(SIG_BLOCK, nullptr, &mask);
    for (int number = 1; number < NSIG; ++number) {
        if (::sigismember(&mask, number) == 1)
            found.blocked.push_back(number);
        struct sigaction action {};
        if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler != SIG_DFL)
            found.not_default.push_back(number);
    }
    for (char** each = environ; *each; ++each)
        found.environment.push_back(*each);
    std::sort(found.environment.begin(), found.environment.end());
    found.folder = std::filesystem::current_path();
    found.pid = ::getpid();
    found.group = ::getpgrp();
    found.session = ::getsid(0);
    found.oom_score = oom_score();
    found.mask = ::umask(0);
    ::umask(found.mask);
    return found;
}

int random_number(int)
{
    return std::rand();
}
int read_input(int)
{
    return std::getchar();
}
int hold(std::string const& gate)
{
    kit::pass(gate);
    return ::getpid();
}
int make_daemon(int) // one that leaves the group and the session
{
    int channel[2];
    if (::pipe(channel) != 0)
        return -1;
    if (::fork() == 0) {
        ::setsid();
        if (::fork() == 0) {
            int pid = ::getpid();
            if (::write(channel[1], &pid, sizeof pid) != sizeof pid)
                ::_exit(1);
            for (;;)
                ::pause();
        }
        ::_exit(0);
    }
    int pid = 0;
    return ::read(channel[0], &pid, sizeof pid) == sizeof pid ? pid : -1;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(process, kit::nothing_left)

// ---- names

BOOST_AUTO_TEST_CASE(names_that_nobody_has_given)
{
    auto own = wodehaus::process_name();
    BOOST_TEST(kit::contains(own, "server"), own);
    BOOST_TEST(kit::contains(own, "[" + std::to_string(::getpid()) + "]"), own);
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [how](wodehaus::job_server& server) -> awaitable<void> {
            std::string name = co_await server.async_call(worker<name_of_process>, 0);
            BOOST_TEST(std::stoi(name) > 1);
            if (how.kept())
                BOOST_TEST(name == std::to_string(co_await server.async_call(worker<process_id>, 0)));
            auto end = co_await server.async_try_call(worker<aborts>, 0);
            auto why = kit::failed(end, errc::process_crashed);
            if (how.kept())
                BOOST_TEST(why.process == name);
            else
                BOOST_TEST(!why.process.empty());
        });
    });
}

BOOST_AUTO_TEST_CASE(a_name_from_preload)
{
    kit::preload_does naming{"name some worker"};
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<name_of_process>, 0) == "some worker");
            auto end = co_await server.async_try_call(worker<aborts>, 0);
            BOOST_TEST(kit::failed(end, errc::process_crashed).process == "some worker");
        });
    });
}

BOOST_AUTO_TEST_CASE(a_name_from_the_job)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 1}), [how](wodehaus::job_server& server) -> awaitable<void> {
            auto shown = co_await server.async_call(worker<rename_process>, "renamed one");
            if (how.launch == wodehaus::launch::fork) // as much as the server's own command line has room for
                BOOST_TEST(kit::contains(shown, "renamed"), shown);
            else
                BOOST_TEST(kit::contains(shown, "renamed one"), shown);
            if (how.kept())
                BOOST_TEST(co_await server.async_call(worker<name_of_process>, 0) == "renamed one");
            auto end = co_await server.async_try_call(worker<rename_and_exit>, "last name");
            BOOST_TEST(kit::failed(end, errc::process_exited).process == "last name");
            end = co_await server.async_try_call(worker<rename_and_exit>, "another\nline \x1b[31m");
            BOOST_TEST(kit::failed(end, errc::process_exited).process == "another line ?[31m");
        });
    });
}

// ---- this_job

BOOST_AUTO_TEST_CASE(the_job_that_runs)
{
    BOOST_TEST(wodehaus::this_job::id() == 0u);
    BOOST_TEST(wodehaus::this_job::attempt() == 0);
    BOOST_TEST(!wodehaus::this_job::stop_requested());
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<int> jobs(20);
            auto ids = co_await server.async_map(worker<job_id>, jobs);
            BOOST_TEST(std::set(ids.begin(), ids.end()).size() == 20u);
            BOOST_TEST(!co_await server.async_call(worker<stop_requested>, 0));
        });
    });
}

// ---- preload

BOOST_AUTO_TEST_CASE(preload_runs_once_for_each_program_that_is_started)
{
    kit::each_way([](kit::way how) {
        kit::folder folder;
        kit::preload_does writing{"note " + (folder / "notes")};
        kit::with_server(how({.workers = 2}), [&](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<int> jobs(6);
            auto pids = co_await server.async_map(worker<process_id>, jobs);
            auto parents = co_await server.async_map(worker<parent_id>, jobs);
            auto notes = kit::notes(folder / "notes");
            std::set<std::string> noted(notes.begin(), notes.end());
            BOOST_TEST(noted.size() == notes.size());
            if (how.launch == wodehaus::launch::zygote) {
                BOOST_REQUIRE(notes.size() == 1u);
                for (int parent : parents)
                    BOOST_TEST(std::to_string(parent) == notes[0]);
            } else {
                for (int pid : pids)
                    BOOST_TEST(noted.count(std::to_string(pid)));
                BOOST_TEST(notes.size() <= server.stats().started);
            }
            BOOST_TEST((std::set(pids.begin(), pids.end()).size() == 6u) == !how.kept());
        });
    });
}

BOOST_AUTO_TEST_CASE(preload_that_fails)
{
    struct mishap {
        char const *what, *account;
    };
    for (auto& [does, says] : {mishap{"throw no model here", "no model here"}, {"exit 5", "5"}, {"exit 0", "preload"},
                               {"crash", "SIGABRT"}}) {
        BOOST_TEST_INFO_SCOPE(does);
        kit::preload_does failing{does};
        std::string account{says};
        asio::io_context context{1};
        wodehaus::basic_job_server<> forking{context, kit::zygote_fresh({.logger = {}})},
            executing{context, kit::exec_fresh({.logger = {}})};
        for (auto* server : {&forking, &executing}) {
            std::vector<int> jobs(4);
            server->async_run(kit::rethrow{});
            server->async_try_map(worker<process_id>, jobs,
                                  [&, server](std::exception_ptr, std::vector<wodehaus::outcome<int>> all) {
                                      BOOST_TEST(all.size() == 4u);
                                      for (auto& each : all) {
                                          auto why = kit::failed(each, errc::launch_failed);
                                          BOOST_TEST(kit::contains(why.what, account), why.what);
                                          BOOST_TEST(why.process.empty());
                                      }
                                      server->stop();
                                  });
        }
        kit::run(context);
    }
}

BOOST_AUTO_TEST_CASE(preload_that_fails_once)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1, .logger = {}})};
        kit::gate gate{context.get_executor()};
        kit::preload_does waiting{"pass " + gate.path()};
        int pid = 0;
        server.async_run(kit::rethrow{});
        server.async_call(worker<process_id>, 0, [&](std::exception_ptr error, int got) {
            BOOST_TEST(!error);
            pid = got;
            server.stop();
        });
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                ::kill(co_await gate.arrived(), SIGKILL);
                gate.open_for_all();
            },
            kit::rethrow{});
        kit::run(context);
        BOOST_TEST(pid > 0);
    });
}

BOOST_AUTO_TEST_CASE(preload_that_hangs_does_not_keep_a_run_from_ending)
{
    kit::each_launch([](kit::way how) {
        for (bool hard : {false, true}) {
            asio::io_context context{1};
            wodehaus::basic_job_server<> server{context, how({.workers = 1, .kill_after = std::chrono::milliseconds{100}})};
            kit::gate gate{context.get_executor()};
            kit::preload_does waiting{"pass " + gate.path()};
            std::optional<wodehaus::outcome<int>> end;
            server.async_run(kit::rethrow{});
            server.async_try_call(worker<process_id>, 0,
                                  [&](std::exception_ptr, wodehaus::outcome<int> how_ended) { end = how_ended; });
            asio::co_spawn(
                context,
                [&]() -> awaitable<void> {
                    co_await gate.arrived();
                    hard ? server.terminate() : server.stop();
                },
                kit::rethrow{});
            kit::run(context);
            BOOST_REQUIRE(end);
            kit::failed(*end, errc::stopped);
        }
    });
}

// ---- what a process is born with

BOOST_AUTO_TEST_CASE(born_clean)
{
    // What the server has, and its processes must not.
    int leak = ::open("/proc/version", O_RDONLY), high = ::fcntl(leak, F_DUPFD, 200);
    sigset_t blocked, before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::sigaddset(&blocked, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    auto old_pipe = ::signal(SIGPIPE, SIG_IGN), old_user = ::signal(SIGUSR2, SIG_IGN), old_int = ::signal(SIGINT, SIG_IGN);
    std::vector<std::string> environment;
    for (char** each = environ; *each; ++each)
        environment.push_back(*each);
    std::sort(environment.begin(), environment.end());
    auto mask = ::umask(0);
    ::umask(mask);

    kit::each_way([&](kit::way how) {
        kit::with_server(how({.workers = 2}), [&](wodehaus::job_server& server) -> awaitable<void> {
            std::set<int> groups;
            for (int round = 0; round < 2; ++round) {
                birth found = co_await server.async_call(worker<look_around>, 0);
                BOOST_TEST(found.input == "/dev/null");
                for (auto& [number, what] : found.descriptors) {
                    BOOST_TEST(what != "/proc/version");
                    BOOST_TEST(number < 16, number << " is " << what);
                }
                BOOST_TEST(found.descriptors.count(1) == 1u);
                BOOST_TEST(found.descriptors.count(2) == 1u);
                BOOST_TEST(found.descriptors.size() <= 6u); // and its channel, one or two, and the lifeline
                BOOST_TEST(found.blocked.empty());
                // But those by which a process tells of its end.
                std::vector<int> told{SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGRTMAX - 5};
                BOOST_TEST(found.not_default == told, boost::test_tools::per_element());
                BOOST_TEST(found.group == found.pid);
                BOOST_TEST(found.session == ::getsid(0));
                BOOST_TEST((found.environment == environment)); // its role comes by its arguments
                BOOST_TEST(found.folder == std::filesystem::current_path().string());
                BOOST_TEST(found.mask == mask);
                BOOST_TEST(found.oom_score > oom_score());
                groups.insert(found.group);
            }
            BOOST_TEST((groups.size() == 2u) == !how.kept());
        });
    });

    ::signal(SIGPIPE, old_pipe);
    ::signal(SIGUSR2, old_user);
    ::signal(SIGINT, old_int);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::close(leak);
    ::close(high);
}

BOOST_AUTO_TEST_CASE(the_environment_of_the_moment)
{
    kit::each_launch([](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 1})};
        for (std::string value : {"one", "two"}) { // as it is when a run begins, not when the server was made
            ::setenv("KIT_MOMENT", value.c_str(), 1);
            birth found;
            server.async_run(kit::rethrow{});
            server.async_call(worker<look_around>, 0, [&](std::exception_ptr, birth got) {
                found = std::move(got);
                server.stop();
            });
            context.restart();
            kit::run(context);
            BOOST_TEST(std::count(found.environment.begin(), found.environment.end(), "KIT_MOMENT=" + value) == 1);
        }
        ::unsetenv("KIT_MOMENT");
    });
}

BOOST_AUTO_TEST_CASE(input_is_empty)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how(), [](wodehaus::job_server& server) -> awaitable<void> {
            BOOST_TEST(co_await server.async_call(worker<read_input>, 0) == EOF);
        });
    });
}

BOOST_AUTO_TEST_CASE(siblings_do_not_share_their_random_numbers)
{
    kit::with_server(kit::zygote_fresh({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
        std::vector<int> jobs(4);
        auto numbers = co_await server.async_map(worker<random_number>, jobs);
        BOOST_TEST(std::set(numbers.begin(), numbers.end()).size() > 1u);
    });
}

BOOST_AUTO_TEST_CASE(as_many_at_work_as_there_are_workers)
{
    kit::each_way([](kit::way how) {
        kit::with_server(how({.workers = 3}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            kit::event done{server.get_executor()};
            std::vector<std::string> gates(3, gate.path());
            std::vector<int> pids;
            server.async_map(worker<hold>, gates, [&](std::exception_ptr error, std::vector<int> all) {
                BOOST_TEST(!error);
                pids = std::move(all);
                done.set();
            });
            std::set<int> arrived; // all three at once, or this hangs
            for (int i = 0; i < 3; ++i)
                arrived.insert(co_await gate.arrived());
            BOOST_TEST(arrived.size() == 3u);
            gate.open(3);
            co_await done.wait();
            BOOST_TEST((std::set(pids.begin(), pids.end()) == arrived));
        });
    });
}

BOOST_AUTO_TEST_CASE(processes_that_are_kept_for_some_jobs)
{
    kit::each(std::array{kit::zygote_kept, kit::exec_kept}, [](kit::way how) {
        auto options = how({.workers = 1});
        options.jobs_per_process = 3;
        kit::with_server(options, [](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<int> jobs(9);
            auto pids = co_await server.async_map(worker<process_id>, jobs);
            std::map<int, int> times;
            for (int pid : pids)
                ++times[pid];
            BOOST_TEST(times.size() == 3u);
            for (auto& [pid, count] : times)
                BOOST_TEST(count == 3);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_daemon_is_found_and_killed)
{
    kit::each(std::array{kit::zygote_fresh, kit::zygote_kept}, [](kit::way how) {
        int daemon = 0;
        kit::with_server(how({.workers = 1}), [&](wodehaus::job_server& server) -> awaitable<void> {
            daemon = co_await server.async_call(worker<make_daemon>, 0);
        });
        BOOST_REQUIRE(daemon > 0);
        BOOST_TEST(kit::within_a_second([&] { return !kit::state_of(daemon).alive(); }));
        if (kit::state_of(daemon).alive())
            ::kill(daemon, SIGKILL);
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
