// The loop of a process: reads a job, calls its worker, writes the answer.
#pragma once

#include "worker/role.hpp"

namespace wodehaus::detail {

/// Where jobs are run: a process, or a thread of the server's.
class job_site {
public:
    /// As `read` on the channel; blocks.
    virtual ssize_t read(std::span<char> to) noexcept = 0;
    /// Writes a whole frame; false if nobody listens any more.
    virtual bool send(std::span<char const> head, std::span<char const> body) noexcept = 0;
    virtual void begin(std::uint64_t id, int attempt) noexcept = 0;
    /// The worker has returned or thrown. True if it was asked to end: then the site is not wanted any more.
    virtual bool end() noexcept = 0;
    virtual usage_message used() noexcept { return usage_of_process(); }

protected:
    ~job_site() = default;
};

/// Serves what comes until it ends, and gives the status to exit with.
int serve_jobs(job_site& site, setup_message const& setup);

/// Serves what comes on `channel_in` until it ends, then ends the process.
[[noreturn]] void serve(setup_message const& setup) noexcept;

/// Writes what stdio and iostreams hold back, and ends the process without destructors and exit handlers: those of a
/// fork belong to the process that it was forked from.
[[noreturn]] void end_process(int status) noexcept;

} // namespace wodehaus::detail
