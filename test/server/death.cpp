// Death: of workers that let go of their channel, of the server, and of the zygote, at any moment. Nothing survives.
//
// The seed of what is left to chance is printed; DEATH_SEED sets it, and DEATH_MOMENTS how often a server is killed.
#include "test/kit/mishaps.hpp"
#include "test/kit/preload.hpp"
#include "test/kit/running_program.hpp"

#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <thread>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::task, wodehaus::worker;

namespace {

int number_in(char const* variable, int otherwise)
{
    char const* value = std::getenv(variable);
    return value ? std::atoi(value) : otherwise;
}

unsigned seed()
{
    static unsigned const chosen = [] {
        auto number = static_cast<unsigned>(number_in("DEATH_SEED", static_cast<int>(std::random_device{}() >> 1)));
        std::cout << "DEATH_SEED=" << number << std::endl;
        return number;
    }();
    return chosen;
}

/// As long as this lives, what descends from this process comes to it when its parents are dead.
struct adopting {
    adopting() { BOOST_REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); }
    adopting(adopting const&) = delete;
    adopting& operator=(adopting const&) = delete;
    ~adopting() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
};

bool has_living_children(int parent)
{
    auto text = std::to_string(parent);
    std::ifstream children{"/proc/" + text + "/task/" + text + "/children"};
    return std::any_of(std::istream_iterator<int>{children}, {}, [](int pid) { return kit::state_of(pid).alive(); });
}

/// Whether all that descends from this process is dead, or dies within a second.
bool all_die()
{
    return kit::within_a_second([] {
        int reaped = 0;
        do
            reaped = ::waitpid(-1, nullptr, WNOHANG);
        while (reaped > 0);
        return reaped < 0;
    });
}

std::vector<int> children_of(int pid)
{
    std::ifstream in{"/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children"};
    return {std::istream_iterator<int>{in}, {}};
}

/// Names those that have survived, and kills them, since they are not to be met again.
std::string survivors()
{
    std::string all;
    do
        for (int pid : children_of(::getpid())) {
            auto what = kit::state_of(pid);
            all += " " + std::to_string(pid) + " (group " + std::to_string(what.group) + ", session " +
                   std::to_string(what.session) + ", state " + what.state + ")";
            ::kill(pid, SIGKILL);
        }
    while (!all_die());
    return all;
}

void check_all_die(std::string const& when = {})
{
    bool dead = all_die();
    auto left = dead ? std::string{} : survivors();
    BOOST_TEST(dead, when << "there lives" << left);
}

[[noreturn]] void sleep_for_ever()
{
    for (;;)
        ::pause();
}

int good(int number)
{
    return number + 1;
}
int exits_with_threads(int status)
{
    for (int i = 0; i < 4; ++i)
        std::thread{[i] {
            volatile unsigned turn = 0;
            while (i % 2)
                turn = turn + 1;
            sleep_for_ever();
        }}.detach();
    ::_exit(status);
}
int dies_with_threads(int signal)
{
    rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    std::thread{[signal] { ::raise(signal); }}.detach();
    std::thread{sleep_for_ever}.detach();
    sleep_for_ever();
}
int closes_and_stays(int)
{
    kit::mishaps::closes_everything(0);
    sleep_for_ever();
}

int passes(std::string const& gate)
{
    kit::pass(gate);
    return 1;
}

/// A call and its end.
struct job_under_way {
    std::optional<wodehaus::outcome<int>> end;
    kit::event ended;

    explicit job_under_way(asio::any_io_executor executor) : ended(executor) {}
    auto handler()
    {
        return [this](std::exception_ptr, wodehaus::outcome<int> how) {
            end = std::move(how);
            ended.set();
        };
    }
};

// ---- a server that is to be killed

enum nuisance { has_a_child, stops, spins, ignores_sigterm, closes_all, has_a_group, has_a_session, nuisances };

/// Those of them that a server can end: what leaves its group is found by the zygote alone.
constexpr int found_without_zygote = has_a_group;
int found_by(kit::way how)
{
    return how.launch == wodehaus::launch::zygote ? nuisances : found_without_zygote;
}
/// Those that die with it: what has closed its lifeline does on exec and fork only if the server sees that first.
int die_with_server(kit::way how)
{
    return how.launch == wodehaus::launch::zygote ? nuisances : closes_all;
}

