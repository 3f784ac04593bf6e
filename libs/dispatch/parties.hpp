// Who waits for outcomes: calls, maps and the consumer of a run.
#pragma once

#include "dispatch/dispatcher.hpp"

namespace wodehaus::detail {

/// One whose handler has work outstanding while a run serves it.
struct waiting_party {
    explicit waiting_party(boost::asio::any_completion_executor executor) : work(std::move(executor)) {}
    virtual ~waiting_party() = default;
    handler_work work;
};

template <class Handler>
boost::asio::any_completion_executor executor_of(Handler const& handler, boost::asio::any_io_executor const& otherwise)
{
    return boost::asio::get_associated_executor(handler, boost::asio::any_completion_executor{otherwise});
}

struct call_node final : job_node, waiting_party {
    call_node(job_request&& from, call_handler&& to, dispatcher& server)
        : job_node(std::move(from)), waiting_party(executor_of(to, server.executor())), handler(std::move(to)),
          owner(server)
    {
    }
    void deliver(outcome<payload>&& outcome) override
    {
        owner.count(outcome.has_value());
        post_handler(owner.executor(), owner.end_of_run(), std::move(work), std::move(handler), std::move(outcome));
    }

    call_handler handler;
    dispatcher& owner;
};

struct map_item;

struct map_operation final : waiting_party, std::enable_shared_from_this<map_operation> {
    map_operation(std::vector<job_request>&& from, bool first_failure_ends, map_handler&& to, dispatcher& server)
        : waiting_party(executor_of(to, server.executor())), requests(std::move(from)),
          outcomes(requests.size()), first_failure_cancels(first_failure_ends), handler(std::move(to)), owner(server)
    {
    }
    bool fed() const noexcept { return next == requests.size(); }
    void item_ended(std::size_t index, outcome<payload>&& outcome);
    void complete()
    {
        post_handler(owner.executor(), owner.end_of_run(), std::move(work), std::move(handler), std::move(outcomes));
    }

    std::vector<job_request> requests;
    std::vector<outcome<payload>> outcomes;
    std::map<std::size_t, std::shared_ptr<map_item>> items; ///< submitted and not ended
    std::size_t next = 0, ended = 0;
    bool first_failure_cancels, cancelled = false, cancelled_early = false, broken = false;
    map_handler handler;
    dispatcher& owner;
};

struct map_item final : job_node {
    map_item(job_request&& from, std::shared_ptr<map_operation> of, std::size_t at)
        : job_node(std::move(from)), map(std::move(of)), index(at)
    {
    }
    void deliver(outcome<payload>&& outcome) override
    {
        map->owner.count(outcome.has_value());
        map->item_ended(index, std::move(outcome));
    }

    std::shared_ptr<map_operation> map;
    std::size_t index;
};

struct produced_node final : job_node {
    produced_node(std::unique_ptr<produced_task> from, dispatcher& server)
        : job_node(std::move(from->request)), task(std::move(from)), owner(server)
    {
        produced = true;
    }
    void deliver(outcome<payload>&& outcome) override { owner.task_ended(std::move(task), std::move(outcome)); }

    std::unique_ptr<produced_task> task;
    dispatcher& owner;
};

/// One run, from `async_run` to its end.
struct dispatcher::run_state {
    run_state(std::unique_ptr<source> from, run_handler&& to, boost::asio::any_io_executor const& executor)
        : tasks(std::move(from)), handler(std::move(to)), work(executor_of(handler, executor)),
          on(boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked))
    {
    }

    std::unique_ptr<source> tasks;
    run_handler handler;
    handler_work work;
    boost::asio::any_io_executor on;                          ///< the server's, with work outstanding
    std::shared_ptr<stop_signals> signals;
    time_point begin = clock_type::now();
    std::uint64_t succeeded = 0, failed = 0, retried = 0;     ///< the counts when it began
    usage used{};
    bool asked = false;                                       ///< the producer is at work
    bool producing = false;
    std::size_t outstanding = 0;                              ///< produced and not ended
    std::deque<std::shared_ptr<produced_task>> ended;         ///< for the consumer
    std::shared_ptr<produced_task> consuming;
    bool in_consumer = false;                                 ///< inside its call, on this very stack
    std::exception_ptr error;
    bool consumer_failed = false;                             ///< it is not called any more
    bool closing = false;
};

/// Does `f`, which stops or cancels something, once all is known that the processes have said: what was only sent ahead
/// is treated otherwise than what was begun.
template <class F>
void dispatcher::decide(F f)
{
    schedule_.hold();
    for (auto const& [pid, process] : processes_)
        process->talk->read_ring();
    f();
    schedule_.release(clock_type::now());
}

/// On the strand: `f`, or where the server was closed meanwhile, `otherwise`.
template <class F, class Otherwise>
void dispatcher::post(F f, Otherwise otherwise)
{
    boost::asio::post(strand_, [self = shared_from_this(), f = std::move(f), otherwise = std::move(otherwise)]() mutable {
        if (auto pass = self->gate_->enter()) {
            f(*self);
            self->pump();
        } else {
            otherwise(*self);
        }
    });
}

} // namespace wodehaus::detail
