// What a worker can know of the job it runs.
#include "worker/this_job.hpp"

#include <wodehaus/this_job.hpp>

#include <atomic>
#include <csignal>

namespace wodehaus {

namespace {

std::atomic<std::uint64_t> current_id{0};
std::atomic<int> current_attempt{0};
std::atomic<bool> asked{false};
volatile std::sig_atomic_t requested = 0;
thread_local detail::job_of_thread* of_this_thread = nullptr;

void note_request(int)
{
    requested = 1;
}

} // namespace

namespace this_job {

std::uint64_t id()
{
    return (of_this_thread ? of_this_thread->id : current_id).load(std::memory_order_relaxed);
}

int attempt()
{
    return (of_this_thread ? of_this_thread->attempt : current_attempt).load(std::memory_order_relaxed);
}

bool stop_requested()
{
    if (id() == 0)
        return false;
    if (of_this_thread)
        return of_this_thread->stop.load(std::memory_order_relaxed);
    // Whoever asks shows that it will listen; from then on the request is no longer deadly.
    if (!asked.exchange(true)) {
        struct sigaction action {};
        action.sa_handler = &note_request;
        sigemptyset(&action.sa_mask);
        ::sigaction(SIGTERM, &action, nullptr);
    }
    return requested != 0;
}

} // namespace this_job

namespace detail {

void tell_job_of_this_thread(job_of_thread* mine) noexcept
{
    of_this_thread = mine;
}

void forget_this_job() noexcept
{
    of_this_thread = nullptr;
    begin_this_job(0, 0);
    asked.store(false);
    requested = 0;
}

void begin_this_job(std::uint64_t id, int attempt) noexcept
{
    current_id.store(id, std::memory_order_relaxed);
    current_attempt.store(attempt, std::memory_order_relaxed);
}

bool a_job_is_under_way() noexcept
{
    return current_id.load(std::memory_order_relaxed) != 0;
}

bool was_requested() noexcept
{
    return requested != 0;
}

bool end_this_job() noexcept
{
    begin_this_job(0, 0);
    if (!asked.load(std::memory_order_relaxed))
        return false;
    ::signal(SIGTERM, SIG_DFL);
    asked.store(false);
    return requested != 0;
}

} // namespace detail

} // namespace wodehaus
