// What the types of a worker tell; most of it at compile time.
#include <wodehaus/worker.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>

using namespace wodehaus::detail;
using wodehaus::worker;

namespace looked_at { // never called, and hence never defined

struct page {};
struct picture {};

picture by_value(page);
picture by_const_reference(page const&);
picture by_reference(page&);
picture by_rvalue(page&&);
picture without_throwing(page) noexcept;
picture const& gives_a_reference(page);
void gives_nothing(page);
picture takes_nothing();
picture takes_two(page, page);

template <class Worker, class Job, class Result>
constexpr bool takes_and_gives = std::is_same_v<job_of<Worker>, Job>&& std::is_same_v<result_of<Worker>, Result>;

// ---- functions ----

static_assert(takes_and_gives<decltype(&by_value), page, picture>);
static_assert(takes_and_gives<decltype(&by_const_reference), page, picture>);
static_assert(takes_and_gives<decltype(&by_reference), page, picture>);
static_assert(takes_and_gives<decltype(&by_rvalue), page, picture>);
static_assert(takes_and_gives<decltype(&without_throwing), page, picture>);
static_assert(takes_and_gives<decltype(&gives_a_reference), page, picture>);
static_assert(takes_and_gives<decltype(&gives_nothing), page, void>);
static_assert(!is_worker<decltype(&takes_nothing)>);
static_assert(!is_worker<decltype(&takes_two)>);
static_assert(!is_worker<int>);
static_assert(!is_worker<page>);
static_assert(!is_worker<int page::*>);

// ---- function objects ----

struct plain {
    picture operator()(page) const;
};
struct changing {
    picture operator()(page&);
};
struct quiet {
    picture operator()(page&&) const noexcept;
};
struct for_lvalues {
    picture operator()(page) &;
};
struct for_constant_lvalues {
    picture operator()(page) const& noexcept;
};
struct overloaded {
    picture operator()(page) const;
    page operator()(picture) const;
};
struct templated {
    template <class T>
    T operator()(T) const;
};
struct has_operator_and_more {
    picture operator()(page const&) const;
    int x = 0;
};

static_assert(takes_and_gives<plain, page, picture>);
static_assert(takes_and_gives<changing, page, picture>);
static_assert(takes_and_gives<quiet, page, picture>);
static_assert(takes_and_gives<for_lvalues, page, picture>);
static_assert(takes_and_gives<for_constant_lvalues, page, picture>);
static_assert(!is_worker<overloaded>);
static_assert(!is_worker<templated>);
static_assert(takes_and_gives<std::function<picture(page const&)>, page, picture>);

inline auto const lambda = [](page const&) { return picture{}; };
inline auto const changing_lambda = [count = 0](page) mutable { return ++count; };
inline auto const generic_lambda = [](auto job) { return job; };
static_assert(takes_and_gives<std::remove_const_t<decltype(lambda)>, page, picture>);
static_assert(takes_and_gives<std::remove_const_t<decltype(changing_lambda)>, page, int>);
static_assert(!is_worker<std::remove_const_t<decltype(generic_lambda)>>);

// ---- constants ----

constexpr auto constant_lambda = [](page const&) { return picture{}; };
static_assert(std::is_same_v<decltype(worker<by_const_reference>)::job, page>);
static_assert(std::is_same_v<decltype(worker<by_const_reference>)::result, picture>);
static_assert(std::is_same_v<decltype(worker<gives_nothing>)::result, void>);
static_assert(std::is_same_v<decltype(worker<constant_lambda>)::job, page>);
static_assert(std::is_same_v<decltype(worker<plain{}>)::result, picture>);
static_assert(is_worker<worker_constant<by_value>>);
static_assert(takes_and_gives<worker_constant<by_rvalue>, page, picture>);
static_assert(takes_and_gives<worker_constant<by_reference>, page, picture>);
static_assert(is_constant<worker_constant<by_value>>);
static_assert(!is_constant<plain>);
static_assert(std::is_empty_v<worker_constant<by_value>>);
static_assert(std::is_same_v<decltype(worker<by_value>), decltype(worker<&by_value>)>);

// ---- what travels, and what is a closure ----

struct with_member {
    int width = 0;
    picture operator()(page) const;
    template <class Archive>
    void serialize(Archive&, unsigned);
};
class with_private_member {
    int width = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& width;
    }

public:
    picture operator()(page) const;
};
struct with_free_function {
    int width = 0;
    picture operator()(page) const;
};
template <class Archive>
void serialize(Archive&, with_free_function&, unsigned)
{
}
struct with_function_in_boost {
    int width = 0;
    picture operator()(page) const;
};
struct final_with_member final {
    int width = 0;
    picture operator()(page) const;
    template <class Archive>
    void serialize(Archive&, unsigned);
};
struct final_without final {
    int width = 0;
    picture operator()(page) const;
};

} // namespace looked_at

