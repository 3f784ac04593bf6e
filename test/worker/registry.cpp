// Workers are found again by where they lie, whatever they are called, and by name where another build is on the other
// side.
#include "test/worker/twins.hpp"

#include <wodehaus/worker.hpp>

#include <boost/serialization/vector.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

using namespace wodehaus::detail;
using wodehaus::worker;

namespace wodehaus::detail {
std::ostream& boost_test_print_type(std::ostream& stream, worker_key key)
{
    return stream << std::hex << key.module << '+' << key.offset << std::dec;
}
} // namespace wodehaus::detail

static int twin(int job)
{
    return job;
}

namespace {

int hidden(int job)
{
    return job;
}
constexpr auto lambda = [](int job) { return job; };
constexpr auto add_one = [](int job) { return job + 1; };
constexpr auto add_two = [](int job) { return job + 2; };

} // namespace

namespace shop {

std::string render(std::string const& page)
{
    return '<' + page + '>';
}
void forget(int) {}
double halve(double number) noexcept
{
    return number / 2;
}
struct doubler {
    int operator()(int job) const { return 2 * job; }
};
template <int Factor>
int times(int job)
{
    return Factor * job;
}
struct resize {
    int by = 0;
    std::vector<int> operator()(std::vector<int> const& sizes) const
    {
        auto all = sizes;
        for (auto& one : all)
            one *= by;
        return all;
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& by;
    }
};

} // namespace shop

namespace {

template <auto F>
registration const& of()
{
    return registered<std::remove_const_t<decltype(worker<F>)>>;
}

/// What the other process does with the bytes of a job.
template <class Result, class Worker>
Result called(Worker const& one, job_of<Worker> const& job)
{
    auto bytes = pack(one, job);
    auto const* found = find_worker(key_of(registered<Worker>));
    BOOST_REQUIRE(found);
    payload result;
    invocation call{.job = bytes.bytes(), .result = result, .budget = 1 << 20};
    found->invoke(call);
    Result value{};
    load(result.bytes(), 1 << 20, value);
    return value;
}

} // namespace

twins::family twins::here()
{
    return {&of<twin>(), &of<hidden>(), &of<lambda>()};
}

BOOST_AUTO_TEST_CASE(a_key_for_each)
{
    auto here = twins::here(), elsewhere = twins::elsewhere();
    std::vector<registration const*> all{here.function,         here.in_namespace,      here.lambda,
                                         elsewhere.function,    elsewhere.in_namespace, elsewhere.lambda,
                                         &of<add_one>(),        &of<add_two>(),         &of<shop::render>(),
                                         &of<shop::times<2>>(), &of<shop::times<3>>(),  &registered<shop::resize>};
    std::set<std::pair<std::uint64_t, std::uint64_t>> keys;
    for (auto const* one : all) {
        auto key = key_of(*one);
        BOOST_TEST(keys.insert({key.module, key.offset}).second, one->name << " shares its key");
        BOOST_TEST(key.module == build_id()); // all are in the program itself
        BOOST_TEST(find_worker(key) == one);
    }
}

BOOST_AUTO_TEST_CASE(a_key_that_is_none)
{
    auto key = key_of(of<shop::render>());
    BOOST_TEST(!find_worker(worker_key{}));
    BOOST_TEST(!find_worker(worker_key{key.module, key.offset + 1}));
    BOOST_TEST(!find_worker(worker_key{key.module + 1, key.offset}));
}

BOOST_AUTO_TEST_CASE(found_by_its_portable_name)
{
    for (auto const* one : {&of<shop::render>(), &of<shop::forget>(), &of<shop::times<2>>(), &of<shop::times<3>>(),
                            static_cast<registration const*>(&registered<shop::resize>)})
        BOOST_TEST(find_worker(portable_name(*one)) == one, portable_name(*one));
    BOOST_TEST(portable_name(of<shop::times<2>>()) != portable_name(of<shop::times<3>>()));
    BOOST_TEST(!find_worker(""));
    BOOST_TEST(!find_worker("render"));
    BOOST_TEST(!find_worker(portable_name(of<shop::render>()) + "x"));
}

BOOST_AUTO_TEST_CASE(a_portable_name_that_several_bear_is_nobodys)
{
    auto here = twins::here(), elsewhere = twins::elsewhere();
    for (auto [one, other] :
         {std::pair{here.function, elsewhere.function}, {here.in_namespace, elsewhere.in_namespace}}) {
        BOOST_REQUIRE(portable_name(*one) == portable_name(*other));
        BOOST_TEST(!find_worker(portable_name(*one)));
    }
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_unloaded_is_not_found)
{
    worker_key key;
    std::string name;
    {
        registration passing{&invoke<worker_constant<shop::render>>, "passing", "4main", "i", "i"};
        key = key_of(passing);
        name = portable_name(passing);
        BOOST_TEST(find_worker(name) == &passing);
    }
    BOOST_TEST(!find_worker(name));
    BOOST_TEST(!find_worker(key));
    BOOST_TEST(find_worker(key_of(of<shop::render>())) == &of<shop::render>());
}

