// Stacks in words.
#include "dispatch/trace.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <csignal>
#include <map>

using namespace wodehaus::detail;

namespace {

/// A stack that is made up: its places are numbered from the innermost, from 0.
struct stack_of_names {
    thread_stack stack;
    std::map<file_place, code_names> names;

    stack_of_names()
    {
        stack.cause.signal = SIGSEGV;
        stack.cause.thread = 7;
    }
    /// A place with these functions, the innermost first; none: it has no name.
    stack_of_names& at(code_names functions, std::string const& file = "/shop/program")
    {
        auto number = std::find(stack.files.begin(), stack.files.end(), file) - stack.files.begin();
        if (number == std::ssize(stack.files))
            stack.files.push_back(file);
        auto address = stack.places.size();
        stack.places.push_back({address, static_cast<std::uint64_t>(number)});
        names[{file, address}] = std::move(functions);
        return *this;
    }
    names_of all() const
    {
        return [this](file_place const& place) -> code_names const* {
            auto found = names.find(place);
            return found == names.end() ? nullptr : &found->second;
        };
    }
    std::string place() const { return describe_place(stack, all()); }
    std::string trace(std::string const& remark = "") const { return describe_stacks({stack}, all(), remark); }
};

} // namespace

BOOST_AUTO_TEST_SUITE(traces)

BOOST_AUTO_TEST_CASE(a_template_that_returns_what_is_of_the_language)
{
    stack_of_names my;
    my.at({{"memcpy", ""}}, "/lib/libc.so.6")
        .at({{"std::string render_it<int>(int)", "/shop/page.cpp:7"}})
        .at({{"shop::draw(int)", "/shop/page.cpp:12"}});
    BOOST_TEST(my.place() == "std::string render_it<int>(int) at page.cpp:7");
}

BOOST_AUTO_TEST_CASE(a_template_of_the_language)
{
    stack_of_names my;
    my.at({{"decltype (::new ((void*)(0)) int((declval<int>)())) std::construct_at<int, int>(int*, int&&)", ""}})
        .at({{"void std::sort<int*>(int*, int*)", ""}, {"void __gnu_cxx::sort<int*>(int*)", ""}})
        .at({{"shop::draw(int)", "/shop/page.cpp:12"}});
    BOOST_TEST(my.place() == "shop::draw(int) at page.cpp:12");
}

BOOST_AUTO_TEST_CASE(what_became_part_of_a_function)
{
    stack_of_names my;
    my.at({{"std::vector<int>::front()", "/usr/include/vector:3"}, {"shop::draw(int)", "/shop/page.cpp:12"}})
        .at({{"shop::work(int)", "/shop/page.cpp:20"}});
    BOOST_TEST(my.place() == "shop::draw(int) at page.cpp:12");
}

BOOST_AUTO_TEST_SUITE_END()
