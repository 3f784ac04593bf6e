// The door between templates and compiled code: requests of bytes go in, outcomes of bytes come out.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <wodehaus/options.hpp>
#include <wodehaus/outcome.hpp>
#include <wodehaus/task.hpp>

#include <exception>
#include <memory>
#include <utility>
#include <vector>

namespace wodehaus::detail {

class dispatcher;
class source;

/// A task without its types.
struct job_request {
    std::string_view name;                ///< the worker's, for people
    registration const* worker = nullptr; ///< none: it is a closure
    std::shared_ptr<detail::closure> closure;
    payload job;
    task_settings settings;
    std::unique_ptr<failure> refused;     ///< why it cannot even be tried: a job that does not save
};

/// The account of an exception that a job's `save`, or a result's `load`, has thrown.
WODEHAUS_DECL failure cannot_save(std::string_view worker, std::exception_ptr error);
WODEHAUS_DECL failure cannot_load(std::string_view worker, std::exception_ptr error);

template <class Worker>
job_request make_request(Worker const& worker, job_of<Worker> const& job, task_settings const& settings)
{
    job_request request;
    request.settings = settings;
    request.name = name_of<Worker>();
    try {
        if constexpr (is_closure<Worker>)
            request.closure = std::make_shared<closure_of<Worker>>(worker);
        else
            request.worker = &registered<Worker>;
        request.job = pack(worker, job);
    } catch (...) {
        request.refused = std::make_unique<failure>(cannot_save(request.name, std::current_exception()));
    }
    return request;
}

/// The bytes of a result as a value; bytes that cannot be read are a failure.
template <class Worker>
outcome<result_of<Worker>> unpack(outcome<payload>&& bytes, std::size_t budget)
{
    using result = outcome<result_of<Worker>>;
    if (!bytes)
        return result{boost::system::in_place_error, std::move(bytes).error()};
    try {
        if constexpr (std::is_void_v<result_of<Worker>>) {
            if (bytes->size())
                wrong_length();
            return result{};
        } else {
            result_of<Worker> value{};
            load(bytes->bytes(), budget, value);
            return result{boost::system::in_place_value, std::move(value)};
        }
    } catch (...) {
        return result{boost::system::in_place_error, cannot_load(name_of<Worker>(), std::current_exception())};
    }
}

using call_handler = boost::asio::any_completion_handler<void(outcome<payload>)>;
using map_handler = boost::asio::any_completion_handler<void(std::vector<outcome<payload>>)>;
using run_handler = boost::asio::any_completion_handler<void(std::exception_ptr, run_summary)>;

/// Throws `std::invalid_argument` if the options make no sense.
WODEHAUS_DECL std::shared_ptr<dispatcher> make_dispatcher(boost::asio::any_io_executor executor, options how);
/// Kills and reaps all that it still has, and gives what waits `operation_aborted`. Blocks for as long as that takes.
WODEHAUS_DECL void close(dispatcher& server) noexcept;
WODEHAUS_DECL std::size_t largest_message(dispatcher const& server) noexcept;
WODEHAUS_DECL statistics statistics_of(dispatcher const& server);
WODEHAUS_DECL void stop(std::shared_ptr<dispatcher> const& server);
WODEHAUS_DECL void terminate(std::shared_ptr<dispatcher> const& server);
WODEHAUS_DECL void start_call(std::shared_ptr<dispatcher> const& server, job_request request, call_handler handler);
WODEHAUS_DECL void start_map(std::shared_ptr<dispatcher> const& server, std::vector<job_request> requests,
                             bool first_failure_cancels, map_handler handler);
WODEHAUS_DECL void start_run(std::shared_ptr<dispatcher> const& server, std::unique_ptr<source> tasks,
                             run_handler handler);

} // namespace wodehaus::detail
