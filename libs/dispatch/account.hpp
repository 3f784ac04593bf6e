// The account of a failure: one line that a person can act on, and all that is known beside it.
#pragma once

#include "dispatch/schedule.hpp"
#include "launch/launch.hpp"
#include "worker/stack_message.hpp"

#include <wodehaus/outcome.hpp>

#include <string>
#include <vector>

namespace wodehaus::detail {

/// What is known of a failed attempt before it is told.
struct evidence {
    std::string process;           ///< its name
    std::optional<ending> end;     ///< how it ended, if it did
    std::optional<failure> told;   ///< what it said itself: code and words
    std::string output;
    bool cut_short = false;        ///< it ended within a message
    bool hung_up = false;          ///< it had closed its channel before it ended
    bool given_up = false;         ///< it was ended since it had not begun the job in time
    bool killed_here = false;      ///< it was this server that has sent the SIGKILL
    std::size_t memory = 0;        ///< bytes that it might have; 0: no limit
    std::vector<thread_stack> stacks{}; ///< that it has told of itself, and that are not in words yet
    std::string trace{}, cause{}, place{}; ///< of a crash or a hang: the stacks, what has happened, and where
};

/// The kind of a process's end that nobody here has ordered.
errc code_of(ending const& how);
/// Whether it ended by SIGKILL.
bool was_killed(ending const& how);

failure account_of(errc code, job_entry const& job, std::string_view worker, evidence const& known);

/// What was used between the two; the peak is the process's.
usage since(usage const& before, usage const& now);

/// "1.5 s", "20 ms".
std::string in_words(std::chrono::nanoseconds time);
/// "12 ms CPU, 34 MiB peak".
std::string in_words(usage const& used);

} // namespace wodehaus::detail
