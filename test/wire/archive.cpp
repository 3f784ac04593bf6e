// What is saved is loaded again; what is cut short, too long or a lie is an error, and never a large allocation.
#include <wodehaus/detail/archive.hpp>

#include "test/kit/largest_piece.hpp"

#include <boost/serialization/array.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/list.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>
#include <boost/serialization/version.hpp>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

using namespace wodehaus::detail;

namespace {

constexpr std::size_t budget = 1 << 20;

enum class colour : unsigned char { red = 1, green = 200 };

struct point {
    int x = 0, y = 0;
    friend bool operator==(point const&, point const&) = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& x& y;
    }
};

/// Its second version has a name.
struct page {
    std::string text;
    std::string name;
    unsigned loaded_version = 0;
    friend bool operator==(page const& one, page const& other)
    {
        return one.text == other.text && one.name == other.name;
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned version)
    {
        archive& text;
        if (version >= 2)
            archive& name;
        loaded_version = version;
    }
};

struct nothing {
    friend bool operator==(nothing, nothing) { return true; }
    template <class Archive>
    void serialize(Archive&, unsigned)
    {
    }
};

struct huge {
    char bytes[100'000] = {};
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& bytes[0];
    }
};

struct shape {
    virtual ~shape() = default;
    virtual double area() const = 0;
    template <class Archive>
    void serialize(Archive&, unsigned)
    {
    }
};
struct square : shape {
    double side = 0;
    double area() const override { return side * side; }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& boost::serialization::base_object<shape>(*this);
        archive& side;
    }
};

} // namespace

BOOST_CLASS_VERSION(page, 2)
BOOST_SERIALIZATION_ASSUME_ABSTRACT(shape)
BOOST_CLASS_EXPORT_GUID(square, "square")

namespace {

template <class T>
payload saved(T const& value)
{
    payload bytes;
    save(bytes, value);
    return bytes;
}
template <class T>
T loaded(std::span<char const> bytes, std::size_t most = budget)
{
    T value{};
    load(bytes, most, value);
    return value;
}
template <class T>
T again(T const& value)
{
    return loaded<T>(saved(value).bytes());
}

/// Comes back as it was; and whatever part is missing, or too much, is noticed. A bare string, or a bare vector of
/// numbers, is all that there is, so nothing of it can be missing.
template <class T>
void travels_whole(T const& value)
{
    auto bytes = saved(value);
    BOOST_TEST((loaded<T>(bytes.bytes()) == value));
    for (std::size_t size = 0; size < bytes.size(); ++size)
        BOOST_CHECK_THROW(loaded<T>(bytes.bytes().first(size)), std::exception);
    bytes.append("x", 1);
    BOOST_CHECK_THROW(loaded<T>(bytes.bytes()), std::length_error);
}

/// A count that is a lie, with a few bytes behind it.
template <class T>
void count_is_refused(std::uint64_t count, std::size_t most = budget)
{
    // Where the count lies: after what precedes it in an empty one.
    auto bytes = saved(T{});
    bool found = false;
    for (std::size_t at = 0; at + sizeof count <= bytes.size(); ++at) {
        payload lie;
        lie.append(bytes.data(), bytes.size());
        std::memcpy(lie.data() + at, &count, sizeof count);
        lie.append("some bytes that follow", 22);
        largest_piece = 0;
        try {
            loaded<T>(lie.bytes(), most);
        } catch (std::exception const&) {
            found = true;
        }
        BOOST_TEST(largest_piece <= 16 * most,
                   "a count of " << count << " at " << at << " allocates " << largest_piece);
    }
    BOOST_TEST(found);
}

} // namespace

BOOST_AUTO_TEST_CASE(numbers)
{
    travels_whole(42);
    travels_whole('x');
    travels_whole(std::uint64_t{1} << 63);
    travels_whole(std::int64_t{-1});
    travels_whole(true);
    travels_whole(false);
    travels_whole(1.5f);
    travels_whole(-std::numeric_limits<double>::infinity());
    travels_whole(std::numeric_limits<long double>::max());
    BOOST_TEST(std::isnan(again(std::numeric_limits<double>::quiet_NaN())));
    travels_whole(std::pair{L'x', char16_t{7}});
    BOOST_TEST(saved(42).size() == sizeof(int)); // nothing but the number
}

