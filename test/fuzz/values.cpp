// Values with every container, nested; and objects behind pointers.
#include "test/fuzz/target.hpp"

#include "test/kit/sanitizer.hpp"

#include <wodehaus/detail/archive.hpp>

#include <boost/serialization/array.hpp>
#include <boost/serialization/base_object.hpp>
#include <boost/serialization/bitset.hpp>
#include <boost/serialization/boost_unordered_map.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/export.hpp>
#include <boost/serialization/forward_list.hpp>
#include <boost/serialization/list.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/optional.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/shared_ptr.hpp>
#include <boost/serialization/unique_ptr.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/unordered_set.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/valarray.hpp>
#include <boost/serialization/variant.hpp>
#include <boost/serialization/vector.hpp>

using namespace wodehaus::detail;

#ifdef KIT_ADDRESS_SANITIZER
// Objects behind pointers that were made before an error have no owner yet: Boost.Serialization loses them.
extern "C" char const* __asan_default_options() // NOLINT: that is its name
{
    return "detect_leaks=0";
}
#endif

namespace {

struct shape {
    virtual ~shape() = default;
    virtual double area() const { return 0; }
    template <class Archive>
    void serialize(Archive&, unsigned)
    {
    }
};
struct square : shape {
    double side = 1;
    double area() const override { return side * side; }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& boost::serialization::base_object<shape>(*this);
        archive& side;
    }
};
struct label {
    std::string text;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& text;
    }
};
struct tree {
    std::vector<tree> branches;
    std::map<int, tree> named;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& branches& named;
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
struct nothing {
    template <class Archive>
    void serialize(Archive&, unsigned)
    {
    }
};

struct containers {
    std::vector<bool> bits;
    std::vector<std::string> texts;
    std::deque<std::vector<int>> numbers;
    std::list<std::pair<std::string, std::wstring>> pairs;
    std::forward_list<short> shorts;
    std::set<std::vector<char>> sets;
    std::multiset<int> many;
    std::map<std::string, std::map<int, std::list<nothing>>> maps;
    std::multimap<int, boost::optional<std::string>> optionals;
    std::unordered_map<std::string, std::unordered_multiset<int>> hashed;
    std::unordered_multimap<int, std::unordered_set<std::string>> more_hashed;
    boost::unordered_map<int, std::string> boosts;
    std::array<bool, 3> flags{};
    std::valarray<double> values;
    std::bitset<9> set_bits;
    boost::variant<int, std::string, std::vector<int>> either;
    std::vector<huge> large;
    tree nested;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& bits& texts& numbers& pairs& shorts& sets& many& maps& optionals& hashed& more_hashed& boosts& flags;
        archive& values& set_bits& either& large& nested;
    }
};
struct pointers {
    std::vector<std::shared_ptr<shape>> shapes;
    std::vector<std::unique_ptr<label>> labels;
    std::map<int, std::shared_ptr<label>> shared;
    std::unique_ptr<huge> large;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& shapes& labels& shared& large;
    }
};

template <class T>
void load_one(std::span<char const> bytes)
{
    constexpr std::size_t budget = 1 << 20;
    try {
        T value{};
        load(bytes, budget, value);
        payload again;
        save(again, value);
    } catch (std::exception const&) {
    }
}

tree deep(int levels)
{
    tree made;
    if (levels > 0) {
        made.branches.push_back(deep(levels - 1));
        made.named[levels] = tree{};
    }
    return made;
}

containers some_containers()
{
    containers made;
    made.bits = {true, false};
    made.texts = {"one", ""};
    made.numbers = {{1, 2}, {}};
    made.pairs = {{"a", L"b"}};
    made.shorts = {1, 2};
    made.sets = {{'a'}, {'b', 'c'}};
    made.many = {1, 1};
    made.maps["a"][1].resize(3);
    made.optionals = {{1, {}}, {1, std::string{"x"}}};
    made.hashed["a"] = {1, 1};
    made.more_hashed.insert({1, {"a", "b"}});
    made.boosts[1] = "a";
    made.flags = {true, false, true};
    made.values = {1.5, 2.5};
    made.either = std::string{"or"};
    made.large.resize(1);
    made.nested = deep(3);
    return made;
}

pointers some_pointers()
{
    pointers made;
    auto twice = std::make_shared<square>();
    made.shapes = {twice, nullptr, std::make_shared<shape>(), twice};
    made.labels.push_back(std::make_unique<label>(label{"a"}));
    made.labels.push_back(nullptr);
    made.shared[1] = made.shared[2] = std::make_shared<label>(label{"b"});
    made.large = std::make_unique<huge>();
    return made;
}

template <class T>
std::string seed_of(char kind, T const& value)
{
    payload bytes;
    save(bytes, value);
    return kind + fuzz::text_of(bytes);
}

} // namespace

BOOST_CLASS_EXPORT_GUID(square, "square")

void fuzz::one(std::span<char const> bytes)
{
    parts input{bytes};
    switch (input.take<std::uint8_t>() % 3) {
    case 0:
        return load_one<containers>(input.rest());
    case 1:
        return load_one<pointers>(input.rest());
    case 2:
        return load_one<tree>(input.rest());
    }
}

std::vector<std::string> fuzz::seeds()
{
    return {seed_of(0, containers{}), seed_of(0, some_containers()), seed_of(1, pointers{}),
            seed_of(1, some_pointers()), seed_of(2, deep(2))};
}
