// Bytes that are moved: inside while they are few, on the heap when they are many.
#include <wodehaus/detail/payload.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>

using wodehaus::detail::payload;

namespace {

std::string_view text_of(payload const& bytes)
{
    return {bytes.data(), bytes.size()};
}
payload of(std::string_view text)
{
    payload bytes;
    bytes.append(text.data(), text.size());
    return bytes;
}
std::string const large(100'000, 'x');

} // namespace

BOOST_AUTO_TEST_CASE(begins_empty)
{
    payload bytes;
    BOOST_TEST(bytes.size() == 0);
    BOOST_TEST(bytes.bytes().empty());
    bytes.append(nullptr, 0);
    BOOST_TEST(bytes.size() == 0);
}

BOOST_AUTO_TEST_CASE(what_is_small_lies_inside)
{
    auto bytes = of("hello");
    auto const* at = reinterpret_cast<char const*>(&bytes);
    BOOST_TEST((bytes.data() >= at && bytes.data() < at + sizeof bytes));
    BOOST_TEST(text_of(bytes) == "hello");
}

BOOST_AUTO_TEST_CASE(grows_byte_by_byte_and_keeps_what_it_has)
{
    payload bytes;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        char one = static_cast<char>('a' + i % 26);
        bytes.append(&one, 1);
        expected += one;
        BOOST_REQUIRE(text_of(bytes) == expected);
    }
    BOOST_TEST(bytes.capacity() >= bytes.size());
    BOOST_TEST(bytes.capacity() < 4 * bytes.size());
}

BOOST_AUTO_TEST_CASE(is_moved)
{
    for (auto const& text : {std::string{"small"}, std::string(64, 'b'), std::string(65, 'c'), large}) {
        auto from = of(text);
        payload to{std::move(from)};
        BOOST_TEST(text_of(to) == text);
        BOOST_TEST(from.size() == 0);
        from.append("again", 5); // usable afterwards
        BOOST_TEST(text_of(from) == "again");
        from = std::move(to);
        BOOST_TEST(text_of(from) == text);
        to = of(large);
        to = std::move(from);
        BOOST_TEST(text_of(to) == text);
        auto& itself = to;
        to = std::move(itself);
        BOOST_TEST(text_of(to) == text);
    }
}

BOOST_AUTO_TEST_CASE(a_large_one_is_moved_and_not_copied)
{
    auto from = of(large);
    auto const* before = from.data();
    payload to{std::move(from)};
    BOOST_TEST(static_cast<void const*>(to.data()) == static_cast<void const*>(before)); // the place, not the text
}

BOOST_AUTO_TEST_CASE(keeps_its_room)
{
    payload bytes;
    bytes.reserve(1000);
    auto const* before = bytes.data();
    bytes.append(large.data(), 1000);
    BOOST_TEST(static_cast<void const*>(bytes.data()) == static_cast<void const*>(before));
    bytes.clear();
    BOOST_TEST(bytes.size() == 0);
    BOOST_TEST(bytes.capacity() >= 1000);
    bytes.resize(500);
    BOOST_TEST(static_cast<void const*>(bytes.data()) == static_cast<void const*>(before));
}

BOOST_AUTO_TEST_CASE(resize_keeps_what_is_there)
{
    auto bytes = of("abc");
    bytes.resize(100'000);
    BOOST_TEST(bytes.size() == 100'000);
    BOOST_TEST(text_of(bytes).substr(0, 3) == "abc");
    bytes.resize(2);
    BOOST_TEST(text_of(bytes) == "ab");
}

BOOST_AUTO_TEST_CASE(a_large_buffer_is_kept_for_the_next)
{
    auto place = [](payload const& bytes) { return reinterpret_cast<std::uintptr_t>(bytes.data()); };
    std::uintptr_t first = 0;
    {
        auto bytes = of(large);
        first = place(bytes);
    }
    auto again = of(large);
    BOOST_TEST(place(again) == first);
    BOOST_TEST(again.capacity() >= large.size());
    auto other = of(large); // the first is taken
    BOOST_TEST(place(other) != first);
    BOOST_TEST((text_of(again) == large));
    std::string huge(16 << 20, 'h'); // too much to be kept
    auto much = of(huge);
    much = payload{};
    auto smaller = of(large);
    BOOST_TEST(smaller.capacity() < huge.size());
}
