#include "test/dispatch/world.hpp"

#include <cstdlib>

using namespace std::chrono_literals;

namespace wodehaus::detail {

namespace {

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
                                           "runs_out",
                                           "fails",
                                           "leaves",
                                           "lies",
                                           "garbles",
                                           "crashes",
                                           "exits",
                                           "ends_untouched",
                                           "says_where",
                                           "moment",
                                           "time_passes",
                                           "stop",
                                           "terminate",
                                           "end_run"};

std::string text_of(step one)
{
    return std::string{happening_names[static_cast<int>(one.what)]} + ' ' + std::to_string(one.who);
}

bool goes_before(model_job const& one, model_job const& other)
{
    return one.priority != other.priority ? one.priority > other.priority : one.id < other.id;
}

} // namespace

std::uint64_t number_from(char const* variable, std::uint64_t otherwise)
{
    char const* text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

std::string world::story() const
{
    std::string all;
    for (auto& line : story_)
        all += "  " + line + '\n';
    return all;
}

std::vector<model_process*> world::alive() const
{
    std::vector<model_process*> found;
    for (auto& process : processes_)
        if (process->alive())
            found.push_back(process.get());
    return found;
}

model_job const* world::first_in_queue() const
{
    model_job const* first = nullptr;
    for (auto& job : jobs_)
        if (job->state == job_entry::status::waiting && (!first || goes_before(*job, *first)))
            first = job.get();
    return first;
}

// ---- what can happen ----

std::vector<step> world::possible() const
{
    using enum happening;
    std::vector<step> all;
    bool running = decisions_.running(), may_go_wrong = misfortunes_ < rules_.most_misfortunes;
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
        if (may_go_wrong)
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
                for (auto what : {begins, throws, runs_out, fails, leaves})
                    all.push_back({what, i});
            else if (announces() && !process->has_read)
                all.push_back({begins, i});
        }
        if (!process->silent && !rules_.calm)
            for (auto what : {lies, garbles})
                all.push_back({what, i});
        if (may_go_wrong || has_begun_one(*process) || process->has_to_end())
            all.push_back({crashes, i});
        if (!rules_.calm)
            all.push_back({exits, i});
        if (process->asked_where && !process->termed)
            all.push_back({says_where, i});
        if (may_go_wrong && process->inbox.size() == 1 && !process->has_read && !process->silent && !announces())
            all.push_back({ends_untouched, i});
    }
    if (decisions_.wake_at() && (!rules_.calm || may_go_wrong || !one_is_to_have_begun(*decisions_.wake_at())))
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

void world::play_unchecked(step next)
{
    if (tells_)
        story_.push_back(text_of(next));
    sent_now_.clear();
    ticked_ = waiting_fail_ = false;
    answer_.reset();
    happen(next);
    do_actions();
    for (auto& job : jobs_) {
        job->doomed_by = job->process ? job->verdict : std::nullopt;
        job->doomed_in = job->doomed_by ? &of(job->process) : nullptr;
    }
}

void world::give_up_after(step next)
{
    if (tells_)
        story_.push_back("gives up after " + text_of(next));
    happen(next);
    decisions_.abandon([](job_entry& job) {
        check_that(job.state == job_entry::status::ended, "a job is handed over and has not ended");
        check_that(++of(&job).completed == 1, "a job is handed over twice");
    });
    check_that(all_ended(), "a job is forgotten");
    check_that(!decisions_.has_actions(), "something is still to be done");
    check_that(!decisions_.wake_at(), "something is still waited for");
}

void world::happen(step next)
{
    using enum happening;
    switch (next.what) {
    case run:
        produces_ = rules_.produces;
        launches_ = {};
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
        bool waits = !job.process;
        decisions_.cancel(job, next.what == cancel_waiting ? cancellation::waiting_only : cancellation::running_too,
                          now_);
        check_that(!takes || job.state == job_entry::status::ended || job.verdict, "a job is not cancelled");
        check_that(!waits || job.state == job_entry::status::ended, "a job that waits is not cancelled at once");
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
        bool final = next.what == launch_fails_for_good;
        auto at_work = decisions_.at_work();
        requested_ -= count;
        launch_has_failed(true, final, alive().size(), at_work);
        decisions_.launch_failed(count, errc::launch_failed, final, now_);
        break;
    }
    case moment: // and the timer is late
        now_ += 3ms;
        break;
    case time_passes:
        if (auto due = decisions_.wake_at())
            now_ = std::max(now_, *due);
        if (launches_.again && *launches_.again <= now_)
            launches_.again.reset();
        decisions_.tick(now_);
        ticked_ = true;
        break;
    case stop:
        launches_.again.reset();
        decisions_.stop(now_);
        break;
    case terminate:
        launches_.again.reset();
        decisions_.terminate(now_);
        break;
    case end_run:
        check_that(all_ended(), "a run has ended before its jobs");
        requested_ = 0; // the launch is closed
        asked_ = produces_ = false;
        decisions_.end_run();
        break;
    default:
        happen_to(*processes_.at(next.who), next);
    }
}

