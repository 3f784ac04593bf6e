// What is used up: descriptors, processes, memory, the program itself. A clear error after some tries, never a spin or a
// silent wait; and once there is more again, the next job succeeds.
#include "test/kit/preload.hpp"
#include "test/kit/program.hpp"

#include "libs/wire/frame.hpp"

#include <wodehaus/this_job.hpp>

#include <iostream>

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::worker;

namespace resources_test { // named, to be found in another program

int good(int number)
{
    return number + 1;
}
int parent(int)
{
    return ::getppid();
}
int aborts(int)
{
    std::abort();
}
/// Ends its zygote, too.
int kills_parent(int)
{
    ::kill(::getppid(), SIGKILL);
    for (;;)
        ::pause();
}
/// Sends a result of its own, of so many bytes.
int sends_much(std::size_t size)
{
    wodehaus::detail::frame_header header;
    header.kind = wodehaus::detail::frame_kind::result;
    header.id = wodehaus::this_job::id();
    header.number = 2; // after those of the job before: what it has used, and its result
    header.size = size;
    std::vector<char> some(64 << 10);
    bool sent = ::write(4, &header, sizeof header) > 0;
    while (sent)
        sent = ::write(4, some.data(), some.size()) > 0;
    ::_exit(0);
}

} // namespace resources_test

