// Messages found in a stream of bytes, however these come.
#include "wire/frame.hpp"

#include "test/wire/status.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace wodehaus::detail;
using status = frame_reader::status;

namespace {

constexpr std::size_t buffer = 256, largest = 10 << 20;

std::string framed(std::uint64_t id, std::string_view body, frame_kind kind = frame_kind::result)
{
    payload bytes;
    append_frame(bytes, kind, id, {body.data(), body.size()});
    return {bytes.data(), bytes.size()};
}
std::string header_of(frame_header header)
{
    return {reinterpret_cast<char const*>(&header), sizeof header};
}
std::string_view text_of(frame const& message)
{
    return {message.body.data(), message.body.size()};
}

/// Gives the bytes to the reader as a socket would, at most so many at once, and takes what frames there are.
struct session {
    explicit session(std::size_t room = buffer, std::size_t most = largest) : reader(room, most) {}

    status feed(std::string_view bytes, std::size_t at_once = SIZE_MAX)
    {
        while (!bytes.empty()) {
            auto space = reader.space();
            BOOST_REQUIRE(space.size() > 0);
            largest_space = std::max(largest_space, space.size());
            auto size = std::min({bytes.size(), at_once, space.size()});
            std::memcpy(space.data(), bytes.data(), size);
            reader.filled(size);
            bytes.remove_prefix(size);
            if (auto last = take(); last != status::more)
                return last;
        }
        return status::more;
    }
    status take()
    {
        for (;;) {
            frame message;
            bool whole = reader.has_frame();
            auto what = reader.next(message);
            if (what == status::frame || what == status::more)
                BOOST_TEST(whole == (what == status::frame));
            if (what != status::frame)
                return what;
            frames.push_back(std::move(message));
        }
    }