void world::happen_to(model_process& process, step next)
{
    using enum happening;
    switch (next.what) {
    case ready:
        process.is_ready = true;
        decisions_.process_ready(process, now_);
        break;
    case begins:
        if (announces() && !process.has_read && process.state != process_entry::status::retiring)
            begin(*process.inbox.front());
        process.has_read = true;
        check_that(decisions_.begun(process, process.inbox.front()->id, now_),
                   "the beginning of a job in turn was refused");
        break;
    case result:
        answers(process, answer::result);
        break;
    case throws:
        answers(process, answer::threw);
        break;
    case runs_out:
        answers(process, answer::out_of_memory);
        break;
    case leaves:
        process.says_it_leaves = true;
        check_that(decisions_.leaving(process, process.inbox.front()->id), "a process may not leave");
        break;
    case fails:
        answers(process, answer::failed);
        break;
    case lies:
        check_that(!decisions_.answered(process, 1'000'000, answer::result, now_) || process.termed || process.killed,
                   "an answer to nothing was taken");
        [[fallthrough]];
    case garbles:
        process.silent = true;
        decisions_.misbehaved(process, errc::bad_message);
        break;
    case crashes:
        end(process, process.is_ready ? errc::process_crashed : errc::launch_failed, false);
        break;
    case exits:
        end(process, process.is_ready ? errc::process_exited : errc::other_build, false);
        break;
    case says_where:
        decisions_.examined(process, now_);
        check_that(process.termed || process.killed || decisions_.has_actions(), "what has said where it hangs is not ended");
        break;
    case ends_untouched:
        end(process, errc::process_lost, true);
        break;
    default:
        throw broken{"nothing that happens to a process"};
    }
}

void world::begin(model_job& job)
{
    if (job.verdict)
        return; // it is not to be begun any more
    ++job.begun_times;
    job.begun_at = now_;
}

// A process that reads its jobs has begun one long before.
bool world::one_is_to_have_begun(time_point by) const
{
    auto all = alive();
    return std::any_of(all.begin(), all.end(),
                       [&](auto* process) { return process->deadline && *process->deadline <= by && !has_begun_one(*process); });
}

bool world::has_begun_one(model_process const& process) const
{
    return !process.jobs.empty() && process.jobs.front()->state == job_entry::status::begun;
}

void world::answers(model_process& process, answer how)
{
    auto& first = *process.inbox.front();
    if (announces() && !process.has_read && process.state != process_entry::status::retiring)
        begin(first); // it must have
    process.inbox.erase(process.inbox.begin());
    process.has_read = false;
    if (process.says_it_leaves)
        process.inbox.clear(); // it does not read them
    bool counts = !first.verdict;
    if (counts) {
        launches_.since_answer = 0;
        if (alive().size() > launches_.bearable) {
            launches_.in_a_row = 0;
            launches_.again.reset();
        }
    }
    answer_ = {&first, counts && how == answer::result};
    if (process.asked_where || process.termed || process.killed || first.verdict)
        process.silent = true; // what it still had to say
    else if ((process.told_last || process.says_it_leaves) && process.inbox.empty())
        process.must_end_by = now_ + rules_.limits.kill_after;
    check_that(decisions_.answered(process, first.id, how, now_), "an answer in turn was refused");
    check_that(process.jobs.empty() || !process.jobs.front()->verdict ||
                   process.state == process_entry::status::ending,
               "the turn of a job with a verdict has come, and its process is not ended");
}

void world::end(model_process& process, errc code, bool untouched)
{
    using status = process_entry::status;
    auto const* first = process.jobs.empty() ? nullptr : process.jobs.front();
    bool begun_none = first && !first->verdict && (untouched || first->state == job_entry::status::sent);
    bool unused = process.given == 0 && process.state != status::retiring;
    bool as_good_as_none = working() && (!process.is_ready || unused || begun_none);
    process.inbox.clear();
    if (untouched && first && !first->verdict)
        --of(process.jobs.front()).begun_times;
    if (as_good_as_none)
        launch_has_failed(!process.was_ready, code == errc::other_build, alive().size() - 1,
                          decisions_.at_work() - (first != nullptr));
    check_that(decisions_.process_ended(process, code, untouched, now_) == as_good_as_none,
               "whether a process was as good as none");
}