namespace {

using namespace resources_test;

constexpr kit::way kept_ways[] = {kit::zygote_kept, kit::exec_kept, kit::fork_kept};
constexpr std::size_t most_lines = 12; // of errors, until it is given up

/// For its lifetime, a process may have no more of it than this.
class limited {
public:
    limited(int what, rlim_t most, int pid = 0) : what_(static_cast<__rlimit_resource>(what)), pid_(pid)
    {
        if (::prlimit(pid_, what_, nullptr, &before_) != 0)
            throw std::runtime_error{"prlimit"};
        rlimit now{most, before_.rlim_max};
        if (::prlimit(pid_, what_, &now, nullptr) != 0)
            throw std::runtime_error{"prlimit"};
    }
    limited(limited const&) = delete;
    limited& operator=(limited const&) = delete;
    ~limited() { ::prlimit(pid_, what_, &before_, nullptr); }

private:
    __rlimit_resource what_;
    int pid_;
    rlimit before_{};
};

std::size_t bytes_of_memory(int column)
{
    std::ifstream in{"/proc/self/statm"};
    std::size_t value = 0;
    for (int i = 0; i <= column; ++i)
        in >> value;
    return value * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

awaitable<void> goes_on(wodehaus::job_server& server)
{
    BOOST_TEST(co_await server.async_call(worker<good>, 1) == 2);
}

/// The process that is there ends, and no other can be started: for this cause.
awaitable<void> cannot_go_on(wodehaus::job_server& server, kit::lines const& log, std::string const& cause)
{
    auto crash = co_await server.async_try_call(worker<aborts>, 1);
    kit::failed(crash, errc::process_crashed);
    auto before = log.errors().size();
    auto end = co_await server.async_try_call(worker<good>, 1);
    auto why = kit::failed(end, errc::launch_failed);
    BOOST_TEST(kit::contains(why.what, cause), why.what);
    BOOST_TEST(log.errors().size() - before <= most_lines);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(resources, kit::nothing_left)

// On a zygote the channel is lost on its way.
BOOST_AUTO_TEST_CASE(no_descriptor_is_left_in_the_server)
{
    kit::each(kept_ways, [](kit::way how) {
        kit::lines log;
        kit::with_server(how({.workers = 1, .logger = log.logger()}), [&](wodehaus::job_server& server) -> awaitable<void> {
            co_await goes_on(server);
            {
                auto crash = co_await server.async_try_call(worker<aborts>, 1); // what it has is free then
                kit::failed(crash, errc::process_crashed);
                limited files{RLIMIT_NOFILE, 64};
                std::vector<int> taken;
                for (int one; (one = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
                    taken.push_back(one);
                auto end = co_await server.async_try_call(worker<good>, 1);
                auto why = kit::failed(end, errc::launch_failed);
                BOOST_TEST((kit::contains(why.what, "ulimit -n") || kit::contains(why.what, "Too many open files")), why.what);
                BOOST_TEST(log.errors().size() <= most_lines);
                for (int one : taken)
                    ::close(one);
            }
            co_await goes_on(server);
        });
    });
}

BOOST_AUTO_TEST_CASE(no_descriptor_is_left_in_the_zygote)
{
    kit::lines log;
    kit::with_server(kit::zygote_kept({.workers = 1, .logger = log.logger()}), [&](wodehaus::job_server& server) -> awaitable<void> {
        int zygote = co_await server.async_call(worker<parent>, 0);
        {
            limited files{RLIMIT_NOFILE, 3, zygote};
            co_await cannot_go_on(server, log, "Too many open files");
        }
        co_await goes_on(server);
        int same = co_await server.async_call(worker<parent>, 0);
        BOOST_TEST(same == zygote);
    });
}

// The others do the work.
BOOST_AUTO_TEST_CASE(descriptors_for_some_of_the_processes)
{
    kit::each(kept_ways, [](kit::way how) {
        limited files{RLIMIT_NOFILE, 40};
        kit::with_server(how({.workers = 60, .logger = {}}), [&](wodehaus::job_server& server) -> awaitable<void> {
            std::vector<int> jobs(200, 1);
            auto results = co_await server.async_map(worker<good>, jobs);
            BOOST_TEST((results == std::vector<int>(200, 2)));
        });
    });
}

BOOST_AUTO_TEST_CASE(no_process_is_left)
{
    for (auto how : kept_ways) {
        BOOST_TEST_INFO_SCOPE(how.name);
        auto end = kit::run_program({"--few-processes", how.name});
        if (kit::contains(end.output, "skipped"))
            BOOST_TEST_MESSAGE(end.output);
        BOOST_TEST(end.exit_code == 0, end.output << end.errors);
    }
}

#if !defined(KIT_ADDRESS_SANITIZER) && !defined(KIT_THREAD_SANITIZER)
BOOST_AUTO_TEST_CASE(no_memory_for_a_result)
{
    kit::each(kept_ways, [](kit::way how) {
        kit::with_server(how({.workers = 1}), [](wodehaus::job_server& server) -> awaitable<void> {
            co_await goes_on(server); // its process has the limits of before
            {
                limited memory{RLIMIT_AS, bytes_of_memory(0) + (64 << 20)};
                auto end = co_await server.async_try_call(worker<sends_much>, std::size_t{500} << 20);
                auto why = kit::failed(end, errc::too_large);
                BOOST_TEST(kit::contains(why.what, "memory"), why.what);
            }
            co_await goes_on(server);
        });
    });
}
#endif

BOOST_AUTO_TEST_CASE(a_hundred_thousand_calls_wait)
{
    constexpr std::size_t calls = 100'000;
    [[maybe_unused]] constexpr std::size_t most_for_one = 2048;
    asio::io_context context{1};
    std::size_t ended = 0;
    {
        wodehaus::basic_job_server<> server{context, {}};
        auto before = bytes_of_memory(1);
        for (std::size_t i = 0; i < calls; ++i)
            server.async_try_call(worker<good>, 1, [&](std::exception_ptr, wodehaus::outcome<int> end) { ended += !end; });
        kit::run(context);
        BOOST_TEST(server.stats().queued == calls);
        auto each = (bytes_of_memory(1) - before) / calls;
        BOOST_TEST_MESSAGE("a call that waits has " << each << " bytes");
#if !defined(KIT_ADDRESS_SANITIZER) && !defined(KIT_THREAD_SANITIZER)
        BOOST_TEST(each < most_for_one);
#endif
    }
    context.restart();
    kit::run(context);
    BOOST_TEST(ended == calls);
}

BOOST_AUTO_TEST_CASE(the_program_is_gone)
{
    kit::folder folder;
    auto program = folder / "program", aside = folder / "aside";
    std::filesystem::copy_file("/proc/self/exe", program);
    for (auto how : {kit::zygote_kept, kit::exec_kept}) {
        BOOST_TEST_INFO_SCOPE(how.name);
        kit::lines log;
        kit::with_server(how({.workers = 1, .program = program, .logger = log.logger()}),
                         [&](wodehaus::job_server& server) -> awaitable<void> {
            co_await goes_on(server);
            std::filesystem::rename(program, aside);
            if (how.launch == wodehaus::launch::zygote) {
                auto lost = co_await server.async_try_call(worker<kills_parent>, 1);
                kit::failed(lost, errc::process_lost);
                auto end = co_await server.async_try_call(worker<good>, 1);
                BOOST_TEST(kit::contains(kit::failed(end, errc::launch_failed).what, "No such file"));
            } else {
                co_await cannot_go_on(server, log, "No such file");
            }
            std::filesystem::rename(aside, program);
            co_await goes_on(server);
        });
    }
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

bool become_somebody_else()
{
    auto nobody_else = static_cast<uid_t>(50'000 + ::getpid() % 10'000); // who has no other process
    bool changed = ::setgroups(0, nullptr) == 0 && ::setgid(nobody_else) == 0 && ::setuid(nobody_else) == 0;
    ::prctl(PR_SET_DUMPABLE, 1);
    auto program = std::filesystem::read_symlink("/proc/self/exe");
    return changed && ::access(program.c_str(), X_OK) == 0;
}

// The root user has no such limit, so this is a program of its own that becomes another user. Gives its exit code.
int with_few_processes(std::string const& way)
{
    if (!become_somebody_else()) {
        std::puts("skipped: the limit of processes needs a test that root runs, and all may run");
        return 0;
    }
    auto how = kit::way_named(way);
    kit::lines log;
    asio::io_context context{1};
    wodehaus::job_server server{context, how({.workers = 1, .logger = log.logger()})};
    std::string said;
    auto body = [&]() -> awaitable<void> {
        int zygote = co_await server.async_call(worker<parent>, 0);
        {
            limited here{RLIMIT_NPROC, 1}, there{RLIMIT_NPROC, 1, how.launch == wodehaus::launch::zygote ? zygote : 0};
            auto crash = co_await server.async_try_call(worker<aborts>, 1);
            auto end = co_await server.async_try_call(worker<good>, 1);
            said = end ? "a result" : kit::text_of(end.error());
            if (!end && end.error().code == errc::launch_failed && log.errors().size() <= most_lines &&
                kit::contains(said, "Resource temporarily unavailable"))
                said.clear();
        }
        if (co_await server.async_call(worker<good>, 1) != 2)
            said += "; no result afterwards";
    };
    server.async_run(kit::rethrow{});
    asio::co_spawn(context, body(), [&](std::exception_ptr error) {
        server.stop();
        kit::rethrow{}(error);
    });
    context.run();
    std::puts(said.c_str());
    return said.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    if (argc == 3 && argv[1] == std::string_view{"--few-processes"})
        return with_few_processes(argv[2]);
    return kit::run_tests(argc, argv);
}
