// main() of the tests: a test program is also the program of the processes that it starts.
#include <boost/test/unit_test.hpp>
#include <wodehaus/init.hpp>

bool init_unit_test()
{
    return true;
}

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    return boost::unit_test::unit_test_main(&init_unit_test, argc, argv);
}
