// What places in programs are called.
#include "launch/symbolizer.hpp"
#include "test/kit/gate.hpp"
#include "test/kit/program.hpp"
#include "worker/role.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>

#include <dlfcn.h>
#include <link.h>

using namespace wodehaus::detail;
namespace asio = boost::asio;

namespace {

struct scene {
    asio::io_context context{1};
    std::shared_ptr<gate> entrance = std::make_shared<gate>();
    std::shared_ptr<symbolizer> names;

    explicit scene(std::chrono::milliseconds patience = std::chrono::seconds{10})
        : names(std::make_shared<symbolizer>(strand_executor{context.get_executor()}, entrance, patience))
    {
    }
    ~scene()
    {
        auto pass = entrance->enter();
        names->close();
    }
};

file_place place_of(void const* code)
{
    Dl_info info{};
    link_map* map = nullptr;
    BOOST_REQUIRE(::dladdr1(code, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP));
    return {this_program(), reinterpret_cast<std::uintptr_t>(code) - map->l_addr};
}

/// What cannot be done to this process.
void run_in_a_process_of_its_own(std::string const& test, std::filesystem::path const& program)
{
    auto end = kit::run_program({"--run_test=symbols/" + test}, program);
    BOOST_TEST(end.exit_code == 0, end.output << end.errors);
}

} // namespace

[[gnu::noinline]] int a_function_with_a_name(int number)
{
    return number + 1;
}

BOOST_AUTO_TEST_SUITE(symbols)

BOOST_AUTO_TEST_CASE(what_addr2line_writes)
{
    auto all = read_code_names("0x0000000000001139\ninner(int)\n/src/a.cpp:3 (discriminator 2)\nouter()\n/src/build/../b.cpp:9\n"
                               "0x1\n??\n??:0\n0x0000000000001150\nmain\n/src/build/../b.cpp:?\n");
    BOOST_REQUIRE(all.size() == 3u);
    BOOST_REQUIRE(all[0].size() == 2u);
    BOOST_TEST(all[0][0].function == "inner(int)");
    BOOST_TEST(all[0][0].line == "/src/a.cpp:3");
    BOOST_TEST(all[0][1].function == "outer()");
    BOOST_TEST(all[0][1].line == "/src/b.cpp:9");
    BOOST_TEST(all[1].empty());
    BOOST_REQUIRE(all[2].size() == 1u);
    BOOST_TEST(all[2][0].function == "main");
    BOOST_TEST(all[2][0].line == "");
}

BOOST_AUTO_TEST_CASE(what_is_cut_short_or_something_else)
{
    BOOST_TEST(read_code_names("").empty());
    BOOST_TEST(read_code_names("usage: addr2line\n").empty());
    BOOST_TEST(read_code_names("0x1\nfunction").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_function_of_this_program)
{
    scene my;
    auto place = place_of(reinterpret_cast<void const*>(&a_function_with_a_name));
    int told = 0;
    for (int i = 0; i < 3; ++i) // of which one is looked for
        my.names->find({place, {place.file, 1}}, [&] { ++told; });
    my.context.run();
    BOOST_TEST(told == 3);
    BOOST_REQUIRE(my.names->known(place));
    BOOST_REQUIRE(!my.names->known(place)->names.empty());
    BOOST_TEST(my.names->known(place)->names.front().function == "a_function_with_a_name(int)");
    my.names->find({place}, [&] { ++told; });
    BOOST_TEST(told == 4); // at once: it is known
    BOOST_TEST(my.names->complaint() == "");
}

BOOST_AUTO_TEST_CASE(files_that_are_none)
{
    scene my;
    bool told = false;
    std::vector<file_place> places{{"/no/such/file", 1}, {"/dev/zero", 1}, {"linux-vdso.so.1", 1}, {"/etc/passwd", 1}};
    my.names->find(places, [&] { told = true; });
    my.context.run();
    BOOST_TEST(told);
    BOOST_TEST(my.names->known({"/etc/passwd", 1})->names.empty());
    BOOST_TEST((my.names->known({"/etc/passwd", 1})->why == lack::unknown));
    BOOST_TEST((my.names->known({"/dev/zero", 1})->why == lack::unknown));
    BOOST_TEST((my.names->known({"linux-vdso.so.1", 1})->why == lack::unknown));
    BOOST_TEST((my.names->known({"/no/such/file", 1})->why == lack::gone));
}

BOOST_AUTO_TEST_CASE(this_program_without_its_file)
{
    kit::folder folder;
    auto copy = folder / "copy";
    std::filesystem::copy(this_program(), copy);
    run_in_a_process_of_its_own("in_a_copy", copy);
    BOOST_TEST(!std::filesystem::exists(copy));
}

BOOST_AUTO_TEST_CASE(in_a_copy, *boost::unit_test::disabled())
{
    scene my;
    auto place = place_of(reinterpret_cast<void const*>(&a_function_with_a_name));
    std::filesystem::remove(this_program());
    my.names->find({place}, [] {});
    my.context.run();
    BOOST_REQUIRE(!my.names->known(place)->names.empty());
    BOOST_TEST(my.names->known(place)->names.front().function == "a_function_with_a_name(int)");
}

BOOST_AUTO_TEST_CASE(addr2line_takes_too_long)
{
    run_in_a_process_of_its_own("with_another_addr2line", this_program());
}

BOOST_AUTO_TEST_CASE(with_another_addr2line, *boost::unit_test::disabled())
{
    kit::folder folder;
    std::ofstream{folder / "addr2line"} << "#!/bin/sh\nexec /bin/sleep 100\n";
    std::filesystem::permissions(folder / "addr2line", std::filesystem::perms::owner_all);
    ::setenv("PATH", folder.path().c_str(), 1);
    scene my{std::chrono::milliseconds{10}};
    auto place = place_of(reinterpret_cast<void const*>(&a_function_with_a_name));
    my.names->find({place}, [] {});
    my.context.run();
    BOOST_TEST(my.names->known(place)->names.empty());
    BOOST_TEST((my.names->known(place)->why == lack::late));
}

BOOST_AUTO_TEST_CASE(in_a_hurry_nobody_waits)
{
    scene my;
    auto place = place_of(reinterpret_cast<void const*>(&a_function_with_a_name));
    int told = 0;
    for (int i = 0; i < 2; ++i)
        my.names->find({place}, [&] { ++told; });
    my.names->hurry();
    my.context.run();
    BOOST_TEST(told == 2);
    my.names->find({place}, [&] { ++told; }); // and later it is looked for
    my.context.restart();
    my.context.run();
    BOOST_TEST(told == 3);
    BOOST_REQUIRE(my.names->known(place));
    BOOST_TEST(!my.names->known(place)->names.empty());
}

BOOST_AUTO_TEST_SUITE_END()
