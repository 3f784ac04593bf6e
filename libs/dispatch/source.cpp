// A producer that may block, on a thread of its own.
#include <wodehaus/detail/source.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

#include <pthread.h>
#include <signal.h>

namespace wodehaus::detail {

// The thread holds it together with the source: a producer that does not return must not be waited for.
struct producer_thread::state {
    explicit state(step to_do) : one(std::move(to_do)) {}

    step one;
    std::stop_source stop;
    std::mutex mutex;
    std::condition_variable asked;
    std::optional<boost::asio::any_io_executor> strand; // none: nobody wants to hear any more
    bool wanted = false, closed = false, started = false;
};

producer_thread::producer_thread(step one) : state_(std::make_shared<state>(std::move(one))) {}

producer_thread::~producer_thread()
{
    close();
}

void producer_thread::attach(boost::asio::any_io_executor strand)
{
    std::lock_guard lock{state_->mutex};
    state_->strand = std::move(strand);
}

namespace {

template <class State>
void produce(std::shared_ptr<State> held)
{
    for (;;) {
        {
            std::unique_lock lock{held->mutex};
            held->asked.wait(lock, [&] { return held->wanted || held->closed; });
            if (held->closed)
                return;
            held->wanted = false;
        }
        auto deliver = held->one(held->stop.get_token());
        std::lock_guard lock{held->mutex};
        if (held->closed)
            return;
        boost::asio::post(*held->strand, std::move(deliver));
    }
}

} // namespace

void producer_thread::next()
{
    {
        std::lock_guard lock{state_->mutex};
        state_->wanted = true;
        if (!state_->started) {
            // Signals are for the program's own threads.
            sigset_t all, before;
            ::sigfillset(&all);
            ::pthread_sigmask(SIG_SETMASK, &all, &before);
            std::thread{[held = state_] { produce(held); }}.detach();
            ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
            state_->started = true;
        }
    }
    state_->asked.notify_one();
}

void producer_thread::cancel()
{
    state_->stop.request_stop();
}

void producer_thread::close()
{
    {
        std::lock_guard lock{state_->mutex};
        state_->closed = true;
        state_->strand.reset();
    }
    state_->asked.notify_one();
}

bool is_cancellation(std::exception_ptr const& error) noexcept
{
    try {
        std::rethrow_exception(error);
    } catch (boost::system::system_error const& caught) {
        return caught.code() == boost::asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

} // namespace wodehaus::detail
