// A call that may crash, from a coroutine: the README's program.
#include <wodehaus.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>

int inverse(int number)
{
    return 1000 / number; // dividing by zero kills a process
}

boost::asio::awaitable<void> use(wodehaus::job_server& server)
{
    for (int number : {4, 0, 8}) {
        auto result = co_await server.async_try_call(wodehaus::worker<inverse>, number);
        std::cout << number << ": " << (result ? std::to_string(*result) : result.error().what) << '\n';
    }
    server.stop();
}

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv); // first: the server's processes come in here, too

    boost::asio::io_context context;
    wodehaus::job_server server{context, {.workers = 2, .timeout = std::chrono::seconds{5}}};
    server.async_run(boost::asio::detached);
    boost::asio::co_spawn(context, use(server), boost::asio::detached);
    context.run();
}
