// Memory by cgroups, where they are delegated: what goes beyond the limit together is killed, told as what it is, and
// leaves no group behind.
#include "test/kit/preload.hpp"
#include "test/kit/gate.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using wodehaus::worker;

namespace {

constexpr std::size_t mebibyte = 1 << 20, limit = 32 * mebibyte;
std::string const mount = "/sys/fs/cgroup";

bool write(std::string const& file, std::string const& text)
{
    std::fstream to{file, std::ios::in | std::ios::out}; // which is not made
    return static_cast<bool>(to << text << std::flush);
}

/// A delegated cgroup, with this program in a group below it; where this user may make that.
class delegated_cgroup {
public:
    delegated_cgroup()
    {
        std::ifstream in{"/proc/self/cgroup"};
        for (std::string line; std::getline(in, line);)
            if (line.starts_with("0::/"))
                before_ = mount + line.substr(3);
        std::error_code error;
        is_there_ = !before_.empty() && write(mount + "/cgroup.subtree_control", "+memory") &&
                    std::filesystem::create_directory(path_, error) &&
                    ::setxattr(path_.c_str(), "user.delegate", "1", 1, 0) == 0 &&
                    std::filesystem::create_directory(path_ + "/server", error) &&
                    write(path_ + "/server/cgroup.procs", "0");
        if (!is_there_)
            std::cerr << "skipped: no delegated cgroup of version 2 can be made here\n"; // which ctest looks for
    }
    delegated_cgroup(delegated_cgroup const&) = delete;
    delegated_cgroup& operator=(delegated_cgroup const&) = delete;
    ~delegated_cgroup()
    {
        std::error_code ignored;
        if (!before_.empty())
            write(before_ + "/cgroup.procs", "0");
        std::filesystem::remove(path_ + "/server", ignored);
        std::filesystem::remove(path_, ignored);
        BOOST_TEST(!std::filesystem::exists(path_));
    }
    explicit operator bool() const { return is_there_; }
    std::string const& path() const { return path_; }
    std::vector<std::string> groups() const
    {
        std::vector<std::string> all;
        for (auto const& each : std::filesystem::directory_iterator{path_})
            if (each.is_directory() && each.path().filename() != "server")
                all.push_back(each.path().filename());
        return all;
    }

private:
    std::string path_ = mount + "/test-of-wodehaus-" + std::to_string(::getpid()), before_;
    bool is_there_ = false;
};

void fill(char* bytes, std::size_t size)
{
    std::fill_n(bytes, size, 'x');
}

// What RLIMIT_DATA does not see.
int fills_shared_memory(std::size_t size)
{
    auto* all = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fill(static_cast<char*>(all), size);
    return 1;
}
// Each of them has less than the limit.
int fills_by_children(std::size_t size)
{
    for (int i = 0; i < 12; ++i)
        if (::fork() == 0) {
            fill(static_cast<char*>(std::malloc(size)), size);
            for (;;)
                ::pause();
        }
    return ::wait(nullptr);
}
int fills(int)
{
    for (;;)
        fill(new char[mebibyte], mebibyte);
}
int leaves_a_session(int)
{
    if (::fork() == 0) {
        ::setsid();
        for (;;)
            ::pause();
    }
    return 1;
}
int kills_itself(int)
{
    ::raise(SIGKILL);
    return 1;
}
int passes(std::string const& gate)
{
    kit::pass(gate);
    return 1;
}
std::string group_of_this_process(int)
{
    std::ifstream in{"/proc/self/cgroup"};
    std::string line;
    while (std::getline(in, line) && !line.starts_with("0::/")) {
    }
    return line.substr(line.rfind('/') + 1);
}

std::vector<char> inherited;
int writes_to_what_it_has_inherited(int)
{
    fill(inherited.data(), inherited.size());
    return 1;
}

void preload()
{
    inherited.assign(4 * limit, 'i');
    kit::preload();
}

awaitable<void> check_killed_by_the_kernel(wodehaus::job_server& server, auto worker, std::size_t size)
{
    auto end = co_await server.async_try_call(worker, size);
    auto why = kit::failed(end, errc::out_of_memory);
    BOOST_TEST(why.signal == SIGKILL);
    BOOST_TEST(kit::contains(why.what, "the kernel has killed its process for want of memory"), why.what);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(cgroups, kit::nothing_left)

BOOST_AUTO_TEST_CASE(what_goes_beyond_together)
{
    delegated_cgroup around;
    if (!around)
        return;
    kit::each_way([&](kit::way how) {
        kit::with_server(how({.workers = 2, .memory = limit}), [&](wodehaus::job_server& server) -> awaitable<void> {
            for (int i = 0; i < 2; ++i) {
                // Beyond what there was at birth, which may be touched: on fork and zygote what preload has made, too.
                co_await check_killed_by_the_kernel(server, worker<fills_shared_memory>, 12 * limit);
                co_await check_killed_by_the_kernel(server, worker<fills_by_children>, limit - 4 * mebibyte);
                auto end = co_await server.async_try_call(worker<fills>, 1);
                auto why = kit::failed(end, errc::out_of_memory);
                BOOST_TEST(!why.signal); // a std::bad_alloc comes first
                end = co_await server.async_try_call(worker<kills_itself>, 1);
                why = kit::failed(end, errc::process_crashed);
                BOOST_TEST(why.signal == SIGKILL);
                BOOST_TEST(co_await server.async_call(worker<writes_to_what_it_has_inherited>, 1) == 1);
                BOOST_TEST(co_await server.async_call(worker<leaves_a_session>, 1) == 1);
            }
        });
        BOOST_TEST(around.groups() == std::vector<std::string>{}, boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_CASE(each_process_has_its_own)
{
    delegated_cgroup around;
    if (!around)
        return;
    kit::each_way([&](kit::way how) {
        kit::with_server(how({.workers = 2, .memory = limit}), [&](wodehaus::job_server& server) -> awaitable<void> {
            auto group = co_await server.async_call(worker<group_of_this_process>, 1);
            BOOST_TEST(group.starts_with("wodehaus-"), group);
        });
    });
    auto by_a_launcher = kit::exec_fresh({.memory = limit, .launcher = {"/bin/sh", "-c", "\"$0\" \"$@\"; exit"}});
    kit::with_server(by_a_launcher, [&](wodehaus::job_server& server) -> awaitable<void> {
        BOOST_TEST(co_await server.async_call(worker<group_of_this_process>, 1) == "server");
    });
}

// The kernel's account is there until the process's parent has read it, whatever another server does.
BOOST_AUTO_TEST_CASE(another_server_beside_it)
{
    delegated_cgroup around;
    if (!around)
        return;
    kit::each_launch([&](kit::way how) {
        kit::with_server(how({.workers = 1, .memory = limit}), [&](wodehaus::job_server& server) -> awaitable<void> {
            for (int i = 0; i < 5; ++i) {
                wodehaus::basic_job_server<> other{server.get_executor(), how({.workers = 1, .memory = limit})};
                other.async_run([](std::exception_ptr, wodehaus::run_summary) {}); // destroyed soon
                co_await check_killed_by_the_kernel(server, worker<fills_by_children>, limit - 4 * mebibyte);
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(no_group_is_left_however_it_ends)
{
    delegated_cgroup around;
    if (!around)
        return;
    kit::each_launch([&](kit::way how) {
        for (bool destroyed : {false, true}) {
            asio::io_context context{1};
            auto server = std::make_unique<wodehaus::basic_job_server<>>(context, how({.workers = 1, .memory = limit}));
            kit::gate gate{context.get_executor()};
            server->async_run([](std::exception_ptr, wodehaus::run_summary) {});
            server->async_try_call(worker<passes>, gate.path(), [](std::exception_ptr, wodehaus::outcome<int>) {});
            asio::co_spawn(
                context,
                [&]() -> awaitable<void> {
                    co_await gate.arrived();
                    BOOST_TEST(!around.groups().empty());
                    destroyed ? server.reset() : server->terminate();
                },
                kit::rethrow{});
            kit::run(context);
            BOOST_TEST(around.groups() == std::vector<std::string>{}, boost::test_tools::per_element());
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, preload);
    return kit::run_tests(argc, argv);
}