int is_a_nuisance(int kind)
{
    ::signal(SIGTERM, kind == ignores_sigterm ? SIG_IGN : SIG_DFL);
    if ((kind == has_a_child || kind == ignores_sigterm || kind == has_a_group || kind == has_a_session) && ::fork() == 0) {
        if (kind == has_a_group)
            ::setpgid(0, 0);
        if (kind == has_a_session)
            ::setsid();
        sleep_for_ever();
    }
    if (kind == stops)
        ::raise(SIGSTOP);
    if (kind == closes_all)
        return closes_and_stays(0);
    for (volatile unsigned turn = 0; kind == spins;)
        turn = turn + 1;
    sleep_for_ever();
}

/// death serve WAY SEED PHASE KINDS: with the first so many kinds of nuisances, or with a launcher that hangs, a server that is never done, and says when it starts, runs and drains.
class doomed_server {
public:
    doomed_server(kit::way how, unsigned seed, int kinds)
        : random_(seed), kinds_(kinds), server_(context_, how_in(how, kinds))
    {
    }
    /// One whose processes do not get as far as `init`.
    static wodehaus::options how_in(kit::way way, int kinds)
    {
        auto how = way({.workers = 6, .kill_after = 20ms, .logger = {}});
        if (kinds == 0)
            how.launcher = {"sh", "-c", "sleep 1000"};
        return how;
    }
    int run(bool drains)
    {
        say("starting");
        server_.async_run([](std::exception_ptr, wodehaus::run_summary) {});
        call_good(drains);
        for (int i = 0; i < 4 && kinds_; ++i)
            call_nuisance();
        context_.run();
        return 0;
    }

private:
    static void say(char const* phase)
    {
        std::puts(phase);
        std::fflush(stdout);
    }
    void call_good(bool drains)
    {
        server_.async_try_call(worker<good>, 1, [this, drains](std::exception_ptr, wodehaus::outcome<int> end) {
            if (!end)
                return;
            if (drains)
                server_.stop(); // which what runs does not let it do
            if (std::exchange(says_, false))
                say(drains ? "draining" : "running");
            call_good(drains);
        });
    }
    void call_nuisance()
    {
        int kind = std::uniform_int_distribution{0, kinds_ - 1}(random_);
        auto one = task{worker<is_a_nuisance>, kind};
        if (random_() % 2)
            one.timeout(5ms); // it is being killed then
        server_.async_try_call(one, [this](std::exception_ptr, wodehaus::outcome<int> end) {
            if (!end && end.error().code != errc::stopped)
                call_nuisance();
        });
    }

    std::mt19937 random_;
    int kinds_;
    bool says_ = true;
    asio::io_context context_{1};
    wodehaus::basic_job_server<> server_;
};

/// The program of such a server.
class victim {
public:
    victim(kit::way how, unsigned seed, std::string const& phase, int kinds)
    {
        std::array<int, 2> output{};
        BOOST_REQUIRE(::pipe2(output.data(), O_CLOEXEC) == 0);
        pid_ = kit::start_program(std::filesystem::read_symlink("/proc/self/exe"),
                                  {"serve", how.name, std::to_string(seed), phase, std::to_string(kinds)}, -1, output[1], 2);
        ::close(output[1]);
        BOOST_REQUIRE(pid_ > 0);
        std::string said;
        char byte = 0;
        while (said.find(phase + '\n') == said.npos && ::read(output[0], &byte, 1) == 1)
            said += byte;
        ::close(output[0]);
        BOOST_TEST(kit::contains(said, phase), "it says " << said);
    }
    void signal(int number) const { ::kill(pid_, number); }
    /// To its zygote; false if it has none.
    bool signal_zygote(int number) const
    {
        for (int pid : children_of(pid_)) {
            std::ifstream in{"/proc/" + std::to_string(pid) + "/cmdline"};
            std::string line;
            std::getline(in, line);
            if (kit::contains(line, "--wodehaus-zygote"))
                return ::kill(pid, number) == 0;
        }
        return false;
    }

private:
    pid_t pid_ = 0;
};

using killing = void (*)(victim const&);

