// The message in which a process tells a stack.
#include "worker/stack_message.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <cstring>

using namespace wodehaus::detail;

namespace {

struct message {
    stack_cause cause;
    std::string rest;

    explicit message(int places, int files)
    {
        cause.signal = SIGSEGV;
        cause.places = static_cast<std::uint16_t>(places);
        cause.files = static_cast<std::uint16_t>(files);
        std::strcpy(cause.thread_name.data(), "painter");
    }
    message& place(std::uint64_t address, std::uint64_t file)
    {
        code_place one{address, file};
        rest.append(reinterpret_cast<char const*>(&one), sizeof one);
        return *this;
    }
    message& bytes(std::string_view more) { return rest += more, *this; }
    std::string body() const { return std::string{reinterpret_cast<char const*>(&cause), sizeof cause} + rest; }
};

std::string whole()
{
    return message{2, 1}.place(0x10, 0).place(0x20, code_place::no_file).bytes({"/bin/x\0what it said", 19}).body();
}

} // namespace

BOOST_AUTO_TEST_SUITE(stack)

BOOST_AUTO_TEST_CASE(a_whole_one)
{
    auto read = read_stack(whole());
    BOOST_REQUIRE(read);
    BOOST_TEST(read->cause.signal == SIGSEGV);
    BOOST_TEST(read->cause.thread_name.data() == "painter");
    BOOST_REQUIRE(read->places.size() == 2u);
    BOOST_TEST(read->places[0].address == 0x10u);
    BOOST_TEST(read->places[1].file == code_place::no_file);
    BOOST_TEST(read->files == std::vector<std::string>{"/bin/x"}, boost::test_tools::per_element());
    BOOST_TEST(read->words == "what it said");
}

BOOST_AUTO_TEST_CASE(what_it_says_is_one_line)
{
    message told{0, 0};
    std::strcpy(told.cause.thread_name.data(), "a\n\x1b[31mb");
    auto read = read_stack(told.bytes("what it said\n2026-11-30 ERROR\x1b[0m").body());
    BOOST_REQUIRE(read);
    BOOST_TEST(read->cause.thread_name.data() == "a??[31mb");
    BOOST_TEST(read->words == "what it said 2026-11-30 ERROR?[0m");
}

BOOST_AUTO_TEST_CASE(cut_anywhere_it_leads_nowhere)
{
    auto body = whole();
    auto needed = sizeof(stack_cause) + 2 * sizeof(code_place);
    for (std::size_t size = 0; size < body.size(); ++size) {
        auto read = read_stack(std::string_view{body}.substr(0, size));
        BOOST_TEST(read.has_value() == (size >= needed));
        if (read)
            for (auto const& place : read->places)
                BOOST_TEST((place.file == code_place::no_file || place.file < read->files.size()));
    }
}

BOOST_AUTO_TEST_CASE(numbers_that_lie)
{
    BOOST_TEST(!read_stack(message{60'000, 0}.body()));
    auto read = read_stack(message{1, 60'000}.place(1, 59'000).body());
    BOOST_TEST((!read || read->files.size() <= 60'000));
    auto place = read_stack(message{1, 1}.place(1, 7).bytes("/bin/x").body());
    BOOST_REQUIRE(place);
    BOOST_TEST(place->places[0].file == code_place::no_file);
    BOOST_TEST(!read_stack(std::string(100'000, 'x')));
    auto endless = message{0, 0};
    endless.cause.thread_name.fill('x');
    BOOST_TEST(std::strlen(read_stack(endless.body())->cause.thread_name.data()) == 15u);
}

BOOST_AUTO_TEST_CASE(what_a_stack_overflow_looks_like)
{
    stack_cause cause;
    cause.signal = SIGSEGV;
    cause.code = SEGV_ACCERR;
    cause.address = 0x7ffc'0000'0ff8;
    cause.stack_pointer = 0x7ffc'0000'1000;
    BOOST_TEST(cause.is_stack_overflow());
    cause.address = 0x10;
    BOOST_TEST(!cause.is_stack_overflow());
    cause.address = 0x7ffc'0000'0ff8;
    cause.code = SI_TKILL;
    BOOST_TEST(!cause.is_stack_overflow());
    cause.code = SEGV_ACCERR;
    cause.signal = SIGBUS;
    BOOST_TEST(!cause.is_stack_overflow());
}

BOOST_AUTO_TEST_SUITE_END()
