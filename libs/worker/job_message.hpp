// The body of a job frame, as a process reads it.
#pragma once

#include "wire/frame.hpp"
#include "worker/registry.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace wodehaus::detail {

struct job_message {
    job_prefix prefix;
    std::string_view name; ///< the worker's, where it does not go by its key
    std::span<char const> bytes;
};

/// Parts of `body`, which outlives it; nothing if it is too short.
std::optional<job_message> read_job(std::span<char const> body) noexcept;

/// Null if this program has no such worker.
registration const* worker_for(job_message const& job);

} // namespace wodehaus::detail
