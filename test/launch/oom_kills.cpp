// Whether it was the kernel that has killed a process, by its counts.
#include "launch/oom_kills.hpp"

#include "test/kit/gate.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

using wodehaus::detail::oom_kills;

namespace {

/// What the kernel shows of itself.
struct machine {
    machine() { std::filesystem::create_directory(folder / "self"); }
    void write(std::string const& file, std::string const& text)
    {
        std::filesystem::create_directories(std::filesystem::path{folder / file}.parent_path());
        std::ofstream{folder / file} << text;
    }
    void vmstat(int count) { write("vmstat", "oom_kill_not 77\nnr_free 5\noom_kill " + std::to_string(count) + "\nx 1\n"); }
    oom_kills kills() { return oom_kills{folder.path(), folder / "cgroup"}; }
    kit::folder folder;
};

} // namespace

BOOST_AUTO_TEST_CASE(by_the_count_of_the_machine)
{
    machine it;
    it.vmstat(3);
    it.write("self/cgroup", "4:memory:/somewhere\n0::/\n");
    auto kills = it.kills();
    auto birth = kills.at_birth();
    BOOST_REQUIRE(birth.has_value());
    BOOST_TEST(*birth == 3u);
    BOOST_TEST(!kills.has_killed(*birth));
    it.vmstat(4);
    BOOST_TEST(kills.has_killed(*birth));
    BOOST_TEST(!kills.has_killed(*birth)); // one kill, one process
    it.vmstat(6);
    BOOST_TEST(kills.has_killed(*birth));
    BOOST_TEST(kills.has_killed(*birth));
    BOOST_TEST(!kills.has_killed(*birth));
    it.vmstat(7);
    BOOST_TEST(!kills.has_killed(7)); // before it was born
}

BOOST_AUTO_TEST_CASE(its_own_cgroup_comes_first)
{
    machine it;
    it.vmstat(3);
    it.write("self/cgroup", "0::/user/mine\n");
    it.write("cgroup/user/mine/memory.events", "low 9\noom 12\noom_kill 1\noom_group_kill 5\n");
    auto kills = it.kills();
    auto birth = kills.at_birth();
    BOOST_REQUIRE(birth.has_value());
    BOOST_TEST(*birth == 1u);
    it.vmstat(99); // somebody else's
    BOOST_TEST(!kills.has_killed(*birth));
    it.write("cgroup/user/mine/memory.events", "low 9\noom 12\noom_kill 2\n");
    BOOST_TEST(kills.has_killed(*birth));
}

BOOST_AUTO_TEST_CASE(no_count)
{
    machine it;
    it.write("vmstat", "nr_free 5\n");
    auto kills = it.kills();
    BOOST_TEST(!kills.at_birth().has_value());
    BOOST_TEST(!kills.has_killed(0));
}
