// A task: a worker with a job, and how to run it.
#pragma once

#include <wodehaus/worker.hpp>

#include <chrono>
#include <concepts>
#include <optional>
#include <stdexcept>

namespace wodehaus {

namespace detail {

/// What a task says of how it is run; what it leaves open is the server's to say.
struct task_settings {
    std::optional<std::chrono::nanoseconds> timeout;
    std::optional<int> attempts;
    int priority = 0;
    bool retry_exceptions = false;
};

} // namespace detail

/// `task{worker<render>, page}.timeout(5s).attempts(3)`. The setters return the task itself.
template <class Worker>
struct task {
    using worker_type = Worker;
    using job_type = detail::job_of<Worker>;
    using result_type = detail::result_of<Worker>;

    Worker worker;
    job_type job;

    task() = default;
    task(Worker what, job_type on) : worker(std::move(what)), job(std::move(on)) {}

    /// How long each attempt may take, from the moment its process begins it until its whole result has come. 0: for
    /// ever. Throws `std::invalid_argument` if it is negative.
    task& timeout(std::chrono::nanoseconds limit) &
    {
        if (limit.count() < 0)
            throw std::invalid_argument{"wodehaus::task::timeout: it is negative; 0 stands for none"};
        settings_.timeout = limit;
        return *this;
    }
    task&& timeout(std::chrono::nanoseconds limit) && { return std::move(timeout(limit)); }

    /// How often it is begun at most, if its process crashes, exits, runs out of memory or is lost, or if it times out.
    /// It waits before each further attempt: 25 to 50 ms before the second, then twice as long each time, up to 3.2 s.
    /// Throws `std::invalid_argument` if that is less than once.
    task& attempts(int count) &
    {
        if (count < 1)
            throw std::invalid_argument{"wodehaus::task::attempts: a job must be begun once at least"};
        settings_.attempts = count;
        return *this;
    }
    task&& attempts(int count) && { return std::move(attempts(count)); }

    /// Higher first; within one priority first come, first served.
    task& priority(int rank) & { return settings_.priority = rank, *this; }
    task&& priority(int rank) && { return std::move(priority(rank)); }

    /// Attempts also count for what the worker throws.
    task& retry_exceptions(bool retry = true) & { return settings_.retry_exceptions = retry, *this; }
    task&& retry_exceptions(bool retry = true) && { return std::move(retry_exceptions(retry)); }

    /// What the setters have set.
    detail::task_settings const& settings() const noexcept { return settings_; }

private:
    detail::task_settings settings_;
};

template <class Worker, class Job>
task(Worker, Job) -> task<Worker>;

/// The type of `task{worker<F>, job}`, to name it: a variant's member, a channel's value.
template <auto F>
using task_of = task<detail::worker_constant<F>>;

/// A producer throws it to end the run.
struct stop {};

namespace detail {

template <class T>
inline constexpr bool is_task = false;
template <class Worker>
inline constexpr bool is_task<task<Worker>> = true;

} // namespace detail

} // namespace wodehaus
