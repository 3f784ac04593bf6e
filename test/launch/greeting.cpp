// What a process says of itself: whether we can speak with it, and why it has failed.
#include "launch/greeting.hpp"

#include "worker/registry.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace wodehaus::detail;
using wodehaus::errc;
using wodehaus::options;

namespace {

frame hello_of(std::uint64_t build, frame_kind kind = frame_kind::hello, std::size_t size = sizeof(hello_message))
{
    hello_message message{.build = build, .pid = 1};
    frame hello;
    hello.header.kind = kind;
    hello.body.append(&message, std::min(size, sizeof message));
    hello.body.resize(size);
    return hello;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_hello_of_this_build)
{
    BOOST_TEST(!judge_hello(hello_of(build_id()), {}));
}

BOOST_AUTO_TEST_CASE(a_hello_of_another_build)
{
    auto refused = judge_hello(hello_of(build_id() + 1), {});
    BOOST_REQUIRE(refused);
    BOOST_TEST((refused->code == errc::other_build));
    BOOST_TEST(refused->what.find("another build") != std::string::npos);
    options how;
    how.program = "/opt/other"; // there another build is expected
    BOOST_TEST(!judge_hello(hello_of(build_id() + 1), how));
}

BOOST_AUTO_TEST_CASE(what_is_no_hello)
{
    options how;
    how.program = "/opt/other";
    for (auto const& all : {options{}, how}) {
        BOOST_TEST(judge_hello(hello_of(build_id(), frame_kind::ready), all).has_value());
        BOOST_TEST(judge_hello(hello_of(build_id(), frame_kind::hello, 0), all).has_value());
        BOOST_TEST(judge_hello(hello_of(build_id(), frame_kind::hello, sizeof(hello_message) - 1), all).has_value());
        BOOST_TEST(judge_hello(hello_of(build_id(), frame_kind::hello, 1000), all).has_value());
    }
}

BOOST_AUTO_TEST_CASE(a_failure_that_is_told)
{
    auto bytes = failure_body(static_cast<int>(errc::job_threw), "std::runtime_error: no");
    auto body = bytes.bytes();
    auto told = read_failure(body);
    BOOST_TEST(told.code == static_cast<int>(errc::job_threw));
    BOOST_TEST(told.what == "std::runtime_error: no");
    for (std::size_t size = 0; size < body.size(); ++size)
        BOOST_TEST(read_failure(body.first(size)).code == static_cast<int>(errc::bad_message));
    std::string lie(100, '\xff');
    BOOST_TEST(read_failure(lie).code == static_cast<int>(errc::bad_message));
}
