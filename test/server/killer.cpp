// The kernel's killer. It is told by a count of the whole machine, so that nothing else may run beside this.
#include "test/kit/preload.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

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

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
