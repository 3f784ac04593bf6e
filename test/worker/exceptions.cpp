// What an exception tells of itself: one line, with its type, its causes, and what Boost.Exception knows.
#include "worker/exception_account.hpp"

#include <boost/exception/all.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/throw_exception.hpp>

#include <cerrno>
#include <ostream>
#include <stdexcept>
#include <system_error>

using namespace wodehaus::detail;

namespace test {

struct stranger {}; // not a std::exception

struct talkative : std::exception {
    explicit talkative(std::string its_text) : text(std::move(its_text)) {}
    char const* what() const noexcept override { return text.c_str(); }
    std::string text;
};

struct tagged : boost::exception, std::exception {};
struct only_tagged : boost::exception {};

using page = boost::error_info<struct page_of_book, int>;
using remark = boost::error_info<struct remark_of_reader, std::string>;

struct unhelpful : std::exception {};

/// Whoever prints it gets an exception instead.
template <class Error>
struct unprintable {
    friend std::ostream& operator<<(std::ostream&, unprintable const&) { throw Error{}; }
};
template <class Error>
using secret = boost::error_info<struct secret_of_author, unprintable<Error>>;

} // namespace test

namespace {

using namespace test;

template <class Throws>
exception_account account(Throws throws)
{
    try {
        throws();
    } catch (...) {
        return account_of_current_exception();
    }
    BOOST_FAIL("nothing was thrown");
    return {};
}
template <class Throws>
std::string told(Throws throws)
{
    return account(throws).what;
}
template <class Error>
std::string told_of(Error error)
{
    return told([&] { throw error; });
}
template <class Error>
bool is_out_of_memory(Error error)
{
    return account([&] { throw error; }).out_of_memory;
}

/// Throws with so many others in it.
void nested(int depth)
{
    try {
        if (depth > 0)
            nested(depth - 1);
        else
            throw std::bad_alloc{};
    } catch (...) {
        std::throw_with_nested(std::runtime_error{"at " + std::to_string(depth)});
    }
}

bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != text.npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(type_and_text)
{
    BOOST_TEST(told_of(std::invalid_argument{"no good"}) == "std::invalid_argument: no good");
    BOOST_TEST(told_of(talkative{"said"}) == "test::talkative: said");
    BOOST_TEST(told_of(std::string{"a text"}) == "std::string: a text");
    BOOST_TEST(told([] { throw "a literal"; }) == "char const*: a literal");
    BOOST_TEST(told([] { throw static_cast<char const*>(nullptr); }) == "char const*");
    BOOST_TEST(told_of(3) == "int: 3");
    BOOST_TEST(told_of(stranger{}) == "test::stranger");
    BOOST_TEST(told_of(std::bad_alloc{}) == "std::bad_alloc"); // whose text is its name
}

BOOST_AUTO_TEST_CASE(one_line)
{
    BOOST_TEST(told_of(talkative{" one\r\n\ttwo \n\nthree\n"}) == "test::talkative: one two three");
    BOOST_TEST(told_of(talkative{"a \x1b[31mred\x07 bell\x7f"}) == "test::talkative: a ?[31mred? bell?");
    BOOST_TEST(told_of(talkative{"gr\xc3\xbc\xc3\x9f"}) == "test::talkative: gr\xc3\xbc\xc3\x9f");
    BOOST_TEST(told_of(talkative{"\n"}) == "test::talkative");
}

BOOST_AUTO_TEST_CASE(causes)
{
    auto text = told([] {
        try {
            throw std::out_of_range{"row 7"};
        } catch (...) {
            std::throw_with_nested(std::runtime_error{"no table"});
        }
    });
    BOOST_TEST(text == "std::runtime_error: no table, caused by std::out_of_range: row 7");
    BOOST_TEST(told([] { nested(1); }) ==
               "std::runtime_error: at 1, caused by std::runtime_error: at 0, caused by std::bad_alloc");
    BOOST_TEST(told([] {
                   try {
                       throw 3;
                   } catch (...) {
                       std::throw_with_nested(stranger{});
                   }
               }) == "test::stranger, caused by int: 3");
    BOOST_TEST(told([] { std::throw_with_nested(std::runtime_error{"alone"}); }) == "std::runtime_error: alone");
}

BOOST_AUTO_TEST_CASE(causes_without_end)
{
    auto text = told([] { nested(100); });
    BOOST_TEST(text.starts_with("std::runtime_error: at 100, caused by std::runtime_error: at 99"), text);
    BOOST_TEST(text.ends_with("at 92, caused by others, of which the first is std::bad_alloc"), text);
    for (int most : {7, 8}) // no others
        BOOST_TEST(told([&] { nested(most); }).ends_with("at 0, caused by std::bad_alloc"));
    BOOST_TEST(told([&] { nested(9); }).ends_with("at 1, caused by others, of which the first is std::bad_alloc"));
    BOOST_TEST(told([] { nested(2000); }).ends_with("at 1992, caused by others"));
}

BOOST_AUTO_TEST_CASE(what_boost_exception_knows)
{
    auto text = told([] { throw tagged{} << page{12} << remark{"two\nlines"} << boost::errinfo_errno{ENOENT}; });
    BOOST_TEST(text.starts_with("test::tagged: std::exception ["), text);
    BOOST_TEST(contains(text, "test::page_of_book = 12"), text);
    BOOST_TEST(contains(text, "test::remark_of_reader = two lines"), text);
    BOOST_TEST(contains(text, "boost::errinfo_errno_ = 2, \"No such file or directory\""), text);
    BOOST_TEST(!contains(text, "Dynamic exception type"), text);
    BOOST_TEST(told([] { throw only_tagged{} << page{1}; }) == "test::only_tagged [test::page_of_book = 1]");
    BOOST_TEST(told([] { throw tagged{}; }) == "test::tagged: std::exception");
}

// The job has thrown the one exception, and not the other.
BOOST_AUTO_TEST_CASE(what_cannot_be_printed)
{
    auto check = [](auto thrown_instead) {
        using secret = test::secret<decltype(thrown_instead)>;
        auto one = account([] { throw tagged{} << page{12} << secret{{}}; });
        BOOST_TEST(one.what == "test::tagged: std::exception [what is attached to it cannot be printed]");
        BOOST_TEST(!one.out_of_memory);
        BOOST_TEST(told([] {
                       try {
                           throw only_tagged{} << secret{{}};
                       } catch (...) {
                           std::throw_with_nested(std::runtime_error{"outer"});
                       }
                   }) == "std::runtime_error: outer, caused by test::only_tagged [what is attached to it cannot be printed]");
    };
    check(unhelpful{});
    check(std::bad_alloc{});
    check(3);
}

BOOST_AUTO_TEST_CASE(where_it_was_thrown)
{
    int line = __LINE__ + 1;
    auto text = told([] { BOOST_THROW_EXCEPTION(std::runtime_error{"no"}); });
    BOOST_TEST(text.starts_with("std::runtime_error: no (thrown at "), text);
    BOOST_TEST(contains(text, "exceptions.cpp:" + std::to_string(line) + " in "), text);
    line = __LINE__ + 1;
    text = told([] { boost::throw_with_location(std::logic_error{"never"}); });
    BOOST_TEST(text.starts_with("std::logic_error: never (thrown at "), text);
    BOOST_TEST(contains(text, "exceptions.cpp:" + std::to_string(line)), text);
    text = told([] { BOOST_THROW_EXCEPTION(tagged{} << page{3}); });
    BOOST_TEST(text.starts_with("test::tagged: std::exception [test::page_of_book = 3] (thrown at "), text);
    text = told([] {
        try {
            BOOST_THROW_EXCEPTION(std::runtime_error{"inner"});
        } catch (...) {
            std::throw_with_nested(std::runtime_error{"outer"});
        }
    });
    BOOST_TEST(text.starts_with("std::runtime_error: outer, caused by std::runtime_error: inner (thrown at "), text);
}

BOOST_AUTO_TEST_CASE(no_memory)
{
    BOOST_TEST(is_out_of_memory(std::bad_alloc{}));
    BOOST_TEST(is_out_of_memory(std::system_error{ENOMEM, std::generic_category()}));
    BOOST_TEST(is_out_of_memory(std::system_error{ENOMEM, std::system_category(), "mmap"}));
    BOOST_TEST(is_out_of_memory(
        boost::system::system_error{boost::system::error_code{ENOMEM, boost::system::system_category()}, "mmap"}));
    BOOST_TEST(account([] { nested(3); }).out_of_memory); // by its cause
    BOOST_TEST(account([] { BOOST_THROW_EXCEPTION(std::bad_alloc{}); }).out_of_memory);

    BOOST_TEST(!is_out_of_memory(std::bad_array_new_length{}));
    BOOST_TEST(!is_out_of_memory(std::system_error{ENOENT, std::generic_category()}));
    BOOST_TEST(!is_out_of_memory(
        boost::system::system_error{boost::system::error_code{ENOENT, boost::system::system_category()}}));
    BOOST_TEST(!is_out_of_memory(std::length_error{"vector"}));
    BOOST_TEST(!is_out_of_memory(12));
}
