// Actions of the schedule as text, so that a failed check says what came instead.
#pragma once

#include "dispatch/schedule.hpp"

#include <ostream>
#include <string>

namespace wodehaus::detail {

/// The enumerator's name.
inline std::string name_of_code(errc code)
{
    switch (code) {
    case errc::job_threw:
        return "job_threw";
    case errc::process_crashed:
        return "process_crashed";
    case errc::process_exited:
        return "process_exited";
    case errc::timed_out:
        return "timed_out";
    case errc::out_of_memory:
        return "out_of_memory";
    case errc::canceled:
        return "canceled";
    case errc::stopped:
        return "stopped";
    case errc::process_lost:
        return "process_lost";
    case errc::too_large:
        return "too_large";
    case errc::bad_message:
        return "bad_message";
    case errc::launch_failed:
        return "launch_failed";
    case errc::queue_full:
        return "queue_full";
    case errc::unknown_worker:
        return "unknown_worker";
    case errc::other_build:
        return "other_build";
    case errc::not_initialised:
        return "not_initialised";
    }
    return "errc " + std::to_string(static_cast<int>(code));
}

/// "send a to 1", "a: ok", "a: timed_out", "retry a after timed_out in 1", "term 1": 1 is a process, but behind "in" an
/// attempt. The names are those that the test gave.
template <class JobName, class ProcessName>
std::string text_of(action const& what, JobName job, ProcessName process)
{
    switch (what.what) {
    case action::kind::request_process:
        return "request";
    case action::kind::send:
        return "send " + job(*what.job) + " to " + process(*what.process) + (what.last ? " as its last" : "");
    case action::kind::retire:
        return "retire " + process(*what.process);
    case action::kind::ask_where:
        return "ask where " + process(*what.process) + " hangs";
    case action::kind::ask_to_end:
        return "term " + process(*what.process);
    case action::kind::kill:
        return "kill " + process(*what.process);
    case action::kind::complete:
        return job(*what.job) + ": " + (what.code ? name_of_code(*what.code) : "ok");
    case action::kind::retry:
        return "retry " + job(*what.job) + " after " + name_of_code(*what.code) + " in " + std::to_string(what.attempt);
    case action::kind::ask_producer:
        return "ask";
    }
    return "action " + std::to_string(static_cast<int>(what.what));
}

inline std::ostream& boost_test_print_type(std::ostream& stream, process_entry::status state)
{
    static constexpr char const* names[] = {"starting", "idle", "busy", "retiring", "ending", "gone"};
    return stream << names[static_cast<int>(state)];
}
inline std::ostream& boost_test_print_type(std::ostream& stream, job_entry::status state)
{
    static constexpr char const* names[] = {"fresh", "waiting", "delayed", "sent", "begun", "ended"};
    return stream << names[static_cast<int>(state)];
}

} // namespace wodehaus::detail
