// The producers and consumers of a round.
#pragma once

#include "test/soak/record.hpp"

#include <wodehaus/job_server.hpp>

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <stop_token>
#include <thread>

namespace soak {

using task_type = wodehaus::task_of<work>;

inline task_type make_task(task_plan const& task, round_plan const& plan, std::string const& notes)
{
    task_type made{wodehaus::worker<work>, make_errand(task, plan, notes)};
    if (task.attempts)
        made.attempts(*task.attempts);
    if (task.timeout)
        made.timeout(*task.timeout);
    return made.priority(task.priority).retry_exceptions(task.retry_exceptions);
}

/// What the producer of one run gives, and what its consumer sees. It holds all that it uses: a producer that blocks
/// may return after its server is gone.
class supply {
public:
    supply(round_plan plan, std::size_t run, std::string notes, std::shared_ptr<record> seen)
        : plan_(std::move(plan)), run_(run), notes_(std::move(notes)), seen_(std::move(seen))
    {
    }

    producer_plan const& plan() const { return *plan_.runs[run_].producer; }

    std::optional<task_type> next()
    {
        if (next_ == plan().tasks.size())
            return end();
        auto const& task = plan().tasks[next_++];
        seen_->add([&](round_course& course, moment now) { course.tasks[task.id].begun = now; });
        return make_task(task, plan_, notes_);
    }

    std::optional<task_type> end()
    {
        bool throws = plan().ends == producer_plan::end::throws;
        seen_->add([&](round_course& course, moment now) {
            course.runs[run_].producer_ended = now;
            course.runs[run_].producer_threw = throws ? now : 0;
        });
        if (throws)
            throw std::runtime_error{"the producer throws"};
        if (plan().ends == producer_plan::end::throws_stop)
            throw wodehaus::stop{};
        return std::nullopt;
    }

    void consume(errand const& job, wodehaus::outcome<report> const& result)
    {
        for (auto const& task : plan().tasks)
            if (task.id == job.id)
                seen_->ended(task, nullptr, result);
        if (++consumed_ != plan().consumer_throws_at)
            return;
        seen_->add([&](round_course& course, moment now) { course.runs[run_].consumer_threw = now; });
        throw std::runtime_error{"the consumer throws"};
    }

private:
    round_plan plan_;
    std::size_t run_;
    std::string notes_;
    std::shared_ptr<record> seen_;
    std::size_t next_ = 0; // never asked twice at once
    int consumed_ = 0;
};

namespace detail {

inline boost::asio::awaitable<void> pause()
{
    boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, std::chrono::milliseconds{2}};
    co_await timer.async_wait(boost::asio::use_awaitable);
}

template <class Run>
void with_producer(std::shared_ptr<supply> const& from, Run run)
{
    switch (from->plan().how) {
    case producer_plan::kind::plain:
        return run([from] { return from->next(); });
    case producer_plan::kind::coroutine:
        return run([from]() -> boost::asio::awaitable<std::optional<task_type>> {
            auto supply = from; // the function object does not live as long
            co_await pause();
            co_return supply->next();
        });
    case producer_plan::kind::blocking:
        return run(wodehaus::blocking([from](std::stop_token stop) {
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
            return stop.stop_requested() ? from->end() : from->next();
        }));
    }
}

} // namespace detail

/// Calls `run(producer, consumer)` with those of the plan.
template <class Run>
void with_supply(std::shared_ptr<supply> const& from, Run run)
{
    detail::with_producer(from, [&](auto producer) {
        switch (from->plan().consumer) {
        case producer_plan::consumer_kind::plain:
            return run(producer,
                       [from](errand const& job, wodehaus::outcome<report> result) { from->consume(job, result); });
        case producer_plan::consumer_kind::coroutine:
            return run(producer,
                       [from](errand const& job, wodehaus::outcome<report> result) -> boost::asio::awaitable<void> {
                           from->consume(job, result);
                           co_await detail::pause();
                       });
        case producer_plan::consumer_kind::none:
            return run(producer, wodehaus::ignore);
        }
    });
}

} // namespace soak
