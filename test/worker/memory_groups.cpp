// Where a process may have a cgroup of its own, and what is left of it, on a tree that looks like the kernel's.
#include "worker/memory_groups.hpp"

#include "test/kit/gate.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

#include <sys/xattr.h>

using wodehaus::detail::memory_groups;

namespace {

/// A process in `/service/server`, of version 2.
struct machine {
    machine()
    {
        write("self/cgroup", "4:memory:/elsewhere\n0::/service/server\n");
        write("cgroups/service/cgroup.subtree_control", "cpu memory pids\n");
    }
    void write(std::string const& file, std::string const& text)
    {
        std::filesystem::create_directories(std::filesystem::path{folder / file}.parent_path());
        std::ofstream{folder / file} << text;
    }
    bool delegate(std::string const& value = "1")
    {
        std::string group = folder / "cgroups/service";
        return ::setxattr(group.c_str(), "user.delegate", value.data(), value.size(), 0) == 0;
    }
    memory_groups groups() { return memory_groups{folder.path(), folder / "cgroups"}; }
    bool exists(std::string const& file) { return std::filesystem::exists(folder / file); }
    kit::folder folder;
};

/// Whether marks can be made in the test's folder.
struct marks {
    boost::test_tools::assertion_result operator()(boost::unit_test::test_unit_id) const
    {
        boost::test_tools::assertion_result can{machine{}.delegate()};
        can.message() << "this file system knows no extended attributes";
        return can;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(delegated, *boost::unit_test::precondition(marks{}))

BOOST_AUTO_TEST_CASE(beside_its_own_where_what_is_around_is_delegated)
{
    machine it;
    BOOST_TEST(!it.groups());
    it.delegate("0");
    BOOST_TEST(!it.groups());
    it.delegate();
    BOOST_TEST(!!it.groups());
}

BOOST_AUTO_TEST_CASE(memory_has_to_be_divided_there)
{
    machine it;
    it.delegate();
    std::string control = "cgroups/service/cgroup.subtree_control";
    it.write(control, "cpu memory.not\n");
    BOOST_TEST(!!it.groups()); // by asking for it
    std::string asked;
    std::ifstream{it.folder / control} >> asked;
    BOOST_TEST(asked.starts_with("+memory"));
    std::filesystem::remove(it.folder / control);
    BOOST_TEST(!it.groups());
}

BOOST_AUTO_TEST_CASE(not_from_every_group)
{
    machine it;
    it.delegate();
    for (auto const* none : {"0::/\n", "4:memory:/service/server\n", "0::/other/server\n", "0::/service/wodehaus-5\n", ""}) {
        it.write("self/cgroup", none);
        BOOST_TEST(!it.groups(), none);
    }
}

BOOST_AUTO_TEST_CASE(a_group_that_cannot_be_set_up_is_not_left_behind)
{
    machine it;
    it.delegate();
    BOOST_TEST(!it.groups().enter(1 << 20)); // no file of the kernel's is in it
    BOOST_TEST(!it.exists("cgroups/service/wodehaus-" + std::to_string(::getpid())));
}

BOOST_AUTO_TEST_CASE(who_was_killed)
{
    machine it;
    it.delegate();
    it.write("cgroups/service/wodehaus-7/memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 1\n");
    it.write("cgroups/service/wodehaus-8/memory.events", "low 0\noom 3\noom_kill 0\noom_group_kill 1\n");
    BOOST_TEST(it.groups().has_killed(7));
    BOOST_TEST(!it.groups().has_killed(8));
    BOOST_TEST(!it.groups().has_killed(9));
}

BOOST_AUTO_TEST_CASE(what_is_removed)
{
    machine it;
    it.delegate();
    auto groups = it.groups();
    for (auto const* each : {"wodehaus-7", "wodehaus-8", "other-7"})
        std::filesystem::create_directory(it.folder / ("cgroups/service/" + std::string{each}));
    groups.remove(7);
    BOOST_TEST(!it.exists("cgroups/service/wodehaus-7"));
    BOOST_TEST(it.exists("cgroups/service/wodehaus-8"));
    groups.remove_all();
    BOOST_TEST(!it.exists("cgroups/service/wodehaus-8")); // left behind by another
    BOOST_TEST(it.exists("cgroups/service/other-7"));
}

BOOST_AUTO_TEST_SUITE_END()