void world::launch_has_failed(bool tells_waiting, bool final, std::size_t left, std::size_t at_work)
{
    if (!working())
        return;
    ++misfortunes_;
    launches_.bearable = left;
    bool another = !launches_rest();
    if (another) {
        ++launches_.in_a_row;
        ++launches_.since_answer;
        launches_.again = now_ + launch_delay(launches_.in_a_row);
    }
    bool enough = another && launches_.since_answer >= (at_work ? 16 : 4) && at_work < rules_.limits.workers;
    waiting_fail_ = tells_waiting && (final || enough);
    if (waiting_fail_)
        launches_.in_a_row = launches_.since_answer = 0;
}

// ---- what is to be done ----

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
    auto* process = what.process ? &of(what.process) : nullptr;
    check_that(!process || process->alive(), "something is asked of a process that is gone");
    switch (what.what) {
    case action::kind::request_process:
        check_that(working(), "a process is requested without a run");
        ++requested_;
        check_that(!launches_rest() || alive().size() + requested_ <= launches_.bearable,
                   "more processes are requested as soon as one has failed");
        break;
    case action::kind::send:
        send(of(what.job), *process, what.last);
        break;
    case action::kind::retire:
        check_that(process->inbox.empty(), "a process with a job retires");
        process->let_go = true;
        process->must_end_by = now_ + rules_.limits.kill_after;
        break;
    case action::kind::ask_where:
        check_that(!process->asked_where && !process->termed, "a process is asked twice where it hangs, or too late");
        check_that(!process->inbox.empty() && process->inbox.front()->verdict == errc::timed_out, "one is asked that does not hang");
        process->asked_where = true;
        process->must_end_by = now_ + rules_.limits.examination + rules_.limits.kill_after;
        break;
    case action::kind::ask_to_end:
        check_that(!process->termed, "a process is asked to end twice");
        process->termed = true;
        process->must_end_by = now_ + rules_.limits.kill_after;
        break;
    case action::kind::kill:
        process->killed = true;
        process->must_end_by.reset();
        break;
    case action::kind::complete:
        complete(of(what.job), what.code);
        break;
    case action::kind::retry:
        retry(of(what.job), *what.code, what.attempt);
        break;
    case action::kind::ask_producer:
        check_that(working() && produces_ && !asked_, "the producer is asked out of turn");
        asked_ = true;
        break;
    }
}

void world::send(model_job& job, model_process& process, bool last)
{
    auto const& limits = rules_.limits;
    check_that(working(), "a job is sent without a run");
    check_that(process.is_ready && !process.has_to_end() && !process.told_last && !process.says_it_leaves,
               "a job is sent to a process that cannot take it");
    check_that(!job.not_before || now_ >= *job.not_before, "a job is tried again before its time");
    process.inbox.push_back(&job);
    check_that(process.inbox.size() <= 1 + limits.prefetch, "too many are sent ahead");
    check_that(last == (++process.given == limits.jobs_per_process), "which is the last");
    process.told_last = last;
    sent_now_.push_back(&job);
    if (!announces())
        begin(job);
}

void world::complete(model_job& job, std::optional<errc> code)
{
    bool answered = answer_ && answer_->first == &job && answer_->second;
    check_that(++job.completed == 1, "a job has ended twice");
    check_that(code || answered, "a job succeeds without a result");
    check_that(!answered || !code, "a result is lost");
    check_that(code != errc::launch_failed || waiting_fail_ || job.returned >= 4, "a job fails by a launch too early");
    check_that(!job.doomed_by || code == job.doomed_by, "the first verdict does not stand");
    check_that(!job.doomed_in || !job.doomed_in->alive(), "a job with a verdict ends before its process");
    job.succeeded = !code;
}

void world::retry(model_job& job, errc code, int attempt)
{
    check_that(job.attempts > 1 && !decisions_.stopping(), "one attempt too many");
    check_that(!job.doomed_by || (code == job.doomed_by && code == errc::timed_out),
               "what was ended on purpose is tried again");
    check_that(attempt < job.attempts, "a last attempt is tried again");
    check_that(attempt == job.begun_times, "which attempt has failed");
    job.doomed_by.reset();
    job.doomed_in = nullptr;
    job.has_ended_one |= code != errc::job_threw;
    job.not_before = now_ + attempt_delay(attempt, 0);
    check_that(job.again_at >= *job.not_before && job.again_at <= now_ + attempt_delay(attempt, 1023),
               "how long it waits for its next attempt");
}

