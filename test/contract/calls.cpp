// One job at a time from coroutines: values, workers with state, many at once, each way to fail, and cancellation.
#include <wodehaus.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/string.hpp>

#include <csignal>
#include <iostream>
#include <map>

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;

namespace {

struct order {
    std::string customer;
    std::map<std::string, int> pieces;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& customer& pieces;
    }
};

int pieces(order const& job)
{
    int sum = 0;
    for (auto const& [article, count] : job.pieces)
        sum += count;
    return sum;
}

/// A worker with state: it travels with the job.
struct only {
    std::string article;

    order operator()(order job) const
    {
        std::erase_if(job.pieces, [this](auto const& entry) { return entry.first != article; });
        return job;
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& article;
    }
};

unsigned root(unsigned square)
{
    for (unsigned number = 0; number <= square; ++number) {
        if (number * number == square)
            return number;
    }
    throw std::domain_error{std::to_string(square) + " is no square"};
}

void fall(int signal)
{
    std::raise(signal);
}

asio::awaitable<void> customer(wodehaus::job_server& server)
{
    using wodehaus::task, wodehaus::worker;

    order job{"Bertie", {{"hats", 2}, {"socks", 5}}};
    int const count = co_await server.async_call(worker<pieces>, job);
    std::cout << "a call: " << count << '\n';

    only socks{"socks"};
    task chosen{socks, job};
    order const left = co_await server.async_call(chosen.timeout(1min).attempts(2));
    std::cout << "a worker with state: " << left.customer << ' ' << left.pieces.size() << ' ' << left.pieces.at("socks")
              << '\n';

    std::vector<unsigned> squares{16, 1, 144};
    std::cout << "a map:";
    for (unsigned number : co_await server.async_map(worker<root>, squares))
        std::cout << ' ' << number;

    squares = {9, 8};
    std::cout << "\na map of outcomes:";
    for (auto const& number : co_await server.async_try_map(worker<root>, squares)) {
        if (number)
            std::cout << ' ' << *number;
        else
            std::cout << " and " << (number.error().what.find("8 is no square") != std::string::npos ? "why" : "?");
    }

    try {
        co_await server.async_call(worker<fall>, SIGSEGV);
    } catch (wodehaus::job_error const& error) {
        std::cout << "\na crash: " << (error.code() == wodehaus::errc::process_crashed) << ", SIGSEGV "
                  << (error.why().signal == SIGSEGV) << '\n';
    }

    auto sleep = worker<[](int seconds) { return std::system(("sleep " + std::to_string(seconds)).c_str()); }>;
    task patient{sleep, 100};
    wodehaus::outcome<int> const late = co_await server.async_try_call(patient.timeout(100ms));
    std::cout << "a timeout: " << (late.error().code == wodehaus::errc::timed_out) << '\n';

    asio::steady_timer timer{co_await asio::this_coro::executor, 100ms};
    auto const first = co_await (server.async_call(sleep, 100) || timer.async_wait(asio::use_awaitable));
    std::cout << "a cancelled call: " << first.index() << '\n';

    server.stop();
}

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);

    asio::io_context context;
    wodehaus::job_server server{context, {.workers = 3}};
    asio::co_spawn(context, server.async_run() && customer(server),
                   [](std::exception_ptr error, wodehaus::run_summary summary) {
                       if (error)
                           std::rethrow_exception(error);
                       std::cout << "the run: " << summary.succeeded << " succeeded\n";
                   });
    context.run();
}
