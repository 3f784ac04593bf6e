// What happens, in lines.
#include "dispatch/journal.hpp"

namespace wodehaus::detail {

journal::journal(logger to) : to_(std::move(to)), wants_course_(to_ && !to_.target<errors_to_stderr>()) {}

void journal::write(level importance, std::string_view line) const noexcept
{
    if (!to_)
        return;
    try {
        to_(importance, line);
    } catch (...) {
        // a log that fails must not end a job
    }
}

void journal::note(event const& what) const noexcept
{
    if (!wants_course_)
        return;
    try {
        write(level::info, describe(what));
    } catch (std::exception const&) {
        // no memory for a line
    }
}

namespace {

// Of one that was never begun there is none.
std::string describe_bill(usage const& used)
{
    return used.peak_memory ? ", " + in_words(used) : "";
}

} // namespace

std::string told_with_file(failure const& why, bool with_bill)
{
    return why.what + (with_bill ? describe_bill(why.usage) : "") + (why.kept.empty() ? "" : "; kept: " + why.kept);
}

std::string journal::describe(event const& what) const
{
    std::string job = what.job ? "job " + std::to_string(what.job->id) + " (" + std::string{what.job->worker_name()} + ")"
                               : std::string{};
    std::string process = "process " + std::string{what.process};
    switch (what.what) {
    case event::kind::run_begun:
        return "the run begins";
    case event::kind::run_ended:
        return "the run has ended";
    case event::kind::queued:
        return job + " waits";
    case event::kind::started:
        return job + " begins in " + process;
    case event::kind::retried:
        return job + " is tried again: " + what.why->what;
    case event::kind::ended:
        return what.why ? job + " failed: " + told_with_file(*what.why, true)
                        : job + " has ended" + describe_bill(what.job->used);
    case event::kind::process_born:
        return process + " is ready";
    case event::kind::process_gone:
        return process + " " + describe_ending(*what.end);
    }
    return {};
}

} // namespace wodehaus::detail
