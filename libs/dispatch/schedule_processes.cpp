// The decisions: how processes come and go.
#include "dispatch/schedule.hpp"

#include <algorithm>
#include <cassert>

namespace wodehaus::detail {

namespace {

using job_status = job_entry::status;
using process_status = process_entry::status;
using kind = action::kind;

constexpr unsigned launch_tries = 4, launch_tries_beside_work = 16; // less than a second, and about a minute

// How often a job may come back from processes that had not begun it, since it may be the job that none can read. One
// that had done others before may have had its end from those.
unsigned returns_borne(bool had_done_others)
{
    return had_done_others ? 16 : 4;
}

} // namespace

// `nanoseconds::max()` is what some write for "never".
time_point later(time_point now, std::chrono::nanoseconds by)
{
    return by > time_point::max() - now ? time_point::max() : now + std::chrono::duration_cast<clock_type::duration>(by);
}

// ---- how many there are ----

std::size_t processes_to_request(process_counts have, schedule_limits const& limits)
{
    assert(limits.workers > 0);
    std::size_t free_places = limits.workers > have.at_work ? limits.workers - have.at_work : 0;
    std::size_t wanted = std::min(have.waiting, free_places);
    if (limits.jobs_per_process != 0) // each is used up, so that the next can be got ready meanwhile
        wanted = std::max(wanted, limits.ahead);
    std::size_t coming = have.idle + have.starting;
    return wanted > coming ? wanted - coming : 0;
}

void schedule::request_processes(time_point now)
{
    if (!waiting_.empty() && waiting_.begin()->own_process)
        return request_own_process(now);
    std::size_t promised = produces_ ? 1 : 0; // a producer is only asked once there is a process for its task
    process_counts have{at_work(), count(process_status::idle), count(process_status::starting) + requested_,
                        waiting_.size() + promised};
    for (auto more = std::min(processes_to_request(have, limits_), bearable_more(now)); more; --more)
        request_process();
}

// For the job that is next, which no process suits. One at a time; those that came too late for others make room for it.
void schedule::request_own_process(time_point now)
{
    if (at_work() >= limits_.workers || count(process_status::starting) + requested_ > 0 || bearable_more(now) == 0)
        return;
    for (auto* process : std::vector<process_entry*>{processes_})
        if (at_work() + count(process_status::idle) >= limits_.workers && process->state == process_status::idle &&
            process->taken == 0)
            retire(*process, now);
    request_process();
}

void schedule::request_process()
{
    ++requested_;
    action request;
    request.what = kind::request_process;
    emit(request);
}

// ---- the life of one ----

void schedule::set_ending_count(process_entry const& process, bool add)
{
    if (process.state == process_status::ending && !process.jobs.empty())
        add ? ++ending_with_jobs_ : --ending_with_jobs_;
}

void schedule::set_state(process_entry& process, process_status state)
{
    set_ending_count(process, false);
    --counts_[static_cast<std::size_t>(process.state)];
    process.state = state;
    ++counts_[static_cast<std::size_t>(state)];
    set_ending_count(process, true);
}

void schedule::process_born(process_entry& process, time_point now)
{
    assert(process.state == process_status::starting);
    if (requested_)
        --requested_;
    processes_.push_back(&process);
    ++counts_[static_cast<std::size_t>(process_status::starting)];
    if (stopping_)
        end(process, now);
}

void schedule::process_ready(process_entry& process, time_point now)
{
    if (process.state != process_status::starting)
        return;
    process.kill_at.reset();
    process.was_ready = true;
    set_state(process, process_status::idle);
    if (stopping_)
        retire(process, now);
    else
        fill(now);
}

void schedule::retire(process_entry& process, time_point now)
{
    set_state(process, process_status::retiring);
    process.kill_at = later(now, limits_.kill_after);
    action let_go;
    let_go.what = kind::retire;
    let_go.process = &process;
    emit(let_go);
}

void schedule::end(process_entry& process, time_point now)
{
    if (process.state == process_status::ending || process.state == process_status::gone)
        return;
    set_state(process, process_status::ending);
    process.deadline.reset();
    ask_to_end(process, now);
}

void schedule::ask_to_end(process_entry& process, time_point now)
{
    process.end_at.reset();
    process.kill_at = later(now, limits_.kill_after);
    action ask;
    ask.what = kind::ask_to_end;
    ask.process = &process;
    emit(ask);
}

// Its job has timed out: it is ended, but is asked first where it hangs.
void schedule::examine(process_entry& process, time_point now)
{
    if (limits_.examination.count() == 0)
        return end(process, now);
    set_state(process, process_status::ending);
    process.deadline.reset();
    process.kill_at.reset();
    process.end_at = later(now, limits_.examination);
    action ask;
    ask.what = kind::ask_where;
    ask.process = &process;
    emit(ask);
}

void schedule::examined(process_entry& process, time_point now)
{
    if (process.end_at && process.state == process_status::ending)
        ask_to_end(process, now);
}

void schedule::kill(process_entry& process)
{
    action order;
    order.what = kind::kill;
    order.process = &process;
    emit(order);
}

void schedule::misbehaved(process_entry& process, std::optional<errc> code)
{
    if (process.state == process_status::gone)
        return;
    if (code && !process.jobs.empty() && process.jobs.front()->state == job_status::begun && !process.jobs.front()->verdict)
        process.jobs.front()->verdict = code;
    if (process.state != process_status::ending)
        set_state(process, process_status::ending);
    process.deadline.reset();
    process.kill_at.reset();
    process.end_at.reset();
    kill(process);
}

bool schedule::process_ended(process_entry& process, errc code, bool untouched, time_point now)
{
    auto jobs = std::exchange(process.jobs, {});
    // Unless it was us who ended it.
    untouched = !jobs.empty() && !jobs.front()->verdict && (untouched || jobs.front()->state == job_status::sent);
    bool unused = process.taken == 0 && process.state != process_status::retiring;
    unanswered_ -= jobs.size();
    if (process.state == process_status::ending && !jobs.empty())
        --ending_with_jobs_;
    --counts_[static_cast<std::size_t>(process.state)];
    process.state = process_status::gone;
    std::erase(processes_, &process);

    for (auto* entry : jobs) {
        auto& job = *entry;
        bool had_begun = job.state == job_status::begun;
        if (had_begun && untouched && !job.verdict)
            --job.attempt; // it never saw the job
        if (job.verdict)
            fail_or_retry(job, *job.verdict, had_begun && *job.verdict == errc::timed_out, now);
        else if (had_begun && !untouched) // it was us who ended it where it was given up: not the job's fault, but an attempt
            fail_or_retry(job, process.given_up ? errc::process_lost : code, true, now);
        else if (stopping_)
            complete(job, errc::stopped);
        else if (untouched && entry == jobs.front() && ++job.returned >= returns_borne(process.taken > jobs.size()))
            complete(job, errc::launch_failed);
        else
            push(job);
    }
    bool as_good_as_none = running_ && !stopping_ && (!process.was_ready || untouched || unused);
    if (!process.was_ready)
        launch_failed(0, code, code == errc::other_build, now);
    else if (as_good_as_none)
        delay_launches(now);
    fill(now);
    return as_good_as_none;
}

// ---- when they cannot be started ----

std::chrono::milliseconds launch_delay(unsigned failures)
{
    assert(failures > 0);
    return std::chrono::milliseconds{100} * (1u << std::min(failures - 1, 6u));
}

// Several at once have failed once: false for all but the first of them.
bool schedule::delay_launches(time_point now)
{
    bearable_ = processes_.size();
    if (!running_ || stopping_ || (launch_again_ && now < *launch_again_))
        return false;
    launch_fails_ = true;
    ++launch_failures_;
    ++fruitless_launches_;
    launch_again_ = now + launch_delay(launch_failures_);
    return true;
}

// How many may be requested. While launches fail those that end are replaced, but no more is tried before its time.
std::size_t schedule::bearable_more(time_point now) const noexcept
{
    if (!launch_again_ || now >= *launch_again_)
        return SIZE_MAX;
    auto there = processes_.size() + requested_;
    return bearable_ > there ? bearable_ - there : 0;
}

void schedule::launch_failed(std::size_t lost, errc code, bool final, time_point now)
{
    requested_ -= std::min(lost, requested_);
    if (!running_ || stopping_)
        return;
    bool another = delay_launches(now);
    // Those that wait for a place wait on; those that wait for a process do longer if one at work may become free.
    auto bound = at_work() == 0 ? launch_tries : launch_tries_beside_work;
    if (final || (another && fruitless_launches_ >= bound && at_work() < limits_.workers)) {
        launch_failures_ = fruitless_launches_ = 0; // who comes next has tries of its own
        fail_waiting(code);
    }
    fill(now);
}

} // namespace wodehaus::detail
