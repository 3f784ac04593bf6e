// The body of a job frame, as a process reads it.
#include "worker/job_message.hpp"

#include <cstring>

namespace wodehaus::detail {

std::optional<job_message> read_job(std::span<char const> body) noexcept
{
    job_message job;
    if (body.size() < sizeof job.prefix)
        return std::nullopt;
    std::memcpy(&job.prefix, body.data(), sizeof job.prefix);
    body = body.subspan(sizeof job.prefix);
    if (job.prefix.name_size > body.size())
        return std::nullopt;
    auto name = body.first(static_cast<std::size_t>(job.prefix.name_size));
    job.name = {name.data(), name.size()};
    job.bytes = body.subspan(name.size());
    return job;
}

registration const* worker_for(job_message const& job)
{
    return job.name.empty() ? find_worker(worker_key{job.prefix.module, job.prefix.offset}) : find_worker(job.name);
}

} // namespace wodehaus::detail
