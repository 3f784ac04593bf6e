// The account of a failure.
#include "dispatch/account.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include <sys/wait.h>

namespace wodehaus::detail {

errc code_of(ending const& how)
{
    if (!how.known)
        return errc::process_lost;
    return WIFSIGNALED(how.status) ? errc::process_crashed : errc::process_exited;
}

bool was_killed(ending const& how)
{
    return how.known && WIFSIGNALED(how.status) && WTERMSIG(how.status) == SIGKILL;
}

std::string in_words(std::chrono::nanoseconds time)
{
    char text[32];
    double seconds = std::chrono::duration<double>(time).count();
    if (seconds < 1e-3)
        std::snprintf(text, sizeof text, "%g us", seconds * 1e6);
    else if (seconds < 1)
        std::snprintf(text, sizeof text, "%g ms", seconds * 1e3);
    else
        std::snprintf(text, sizeof text, "%g s", seconds);
    return text;
}

namespace {

std::string size_in_words(std::size_t bytes)
{
    constexpr double kibibyte = 1024, mebibyte = kibibyte * kibibyte, gibibyte = kibibyte * mebibyte;
    auto size = static_cast<double>(bytes);
    char text[32];
    if (size < mebibyte)
        std::snprintf(text, sizeof text, "%.3g KiB", size / kibibyte);
    else if (size < gibibyte)
        std::snprintf(text, sizeof text, "%.3g MiB", size / mebibyte);
    else
        std::snprintf(text, sizeof text, "%.3g GiB", size / gibibyte);
    return text;
}

} // namespace

std::string in_words(usage const& used)
{
    auto time = used.user + used.system;
    return in_words(time < std::chrono::milliseconds{1} ? std::chrono::round<std::chrono::microseconds>(time)
                                                        : std::chrono::round<std::chrono::milliseconds>(time)) +
           " CPU, " + size_in_words(used.peak_memory) + " peak";
}

usage since(usage const& before, usage const& now)
{
    auto difference = [](auto earlier, auto later) { return later > earlier ? later - earlier : later - later; };
    return {difference(before.user, now.user), difference(before.system, now.system), now.peak_memory};
}

namespace {

// What its process had, beside what it might have.
std::string about_memory(evidence const& known, usage const& used)
{
    std::string words;
    if (used.peak_memory)
        words += "; its process had " + size_in_words(used.peak_memory) + " at its peak";
    if (known.memory)
        words += (words.empty() ? "; " : ", and ") + std::string{"options::memory allows "} +
                 size_in_words(known.memory) + " beyond what it had at its birth";
    return words;
}

// Near enough to its limit to have died of it.
bool was_large(evidence const& known, usage const& used)
{
    return known.memory && used.peak_memory / 3 >= known.memory / 4;
}

std::string crash(evidence const& known)
{
    if (!known.end)
        return "is gone";
    if (was_killed(*known.end) && !known.killed_here)
        return "was killed by SIGKILL, not by this server: by somebody else, or by the kernel for want of memory";
    return describe_ending(*known.end) + (known.cause.empty() ? "" : ", " + known.cause) +
           (known.place.empty() ? "" : ", in " + known.place);
}

std::string story(errc code, job_entry const& job, evidence const& known)
{
    bool began = !known.process.empty();
    bool again = job.attempt > 0;
    std::string end = known.end ? describe_ending(*known.end) : "is gone";
    switch (code) {
    case errc::job_threw:
    case errc::unknown_worker:
        break; // told by the process
    case errc::too_large:
        return "its process sent a message beyond max_message, or beyond the memory that is left, and was killed";
    case errc::process_crashed:
        return "its process " + crash(known) + (known.cut_short ? ", while it wrote its result" : "");
    case errc::process_exited:
        return "its process " + (known.hung_up ? "closed its channel and " + end : end) +
               " without an answer; a worker must return or throw";
    case errc::timed_out:
        return "it ran longer than its timeout of " + in_words(job.timeout) + " and was ended" +
               (known.place.empty() ? "" : ", in " + known.place);
    case errc::out_of_memory:
        return known.end && was_killed(*known.end) ? "the kernel has killed its process for want of memory"
                                                   : "its process has used up the memory it may have";
    case errc::canceled:
        return began   ? "it was cancelled while it ran"
               : again ? "it was cancelled while it waited for its next attempt"
                       : "it was cancelled while it waited";
    case errc::stopped:
        return began   ? "the server was terminated while it ran"
               : again ? "the server was stopped before its next attempt"
                       : "the server was stopped before it began";
    case errc::process_lost:
        if (known.hung_up)
            return "its process closed its channel, so that no answer could come, and was killed; does the worker close "
                   "descriptors that are not its own?";
        if (known.given_up)
            return "its process did not begin it in time, and was ended just as it began";
        return "its process " + end;
    case errc::bad_message:
        return "its process sent what is not an answer, and was killed; does the worker write to descriptors that are "
               "not its own?";
    case errc::launch_failed:
    case errc::other_build:
    case errc::not_initialised:
    case errc::queue_full:
        break; // told by who knows
    }
    return make_error_code(code).message();
}

} // namespace

failure account_of(errc code, job_entry const& job, std::string_view worker, evidence const& known)
{
    bool by_us = code == errc::canceled || code == errc::stopped || code == errc::timed_out || code == errc::bad_message;
    failure why;
    if (known.told && (!by_us || known.told->code == code))
        why = *known.told;
    else
        why = failure{make_error_code(code), story(code, job, known)};
    if (code == errc::canceled)
        why.code = boost::asio::error::operation_aborted;
    if (!worker.empty()) // else who refused it has named it
        why.worker = worker;
    why.what = "worker " + why.worker + ": " + why.what;
    why.process = known.process;
    why.attempt = std::max(1, job.attempt);
    why.output = known.output;
    why.trace = known.trace;
    if (known.end && known.end->known) {
        why.usage = known.end->usage;
        if (WIFSIGNALED(known.end->status))
            why.signal = WTERMSIG(known.end->status);
        else
            why.exit_code = WEXITSTATUS(known.end->status);
    }
    if (code == errc::out_of_memory || (code == errc::process_crashed && was_large(known, why.usage)))
        why.what += about_memory(known, why.usage);
    return why;
}

} // namespace wodehaus::detail
