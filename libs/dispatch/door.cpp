// The compiled side of the door.
#include <wodehaus/detail/handler.hpp>

#include "dispatch/dispatcher.hpp"
#include "dispatch/options.hpp"
#include "worker/exception_account.hpp"

#include <algorithm>

namespace wodehaus::detail {

std::shared_ptr<dispatcher> make_dispatcher(boost::asio::any_io_executor executor, options how)
{
    check(how);
    return std::make_shared<dispatcher>(std::move(executor), std::move(how));
}

void close(dispatcher& server) noexcept
{
    server.close();
}

std::size_t largest_message(dispatcher const& server) noexcept
{
    return server.how().max_message;
}

statistics statistics_of(dispatcher const& server)
{
    return server.stats();
}

void stop(std::shared_ptr<dispatcher> const& server)
{
    server->stop();
}

void terminate(std::shared_ptr<dispatcher> const& server)
{
    server->terminate();
}

void start_call(std::shared_ptr<dispatcher> const& server, job_request request, call_handler handler)
{
    server->start_call(std::move(request), std::move(handler));
}

void start_map(std::shared_ptr<dispatcher> const& server, std::vector<job_request> requests, bool first_failure_cancels,
               map_handler handler)
{
    server->start_map(std::move(requests), first_failure_cancels, std::move(handler));
}

void start_run(std::shared_ptr<dispatcher> const& server, std::unique_ptr<source> tasks, run_handler handler)
{
    server->start_run(std::move(tasks), std::move(handler));
}

namespace {

failure account(errc code, std::string_view worker, std::string const& what, std::exception_ptr const& error)
{
    failure why{code, what};
    why.worker = worker;
    try {
        std::rethrow_exception(error);
    } catch (...) {
        why.what += describe_current_exception();
    }
    return why;
}

} // namespace

failure cannot_save(std::string_view worker, std::exception_ptr error)
{
    return account(errc::bad_message, worker, "the job could not be saved: ", error);
}

failure cannot_load(std::string_view worker, std::exception_ptr error)
{
    return account(errc::bad_message, worker, "worker " + std::string{worker} + ": its result could not be loaded: ",
                   error);
}

failure first_cause(std::vector<failure> const& failures)
{
    auto own = std::find_if(failures.begin(), failures.end(), [](failure const& why) { return why.code != errc::canceled; });
    return own == failures.end() ? failures.front() : *own;
}

} // namespace wodehaus::detail
