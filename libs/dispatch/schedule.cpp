// The decisions: the run, its jobs, who does which, and time. How processes come and go is in schedule_processes.cpp.
#include "dispatch/schedule.hpp"

#include <algorithm>
#include <cassert>

namespace wodehaus::detail {

namespace {

using job_status = job_entry::status;
using process_status = process_entry::status;
using kind = action::kind;

} // namespace

// ---- the run ----

void schedule::run(bool produces, time_point now)
{
    assert(!running_);
    running_ = true;
    stopping_ = terminating_ = false;
    produces_ = produces;
    producer_busy_ = false;
    backlog_ = 0;
    launch_failures_ = fruitless_launches_ = 0;
    launch_fails_ = false;
    launch_again_.reset();
    bearable_ = 0;
    fill(now);
}

void schedule::stop(time_point now)
{
    if (!running_ || stopping_)
        return;
    stopping_ = true;
    launch_again_.reset();
    queue_due(time_point::max()); // what waits for its time waits no longer
    fail_waiting(errc::stopped);
    for (auto* process : std::vector<process_entry*>{processes_}) {
        if (process->state == process_status::idle)
            retire(*process, now);
        else if (process->state == process_status::starting)
            end(*process, now);
        for (auto* job : process->jobs) // what was only sent ahead is not begun any more
            if (job->state == job_status::sent && !job->verdict)
                job->verdict = errc::stopped;
        if (process->state == process_status::busy && process->jobs.front()->state == job_status::sent)
            end(*process, now);
    }
}

void schedule::terminate(time_point now)
{
    if (!running_ || terminating_)
        return;
    stop(now);
    terminating_ = true;
    for (auto* process : std::vector<process_entry*>{processes_}) {
        for (auto* job : process->jobs)
            if (!job->verdict)
                job->verdict = errc::stopped;
        if (process->state == process_status::busy)
            end(*process, now);
    }
}

void schedule::end_run() noexcept
{
    requested_ = 0;
    running_ = stopping_ = terminating_ = produces_ = false;
}

void schedule::abandon(std::function<void(job_entry&)> const& each)
{
    std::vector<job_entry*> jobs;
    for (auto const& not_done : std::exchange(actions_, {}))
        if (not_done.what == kind::complete)
            jobs.push_back(not_done.job);
    auto take = [&jobs](job_entry* job) { jobs.push_back(job); };
    waiting_.clear_and_dispose(take);
    delayed_.clear_and_dispose(take);
    for (auto* process : processes_)
        jobs.insert(jobs.end(), process->jobs.begin(), process->jobs.end());
    processes_.clear();
    unanswered_ = requested_ = 0;
    for (auto* job : jobs)
        job->state = job_status::ended;
    for (auto* job : jobs)
        each(*job);
}

void schedule::release(time_point now)
{
    held_ = false;
    fill(now);
}

// ---- jobs ----

bool schedule::submit(job_entry& job, bool keep, time_point now)
{
    assert(job.state == job_status::fresh);
    if (!keep && waiting() >= limits_.queue_limit)
        return false;
    if (running_ && stopping_) {
        complete(job, errc::stopped);
        return true;
    }
    push(job);
    if (running_)
        fill(now);
    return true;
}

void schedule::cancel(job_entry& job, cancellation how, time_point now)
{
    switch (job.state) {
    case job_status::waiting:
        waiting_.erase(waiting_.iterator_to(job));
        complete(job, errc::canceled);
        if (running_)
            fill(now);
        break;
    case job_status::delayed:
        delayed_.erase(delayed_.iterator_to(job));
        complete(job, errc::canceled);
        fill(now);
        break;
    case job_status::sent:
        // It must not take its process's present job with it: its turn comes, or its process ends.
        if (job.verdict)
            break;
        job.verdict = errc::canceled;
        if (job.process->jobs.front() == &job)
            end(*job.process, now);
        break;
    case job_status::begun:
        if (how == cancellation::waiting_only || job.verdict)
            break;
        job.verdict = errc::canceled;
        end(*job.process, now);
        break;
    case job_status::fresh:
    case job_status::ended:
        break;
    }
}

void schedule::push(job_entry& job)
{
    job.state = job_status::waiting;
    job.process = nullptr;
    waiting_.insert(waiting_.end(), job);
}

job_entry& schedule::pop()
{
    auto& job = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    return job;
}

void schedule::complete(job_entry& job, std::optional<errc> code)
{
    job.state = job_status::ended;
    job.process = nullptr;
    backlog_ += job.produced;
    action done;
    done.what = kind::complete;
    done.job = &job;
    done.code = code;
    emit(done);
}

void schedule::fail_or_retry(job_entry& job, errc code, bool counts, time_point now)
{
    if (!counts || job.attempt >= job.attempts || stopping_) {
        complete(job, code);
        return;
    }
    action again;
    again.what = kind::retry;
    again.job = &job;
    again.code = code;
    again.attempt = job.attempt;
    emit(again);
    job.verdict.reset();
    job.alone |= code != errc::job_threw;
    job.state = job_status::delayed;
    job.process = nullptr;
    job.again_at = now + attempt_delay(job.attempt, random_());
    delayed_.insert(job);
}

void schedule::queue_due(time_point now)
{
    while (!delayed_.empty() && delayed_.begin()->again_at <= now) {
        auto& job = *delayed_.begin();
        delayed_.erase(delayed_.begin());
        push(job);
    }
}

// Half of it is left to chance, so that what failed together is not tried again together.
std::chrono::nanoseconds attempt_delay(int attempt, std::uint_fast32_t chance)
{
    assert(attempt > 0);
    std::chrono::nanoseconds half = std::chrono::milliseconds{25} * (1 << std::min(attempt - 1, 6));
    return half + half * static_cast<int>(chance % 1024) / 1024;
}

std::chrono::nanoseconds patience_for_begin(std::size_t size)
{
    constexpr std::size_t least_per_second = 4u << 20; // any machine that is alive copies that much
    return std::chrono::seconds{10} + std::chrono::seconds{size / least_per_second};
}

void schedule::fail_waiting(errc code)
{
    while (!waiting_.empty())
        complete(pop(), code);
}

// ---- the producer ----

void schedule::producer_answered(bool ended, time_point now)
{
    producer_busy_ = false;
    if (ended)
        produces_ = false;
    else
        fill(now);
}

void schedule::set_backlog(std::size_t outcomes, time_point now)
{
    bool fewer = outcomes < backlog_;
    backlog_ = outcomes;
    if (fewer)
        fill(now);
}

// How many tasks could be begun at once, or be sent ahead.
std::size_t schedule::places() const noexcept
{
    std::size_t busy = at_work();
    std::size_t free_places = std::min(count(process_status::idle), limits_.workers - std::min(busy, limits_.workers));
    if (limits_.prefetch && busy >= limits_.workers)
        for (auto const* process : processes_)
            if (takes_more(*process))
                free_places += limits_.prefetch + 1 - process->jobs.size();
    return free_places;
}

void schedule::ask_producer()
{
    if (!produces_ || producer_busy_ || stopping_)
        return;
    // What waits has found no place, and no more would. Those that wait for their time take none, but are not to pile
    // up. Where nothing can be started, a task is what the failure is told by.
    if (!waiting_.empty() || delayed_.size() >= limits_.queue_limit || (places() == 0 && !launch_fails_) ||
        (backlog_ > 0 && backlog_ + at_work() >= limits_.workers))
        return;
    producer_busy_ = true;
    action ask;
    ask.what = kind::ask_producer;
    emit(ask);
}

// ---- who does which ----

bool schedule::is_last(process_entry const& process) const noexcept
{
    return process.gets_no_more || (limits_.jobs_per_process != 0 && process.taken >= limits_.jobs_per_process);
}

bool schedule::suits(process_entry const& process, job_entry const& job) const noexcept
{
    return process.state == process_status::idle && !process.gets_no_more &&
           (!job.own_process || (process.taken == 0 && process.knows >= job.id));
}

// Whether it takes a job behind the one that it has.
bool schedule::takes_more(process_entry const& process) const noexcept
{
    return process.state == process_status::busy && !is_last(process) && process.jobs.size() <= limits_.prefetch &&
           !process.jobs.front()->alone;
}

process_entry* schedule::choose_process(job_entry const& job)
{
    process_entry* best = nullptr;
    if (at_work() < limits_.workers) { // rather a process of its own, once it comes, than a place behind another job
        for (auto* process : processes_)
            if (suits(*process, job))
                return process;
    } else if (limits_.prefetch && !job.own_process && !job.alone) {
        for (auto* process : processes_)
            if (takes_more(*process) && (!best || process->jobs.size() < best->jobs.size()))
                best = process;
    }
    return best;
}

void schedule::send(job_entry& job, process_entry& process, time_point now)
{
    ++process.taken;
    ++unanswered_;
    job.state = job_status::sent;
    job.process = &process;
    process.jobs.push_back(&job);
    process.gets_no_more |= job.own_process;
    action give;
    give.what = kind::send;
    give.job = &job;
    give.process = &process;
    give.last = is_last(process);
    emit(give);
    bool is_next = process.state == process_status::idle;
    if (is_next)
        set_state(process, process_status::busy);
    if (!limits_.prefetch)
        begin(process, now); // else the process says when
    else if (is_next)
        process.deadline = later(now, patience_for_begin(job.size));
}

void schedule::begin(process_entry& process, time_point now)
{
    auto& job = *process.jobs.front();
    if (job.state == job_status::begun)
        return;
    if (job.verdict) { // cancelled or stopped before its turn came
        end(process, now);
        return;
    }
    job.state = job_status::begun;
    ++job.attempt;
    process.deadline.reset();
    if (job.timeout.count() > 0)
        process.deadline = later(now, job.timeout);
}

void schedule::fill(time_point now)
{
    if (!running_ || stopping_ || held_)
        return;
    fill_processes(now);
    request_processes(now);
    ask_producer();
}

void schedule::fill_processes(time_point now)
{
    while (!waiting_.empty()) {
        auto* process = choose_process(*waiting_.begin());
        if (!process)
            break;
        send(pop(), *process, now);
    }
}

bool schedule::begun(process_entry& process, std::uint64_t id, time_point now)
{
    if (process.state == process_status::ending) {
        if (!process.jobs.empty() && process.jobs.front()->id == id && !process.jobs.front()->verdict)
            begin(process, now); // it is its process's fault then, or at least it has had its attempt
        process.deadline.reset();
        return true;
    }
    if (process.state == process_status::retiring)
        return true;
    if (process.jobs.empty() || process.jobs.front()->id != id)
        return false;
    begin(process, now);
    return true;
}

bool schedule::leaving(process_entry& process, std::uint64_t id)
{
    if (process.state == process_status::ending || process.state == process_status::retiring)
        return true;
    if (process.jobs.empty() || process.jobs.front()->id != id)
        return false;
    process.gets_no_more = process.leaves = true;
    return true;
}

bool schedule::answered(process_entry& process, std::uint64_t id, answer how, time_point now)
{
    if (process.jobs.empty() || process.jobs.front()->id != id)
        return false;
    auto& job = *process.jobs.front();
    begin(process, now); // had it not said so
    if (process.state == process_status::ending && job.verdict) {
        // The first verdict stands; the job ends with its process, which has nothing to finish any more.
        process.kill_at.reset();
        process.end_at.reset();
        kill(process);
        return true;
    }
    set_ending_count(process, false);
    process.jobs.pop_front();
    set_ending_count(process, true);
    --unanswered_;
    process.deadline.reset();
    fruitless_launches_ = 0; // not earlier: a process that dies before it reads a job is as good as none
    launch_fails_ = false;
    if (processes_.size() > bearable_) { // more than there were then: it was not one of them that was always there
        launch_failures_ = 0;
        launch_again_.reset();
    }
    if (process.state == process_status::busy)
        settle(process, now);
    switch (how) {
    case answer::result:
        complete(job, std::nullopt);
        break;
    case answer::threw:
        fail_or_retry(job, errc::job_threw, job.retry_exceptions, now);
        break;
    case answer::out_of_memory:
        fail_or_retry(job, errc::out_of_memory, true, now);
        break;
    case answer::failed:
        complete(job, errc::bad_message); // the account that came with it has the code
        break;
    }
    fill(now);
    return true;
}

// It has not begun them, and will not. Those that are to end with it do.
void schedule::take_back_jobs(process_entry& process)
{
    std::deque<job_entry*> doomed;
    for (auto* job : std::exchange(process.jobs, {}))
        if (job->verdict) {
            doomed.push_back(job);
        } else {
            push(*job);
            --unanswered_;
        }
    process.jobs = std::move(doomed);
}

// A job was answered: what does its process do next?
void schedule::settle(process_entry& process, time_point now)
{
    if (process.leaves)
        take_back_jobs(process);
    if (!process.jobs.empty()) {
        if (process.jobs.front()->verdict) // cancelled or stopped before its turn came
            end(process, now);
        else
            process.deadline = later(now, patience_for_begin(process.jobs.front()->size));
        return;
    }
    if (is_last(process)) {
        set_state(process, process_status::retiring); // it knows that it was the last
        process.kill_at = later(now, limits_.kill_after);
    } else if (stopping_) {
        retire(process, now);
    } else {
        set_state(process, process_status::idle);
    }
}

// ---- time ----

std::optional<time_point> schedule::wake_at() const
{
    std::optional<time_point> first;
    auto consider = [&first](std::optional<time_point> const& when) {
        if (when && (!first || *when < *first))
            first = when;
    };
    for (auto const* process : processes_) {
        consider(process->deadline);
        consider(process->kill_at);
        consider(process->end_at);
    }
    if (!waiting_.empty()) // without demand nothing is tried again
        consider(launch_again_);
    if (!delayed_.empty())
        consider(delayed_.begin()->again_at);
    return first;
}

void schedule::tick(time_point now)
{
    for (auto* process : std::vector<process_entry*>{processes_}) {
        if (process->deadline && *process->deadline <= now) {
            auto& job = *process->jobs.front();
            process->given_up = job.state == job_status::sent; // then it is the process that hangs
            if (!process->given_up && !job.verdict)
                job.verdict = errc::timed_out;
            process->given_up ? end(*process, now) : examine(*process, now);
        } else if (process->end_at && *process->end_at <= now) {
            ask_to_end(*process, now);
        } else if (process->kill_at && *process->kill_at <= now) {
            process->kill_at.reset();
            if (process->state == process_status::retiring)
                set_state(*process, process_status::ending);
            kill(*process);
        }
    }
    if (launch_again_ && *launch_again_ <= now)
        launch_again_.reset();
    queue_due(now);
    fill(now);
}

std::optional<action> schedule::next_action()
{
    if (actions_.empty())
        return std::nullopt;
    auto next = actions_.front();
    actions_.pop_front();
    return next;
}

} // namespace wodehaus::detail
