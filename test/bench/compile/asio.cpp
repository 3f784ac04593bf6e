// What a user of Asio and Boost.Serialization has without this library: a coroutine, a timer, and a value in an archive.
#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/serialization/string.hpp>

#include <sstream>

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

boost::asio::awaitable<void> use(boost::asio::steady_timer& timer)
{
    page one;
    std::stringstream stream;
    boost::archive::binary_oarchive{stream} << std::as_const(one);
    co_await timer.async_wait(boost::asio::use_awaitable);
    boost::archive::binary_iarchive{stream} >> one;
    one = next(one);
}

int main()
{
    boost::asio::io_context context;
    boost::asio::steady_timer timer{context, std::chrono::milliseconds{1}};
    boost::asio::co_spawn(context, use(timer), boost::asio::detached);
    context.run();
}
