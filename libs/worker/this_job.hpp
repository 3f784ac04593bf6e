// The job that this process runs now, as the loop tells it to `this_job`.
#pragma once

#include <atomic>
#include <cstdint>

namespace wodehaus::detail {

/// What a thread that runs jobs knows of its own; `stop` is set by who wants the job to end.
struct job_of_thread {
    std::atomic<std::uint64_t> id{0};
    std::atomic<int> attempt{0};
    std::atomic<bool> stop{false};
};
/// From now on the calling thread's job is told by this, which outlives it; null: by its process.
void tell_job_of_this_thread(job_of_thread* mine) noexcept;

void begin_this_job(std::uint64_t id, int attempt) noexcept;
/// Whether a job runs, and whether it has asked for a request to end and was sent it. For signal handlers.
bool a_job_is_under_way() noexcept;
bool was_requested() noexcept;
/// A signal handler that the job's asking has put up is taken down again. True if the job was asked to end: then its
/// process is not wanted any more.
bool end_this_job() noexcept;
/// After a fork: the job of the process that it was forked from is not its own.
void forget_this_job() noexcept;

} // namespace wodehaus::detail