namespace boost::serialization { // where Boost's documentation has it, and BOOST_SERIALIZATION_SPLIT_FREE puts it

template <class Archive>
void serialize(Archive&, looked_at::with_function_in_boost&, unsigned)
{
}

} // namespace boost::serialization

namespace looked_at {

static_assert(travels<with_member> && !is_closure<with_member>);
static_assert(travels<with_private_member> && !is_closure<with_private_member>);
static_assert(travels<with_free_function> && !is_closure<with_free_function>);
static_assert(travels<with_function_in_boost> && !is_closure<with_function_in_boost>);
static_assert(travels<final_with_member> && !is_closure<final_with_member>);
static_assert(!travels<final_without> && is_closure<final_without>);
static_assert(!travels<decltype(&by_value)> && is_closure<decltype(&by_value)>);
static_assert(!travels<plain> && !is_closure<plain>);
static_assert(!travels<worker_constant<by_value>> && !is_closure<worker_constant<by_value>>);
static_assert(is_closure<has_operator_and_more>);
static_assert(is_closure<std::remove_const_t<decltype(changing_lambda)>>);
static_assert(!is_closure<std::remove_const_t<decltype(lambda)>>);

} // namespace looked_at

// ---- being called ----

namespace {

struct kept_job {
    std::unique_ptr<int> number = std::make_unique<int>(1);
};

} // namespace

BOOST_AUTO_TEST_CASE(a_job_is_moved_to_who_takes_it)
{
    kept_job job;
    auto takes = [](kept_job one) { return *one.number; };
    BOOST_TEST(apply(takes, job) == 1);
    BOOST_TEST(!job.number);
    kept_job other;
    auto takes_rvalue = [](kept_job&& one) { return *std::move(one).number; };
    BOOST_TEST(apply(takes_rvalue, other) == 1);
    static constexpr auto steals = [](kept_job&& one) { return *std::exchange(one.number, nullptr); };
    auto constant = worker<steals>;
    BOOST_TEST(apply(constant, other) == 1);
    BOOST_TEST(!other.number);
}

BOOST_AUTO_TEST_CASE(a_job_is_lent_to_who_looks_at_it)
{
    kept_job job;
    auto looks = [](kept_job const& one) { return *one.number; };
    BOOST_TEST(apply(looks, job) == 1);
    auto changes = [](kept_job& one) { return ++*one.number; };
    BOOST_TEST(apply(changes, job) == 2);
    BOOST_TEST(*job.number == 2);
    static constexpr auto constant_changes = [](kept_job& one) { return ++*one.number; };
    auto constant = worker<constant_changes>;
    BOOST_TEST(apply(constant, job) == 3);
}

BOOST_AUTO_TEST_CASE(a_worker_with_a_state_may_change_it)
{
    int job = 5;
    auto counts = [sum = 0](int more) mutable { return sum += more; };
    BOOST_TEST(apply(counts, job) == 5);
    BOOST_TEST(apply(counts, job) == 10);
}
