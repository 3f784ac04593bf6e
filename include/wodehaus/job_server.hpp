// The server: owns the queue and the processes, and is one asynchronous operation.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <wodehaus/detail/handler.hpp>
#include <wodehaus/detail/source.hpp>
#include <wodehaus/options.hpp>
#include <wodehaus/outcome.hpp>
#include <wodehaus/task.hpp>

#include <concepts>
#include <ranges>

namespace wodehaus {

/// Drops each result; failures are logged.
inline constexpr detail::ignore_results ignore{};

/// Marks a producer that may block: it is called on a thread of its own, never twice at once, possibly beside the
/// consumer. `stop` cannot interrupt it unless it takes a `std::stop_token`: the run then waits for it, and a log line
/// says so; `terminate` ends the run without it, and what it still returns is dropped. Its thread keeps the producer
/// until it returns, even after the server is gone: what it refers to must live as long.
template <class F>
auto blocking(F producer)
{
    return detail::blocking_producer<F>{std::move(producer)};
}

/// Runs jobs in processes of their own.
///
/// The server does its work only while `async_run` is under way, as a connection of Boost.Redis does: calls made before
/// wait for it and keep no `io_context` busy, and an `io_context` whose servers have ended runs out of work. (A
/// coroutine that waits for such a call does keep it busy: that is `co_spawn`, which counts its coroutine as work.)
///
/// Threads: distinct servers are independent. A server may be used from several threads, and on an `io_context` that
/// several threads run; what it does is serialised by a strand of its own. Destroying and moving it is for one thread
/// while no other uses it, and not from inside a producer, consumer or logger.
///
/// What an initiating function is given has been read and saved when it returns. Handlers are never called inside it;
/// they are called on their associated executor, or else on the server's.
template <class Executor = boost::asio::any_io_executor>
class basic_job_server {
    template <class Signature>
    using default_token = boost::asio::default_completion_token_t<Executor>;

public:
    using executor_type = Executor;

    /// The server's type on another executor.
    template <class Other>
    struct rebind_executor {
        using other = basic_job_server<Other>;
    };

    /// Throws `std::invalid_argument` for options that make no sense, and names them. Starts nothing.
    explicit basic_job_server(Executor executor, options how = {})
        : executor_(std::move(executor)), dispatcher_(detail::make_dispatcher(executor_, std::move(how)))
    {
    }

    /// The same, on the context's executor.
    template <class ExecutionContext>
        requires std::convertible_to<ExecutionContext&, boost::asio::execution_context&>
    explicit basic_job_server(ExecutionContext& context, options how = {})
        : basic_job_server(Executor(context.get_executor()), std::move(how))
    {
    }

    basic_job_server(basic_job_server&&) noexcept = default;
    basic_job_server& operator=(basic_job_server&& other) noexcept
    {
        if (this != &other) {
            close();
            executor_ = std::move(other.executor_);
            dispatcher_ = std::move(other.dispatcher_);
        }
        return *this;
    }

    /// Kills what still runs, reaps it, and leaves nothing behind; blocks for as long as that takes. What waits, and a
    /// run under way, completes with `asio::error::operation_aborted`.
    ~basic_job_server() { close(); }

    executor_type get_executor() const noexcept { return executor_; }

