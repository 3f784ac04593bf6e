// What a worker can know of the job it runs. Outside of a worker: 0, 0 and false.
#pragma once

#include <wodehaus/detail/config.hpp>

#include <cstdint>

namespace wodehaus::this_job {

/// The job's number, unique within its server.
WODEHAUS_DECL std::uint64_t id();

/// Which attempt this is, from 1.
WODEHAUS_DECL int attempt();

/// Whether the job has been asked to end (by timeout, cancellation or terminate).
///
/// A job that never asks this dies of the request at once. From the first time that it asks, it is given
/// `options::kill_after` to finish by itself; the request, a SIGTERM, then interrupts a system call that blocks
/// (EINTR). Its result is not used any more: this is the time to put things in order. Any thread of the worker (with
/// `launch::in_process` the one that was given the job); cheap enough for a loop.
WODEHAUS_DECL bool stop_requested();

} // namespace wodehaus::this_job