/// Kills servers at moments left to chance.
void kill_servers(kit::way how, killing kill, int moments, int kinds)
{
    adopting orphans;
    std::mt19937 random{seed() + static_cast<unsigned>(how.launch)};
    char const* const phases[] = {"starting", "running", "draining"};
    auto slowest = 0ms;
    for (int moment = 0; moment < moments; ++moment) {
        std::string phase = phases[moment % 3];
        victim one{how, static_cast<unsigned>(random()), phase, kinds};
        ::usleep(std::uniform_int_distribution{0u, phase == "starting" ? 40'000u : 15'000u}(random));
        auto before = std::chrono::steady_clock::now();
        kill(one);
        check_all_die(std::string{how.name} + ", moment " + std::to_string(moment) + ", " + phase + ": ");
        slowest = std::max(slowest, std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before));
    }
    BOOST_TEST_MESSAGE(how.name << ": " << moments << " killed, the slowest dead after " << slowest.count() << " ms");
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(death, kit::nothing_left)

// ---- of a worker's channel

BOOST_AUTO_TEST_CASE(a_worker_that_closes_its_channel_is_ended_at_once)
{
    kit::each_way([](kit::way how) {
        auto summary = kit::with_server(how({.workers = 1, .kill_after = 3600s, .attempts = 2}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto end = co_await server.async_try_call(worker<closes_and_stays>, 0);
            auto why = kit::failed(end, errc::process_lost);
            BOOST_TEST(kit::contains(why.what, "closed its channel"), why.what);
            BOOST_TEST(why.signal == SIGKILL);
            BOOST_TEST(why.attempt == 2);
            BOOST_TEST(co_await server.async_call(worker<good>, 1) == 2);
        });
        BOOST_TEST(summary.retried == 1u);
    });
}