    /// Runs the server: serves calls until `stop()`, and if given a producer, its tasks.
    ///
    /// Completes when no job runs any more and the last process has been reaped; every call's handler has been posted
    /// before. With a producer that is when the producer has ended (`std::nullopt`, or `throw stop{}`) and all its
    /// tasks have ended and have been consumed; it then ends like by `stop()`. After the end the server can be run
    /// again.
    ///
    /// The producer is callable without arguments and returns `std::optional` of a task or of a `std::variant` of
    /// tasks, or an `asio::awaitable` of one of them; or it is wrapped in `blocking`. It is called only when a process
    /// can take the task, so that a slow consumer or a full machine holds it back.
    ///
    /// The consumer is called for each task, one after another, in the first of these forms that it accepts: `(Job
    /// const&, outcome<R>)`; `(Job const&, R)`; `(Job const&)` for a worker that returns void. With the later forms a
    /// failed job is logged and counted. It may return an `asio::awaitable`, which holds the run back, and which
    /// `terminate()` cancels (`terminal`); `operation_aborted` is no error then. What can be called as a consumer is
    /// taken for one, so a handler should name its parameters' types. Without a consumer results are dropped, and
    /// failures are logged. Tasks that a producer has given are never refused for a full queue.
    ///
    /// Completion signature: `void(std::exception_ptr, run_summary)`.
    ///
    /// Executor: producer, consumer and logger are called on the server's strand, never two at one instant, and never
    /// inside this function; they must not block (see `blocking`).
    ///
    /// Cancellation: `terminal` is `terminate()`; `partial` and `total` are `stop()`. It then completes as these
    /// complete it, without an error.
    ///
    /// Errors: `asio::error::already_started` if a run is under way. What the producer throws ends the producing: what
    /// runs finishes, then it completes with that. What the consumer throws terminates the run, and it completes with
    /// that. `asio::error::operation_aborted` when the server is destroyed.
    template <class Token = default_token<void(std::exception_ptr, run_summary)>>
        requires(!detail::is_producer<std::decay_t<Token>>)
    auto async_run(Token&& token = {})
    {
        return run<Token>(nullptr, token);
    }

    template <class Producer, class Consumer, class Token = default_token<void(std::exception_ptr, run_summary)>>
        requires detail::consumes<std::decay_t<Consumer>, detail::produced_by<std::decay_t<Producer>>>
    auto async_run(Producer&& producer, Consumer&& consumer, Token&& token = {})
    {
        return run<Token>(detail::make_source<std::decay_t<Producer>, std::decay_t<Consumer>>(
                              std::forward<Producer>(producer), std::forward<Consumer>(consumer)),
                          token);
    }

    template <class Producer, class Token = default_token<void(std::exception_ptr, run_summary)>>
        requires(detail::is_producer<std::decay_t<Producer>> &&
                 !detail::consumes<std::decay_t<Token>, detail::produced_by<std::decay_t<Producer>>>)
    auto async_run(Producer&& producer, Token&& token = {})
    {
        return run<Token>(detail::make_source<std::decay_t<Producer>, detail::ignore_results>(
                              std::forward<Producer>(producer), ignore),
                          token);
    }

    /// Runs one job, and gives its result.
    ///
    /// Waits in the queue until a run is under way and a process is free. Completes when the whole result has arrived,
    /// or when the job has failed for good; for a job that ends together with its process, once that has been reaped. A
    /// call takes timeout and attempts from the options, unless its task says otherwise.
    ///
    /// Completion signature: `void(std::exception_ptr, R)`; `void(std::exception_ptr)` if the worker returns void.
    ///
    /// Executor: the result is loaded on the handler's executor.
    ///
    /// Cancellation: `total` takes a waiting call out of the queue and does nothing to a running one; `partial` and
    /// `terminal` also end a running one: SIGTERM to its process group, SIGKILL after `options::kill_after`. A result
    /// that has arrived is delivered. The server can be used on.
    ///
    /// Errors: a `job_error`, whose `why()` tells everything known; its codes are those of `errc` (if `queue_limit`
    /// calls wait already, `errc::queue_full`, at once). A cancelled call has the code
    /// `asio::error::operation_aborted`, which equals `errc::canceled` too, and so has what waits when the server is
    /// destroyed (that one says so in its text).
    template <class Worker, class Job,
              class Token = default_token<detail::call_signature<std::remove_cvref_t<Worker>>>>
        requires(detail::is_worker<std::remove_cvref_t<Worker>> &&
                 std::convertible_to<Job, detail::job_of<std::remove_cvref_t<Worker>>>)
    auto async_call(Worker const& worker, Job&& job, Token&& token = {})
    {
        return call<Token, detail::call_signature<Worker>, detail::complete_call<Worker>>(
            request<Worker>(worker, std::forward<Job>(job)), token);
    }