// ---- what must hold ----

void world::check() const
{
    std::size_t waiting = 0, unanswered = 0, at_work = 0;
    for (auto& job : jobs_) {
        check_job(*job);
        waiting += job->state == job_entry::status::waiting || job->state == job_entry::status::delayed;
        unanswered += job->state == job_entry::status::sent || job->state == job_entry::status::begun;
    }
    auto living = alive();
    for (auto* process : living) {
        check_process(*process);
        at_work += !process->jobs.empty();
    }
    check_that(decisions_.waiting() == waiting, "the count of waiting jobs");
    check_that(decisions_.unanswered() == unanswered, "the count of unanswered jobs");
    check_that(decisions_.at_work() == at_work, "the count of processes at work");
    check_that(decisions_.processes() == living.size(), "the count of processes");
    check_that(at_work <= rules_.limits.workers, "more processes at work than workers");
    check_that(!decisions_.stopping() || waiting == 0, "a job waits though the run is stopping");
    check_that(decisions_.finished() == (decisions_.running() && decisions_.stopping() && living.empty()), "finished");
    check_time();
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
        check_that(!job.has_ended_one || its.size() == 1, "a job that has ended a process is beside another");
        check_that(!job.doomed_by || job.verdict == job.doomed_by, "a verdict has changed");
    }
    check_that(job.state != job_entry::status::sent || !decisions_.stopping() || job.verdict,
               "a job that was sent ahead is to begin after the stop");
}

