// The decisions under events in any order: random walks by the thousand, and every interleaving of a small world. A
// model plays the processes, and after each step what must hold is checked. A walk that fails prints its seed;
// SCHEDULE_SEED=n in the environment walks that one alone, and SCHEDULE_WALKS=n more.
#include "test/dispatch/actions.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <sstream>

using namespace wodehaus::detail;
using wodehaus::errc;
using namespace std::chrono_literals;

namespace {

struct broken : std::runtime_error {
    using runtime_error::runtime_error;
};

enum class happening {
    // from users
    run,
    submit,
    cancel_waiting,
    cancel_running,
    produce,
    produce_no_more,
    backlog,
    // from processes, and time
    born,
    launch_fails,
    launch_fails_for_good,
    ready,
    begins,
    result,
    throws,
    fails,
    lies,
    garbles,
    crashes,
    exits,
    ends_untouched,
    moment,
    time_passes,
    stop,
    terminate,
    end_run
};
constexpr char const* happening_names[] = {"run",
                                           "submit",
                                           "cancel_waiting",
                                           "cancel_running",
                                           "produce",
                                           "produce_no_more",
                                           "backlog",
                                           "born",
                                           "launch_fails",
                                           "launch_fails_for_good",
                                           "ready",
                                           "begins",
                                           "result",
                                           "throws",
                                           "fails",
                                           "lies",
                                           "garbles",
                                           "crashes",
                                           "exits",
                                           "ends_untouched",
                                           "moment",
                                           "time_passes",
                                           "stop",
                                           "terminate",
                                           "end_run"};

struct step {
    happening what;
    std::size_t who = 0;
};

struct model_process;

struct model_job : job_entry {
    int completed = 0, begun_times = 0;
    bool was_requeued = false;
    std::optional<time_point> begun_at;
    std::optional<errc> doomed_by; ///< its verdict before this step, when a process had it
    model_process const* doomed_in = nullptr;
};

/// A process as the outside knows it.
struct model_process : process_entry {
    std::size_t number = 0;
    std::deque<model_job*> inbox; ///< what it has not answered
    std::size_t given = 0;        ///< jobs, so far
    bool is_ready = false, told_last = false, let_go = false, termed = false, killed = false, silent = false;
    bool has_read = false;                 ///< of the first job in its inbox, and said so
    std::optional<time_point> must_end_by; ///< or be killed

    bool alive() const { return state != status::gone; }
    bool has_to_end() const { return let_go || termed || killed || silent || (told_last && inbox.empty()); }
};

struct rules {
    schedule_limits limits;
    bool produces = false;
    std::size_t most_jobs = 40, most_processes = 1000;
    bool calm = false; ///< only what a small world needs
};

class world {
public:
    using job_maker = std::function<void(model_job&)>;

    /// Those who want to know the story are told it; it takes most of the time.
    world(rules its_rules, job_maker make, bool tells)
        : rules_(its_rules), decisions_(its_rules.limits), make_(std::move(make)), tells_(tells)
    {
    }
    world(world const&) = delete;
    world& operator=(world const&) = delete;
    ~world()
    {
        decisions_.abandon([](job_entry&) {});
    }