BOOST_AUTO_TEST_CASE(called_on_bytes)
{
    BOOST_TEST(called<std::string>(worker<shop::render>, "page") == "<page>");
    BOOST_TEST(called<int>(worker<add_one>, 1) == 2);
    BOOST_TEST(called<int>(worker<add_two>, 1) == 3);
    BOOST_TEST(called<int>(worker<shop::doubler{}>, 4) == 8);
    BOOST_TEST(called<double>(worker<shop::halve>, 3) == 1.5);
    BOOST_TEST((called<std::vector<int>>(shop::resize{3}, {1, 2}) == std::vector{3, 6})); // its state came along
}

BOOST_AUTO_TEST_CASE(each_of_two_twins_is_itself)
{
    auto called_on_one = [](registration const& one) {
        payload job, result;
        save(job, 1);
        invocation call{.job = job.bytes(), .result = result, .budget = 1000};
        one.invoke(call);
        int value = 0;
        load(result.bytes(), 1000, value);
        return value;
    };
    auto here = twins::here(), elsewhere = twins::elsewhere();
    for (auto const* one : {here.function, here.in_namespace, here.lambda})
        BOOST_TEST(called_on_one(*find_worker(key_of(*one))) == 1);
    for (auto const* one : {elsewhere.function, elsewhere.in_namespace, elsewhere.lambda})
        BOOST_TEST(called_on_one(*find_worker(key_of(*one))) == 1001);
}

BOOST_AUTO_TEST_CASE(whose_fault_it_is)
{
    payload result;
    auto stage_of_failure = [&](registration const& one, payload const& job) {
        invocation call{.job = job.bytes(), .result = result, .budget = 1000};
        BOOST_CHECK_THROW(one.invoke(call), std::exception);
        return call.at;
    };
    payload garbage;
    garbage.append("abc", 3);
    BOOST_TEST((stage_of_failure(of<add_one>(), garbage) == invocation::stage::loading));
    BOOST_TEST((stage_of_failure(registered<shop::resize>, garbage) == invocation::stage::loading));
    static constexpr auto throws = [](int) -> int { throw std::runtime_error{"no"}; };
    payload job;
    save(job, 1);
    BOOST_TEST((stage_of_failure(of<throws>(), job) == invocation::stage::working));
}

BOOST_AUTO_TEST_CASE(names_for_people)
{
    BOOST_TEST(worker<shop::render>.name() == "shop::render");
    BOOST_TEST(worker<&shop::render>.name() == "shop::render");
    BOOST_TEST(worker<shop::halve>.name() == "shop::halve");
    BOOST_TEST(worker<twin>.name() == "twin");
    // What stands around these differs from compiler to compiler.
    auto mentions = [](std::string_view name, std::string_view part) {
        BOOST_TEST(name.find(part) != name.npos, name);
        for (auto not_for_people : {"[with", "auto F", "F =", "string_view", "; "})
            BOOST_TEST(name.find(not_for_people) == name.npos, name);
        BOOST_TEST(std::count(name.begin(), name.end(), '(') == std::count(name.begin(), name.end(), ')'), name);
    };
    mentions(worker<hidden>.name(), "hidden");
    mentions(worker<shop::times<2>>.name(), "shop::times");
    mentions(name_of<shop::resize>(), "shop::resize");
    mentions(worker<add_one>.name(), "");
    mentions(worker<shop::doubler{}>.name(), "");
#ifndef __clang__ // whose names for constants of class type say nothing
    mentions(worker<shop::doubler{}>.name(), "doubler");
    mentions(worker<add_one>.name(), "lambda");
#endif
    BOOST_TEST(!worker<add_one>.name().empty());
    BOOST_TEST(registered<shop::resize>.name == "shop::resize");
    for (auto name :
         {worker<hidden>.name(), worker<shop::times<2>>.name(), worker<shop::doubler{}>.name(), worker<add_one>.name()})
        BOOST_TEST_MESSAGE(name);
}

BOOST_AUTO_TEST_CASE(demangled_names)
{
    BOOST_TEST(demangled("St13runtime_error") == "std::runtime_error");
    BOOST_TEST(demangled(typeid(int).name()) == "int");
    BOOST_TEST(demangled("not a mangled name") == "not a mangled name");
}
