// A user's program for the processes, linked with the part of the library that runs jobs.
#include "twice.hpp"

#include <wodehaus/init.hpp>
#include <wodehaus/worker.hpp>

int main(int argc, char** argv)
{
    wodehaus::offer(wodehaus::worker<twice>);
    wodehaus::init(argc, argv);
}
