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
    std::map<file_place, finding> names;

    stack_of_names()
    {
        stack.cause.signal = SIGSEGV;
        stack.cause.code = SEGV_MAPERR;
        stack.cause.program_counter = 0x1000;
        stack.cause.thread = 7;
    }
    /// A place with these functions, the innermost first; none: it has no name.
    stack_of_names& at(code_names functions, std::string const& file = "/shop/program", lack why = {})
    {
        auto number = std::find(stack.files.begin(), stack.files.end(), file) - stack.files.begin();
        if (number == std::ssize(stack.files))
            stack.files.push_back(file);
        auto address = stack.places.size();
        stack.places.push_back({address, static_cast<std::uint64_t>(number)});
        names[{file, address}] = {std::move(functions), why};
        return *this;
    }
    names_of all() const
    {
        return [this](file_place const& place) -> finding const* {
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

// What calls a job, and is the same for each.
stack_of_names called(stack_of_names my)
{
    return my
        .at({{"void wodehaus::detail::work<shop>(shop&)", ""},
             {"void wodehaus::detail::invoke<shop>(invocation&)", ""}})
        .at({{"wodehaus::detail::(anonymous namespace)::job_loop::run()", ""}})
        .at({{"main", "/shop/main.cpp:3"}});
}

BOOST_AUTO_TEST_CASE(a_static_program_has_the_functions_of_the_c_library)
{
    stack_of_names my;
    my.at({{"raise", ""}}).at({{"shop::draw(int)", ""}});
    BOOST_TEST(my.place() == "raise"); // there is no telling
    my.at({{"shop::work(int)", "/shop/page.cpp:20"}});
    BOOST_TEST(my.place() == "shop::work(int) at page.cpp:20");
    my.at({{"start_thread", ""}}, "/lib/libc.so.6"); // it is none
    BOOST_TEST(my.place() == "raise");
}

BOOST_AUTO_TEST_CASE(more_places_than_are_told)
{
    stack_of_names my;
    my.at({{"shop::draw(int)", "/shop/page.cpp:12"}});
    BOOST_TEST(my.trace().find("further out") == std::string::npos);
    my.stack.cause.is_cut = 1;
    BOOST_TEST(my.trace().find("  (there are more further out; these are the innermost)\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_calls_a_job_is_left_out)
{
    stack_of_names my;
    my.at({{"shop::draw(int)", "/shop/page.cpp:12"}})
        .at({{"shop::work(int)", "/shop/page.cpp:20"}, {"wodehaus::detail::invoke<x>", "/w/registry.hpp:9"}})
        .at({{"main", "/shop/main.cpp:3"}});
    BOOST_TEST(my.trace() == "thread 7, SIGSEGV: by a null pointer (address 0x0)\n"
                             "  #0 shop::draw(int) at /shop/page.cpp:12\n"
                             "  #1 shop::work(int) at /shop/page.cpp:20\n");
}

BOOST_AUTO_TEST_CASE(what_loads_a_job_calls_functions_of_the_user)
{
    stack_of_names inside;
    inside.at({{"memcpy", ""}}, "/lib/libc.so.6")
        .at({{"void wodehaus::detail::input_archive::load<int>(int&)", "/w/archive.hpp:3"},
             {"void boost::archive::load<int>(int&)", "/usr/include/boost/archive/load.hpp:4"}})
        .at({{"void shop::part::serialize<input>(input&, unsigned)", "/shop/part.hpp:5"}})
        .at({{"void boost::serialization::serialize<input>(input&)", "/usr/include/boost/serialization/a.hpp:6"}})
        .at({{"void wodehaus::detail::input_archive::load_object(int)", "/w/archive.hpp:8"}});
    auto my = called(inside.at({{"void shop::job::serialize<input>(input&, unsigned)", "/shop/job.hpp:9"}}));
    BOOST_TEST(my.place() == "void shop::part::serialize<input>(input&, unsigned) at part.hpp:5");
    BOOST_TEST(my.trace() == "thread 7, SIGSEGV: by a null pointer (address 0x0)\n"
                             "  #0 memcpy\n"
                             "  #1 void shop::part::serialize<input>(input&, unsigned) at /shop/part.hpp:5\n"
                             "  #2 void shop::job::serialize<input>(input&, unsigned) at /shop/job.hpp:9\n");
}

// So addr2line tells functions of unnamed namespaces that were inlined.
BOOST_AUTO_TEST_CASE(a_worker_that_only_its_own_file_knows)
{
    auto my = called(stack_of_names{}.at({{"void wodehaus::detail::invoke<x>(invocation&)", "/shop/page.cpp:7"},
                                          {"front", "/usr/include/c++/12/bits/stl_vector.h:12"},
                                          {"draw", "/shop/page.cpp:20"},
                                          {"apply<x>", "/usr/include/wodehaus/detail/traits.hpp:9"},
                                          {"invoke<x>", "/usr/include/wodehaus/detail/registry.hpp:9"}}));
    BOOST_TEST(my.place() == "the worker at page.cpp:7");
    BOOST_TEST(my.trace() == "thread 7, SIGSEGV: by a null pointer (address 0x0)\n"
                             "  #0 the worker at /shop/page.cpp:7\n"
                             "     front at /usr/include/c++/12/bits/stl_vector.h:12\n"
                             "     draw at /shop/page.cpp:20\n");
}

BOOST_AUTO_TEST_CASE(what_calls_a_job_that_only_its_own_file_knows)
{
    stack_of_names my;
    my.at({{"boost::archive::iserializer<x>::load_object_data(int)", "/shop/page.cpp:7"}})
        .at({{"load<x>", "/usr/include/wodehaus/detail/archive.hpp:9"},
             {"invoke<x>", "/usr/include/wodehaus/detail/registry.hpp:9"}})
        .at({{"main", "/shop/main.cpp:3"}});
    BOOST_TEST(my.trace() == "thread 7, SIGSEGV: by a null pointer (address 0x0)\n"
                             "  #0 boost::archive::iserializer<x>::load_object_data(int) at /shop/page.cpp:7\n");
}

BOOST_AUTO_TEST_CASE(what_the_language_has_inlined_in_a_function)
{
    auto my =
        called(stack_of_names{}.at({{"shop::draw(int)", "/usr/include/x86_64-linux-gnu/bits/string_fortified.h:7"},
                                    {"operator[]", "/usr/include/c++/12/bits/stl_vector.h:12"},
                                    {"shop::draw(int)", "/shop/page.cpp:20"}}));
    BOOST_TEST(my.place() == "shop::draw(int) at page.cpp:20");
}

BOOST_AUTO_TEST_CASE(functions_of_boost_serialization)
{
    code_name of_boost{"void boost::serialization::load<input>(input&)",
                       "/usr/include/boost/serialization/vector.hpp:6"};
    code_name of_user{"void boost::serialization::serialize<input>(input&, shop::part&)", "/shop/part.hpp:5"};
    BOOST_TEST(called(stack_of_names{}.at({of_boost}).at({of_user})).place() == of_user.function + " at part.hpp:5");
    BOOST_TEST(called(stack_of_names{}.at({of_boost})).place() ==
               of_boost.function + " at vector.hpp:6"); // better than none
}

BOOST_AUTO_TEST_CASE(a_worker_that_is_part_of_what_calls_it)
{
    auto my = called(stack_of_names{}.at({{"pause", ""}}, "/lib/libc.so.6"));
    BOOST_TEST(my.place() == "");
    BOOST_TEST(my.trace().find("  #0 pause\n  #1 the worker\n  (/shop/program has no debug") != std::string::npos,
               my.trace());
}

BOOST_AUTO_TEST_CASE(why_there_are_no_names)
{
    auto trace_without = [](lack why) {
        stack_of_names my;
        return my.at({{"memcpy", ""}}, "/lib/libc.so.6", lack::stripped).at({}, "/shop/program", why).trace();
    };
    std::string without_reason = "thread 7, SIGSEGV: by a null pointer (address 0x0)\n"
                                 "  #0 memcpy\n"
                                 "  #1 0x1 in /shop/program\n";
    BOOST_TEST(trace_without(lack::unknown) == without_reason);
    BOOST_TEST(trace_without(lack::stripped) ==
               without_reason + "  (/shop/program was stripped: it has no names for some of these)\n");
    BOOST_TEST(trace_without(lack::gone) ==
               without_reason + "  (/shop/program is gone, and with it the names of some of these)\n");
    BOOST_TEST(trace_without(lack::late) ==
               without_reason + "  (addr2line did not answer in time for the names in /shop/program)\n");
}

BOOST_AUTO_TEST_SUITE_END()
