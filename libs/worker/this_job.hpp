// The job that this process runs now, as the loop tells it to `this_job`.
#pragma once

#include <cstdint>

namespace wodehaus::detail {

void begin_this_job(std::uint64_t id, int attempt) noexcept;
/// A signal handler that the job's asking has put up is taken down again. True if the job was asked to end: then its
/// process is not wanted any more.
bool end_this_job() noexcept;

} // namespace wodehaus::detail
