// The kernel's killer. It is told by a count of the whole machine, so that nothing else may run beside this.
#include "test/kit/preload.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/xattr.h>

using boost::asio::awaitable;
using kit::errc;
using wodehaus::worker;

namespace {

constexpr std::size_t mebibyte = 1 << 20, limit = 32 * mebibyte;

/// A cgroup that may have 32 MiB, where this user may make one.
class small_cgroup {
public:
    small_cgroup()
    {
        auto name = "/wodehaus-test-" + std::to_string(::getpid());
        make("/sys/fs/cgroup/memory" + name, "memory.limit_in_bytes"); // version 1
        if (path_.empty())
            make("/sys/fs/cgroup" + name, "memory.max");
    }
    small_cgroup(small_cgroup const&) = delete;
    small_cgroup& operator=(small_cgroup const&) = delete;
    ~small_cgroup()
    {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    std::string const& path() const { return path_; }

private:
    void make(std::string const& path, std::string const& limit_file)
    {
        std::error_code error;
        if (!std::filesystem::create_directory(path, error))
            return;
        std::fstream file{path + '/' + limit_file, std::ios::in | std::ios::out}; // which is not made
        if (file << limit << std::flush)
            path_ = path;
        else
            std::filesystem::remove(path, error);
    }

    std::string path_;
};

/// A delegated one of version 2, with this program in a group below it; where this user may make that.
class delegated_cgroup {
public:
    delegated_cgroup()
    {
        std::ifstream in{"/proc/self/cgroup"};
        for (std::string line; std::getline(in, line);)
            if (line.starts_with("0::/"))
                before_ = mount + line.substr(3);
        std::error_code error;
        if (before_.empty() || !write(mount + "/cgroup.subtree_control", "+memory") ||
            !std::filesystem::create_directory(path_, error))
            return;
        is_there_ = ::setxattr(path_.c_str(), "user.delegate", "1", 1, 0) == 0 &&
                    std::filesystem::create_directory(path_ + "/server", error) &&
                    write(path_ + "/server/cgroup.procs", "0") && write(path_ + "/cgroup.subtree_control", "+memory");
    }
    delegated_cgroup(delegated_cgroup const&) = delete;
    delegated_cgroup& operator=(delegated_cgroup const&) = delete;
    ~delegated_cgroup()
    {
        std::error_code ignored;
        write(before_ + "/cgroup.procs", "0");
        std::filesystem::remove(path_ + "/server", ignored);
        std::filesystem::remove(path_, ignored);
    }
    explicit operator bool() const { return is_there_; }
    std::vector<std::string> groups() const
    {
        std::vector<std::string> all;
        for (auto const& each : std::filesystem::directory_iterator{path_})
            if (each.is_directory() && each.path().filename() != "server")
                all.push_back(each.path().filename());
        return all;
    }

private:
    static bool write(std::string const& file, std::string const& text)
    {
        std::fstream to{file, std::ios::in | std::ios::out};
        return static_cast<bool>(to << text << std::flush);
    }

    std::string const mount = "/sys/fs/cgroup";
    std::string path_ = mount + "/test-of-wodehaus-" + std::to_string(::getpid()), before_;
    bool is_there_ = false;
};

// What RLIMIT_DATA does not see.
int fills_shared_memory()
{
    auto* all = static_cast<char*>(::mmap(nullptr, 8 * limit, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    std::fill_n(all, 8 * limit, 'x');
    return 1;
}
// Each of them has less than the limit.
int fills_by_children()
{
    for (int i = 0; i < 4; ++i)
        if (::fork() == 0) {
            std::fill_n(new char[limit - 8 * mebibyte], limit - 8 * mebibyte, 'x');
            for (;;)
                ::pause();
        }
    return ::wait(nullptr);
}
int fills_unseen(bool by_children)
{
    return by_children ? fills_by_children() : fills_shared_memory();
}
int fills(int)
{
    for (;;)
        std::fill_n(new char[mebibyte], mebibyte, 'x');
}
int fits(int)
{
    std::fill_n(new char[limit / 2], limit / 2, 'x');
    return 1;
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

int fills_a_cgroup(std::string const& path)
{
    std::ofstream{path + "/cgroup.procs"} << ::getpid() << std::flush;
    for (std::size_t taken = 0; taken < 8 * limit; taken += mebibyte)
        std::fill_n(new char[mebibyte], mebibyte, 'x');
    return 1;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(killer, kit::nothing_left)

BOOST_AUTO_TEST_CASE(the_kernels_killer)
{
    small_cgroup group;
    if (group.path().empty()) {
        BOOST_TEST_MESSAGE("skipped: no cgroup can be made here");
        return;
    }
    kit::each_launch([&](kit::way how) {
        kit::with_server(how({.workers = 1}), [&](wodehaus::job_server& server) -> awaitable<void> {
            auto end = co_await server.async_try_call(worker<fills_a_cgroup>, group.path());
            auto why = kit::failed(end, errc::out_of_memory);
            BOOST_TEST(why.signal == SIGKILL);
            BOOST_TEST(kit::contains(why.what, "the kernel has killed its process for want of memory"), why.what);
            BOOST_TEST(kit::contains(why.what, " at its peak"), why.what);
        });
    });
}

BOOST_AUTO_TEST_CASE(a_delegated_cgroup)
{
    delegated_cgroup around;
    if (!around) {
        BOOST_TEST_MESSAGE("skipped: no cgroup of version 2 can be made here");
        return;
    }
    kit::each_way([&](kit::way how) {
        kit::with_server(how({.workers = 2, .memory = limit}), [&](wodehaus::job_server& server) -> awaitable<void> {
            for (int i = 0; i < 3; ++i) {
                for (bool by_children : {false, true}) {
                    auto end = co_await server.async_try_call(worker<fills_unseen>, by_children);
                    auto why = kit::failed(end, errc::out_of_memory);
                    BOOST_TEST(why.signal == SIGKILL);
                    BOOST_TEST(kit::contains(why.what, "the kernel has killed its process for want of memory"), why.what);
                }
                auto end = co_await server.async_try_call(worker<fills>, 1);
                auto why = kit::failed(end, errc::out_of_memory);
                BOOST_TEST(!why.signal); // a std::bad_alloc comes first
                BOOST_TEST(co_await server.async_call(worker<fits>, 1) == 1);
                BOOST_TEST(co_await server.async_call(worker<leaves_a_session>, 1) == 1);
            }
            BOOST_TEST(!around.groups().empty());
        });
        BOOST_TEST(around.groups() == std::vector<std::string>{}, boost::test_tools::per_element());
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
