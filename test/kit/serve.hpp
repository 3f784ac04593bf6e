// Runs a server for the length of a test, and tells how jobs ended.
#pragma once

#include "test/kit/ways.hpp"

#include <wodehaus/job_server.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <mutex>
#include <sstream>

namespace kit {

namespace asio = boost::asio;
using asio::awaitable;
using wodehaus::errc;

/// Runs until there is no more work. What hangs fails its test, by name.
inline void run(asio::io_context& context, std::chrono::seconds limit = std::chrono::seconds{100})
{
    context.run_for(limit);
    BOOST_REQUIRE_MESSAGE(context.stopped(), boost::unit_test::framework::current_test_case().full_name()
                                                 << " hangs: there is work left after " << limit.count() << " s");
}

/// A handler for what must not fail.
struct rethrow {
    template <class... Results>
    void operator()(std::exception_ptr error, Results&&...) const
    {
        if (error)
            std::rethrow_exception(error);
    }
};

/// Something that happens once; waited for by any number.
class event {
public:
    explicit event(asio::any_io_executor executor) : timer_(executor, asio::steady_timer::time_point::max()) {}
    void set() { timer_.expires_at(asio::steady_timer::time_point::min()); }
    bool is_set() const { return timer_.expiry() == asio::steady_timer::time_point::min(); }
    awaitable<void> wait()
    {
        while (!is_set())
            co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    }

private:
    asio::steady_timer timer_;
};

/// Runs a server while the coroutine `body(server)` does, then stops it. Throws what the body threw.
template <class Body>
wodehaus::run_summary with_server(wodehaus::options how, Body body)
{
    asio::io_context context{1};
    wodehaus::job_server server{context, std::move(how)};
    wodehaus::run_summary summary;
    std::exception_ptr failed;
    bool ended = false;
    server.async_run([&](std::exception_ptr error, wodehaus::run_summary figures) {
        BOOST_TEST(!error);
        summary = figures;
        ended = true;
    });
    asio::co_spawn(context, body(server), [&](std::exception_ptr error) {
        failed = error;
        error ? server.terminate() : server.stop();
    });
    run(context);
    if (failed)
        std::rethrow_exception(failed);
    BOOST_TEST(ended);
    return summary;
}

inline std::string text_of(wodehaus::failure const& why)
{
    std::ostringstream out;
    out << why.code.message() << " (" << why.code << "): " << why.what << "; worker " << why.worker << ", process "
        << why.process << ", attempt " << why.attempt << ", exit " << why.exit_code << ", signal " << why.signal;
    return out.str();
}

/// Checks that a job has failed, and in this way.
inline void check(wodehaus::failure const& why, errc expected)
{
    BOOST_CHECK_MESSAGE(why.code == expected, "expected '" << make_error_code(expected).message() << "', but: " << text_of(why));
    BOOST_TEST(!why.what.empty());
}
template <class R>
wodehaus::failure failed(wodehaus::outcome<R> const& outcome, errc expected)
{
    BOOST_REQUIRE_MESSAGE(!outcome, "a result, where '" << make_error_code(expected).message() << "' was expected");
    check(outcome.error(), expected);
    return outcome.error();
}
/// Checks that a job has succeeded, and gives its result.
template <class R>
R succeeded(wodehaus::outcome<R>&& outcome)
{
    BOOST_REQUIRE_MESSAGE(outcome, text_of(outcome.error()));
    if constexpr (!std::is_void_v<R>)
        return std::move(*outcome);
}

/// The failure in an exception.
inline wodehaus::failure failure_in(std::exception_ptr const& error)
{
    BOOST_REQUIRE_MESSAGE(error, "no exception");
    try {
        std::rethrow_exception(error);
    } catch (wodehaus::job_error const& thrown) {
        BOOST_TEST(thrown.code() == thrown.why().code);
        BOOST_TEST(std::string{thrown.what()} == thrown.why().what);
        return thrown.why();
    }
}
inline boost::system::error_code code_in(std::exception_ptr const& error)
{
    if (!error)
        return {};
    try {
        std::rethrow_exception(error);
    } catch (boost::system::system_error const& thrown) {
        return thrown.code();
    }
}

/// A logger that keeps its lines.
class lines {
public:
    wodehaus::logger logger() const
    {
        return [held = held_](wodehaus::level importance, std::string_view line) {
            std::lock_guard lock{held->mutex};
            (importance == wodehaus::level::error ? held->errors : held->infos).emplace_back(line);
        };
    }
    std::vector<std::string> errors() const
    {
        std::lock_guard lock{held_->mutex};
        return held_->errors;
    }
    std::vector<std::string> infos() const
    {
        std::lock_guard lock{held_->mutex};
        return held_->infos;
    }

private:
    struct state {
        std::mutex mutex;
        std::vector<std::string> errors, infos;
    };
    std::shared_ptr<state> held_ = std::make_shared<state>();
};

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != text.npos;
}
inline std::size_t count(std::string_view text, std::string_view part)
{
    std::size_t found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size()))
        ++found;
    return found;
}

} // namespace kit
