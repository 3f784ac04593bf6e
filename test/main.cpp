// main() of the tests: a test program is also the program of the processes that it starts.
#include "test/kit/framework.hpp"

#include <wodehaus/init.hpp>

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    return kit::run_framework(argc, argv);
}