    /// What can happen now.
    std::vector<step> possible() const;
    /// Lets it happen, does what is to be done, and checks.
    void play(step next);
    /// Everybody behaves from now on: all jobs end, or, once stopped, the run does.
    void settle();
    /// Lets it happen, and forgets everything before anything is done.
    void give_up_after(step next);
    /// All that tells this state from another, times apart.
    std::string state() const;
    std::string story() const
    {
        std::string all;
        for (auto& line : story_)
            all += "  " + line + '\n';
        return all;
    }
    bool all_ended() const
    {
        return std::all_of(jobs_.begin(), jobs_.end(), [](auto& job) { return job->completed == 1; });
    }

private:
    void happen(step next);
    /// It was sent, where that is beginning; else its process has said so.
    void begin(model_job& job)
    {
        if (job.verdict)
            return; // it is not to be begun any more
        ++job.begun_times;
        job.begun_at = now_;
    }
    void end(model_process& process, errc code, bool untouched);
    void do_actions();
    void perform(action const& what);
    void check() const;
    void check_job(model_job const& job) const;
    void check_process(model_process const& process) const;
    void check_order() const;
    void check_progress() const;
    void check_that(bool holds, char const* what) const
    {
        if (!holds)
            throw broken{what};
    }
    static model_job& of(job_entry* entry) { return static_cast<model_job&>(*entry); }
    static model_process& of(process_entry* entry) { return static_cast<model_process&>(*entry); }
    std::vector<model_process*> alive() const
    {
        std::vector<model_process*> found;
        for (auto& process : processes_)
            if (process->alive())
                found.push_back(process.get());
        return found;
    }
    bool in_launch_delay() const { return failures_ > 0; }
    bool announces() const { return rules_.limits.prefetch > 0; }