    frame_reader reader;
    std::vector<frame> frames;
    std::size_t largest_space = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(one)
{
    session s;
    BOOST_TEST(s.feed(framed(7, "hello")) == status::more);
    BOOST_REQUIRE(s.frames.size() == 1);
    auto& header = s.frames[0].header;
    BOOST_TEST(header.version == protocol_version);
    BOOST_TEST((header.kind == frame_kind::result));
    BOOST_TEST(header.id == 7);
    BOOST_TEST(header.channel == 0);
    BOOST_TEST(text_of(s.frames[0]) == "hello");
    BOOST_TEST(!s.reader.has_part());
}

BOOST_AUTO_TEST_CASE(of_every_kind)
{
    session s;
    for (auto kind : {frame_kind::hello, frame_kind::setup, frame_kind::ready, frame_kind::job, frame_kind::begun,
                      frame_kind::result, frame_kind::failed, frame_kind::name, frame_kind::bell,
                      frame_kind::prepared, frame_kind::used, frame_kind::leaving})
        BOOST_TEST(s.feed(framed(1, "", kind)) == status::more);
    BOOST_TEST(s.frames.size() == 12);
}

BOOST_AUTO_TEST_CASE(many_cut_anywhere)
{
    std::string all;
    std::vector<std::string> bodies;
    for (auto size : std::initializer_list<std::size_t>{0, 1, 23, 24, 100, 231, 232, 233, 1000, 0, 5}) {
        bodies.push_back(std::string(size, static_cast<char>('a' + bodies.size())));
        all += framed(bodies.size(), bodies.back());
    }
    for (std::size_t at_once = 1; at_once <= 300; ++at_once)
        for (std::size_t room : {sizeof(frame_header), std::size_t{64}, buffer, std::size_t{64} << 10}) {
            session s{room};
            BOOST_REQUIRE(s.feed(all, at_once) == status::more);
            BOOST_REQUIRE(s.frames.size() == bodies.size());
            for (std::size_t i = 0; i < bodies.size(); ++i) {
                BOOST_REQUIRE(s.frames[i].header.id == i + 1);
                BOOST_REQUIRE(text_of(s.frames[i]) == bodies[i]);
            }
            BOOST_REQUIRE(!s.reader.has_part());
        }
}

BOOST_AUTO_TEST_CASE(a_large_body_is_read_into_its_payload)
{
    std::string body(5 << 20, 'x');
    body.back() = '!';
    session s;
    BOOST_TEST(s.feed(framed(1, body) + framed(2, "next")) == status::more);
    BOOST_REQUIRE(s.frames.size() == 2);
    BOOST_TEST((text_of(s.frames[0]) == body));
    BOOST_TEST(text_of(s.frames[1]) == "next");
    BOOST_TEST(s.largest_space >= 1 << 20); // and not through the buffer
}

BOOST_AUTO_TEST_CASE(what_follows_a_large_body_is_not_read_with_it)
{
    session s;
    s.feed(header_of({.kind = frame_kind::result, .size = 1000}) + std::string(990, 'x'));
    BOOST_TEST(s.reader.has_part());
    BOOST_TEST(s.reader.space().size() == 10);
}

BOOST_AUTO_TEST_CASE(an_incomplete_one)
{
    auto all = framed(1, "some body");
    for (std::size_t size = 1; size < all.size(); ++size) {
        session s;
        BOOST_TEST(s.feed(std::string_view{all}.substr(0, size)) == status::more);
        BOOST_TEST(s.frames.empty());
        BOOST_TEST(s.reader.has_part());
    }
}

BOOST_AUTO_TEST_CASE(the_largest_and_a_larger_one)
{
    session exact{buffer, 1000};
    BOOST_TEST(exact.feed(framed(1, std::string(1000, 'x'))) == status::more);
    BOOST_TEST(exact.frames.size() == 1);
    session over{buffer, 1000};
    BOOST_TEST(over.feed(framed(1, std::string(1001, 'x'))) == status::too_large);
    BOOST_TEST(over.take() == status::too_large); // for good
    session small{buffer, 10};
    BOOST_TEST(small.feed(framed(1, std::string(11, 'x'))) == status::too_large);
}

BOOST_AUTO_TEST_CASE(a_length_alone_allocates_nothing)
{
    for (std::uint64_t size : {std::uint64_t{1} << 30, std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
        session s{buffer, SIZE_MAX};
        BOOST_TEST(s.feed(header_of({.kind = frame_kind::result, .size = size})) == status::more);
        BOOST_TEST(s.reader.space().size() <= 1 << 20);
        BOOST_TEST(s.feed(std::string(1 << 20, 'x')) == status::more);
        BOOST_TEST(s.reader.space().size() <= 2 << 20); // grows with what has come
    }
    session s;
    BOOST_TEST(s.feed(header_of({.kind = frame_kind::result, .size = ~std::uint64_t{0}})) == status::too_large);
}

BOOST_AUTO_TEST_CASE(garbage)
{
    auto is_garbage = [](frame_header header) {
        session s;
        return s.feed(header_of(header)) == status::garbage;
    };
    BOOST_TEST(!is_garbage({.kind = frame_kind::result}));
    BOOST_TEST(is_garbage({.version = 0, .kind = frame_kind::result}));
    BOOST_TEST(is_garbage({.version = protocol_version + 1, .kind = frame_kind::result}));
    BOOST_TEST(is_garbage({.kind = frame_kind{0}}));
    BOOST_TEST(is_garbage({.kind = frame_kind{14}}));
    BOOST_TEST(is_garbage({.kind = frame_kind{255}}));
    BOOST_TEST(!is_garbage({.kind = frame_kind::result, .number = 1}));
    BOOST_TEST(!is_garbage({.kind = frame_kind::used, .number = 1}));
    BOOST_TEST(is_garbage({.kind = frame_kind::name, .number = 1}));
    BOOST_TEST(is_garbage({.kind = frame_kind::prepared, .number = 1}));
    session text;
    BOOST_TEST(text.feed("Segmentation fault (core dumped)\n") == status::garbage);
    BOOST_TEST(text.take() == status::garbage);
}

BOOST_AUTO_TEST_CASE(any_bytes_do_no_harm)
{
    std::uint32_t random = 1;
    for (int round = 0; round < 2000; ++round) {
        auto all = framed(1, "abc") + framed(2, std::string(300, 'x')) + framed(3, "");
        for (int i = 0; i < 3; ++i) {
            random = random * 1664525 + 1013904223;
            all[(random >> 8) % all.size()] = static_cast<char>(random >> 24);
        }
        session s{64, 1 << 20};
        s.feed(all, 1 + random % 50);
        BOOST_REQUIRE(s.frames.size() <= 3);
        BOOST_REQUIRE(s.largest_space <= 1 << 20);
    }
}

// ---- before the hello ----

BOOST_AUTO_TEST_CASE(the_preamble_in_chatter)
{
    for (std::string chatter : {"", "welcome to the machine\n", "\0wode", "\0wodehaus\0wodehaus"}) {
        session s;
        auto all = chatter + std::string{preamble} + framed(1, "hello", frame_kind::hello);
        auto space = s.reader.space();
        std::memcpy(space.data(), all.data(), all.size());
        s.reader.filled(all.size());
        auto before = s.reader.skip_preamble();
        BOOST_REQUIRE(before.has_value());
        BOOST_TEST(*before == chatter);
        BOOST_TEST(s.take() == status::more);
        BOOST_REQUIRE(s.frames.size() == 1);
        BOOST_TEST(text_of(s.frames[0]) == "hello");
    }
}

BOOST_AUTO_TEST_CASE(a_preamble_that_comes_byte_by_byte)
{
    frame_reader reader{buffer, largest};
    auto all = "chatter" + std::string{preamble};
    for (std::size_t i = 0; i < all.size(); ++i) {
        BOOST_TEST(!reader.skip_preamble());
        BOOST_TEST(reader.unread() == std::string_view{all}.substr(0, i));
        reader.space()[0] = all[i];
        reader.filled(1);
    }
    BOOST_TEST(reader.skip_preamble().value() == "chatter");
    BOOST_TEST(reader.unread() == "");
}

BOOST_AUTO_TEST_CASE(what_is_no_preamble_can_be_discarded)
{
    frame_reader reader{16, largest};
    std::memset(reader.space().data(), 'x', 16);
    reader.filled(16);
    BOOST_TEST(!reader.skip_preamble());
    BOOST_TEST(reader.space().empty());
    reader.discard();
    BOOST_TEST(reader.space().size() == 16);
    BOOST_TEST(reader.unread() == "");
}
