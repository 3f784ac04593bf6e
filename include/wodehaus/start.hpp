// The egg's entry: a batch from a small main.
#pragma once

#include <wodehaus/job_server.hpp>

namespace wodehaus {

namespace detail {

/// Runs the tasks on an `io_context` of its own until their end.
WODEHAUS_DECL run_summary run_here(std::unique_ptr<source> tasks, options how);

} // namespace detail

/// Calls the producer again and again for the next task, runs each in a process of its own, at most `workers` at once,
/// and calls the consumer with each job and its result. Blocks until all have ended.
///
/// Producer and consumer are as for `basic_job_server::async_run`, except that the producer may block until it has a
/// task: it is called on a thread of its own, possibly beside the consumer, which is called on this thread.
///
/// SIGINT and SIGTERM end it cleanly, as `stop()`; the second one as `terminate()`. The program's own dispositions are
/// back when it returns.
///
/// The processes are fresh for each job and come of a zygote; a task says its timeout and attempts itself.
///
/// Errors: throws what producer or consumer threw, and `std::invalid_argument` if `workers` is 0. A job that fails does
/// not end the run.
/// Threads: may be called from several at once, each with its own producer and consumer.
template <class Producer, class Consumer = detail::ignore_results>
    requires detail::is_producer<std::decay_t<Producer>>
run_summary start(Producer&& producer, Consumer&& consumer = {}, logger log = errors_to_stderr{},
                  std::size_t workers = 4)
{
    using producer_type = std::decay_t<Producer>;
    using consumer_type = std::decay_t<Consumer>;
    options how;
    how.workers = workers;
    how.logger = std::move(log);
    if constexpr (detail::is_blocking<producer_type> || detail::is_awaitable<typename detail::call_result<producer_type>::type>)
        return detail::run_here(detail::make_source<producer_type, consumer_type>(std::forward<Producer>(producer),
                                                                                  std::forward<Consumer>(consumer)),
                                std::move(how));
    else
        return detail::run_here(
            detail::make_source<detail::blocking_producer<producer_type>, consumer_type>(
                detail::blocking_producer<producer_type>{std::forward<Producer>(producer)},
                std::forward<Consumer>(consumer)),
            std::move(how));
}

} // namespace wodehaus