    rules rules_;
    schedule decisions_;
    job_maker make_;
    time_point now_ = time_point{} + 1h;
    std::vector<std::unique_ptr<model_job>> jobs_;
    std::vector<std::unique_ptr<model_process>> processes_;
    std::vector<model_job*> sent_now_;
    std::vector<std::string> story_;
    std::size_t requested_ = 0, backlog_ = 0;
    unsigned failures_ = 0;   ///< to launch, since the last answer
    bool failed_now_ = false; ///< to launch, in this step
    bool asked_ = false, produces_ = false, ticked_ = false, tells_;
    std::optional<std::pair<model_job*, bool>> answer_; ///< the job that this step answers, and whether it succeeds
};

std::vector<step> world::possible() const
{
    using enum happening;
    std::vector<step> all;
    bool running = decisions_.running();
    if (!running)
        all.push_back({run});
    if (jobs_.size() < rules_.most_jobs)
        all.push_back({submit});
    for (std::size_t i = 0; i < jobs_.size(); ++i)
        if (!jobs_[i]->completed) {
            all.push_back({cancel_running, i});
            if (!rules_.calm)
                all.push_back({cancel_waiting, i});
        }
    if (asked_) {
        all.push_back({produce_no_more});
        if (jobs_.size() < rules_.most_jobs)
            all.push_back({produce});
    }
    if (running && produces_)
        all.push_back({backlog});
    if (requested_) {
        all.push_back({launch_fails});
        if (!rules_.calm)
            all.push_back({launch_fails_for_good});
        if (processes_.size() < rules_.most_processes)
            all.push_back({born});
    }
    for (auto* process : alive()) {
        auto i = process->number;
        if (!process->is_ready && !process->silent)
            all.push_back({ready, i});
        if (!process->inbox.empty() && !process->silent) {
            all.push_back({result, i});
            if (!rules_.calm)
                for (auto what : {begins, throws, fails})
                    all.push_back({what, i});
            else if (announces() && !process->has_read)
                all.push_back({begins, i});
        }
        if (!process->silent && !rules_.calm)
            for (auto what : {lies, garbles})
                all.push_back({what, i});
        all.push_back({crashes, i});
        if (!rules_.calm)
            all.push_back({exits, i});
        if (process->inbox.size() == 1 && !process->has_read && !process->silent && rules_.limits.prefetch == 0)
            all.push_back({ends_untouched, i});
    }
    if (decisions_.wake_at())
        all.push_back({time_passes});
    if (!rules_.calm)
        all.push_back({moment});
    if (running) {
        if (!decisions_.stopping())
            all.push_back({stop});
        if (!decisions_.terminating())
            all.push_back({terminate});
        if (decisions_.finished() && !rules_.calm)
            all.push_back({end_run});
    }
    return all;
}

void world::play(step next)
{
    if (tells_)
        story_.push_back(std::string{happening_names[static_cast<int>(next.what)]} + ' ' + std::to_string(next.who));
    sent_now_.clear();
    ticked_ = failed_now_ = false;
    answer_.reset();
    happen(next);
    do_actions();
    check();
    for (auto& job : jobs_) {
        job->doomed_by = job->process ? job->verdict : std::nullopt;
        job->doomed_in = job->doomed_by ? &of(job->process) : nullptr;
    }
}

void world::give_up_after(step next)
{
    if (tells_)
        story_.push_back(std::string{"gives up after "} + happening_names[static_cast<int>(next.what)] + ' ' +
                         std::to_string(next.who));
    happen(next);
    decisions_.abandon([this](job_entry& job) {
        check_that(job.state == job_entry::status::ended, "a job is handed over and has not ended");
        check_that(++of(&job).completed == 1, "a job is handed over twice");
    });
    check_that(all_ended(), "a job is forgotten");
    check_that(!decisions_.has_actions(), "something is still to be done");
}

void world::happen(step next)
{
    using enum happening;
    auto* process = next.what >= ready && next.what <= ends_untouched ? processes_.at(next.who).get() : nullptr;
    auto* first = process && !process->inbox.empty() ? process->inbox.front() : nullptr;
    auto answered = [&](answer how) {
        if (announces() && !process->has_read && process->state != process_entry::status::retiring)
            begin(*first); // it must have
        process->inbox.pop_front();
        process->has_read = false;
        bool counts = !first->verdict;
        if (counts)
            failures_ = 0;
        answer_ = {first, counts && how == answer::result};
        if (process->termed || process->killed || first->verdict)
            process->silent = true; // what it still had to say
        else if (process->told_last && process->inbox.empty())
            process->must_end_by = now_ + rules_.limits.kill_after;
        check_that(decisions_.answered(*process, first->id, how, now_), "an answer in turn was refused");
        check_that(process->jobs.empty() || !process->jobs.front()->verdict ||
                       process->state == process_entry::status::ending,
                   "the turn of a job with a verdict has come, and its process is not ended");
    };
    switch (next.what) {
    case run:
        produces_ = rules_.produces;
        failures_ = 0;
        backlog_ = 0;
        decisions_.run(produces_, now_);
        break;
    case submit:
    case produce: {
        auto job = std::make_unique<model_job>();
        job->id = jobs_.size() + 1;
        make_(*job);
        bool full = decisions_.waiting() >= rules_.limits.queue_limit, keep = next.what == produce;
        bool taken = decisions_.submit(*job, keep, now_);
        check_that(taken == (keep || !full), "queue_limit");
        if (taken)
            jobs_.push_back(std::move(job));
        if (keep) {
            asked_ = false;
            decisions_.producer_answered(false, now_);
        }
        break;
    }
    case produce_no_more:
        asked_ = produces_ = false;
        decisions_.producer_answered(true, now_);
        break;
    case backlog:
        backlog_ = backlog_ ? backlog_ - 1 : rules_.limits.workers;
        decisions_.set_backlog(backlog_, now_);
        break;
    case cancel_waiting:
    case cancel_running: {
        auto& job = *jobs_.at(next.who);
        bool takes = job.state != job_entry::status::begun || next.what == cancel_running;
        decisions_.cancel(job, next.what == cancel_waiting ? cancellation::waiting_only : cancellation::running_too,
                          now_);
        check_that(!takes || job.state == job_entry::status::ended || job.verdict, "a job is not cancelled");
        break;
    }
    case born: {
        --requested_;
        auto made = std::make_unique<model_process>();
        made->number = processes_.size();
        auto& one = *made;
        processes_.push_back(std::move(made));
        decisions_.process_born(one, now_);
        break;
    }
    case launch_fails:
    case launch_fails_for_good: {
        auto count = rules_.calm ? requested_ : 1;
        requested_ -= count;
        ++failures_;
        failed_now_ = true;
        decisions_.launch_failed(count, errc::launch_failed, next.what == launch_fails_for_good, now_);
        break;
    }
    case ready:
        process->is_ready = true;
        decisions_.process_ready(*process, now_);
        break;
    case begins:
        if (announces() && !process->has_read && process->state != process_entry::status::retiring)
            begin(*first);
        process->has_read = true;
        check_that(decisions_.begun(*process, first->id, now_), "the beginning of a job in turn was refused");
        break;
    case result:
        answered(answer::result);
        break;
    case throws:
        answered(answer::threw);
        break;
    case fails:
        answered(answer::failed);
        break;
    case lies:
        check_that(!decisions_.answered(*process, 1'000'000, answer::result, now_) || process->termed ||
                       process->killed,
                   "an answer to nothing was taken");
        [[fallthrough]];
    case garbles:
        process->silent = true;
        decisions_.misbehaved(*process, errc::bad_message, now_);
        break;
    case crashes:
        end(*process, process->is_ready ? errc::process_crashed : errc::launch_failed, false);
        break;
    case exits:
        end(*process, process->is_ready ? errc::process_exited : errc::other_build, false);
        break;
    case ends_untouched:
        end(*process, errc::process_lost, true);
        break;
    case moment: // and the timer is late
        now_ += 3ms;
        break;
    case time_passes:
        if (auto due = decisions_.wake_at())
            now_ = std::max(now_, *due);
        decisions_.tick(now_);
        ticked_ = true;
        break;
    case stop:
        decisions_.stop(now_);
        break;
    case terminate:
        decisions_.terminate(now_);
        break;
    case end_run:
        check_that(std::none_of(jobs_.begin(), jobs_.end(), [](auto& job) { return !job->completed; }),
                   "a run has ended before its jobs");
        requested_ = 0; // the launch is closed
        asked_ = produces_ = false;
        decisions_.end_run();
        break;
    }
}

void world::end(model_process& process, errc code, bool untouched)
{
    auto const* first = process.jobs.empty() ? nullptr : process.jobs.front();
    bool begun_none = announces() && first && first->state == job_entry::status::sent &&
                      (process.state == process_entry::status::busy || !first->verdict);
    if (process.given == 0 || untouched || begun_none) { // as good as none
        ++failures_;
        failed_now_ = true;
    }
    process.inbox.clear();
    for (std::size_t i = 0; i < process.jobs.size(); ++i)
        of(process.jobs[i]).was_requeued = true;
    if (untouched && !process.jobs.empty() && !process.jobs.front()->verdict)
        --of(process.jobs.front()).begun_times;
    decisions_.process_ended(process, code, untouched, now_);
}

void world::do_actions()
{
    while (auto next = decisions_.next_action()) {
        if (tells_)
            story_.push_back("    " + text_of(
                                          *next,
                                          [](job_entry const& one) { return "job " + std::to_string(one.id - 1); },
                                          [](process_entry const& one) {
                                              return std::to_string(static_cast<model_process const&>(one).number);
                                          }));
        perform(*next);
    }
}

void world::perform(action const& what)
{
    bool working = decisions_.running() && !decisions_.stopping();
    auto* process = what.process ? &of(what.process) : nullptr;
    auto* job = what.job ? &of(what.job) : nullptr;
    auto const& limits = rules_.limits;
    check_that(!process || process->alive(), "something is asked of a process that is gone");
    switch (what.what) {
    case action::kind::request_process:
        check_that(working, "a process is requested without a run");
        check_that(!failed_now_, "a process is requested as soon as another has failed");
        ++requested_;
        break;
    case action::kind::send:
        check_that(working, "a job is sent without a run");
        check_that(process->is_ready && !process->has_to_end() && !process->told_last,
                   "a job is sent to a process that cannot take it");
        process->inbox.push_back(job);
        check_that(process->inbox.size() <= 1 + limits.prefetch, "too many are sent ahead");
        check_that(what.last == (++process->given == limits.jobs_per_process), "which is the last");
        process->told_last = what.last;
        sent_now_.push_back(job);
        if (!announces())
            begin(*job);
        break;
    case action::kind::retire:
        check_that(process->inbox.empty(), "a process with a job retires");
        process->let_go = true;
        process->must_end_by = now_ + limits.kill_after;
        break;
    case action::kind::ask_to_end:
        check_that(!process->termed, "a process is asked to end twice");
        process->termed = true;
        process->must_end_by = now_ + limits.kill_after;
        break;
    case action::kind::kill:
        process->killed = true;
        process->must_end_by.reset();
        break;
    case action::kind::complete:
        check_that(++job->completed == 1, "a job has ended twice");
        check_that(what.code || (answer_ && answer_->first == job && answer_->second),
                   "a job succeeds without a result");
        check_that(!(answer_ && answer_->first == job && answer_->second && what.code), "a result is lost");
        check_that(!job->doomed_by || what.code == job->doomed_by, "the first verdict does not stand");
        check_that(!job->doomed_in || !job->doomed_in->alive(), "a job with a verdict ends before its process");
        break;
    case action::kind::retry:
        check_that(job->attempts > 1 && !decisions_.stopping(), "one attempt too many");
        check_that(!job->doomed_by || (what.code == job->doomed_by && what.code == errc::timed_out),
                   "what was ended on purpose is tried again");
        check_that(what.attempt < job->attempts, "a last attempt is tried again");
        check_that(what.attempt == job->begun_times, "which attempt has failed"); // the next is told of later
        job->doomed_by.reset();
        job->doomed_in = nullptr;
        job->was_requeued = true;
        break;
    case action::kind::ask_producer:
        check_that(working && produces_ && !asked_, "the producer is asked out of turn");
        asked_ = true;
        break;
    }
}

// ---- what must hold ----

void world::check() const
{
    std::size_t waiting = 0, unanswered = 0, at_work = 0;
    for (auto& job : jobs_) {
        check_job(*job);
        waiting += job->state == job_entry::status::waiting;
        unanswered += job->state == job_entry::status::sent || job->state == job_entry::status::begun;
    }
    for (auto* process : alive()) {
        check_process(*process);
        at_work += !process->jobs.empty();
    }
    check_that(decisions_.waiting() == waiting, "the count of waiting jobs");
    check_that(decisions_.unanswered() == unanswered, "the count of unanswered jobs");
    check_that(decisions_.at_work() == at_work, "the count of processes at work");
    check_that(decisions_.processes() == alive().size(), "the count of processes");
    check_that(at_work <= rules_.limits.workers, "more processes at work than workers");
    check_that(!decisions_.stopping() || waiting == 0, "a job waits though the run is stopping");
    check_that(decisions_.finished() == (decisions_.running() && decisions_.stopping() && alive().empty()), "finished");
    if (ticked_)
        check_that(!decisions_.wake_at() || *decisions_.wake_at() > now_ || rules_.limits.kill_after == 0ns,
                   "what was due was not done");
    check_order();
    check_progress();
}

void world::check_job(model_job const& job) const
{
    check_that((job.state == job_entry::status::ended) == (job.completed == 1), "a job has ended, and nobody was told");
    check_that(job.attempt <= job.attempts, "more attempts than allowed");
    check_that(job.attempt == job.begun_times, "attempts are miscounted");
    bool placed = job.state == job_entry::status::sent || job.state == job_entry::status::begun;
    check_that(placed == (job.process != nullptr), "a job's process");
    if (placed) {
        auto const& its = job.process->jobs;
        check_that(std::count(its.begin(), its.end(), &job) == 1, "a job is not with its process");
        check_that(!job.doomed_by || job.verdict == job.doomed_by, "a verdict has changed");
    }
    check_that(job.state != job_entry::status::sent || !decisions_.stopping() || job.verdict,
               "a job that was sent ahead is to begin after the stop");
}

void world::check_process(model_process const& process) const
{
    using status = process_entry::status;
    check_that(process.state != status::busy || process.jobs.empty() ||
                   (process.jobs.front()->state == job_entry::status::begun) == (!announces() || process.has_read),
               "the first job of a process has not begun, or has though nobody said so");
    for (std::size_t i = 1; i < process.jobs.size(); ++i)
        check_that(process.jobs[i]->state == job_entry::status::sent, "a job has begun behind another");
    check_that((process.state == status::busy) == (!process.jobs.empty() && process.state != status::ending),
               "busy without a job");
    check_that(!process.deadline || process.state == status::busy, "a deadline without a job");
    check_that(!process.has_to_end() || process.state == status::ending || process.state == status::retiring,
               "a process that has to end is kept");
    // Whoever was asked to end is killed if it does not, and no later than promised.
    if (process.must_end_by) {
        check_that(process.kill_at && *process.kill_at <= *process.must_end_by, "nobody will kill it");
        check_that(decisions_.wake_at() && *decisions_.wake_at() <= *process.must_end_by, "nobody wakes to kill it");
    }
    if (process.state == status::busy) {
        auto const& job = static_cast<model_job const&>(*process.jobs.front());
        bool has_begun = job.state == job_entry::status::begun;
        check_that((!has_begun || job.timeout.count() > 0) == process.deadline.has_value(), "a job's deadline");
        if (has_begun && process.deadline)
            check_that(job.begun_at && *process.deadline == *job.begun_at + job.timeout,
                       "a job's deadline is not from its beginning");
        check_that(!job.verdict || !has_begun, "a job with a verdict runs on");
    }
}

// Higher priority first, what comes again first, then first come, first served.
void world::check_order() const
{
    for (auto* sent : sent_now_)
        for (auto& job : jobs_) {
            if (job->state != job_entry::status::waiting)
                continue;
            check_that(job->priority <= sent->priority, "a lower priority first");
            if (job->priority == sent->priority && !sent->was_requeued)
                check_that(!job->was_requeued && job->id > sent->id, "last come, first served");
        }
}

void world::check_progress() const
{
    if (!decisions_.running() || decisions_.stopping())
        return;
    auto const& limits = rules_.limits;
    std::size_t idle = 0, coming = requested_;
    bool one_is_killed = false; // and replaced when it has ended
    for (auto* process : alive()) {
        idle += process->state == process_entry::status::idle;
        one_is_killed |= process->state == process_entry::status::ending;
        coming += !process->was_ready; // one that is killed before it was ready is a launch that is about to fail
    }
    auto free_places = limits.workers - decisions_.at_work();
    bool job_waits = decisions_.waiting() > 0;
    check_that(!(job_waits && idle && free_places), "a job waits beside a free process");
    if (job_waits && !free_places && limits.prefetch)
        for (auto* process : alive())
            check_that(process->state != process_entry::status::busy || process->told_last ||
                           process->jobs.size() > limits.prefetch,
                       "a job waits that could be sent ahead");
    auto wanted = std::min(decisions_.waiting(), free_places);
    if (in_launch_delay()) {
        check_that(!wanted || idle + coming >= wanted || decisions_.wake_at(), "nobody tries again to launch");
        return;
    }
    check_that(idle + coming >= wanted, "nobody starts a process for a waiting job");
    if (limits.jobs_per_process && !one_is_killed)
        check_that(idle + coming >= limits.ahead, "the stock is not filled up");
    if (produces_ && backlog_ == 0 && idle && free_places && !job_waits)
        check_that(asked_, "the producer is not asked beside a free process");
}

// ---- the end ----

void world::settle()
{
    using enum happening;
    if (!decisions_.running())
        play({run});
    bool stopped = decisions_.stopping();
    for (int i = 0; i < 10'000; ++i) {
        if (!stopped && all_ended() && !asked_) {
            stopped = true;
            play({stop});
        }
        if (asked_) {
            play({produce_no_more});
            continue;
        }
        if (decisions_.finished())
            break;
        bool moved = false;
        for (auto* process : alive()) {
            if (process->has_to_end())
                // A stubborn one ends only when it is killed.
                process->killed || process->number % 2 ? (play({exits, process->number}), moved = true) : false;
            else if (!process->is_ready)
                play({ready, process->number}), moved = true;
            else if (!process->inbox.empty())
                play({announces() && !process->has_read && i % 3 ? begins : result, process->number}), moved = true;
            if (moved)
                break;
        }
        if (moved)
            continue;
        if (requested_ && !decisions_.stopping())
            play({born});
        else if (decisions_.wake_at())
            play({time_passes});
        else
            throw broken{"nothing can happen any more, and the run has not ended"};
    }
    check_that(decisions_.finished(), "the run does not end");
    check_that(all_ended(), "a job has not ended");
    play({end_run});
}

std::string world::state() const
{
    std::ostringstream all;
    auto since = [this](std::optional<time_point> when) { return when ? (*when <= now_ ? "!" : "+") : "-"; };
    for (auto& job : jobs_)
        all << static_cast<int>(job->state) << job->attempt << (job->verdict ? static_cast<int>(*job->verdict) : 0)
            << job->was_requeued << ' ';
    for (auto* process : alive()) {
        all << '/' << static_cast<int>(process->state) << process->taken << since(process->kill_at)
            << since(process->deadline) << process->is_ready << process->has_to_end() << process->silent
            << process->termed << process->killed << process->has_read;
        for (auto* job : process->jobs)
            all << ',' << job->id;
    }
    all << '|' << processes_.size() << ' ' << requested_ << ' ' << failures_ << since(decisions_.wake_at())
        << decisions_.running() << decisions_.stopping() << decisions_.terminating();
    return all.str();
}

// ---- the walks ----

std::uint64_t number_from(char const* variable, std::uint64_t otherwise)
{
    char const* text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

int weight_of(happening what)
{
    using enum happening;
    switch (what) {
    case ready:
    case born:
    case result:
        return 30;
    case submit:
    case produce:
    case begins:
    case time_passes:
        return 15;
    case crashes:
    case exits:
    case throws:
    case moment:
        return 6;
    case stop:
    case terminate:
    case launch_fails_for_good:
        return 1;
    case run:
    case end_run:
        return 60;
    default:
        return 3;
    }
}

/// What went wrong on the walk with this seed; nothing if all went well.
class random_walk {
public:
    static std::string with(std::uint64_t seed)
    {
        auto what = random_walk{seed}.walk(false);
        return what.empty() ? what : "SCHEDULE_SEED=" + std::to_string(seed) + ": " + random_walk{seed}.walk(true);
    }

private:
    explicit random_walk(std::uint64_t seed) : random_(seed) {}

    std::string walk(bool tells)
    {
        rules its;
        its.limits.workers = one_of({1, 2, 3});
        its.limits.jobs_per_process = one_of({0, 0, 1, 1, 2, 3});
        its.limits.prefetch = one_of({0, 0, 1, 2});
        its.limits.ahead = one_of({0, 1, 4});
        its.limits.queue_limit = one_of({1, 3, SIZE_MAX, SIZE_MAX});
        its.limits.kill_after = std::chrono::milliseconds{one_of({0, 10, 2000})};
        its.produces = one_of({0, 1});
        its.most_jobs = one_of({3, 12, 30});
        auto make = [this](model_job& job) {
            job.priority = static_cast<int>(one_of({0, 0, 0, 1, 2})) - 1;
            job.attempts = static_cast<int>(one_of({1, 1, 2, 4}));
            job.timeout = std::chrono::milliseconds{one_of({0, 0, 5, 50})};
            job.retry_exceptions = one_of({0, 1});
        };
        world all{its, make, tells};
        try {
            for (auto steps = one_of({20, 60, 150}); steps; --steps)
                all.play(choose(all.possible()));
            if (one_of({0, 0, 0, 1}))
                all.give_up_after(choose(all.possible()));
            else
                all.settle();
        } catch (broken const& what) {
            return what.what() + ("; workers " + std::to_string(its.limits.workers)) + ", jobs_per_process " +
                   std::to_string(its.limits.jobs_per_process) + ", prefetch " + std::to_string(its.limits.prefetch) +
                   ", ahead " + std::to_string(its.limits.ahead) + '\n' + all.story();
        }
        return {};
    }

    std::size_t one_of(std::initializer_list<std::size_t> all) { return all.begin()[random_() % all.size()]; }
    step choose(std::vector<step> const& all)
    {
        int sum = 0;
        for (auto& one : all)
            sum += weight_of(one.what);
        auto left = static_cast<int>(random_() % static_cast<unsigned>(sum));
        for (auto& one : all)
            if ((left -= weight_of(one.what)) < 0)
                return one;
        return all.back();
    }

    std::mt19937_64 random_;
};

/// Two processes at work and three jobs, one of which may be tried again, and one with a timeout.
class small_world {
public:
    using path = std::vector<step>;

    small_world(std::size_t jobs_per_process, std::size_t prefetch)
    {
        rules_.limits = {.workers = 2, .jobs_per_process = jobs_per_process, .prefetch = prefetch};
        rules_.most_jobs = rules_.most_processes = 3;
        rules_.calm = true;
    }

    /// Every order of so many events, but those after what leads to the same state. Then, wherever that has led, the
    /// run comes to its end.
    void play_every_order(std::size_t length)
    {
        using enum happening;
        std::vector<path> paths{{{submit}, {submit}, {submit}, {run}}};
        std::set<std::string> seen;
        for (; length; --length) {
            std::vector<path> longer;
            for (auto& begin : paths)
                for (auto& next : after(begin)->possible()) {
                    auto further = begin;
                    further.push_back(next);
                    if (seen.insert(after(further)->state()).second)
                        longer.push_back(std::move(further));
                }
            paths = std::move(longer);
        }
        for (auto& end : paths)
            after(end, true);
        BOOST_TEST(seen.size() > 1000);
    }

private:
    std::unique_ptr<world> after(path const& steps, bool to_the_end = false) const
    {
        for (bool tells : {false, true}) {
            auto make = [](model_job& job) {
                job.attempts = job.id == 1 ? 2 : 1;
                job.timeout = job.id == 2 ? 1s : 0s;
            };
            auto all = std::make_unique<world>(rules_, make, tells);
            try {
                for (auto& one : steps)
                    all->play(one);
                if (to_the_end)
                    all->settle();
                return all;
            } catch (broken const& what) {
                if (tells)
                    BOOST_FAIL(what.what() << "\n" << all->story());
            }
        }
        return nullptr;
    }

    rules rules_;
};

} // namespace

BOOST_AUTO_TEST_CASE(random_walks)
{
    auto first = number_from("SCHEDULE_SEED", 0);
    auto walks = number_from("SCHEDULE_WALKS", first ? 1 : 800);
    if (!first)
        first = std::random_device{}();
    for (auto seed = first; seed < first + walks; ++seed) {
        auto what = random_walk::with(seed);
        BOOST_REQUIRE_MESSAGE(what.empty(), what);
    }
}

BOOST_AUTO_TEST_CASE(every_order_with_kept_processes)
{
    small_world{0, 0}.play_every_order(6);
}
BOOST_AUTO_TEST_CASE(every_order_with_jobs_sent_ahead)
{
    small_world{0, 1}.play_every_order(6);
}
BOOST_AUTO_TEST_CASE(every_order_with_fresh_processes)
{
    small_world{1, 0}.play_every_order(6);
}
BOOST_AUTO_TEST_CASE(every_order_with_two_jobs_per_process)
{
    small_world{2, 1}.play_every_order(6);
}
