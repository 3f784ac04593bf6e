// One call, from a coroutine.
#include <wodehaus/init.hpp>
#include <wodehaus/job_server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

struct page {
    int number = 0;
    std::string text;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & number & text;
    }
};

page next(page from)
{
    ++from.number;
    return from;
}

boost::asio::awaitable<void> use(wodehaus::job_server& server)
{
    page one;
    one = co_await server.async_call(wodehaus::worker<next>, one);
    server.stop();
}

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    boost::asio::io_context context;
    wodehaus::job_server server{context};
    server.async_run(boost::asio::detached);
    boost::asio::co_spawn(context, use(server), boost::asio::detached);
    context.run();
}
