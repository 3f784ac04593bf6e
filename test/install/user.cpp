// A user's program, the same for each way to find the library. Argument: another program for its processes.
#include "twice.hpp"

#include <wodehaus.hpp>

#include <boost/asio/io_context.hpp>

#include <iostream>

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);

    wodehaus::options how;
    if (argc > 1)
        how.program = argv[1];
    boost::asio::io_context context;
    wodehaus::job_server server{context, how};
    bool done = false;
    auto producer = [left = 1]() mutable {
        return left-- ? std::optional{wodehaus::task{wodehaus::worker<twice>, 21}} : std::nullopt;
    };
    auto consumer = [&done](int, int result) { done = result == 42; };
    server.async_run(producer, consumer, [](std::exception_ptr, wodehaus::run_summary) {});
    context.run();
    std::cout << (done ? "it works\n" : "no result\n");
    return done ? 0 : 1;
}