    template <class Worker, class Token = default_token<detail::call_signature<Worker>>>
    auto async_call(task<Worker> const& task, Token&& token = {})
    {
        return call<Token, detail::call_signature<Worker>, detail::complete_call<Worker>>(request(task), token);
    }

    /// The same, but a failed job is a value.
    ///
    /// Completion signature: `void(std::exception_ptr, outcome<R>)`; the exception is always null.
    ///
    /// When it completes, executor, cancellation: as `async_call`. Errors: in the outcome.
    template <class Worker, class Job,
              class Token = default_token<detail::try_call_signature<std::remove_cvref_t<Worker>>>>
        requires(detail::is_worker<std::remove_cvref_t<Worker>> &&
                 std::convertible_to<Job, detail::job_of<std::remove_cvref_t<Worker>>>)
    auto async_try_call(Worker const& worker, Job&& job, Token&& token = {})
    {
        return call<Token, detail::try_call_signature<Worker>, detail::complete_try_call<Worker>>(
            request<Worker>(worker, std::forward<Job>(job)), token);
    }

    template <class Worker, class Token = default_token<detail::try_call_signature<Worker>>>
    auto async_try_call(task<Worker> const& task, Token&& token = {})
    {
        return call<Token, detail::try_call_signature<Worker>, detail::complete_try_call<Worker>>(request(task), token);
    }

    /// Runs one worker on every job of a range, and gives the results in the order of the range.
    ///
    /// The first failure cancels the rest: jobs that wait are not begun, those that run are ended. Completes when all
    /// have ended. All jobs are saved by this call; they enter the queue so that no more than `options::queue_limit`
    /// wait at once. Timeout and attempts are those of the options, the priority is 0.
    ///
    /// Completion signature: `void(std::exception_ptr, std::vector<R>)`; `void(std::exception_ptr)` if the worker
    /// returns void.
    ///
    /// Executor: the results are loaded on the handler's executor.
    ///
    /// Cancellation: as `async_call`, for each job that has not ended; with `total`, jobs that run finish.
    ///
    /// Errors: the `job_error` of the failure that has cancelled the rest; of several at one moment, that of the first
    /// in the range. A result that cannot be loaded is found when all have ended.
    template <class Worker, std::ranges::input_range Range,
              class Token = default_token<detail::map_signature<std::remove_cvref_t<Worker>>>>
        requires detail::is_worker<std::remove_cvref_t<Worker>>
    auto async_map(Worker const& worker, Range&& jobs, Token&& token = {})
    {
        return map<Token, detail::map_signature<Worker>, detail::complete_map<Worker>>(
            requests<Worker>(worker, jobs), true, token);
    }

    /// The same, but every job is tried, and a failed one is a value.
    ///
    /// Completion signature: `void(std::exception_ptr, std::vector<outcome<R>>)`; the exception is always null.
    ///
    /// When it completes, executor, cancellation: as `async_map`. Errors: in the outcomes.
    template <class Worker, std::ranges::input_range Range,
              class Token = default_token<detail::try_map_signature<std::remove_cvref_t<Worker>>>>
        requires detail::is_worker<std::remove_cvref_t<Worker>>
    auto async_try_map(Worker const& worker, Range&& jobs, Token&& token = {})
    {
        return map<Token, detail::try_map_signature<Worker>, detail::complete_try_map<Worker>>(
            requests<Worker>(worker, jobs), false, token);
    }

    /// Ends the run: no new work starts, what waits fails with `errc::stopped`, running jobs finish, `async_run`
    /// completes. Without a run it does nothing. Any thread.
    void stop() { detail::stop(dispatcher_); }

