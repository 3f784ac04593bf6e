// Where a process may have a cgroup of its own, and what is left of it, on a tree that looks like the kernel's.
#include "worker/memory_groups.hpp"

#include "test/kit/gate.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

#include <sys/wait.h>
#include <sys/xattr.h>

using wodehaus::detail::memory_groups;

namespace {

/// A process in `/service/server`, of version 2.
struct machine {
    machine()
    {
        write("self/cgroup", "4:memory:/elsewhere\n0::/service/server\n");
        write("cgroups/service/cgroup.subtree_control", "cpu memory pids\n");
        write("cgroups/service/cgroup.kill", "");
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
    /// Of a child of this process.
    static std::string group(int child)
    {
        return "cgroups/service/wodehaus-" + std::to_string(::getpid()) + '-' + std::to_string(child);
    }
    std::string read(std::string const& file)
    {
        std::ifstream in{folder / file};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    /// The groups that there are.
    std::vector<std::string> all()
    {
        std::vector<std::string> found;
        for (auto const& each : std::filesystem::directory_iterator{folder / "cgroups/service"})
            if (each.is_directory())
                found.push_back(each.path().filename());
        return found;
    }
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
    for (auto const* none : {"0::/\n", "4:memory:/service/server\n", "0::/other/server\n", "0::/service/wodehaus-5-6\n", ""}) {
        it.write("self/cgroup", none);
        BOOST_TEST(!it.groups(), none);
    }
    for (auto const* fine : {"0::/service/wodehaus\n", "0::/service/wodehaus-5\n", "0::/service/wodehaus-5-6x\n"}) {
        it.write("self/cgroup", fine);
        BOOST_TEST(!!it.groups(), fine);
    }
    std::filesystem::remove(it.folder / "cgroups/service/cgroup.kill");
    BOOST_TEST(!it.groups());
}

BOOST_AUTO_TEST_CASE(a_group_that_cannot_be_set_up_is_not_left_behind)
{
    machine it;
    it.delegate();
    BOOST_TEST_REQUIRE(!!it.groups());
    BOOST_TEST(!it.groups().enter(1 << 20).has_value()); // no file of the kernel's is in it
    BOOST_TEST(it.all() == std::vector<std::string>{}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_was_killed)
{
    machine it;
    it.delegate();
    it.write(it.group(7) + "/memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 1\n");
    it.write(it.group(8) + "/memory.events", "low 0\noom 3\noom_kill 0\noom_group_kill 1\n");
    it.write(it.group(7) + "/cgroup.kill", "");
    it.write(it.group(7) + "/cgroup.events", "populated 1\nfrozen 0\n");
    it.write(it.group(8) + "/cgroup.kill", "");
    it.write(it.group(8) + "/cgroup.events", "populated 0\nfrozen 0\n");
    auto groups = it.groups();
    BOOST_TEST((groups.end(7) == true));
    BOOST_TEST((groups.end(8) == false));
    BOOST_TEST(!groups.end(9).has_value());
    BOOST_TEST(it.read(it.group(7) + "/cgroup.kill") == "1"); // something of it lived
    BOOST_TEST(it.read(it.group(8) + "/cgroup.kill") == "");
}

BOOST_AUTO_TEST_CASE(what_is_in_a_group)
{
    machine it;
    it.write(it.group(7) + "/memory.stat", "anon 1000\nanon_thp 7\nfile 50000\nshmem 200\nshmem_thp 9\n");
    BOOST_TEST(wodehaus::detail::memory_in(it.folder / it.group(7)) == 1200u);
    BOOST_TEST(wodehaus::detail::memory_in(it.folder / it.group(8)) == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_removed)
{
    machine it;
    it.delegate();
    auto gone = ::fork();
    if (gone == 0)
        ::_exit(0);
    ::waitpid(gone, nullptr, 0);
    auto of_the_dead = "cgroups/service/wodehaus-" + std::to_string(gone) + "-7";
    auto of_the_living = "cgroups/service/wodehaus-" + std::to_string(::getppid()) + "-7";
    for (auto const& each : {of_the_dead, of_the_living, it.group(7), std::string{"cgroups/service/wodehaus-7"}})
        std::filesystem::create_directory(it.folder / each);
    it.groups().remove_all();
    BOOST_TEST(!it.exists(of_the_dead));
    BOOST_TEST(it.exists(of_the_living));
    BOOST_TEST(it.exists(it.group(7))); // its parent, which is this process, may still want to know
    BOOST_TEST(it.exists("cgroups/service/wodehaus-7")); // that is none of ours
}

BOOST_AUTO_TEST_SUITE_END()