BOOST_AUTO_TEST_CASE(an_end_is_told_as_it_was)
{
    // Whoever exits closes its channel first: that is not to be taken for the cause.
    int const rounds = number_in("DEATH_ROUNDS", 1);
    kit::each_way([rounds](kit::way how) {
        kit::with_server(how({.workers = 2}), [rounds](wodehaus::job_server& server) -> awaitable<void> {
            for (int round = 0; round < rounds; ++round) {
                int status = round % 200;
                auto exit = co_await server.async_try_call(worker<exits_with_threads>, status);
                BOOST_TEST(kit::failed(exit, errc::process_exited).exit_code == status);
                auto at_once = co_await server.async_try_call(worker<kit::mishaps::exits_at_once>, status);
                BOOST_TEST(kit::failed(at_once, errc::process_exited).exit_code == status);
                int signal = std::array{SIGKILL, SIGSEGV, SIGABRT, SIGTERM}[static_cast<std::size_t>(round) % 4]; // most of all SIGKILL
                auto crash = co_await server.async_try_call(worker<dies_with_threads>, signal);
                BOOST_TEST(kit::failed(crash, errc::process_crashed).signal == signal);
                auto alone = co_await server.async_try_call(worker<kit::mishaps::raises>, signal);
                BOOST_TEST(kit::failed(alone, errc::process_crashed).signal == signal);
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(a_launcher_that_lets_go_of_the_channel)
{
    // As long as the program holds it, there is an answer to come.
    wodehaus::options how{.workers = 1, .launch = wodehaus::launch::exec};
    how.launcher = {"sh", "-c", "exec 3<&0; \"$@\" <&3 & exec <&- >&- 3<&-; wait $!", "sh"};
    for (std::size_t kept : {std::size_t{1}, std::size_t{0}}) {
        how.jobs_per_process = kept;
        kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
            for (int i = 0; i < 3; ++i)
                BOOST_TEST(co_await server.async_call(worker<good>, i) == i + 1);
            auto end = co_await server.async_try_call(worker<kit::mishaps::raises>, SIGABRT);
            BOOST_TEST(kit::failed(end, errc::process_exited).exit_code == 128 + SIGABRT); // the shell's words for it
        });
    }
    // A launcher that does so without having started the program is not waited for.
    how.launcher = {"sh", "-c", "exec <&- >&-; sleep 1000", "sh"};
    how.logger = {};
    kit::with_server(how, [](wodehaus::job_server& server) -> awaitable<void> {
        auto end = co_await server.async_try_call(worker<good>, 1);
        auto why = kit::failed(end, errc::launch_failed);
        BOOST_TEST(kit::contains(why.what, "closed its channel"), why.what);
    });
}

// ---- of a job that does not want to end

BOOST_AUTO_TEST_CASE(whatever_a_job_does_it_is_ended_with_all_that_it_has_started)
{
    kit::each_way([](kit::way how) {
        adopting orphans;
        kit::with_server(how({.workers = 7, .kill_after = 20ms}), [how](wodehaus::job_server& server) -> awaitable<void> {
            for (int kind = 0; kind < found_by(how); ++kind) {
                auto one = task{worker<is_a_nuisance>, kind}.timeout(5ms);
                auto end = co_await server.async_try_call(one);
                kit::failed(end, kind == closes_all && end.error().code == errc::process_lost ? errc::process_lost : errc::timed_out);
            }
        });
        check_all_die();
    });
}

// ---- of the server

BOOST_AUTO_TEST_CASE(the_server_is_killed)
{
    int const moments = number_in("DEATH_MOMENTS", 9);
    kit::each(std::array{kit::zygote_fresh, kit::exec_fresh, kit::fork_fresh}, [moments](kit::way how) {
        kill_servers(how, [](victim const& one) { one.signal(SIGKILL); }, moments, die_with_server(how));
    });
    kit::each(std::array{kit::zygote_ahead, kit::exec_ahead, kit::fork_ahead}, [moments](kit::way how) {
        kill_servers(how, [](victim const& one) { one.signal(SIGKILL); }, moments / 3, die_with_server(how));
    });
}

BOOST_AUTO_TEST_CASE(the_server_is_killed_while_a_launcher_hangs)
{
    adopting orphans;
    victim one{kit::exec_fresh, 0, "starting", 0};
    BOOST_REQUIRE(kit::within_a_second([] { // the shell, and what it has started
        return kit::others_in_session().size() >= 3;
    }));
    one.signal(SIGKILL);
    check_all_die();
}

BOOST_AUTO_TEST_CASE(the_zygote_is_killed_and_then_the_server)
{
    auto kill = [](victim const& one) {
        one.signal_zygote(SIGKILL);
        one.signal(SIGKILL);
    };
    kill_servers(kit::zygote_fresh, kill, number_in("DEATH_MOMENTS", 3), found_without_zygote);
}

BOOST_AUTO_TEST_CASE(the_server_is_killed_and_then_the_zygote)
{
    auto kill = [](victim const& one) {
        one.signal(SIGSTOP); // it must not be reaped before its children are known
        one.signal(SIGKILL);
        one.signal_zygote(SIGKILL);
    };
    kill_servers(kit::zygote_fresh, kill, number_in("DEATH_MOMENTS", 3), found_without_zygote);
}

BOOST_AUTO_TEST_CASE(the_zygote_is_stopped_and_then_the_server_killed)
{
    auto kill = [](victim const& one) {
        one.signal_zygote(SIGSTOP);
        one.signal(SIGKILL);
    };
    kill_servers(kit::zygote_fresh, kill, number_in("DEATH_MOMENTS", 3), nuisances);
}

// ---- of the zygote, while the server lives on

BOOST_AUTO_TEST_CASE(the_zygote_is_killed)
{
    kit::each(std::array{kit::zygote_fresh, kit::zygote_kept, kit::zygote_ahead}, [](kit::way how) {
        kit::lines log;
        auto summary = kit::with_server(how({.workers = 2, .logger = log.logger()}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            job_under_way once{server.get_executor()}, twice{server.get_executor()};
            auto patient = task{worker<passes>, gate.path()}.attempts(2);
            server.async_try_call(worker<passes>, gate.path(), once.handler());
            server.async_try_call(patient, twice.handler());
            int first = co_await gate.arrived(), second = co_await gate.arrived();
            int zygote = kit::state_of(first).parent;
            ::kill(zygote, SIGKILL);
            co_await once.ended.wait();
            auto why = kit::failed(*once.end, errc::process_lost);
            BOOST_TEST(kit::contains(why.what, "zygote"), why.what);
            for (int pid : {first, second})
                BOOST_TEST(kit::within_a_second([pid] { return !kit::state_of(pid).alive(); }));
            int third = co_await gate.arrived();
            BOOST_TEST(kit::state_of(third).parent != zygote);
            gate.open();
            co_await twice.ended.wait();
            BOOST_TEST(kit::succeeded(std::move(*twice.end)) == 1);
        });
        BOOST_TEST(summary.retried == 1u);
        BOOST_TEST(log.errors().size() >= 1u);
    });
}

BOOST_AUTO_TEST_CASE(the_zygote_is_killed_while_the_server_stops)
{
    kit::each(std::array{kit::zygote_fresh, kit::zygote_ahead}, [](kit::way how) {
        kit::with_server(how({.workers = 2, .logger = {}}), [](wodehaus::job_server& server) -> awaitable<void> {
            kit::gate gate{server.get_executor()};
            job_under_way one{server.get_executor()};
            server.async_try_call(worker<passes>, gate.path(), one.handler());
            int zygote = kit::state_of(co_await gate.arrived()).parent;
            server.stop();
            ::kill(zygote, SIGKILL);
            co_await one.ended.wait();
            kit::failed(*one.end, errc::process_lost);
        });
    });
}

BOOST_AUTO_TEST_CASE(the_zygote_is_stopped)
{
    // What runs does not need it. It is missed when it does not answer.
    kit::with_server(kit::zygote_fresh({.workers = 1, .kill_after = 100ms, .attempts = 3, .logger = {}}), [](wodehaus::job_server& server) -> awaitable<void> {
        kit::gate gate{server.get_executor()};
        job_under_way one{server.get_executor()};
        server.async_try_call(worker<passes>, gate.path(), one.handler());
        int zygote = kit::state_of(co_await gate.arrived()).parent;
        ::kill(zygote, SIGSTOP);
        gate.open();
        co_await one.ended.wait();
        BOOST_TEST(kit::succeeded(std::move(*one.end)) == 1);
        std::vector<int> jobs{1, 2, 3, 4, 5, 6}; // more than are parked
        auto results = co_await server.async_map(worker<good>, jobs);
        BOOST_TEST((results == std::vector<int>{2, 3, 4, 5, 6, 7}));
        BOOST_TEST(!kit::state_of(zygote).alive());
    });
}

BOOST_AUTO_TEST_CASE(a_birth_is_told_behind_the_last_end)
{
    // Of both the zygote tells at once, since it was stopped when it was asked for one more, and when all it had ended.
    kit::nothing_left guard;
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, kit::zygote_fresh({.workers = 1})};
    kit::gate gate{context.get_executor()};
    job_under_way one{context.get_executor()};
    constexpr std::size_t parked = 4; // beside the one at work
    std::size_t started = 0;
    std::jthread waker;
    server.async_run(kit::rethrow{});
    server.async_try_call(worker<passes>, gate.path(), one.handler());
    auto stop_in_between = [&]() -> awaitable<void> {
        int zygote = kit::state_of(co_await gate.arrived()).parent;
        while (server.stats().started < 1 + parked)
            co_await asio::post(context, asio::use_awaitable);
        ::kill(zygote, SIGSTOP);
        BOOST_TEST(kit::within_a_second([zygote] { return kit::state_of(zygote).state == 'T'; }));
        gate.open();
        co_await one.ended.wait();
        co_await server.async_call(worker<good>, 1, asio::use_awaitable); // by one that is parked, and is to be replaced
        started = server.stats().started;
        server.stop();
        waker = std::jthread{[zygote] {
            BOOST_TEST(kit::within_a_second([zygote] { return !has_living_children(zygote); }));
            ::kill(zygote, SIGCONT);
        }};
    };
    asio::co_spawn(context, stop_in_between, kit::rethrow{});
    kit::run(context);
    BOOST_TEST(server.stats().started == started); // nobody waits for that one's end
}

BOOST_AUTO_TEST_CASE(the_zygote_is_stopped_while_the_server_ends)
{
    for (bool destroyed : {false, true}) {
        kit::nothing_left guard;
        asio::io_context context{1};
        auto server = std::make_unique<wodehaus::basic_job_server<>>(context, kit::zygote_fresh({.workers = 1, .kill_after = 50ms, .logger = {}}));
        kit::gate gate{context.get_executor()};
        server->async_run([](std::exception_ptr, wodehaus::run_summary) {});
        server->async_try_call(worker<passes>, gate.path(), [](std::exception_ptr, wodehaus::outcome<int>) {});
        asio::co_spawn(
            context,
            [&]() -> awaitable<void> {
                ::kill(kit::state_of(co_await gate.arrived()).parent, SIGSTOP);
                if (destroyed)
                    server.reset();
                else
                    server->terminate();
            },
            kit::rethrow{});
        kit::run(context);
    }
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    if (argc == 6 && argv[1] == std::string_view{"serve"})
        return doomed_server{kit::way_named(argv[2]), static_cast<unsigned>(std::stoul(argv[3])), std::atoi(argv[5])}.run(
            argv[4] == std::string_view{"draining"});
    return kit::run_tests(argc, argv);
}
