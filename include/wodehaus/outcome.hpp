// How a job ended: error codes, the account of a failure, an outcome, and the figures of a run.
// An outcome is a `boost::system::result`, the error side of which tells the whole story, as `sandbox2::Result` does.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <boost/system/system_error.hpp>
#include <wodehaus/detail/config.hpp>
#include <wodehaus/errc.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>

template <>
struct boost::system::is_error_code_enum<wodehaus::errc> : std::true_type {};

namespace wodehaus {

/// The category of `errc`, named "wodehaus". Its conditions: `timed_out`, `canceled`, `out_of_memory` and `too_large`
/// equal the generic `timed_out`, `operation_canceled`, `not_enough_memory` and `message_size`.
WODEHAUS_DECL boost::system::error_category const& error_category() noexcept;

inline boost::system::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), error_category()};
}

/// A cancelled call has the code that Asio gives to a cancelled operation; it equals `errc::canceled` as well.
inline bool operator==(boost::system::error_code const& code, errc kind) noexcept
{
    return code == make_error_code(kind) || (kind == errc::canceled && code == boost::asio::error::operation_aborted);
}

/// What a job has used, or all processes of a run: with the children that they have waited for.
struct usage {
    std::chrono::nanoseconds user{};   ///< CPU time in user mode
    std::chrono::nanoseconds system{}; ///< CPU time in the kernel
    std::size_t peak_memory = 0;       ///< bytes resident at most
};

/// Everything known of one failed job.
///
/// A trace names functions, and lines where the program has debug information; they are found by binutils' addr2line, in a
/// process of its own, before the failure is told. Without it a trace has addresses.
///
/// `usage` has the CPU time of this attempt alone. Of a fresh process that is all since its birth (on exec since
/// `preload` had ended). Of a kept one it may include jobs that ended in the 20 ms before it began, since a process takes
/// account only now and then; with a logger of your own it does so for each job, and there is nothing of others in it. The
/// peak is that of the process since its birth, since the kernel knows no other; on zygote and fork it includes memory that
/// is shared. On in_process the time is the thread's, the peak the server's.
struct WODEHAUS_DECL failure {
    boost::system::error_code code; ///< the kind, of `error_category()` (cancelled: `asio::error::operation_aborted`)
    std::string what;               ///< one line that a person can act on
    std::string worker;             ///< the worker's name
    std::string process;            ///< the name of the process that ran it; empty if none was started
    int attempt = 1;                ///< which attempt failed, from 1
    int exit_code = 0;              ///< the status with which its process exited
    int signal = 0;                 ///< the signal that ended its process; 0: none
    wodehaus::usage usage{};        ///< what the job has used, as told above
    std::string trace;              ///< the stack of the crash, or those of the hang: one paragraph for each thread
    std::string output;             ///< the last lines that its process wrote, with `output::log`: 20 at most
    std::string kept;               ///< the file that it can be run again from, with `options::keep_failed`

    failure() = default;
    failure(boost::system::error_code code, std::string what);
};

/// Writes the code's kind, the line, and what else is known, over several lines.
WODEHAUS_DECL std::ostream& operator<<(std::ostream& stream, failure const& why);

/// Thrown for a failed job: `code()` is `why().code`, and `what()` is `why().what`.
class WODEHAUS_DECL job_error : public boost::system::system_error {
public:
    explicit job_error(failure why);
    failure const& why() const noexcept { return why_; }
    char const* what() const noexcept override { return why_.what.c_str(); }

private:
    failure why_;
};

/// A result or why there is none; `value()` throws `job_error`.
template <class Result>
using outcome = boost::system::result<Result, failure>;

/// Lets `outcome::value()` throw a `job_error`; found by Boost.System.
[[noreturn]] WODEHAUS_DECL void throw_exception_from_error(failure const& why, boost::source_location const& where);

/// What a run has done, when it ends. `usage` adds up the CPU time of all its processes that were reaped, and has the
/// largest of their peaks.
struct run_summary {
    std::uint64_t succeeded = 0;          ///< tasks and calls that gave a result
    std::uint64_t failed = 0;             ///< those that failed for good
    std::uint64_t retried = 0;            ///< attempts that failed and were followed by another
    std::chrono::nanoseconds elapsed{};   ///< from the run's begin to its end
    wodehaus::usage usage{};
};

/// A server's state at one moment. The counts to date do not start anew with a new run.
struct statistics {
    std::size_t queued = 0;      ///< tasks that wait for a process
    std::size_t running = 0;     ///< tasks that a process has
    std::size_t processes = 0;   ///< processes alive that can run tasks, the parked ones included
    std::uint64_t succeeded = 0; ///< to date
    std::uint64_t failed = 0;    ///< to date
    std::uint64_t retried = 0;   ///< to date
    std::uint64_t started = 0;   ///< processes started to date
};

} // namespace wodehaus
