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

void note_request(int)
{
    requested = 1;
}

} // namespace

namespace this_job {

std::uint64_t id()
{
    return current_id.load(std::memory_order_relaxed);
}

int attempt()
{
    return current_attempt.load(std::memory_order_relaxed);
}

bool stop_requested()
{
    if (id() == 0)
        return false;
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

void begin_this_job(std::uint64_t id, int attempt) noexcept
{
    current_id.store(id, std::memory_order_relaxed);
    current_attempt.store(attempt, std::memory_order_relaxed);
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