void world::check_process(model_process const& process) const
{
    using status = process_entry::status;
    check_that(process.state != status::busy || process.jobs.empty() ||
                   has_begun_one(process) == (!announces() || process.has_read),
               "the first job of a process has not begun, or has though nobody said so");
    for (std::size_t i = 1; i < process.jobs.size(); ++i)
        check_that(process.jobs[i]->state == job_entry::status::sent, "a job has begun behind another");
    check_that((process.state == status::busy) == (!process.jobs.empty() && process.state != status::ending),
               "busy without a job");
    check_that(!process.deadline || process.state == status::busy, "a deadline without a job");
    check_that(!process.has_to_end() || process.state == status::ending || process.state == status::retiring,
               "a process that has to end is kept");
    // Whoever was asked to end is killed if it does not, and no later than promised: no job waits for ever behind it.
    check_that(!process.end_at || (process.asked_where && !process.termed && !process.kill_at), "it is asked where for no reason");
    auto next = process.end_at ? process.end_at : process.kill_at;
    check_that(process.state != status::ending || process.killed || next, "nobody will kill it");
    if (process.must_end_by) {
        check_that(next && *next <= *process.must_end_by, "nobody will kill it in time");
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

// It wakes for what is due, and for nothing else.
void world::check_time() const
{
    std::optional<time_point> first;
    auto consider = [&first](std::optional<time_point> const& when) {
        if (when && (!first || *when < *first))
            first = when;
    };
    for (auto* process : alive()) {
        consider(process->deadline);
        consider(process->kill_at);
        consider(process->end_at);
    }
    for (auto& job : jobs_)
        if (job->state == job_entry::status::delayed) {
            consider(job->again_at);
            check_that(!ticked_ || job->again_at > now_, "a job whose time has come is not in the queue");
        }
    if (first_in_queue())
        consider(launches_.again);
    check_that(first == decisions_.wake_at(), "when it wakes");
    if (ticked_)
        check_that(!first || *first > now_ || rules_.limits.kill_after == 0ns, "what was due was not done");
}

// Higher priority first, then first come, first served.
void world::check_order() const
{
    for (auto* sent : sent_now_)
        for (auto& job : jobs_)
            check_that(job->state != job_entry::status::waiting || goes_before(*sent, *job), "it was not its turn");
}

void world::check_progress() const
{
    if (!working())
        return;
    using status = process_entry::status;
    auto const& limits = rules_.limits;
    std::size_t idle = 0, coming = requested_, queued = 0;
    bool one_is_killed = false; // and replaced when it has ended
    auto living = alive();
    for (auto* process : living) {
        idle += process->state == status::idle;
        one_is_killed |= process->state == status::ending;
        coming += !process->was_ready; // one that is killed before it was ready is a launch that is about to fail
    }
    for (auto& job : jobs_)
        queued += job->state == job_entry::status::waiting;
    auto free_places = limits.workers - decisions_.at_work();
    auto const* next = first_in_queue();
    check_that(!(next && waiting_fail_), "a job waits though launches have failed often enough");
    check_that(!(next && idle && free_places), "a job waits beside a free process");
    if (next && !next->has_ended_one && !free_places && limits.prefetch)
        for (auto* process : living)
            check_that(process->state != status::busy || process->told_last || process->says_it_leaves || process->jobs.size() > limits.prefetch ||
                           of(process->jobs.front()).has_ended_one,
                       "a job waits that could be sent ahead");
    auto wanted = std::min(queued, free_places);
    if (launches_.again) { // or was passed, and nobody has looked
        check_that(idle + coming >= wanted || living.size() + requested_ >= launches_.bearable,
                   "a process that has ended is not replaced");
        return;
    }
    check_that(idle + coming >= wanted, "nobody starts a process for a waiting job");
    if (limits.jobs_per_process && !one_is_killed)
        check_that(idle + coming >= limits.ahead, "the stock is not filled up");
    if (produces_ && backlog_ == 0 && idle && free_places && decisions_.waiting() == 0)
        check_that(asked_, "the producer is not asked beside a free process");
}

// ---- the end ----

void world::settle()
{
    using enum happening;
    if (!decisions_.running())
        play({run});
    for (int i = 0; i < 10'000 && !decisions_.finished(); ++i)
        if (asked_)
            play({produce_no_more});
        else if (all_ended() && !decisions_.stopping())
            play({stop});
        else if (!settle_one(i % 3 != 0))
            throw broken{"nothing can happen any more, and the run has not ended"};
    check_that(decisions_.finished(), "the run does not end");
    check_that(all_ended(), "a job has not ended");
    play({end_run});
}

bool world::settle_one(bool with_a_word_before)
{
    using enum happening;
    for (auto* process : alive()) {
        if (process->has_to_end()) {
            if (process->killed || process->number % 2) // a stubborn one ends only when it is killed
                return play({exits, process->number}), true;
        } else if (!process->is_ready) {
            return play({ready, process->number}), true;
        } else if (!process->inbox.empty()) {
            bool says_so = announces() && !process->has_read && with_a_word_before;
            return play({says_so ? begins : result, process->number}), true;
        }
    }
    if (requested_ && !decisions_.stopping())
        return play({born}), true;
    if (decisions_.wake_at())
        return play({time_passes}), true;
    return false;
}

// ---- which state it is ----

namespace {

/// Numbers one after the other, as bytes.
class digest {
public:
    template <class... Numbers>
    digest& operator()(Numbers... numbers)
    {
        (add(static_cast<std::int64_t>(numbers)), ...);
        return *this;
    }
    std::string text;

private:
    void add(std::int64_t number) { text.append(reinterpret_cast<char const*>(&number), sizeof number); }
};

} // namespace

std::string world::state() const
{
    digest all;
    auto till = [this](std::optional<time_point> when) { return when ? (*when - now_).count() : -1; };
    for (auto& job : jobs_)
        if (job->completed)
            all(job->state);
        else
            all(job->state, job->attempt, job->returned, job->has_ended_one, job->verdict.value_or(errc{}),
                job->state == job_entry::status::delayed ? till(job->again_at) : 0);
    using status = process_entry::status;
    std::vector<std::string> leaving; // whose order makes no difference
    for (auto* process : alive()) {
        digest one;
        one(process->state, std::min(process->taken, 1 + rules_.limits.jobs_per_process), till(process->kill_at),
            has_begun_one(*process) ? till(process->deadline) : 0, process->is_ready, process->has_to_end(), process->silent, process->termed,
            process->asked_where, till(process->end_at), process->killed, process->has_read, process->says_it_leaves,
            process->inbox.size());
        for (auto* job : process->jobs)
            one(job->id);
        bool leaves = process->state == status::retiring || process->state == status::ending;
        leaves ? leaving.push_back(one.text) : void(all.text += one.text);
    }
    std::sort(leaving.begin(), leaving.end());
    for (auto& one : leaving)
        all.text += one;
    all(-2, requested_, misfortunes_, launches_.in_a_row, launches_.since_answer, launches_.bearable,
        till(launches_.again), decisions_.running(), decisions_.stopping(), decisions_.terminating());
    return std::move(all.text);
}

} // namespace wodehaus::detail