    /// As `stop`, and running jobs are ended too, as a cancelled call is: they fail with `errc::stopped`. Any thread.
    void terminate() { detail::terminate(dispatcher_); }

    /// The state of this moment. Any thread.
    statistics stats() const { return detail::statistics_of(*dispatcher_); }

private:
    // Initiations are named types, since tokens such as timeouts ask them for their executor.
    struct initiation {
        using executor_type = Executor;
        executor_type executor;
        std::shared_ptr<detail::dispatcher> server;
        executor_type get_executor() const noexcept { return executor; }
    };
    template <class Translate>
    struct call_initiation : initiation {
        template <class Handler>
        void operator()(Handler&& handler, detail::job_request request) const
        {
            Translate translate{detail::largest_message(*this->server)};
            detail::start_call(this->server, std::move(request),
                               detail::translating(std::forward<Handler>(handler), translate));
        }
    };
    template <class Translate>
    struct map_initiation : initiation {
        template <class Handler>
        void operator()(Handler&& handler, std::vector<detail::job_request> requests, bool first_failure_cancels) const
        {
            Translate translate{detail::largest_message(*this->server)};
            detail::start_map(this->server, std::move(requests), first_failure_cancels,
                              detail::translating(std::forward<Handler>(handler), translate));
        }
    };
    struct run_initiation : initiation {
        template <class Handler>
        void operator()(Handler&& handler, std::unique_ptr<detail::source> tasks) const
        {
            detail::start_run(this->server, std::move(tasks), std::forward<Handler>(handler));
        }
    };

    // Token is named by who calls these, as it was deduced: a handler that is an lvalue is copied, not moved from.
    template <class Token, class Signature, class Translate>
    auto call(detail::job_request request, std::remove_reference_t<Token>& token)
    {
        return boost::asio::async_initiate<Token, Signature>(call_initiation<Translate>{{executor_, dispatcher_}}, token,
                                                             std::move(request));
    }
    template <class Token, class Signature, class Translate>
    auto map(std::vector<detail::job_request> requests, bool first_failure_cancels,
             std::remove_reference_t<Token>& token)
    {
        return boost::asio::async_initiate<Token, Signature>(map_initiation<Translate>{{executor_, dispatcher_}}, token,
                                                             std::move(requests), first_failure_cancels);
    }
    template <class Token>
    auto run(std::unique_ptr<detail::source> tasks, std::remove_reference_t<Token>& token)
    {
        return boost::asio::async_initiate<Token, void(std::exception_ptr, run_summary)>(
            run_initiation{{executor_, dispatcher_}}, token, std::move(tasks));
    }

    template <class Worker, class Job>
    static detail::job_request request(Worker const& worker, Job&& job)
    {
        using job_type = detail::job_of<Worker>;
        if constexpr (std::same_as<std::remove_cvref_t<Job>, job_type>)
            return detail::make_request<Worker>(worker, job, {});
        else
            return detail::make_request<Worker>(worker, job_type(std::forward<Job>(job)), {});
    }
    template <class Worker>
    static detail::job_request request(task<Worker> const& task)
    {
        return detail::make_request(task.worker, task.job, task.settings());
    }
    template <class Worker, class Range>
    static std::vector<detail::job_request> requests(Worker const& worker, Range&& jobs)
    {
        std::vector<detail::job_request> all;
        for (auto&& job : jobs)
            all.push_back(request<Worker>(worker, job));
        return all;
    }

    void close() noexcept
    {
        if (dispatcher_)
            detail::close(*dispatcher_);
        dispatcher_.reset();
    }

    Executor executor_;
    std::shared_ptr<detail::dispatcher> dispatcher_;
};

/// The server for coroutines: its operations return awaitables unless told otherwise.
using job_server = boost::asio::use_awaitable_t<>::as_default_on_t<basic_job_server<>>;

} // namespace wodehaus
