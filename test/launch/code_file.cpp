// Files with code in them; test/parts has those that were stripped.
#include "launch/code_file.hpp"
#include "test/kit/gate.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>

using namespace wodehaus::detail;

BOOST_AUTO_TEST_SUITE(code_files)

BOOST_AUTO_TEST_CASE(those_of_the_system)
{
    BOOST_TEST(is_of_system("/lib/x86_64-linux-gnu/libc.so.6"));
    BOOST_TEST(is_of_system("/lib64/ld-linux-x86-64.so.2"));
    BOOST_TEST(is_of_system("/usr/lib/libstdc++.so.6"));
    BOOST_TEST(!is_of_system("/usr/local/lib/libshop.so"));
    BOOST_TEST(!is_of_system("/home/user/program"));
    BOOST_TEST(!is_of_system("linux-vdso.so.1"));
}

BOOST_AUTO_TEST_CASE(what_was_not_stripped)
{
    BOOST_TEST(!is_stripped("/proc/self/exe"));
    BOOST_TEST(!is_stripped("/etc/passwd"));
    BOOST_TEST(!is_stripped("/no/such/file"));
    BOOST_TEST(!is_stripped("/"));
}

BOOST_AUTO_TEST_CASE(what_is_cut_short)
{
    kit::folder folder;
    std::ifstream whole{"/proc/self/exe", std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{whole}, {}};
    for (std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{64}, bytes.size() / 2, bytes.size() - 1}) {
        std::ofstream{folder / "part", std::ios::binary} << bytes.substr(0, size);
        BOOST_TEST(!is_stripped(folder / "part"), size);
    }
}

BOOST_AUTO_TEST_SUITE_END()