BOOST_AUTO_TEST_CASE(strings)
{
    for (auto const& text : {std::string{}, std::string{"hello"}, std::string{"a\0b", 3}, std::string(100'000, 'x')})
        BOOST_TEST((again(text) == text));
    travels_whole(std::pair{std::string{"a\0b", 3}, std::string{}});
    travels_whole(std::wstring{L"h\u00e4llo"});
    travels_whole(std::wstring{});
}

BOOST_AUTO_TEST_CASE(enumerations)
{
    travels_whole(colour::green);
    travels_whole(std::vector{colour::red, colour::green});
}

BOOST_AUTO_TEST_CASE(containers)
{
    travels_whole(std::pair{std::vector<int>{}, std::vector{1, 2, 3}});
    travels_whole(std::vector<bool>{true, false, true, true});
    travels_whole(std::vector<std::string>{"one", "", "three"});
    travels_whole(std::vector{std::vector{1, 2}, std::vector<int>{}, std::vector{3}});
    travels_whole(std::vector{point{1, 2}, point{3, 4}});
    travels_whole(std::vector<nothing>(5));
    travels_whole(std::map<std::string, int>{{"one", 1}, {"two", 2}});
    travels_whole(std::map<int, std::map<int, std::string>>{{1, {{2, "three"}}}, {4, {}}});
    travels_whole(std::unordered_map<std::string, int>{{"one", 1}, {"two", 2}});
    travels_whole(std::set{1, 2, 3});
    travels_whole(std::list<std::string>{"a", "b"});
    travels_whole(std::deque<double>{1, 2});
    travels_whole(std::array{1, 2, 3});
    travels_whole(std::array<std::string, 2>{"a", "b"});
    travels_whole(std::pair{1, std::string{"one"}});
    travels_whole(std::pair{boost::optional<int>{}, boost::optional<int>{3}});
}

BOOST_AUTO_TEST_CASE(numbers_in_a_row_travel_as_a_block)
{
    std::vector<int> many(10'000, 7);
    BOOST_TEST((again(many) == many) == true);
    BOOST_TEST(saved(std::pair{many, 1}).size() < many.size() * sizeof(int) + 32);
}

BOOST_AUTO_TEST_CASE(alone_they_are_nothing_but_the_block)
{
    for (std::size_t size : {0u, 1u, 1000u}) {
        std::vector<std::int64_t> numbers(size, -7);
        std::vector<std::byte> bytes(size, std::byte{7});
        BOOST_TEST((again(numbers) == numbers));
        BOOST_TEST((again(bytes) == bytes));
        BOOST_TEST(saved(numbers).size() == size * 8);
        BOOST_TEST(saved(bytes).size() == size);
    }
    auto good = saved(std::vector<std::int64_t>{1, 2});
    for (std::size_t size : {1u, 7u, 9u, 15u})
        BOOST_CHECK_THROW(loaded<std::vector<std::int64_t>>(good.bytes().first(size)), std::length_error);
}

BOOST_AUTO_TEST_CASE(classes)
{
    travels_whole(point{1, -2});
    travels_whole(nothing{});
    travels_whole(page{.text = "text", .name = "name"});
    BOOST_TEST(again(page{}).loaded_version == 2);
    travels_whole(std::vector{page{.text = "a", .name = "b"}, page{.text = "c", .name = "d"}});
}

BOOST_AUTO_TEST_CASE(an_older_version)
{
    auto bytes = saved(page{.text = "text", .name = {}});
    std::uint32_t two = 2, one = 1;
    std::string_view all{bytes.data(), bytes.size()}, number{reinterpret_cast<char const*>(&two), sizeof two};
    auto at = all.find(number); // the version precedes what is versioned
    BOOST_REQUIRE(at != all.npos);
    std::memcpy(bytes.data() + at, &one, sizeof one);
    bytes.resize(bytes.size() - sizeof(std::size_t)); // it has no name yet
    auto old = loaded<page>(bytes.bytes());
    BOOST_TEST(old.loaded_version == 1);
    BOOST_TEST(old.text == "text");
}

BOOST_AUTO_TEST_CASE(pointers)
{
    auto one = std::make_shared<point>(point{1, 2});
    auto both = again(std::pair{one, one});
    BOOST_TEST((*both.first == point{1, 2}));
    BOOST_TEST(both.first == both.second); // one object still
    BOOST_TEST(!again(std::shared_ptr<point>{}));
    auto owned = loaded<std::unique_ptr<point>>(saved(std::make_unique<point>(point{3, 4})).bytes());
    BOOST_REQUIRE(owned);
    BOOST_TEST((*owned == point{3, 4}));
}

BOOST_AUTO_TEST_CASE(polymorphic_pointers)
{
    auto made = std::make_shared<square>();
    made->side = 3;
    std::vector<std::shared_ptr<shape>> shapes{made, nullptr, made};
    auto bytes = saved(shapes);
    auto got = loaded<std::vector<std::shared_ptr<shape>>>(bytes.bytes());
    BOOST_REQUIRE(got.size() == 3);
    BOOST_REQUIRE(got[0]);
    BOOST_TEST(got[0]->area() == 9);
    BOOST_TEST(!got[1]);
    BOOST_TEST(got[2] == got[0]);
    // A class that is not known here.
    std::string_view all{bytes.data(), bytes.size()};
    auto name = all.find("square");
    BOOST_REQUIRE(name != all.npos);
    bytes.data()[name] = 'S';
    BOOST_CHECK_THROW(loaded<std::vector<std::shared_ptr<shape>>>(bytes.bytes()), boost::archive::archive_exception);
}

// Objects behind pointers that were made before the bytes ended have no owner yet: Boost.Serialization loses them.
#ifndef KIT_ADDRESS_SANITIZER
BOOST_AUTO_TEST_CASE(pointers_cut_short)
{
    auto made = std::make_shared<square>();
    auto bytes = saved(std::vector<std::shared_ptr<shape>>{made, nullptr, made});
    for (std::size_t size = 0; size < bytes.size(); ++size)
        BOOST_CHECK_THROW(loaded<std::vector<std::shared_ptr<shape>>>(bytes.bytes().first(size)), std::exception);
}
#endif

BOOST_AUTO_TEST_CASE(a_class_name_that_is_too_long)
{
    auto bytes = saved(std::vector<std::shared_ptr<shape>>{std::make_shared<square>()});
    std::string_view all{bytes.data(), bytes.size()};
    auto at = all.find("square") - sizeof(std::size_t);
    payload longer;
    std::size_t size = 200;
    longer.append(all.data(), at);
    longer.append(&size, sizeof size);
    longer.append(std::string(200, 'q').data(), 200);
    longer.append(all.data() + at, all.size() - at);
    BOOST_CHECK_THROW(loaded<std::vector<std::shared_ptr<shape>>>(longer.bytes()), boost::archive::archive_exception);
}

BOOST_AUTO_TEST_CASE(a_bool_of_another_pattern)
{
    char byte = 77;
    BOOST_TEST(loaded<bool>({&byte, 1}));
    std::pair<bool, bool> both;
    input_archive{saved(std::pair{true, false}).bytes(), budget} >> both; // through the archive, too
    BOOST_TEST((both == std::pair{true, false}));
}

BOOST_AUTO_TEST_CASE(counts_that_are_lies)
{
    for (std::uint64_t count :
         {std::uint64_t{budget} + 1, std::uint64_t{1} << 32, std::uint64_t{1} << 61, ~std::uint64_t{0}}) {
        count_is_refused<std::pair<std::vector<int>, int>>(count);
        count_is_refused<std::vector<bool>>(count);
        count_is_refused<std::vector<std::string>>(count);
        count_is_refused<std::vector<huge>>(count);
        count_is_refused<std::vector<nothing>>(count);
        count_is_refused<std::vector<point>>(count);
        count_is_refused<std::vector<std::vector<int>>>(count);
        count_is_refused<std::map<int, int>>(count);
        count_is_refused<std::set<int>>(count);
        count_is_refused<std::list<int>>(count);
        count_is_refused<std::deque<int>>(count);
        count_is_refused<std::unordered_map<int, int>>(count);
        count_is_refused<std::wstring>(count);
        count_is_refused<std::pair<std::string, int>>(count);
    }
    count_is_refused<std::vector<huge>>(11); // of 100 000 bytes each
}

BOOST_AUTO_TEST_CASE(the_budget_is_for_all_counts_together)
{
    std::vector<std::vector<nothing>> value(10, std::vector<nothing>(1000));
    auto bytes = saved(value);
    BOOST_TEST((loaded<decltype(value)>(bytes.bytes(), 20'000) == value));
    BOOST_CHECK_THROW(loaded<decltype(value)>(bytes.bytes(), 9'000), std::length_error);
}

BOOST_AUTO_TEST_CASE(any_bytes_do_no_harm)
{
    using everything =
        std::pair<std::map<std::string, std::vector<page>>, std::pair<std::vector<int>, std::vector<std::wstring>>>;
    everything value{{{"a", {page{.text = "b", .name = "c"}}}, {"d", {}}}, {{1, 2, 3}, {L"e", L""}}};
    auto good = saved(value);
    std::uint32_t random = 1;
    for (int round = 0; round < 3000; ++round) {
        payload bytes;
        bytes.append(good.data(), good.size());
        for (int i = 0; i < 2; ++i) {
            random = random * 1664525 + 1013904223;
            bytes.data()[(random >> 4) % bytes.size()] = static_cast<char>(random >> 24);
        }
        largest_piece = 0;
        try {
            loaded<everything>(bytes.bytes());
        } catch (std::exception const&) {
        }
        BOOST_REQUIRE(largest_piece <= 2 * budget);
    }
}
