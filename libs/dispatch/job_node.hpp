// A job in the dispatcher: what the schedule knows of it, its bytes, and who wants its outcome.
#pragma once

#include "dispatch/account.hpp"
#include "dispatch/schedule.hpp"

#include <wodehaus/detail/door.hpp>
#include <wodehaus/detail/source.hpp>

#include <atomic>
#include <functional>
#include <memory>

namespace wodehaus::detail {

struct job_node : job_entry {
    explicit job_node(job_request&& from) : request(std::move(from)) {}
    virtual ~job_node() = default;
    /// Gives the outcome to whoever waits for it. Called once, on the strand.
    virtual void deliver(outcome<payload>&& result) = 0;

    std::string_view worker_name() const { return request.name; }

    job_request request;
    payload result;                   ///< once it was answered
    usage used{};                     ///< then, by it, as far as its process has said so
    evidence known;                   ///< of its last attempt, should it have failed
    bool cancelled_early = false;     ///< before it was submitted
    std::shared_ptr<job_node> self;   ///< held from its submission to its end
};

/// The executor of a handler, which has work outstanding as long as a run serves it. A call that waits for a run does
/// not: it must not keep anybody busy.
class handler_work {
public:
    explicit handler_work(boost::asio::any_completion_executor executor) : executor_(std::move(executor)) {}
    void begin();
    void end() { tracked_ = {}; }
    boost::asio::any_completion_executor const& executor() const noexcept { return executor_; }

private:
    boost::asio::any_completion_executor executor_, tracked_;
};

/// Held by each handler until it is called, so that none is overtaken by its run's: that one is posted by the last who
/// lets go. Several threads may be carrying them.
struct run_end {
    std::function<void()> then;

    run_end() = default;
    run_end(run_end const&) = delete;
    run_end& operator=(run_end const&) = delete;
    ~run_end()
    {
        if (then)
            then();
    }
};

/// Posts the handler: through our own executor to its own, since the erased one cannot be posted to. It lets go of
/// `before` as it is called and not after: it may wait for its run.
template <class Handler, class... Arguments>
void post_handler(boost::asio::any_io_executor const& ours, std::shared_ptr<run_end> before, handler_work&& work,
                  Handler&& handler, Arguments&&... arguments);

} // namespace wodehaus::detail

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

namespace wodehaus::detail {

inline void handler_work::begin()
{
    if (executor_) // else the handler has been posted, with it
        tracked_ = boost::asio::prefer(executor_, boost::asio::execution::outstanding_work.tracked);
}

template <class Handler, class... Arguments>
void post_handler(boost::asio::any_io_executor const& ours, std::shared_ptr<run_end> before, handler_work&& work,
                  Handler&& handler, Arguments&&... arguments)
{
    boost::asio::post(ours, [before = std::move(before), work = std::move(work), handler = std::move(handler),
                             ... arguments = std::move(arguments)]() mutable {
        auto executor = work.executor();
        boost::asio::dispatch(executor, [before = std::move(before), work = std::move(work), handler = std::move(handler),
                                         ... arguments = std::move(arguments)]() mutable {
            before.reset();
            std::move(handler)(std::move(arguments)...);
        });
    });
}

} // namespace wodehaus::detail
