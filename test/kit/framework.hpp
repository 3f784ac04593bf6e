// Boost.Test in a program that has a main() of its own, with either kind of its library.
#pragma once

#include <boost/test/unit_test.hpp>

#ifndef BOOST_TEST_DYN_LINK
// The static library's own main(), which is not called, wants this name.
inline boost::unit_test::test_suite* init_unit_test_suite(int, char**)
{
    return nullptr;
}
#endif

namespace kit {

inline int run_framework(int argc, char** argv)
{
#ifdef BOOST_TEST_DYN_LINK
    return boost::unit_test::unit_test_main([] { return true; }, argc, argv);
#else
    return boost::unit_test::unit_test_main(&init_unit_test_suite, argc, argv);
#endif
}

} // namespace kit
