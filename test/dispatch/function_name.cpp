// What functions are called, told from what they return and take.
#include "dispatch/function_name.hpp"

#include <boost/test/unit_test.hpp>

using wodehaus::detail::function_name;

namespace {

struct example {
    char const *demangled, *name;
};

template <std::size_t Count>
void check(example const (&all)[Count])
{
    for (auto const& [demangled, name] : all)
        BOOST_TEST(function_name(demangled) == name, demangled << ": " << function_name(demangled));
}

} // namespace

BOOST_AUTO_TEST_SUITE(function_names)

BOOST_AUTO_TEST_CASE(those_without_what_they_return)
{
    check({
        {"main", "main"},
        {"", ""},
        {"shop::draw(shop::page const&)", "shop::draw"},
        {"shop::page::title[abi:cxx11]() const", "shop::page::title[abi:cxx11]"},
        {"shop::page::~page()", "shop::page::~page"},
        {"std::vector<int, std::allocator<int> >::push_back(int&&)",
         "std::vector<int, std::allocator<int> >::push_back"},
        {"shop::box<shop::f(int)>::get() const &", "shop::box<shop::f(int)>::get"},
        {"(anonymous namespace)::draw(int)", "(anonymous namespace)::draw"},
        {"shop::(anonymous namespace)::draw(int)", "shop::(anonymous namespace)::draw"},
        {"draw(int) [clone .cold]", "draw"},
        {"draw [clone .part.0] [clone .cold]", "draw"},
        {"non-virtual thunk to shop::page::draw(int)", "shop::page::draw"},
    });
}

BOOST_AUTO_TEST_CASE(those_of_templates)
{
    check({
        {"std::string render_it<int>(int)", "render_it<int>"},
        {"std::vector<std::pair<int, char> > shop::all<std::less<int> >(std::less<int>)", "shop::all<std::less<int> >"},
        {"std::basic_ostream<char, std::char_traits<char> >& shop::print<int>(int)", "shop::print<int>"},
        {"char const* (anonymous namespace)::text<1>()", "(anonymous namespace)::text<1>"},
        {"unsigned long shop::count<char>(char) [clone .isra.0]", "shop::count<char>"},
        {"decltype (::new ((void*)(0)) int((declval<int>)())) std::construct_at<int, int>(int*, int&&)",
         "std::construct_at<int, int>"},
        {"decltype ((__char_traits_cmp_cat<std::char_traits<char> >)(0)) std::operator<=><char, std::char_traits<char> "
         ">(int)",
         "std::operator<=><char, std::char_traits<char> >"},
        {"decltype(auto) wodehaus::detail::apply<int>(int&)", "wodehaus::detail::apply<int>"},
        {"decltype (({parm#1}->x)())::type shop::f<A>(A)", "shop::f<A>"},
        {"std::enable_if<(4>3), int>::type shop::f<(1>0)>()", "shop::f<(1>0)>"},
        {"std::enable_if<(sizeof (int))>=(4), void>::type shop::f<(8)>>(1)>()", "shop::f<(8)>>(1)>"},
        {"void shop::call<void (int)>(void (*)(int))", "shop::call<void (int)>"},
        {"void shop::call<&shop::page::operator()>()", "shop::call<&shop::page::operator()>"},
        {"void shop::call<&shop::page::operator< >()", "shop::call<&shop::page::operator< >"},
    });
}

BOOST_AUTO_TEST_CASE(operators)
{
    check({
        {"shop::operator<(shop::page, shop::page)", "shop::operator<"},
        {"bool shop::operator< <int>(int)", "shop::operator< <int>"},
        {"std::ostream& shop::operator<< <char>(std::ostream&, char)", "shop::operator<< <char>"},
        {"bool shop::operator><int>(int)", "shop::operator><int>"},
        {"bool shop::operator>=<int>(int)", "shop::operator>=<int>"},
        {"int* shop::pointer::operator-><int>() const", "shop::pointer::operator-><int>"},
        {"shop::page::operator()(int) const", "shop::page::operator()"},
        {"void shop::page::operator()<int>(int)", "shop::page::operator()<int>"},
        {"int& shop::page::operator[]<int>(int)", "shop::page::operator[]<int>"},
        {"bool shop::operator&&<int>(int)", "shop::operator&&<int>"},
        {"int shop::operator*<int>(int)", "shop::operator*<int>"},
        {"operator new(unsigned long)", "operator new"},
        {"operator delete[](void*, unsigned long)", "operator delete[]"},
        {"void* shop::page::operator new<int>(unsigned long)", "shop::page::operator new<int>"},
        {"shop::operator\"\" _kg(long double)", "shop::operator\"\" _kg"},
        {"shop::page::operator int() const", "shop::page::operator int"},
        {"shop::page::operator std::vector<int, A>*() const", "shop::page::operator std::vector<int, A>*"},
        {"shop::page::operator unsigned long const&() const", "shop::page::operator unsigned long const&"},
        {"shop::my_operator(int)", "shop::my_operator"},
        {"std::string shop::operators(int)", "shop::operators"},
    });
}

BOOST_AUTO_TEST_CASE(what_lies_in_functions)
{
    check({
        {"shop::draw(int)::{lambda(int)#1}::operator()(int) const", "shop::draw(int)::{lambda(int)#1}::operator()"},
        {"{lambda(int)#1}::operator()(int) const", "{lambda(int)#1}::operator()"},
        {"shop::page::draw(int) const::{lambda()#2}::operator()() const",
         "shop::page::draw(int) const::{lambda()#2}::operator()"},
        {"auto f<int>(int)::{lambda(auto:1)#1}::operator()<char>(char) const",
         "f<int>(int)::{lambda(auto:1)#1}::operator()<char>"},
        {"main::'lambda'(int)::operator()(int) const", "main::'lambda'(int)::operator()"},
        {"shop::draw(int)::local::run()", "shop::draw(int)::local::run"},
    });
}

BOOST_AUTO_TEST_CASE(those_that_return_functions)
{
    check({
        {"void (*shop::find<int>(int))(char)", "shop::find<int>"},
        {"int (&shop::find<int>(int)) [3]", "shop::find<int>"},
        {"void (shop::page::*find<int>(int))(char)", "find<int>"},
    });
}

BOOST_AUTO_TEST_CASE(what_is_cut_short)
{
    char const text[] = "decltype (x) std::a<(b)>::{lambda(int)#1}::operator()<c>(int) const [clone .cold]";
    for (std::size_t size = 0; size < sizeof text; ++size)
        BOOST_TEST(function_name(std::string_view{text, size}).size() <= size);
}

BOOST_AUTO_TEST_SUITE_END()
