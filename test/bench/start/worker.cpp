// A program that only runs jobs, and knows no Asio.
#include "next.hpp"

#include <wodehaus/init.hpp>
#include <wodehaus/worker.hpp>

int main(int argc, char** argv)
{
    wodehaus::offer(wodehaus::worker<next>);
    wodehaus::init(argc, argv);
}
