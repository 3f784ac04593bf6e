// What a zygote says before it forks, in packets of any size.
#include "launch/zygote_greeting.hpp"

#include "worker/registry.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace wodehaus::detail;
using wodehaus::errc;
using wodehaus::options;

namespace {

std::string frame_of(frame_kind kind, std::uint64_t id, std::span<char const> body)
{
    payload bytes;
    append_frame(bytes, kind, id, body);
    return {bytes.data(), bytes.size()};
}
std::string hello_of(std::uint64_t build)
{
    hello_message message{.build = build, .pid = 1};
    return std::string{preamble} +
           frame_of(frame_kind::hello, 0, {reinterpret_cast<char const*>(&message), sizeof message});
}
std::string ready_of(std::uint64_t threads, std::string_view name)
{
    return frame_of(frame_kind::ready, threads, name);
}

bool take_in_parts(zygote_greeting& greeting, std::string_view all, std::size_t part)
{
    for (; !all.empty(); all.remove_prefix(std::min(part, all.size())))
        if (!greeting.take(all.substr(0, part)))
            return false;
    return true;
}

} // namespace

BOOST_AUTO_TEST_CASE(in_parts_of_any_size)
{
    auto all = "a banner\n" + hello_of(build_id()) + ready_of(3, "with\na model");
    for (std::size_t part = 1; part <= all.size(); ++part) {
        options how;
        zygote_greeting greeting{how};
        BOOST_REQUIRE(take_in_parts(greeting, all.substr(0, all.size() - 1), part));
        BOOST_TEST(greeting.greeted());
        BOOST_TEST(!greeting.ready());
        BOOST_REQUIRE(greeting.take(std::string_view{all}.substr(all.size() - 1)));
        BOOST_TEST(greeting.ready());
        BOOST_TEST(!greeting.refused());
        BOOST_TEST(greeting.threads_left_behind() == 2);
        BOOST_TEST(greeting.name().find("a model") != std::string::npos);
        BOOST_TEST(greeting.name().find('\n') == std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_preload_that_throws)
{
    options how;
    zygote_greeting greeting{how};
    auto account = failure_body(static_cast<int>(errc::job_threw), "std::runtime_error: no model");
    BOOST_TEST(greeting.take(hello_of(build_id()) + frame_of(frame_kind::failed, 0, account.bytes())));
    BOOST_TEST(greeting.greeted());
    BOOST_TEST(!greeting.ready());
    BOOST_TEST(greeting.threw() == "std::runtime_error: no model");
}

BOOST_AUTO_TEST_CASE(another_build_is_refused_and_not_listened_to)
{
    options how;
    zygote_greeting greeting{how};
    BOOST_TEST(greeting.take(hello_of(build_id() + 1) + ready_of(1, "")));
    BOOST_REQUIRE(greeting.refused());
    BOOST_TEST((greeting.refused()->code == errc::other_build));
    BOOST_TEST(!greeting.greeted());
    BOOST_TEST(!greeting.ready());
}

BOOST_AUTO_TEST_CASE(no_greeting)
{
    options how;
    zygote_greeting noise{how}; // nothing but, and more than anybody has to say
    BOOST_TEST(noise.take(std::string(1000, 'x')));
    BOOST_TEST(!take_in_parts(noise, std::string(200'000, 'x'), 1000));
    BOOST_TEST(!noise.greeted());
    zygote_greeting garbage{how};
    BOOST_TEST(garbage.take(hello_of(build_id())));
    BOOST_TEST(!garbage.take(std::string(sizeof(frame_header), '\xff')));
    options small{.max_message = 1000};
    zygote_greeting too_large{small};
    BOOST_TEST(too_large.take(hello_of(build_id())));
    frame_header header;
    header.kind = frame_kind::failed;
    header.size = 1 << 20;
    BOOST_TEST(!too_large.take({reinterpret_cast<char const*>(&header), sizeof header}));
}
