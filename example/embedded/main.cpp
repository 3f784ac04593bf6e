// An echo server, a timer and a job server on one io_context: a process answers each line, and may die of it.
#include <wodehaus.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <charconv>
#include <csignal>
#include <iostream>

namespace asio = boost::asio;
using asio::awaitable, asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable); // errors are not thrown

std::string backwards(std::string const& line)
{
    return line == "crash" ? std::abort(), line : std::string{line.rbegin(), line.rend()};
}

struct service {
    asio::io_context context{1};
    wodehaus::job_server jobs{context, {.workers = 2, .timeout = 5s, .stop_signals = {SIGINT, SIGTERM}}};
};

awaitable<void> talk(service& all, tcp::socket peer)
{
    for (std::string input;;) {
        auto [error, size] = co_await asio::async_read_until(peer, asio::dynamic_buffer(input, 65536), '\n', as_value);
        if (error)
            co_return; // it has gone, or its line is too long, or all ends
        std::string line = input.substr(0, size - 1);
        input.erase(0, size);
        auto answer = co_await all.jobs.async_try_call(wodehaus::worker<backwards>, line);
        std::string text = (answer ? *answer : "error: " + answer.error().what) + '\n';
        co_await asio::async_write(peer, asio::buffer(text), as_value);
    }
}

awaitable<void> listen(service& all, tcp::acceptor acceptor)
{
    for (;;) {
        auto [error, peer] = co_await acceptor.async_accept(as_value);
        if (!error) {
            asio::co_spawn(all.context, talk(all, std::move(peer)), asio::detached);
        } else if (error == asio::error::operation_aborted) {
            co_return; // all ends
        } else {
            // Out of descriptors: peers that go give theirs back.
            asio::steady_timer pause{all.context, 100ms};
            co_await pause.async_wait(asio::use_awaitable);
        }
    }
}

awaitable<void> report(service& all)
{
    for (asio::steady_timer timer{all.context, 2s};; timer.expires_after(2s)) {
        co_await timer.async_wait(asio::use_awaitable);
        auto now = all.jobs.stats();
        std::cout << now.succeeded << " answers, " << now.failed << " errors, " << now.processes << " processes"
                  << std::endl;
    }
}

awaitable<void> run(service& all, tcp::acceptor acceptor)
{
    // What ends first ends the others: the jobs end with a signal, once those that run have been answered.
    co_await (all.jobs.async_run() || listen(all, std::move(acceptor)) || report(all));
    all.context.stop(); // nobody answers the peers any more
}

std::uint16_t read_port(std::string_view text)
{
    std::uint16_t port = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size())
        throw std::invalid_argument{"usage: embedded [PORT]"};
    return port;
}

int main(int argc, char** argv)
try {
    wodehaus::init(argc, argv);
    service all;
    auto port = argc > 1 ? read_port(argv[1]) : std::uint16_t{0}; // 0: one that is free
    tcp::acceptor acceptor{all.context, {asio::ip::address_v4::loopback(), port}};
    std::cout << "listening on port " << acceptor.local_endpoint().port() << std::endl;
    asio::co_spawn(all.context, run(all, std::move(acceptor)), asio::detached);
    all.context.run();
} catch (boost::system::system_error const& error) {
    std::cerr << "embedded: " << error.code().message() << '\n'; // its what() tells where in Boost it was thrown
    return 1;
} catch (std::exception const& error) {
    std::cerr << "embedded: " << error.what() << '\n';
    return 1;
}
